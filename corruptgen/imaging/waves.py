"""Bytes moved by smoothed draws: in float32, and in float64 as in the formula where that leaves a byte in doubt."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.borders import border_indices
from corruptgen.imaging.doubts import UNIT_ROUNDOFF
from corruptgen.imaging.gathers import folded, neighbour
from corruptgen.imaging.gaussian import gaussian_weights, pad, weigh
from corruptgen.imaging.lanes import blend_pixels
from corruptgen.imaging.pixels import Arithmetic
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import WORD_RANGE, Stream

# How far the image is continued by its mirror image; what is taken from beyond is computed in float64.
FRAME = 16
# Rows of a power of two would all lie in the same lines of the processor's cache.
GAP = 8
# Of a row of samples that are searched for doubts together.
CHUNK = 32
# Between the formula and the approximation, in grey levels. The formula rounds a byte to float32, the blend of four of
# them, and that to levels and what is stored: 4 roundings. The approximation rounds two positions and what is left of a
# pixel, which the four weights feel as 4 roundings, their products, those with the samples, and two sums: 8.
MARGIN = 255 * UNIT_ROUNDOFF * 14


def moved_by_waves(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    reach: float,
    sigmas: tuple[float, float],
    truncate: float,
    gain: float,
) -> NDArray[np.uint8]:
    """Give the stored samples of an image in [0, 1] that is displaced by smoothed uniform draws, to the right and down.

    Each of the two fields is, in float32, `gain` times what `corruptgen.imaging.gaussian.smooth_separably` makes of
    (H, W) draws from -`reach` to `reach` with the border "reflect".

    Parameters
    ----------
    image : (H, W, C) uint8
    arithmetic : float32 and a rounding
    reach : of the displacements before they are smoothed, in pixels
    sigmas : standard deviations of the smoothing, down and across, in pixels
    """
    height, width, channels = image.shape
    framed = cv2.copyMakeBorder(image, FRAME, FRAME, FRAME, FRAME, cv2.BORDER_REFLECT)
    result = np.empty((height, width * channels), np.uint8)
    (key, counter, right), (_, _, down) = (rng.skip(height * width) for _ in range(2))
    _move(
        result,
        np.ascontiguousarray(image).ravel(),
        framed.ravel(),
        channels,
        (key, counter),
        (right, down),
        (-reach, reach - -reach, gain),
        _smoothing(height, sigmas[0], truncate),
        _smoothing(width, sigmas[1], truncate),
        arithmetic.units,
        np.float32(arithmetic.half),
    )
    return result.reshape(image.shape)


@lru_cache(maxsize=16)
def _smoothing(length: int, sigma: float, truncate: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give the half kernel, and what stands for each sample from half a kernel before the first one on."""
    radius = int(truncate * sigma + 0.5)
    return gaussian_weights(sigma, radius)[radius:], border_indices(length, radius, "reflect")


