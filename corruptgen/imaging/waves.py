"""Bytes moved by smoothed draws: in float32, and in float64 as in the formula where that leaves a byte in doubt."""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.imaging.borders import border_indices
from corruptgen.imaging.doubts import UNIT_ROUNDOFF
from corruptgen.imaging.gathers import folded
from corruptgen.imaging.gaussian import gaussian_weights, pad, weigh
from corruptgen.imaging.lanes import blend_pixels
from corruptgen.imaging.pixels import Arithmetic
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import WORD_RANGE, Stream

# How far the image is continued by its mirror image; what is taken from beyond is computed in float64.
FRAME = 16
# Rows of a power of two would all lie in the same lines of the processor's cache.
GAP = 8
# Drawn at once: a few at a time would not fill the processor's lanes.
WORDS = 512
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
    # Smoothing makes no draw larger.
    frame = min(FRAME, int(abs(reach * gain)) + 2)
    framed = cv2.copyMakeBorder(image, frame, frame, frame, frame, cv2.BORDER_REFLECT)
    result = np.empty(image.size, np.uint8)
    (key, counter, right), (_, _, down) = (rng.skip(height * width) for _ in range(2))
    _move(
        result,
        image.ravel(),
        framed.ravel(),
        (height, width, channels, frame),
        key,
        counter,
        (right, down),
        (-reach, reach - -reach, gain),
        *_smoothing(height, width, *sigmas, truncate),
        arithmetic.units,
        arithmetic.half,
    )
    return result.reshape(image.shape)


