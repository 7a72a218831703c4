"""Salt and pepper on the bytes of an image, in one pass from random words to samples."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import WORD_RANGE, Stream

_CHUNK = 2048
_WHITE, _BLACK = np.uint8(255), np.uint8(0)


def salted(image: NDArray[np.uint8], rng: Stream, amount: float) -> NDArray[np.uint8]:
    """Give the image with the marks of `randomness.impulses` on it; samples without a mark keep their byte."""
    samples = np.empty(image.shape, np.uint8)
    # A word is below the share `amount` of all words up to this one; -1 if there is no such word.
    last = min(math.ceil(amount * WORD_RANGE), WORD_RANGE) - 1
    hits, colours = rng.skip(image.size), rng.skip(image.size)
    if last < 0:
        return image.copy()
    _fill_salted(samples.ravel(), np.ascontiguousarray(image).ravel(), *hits, colours[-1], np.uint32(last))
    return samples


@njit(cache=True, nogil=True)
def _fill_salted(samples, image, key, counter, first_hit, first_colour, last):  # type: ignore[no-untyped-def]
    hits, colours = np.empty(_CHUNK, np.uint32), np.empty(_CHUNK, np.uint32)
    for start in range(0, image.size, _CHUNK):
        length = min(_CHUNK, image.size - start)
        words = (length + WORDS_PER_BLOCK - 1) // WORDS_PER_BLOCK * WORDS_PER_BLOCK
        fill_words(hits[:words], key, counter, first_hit + start // WORDS_PER_BLOCK)
        fill_words(colours[:words], key, counter, first_colour + start // WORDS_PER_BLOCK)
        before = image[start : start + length]
        after = samples[start : start + length]
        for i in range(length):
            colour = _WHITE if np.int32(colours[i]) >= np.int32(0) else _BLACK
            after[i] = colour if hits[i] <= last else before[i]
