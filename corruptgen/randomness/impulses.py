"""Salt and pepper from any source of draws, with a shortcut for the keyed stream."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.stream import WORD_RANGE, Stream

SALT, UNTOUCHED, PEPPER = 1, 0, -1


def draw_impulses(rng: Draws, shape: Sequence[int], amount: float) -> NDArray[np.int8]:
    """Draw which samples turn white and which turn black.

    Two uniform numbers belong to every sample, first one for each, then the other for each: below `amount` the first
    one hits the sample, below 1/2 the second one makes it white.

    Parameters
    ----------
    rng : Draws
        Source of the draws.
    shape : sequence of int
        Shape of the result.
    amount : float
        Share of the samples that are hit, in [0, 1].

    Returns
    -------
    ndarray of int8
        int8 array of `shape`: 1 for salt, -1 for pepper, 0 for a sample left alone.
    """
    if isinstance(rng, Stream):
        marks = np.empty(tuple(shape), np.int8)
        threshold = np.uint64(np.ceil(amount * WORD_RANGE))
        _fill_marks(marks.ravel(), rng.words(marks.size), rng.words(marks.size), threshold)
        return marks
    hit = rng.random(tuple(shape)) < amount
    white = rng.random(tuple(shape)) < 0.5
    return np.where(hit, np.where(white, np.int8(SALT), np.int8(PEPPER)), np.int8(UNTOUCHED))


@njit(cache=True, nogil=True)
def _fill_marks(marks, hits, colours, threshold):  # pragma: no cover - compiled
    """Compare words instead of fractions: word * 2^-32 < amount exactly if word < ceil(amount * 2^32)."""
    for i in range(marks.size):
        colour = np.int8(SALT) if colours[i] < np.uint32(0x80000000) else np.int8(PEPPER)
        marks[i] = colour if np.uint64(hits[i]) < threshold else np.int8(UNTOUCHED)
