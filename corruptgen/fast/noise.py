"""Noise of the sensor, in one pass from random words to samples."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize
from corruptgen.compilation import njit
from corruptgen.corruptions.common.noise import (
    gaussian_noise,
    impulse_noise,
    patch_gaussian,
    shot_noise,
    speckle_noise,
)
from corruptgen.declare import Pixels, fused
from corruptgen.fast.bounds import byte_of
from corruptgen.fast.fractions import fraction_of, parts_of_a_level
from corruptgen.patterns.squares import random_square
from corruptgen.randomness.normals import fill_chunk
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.poisson import LARGEST_SUMMED, LONGEST, fill_thresholds
from corruptgen.randomness.stream import WORD_RANGE, Stream
from corruptgen.runtime.caching import keep_arrays

# Samples whose words and normal numbers stay in the processor's nearest cache.
CHUNK = 1024
# Standard deviations up to this, in full scales, have levels that `byte_of` takes.
MOST_NOISE = 1e4


@fused(gaussian_noise)
def _gaussian_noise(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, sigma: float
) -> NDArray[np.uint8] | None:
    return _add_noise(image, rng, arithmetic, sigma, in_proportion=False)


@fused(speckle_noise)
def _speckle_noise(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, sigma: float
) -> NDArray[np.uint8] | None:
    return _add_noise(image, rng, arithmetic, sigma, in_proportion=True)


@fused(patch_gaussian)
def _patch_gaussian(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, width: float, sigma: float
) -> NDArray[np.uint8] | None:
    if not 0 <= sigma <= MOST_NOISE:
        return None
    square = random_square(image.shape, width, rng)
    noisy, result = _add_noise(image, rng, arithmetic, sigma, in_proportion=False), image.copy()
    if noisy is not None:
        result[square] = noisy[square]
    return result


def _add_noise(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, sigma: float, *, in_proportion: bool
) -> NDArray[np.uint8] | None:
    """Return the stored samples of image + sigma * noise, or of image + image * (sigma * noise)."""
    if not 0 <= sigma <= MOST_NOISE:
        return None
    result = np.empty(image.shape, np.uint8)
    origin = rng.skip(image.size + image.size % 2)
    fixed, share = (0.0, float(sigma)) if in_proportion else (float(sigma), 0.0)
    parts = parts_of_a_level(arithmetic.precision)
    _fill_noise(result.ravel(), image.ravel(), origin, parts, (fixed, share), arithmetic.half)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_noise(result, image, origin, parts, sigmas, half):
    """Add noise; one of the two standard deviations, the fixed one and that in proportion to a sample, is 0."""
    key, counter, first_block = origin
    fixed, share = sigmas
    words, normals = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.float32)
    for start in range(0, image.size, CHUNK):
        fill_words(words, key, counter, first_block + start // WORDS_PER_BLOCK)
        fill_chunk(normals, words)
        before, after = image[start : start + CHUNK], result[start : start + CHUNK]
        if share:
            for i in range(before.size):
                unit = np.float64(fraction_of(before[i], parts))
                after[i] = byte_of((unit + unit * (share * np.float64(normals[i]))) * 255.0, half)
        else:
            for i in range(before.size):
                unit = np.float64(fraction_of(before[i], parts))
                after[i] = byte_of((unit + fixed * np.float64(normals[i])) * 255.0, half)


LEVELS = 256
# The top eight bits of a word say where in the table of thresholds the search begins.
_GUIDES = 256
_GUIDE_BITS, _GUIDE_SHIFT = np.uint64(8), np.uint32(24)
_ONE = np.uint64(1)
_NEVER = 0xFFFFFFFF


@fused(shot_noise)
def _shot_noise(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, photons: float
) -> NDArray[np.uint8] | None:
    # More photons are not worth a table.
    if not 0 < photons <= LARGEST_SUMMED:
        return None
    result = np.empty(image.shape, np.uint8)
    tables = _tables(photons, arithmetic.precision, arithmetic.rounding)
    fill_counted(result.ravel(), image.ravel(), rng.skip(image.size), *tables)
    return result


# One entry per severity of up to three tables at once, of at most 0.9 MB.
@keep_arrays
def _tables(photons: float, precision: str, rounding: str) -> tuple[NDArray[Any], ...]:
    """Return the tables of counts, and the stored sample of every count."""
    thresholds, guides, counts = count_tables(Arithmetic(precision, rounding).units * photons)
    return thresholds, guides, quantize(counts / photons, Pixels.UNIT, BYTE, rounding)


def count_tables(expected: NDArray[np.floating[Any]]) -> tuple[NDArray[Any], ...]:
    """Return the thresholds less one and the guides of 256 expectations, one after the other, and all counts."""
    thresholds = np.full((LEVELS, LONGEST + 1), _NEVER, np.uint32)
    guides = np.empty((LEVELS, _GUIDES), np.uint16)
    longest = _fill_tables(thresholds, guides, expected.astype(np.float64))
    # The guides are as small as can be: all tables together should stay in the processor's own memory.
    smallest = np.min_scalar_type(longest)
    return thresholds[:, : longest + 1].ravel(), guides.astype(smallest).ravel(), np.arange(longest + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_tables(thresholds, guides, expected):
    longest = 0
    for level in range(LEVELS):
        row = thresholds[level]
        length = fill_thresholds(row, expected[level])
        longest = length if length > longest else longest
        k = 0
        for top in range(_GUIDES):
            while k < length and row[k] <= np.uint32(top << _GUIDE_SHIFT):
                k += 1
            guides[level, top] = k
        # Less one, so that the end of the table is above every word; a threshold of 0 lies before every guide.
        for k in range(length):
            row[k] -= np.uint32(1)
    return longest


@njit(cache=True, nogil=True, error_model="numpy")
def fill_counted(result, image, origin, thresholds, guides, values):
    """Draw a count for each sample from the tables of its level, and store the value of the count."""
    key, counter, first_block = origin
    words = np.empty(CHUNK, np.uint32)
    width = np.uint64(thresholds.size // LEVELS)
    for start in range(0, image.size, CHUNK):
        fill_words(words, key, counter, first_block + start // WORDS_PER_BLOCK)
        before, after = image[start : start + CHUNK], result[start : start + CHUNK]
        for i in range(before.size):
            level, word = np.uint64(before[i]), words[i]
            count = np.uint64(guides[(level << _GUIDE_BITS) | np.uint64(word >> _GUIDE_SHIFT)])
            while thresholds[level * width + count] < word:
                count += _ONE
            after[i] = values[count]


_WHITE, _BLACK = np.uint8(255), np.uint8(0)


@fused(impulse_noise)
def _impulse_noise(image: NDArray[np.uint8], rng: Stream, _: Arithmetic, *, amount: float) -> NDArray[np.uint8]:
    # A word is below the share `amount` of all words up to this one; -1 if there is no such word.
    last = min(math.ceil(amount * WORD_RANGE), WORD_RANGE) - 1
    hits, colours = rng.skip(image.size), rng.skip(image.size)
    if last < 0:
        return image.copy()
    result = np.empty(image.shape, np.uint8)
    _fill_impulses(result.ravel(), image.ravel(), hits, colours[-1], last)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_impulses(result, image, origin, first_colour, last):
    key, counter, first_hit = origin
    hits, colours = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.uint32)
    last_hit = np.uint32(last)
    for start in range(0, image.size, CHUNK):
        fill_words(hits, key, counter, first_hit + start // WORDS_PER_BLOCK)
        fill_words(colours, key, counter, first_colour + start // WORDS_PER_BLOCK)
        before, after = image[start : start + CHUNK], result[start : start + CHUNK]
        for i in range(before.size):
            own, colour = before[i], _WHITE if np.int32(colours[i]) >= np.int32(0) else _BLACK
            after[i] = colour if hits[i] <= last_hit else own
