"""The shuffle of neighbouring pixels behind frosted glass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit


def shuffled(image: NDArray[np.uint8], offsets: NDArray[Any], reach: int, *, exchange: bool) -> NDArray[np.uint8]:
    """Visit the pixels from the bottom right to the top left and fetch another one to each.

    Parameters
    ----------
    image : (H, W, C) uint8
    offsets : ((H - 2 * reach) * (W - 2 * reach), 2) whole numbers in [-reach, reach): by how many
        columns and rows away the other pixel is, in order of the visit
    reach : width in pixels of the border that is not visited: rows and columns below `reach` + 1 or above the length
        less `reach` stay
    exchange : whether the other pixel gets this one's value
    """
    result = image.copy()
    _shuffle(result, offsets, reach, exchange)
    return result


def shuffle_by_words(image: NDArray[np.uint8], words: NDArray[np.uint32], reach: int, *, exchange: bool) -> None:
    """Do in place what `shuffled` does, by offsets that our own stream's `integers` would make of its words."""
    _shuffle_by_words(image.reshape(image.shape[0], -1), words, image.shape[2], reach, exchange)


@njit(cache=True, nogil=True)
def _shuffle(image, offsets, reach, exchange):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    visit = 0
    for y in range(height - reach, reach, -1):
        for x in range(width - reach, reach, -1):
            column = x + offsets[visit, 0]
            row = y + offsets[visit, 1]
            visit += 1
            for c in range(channels):
                here = image[y, x, c]
                image[y, x, c] = image[row, column, c]
                if exchange:
                    image[row, column, c] = here


@njit(cache=True, nogil=True, error_model="numpy")
def _shuffle_by_words(image, words, channels, reach, exchange):  # type: ignore[no-untyped-def]
    height, size = image.shape
    width = size // channels
    inner = width - 2 * reach
    span, bits = np.uint64(2 * reach), np.uint64(32)
    samples = image.ravel()
    # The offsets of a row first, apart from the moves, each of which waits for the one before.
    offsets = np.empty(max(inner, 0), np.int64)
    visit = 0
    for y in range(height - reach, reach, -1):
        row = words[visit : visit + 2 * inner]
        for i in range(inner):
            right = np.int64((np.uint64(row[2 * i]) * span) >> bits) - reach
            down = np.int64((np.uint64(row[2 * i + 1]) * span) >> bits) - reach
            offsets[i] = down * size + right * channels
        visit += 2 * inner
        here = y * size + (width - reach) * channels
        for i in range(inner):
            there = np.uint64(here + offsets[i])
            for c in range(channels):
                place, other = np.uint64(here) + np.uint64(c), there + np.uint64(c)
                value = samples[place]
                samples[place] = samples[other]
                if exchange:
                    samples[other] = value
            here -= channels
