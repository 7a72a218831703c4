"""Salt and pepper on the bytes of an image, in one pass from random words to samples."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import WORD_RANGE, Stream

_CHUNK = 1024
_WHITE, _BLACK = np.uint8(255), np.uint8(0)


def salted(image: NDArray[np.uint8], rng: Stream, amount: float) -> NDArray[np.uint8]:
    """Give the image with the marks of `randomness.impulses` on it; samples without a mark keep their byte."""
    # A word is below the share `amount` of all words up to this one; -1 if there is no such word.
    last = min(math.ceil(amount * WORD_RANGE), WORD_RANGE) - 1
    hits, colours = rng.skip(image.size), rng.skip(image.size)
    if last < 0:
        return image.copy()
    samples = np.empty(image.shape, np.uint8)
    words = np.empty(_CHUNK, np.uint32), np.empty(_CHUNK, np.uint32)
    _fill_salted(samples.ravel(), image.ravel(), *words, *hits, colours[-1], last)
    return samples


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_salted(samples, image, hits, colours, key, counter, first_hit, first_colour, last):  # type: ignore[no-untyped-def]
    last_hit = np.uint32(last)
    for start in range(0, image.size, _CHUNK):
        fill_words(hits, key, counter, first_hit + start // WORDS_PER_BLOCK)
        fill_words(colours, key, counter, first_colour + start // WORDS_PER_BLOCK)
        before = image[start : start + _CHUNK]
        after = samples[start : start + _CHUNK]
        for i in range(before.size):
            colour = _WHITE if np.int32(colours[i]) >= np.int32(0) else _BLACK
            after[i] = colour if hits[i] <= last_hit else before[i]
