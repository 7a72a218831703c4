"""Sums of bytes over a disk with a smoothed edge, kept up from row to row, and what float32 cannot decide of them."""

import numpy as np

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.fast.block_levels import store_levels
from corruptgen.fast.block_sums import BLOCK, add_moves, add_weighed, weigh_pairs
from corruptgen.fast.doubts import byte_of, note_doubts

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
    places,
    shape,
    black,
    reach,
    moves,
    counts,
    shares,
    last_shares,
    terms,
    ends,
    weights,
    level,
    margin,
    half,
):
    """Store what float32 decides, note the samples in doubt, and give their number.

    The sum over the disk is a whole number; its next row differs by what enters below and leaves above, column by
    column. It is smoothed down, and then across. What the edge differs by from that of a smoothed disk are sums over
    runs: of rows, smoothed across with the rest, and of columns, smoothed down.

    Parameters
    ----------
    result : (H * W * C + BLOCK,) uint8, written
    doubtful : int64, written
    samples : uint8, `black` rows of zeros above the image with a border of `reach` pixels
    floats, whole : float32 and int16, scratch for as many rows as `rows_at_work` says
    places : int64, scratch
    shape : height, width and channels of the image
    moves : int64, the samples that enter the disk with a row, those that leave it, the one that enters and the one that
        leaves each run of columns, and those by which each run of a row is longer than the one before
    counts : of what enters the disk, and of the last for each run; -1 is no run
    shares : (spread + 1,) float32, the weights of the smoothing: of the farthest pair, ... and half of the middle one's
    last_shares : float32, the same for the sum of a row and its edges: each weight twice if there are edges
    terms : (run, distance from the middle) of what each weight is given to: what is added, and what is subtracted
    ends : where these begin, and where the last ones end
    weights : against that of the disk
    level : what the disk weighs per sample
    """
    height, width, channels = shape
    size, pitch = width * channels, (width + 2 * reach) * channels
    length, radius = pitch + BLOCK, (black - 1) // 2
    # How many rows and columns the smoothing reaches, and how many rows are kept.
    spread = shares.size - 1
    depth, ring = 2 * spread + 2, 2 * reach + 1
    wide, left = size + 2 * spread * channels, radius * channels
    # Where rows begin, of floats and of whole numbers, of which the first ones are 0.
    edges, middle, total = depth * length, 2 * depth * length, (2 * depth + 1) * length
    down, across = length, (1 + RUNS) * length
    # Where places begin: of rows to be smoothed, of both sums of the end, of runs of columns and of rows.
    layers = 2 if weights.size else 1
    taps = last_shares.size * 2 - 1
    both, of_columns = 2 * spread + 1, 2 * spread + 1 + taps
    of_rows = of_columns + 2 * terms.shape[0]
    for n in range(terms.shape[0]):
        run, distance = terms[n, 0] * length + reach * channels, terms[n, 1] * channels
        places[of_columns + 2 * n], places[of_columns + 2 * n + 1] = run - distance, run + distance
    # The places in the row lie between those in the edges, of which the one in the middle comes twice.
    for i in range(2 * spread + 1):
        places[both + layers * i + layers - 1] = middle + i * channels
    least, most, white = np.float32(half - margin), np.float32(half + margin), np.float32(255 + half)
    # All sums are 0 as long as they lie in the black.
    first = black - radius
    for i in range(length):
        floats[(first - 1) % depth * length + i] = 0
    for i in range(across):
        whole[i] = 0
    # Unlike a plain number, these are of the type that sums of them are of.
    zero, one, count = np.int64(0), np.int64(1), np.int64(0)
    for turn in range(first, black + reach + height + spread):
        line, sums, before = turn * pitch, turn % depth * length, (turn - 1) % depth * length
        for start in range(0, wide, BLOCK):
            add_moves(floats, sums + start, before + start, samples, line + start, moves, 0, counts[0], counts[0])
        if weights.size:
            row = turn + radius
            _move_runs(whole, samples, line, row * pitch + left, moves, counts, row % ring, ring, pitch, wide)
            _add_edges(floats, edges + sums, zero, whole, down, places, of_columns, ends, weights, size)
        y = turn - spread - black - reach
        if y < 0:
            continue
        _place_rows(places, turn - spread, spread, length, edges, both, across, ring, terms, of_rows)
        if spread > 0:
            for start in range(0, wide, BLOCK):
                weigh_pairs(floats, middle + start, floats, start, places, 0, shares)
            _add_edges(floats, middle, one, whole, zero, places, of_rows, ends, weights, wide)
        for start in range(0, size, BLOCK):
            place, made = y * size + start, sums + start
            if spread > 0:
                made = total
                weigh_pairs(floats, made, floats, start, places, both, last_shares)
            doubts = store_levels(result, place, floats, made, level, least, most, white)
            count = note_doubts(doubtful, count, doubts, place, (y + 1) * size)
    return count


@part_of_kernel
def _move_runs(whole, samples, line, beside, moves, counts, at, ring, pitch, wide):  # type: ignore[no-untyped-def]
    """Move the runs of columns down to the row at `line`, and make those of the row at `beside`."""
    length = pitch + BLOCK
    move, longer = 2 * counts[0], 2 * counts[0] + 2 * RUNS
    for k in range(RUNS):
        if counts[1 + k] < 0:
            continue
        for start in range(0, pitch, BLOCK):
            run = (1 + k) * length + start
            add_moves(whole, run, run, samples, line + start, moves, move + 2 * k, 1, 1)
        made = (1 + RUNS + k * ring + at) * length
        shorter = made - ring * length if k > 0 and counts[k] >= 0 else 0
        for start in range(0, wide, BLOCK):
            add_moves(whole, made + start, shorter + start, samples, beside + start, moves, longer, counts[1 + k], 0)
        longer += counts[1 + k]


@part_of_kernel
def _add_edges(floats, into, kept, whole, first, places, start, ends, weights, size):  # type: ignore[no-untyped-def]
    """Add a row of weighed runs to what is there if `kept` is not 0, or to nothing."""
    for j in range(weights.size):
        term, added, subtracted = 2 * ends[2 * j], 2 * ends[2 * j + 1], 2 * ends[2 * j + 2]
        place, more, less, weight, keep = start + term, added - term, subtracted - added, weights[j], kept + j > 0
        for i in range(0, size, BLOCK):
            add_weighed(floats, into + i, keep, whole, first + i, places, place, more, less, weight)


@part_of_kernel
def _place_rows(places, row, spread, length, edges, both, across, ring, terms, of_rows):  # type: ignore[no-untyped-def]
    """Say where the rows lie, and the runs of rows, that a row is smoothed with."""
    depth = 2 * spread + 2
    for i in range(2 * spread + 1):
        places[i] = (row + i - spread) % depth * length
    if terms.shape[0]:
        for i in range(spread + 1):
            places[both + 2 * i] = edges + places[i]
            places[both + 2 * (spread + i) + 2] = edges + places[spread + i]
    for n in range(terms.shape[0]):
        run, distance = across + terms[n, 0] * ring * length, terms[n, 1]
        places[of_rows + 2 * n] = run + (row - distance) % ring * length
        places[of_rows + 2 * n + 1] = run + (row + distance) % ring * length


def rows_at_work(spread: int, reach: int) -> tuple[int, int]:
    """Give the numbers of rows of float32 and of int16 that `estimate` works on, each `BLOCK` longer than a row."""
    return 2 * (2 * spread + 2) + 2, 1 + RUNS * (2 * reach + 2)


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
        low = byte_of(total - margin, half)
        if low != byte_of(total + margin, half):
            return False
        result[place] = low
    return True
