"""Sums of bytes over a disk with a smoothed edge, kept up from row to row, and what float32 cannot decide of them."""

import numpy as np

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.imaging.block_sums import BLOCK, store_levels

# Places that `estimate` reads in one sweep over a row: two columns on either side that enter, and those that leave.
PLACES_IN_SWEEP = 8
# Products that `compute` makes at once.
PRODUCTS_IN_SWEEP = 4
# Runs along the edge of a disk: of its outermost row and of the next two.
RUNS = 3


@njit(cache=True, nogil=True, error_model="numpy")
def estimate(  # type: ignore[no-untyped-def]
    result,
    doubtful,
    samples,
    floats,
    whole,
    shape,
    black,
    reach,
    columns,
    smoothing,
    runs,
    distances,
    terms,
    ends,
    weights,
    level,
    margin,
    half,
):
    """Store what float32 decides, note the samples in doubt, and give their number.

    The sum over the disk is a whole number; its next row differs by what enters below and leaves above, column by
    column. It is smoothed down and across in the form `middle + weight * (neighbours - 2 * middle)`, whose second part
    is small, so that hardly more than the last rounding counts. What the edge differs by from that of a smoothed disk
    are sums over runs: of rows, smoothed across with the rest, and of columns, smoothed down.

    Parameters
    ----------
    result : (H * W * C + BLOCK,) uint8, written
    doubtful : int64, written
    samples : uint8, `black` rows of zeros above the image with a border of `reach` pixels
    floats, whole : float32 and int16, scratch for as many rows as `rows_at_work` says
    shape : height, width and channels of the image
    columns : uint64, what enters and leaves with a row, `PLACES_IN_SWEEP` for two columns on either side; the last two
        belong to the column in the middle
    smoothing : (2,) float32, the weights of the next and of the second next neighbours; both 0 is none
    runs : half the lengths of the runs, the middle not counted; -1 is no run
    distances : uint64, of the samples of the first, second, third ... pixel beside another one
    terms : (run, distance from the middle, sign)
    ends : where the terms of each weight begin, and where the last one's end
    weights : of the sums of those terms, against that of the disk
    level : what the disk weighs per sample
    """
    height, width, channels = shape
    size, pitch = width * channels, (width + 2 * reach) * channels
    length = pitch + BLOCK
    # How many rows and columns the smoothing reaches, and how far that is in a row.
    spread = (smoothing[0] > 0) + (smoothing[1] > 0)
    far = spread * channels
    depth, ring = 2 * spread + 2, 2 * reach + 1
    radius = (black - 1) // 2
    wide, left = size + 2 * far, (reach - spread) * channels
    # Where rows begin: of floats, of whole numbers. They are not cut out: to count who has a part of an array takes time.
    edges, middle, total = depth * length, 2 * depth * length, (2 * depth + 1) * length
    group, down, across = length, 2 * length, (2 + RUNS) * length
    least, most, white = np.float32(half - margin), np.float32(half + margin), np.float32(255 + half)
    count = 0
    # All sums are 0 as long as they lie in the black.
    first = black - radius
    for i in range(pitch):
        floats[(first - 1) % depth * length + i] = 0
        for k in range(RUNS):
            whole[down + k * length + i] = 0
    for turn in range(first, black + reach + height + spread):
        line = np.uint64(turn * pitch)
        for j in range(0, columns.size - 2, PLACES_IN_SWEEP):
            _change(whole, samples, line, columns, j, wide)
        _follow(floats, turn % depth * length, (turn - 1) % depth * length, whole, samples, line, columns, wide)
        if weights.size:
            for k in range(RUNS):
                if runs[k] >= 0:
                    below, above = np.uint64((turn + runs[k]) * pitch), np.uint64((turn - 1 - runs[k]) * pitch)
                    _move(whole, down + k * length, samples, below, above, pitch)
                    row = turn + radius
                    run, place = across + (k * ring + row % ring) * length, np.uint64(row * pitch + left)
                    # A run begins with the shorter one before it.
                    shorter = runs[k - 1] if k > 0 else -1
                    if shorter >= 0:
                        _copy(whole, run, whole, run - ring * length, wide)
                    else:
                        _copy(whole, run, samples, row * pitch + left, wide)
                    for j in range(max(shorter, 0), runs[k]):
                        _add_to_run(whole, run, samples, place, distances[j], wide)
            made = edges + turn % depth * length
            _clear(floats, made, size)
            for j in range(weights.size):
                for n in range(ends[j], ends[j + 1]):
                    run, distance = down + terms[n, 0] * length + reach * channels, terms[n, 1] * channels
                    _gather(whole, group, run - distance, run + distance, terms[n, 2], n > ends[j], size)
                _weigh(floats, made, whole, group, weights[j], size)
        y = turn - spread - black - reach
        if y < 0:
            continue
        smooth = turn % depth * length
        if spread > 0:
            row = turn - spread
            own, near, other_near = row % depth, (row - 1) % depth, (row + 1) % depth
            second, other_second = (row - spread) % depth, (row + spread) % depth
            _smooth(
                floats, middle, own * length, near * length, other_near * length, second * length,
                other_second * length, smoothing, wide,
            )  # fmt: skip
            for j in range(weights.size):
                for n in range(ends[j], ends[j + 1]):
                    run, distance = across + terms[n, 0] * ring * length, terms[n, 1]
                    one, other = run + (row - distance) % ring * length, run + (row + distance) % ring * length
                    _gather(whole, group, one, other, terms[n, 2], n > ends[j], wide)
                _weigh(floats, middle, whole, group, weights[j], wide)
            smooth, start = total, middle + far
            _smooth(
                floats, smooth, start, start - channels, start + channels, start - far, start + far, smoothing, size
            )
            if weights.size:
                edge = middle
                _smooth(
                    floats, edge, edges + own * length, edges + near * length, edges + other_near * length,
                    edges + second * length, edges + other_second * length, smoothing, size,
                )  # fmt: skip
                _add(floats, total, edge, size)
        for start in range(0, size, BLOCK):
            place = y * size + start
            doubts = store_levels(result, place, floats, smooth + start, level, least, most, white)
            while doubts:
                if doubts & np.uint64(1) and place < (y + 1) * size:
                    doubtful[count] = place
                    count += 1
                doubts >>= np.uint64(1)
                place += 1
    return count