@lru_cache(maxsize=16)
def _smoothing(height: int, width: int, down: float, across: float, truncate: float) -> tuple[NDArray[Any], ...]:
    """Give the half kernels for the columns and for the rows, and what lies under them.

    Down, that is where the rows lie in the ring, from half a kernel before the first one on; across, what stands for
    each sample, from half a kernel before the first one on, and the numbers of those under the first kernel.
    """
    below, beside = int(truncate * down + 0.5), int(truncate * across + 0.5)
    rows, columns = border_indices(height, below, "reflect"), border_indices(width, beside, "reflect")
    starts = rows % min(2 * below + 1, height) * 2 * (width + GAP)
    weights, wide = gaussian_weights(down, below)[below:], gaussian_weights(across, beside)[beside:]
    return weights, starts, wide, columns, np.arange(2 * beside + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _move(  # type: ignore[no-untyped-def]
    result, samples, framed, shape, key, counter, first_blocks, scale, down, starts, across, columns, along, units, half
):
    height, width, channels, frame = shape
    below, beside = down.size - 1, across.size - 1
    # As many rows of draws as a kernel covers, each at its number modulo their count; those of both fields in turn.
    field, step = width + GAP, 2 * (width + GAP)
    depth = min(2 * below + 1, height)
    ring = np.empty(depth * step, np.float64)
    padded, smoothed = np.empty(columns.size, np.float64), np.empty(width, np.float64)
    # The words of some rows, each a whole number of blocks.
    at_once = WORDS_PER_BLOCK * max(1, min(WORDS // width, height // WORDS_PER_BLOCK + 1))
    chunk = at_once * width
    words, first = np.empty(2 * chunk, np.uint32), np.empty(width, np.uint32)
    # Of one row of the result: the displacements, the first samples of the four pixels, and their weights.
    fields, weights = np.empty((2, width), np.float32), np.empty((4, width), np.float32)
    total = np.empty((width + 1) * channels + 2, np.float32)
    pixel, line, flat = np.uint64(channels), np.uint64((width + 2 * frame) * channels), np.float32(0.5 - half)
    for y in range(height):
        for k in range(2):
            for new in range(y + below if y else 0, min(y + below + 1, height)):
                if new % at_once == 0:
                    block = first_blocks[k] + new * width // WORDS_PER_BLOCK
                    fill_words(words[k * chunk : (k + 1) * chunk], key, counter, block)
                start = k * chunk + new % at_once * width
                source = words[start : start + width]
                start = new % depth * step + k * field
                drawn = ring[start : start + width]
                for x in range(width):
                    drawn[x] = scale[0] + scale[1] * (np.float64(source[x]) * (1 / WORD_RANGE))
            weigh(padded[beside : beside + width], ring[k * field :], starts[y : y + 2 * below + 1], down)
            pad(padded, columns, beside, 1)
            weigh(smoothed, padded, along, across)
            for x in range(width):
                fields[k, x] = np.float32(smoothed[x] * scale[2])
        are_beyond = _aim(first, weights, y, shape, fields)
        a, b, c, d = weights[0], weights[1], weights[2], weights[3]
        for x in range(width):
            # What belongs to the next pixel is overwritten by it.
            place, one = np.uint64(channels * x), np.uint64(first[x])
            blend_pixels(total, place, framed, one, pixel, line, a[x], b[x], c[x], d[x], flat)
        row = result[y * width * channels : (y + 1) * width * channels]
        _store(row, total, samples, y, shape, fields, units, half)
        if are_beyond:
            for x in range(width):
                if first[x] == 0:
                    _compute(row, samples, x, y, shape, fields, units, half)


@part_of_kernel
def _aim(first, weights, y, shape, fields):  # type: ignore[no-untyped-def]
    """Find the four pixels of each, and say whether some lie beyond the frame; of those the first one is 0."""
    height, width, channels, frame = shape
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    right, down = fields[0], fields[1]
    # Fewer columns than there are: of the last pixel more is read than its samples.
    rows, columns = np.int32(height + 2 * frame - 1), np.int32(width + 2 * frame - 4)
    are_beyond: Any = False
    for x in range(width):
        floor_down, floor_right = np.floor(down[x]), np.floor(right[x])
        lower, upper = down[x] - floor_down, np.float32(1) - (down[x] - floor_down)
        after, before = right[x] - floor_right, np.float32(1) - (right[x] - floor_right)
        a[x], b[x], c[x], d[x] = upper * before, upper * after, lower * before, lower * after
        row, column = np.int32(y + frame) + np.int32(floor_down), np.int32(x + frame) + np.int32(floor_right)
        is_beyond = (row < 0) | (column < 0) | (row >= rows) | (column >= columns)
        are_beyond |= is_beyond
        first[x] = np.uint32(0 if is_beyond else (row * np.int32(width + 2 * frame) + column) * np.int32(channels))
    return are_beyond


@part_of_kernel
def _store(row, total, samples, y, shape, fields, units, half):  # type: ignore[no-untyped-def]
    """Store a row of levels, and compute the pixels whose bytes an error of the margin would change."""
    least, most = np.float32(half - MARGIN), np.float32(half + MARGIN)
    black, white = np.float32(0), np.float32(255 + half)
    for start in range(0, row.size, CHUNK):
        stored, levels = row[start : start + CHUNK], total[start : start + CHUNK]
        differences = np.int32(0)
        for i in range(stored.size):
            low = np.int32(max(levels[i] + least, black))
            stored[i] = np.uint8(low)
            differences |= low ^ np.int32(min(levels[i] + most, white))
        if differences:
            for i in range(stored.size):
                if np.int32(max(levels[i] + least, black)) != np.int32(min(levels[i] + most, white)):
                    _compute(row, samples, (start + i) // shape[2], y, shape, fields, units, half)


@part_of_kernel
def _compute(made, samples, x, y, shape, fields, units, half):  # type: ignore[no-untyped-def]
    """Compute a pixel of a row as the formula does."""
    height, width, channels, _ = shape
    row, column = folded(y + np.float64(fields[1, x]), height), folded(x + np.float64(fields[0, x]), width)
    above, before = int(np.floor(row)), int(np.floor(column))
    upper, lower = 1.0 - (row - above), 1.0 - ((above + 1) - row)
    near, far = 1.0 - (column - before), 1.0 - ((before + 1) - column)
    top, bottom = max(above, 0) * width, min(above + 1, height - 1) * width
    left, right = max(before, 0), min(before + 1, width - 1)
    for c in range(channels):
        total = units[samples[(top + left) * channels + c]] * upper * near
        total += units[samples[(top + right) * channels + c]] * upper * far
        total += units[samples[(bottom + left) * channels + c]] * lower * near
        total += units[samples[(bottom + right) * channels + c]] * lower * far
        level = np.float32(total) * np.float32(255)
        made[x * channels + c] = np.uint8(min(max(level, np.float32(0)), np.float32(255)) + half)