@njit(cache=True, nogil=True, error_model="numpy")
def _move(result, samples, framed, channels, name, first_blocks, scale, down, across, units, half):  # type: ignore[no-untyped-def]
    height, width = result.shape[0], result.shape[1] // channels
    (down_kernel, rows), (across_kernel, columns) = down, across
    below = down_kernel.size - 1
    # Where the samples under a kernel lie: in the rings, and in a row.
    above = np.empty(2 * below + 1, np.int64)
    beside = np.empty(2 * across_kernel.size - 1, np.int64)
    for i in range(beside.size):
        beside[i] = i
    # As many rows of draws as a kernel covers, each at its number modulo their count.
    depth, step = min(2 * below + 1, height), width + GAP
    rings = np.empty((2, depth * step))
    words = np.empty((width // WORDS_PER_BLOCK + 2) * WORDS_PER_BLOCK, np.uint32)
    padded, smoothed = np.empty(columns.size), np.empty(width)
    middle = padded[across_kernel.size - 1 : across_kernel.size - 1 + width]
    # Of one row of the result: the displacements, the first samples of the four pixels, and their weights.
    fields = np.empty((2, width), np.float32)
    first, is_far = np.empty(width, np.uint32), np.empty(width, np.bool_)
    weights = np.empty((4, width), np.float32)
    total = np.empty((width + 1) * channels, np.float32)
    stride = (width + 2 * FRAME) * channels
    for y in range(height):
        for k in range(2):
            ring, field = rings[k], fields[k]
            for new in range(y + below if y else 0, min(y + below + 1, height)):
                start = new % depth * step
                _draw(ring[start : start + width], words, name, first_blocks[k], new * width, scale)
            for i in range(above.size):
                above[i] = rows[y + i] % depth * step
            weigh(middle, ring, above, down_kernel)
            pad(padded, columns, across_kernel.size - 1, 1)
            weigh(smoothed, padded, beside, across_kernel)
            for x in range(width):
                field[x] = np.float32(smoothed[x] * scale[2])
        far = _aim(first, weights, is_far, y, height, channels, fields[1], fields[0])
        if channels == 3:
            _blend(total, framed, stride, first, weights)
        else:
            _blend_grey(total, framed, stride, first, weights)
        _store(result, total, framed, stride, first, samples, channels, y, fields, units, half)
        if far:
            for x in range(width):
                if is_far[x]:
                    for c in range(channels):
                        result[y, x * channels + c] = _exact(samples, result, channels, y, x, c, fields, units, half)


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(target, words, name, first_block, place, scale):  # type: ignore[no-untyped-def]
    """Draw a row uniformly, from the word at `place` on."""
    block, before = place // WORDS_PER_BLOCK, place % WORDS_PER_BLOCK
    fill_words(words, name[0], name[1], first_block + block)
    source = words[before : before + target.size]
    for x in range(target.size):
        target[x] = scale[0] + scale[1] * (np.float64(source[x]) * (1 / WORD_RANGE))


@njit(cache=True, nogil=True, error_model="numpy")
def _aim(first, weights, is_far, y, height, channels, down, right):  # type: ignore[no-untyped-def]
    """Find the four pixels of each, and count those that lie beyond the frame."""
    width = down.size
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    # One column less than there are: of the last pixel more is read than its samples.
    rows, columns = np.int32(height + 2 * FRAME - 1), np.int32(width + 2 * FRAME - 2)
    far = np.int64(0)
    for x in range(width):
        floor_down, floor_right = np.floor(down[x]), np.floor(right[x])
        lower, upper = down[x] - floor_down, np.float32(1) - (down[x] - floor_down)
        after, before = right[x] - floor_right, np.float32(1) - (right[x] - floor_right)
        a[x], b[x], c[x], d[x] = upper * before, upper * after, lower * before, lower * after
        row, column = np.int32(y + FRAME) + np.int32(floor_down), np.int32(x + FRAME) + np.int32(floor_right)
        is_beyond = (row < 0) | (column < 0) | (row >= rows) | (column >= columns)
        is_far[x] = is_beyond
        far += is_beyond
        first[x] = np.uint32(0 if is_beyond else (row * np.int32(width + 2 * FRAME) + column) * np.int32(channels))
    return far


@njit(cache=True, nogil=True, error_model="numpy")
def _blend(total, framed, stride, first, weights):  # type: ignore[no-untyped-def]
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    for x in range(first.size):
        # The fourth sample is overwritten by the next pixel.
        blend_pixels(total, np.uint64(3 * x), framed, np.uint64(first[x]), np.uint64(stride), a[x], b[x], c[x], d[x])


@njit(cache=True, nogil=True, error_model="numpy")
def _blend_grey(total, framed, stride, first, weights):  # type: ignore[no-untyped-def]
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    for x in range(first.size):
        one = np.uint64(first[x])
        below = one + np.uint64(stride)
        upper = np.float32(framed[one]) * a[x] + np.float32(framed[one + np.uint64(1)]) * b[x]
        total[x] = upper + (np.float32(framed[below]) * c[x] + np.float32(framed[below + np.uint64(1)]) * d[x])


@njit(cache=True, nogil=True, error_model="numpy")
def _store(result, total, framed, stride, first, samples, channels, y, fields, units, half):  # type: ignore[no-untyped-def]
    row = result[y]
    least, most = np.float32(half - MARGIN), np.float32(half + MARGIN)
    black, white = np.float32(0), np.float32(255 + half)
    for start in range(0, row.size, CHUNK):
        levels, stored = total[start : start + CHUNK], row[start : start + CHUNK]
        differences = 0
        for i in range(stored.size):
            low = np.int32(max(levels[i] + least, black))
            stored[i] = np.uint8(low)
            differences += low != np.int32(min(levels[i] + most, white))
        if differences:
            for i in range(stored.size):
                if np.int32(max(levels[i] + least, black)) != np.int32(min(levels[i] + most, white)):
                    x, c = (start + i) // channels, (start + i) % channels
                    one = np.uint64(first[x]) + np.uint64(c)
                    below = one + np.uint64(stride)
                    value = framed[one]
                    if (
                        value == framed[one + np.uint64(channels)]
                        and value == framed[below]
                        and value == framed[below + np.uint64(channels)]
                    ):
                        # Of equals the formula makes their value again: an error of float64 is lost in float32.
                        stored[i] = value
                    else:
                        stored[i] = _exact(samples, result, channels, y, x, c, fields, units, half)


@njit(cache=True, nogil=True, error_model="numpy")
def _exact(samples, result, channels, y, x, c, fields, units, half):  # type: ignore[no-untyped-def]
    """Compute one sample as the formula does."""
    height, width = result.shape[0], fields.shape[1]
    row, column = folded(y + np.float64(fields[1, x]), height), folded(x + np.float64(fields[0, x]), width)
    first_row, first_column = int(np.floor(row)), int(np.floor(column))
    upper, lower = 1.0 - (row - first_row), 1.0 - ((first_row + 1) - row)
    near, far = 1.0 - (column - first_column), 1.0 - ((first_column + 1) - column)
    top, bottom = neighbour(first_row, height, False) * width, neighbour(first_row + 1, height, False) * width
    before, after = neighbour(first_column, width, False), neighbour(first_column + 1, width, False)
    total = units[samples[(top + before) * channels + c]] * upper * near
    total += units[samples[(top + after) * channels + c]] * upper * far
    total += units[samples[(bottom + before) * channels + c]] * lower * near
    total += units[samples[(bottom + after) * channels + c]] * lower * far
    level = np.float32(total) * np.float32(255)
    return np.uint8(min(max(level, np.float32(0)), np.float32(255)) + half)