def rows_at_work(spread: int, reach: int) -> tuple[int, int]:
    """Give the numbers of rows of float32 and of int16 that `estimate` works on, each `BLOCK` longer than a row."""
    return 2 * (2 * spread + 2) + 2, 2 + RUNS * (2 * reach + 2)


@part_of_kernel
def _change(change, samples, line, columns, j, size):  # type: ignore[no-untyped-def]
    """Add what two columns on either side change by, to nothing if they are the first ones."""
    a, b, c, d = line + columns[j], line + columns[j + 1], line + columns[j + 2], line + columns[j + 3]
    e, f, g, h = line + columns[j + 4], line + columns[j + 5], line + columns[j + 6], line + columns[j + 7]
    keep = np.int16(j > 0)
    for x in range(np.uint64(size)):
        entering = (np.int16(samples[a + x]) + np.int16(samples[b + x])) + (samples[c + x] + samples[d + x])
        leaving = (np.int16(samples[e + x]) + np.int16(samples[f + x])) + (samples[g + x] + samples[h + x])
        change[x] = change[x] * keep + (entering - leaving)


@part_of_kernel
def _follow(floats, into, before, change, samples, line, columns, size):  # type: ignore[no-untyped-def]
    """Give the next row of sums; the column in the middle is alone."""
    entering, leaving = line + columns[columns.size - 2], line + columns[columns.size - 1]
    target, previous = np.uint64(into), np.uint64(before)
    for x in range(np.uint64(size)):
        middle = np.int16(samples[entering + x]) - np.int16(samples[leaving + x])
        floats[target + x] = floats[previous + x] + np.float32(np.int16(change[x] + middle))


