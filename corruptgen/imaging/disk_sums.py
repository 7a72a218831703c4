"""Sums of bytes over a disk with a smoothed edge, kept up from row to row, and what float32 cannot decide of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.imaging.doubts import store_row_and_doubts

# Rows that are read in one pass over a sum.
READS_IN_SWEEP = 4


class Scratch(NamedTuple):
    """Rows at work, made by the caller: numba takes longer over making an array than over a loop."""

    sums: NDArray[np.float32]
    """Over the disk, of as many rows as are smoothed at a time, and one more; with a border for the smoothing."""
    change: NDArray[np.int16]
    middle: NDArray[np.float32]
    total: NDArray[np.float32]
    pairs: NDArray[np.int16]
    """Sums of two rows at the same distance; in the last row zeros."""
    black: NDArray[np.uint8]
    group: NDArray[np.int16]


def scratch(rows: NDArray[np.uint8], size: int, border: int, depth: int, strips: int) -> Scratch:
    """Make the rows that `estimate` works on: `size` samples each, smoothed ones `border` more at either end."""
    wide, whole = size + 2 * border, rows.shape[1]
    return Scratch(
        np.zeros((depth, wide), np.float32),
        np.empty(wide, np.int16),
        np.empty(wide, np.float32),
        np.empty(size, np.float32),
        np.zeros((strips + 1, whole), np.int16),
        np.zeros(whole, np.uint8),
        np.zeros(size, np.int16),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def estimate(  # type: ignore[no-untyped-def]
    result,
    doubtful,
    rows,
    channels,
    reach,
    heights,
    smoothing,
    strips,
    reads,
    ends,
    weights,
    level,
    margin,
    half,
    sums,
    change,
    middle,
    total,
    pairs,
    black,
    group,
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
    sums, change, middle, total, pairs, black, group : `Scratch`
    """
    height, size = result.shape
    depth = sums.shape[0]
    # How many rows and columns the smoothing reaches, and how far that is in a row.
    spread = depth // 2 - 1
    far = spread * channels
    left = (reach - spread) * channels
    # Not plain 0, for which numba would compile what takes these numbers once more.
    here, count = np.int64(0), np.int64(0)
    # The first sum is made row by row, and lies in `sums[1]` in the end: a disk has an odd number of rows.
    for row in range(-heights[0], heights[0] + 1):
        for column in range(heights.size):
            if heights[column] >= abs(row):
                _move(change, rows[reach - spread + row], black, left, column * channels)
        _follow(sums[(row + heights[0] + 1) % 2], sums[(row + heights[0]) % 2], change)
    for turn in range(1, height + 2 * spread + 1):
        if turn > 1:
            for column in range(heights.size):
                entering = rows[reach - spread + turn - 1 + heights[column]]
                leaving = rows[reach - spread + turn - 2 - heights[column]]
                _move(change, entering, leaving, left, column * channels)
            _follow(sums[turn % depth], sums[(turn - 1) % depth], change)
        y = turn - 1 - 2 * spread
        if y < 0:
            continue
        smooth = sums[turn % depth]
        if spread > 0:
            base = turn - spread
            _smooth(
                middle,
                sums[base % depth],
                sums[(base - 1) % depth],
                sums[(base + 1) % depth],
                sums[(base - spread) % depth],
                sums[(base + spread) % depth],
                here,
                here,
                here,
                smoothing,
            )
            _smooth(total, middle, middle, middle, middle, middle, far, channels, far, smoothing)
            smooth = total
        for k in range(strips.size):
            _pair_up(pairs[k], rows[reach + y - strips[k]], rows[reach + y + strips[k]] if strips[k] > 0 else black)
        for k in range(weights.size):
            for j in range(ends[k], ends[k + 1], READS_IN_SWEEP):
                _add_four(group, pairs, reads, j)
            _weigh(smooth, group, weights[k])
        count = store_row_and_doubts(result[y], smooth, level, margin, half, doubtful, count, y * size)
    return count


@part_of_kernel
def _move(change, entering, leaving, middle, distance):  # type: ignore[no-untyped-def]
    """Add what the columns at this distance on both sides change by; the middle one, the first, is alone."""
    size = change.size
    one, other = middle - distance, middle + distance
    a, b = entering[one : one + size], leaving[one : one + size]
    if distance == 0:
        for i in range(size):
            change[i] = np.int16(a[i]) - np.int16(b[i])
        return
    c, d = entering[other : other + size], leaving[other : other + size]
    for i in range(size):
        change[i] += (np.int16(a[i]) + np.int16(c[i])) - (np.int16(b[i]) + np.int16(d[i]))


@part_of_kernel
def _follow(total, before, change):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        total[i] = before[i] + np.float32(change[i])


@part_of_kernel
def _smooth(target, middle, one, other, far_one, far_other, at, near, far, weights):  # type: ignore[no-untyped-def]
    """Smooth rows that begin `at` a sample, by neighbours that lie `near` and `far` samples before and behind that."""
    size = target.size
    m, a, b = middle[at : at + size], one[at - near : at - near + size], other[at + near : at + near + size]
    c, d = far_one[at - far : at - far + size], far_other[at + far : at + far + size]
    weight, far_weight = weights[0], weights[1]
    if far_weight > 0:
        for i in range(size):
            twice = m[i] + m[i]
            target[i] = m[i] + (weight * ((a[i] + b[i]) - twice) + far_weight * ((c[i] + d[i]) - twice))
    else:
        for i in range(size):
            target[i] = m[i] + weight * ((a[i] + b[i]) - (m[i] + m[i]))


@part_of_kernel
def _pair_up(pair, above, below):  # type: ignore[no-untyped-def]
    for i in range(pair.size):
        pair[i] = np.int16(above[i]) + np.int16(below[i])


@part_of_kernel
def _add_four(total, pairs, reads, first):  # type: ignore[no-untyped-def]
    size = total.size
    a = pairs[reads[first, 0]][reads[first, 1] : reads[first, 1] + size]
    b = pairs[reads[first + 1, 0]][reads[first + 1, 1] : reads[first + 1, 1] + size]
    c = pairs[reads[first + 2, 0]][reads[first + 2, 1] : reads[first + 2, 1] + size]
    d = pairs[reads[first + 3, 0]][reads[first + 3, 1] : reads[first + 3, 1] + size]
    for i in range(size):
        total[i] += (a[i] + b[i]) + (c[i] + d[i])


@part_of_kernel
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
