"""The shuffle of neighbouring pixels behind frosted glass."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.randomness.stream import Stream

COLOURS = 3


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


def shuffled_by_stream(
    image: NDArray[np.uint8], rng: Stream, reach: int, *, times: int, exchange: bool
) -> NDArray[np.uint8]:
    """Do so many times what `shuffled` does, by offsets that the stream's `integers` would make of its words."""
    height, width, channels = image.shape
    inner = max(height - 2 * reach, 0) * max(width - 2 * reach, 0)
    # A colour is moved in one piece.
    in_colour = channels == COLOURS
    moved: NDArray[Any] = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA).view(np.uint32) if in_colour else image.copy()
    for _ in range(times):
        _shuffle_by_words(moved.reshape(height, width), rng.words(2 * inner), reach, exchange)
    result: NDArray[Any] = cv2.cvtColor(moved.view(np.uint8), cv2.COLOR_RGBA2RGB) if in_colour else moved
    return result


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
def _shuffle_by_words(image, words, reach, exchange):  # type: ignore[no-untyped-def]
    height, width = image.shape
    inner = width - 2 * reach
    span, bits = np.uint64(2 * reach), np.uint64(32)
    pixels = image.ravel()
    # The offsets of a row first, apart from the moves, each of which waits for the one before.
    offsets = np.empty(max(inner, 0), np.int64)
    visit = 0
    for y in range(height - reach, reach, -1):
        row = words[visit : visit + 2 * inner]
        for i in range(inner):
            right = np.int64((np.uint64(row[2 * i]) * span) >> bits) - reach
            down = np.int64((np.uint64(row[2 * i + 1]) * span) >> bits) - reach
            offsets[i] = down * width + right
        visit += 2 * inner
        here = y * width + width - reach
        for i in range(inner):
            place, other = np.uint64(here), np.uint64(here + offsets[i])
            value = pixels[place]
            pixels[place] = pixels[other]
            if exchange:
                pixels[other] = value
            here -= 1