@part_of_kernel
def _move(whole, into, samples, entering, leaving, size):  # type: ignore[no-untyped-def]
    """Move runs of columns down by a row."""
    run = np.uint64(into)
    for x in range(np.uint64(size)):
        whole[run + x] += np.int16(samples[entering + x]) - np.int16(samples[leaving + x])


@part_of_kernel
def _clear(floats, into, size):  # type: ignore[no-untyped-def]
    row = np.uint64(into)
    for x in range(np.uint64(size)):
        floats[row + x] = 0


@part_of_kernel
def _copy(whole, into, source, start, size):  # type: ignore[no-untyped-def]
    run, first = np.uint64(into), np.uint64(start)
    for x in range(np.uint64(size)):
        whole[run + x] = source[first + x]


@part_of_kernel
def _add_to_run(whole, into, samples, middle, distance, size):  # type: ignore[no-untyped-def]
    run, left, right = np.uint64(into), middle - distance, middle + distance
    for x in range(np.uint64(size)):
        whole[run + x] += np.int16(samples[left + x]) + np.int16(samples[right + x])


@part_of_kernel
def _gather(whole, into, one, other, sign, keep, size):  # type: ignore[no-untyped-def]
    """Add the sums of two runs, or subtract them, to nothing if nothing is to be kept."""
    group, a, b = np.uint64(into), np.uint64(one), np.uint64(other)
    times, kept = np.int16(sign), np.int16(keep)
    for x in range(np.uint64(size)):
        whole[group + x] = whole[group + x] * kept + (whole[a + x] + whole[b + x]) * times


@part_of_kernel
def _weigh(floats, into, whole, start, weight, size):  # type: ignore[no-untyped-def]
    total, group = np.uint64(into), np.uint64(start)
    for x in range(np.uint64(size)):
        floats[total + x] += np.float32(whole[group + x]) * weight


@part_of_kernel
def _add(floats, into, start, size):  # type: ignore[no-untyped-def]
    total, other = np.uint64(into), np.uint64(start)
    for x in range(np.uint64(size)):
        floats[total + x] += floats[other + x]


@part_of_kernel
def _smooth(floats, into, middle, near, other_near, far, other_far, weights, size):  # type: ignore[no-untyped-def]
    """Smooth a row by the next and the second next neighbours of each of its samples, which begin where it is said."""
    target, m, a, b = np.uint64(into), np.uint64(middle), np.uint64(near), np.uint64(other_near)
    c, d = np.uint64(far), np.uint64(other_far)
    weight, far_weight = weights[0], weights[1]
    if far_weight > 0:
        for x in range(np.uint64(size)):
            value = floats[m + x]
            twice = value + value
            rest = weight * ((floats[a + x] + floats[b + x]) - twice)
            floats[target + x] = value + (rest + far_weight * ((floats[c + x] + floats[d + x]) - twice))
    else:
        for x in range(np.uint64(size)):
            value = floats[m + x]
            floats[target + x] = value + weight * ((floats[a + x] + floats[b + x]) - (value + value))


@njit(cache=True, nogil=True, error_model="numpy")
def compute(result, doubtful, samples, size, pitch, places, weights, margin, half):  # type: ignore[no-untyped-def]
    """Compute single samples in float64, and say whether that decides all of them.

    Products are made in four sums, which need not wait for each other; there are a multiple of four of them.

    Parameters
    ----------
    places : uint64, of the samples that belong to the first one of the image
    """
    for place in doubtful:
        first = np.uint64(place // size * pitch + place % size)
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for k in range(0, weights.size, PRODUCTS_IN_SWEEP):
            a += weights[k] * samples[first + places[k]]
            b += weights[k + 1] * samples[first + places[k + 1]]
            c += weights[k + 2] * samples[first + places[k + 2]]
            d += weights[k + 3] * samples[first + places[k + 3]]
        total = (a + b) + (c + d)
        low = np.uint8(min(max(total - margin, 0.0), 255.0) + half)
        if low != np.uint8(min(max(total + margin, 0.0), 255.0) + half):
            return False
        result[place] = low
    return True
