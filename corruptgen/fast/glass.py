"""The shuffle of neighbouring pixels behind frosted glass."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.fast.scratch import scratch
from corruptgen.randomness.philox import fill_words
from corruptgen.randomness.stream import Stream

COLOURS = 3
# So many are moved by words that are drawn together: enough for a sweep, and few enough to stay in the processor.
PIXELS_AT_ONCE = 2048


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
    # A colour is moved in one piece.
    in_colour = channels == COLOURS
    moved: NDArray[Any] = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA).view(np.uint32) if in_colour else image.copy()
    inner = (max(height - 2 * reach, 0), max(width - 2 * reach, 0))
    tall = _rows_at_once(inner[1])
    origins = [rng.skip(2 * inner[0] * inner[1]) for _ in range(times)]
    if origins:
        words, offsets = scratch("uint32", 2 * inner[1] * tall), scratch("int64", inner[1] * tall)
        pixels = moved.reshape(height * width)
        # The words of each time begin where those of the time before end.
        _shuffle_by_words(pixels, width, words, offsets, tall, *origins[0], reach, times, exchange)
    result: NDArray[Any] = cv2.cvtColor(moved.view(np.uint8), cv2.COLOR_RGBA2RGB) if in_colour else moved
    return result


def _rows_at_once(width: int) -> int:
    """Give how many rows of pixels are moved by the words of one sweep: an even number of them, and so whole blocks."""
    return 2 * max(1, PIXELS_AT_ONCE // (2 * max(width, 1)))


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
def _shuffle_by_words(  # type: ignore[no-untyped-def]
    pixels, width, words, offsets, tall, key, counter, block, reach, times, exchange
):
    height, inner = pixels.size // width, max(width - 2 * reach, 0)
    span, bits = np.uint64(2 * reach), np.uint64(32)
    for _ in range(times):
        bottom = height - reach
        while bottom > reach:
            rows = min(tall, bottom - reach)
            # All offsets first, apart from the moves, each of which waits for the one before.
            blocks = (2 * rows * inner + 3) // 4
            fill_words(words[: 4 * blocks], key, counter, block)
            block += blocks
            for i in range(np.uint64(rows * inner)):
                right, down = np.uint64(words[i + i]), np.uint64(words[i + i + np.uint64(1)])
                offsets[i] = np.int64((down * span) >> bits) * width + np.int64((right * span) >> bits)
            for row in range(rows):
                here, first = (bottom - row) * width + width - reach, row * inner
                for i in range(inner):
                    place = np.uint64(here - i)
                    other = np.uint64(here - i - reach * width - reach + offsets[np.uint64(first + i)])
                    value = pixels[place]
                    pixels[place] = pixels[other]
                    if exchange:
                        pixels[other] = value
            bottom -= rows
