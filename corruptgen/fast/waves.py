"""Bytes moved by smoothed draws: in float32, and in float64 as in the formula where that leaves a byte in doubt."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.fast.block_levels import CHUNK, store_bare_levels
from corruptgen.fast.doubts import UNIT_ROUNDOFF
from corruptgen.fast.gathers import folded
from corruptgen.fast.lanes import BLOCK, blend_pixels, weigh_block
from corruptgen.fast.scratch import scratch
from corruptgen.ops.borders import border_indices
from corruptgen.ops.gaussian import gaussian_weights
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import WORD_RANGE, Stream
from corruptgen.runtime.caching import keep_arrays

# How far the image is continued by its mirror image; what is taken from beyond is computed in float64.
FRAME = 16
# Between rows of draws, which begin at multiples of it.
GAP = 8
# Drawn at once: a few at a time would not fill the processor's lanes.
WORDS = 512
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

    Each of the two fields is, in float32, `gain` times what `corruptgen.ops.gaussian.smooth_separably` makes of
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
    result = np.empty(image.size + CHUNK, np.uint8)
    # Of each of the two fields; the one to the right is drawn first.
    blocks = -(-height * width // WORDS_PER_BLOCK)
    key, counter, first_block = rng.skip(2 * blocks * WORDS_PER_BLOCK)
    counts, *kernels = _smoothing(height, width, *sigmas, truncate)
    depth, step, span, at_once = counts
    _move(
        result,
        image.ravel(),
        framed.ravel(),
        scratch("float64", 2 * depth * step + 3 * span + kernels[-1].size),
        scratch("float32", width * (4 + channels) + CHUNK),
        scratch("uint32", width * (1 + 2 * at_once)),
        (height, width, channels, frame),
        key,
        counter,
        (first_block, blocks),
        (-reach, reach - -reach, gain),
        counts,
        *kernels,
        np.float32(arithmetic.half),
    )
    return result[: image.size].reshape(image.shape)


@keep_arrays
def _smoothing(height: int, width: int, down: float, across: float, truncate: float) -> tuple[Any, ...]:
    """Give what depends on the size alone.

    Returns
    -------
    How many rows of draws are kept, how far apart, how many samples of them are smoothed, and of how many rows the
    words are drawn at once, which makes whole blocks.
    Down, the half kernel, and where the rows of draws lie from half a kernel before the first one on.
    Across, the half kernel, the numbers of the samples under the first one, and in a row with half a kernel before and
    after it those of the samples outside, and of the ones that stand for them.
    """
    below, beside = int(truncate * down + 0.5), int(truncate * across + 0.5)
    rows, columns = border_indices(height, below, "reflect"), border_indices(width, beside, "reflect")
    # Whole blocks are smoothed, the last one with some of what is done already, or with what is not looked at.
    span = max(width, BLOCK)
    # Rows of a power of two would all lie in the same lines of the processor's cache.
    depth, step = min(2 * below + 1, height), span - span % -GAP + GAP
    at_once = WORDS_PER_BLOCK * max(1, min(WORDS // width, -(-height // WORDS_PER_BLOCK)))
    weights, wide = gaussian_weights(down, below)[below:], gaussian_weights(across, beside)[beside:]
    outside = np.r_[:beside, beside + width : width + 2 * beside]
    along, mirrored = np.arange(2 * beside + 1), beside + columns[outside]
    return (depth, step, span, at_once), weights, rows % depth * step, wide, along, outside, mirrored


@njit(cache=True, nogil=True, error_model="numpy")
def _move(  # type: ignore[no-untyped-def]
    result,
    samples,
    framed,
    doubles,
    floats,
    numbers,
    shape,
    key,
    counter,
    draws,
    scale,
    counts,
    down,
    starts,
    across,
    along,
    ends,
    mirrored,
    half,
):
    """Do it all; `doubles`, `floats` and `numbers` are scratch, and what begins with `counts` is from `_smoothing`."""
    height, width, channels, frame = shape
    low, reach, gain = scale
    first_block, blocks = draws
    depth, step, span, at_once = counts
    below, beside, last = down.size - 1, across.size - 1, span - BLOCK
    # As many rows of draws as a kernel covers, each at its number modulo their count, of one field and of the other.
    both, chunk = 2 * depth * step, at_once * width
    smoothed, padded = doubles[both : both + 2 * span], doubles[both + 2 * span :]
    first, words = numbers[:width], numbers[width:]
    weights, total = floats[: 4 * width], floats[4 * width :]
    pixel, line = np.uint64(channels), np.uint64((width + 2 * frame) * channels)
    # Of equals the formula makes their value again: an error of float64 is lost in float32.
    flat = np.float32(0.5) - half
    for y in range(height):
        for k in range(2):
            rows = doubles[k * depth * step : (k + 1) * depth * step]
            for new in range(y + below if y else 0, y + below + 1):
                if new < height:
                    drawn = words[k * chunk : (k + 1) * chunk]
                    if new % at_once == 0:
                        fill_words(drawn, key, counter, first_block + k * blocks + new * width // WORDS_PER_BLOCK)
                    target, source = rows[new % depth * step :], drawn[new % at_once * width :]
                    for x in range(width):
                        target[x] = low + reach * (np.float64(source[x]) * (1 / WORD_RANGE))
            middle, under, field = padded[beside:], starts[y : y + 2 * below + 1], smoothed[k * span :]
            for start in range(0, width, BLOCK):
                weigh_block(middle, min(start, last), rows, under, down)
            for i in range(ends.size):
                padded[ends[i]] = padded[mirrored[i]]
            for start in range(0, width, BLOCK):
                weigh_block(field, min(start, last), padded, along, across)
        are_beyond = _aim(first, weights, y, shape, smoothed, gain)
        for x in range(width):
            # What is stored of the next pixel is overwritten by it.
            place, one = np.uint64(channels * x), np.uint64(first[x])
            a, b, c, d = weights[x], weights[width + x], weights[2 * width + x], weights[3 * width + x]
            blend_pixels(total, place, framed, one, pixel, line, a, b, c, d, flat)
        _store(result, total, first, are_beyond, samples, y, shape, smoothed, gain, half)


@part_of_kernel
def _aim(first, weights, y, shape, smoothed, gain):  # type: ignore[no-untyped-def]
    """Find the four pixels of each, and say whether some lie beyond the frame; of those the first one is 0."""
    height, width, channels, frame = shape
    a, b, c, d = weights[:width], weights[width:], weights[2 * width :], weights[3 * width :]
    right, down = smoothed, smoothed[smoothed.size // 2 :]
    # Fewer columns than there are: of the last pixel more is read than its samples.
    rows, columns = np.uint32(height + 2 * frame - 1), np.uint32(width + 2 * frame - 4)
    are_beyond: Any = False
    for x in range(width):
        lower, after = np.float32(down[x] * gain), np.float32(right[x] * gain)
        floor_down, floor_right = np.floor(lower), np.floor(after)
        lower, after = lower - floor_down, after - floor_right
        upper, before = np.float32(1) - lower, np.float32(1) - after
        a[x], b[x], c[x], d[x] = upper * before, upper * after, lower * before, lower * after
        row, column = np.int32(y + frame) + np.int32(floor_down), np.int32(x + frame) + np.int32(floor_right)
        # What is negative is a large number without its sign.
        is_beyond = (np.uint32(row) >= rows) | (np.uint32(column) >= columns)
        are_beyond |= is_beyond
        first[x] = np.uint32(0 if is_beyond else (row * np.int32(width + 2 * frame) + column) * np.int32(channels))
    return are_beyond


@part_of_kernel
def _store(result, total, first, are_beyond, samples, y, shape, smoothed, gain, half):  # type: ignore[no-untyped-def]
    """Store a row of levels, and compute what an error of the margin would change, and what lies beyond the frame."""
    channels = shape[2]
    size = shape[1] * channels
    row = result[y * size :]
    # Neither makes a byte less than 0 or more than 255.
    least, most = half - np.float32(MARGIN), half + np.float32(MARGIN)
    for start in range(0, size, CHUNK):
        # What is stored after the end is overwritten by the next row.
        if store_bare_levels(row, np.uint64(start), total, np.uint64(start), least, most):
            for i in range(start, min(start + CHUNK, size)):
                if np.int32(total[i] + least) != np.int32(total[i] + most):
                    row[i] = _compute(samples, i // channels, i % channels, y, shape, smoothed, gain, half)
    if are_beyond:
        for i in range(size):
            if first[i // channels] == 0:
                row[i] = _compute(samples, i // channels, i % channels, y, shape, smoothed, gain, half)


@part_of_kernel
def _compute(samples, x, channel, y, shape, smoothed, gain, half):  # type: ignore[no-untyped-def]
    """Compute a sample as the formula does."""
    height, width, channels, _ = shape
    down, right = np.float32(smoothed[smoothed.size // 2 + x] * gain), np.float32(smoothed[x] * gain)
    row, column = folded(y + np.float64(down), height), folded(x + np.float64(right), width)
    above, before = int(np.floor(row)), int(np.floor(column))
    upper, lower = 1.0 - (row - above), 1.0 - ((above + 1) - row)
    near, far = 1.0 - (column - before), 1.0 - ((before + 1) - column)
    top, bottom = max(above, 0) * width, min(above + 1, height - 1) * width
    left, beside = max(before, 0), min(before + 1, width - 1)
    white = np.float32(255)
    level = np.float32(samples[(top + left) * channels + channel]) / white * upper * near
    level += np.float32(samples[(top + beside) * channels + channel]) / white * upper * far
    level += np.float32(samples[(bottom + left) * channels + channel]) / white * lower * near
    level += np.float32(samples[(bottom + beside) * channels + channel]) / white * lower * far
    # Neither less than black nor more than white.
    return np.uint8(np.float32(level) * white + half)
