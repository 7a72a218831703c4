"""The correlation of bytes with a disk: whole numbers inside of it, float32 along its edge, float64 where in doubt."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.doubts import UNIT_ROUNDOFF, flat_places, store_row_and_doubts, too_many
from corruptgen.imaging.kernels import disk
from corruptgen.imaging.pixels import Arithmetic

Float64 = NDArray[np.float64]

# Weights this close to the middle one, relative to it, count as equal.
EQUAL = 3e-7
# What a correlation in float64 may be off, in grey levels, whatever its order: ten thousand times what it is.
FLOAT64_MARGIN = 1e-9
# More products than these, per sample of the image, for the samples in doubt cost what the plain path does.
MOST_PRODUCTS = 12
# More weights along the edge than that are no edge.
MOST_TAPS = 160


@dataclass(frozen=True, eq=False)
class _Disk:
    """A kernel that is symmetric and flat in the middle, but for `deviation`."""

    kernel: Float64
    heights: NDArray[np.int64]
    """Of the flat part: how far each column, from the middle to the right, goes up and down; -1 is not at all."""
    level: np.float32
    """The weight of the flat part."""
    taps: NDArray[np.int64]
    """(rows, columns) from the middle, not negative, of the other weights, an even number in each row."""
    ends: NDArray[np.int64]
    """Where the taps of each row begin, and where the last one's end."""
    weights: NDArray[np.float32]
    """Theirs, divided by how often a tap counts a sample on an axis."""
    deviation: float
    """The sum of what the weights are off."""


def defocused(
    image: NDArray[np.uint8], radius: float, alias_blur: float, unit_gain: bool, arithmetic: Arithmetic
) -> NDArray[np.uint8] | None:
    """Give an (H, W, C) image of bytes correlated with a disk, mirrored at the outermost samples.

    None if the arithmetic is not float64, the kernel is no disk with an edge, or float64 itself leaves a doubt.
    """
    if arithmetic.precision != "float64":
        return None
    plan = _plan(radius, alias_blur, unit_gain)
    if plan is None:
        return None
    height, width, channels = image.shape
    reach = plan.kernel.shape[0] // 2
    bordered = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    rows = bordered.reshape(height + 2 * reach, -1)
    result = np.empty((height, width * channels), np.uint8)
    doubtful = np.empty(image.size, np.int64)
    # A bare disk is counted in whole numbers alone; then only float64 comes in.
    is_bare = plan.weights.size == 0
    margin = 255 * (plan.deviation + 1.1 * UNIT_ROUNDOFF * (0 if is_bare else len(plan.weights) + 8)) + FLOAT64_MARGIN
    count = _approximate(
        result,
        doubtful,
        rows,
        channels,
        reach,
        plan.heights,
        np.float64(plan.level) if is_bare else plan.level,
        plan.taps,
        plan.ends,
        plan.weights,
        margin,
        arithmetic.half,
    )
    places = doubtful[:count]
    if too_many(places, image):
        places, flat = flat_places(image, places, reach)
        levels = np.arange(256) * plan.kernel.sum()
        low, high = _stored(levels - FLOAT64_MARGIN, arithmetic), _stored(levels + FLOAT64_MARGIN, arithmetic)
        values = image.ravel()[flat]
        if (low != high)[values].any():
            return None
        result.ravel()[flat] = low[values]
    down, right = np.nonzero(plan.kernel)
    if places.size * down.size > MOST_PRODUCTS * image.size:
        return None
    is_sure = _compute(
        result.ravel(),
        places,
        rows,
        width * channels,
        down,
        right * channels,
        plan.kernel[down, right],
        FLOAT64_MARGIN,
        arithmetic.half,
    )
    return result.reshape(image.shape) if is_sure else None


