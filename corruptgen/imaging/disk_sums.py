"""Sums of bytes over a disk with a smoothed edge: kept up from row to row, and what a float32 estimate cannot decide."""

import numpy as np

from corruptgen.compilation import njit
from corruptgen.imaging.doubts import store_row_and_doubts

# Rows that are read in one pass over a sum.
READS_IN_SWEEP = 4


@njit(cache=True, nogil=True, error_model="numpy")
def estimate(  # type: ignore[no-untyped-def]
    result, doubtful, rows, channels, reach, heights, smoothing, strips, reads, ends, weights, level, margin, half
):
    """Store what float32 decides, note the samples in doubt, and give their number.

    The sum over the disk is a whole number; its next row differs by what enters below and leaves above, column by
    column. It is smoothed down and across in the form `middle + weight * (neighbours - 2 * middle)`, whose second part
    is small, so that hardly more than the last rounding counts.

    Parameters
    ----------
    result : (H, W * C) uint8, written
    doubtful : (H * W * C,) int64, written
    rows : (H + 2 * reach, (W + 2 * reach) * C) uint8, the image with its border
    heights : of the columns of the disk, from the middle to the right: how far each goes up and down
    smoothing : (2,) float32, the weights of the next and of the second next neighbours; both 0 is none
    strips : distances of the rows above and below, whose sum is read for the edge
    reads : (numbers of a strip, first sample of it); the number after the last strip's gives zeros
    ends : where the reads of each weight begin, and where the last one's end
    weights : of the sums of those reads, against that of the disk
    level : what the disk weighs per sample
    """
    height, size = result.shape
    spread = 2 if smoothing[1] > 0 else 1 if smoothing[0] > 0 else 0
    wide = size + 2 * spread * channels
    depth = 2 * spread + 2
    sums = np.empty((depth, wide), np.float32)
    change = np.empty(wide, np.int16)
    middle, total = np.empty(wide, np.float32), np.empty(size, np.float32)
    pairs = np.zeros((strips.size + 1, rows.shape[1]), np.int16)
    black = np.zeros(rows.shape[1], np.uint8)
    group = np.zeros(size, np.int16)
    left = (reach - spread) * channels
    _sum_first(sums[0], pairs[0], rows, reach - spread, heights, left, channels)
    count = 0
    for turn in range(height + 2 * spread):
        current = turn % depth
        if turn > 0:
            for column in range(heights.size):
                entering = rows[reach - spread + turn + heights[column]]
                leaving = rows[reach - spread + turn - 1 - heights[column]]
                one, other = left - column * channels, left + column * channels
                if column == 0:
                    _begin(change, entering[left : left + wide], leaving[left : left + wide])
                else:
                    _move(
                        change,
                        entering[one : one + wide],
                        entering[other : other + wide],
                        leaving[one : one + wide],
                        leaving[other : other + wide],
                    )
            _follow(sums[current], sums[(turn - 1) % depth], change)
        y = turn - 2 * spread
        if y < 0:
            continue
        if spread == 0:
            count = store_row_and_doubts(result[y], sums[current], level, margin, half, doubtful, count, y * size)
            continue
        # Numbers of rows: the one to smooth, its neighbours, and again the middle one if there are no second ones.
        near = spread if spread == 1 else 1
        base = turn - spread
        _smooth(
            middle,
            sums[base % depth],
            sums[(base - 1) % depth],
            sums[(base + 1) % depth],
            sums[(base - spread) % depth],
            sums[(base + spread) % depth],
            smoothing[0],
            smoothing[1],
        )
        at, step, far = spread * channels, near * channels, spread * channels
        _smooth(
            total,
            middle[at : at + size],
            middle[at - step : at - step + size],
            middle[at + step : at + step + size],
            middle[at - far : at - far + size],
            middle[at + far : at + far + size],
            smoothing[0],
            smoothing[1],
        )
        for k in range(strips.size):
            below = rows[reach + y + strips[k]] if strips[k] > 0 else black
            _pair_up(pairs[k], rows[reach + y - strips[k]], below)
        for k in range(weights.size):
            for j in range(ends[k], ends[k + 1], READS_IN_SWEEP):
                _add_four(
                    group,
                    pairs[reads[j, 0]][reads[j, 1] : reads[j, 1] + size],
                    pairs[reads[j + 1, 0]][reads[j + 1, 1] : reads[j + 1, 1] + size],
                    pairs[reads[j + 2, 0]][reads[j + 2, 1] : reads[j + 2, 1] + size],
                    pairs[reads[j + 3, 0]][reads[j + 3, 1] : reads[j + 3, 1] + size],
                )
            _weigh(total, group, weights[k])
        count = store_row_and_doubts(result[y], total, level, margin, half, doubtful, count, y * size)
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_first(total, columns, rows, y, heights, left, channels):  # type: ignore[no-untyped-def]
    """Sum over the disk about row `y`: all columns of one height are parts of one row of sums."""
    total[:] = 0
    for tall in range(heights[0] + 1):
        for i in range(columns.size):
            columns[i] = np.int16(rows[y, i] if tall == 0 else columns[i] + rows[y - tall, i] + rows[y + tall, i])
        for column in range(heights.size):
            if heights[column] == tall:
                for i in range(total.size):
                    total[i] += np.float32(columns[left - column * channels + i])
                    total[i] += np.float32(columns[left + column * channels + i] if column > 0 else 0)
    columns[:] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def _begin(change, entering, leaving):  # type: ignore[no-untyped-def]
    for i in range(change.size):
        change[i] = np.int16(entering[i]) - np.int16(leaving[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _move(change, entering, also_entering, leaving, also_leaving):  # type: ignore[no-untyped-def]
    for i in range(change.size):
        entered = np.int16(entering[i]) + np.int16(also_entering[i])
        change[i] += entered - (np.int16(leaving[i]) + np.int16(also_leaving[i]))


@njit(cache=True, nogil=True, error_model="numpy")
def _follow(total, before, change):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        total[i] = before[i] + np.float32(change[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth(target, middle, one, other, far, other_far, weight, far_weight):  # type: ignore[no-untyped-def]
    if far_weight > 0:
        for i in range(target.size):
            twice = middle[i] + middle[i]
            near_part = weight * ((one[i] + other[i]) - twice)
            target[i] = middle[i] + (near_part + far_weight * ((far[i] + other_far[i]) - twice))
    else:
        for i in range(target.size):
            target[i] = middle[i] + weight * ((one[i] + other[i]) - (middle[i] + middle[i]))


@njit(cache=True, nogil=True, error_model="numpy")
def _pair_up(pair, above, below):  # type: ignore[no-untyped-def]
    for i in range(pair.size):
        pair[i] = np.int16(above[i]) + np.int16(below[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _add_four(total, a, b, c, d):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        total[i] += (a[i] + b[i]) + (c[i] + d[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(total, group, weight):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        total[i] += np.float32(group[i]) * weight
        group[i] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def compute(result, places, rows, size, down, right, weights, margin, half):  # type: ignore[no-untyped-def]
    """Compute single samples in float64, and say whether that decides all of them.

    Products are made in four sums, which need not wait for each other; there are a multiple of four of them.
    """
    for place in places:
        y, i = divmod(place, size)
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for k in range(0, weights.size, 4):
            a += weights[k] * rows[y + down[k], i + right[k]]
            b += weights[k + 1] * rows[y + down[k + 1], i + right[k + 1]]
            c += weights[k + 2] * rows[y + down[k + 2], i + right[k + 2]]
            d += weights[k + 3] * rows[y + down[k + 3], i + right[k + 3]]
        total = (a + b) + (c + d)
        low = np.uint8(min(max(total - margin, 0.0), 255.0) + half)
        if low != np.uint8(min(max(total + margin, 0.0), 255.0) + half):
            return False
        result[place] = low
    return True
