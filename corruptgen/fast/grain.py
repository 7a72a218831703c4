"""Normal noise on the bytes of an image, in one pass from random words to samples."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.fast.doubts import byte_of
from corruptgen.randomness.normals import fill_chunk
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream

_CHUNK = 1024
_STRIP = 128
# The float32 estimate of a sample in 0..255, in 1/65536, is off by less than 6 of them. If it is nearer than 8 to a
# whole number, its strip is computed in float64, as the formula does it; that is one strip in thirty.
_BITS, _FRACTION = np.int32(16), np.int32(0xFFFF)
_DOUBT = np.int32(8)
# Estimates are cut off at 1/2 and 255 1/2: beyond black and white nothing is in doubt.
_SCALE = np.float32(65536)
_DARKEST, _BRIGHTEST = np.int32(1 << 15), np.int32(511 << 15)
# With less noise than this no estimate leaves the range of the whole numbers.
_LARGEST_SIGMA = 10.0


def grained(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, sigma: float, *, in_proportion: bool
) -> NDArray[np.uint8] | None:
    """Give the stored samples of image + sigma * noise, or of image + image * (sigma * noise) if `in_proportion`.

    None for more noise than anyone wants.

    Parameters
    ----------
    image : (H, W, C) uint8
    sigma : standard deviation as a fraction of full scale, or of the sample itself
    """
    if not 0 <= sigma <= _LARGEST_SIGMA:
        return None
    samples = np.empty(image.shape, np.uint8)
    origin = rng.skip(image.size + image.size % 2)
    fixed, share = (0.0, sigma) if in_proportion else (sigma, 0.0)
    units = _units(arithmetic.precision)
    work = np.empty(_CHUNK, np.uint32), np.empty(_CHUNK, np.float32)
    _fill_grained(samples.ravel(), image.ravel(), *origin, *work, units, fixed, share, arithmetic.half)
    return samples


@lru_cache(maxsize=2)
def _units(precision: str) -> NDArray[np.float64]:
    """Give what the formula makes of the bytes 0 to 255 before it adds noise, which is float64."""
    return Arithmetic(precision, "truncate").units.astype(np.float64)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_grained(  # type: ignore[no-untyped-def]
    samples, image, key, counter, first_block, words, normals, units, fixed, share, half
):
    fixed_estimate, share_estimate, half_estimate = np.float32(fixed * 255.0), np.float32(share), np.float32(half)
    for start in range(0, image.size, _CHUNK):
        fill_words(words, key, counter, first_block + start // WORDS_PER_BLOCK)
        fill_chunk(normals, words)
        for strip in range(0, _CHUNK, _STRIP):
            before = image[start + strip : start + strip + _STRIP]
            after = samples[start + strip : start + strip + _STRIP]
            noise = normals[strip : strip + _STRIP]
            nearest = _FRACTION
            for i in range(before.size):
                level = np.float32(before[i])
                noisy = level + (fixed_estimate + share_estimate * level) * noise[i] + half_estimate
                estimate = np.int32(noisy * _SCALE)
                estimate = estimate if estimate > _DARKEST else _DARKEST
                estimate = estimate if estimate < _BRIGHTEST else _BRIGHTEST
                after[i] = np.uint8(np.int32(estimate >> _BITS))
                distance = np.int32(np.int32(estimate + _DOUBT) & _FRACTION)
                nearest = distance if distance < nearest else nearest
            if nearest < 2 * _DOUBT:
                for i in range(before.size):
                    unit, normal = units[before[i]], np.float64(noise[i])
                    exact = (unit + unit * (share * normal) if share else unit + fixed * normal) * 255.0
                    after[i] = byte_of(exact, half)
