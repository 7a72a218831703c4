"""Frosted glass: the shuffle of neighbouring pixels, by offsets that are made of the stream's words on the way."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.common.blur import glass_blur
from corruptgen.declare import fused
from corruptgen.fast.gaussian import smooth_bytes
from corruptgen.randomness.philox import fill_words
from corruptgen.randomness.stream import Stream

COLOURS = 3
# Pixels whose words are drawn together, which stay in the processor's nearest cache.
PIXELS_AT_ONCE = 2048
# How the formula stores what pixels are moved in, whatever the table's arithmetic.
IN_BETWEEN = Arithmetic("float64", "truncate")


@fused(glass_blur)
def _glass_blur(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    sigma: float,
    reach: int,
    iterations: int,
    exchange: bool,
) -> NDArray[np.uint8]:
    moved = smooth_bytes(image, sigma, IN_BETWEEN)
    moved = shuffle_by_stream(moved, rng, reach, times=iterations, exchange=exchange)
    return smooth_bytes(moved, sigma, Arithmetic("float64", arithmetic.rounding))


def shuffle_by_stream(
    image: NDArray[np.uint8], rng: Stream, reach: int, *, times: int, exchange: bool
) -> NDArray[np.uint8]:
    """Do `times` times what `corruptgen.ops.shuffle.shuffled` does, by offsets that `rng.integers` would return."""
    height, width, channels = image.shape
    # A colour is moved in one piece.
    in_colour = channels == COLOURS
    moved: NDArray[Any] = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA).view(np.uint32) if in_colour else image.copy()
    inner = (max(height - 2 * reach, 0), max(width - 2 * reach, 0))
    origins = [rng.skip(2 * inner[0] * inner[1]) for _ in range(times)]
    for origin in origins:
        _shuffle(moved.ravel(), (height, width), origin, inner, reach, exchange)
    result: NDArray[Any] = cv2.cvtColor(moved.view(np.uint8), cv2.COLOR_RGBA2RGB) if in_colour else moved
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _shuffle(pixels, shape, origin, inner, reach, exchange):
    key, counter, block = origin
    height, width = shape
    tall, wide = inner
    # An even number of rows has whole blocks of words.
    at_once = 2 * max(1, PIXELS_AT_ONCE // (2 * max(wide, 1)))
    words = np.empty(2 * wide * at_once, np.uint32)
    span, bits, one, step = np.uint64(2 * reach), np.uint64(32), np.uint64(1), np.uint64(width)
    for done in range(0, tall, at_once):
        rows = min(at_once, tall - done)
        blocks = (2 * rows * wide + 3) // 4
        fill_words(words[: 4 * blocks], key, counter, block)
        block += blocks
        for row in range(rows):
            y = height - reach - done - row
            # Places without a sign, or the compiler would mind those that count from the end.
            last, corner = np.uint64(y * width + width - reach), np.uint64((y - reach) * width + width - 2 * reach)
            for i in range(np.uint64(wide)):
                place = np.uint64(2) * (np.uint64(row * wide) + i)
                column, other = (np.uint64(words[place]) * span) >> bits, (np.uint64(words[place + one]) * span) >> bits
                here, there = last - i, corner - i + other * step + column
                value = pixels[here]
                pixels[here] = pixels[there]
                if exchange:
                    pixels[there] = value
