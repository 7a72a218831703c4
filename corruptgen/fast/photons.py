"""Photon counts of the bytes of an image, by one table per grey level."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize
from corruptgen.compilation import njit
from corruptgen.declare import Pixels
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.poisson import LARGEST_SUMMED, LONGEST, fill_thresholds
from corruptgen.randomness.stream import Stream
from corruptgen.runtime.caching import keep_arrays

_CHUNK = 1024
_LEVELS = 256
# The top eight bits of a word say where in the table of thresholds the search begins.
_GUIDES = 256
_GUIDE_BITS, _GUIDE_SHIFT = np.uint64(8), np.uint32(24)
_ONE = np.uint64(1)
_NEVER = 0xFFFFFFFF


def counted(image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, photons: float) -> NDArray[np.uint8] | None:
    """Give the stored samples of poisson(image * photons) / photons; None for more photons than are worth a table."""
    if not 0 < photons <= LARGEST_SUMMED:
        return None
    samples = np.empty(image.shape, np.uint8)
    tables = _tables(photons, arithmetic.precision, arithmetic.rounding)
    words = np.empty(_CHUNK, np.uint32)
    _fill_counted(samples.ravel(), image.ravel(), *rng.skip(image.size), words, *tables)
    return samples


# One entry per severity of up to three tables at once, of at most 0.9 MB.
@keep_arrays
def _tables(photons: float, precision: str, rounding: str) -> tuple[NDArray[Any], ...]:
    """Give the thresholds less one and the guides, level after level, and the stored sample of every count."""
    thresholds = np.full((_LEVELS, LONGEST + 1), _NEVER, np.uint32)
    guides = np.empty((_LEVELS, _GUIDES), np.uint16)
    longest = _fill_tables(thresholds, guides, (Arithmetic(precision, rounding).units * photons).astype(np.float64))
    values = quantize(np.arange(longest + 1) / photons, Pixels.UNIT, BYTE, rounding)
    # The guides are as small as can be: all tables together should stay in the processor's own memory.
    return thresholds[:, : longest + 1].ravel(), guides.astype(np.min_scalar_type(longest)).ravel(), values


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_tables(thresholds, guides, expected):  # type: ignore[no-untyped-def]
    longest = 0
    for level in range(_LEVELS):
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
def _fill_counted(samples, image, key, counter, first_block, words, thresholds, guides, values):  # type: ignore[no-untyped-def]
    width = np.uint64(thresholds.size // _LEVELS)
    for start in range(0, image.size, _CHUNK):
        fill_words(words, key, counter, first_block + start // WORDS_PER_BLOCK)
        before = image[start : start + _CHUNK]
        after = samples[start : start + _CHUNK]
        for i in range(before.size):
            level, word = np.uint64(before[i]), words[i]
            count = np.uint64(guides[(level << _GUIDE_BITS) | np.uint64(word >> _GUIDE_SHIFT)])
            while thresholds[level * width + count] < word:
                count += _ONE
            after[i] = values[count]
