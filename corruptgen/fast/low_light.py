"""Few photons and the noise of a sensor: counts by tables of 256 levels, and normal noise added as they are stored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.natural.low_light import count_light, counted_light, dark_exposure, expose_darkly
from corruptgen.declare import fused
from corruptgen.fast.bounds import byte_of
from corruptgen.fast.noise import CHUNK, MOST_NOISE, count_tables, fill_counted
from corruptgen.randomness.normals import fill_chunk
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.poisson import LARGEST_SUMMED
from corruptgen.randomness.stream import Stream
from corruptgen.runtime.caching import keep_arrays

BRIGHTEST = 255


@fused(counted_light)
def _counted_light(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, photons: float, sigma: float
) -> NDArray[np.uint8] | None:
    return _seen(image, rng, arithmetic, (0, BRIGHTEST, None), photons, sigma)


@fused(dark_exposure)
def _dark_exposure(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, peak: float, photons: float, sigma: float
) -> NDArray[np.uint8] | None:
    return _seen(image, rng, arithmetic, (int(image.min()), int(image.max()), peak), photons, sigma)


def _seen(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    exposure: tuple[int, int, float | None],
    photons: float,
    sigma: float,
) -> NDArray[np.uint8] | None:
    # Counts of more photons have no tables.
    if not (0 < photons <= LARGEST_SUMMED and 0 <= sigma <= MOST_NOISE):
        return None
    units, result = np.empty(image.shape, np.float64), np.empty(image.shape, np.uint8)
    fill_counted(units.ravel(), image.ravel(), rng.skip(image.size), *_tables(exposure, photons, arithmetic.precision))
    _add_normals(result.ravel(), units.ravel(), rng.skip(image.size + image.size % 2), float(sigma), arithmetic.half)
    return result


@keep_arrays
def _tables(exposure: tuple[int, int, float | None], photons: float, precision: str) -> tuple[NDArray[Any], ...]:
    """Return the tables of counts of images from one level to another, and the unit of every count."""
    darkest, brightest, peak = exposure
    # Levels that are not in the image are like its darkest and brightest.
    units = Arithmetic(precision, "truncate").units.clip(*Arithmetic(precision, "truncate").units[[darkest, brightest]])
    thresholds, guides, counts = count_tables((units if peak is None else expose_darkly(units, peak)) * photons)
    return thresholds, guides, count_light(counts, photons)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_normals(result, units, origin, sigma, half):
    key, counter, first_block = origin
    words, normals = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.float32)
    for start in range(0, units.size, CHUNK):
        fill_words(words, key, counter, first_block + start // WORDS_PER_BLOCK)
        fill_chunk(normals, words)
        before, after = units[start : start + CHUNK], result[start : start + CHUNK]
        for i in range(before.size):
            after[i] = byte_of((before[i] + sigma * np.float64(normals[i])) * 255.0, half)
