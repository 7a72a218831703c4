"""The correlation of bytes with a disk: whole numbers inside of it, and a smoothing of these for its edge."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.corruptions.common.blur import defocus_blur
from corruptgen.declare import fused
from corruptgen.fast.bounds import bound_of_levels, byte_of, flat_places, note_uncertain, store_certain
from corruptgen.fast.scratch import scratch_array
from corruptgen.fast.sums import PAIRS, SWEEP, fill_sweeps, roundings, weigh, weigh_pairs
from corruptgen.ops.kernels import alias_weights, disk, is_inside
from corruptgen.runtime.caching import keep_arrays

# How far OpenCV may be off in float64, in levels, by its order or transform: a thousand times what was found.
LIBRARY_MARGIN = 1e-10
# Of the samples: if more are uncertain, many of them lie in flat places, which a table decides.
MANY = 1 / 64
# More products than these, per sample of the image, for uncertain samples cost what the formula does.
MOST_PRODUCTS = 12
# Weights of the smoothing that are smaller than this count less than the library's margin.
TINY = 1e-15
# What the weights of a kernel may differ by from those of a smoothed disk, all together.
MOST_DEVIATION = 1e-5
# The sum of this number of samples, with either sign, fits into 16 bits.
MOST_SAMPLES = 2**15 // 255
LARGEST_RADIUS = MOST_SAMPLES // 4 - 1

Int64 = NDArray[np.int64]
# Height to either side, distance and weight of columns left and right of a sample; or, turned by a quarter, of rows.
Runs = list[tuple[int, int, float]]


class _Groups(NamedTuple):
    """Columns of samples, each the difference of two sums from the top, in groups of one weight that fill sweeps."""

    ends: Int64
    """Where the sums up to the end of a column lie, counted from a sample."""
    starts: Int64
    """Where those up to its beginning lie; for a column that is subtracted it is the other way round."""
    limits: Int64
    """Where the groups begin, and where the last one ends."""
    weights: NDArray[np.float32]


class _Lens(NamedTuple):
    """A disk that is smoothed, and what the mirrored border of its array changes at its edge."""

    disk: _Groups
    sides: _Groups
    """Of the edge, left and right: what is smoothed down, but not across."""
    rows: Int64
    """Of the edge, above and below: how far away its rows are."""
    taps: Int64
    """Where its samples lie in pairs of these rows; they are smoothed across, but not down."""
    weights: NDArray[np.float32]
    """Theirs, which fill sweeps."""
    shares: NDArray[np.float32]
    """Of the smoothing: of pairs from the farthest one inwards, and half of the middle one, in sweeps."""
    last_shares: NDArray[np.float32]
    """The same, times the weight of a sample of the disk."""
    radius: int
    spread: int
    """How far the smoothing reaches."""
    half: np.float32
    bound: np.float32
    """Of the error of an estimate, in levels."""


@fused(defocus_blur)
def _defocus_blur(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, radius: float, alias_blur: float, unit_gain: bool
) -> NDArray[np.uint8] | None:
    """Return None if the arithmetic is not float64, the kernel is no disk, or float64 itself leaves a doubt."""
    height, width, channels = image.shape
    kernel = _kernel(radius, alias_blur, unit_gain)
    lens = _lens(radius, alias_blur, unit_gain, arithmetic.half, (width, channels))
    if arithmetic.precision != "float64" or lens is None:
        return None
    reach = lens.radius + lens.spread
    bordered = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    rows = bordered.reshape(height + 2 * reach, -1)
    result, uncertain = np.empty(image.size, np.uint8), np.empty(image.size, np.int64)
    memory = scratch_array("int16", rows.size + rows.shape[1])
    places = uncertain[: _estimate(result, uncertain, rows, memory, channels, lens)]
    if places.size > MANY * image.size:
        places, flat = flat_places(image, places, kernel.shape[0] // 2)
        levels = np.arange(256) * kernel.sum()
        low, high = (_stored(levels + margin, arithmetic.half) for margin in (-LIBRARY_MARGIN, LIBRARY_MARGIN))
        if (low != high)[image.ravel()[flat]].any():
            return None
        result[flat] = low[image.ravel()[flat]]
    if places.size * kernel.size > MOST_PRODUCTS * image.size:
        return None
    outside = reach - kernel.shape[0] // 2
    seen = rows[outside:, outside * channels :]
    is_decided = _decide(result, places, seen, (width * channels, channels), kernel, arithmetic.half)
    return result.reshape(image.shape) if is_decided else None


def _stored(levels: NDArray[np.float64], half: float) -> NDArray[np.uint8]:
    return (np.clip(levels, 0, 255) + half).astype(np.uint8)


@keep_arrays
def _kernel(radius: float, alias_blur: float, unit_gain: bool) -> NDArray[np.float64]:
    """Return the kernel without the zeros around it."""
    kernel = disk(radius, alias_blur)
    used = np.flatnonzero(kernel.any(axis=0))
    kernel = kernel / kernel.sum() if unit_gain else kernel
    return np.asarray(kernel[used[0] : used[-1] + 1, used[0] : used[-1] + 1], np.float64)


@keep_arrays
def _lens(radius: float, alias_blur: float, unit_gain: bool, half: float, shape: tuple[int, int]) -> _Lens | None:
    if radius > LARGEST_RADIUS:
        return None
    kernel, inside = _kernel(radius, alias_blur, unit_gain), is_inside(radius)
    smoothing = alias_weights(radius, alias_blur).astype(np.float64)
    smoothing = smoothing[smoothing >= TINY]
    spread, middle = smoothing.size // 2, inside.shape[0] // 2
    columns: Runs = [(int(n) // 2, x, 1.0) for x, n in enumerate(inside[:, middle:].sum(axis=0)) if n]
    edge = _edge({x: height for height, x, _ in columns}, middle, smoothing[spread + 1 :])
    model = _smoothed_disk(inside, edge, smoothing)
    level = float(kernel.sum() / model.sum())
    around = (model.shape[0] - kernel.shape[0]) // 2
    deviation = float(np.abs(np.pad(kernel, around) - level * model).sum())
    if deviation > MOST_DEVIATION:
        return None
    shares = smoothing[: spread + 1] / np.where(np.arange(spread, -1, -1), 1, 2)
    # Sums over the disk are whole numbers. Pairs count twice, down and across; those across are rounded, and so are the
    # two sums with the edge. A sample of that is a tap among others on one side, and on the other one in a group.
    taps = [(distance, x, weight) for height, distance, weight in edge for x in range(-height, height + 1)]
    thick = 4 * level * sum(abs(weight) for *_, weight in taps)
    smooth = 4 * roundings(fill_sweeps(shares, PAIRS), PAIRS)
    bound = bound_of_levels(float(kernel.sum()) * (smooth + 3) + thick * (len(taps) + smooth), doubles=kernel.size)
    bound += 255 * deviation + LIBRARY_MARGIN
    if not spread:
        sums = np.arange(255 * np.count_nonzero(inside) + 1)
        nudged = _nudged_half(sums * kernel.max(), sums.astype(np.float32) * np.float32(level), half, level)
        if nudged is None:
            return None
        half, bound = nudged, 0.0
    width, channels = shape
    reach = max(distance for _, distance, _ in [*columns, *edge])
    pitch, rows = (width + 2 * (reach + spread)) * channels, sorted({distance for distance, *_ in taps})
    return _Lens(
        disk=_groups(columns, pitch, channels),
        sides=_groups(edge, pitch, channels),
        rows=np.array(rows, np.int64),
        taps=np.array(
            [0] * (-len(taps) % SWEEP) + [rows.index(d) * pitch + x * channels for d, x, _ in taps], np.int64
        ),
        weights=fill_sweeps(np.array([weight for *_, weight in taps])),
        shares=fill_sweeps(shares, PAIRS),
        last_shares=fill_sweeps(shares * level, PAIRS),
        radius=reach,
        spread=spread,
        half=np.float32(half),
        bound=np.float32(bound),
    )


def _nudged_half(exact: NDArray[np.float64], estimates: NDArray[np.float32], half: float, level: float) -> float | None:
    """Return what rounds the estimate of every sum over a disk without an edge to the byte that float64 gives."""
    low, high = (_stored(exact + margin, half) for margin in (-LIBRARY_MARGIN, LIBRARY_MARGIN))
    for nudged in (half, half + level / 4, half - level / 4):
        found = np.clip(estimates + np.float32(nudged), 0, np.float32(255.5))
        if np.array_equal(low, high) and np.array_equal(found.astype(np.uint8), low):
            return nudged
    return None


def _edge(heights: dict[int, int], border: int, weights: NDArray[np.float64]) -> Runs:
    """Return the columns by which a smoothed disk differs whose array is mirrored at its border, and cut off there.

    Outside of the array nothing is left of what the smoothing puts there; from there its mirror image comes in.
    """
    runs: Runs = []
    for step, weight in enumerate(weights.tolist(), 1):
        for x in range(border - step, border + 1):
            if x in heights and x + step > border:
                runs.append((heights[x], x + step, -weight))
            if x in heights and x < border:
                runs.append((heights[x], 2 * border - x - step, weight))
    return runs


def _smoothed_disk(inside: NDArray[np.bool_], edge: Runs, smoothing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is added up, in units of the weight of a sample, on an array that holds all of it."""
    spread = smoothing.size // 2
    grid = np.pad(inside, spread).astype(np.float64)
    columns, centre = np.zeros_like(grid), grid.shape[0] // 2
    for height, distance, weight in edge:
        for x in {-distance, distance}:
            columns[centre - height : centre + height + 1, centre + x] += weight

    def smoothed(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sum([w * np.roll(rows, k - spread, axis=0) for k, w in enumerate(smoothing)], axis=0)

    across: NDArray[np.float64] = smoothed((smoothed(grid) + columns.T).T).T
    return across + smoothed(columns)


def _groups(runs: Runs, pitch: int, channels: int) -> _Groups:
    places: list[tuple[int, int]] = []
    limits: list[int] = []
    weights: list[float] = []
    samples = 0
    for height, distance, weight in sorted(runs, key=lambda run: abs(run[2])):
        size = 2 * (2 * height + 1)
        if abs(weight) not in weights[-1:] or samples + size > MOST_SAMPLES:
            # A column that ends where it begins adds nothing.
            places += [(0, 0)] * (-len(places) % SWEEP)
            limits, weights, samples = [*limits, len(places)], [*weights, abs(weight)], 0
        for x in {-distance, distance}:
            column = height * pitch + x * channels, -(height + 1) * pitch + x * channels
            places.append(column if weight > 0 else column[::-1])
        samples += size
    places += [(0, 0)] * (-len(places) % SWEEP)
    ends, starts = np.array(places, np.int64).reshape(-1, 2).T.copy()
    return _Groups(ends, starts, np.array([*limits, len(places)]), np.array(weights, np.float32))


@njit(cache=True, nogil=True, error_model="numpy")
def _estimate(result, uncertain, bordered, memory, channels, lens):
    """Store what float32 decides, note the samples that are uncertain, and return their number.

    The `memory` is for the sums from the top, modulo 2**16, of every row with its border, and of none above the first.
    """
    spread, reach, last = lens.spread, lens.radius + lens.spread, lens.shares.size - 1
    tall, pitch = bordered.shape
    size, wide = pitch - 2 * reach * channels, pitch - 2 * lens.radius * channels
    first, kept, has_edge = lens.radius * channels, 2 * spread + 1, lens.taps.size > 0
    part, disks, sides = np.empty(wide, np.int16), np.empty(kept * wide, np.float32), np.empty(kept * wide, np.float32)
    sums, more, levels = np.empty(wide, np.float32), np.empty(wide, np.float32), np.empty(size, np.float32)
    pairs = np.empty(lens.rows.size * pitch, np.float32)
    down, across = np.zeros((last + 1, 2), np.int64), np.zeros((last + 1, 2), np.int64)
    for k in range(spread + 1):
        across[last - k, 0], across[last - k, 1] = (spread - k) * channels, (spread + k) * channels
    memory[:pitch] = 0
    count = 0
    for row in range(tall):
        _add_row(memory[(row + 1) * pitch :], memory[row * pitch :], bordered[row])
        centre, y = row - lens.radius, row - 2 * reach
        if centre < lens.radius:
            continue
        place, start = centre % kept * wide, (centre + 1) * pitch + first
        _add_columns(disks[place : place + wide], part, memory, start, lens.disk)
        if has_edge:
            _add_columns(sides[place : place + size], part, memory, start + spread * channels, lens.sides)
        if y < 0:
            continue
        for k in range(spread + 1):
            down[last - k, 0] = (centre - spread - k) % kept * wide
            down[last - k, 1] = (centre - spread + k) % kept * wide
        weigh_pairs(sums, disks, 0, down, lens.shares)
        if has_edge:
            _add_pairs(pairs, bordered, y + reach, lens.rows)
            weigh(more, pairs, first, lens.taps, lens.weights)
            _add(sums, more)
        weigh_pairs(levels, sums, 0, across, lens.last_shares)
        if has_edge:
            weigh_pairs(more[:size], sides, 0, down, lens.last_shares)
            _add(levels, more)
        if store_certain(result[y * size : (y + 1) * size], levels, lens.half, lens.bound):
            count = note_uncertain(uncertain, count, y * size, levels, lens.half, lens.bound)
    return count


@part_of_kernel
def _add_pairs(pairs, bordered, y, distances):
    """Add rows above and below a row to each other."""
    pitch = bordered.shape[1]
    for k in range(distances.size):
        above, below, made = bordered[y - distances[k]], bordered[y + distances[k]], pairs[k * pitch :]
        for i in range(pitch):
            made[i] = np.float32(np.int32(np.int32(above[i]) + np.int32(below[i])))


@part_of_kernel
def _add(total, more):
    for i in range(total.size):
        total[i] += more[i]


@part_of_kernel
def _add_row(made, before, row):
    for i in range(row.size):
        made[i] = np.int16(before[i] + np.int16(row[i]))


@part_of_kernel(fastmath={"contract"})
def _add_columns(total, part, sums, first, columns):
    """Add up groups of columns around every place of a row: whole numbers, each times its weight."""
    size = total.size
    for i in range(size):
        total[i] = np.float32(0)
    for group in range(columns.weights.size):
        for i in range(size):
            part[i] = np.int16(0)
        for k in range(columns.limits[group], columns.limits[group + 1], SWEEP):
            a, b = sums[first + columns.ends[k] :][:size], sums[first + columns.starts[k] :][:size]
            c, d = sums[first + columns.ends[k + 1] :][:size], sums[first + columns.starts[k + 1] :][:size]
            e, f = sums[first + columns.ends[k + 2] :][:size], sums[first + columns.starts[k + 2] :][:size]
            g, h = sums[first + columns.ends[k + 3] :][:size], sums[first + columns.starts[k + 3] :][:size]
            for i in range(size):
                one, other = (a[i] - b[i]) + (c[i] - d[i]), (e[i] - f[i]) + (g[i] - h[i])
                part[i] = np.int16(part[i] + (one + other))
        weight = columns.weights[group]
        for i in range(size):
            total[i] += weight * np.float32(part[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(result, places, rows, layout, kernel, half):
    """Compute single samples in float64, and return whether that decides all of them."""
    size, channels = layout
    for place in places:
        y, x = divmod(place, size)
        total = 0.0
        for j in range(kernel.shape[0]):
            line, weights = rows[y + j, x:], kernel[j]
            for i in range(weights.size):
                total += weights[i] * np.float64(line[i * channels])
        low = byte_of(total - LIBRARY_MARGIN, half)
        if low != byte_of(total + LIBRARY_MARGIN, half):
            return False
        result[place] = low
    return True