def _stored(levels: Float64, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    return (np.clip(levels, 0, 255) + arithmetic.half).astype(np.uint8)


@lru_cache(maxsize=64)
def _plan(radius: float, alias_blur: float, unit_gain: bool) -> _Disk | None:
    single = disk(radius, alias_blur)
    kernel: Float64 = (single / single.sum() if unit_gain else single).astype(np.float64)
    reach = kernel.shape[0] // 2
    folded = (kernel + kernel[::-1] + kernel[:, ::-1] + kernel[::-1, ::-1]) / 4
    quadrant = folded[reach:, reach:]
    level = np.float32(quadrant[0, 0])
    is_flat = np.abs(quadrant - level) <= EQUAL * level
    # Of each column only the part that touches the middle row.
    heights = np.where(is_flat.all(axis=0), reach + 1, is_flat.argmin(axis=0)) - 1
    is_flat = np.arange(reach + 1)[:, None] <= heights
    is_tap = ~is_flat & (quadrant > EQUAL * quadrant.max() / quadrant.size)
    model = np.where(is_flat, np.float64(level), np.where(is_tap, quadrant.astype(np.float32), 0.0))
    whole = np.block([[model[:0:-1, :0:-1], model[:0:-1]], [model[:, :0:-1], model]])
    taps: list[tuple[int, int]] = []
    weights: list[float] = []
    ends = [0]
    for row in np.flatnonzero(is_tap.any(axis=1)).tolist():
        columns = np.flatnonzero(is_tap[row]).tolist()
        taps += [(row, column) for column in columns]
        weights += [quadrant[row, column] / (2 - (row > 0)) / (2 - (column > 0)) for column in columns]
        if len(columns) % 2:
            taps.append((row, 0))
            weights.append(0.0)
        ends.append(len(taps))
    if len(taps) > MOST_TAPS:
        return None
    deviation = float(np.abs(kernel - whole).sum())
    return _Disk(
        kernel,
        heights,
        level,
        np.array(taps, np.int64).reshape(-1, 2),
        np.array(ends),
        np.array(weights, np.float32),
        deviation,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(  # type: ignore[no-untyped-def]
    result, doubtful, rows, channels, reach, heights, level, taps, ends, weights, margin, half
):
    height, size = result.shape
    inside = np.zeros(size, np.int32)
    total = np.empty(size, type(level))
    pair = np.empty(rows.shape[1], np.float32)
    # The flat part of the row above the first one, to begin with.
    for column in range(-reach, reach + 1):
        tall = heights[abs(column)]
        start = (reach + column) * channels
        for row in range(reach - 1 - tall, reach + tall):
            _count(inside, rows[max(row, 0)][start : start + size], 1 if row >= 0 else 0)
    count = 0
    for y in range(height):
        for column in range(reach + 1):
            tall = heights[column]
            if tall < 0:
                continue
            new = rows[y + reach + tall]
            gone = y + reach - 1 - tall
            old = rows[max(gone, 0)]
            left, right = (reach - column) * channels, (reach + column) * channels
            if column == 0:
                _move(inside, new[left : left + size], old[left : left + size], 1 if gone >= 0 else 0)
            else:
                _move_both(
                    inside,
                    new[left : left + size],
                    new[right : right + size],
                    old[left : left + size],
                    old[right : right + size],
                    1 if gone >= 0 else 0,
                )
        for i in range(size):
            total[i] = inside[i] * level
        for j in range(ends.size - 1):
            row = taps[ends[j], 0]
            _pair_up(pair, rows[y + reach - row], rows[y + reach + row])
            for k in range(ends[j], ends[j + 1], 2):
                _add_two_taps(total, pair, reach, channels, taps[k, 1], weights[k], taps[k + 1, 1], weights[k + 1])
        count = store_row_and_doubts(result[y], total, type(level)(1), margin, half, doubtful, count, y * size)
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _count(total, samples, times):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        total[i] += np.int32(samples[i]) * np.int32(times)


@njit(cache=True, nogil=True, error_model="numpy")
def _move(total, new, old, times):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        total[i] += np.int32(new[i]) - np.int32(old[i]) * np.int32(times)


@njit(cache=True, nogil=True, error_model="numpy")
def _move_both(total, new, other_new, old, other_old, times):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        added = np.int32(new[i]) + np.int32(other_new[i])
        total[i] += added - (np.int32(old[i]) + np.int32(other_old[i])) * np.int32(times)


@njit(cache=True, nogil=True, error_model="numpy")
def _pair_up(pair, above, below):  # type: ignore[no-untyped-def]
    for i in range(pair.size):
        pair[i] = np.float32(np.int32(above[i]) + np.int32(below[i]))


@njit(cache=True, nogil=True, error_model="numpy")
def _add_two_taps(total, pair, reach, channels, column, weight, other, other_weight):  # type: ignore[no-untyped-def]
    size = total.size
    left, right = (reach - column) * channels, (reach + column) * channels
    one, mirrored = pair[left : left + size], pair[right : right + size]
    left, right = (reach - other) * channels, (reach + other) * channels
    second, second_mirrored = pair[left : left + size], pair[right : right + size]
    for i in range(size):
        total[i] += (one[i] + mirrored[i]) * weight + (second[i] + second_mirrored[i]) * other_weight


@njit(cache=True, nogil=True, error_model="numpy")
def _compute(result, places, rows, size, down, right, weights, margin, half):  # type: ignore[no-untyped-def]
    """Compute single samples in float64, and say whether that decides all of them."""
    for place in places:
        y, i = divmod(place, size)
        total = 0.0
        for k in range(weights.size):
            total += weights[k] * rows[y + down[k], i + right[k]]
        low = np.uint8(min(max(total - margin, 0.0), 255.0) + half)
        if low != np.uint8(min(max(total + margin, 0.0), 255.0) + half):
            return False
        result[place] = low
    return True
