"""The correlation of bytes with a disk: whole numbers inside of it and along its edge, float64 where in doubt."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.imaging.disk_sums import READS_IN_SWEEP, compute, estimate, scratch
from corruptgen.imaging.doubts import UNIT_ROUNDOFF, flat_places, too_many
from corruptgen.imaging.kernels import alias_weights, disk, is_inside
from corruptgen.imaging.pixels import Arithmetic

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Weights this close to each other, relative to the middle one, count as equal, and this small ones as none.
EQUAL = 1e-6
# What a correlation in float64 may be off, in grey levels, by its order or transform: a thousand times what it is.
LIBRARY_MARGIN = 1e-10
# More products than these, per sample of the image, for the samples in doubt cost what the plain path does.
MOST_PRODUCTS = 12
# So many sums of two bytes fit into 16 bits, and so large a disk's column does.
MOST_READS = 64
LARGEST_RADIUS = 60
# More weights than that along a quarter of the edge are no edge.
MOST_TAPS = 120


@dataclass(frozen=True, eq=False)
class _Disk:
    """A kernel that is a flat disk, smoothed, and some weights along its edge, but for `deviation`."""

    kernel: Float64
    places: Int64
    """(rows, columns) of its weights, counted from `reach` above and left of a sample, in whole sweeps."""
    products: Float64
    """The weights there, and zeros to fill the last sweep."""
    size: int
    """How many samples the disk covers."""
    reach: int
    """How far from a sample anything is read."""
    heights: Int64
    """Of the disk: how far each column, from the middle to the right, goes up and down."""
    smoothing: Float32
    """Weights of the next and of the second next neighbours."""
    spread: int
    """How far that reaches."""
    level: np.float32
    """The weight of a sample of the disk."""
    strips: Int64
    """Distances of the rows that the other weights lie on."""
    reads: Int64
    """What has the same weight: (number of a strip, column from the middle); number len(strips) is nothing."""
    ends: Int64
    """Where the reads of each weight begin, and where the last one's end."""
    weights: Float32
    """Theirs, in units of the disk's."""
    deviation: float
    """The sum of what the weights are off."""
    error: float
    """What the float32 estimate of white may be off, in full scales."""


def defocused(
    image: NDArray[np.uint8], radius: float, alias_blur: float, unit_gain: bool, arithmetic: Arithmetic
) -> NDArray[np.uint8] | None:
    """Give an (H, W, C) image of bytes correlated with a disk, mirrored at the outermost samples.

    None if the arithmetic is not float64, the kernel is no disk with an edge, or float64 itself leaves a doubt.
    """
    plan = _plan(radius, alias_blur, unit_gain) if arithmetic.precision == "float64" else None
    if plan is None:
        return None
    height, width, channels = image.shape
    reach = plan.reach
    bordered = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    rows = np.asarray(bordered, np.uint8).reshape(height + 2 * reach, -1)
    result = np.empty((height, width * channels), np.uint8)
    doubtful = np.empty(image.size, np.int64)
    half, margin = arithmetic.half, 255 * (plan.deviation + plan.error) + LIBRARY_MARGIN
    is_bare = not plan.smoothing.any() and not plan.weights.size
    if is_bare:
        nudge = _nudge(plan, half)
        if nudge is None:
            return None
        half, margin = half + nudge, 0.0
    count = estimate(
        result,
        doubtful,
        rows,
        channels,
        reach,
        plan.heights,
        plan.smoothing,
        plan.strips,
        (plan.reads + np.array((0, reach))) * (1, channels),
        plan.ends,
        plan.weights,
        plan.level,
        margin,
        half,
        *scratch(rows, width * channels, plan.spread * channels, 2 * plan.spread + 2, plan.strips.size),
    )
    if is_bare:
        return result.reshape(image.shape)
    return _decided(result, doubtful[:count], image, rows, plan, arithmetic.half)


def _decided(
    result: NDArray[np.uint8],
    places: Int64,
    image: NDArray[np.uint8],
    rows: NDArray[np.uint8],
    plan: _Disk,
    half: float,
) -> NDArray[np.uint8] | None:
    """Compute the samples in doubt in float64; None if that takes too long or does not help."""
    if too_many(places, image):
        places, flat = flat_places(image, places, plan.kernel.shape[0] // 2)
        levels = np.arange(256) * plan.kernel.sum()
        low, high = _stored(levels - LIBRARY_MARGIN, half), _stored(levels + LIBRARY_MARGIN, half)
        values = image.ravel()[flat]
        if (low != high)[values].any():
            return None
        result.ravel()[flat] = low[values]
    if places.size * plan.products.size > MOST_PRODUCTS * image.size:
        return None
    down, right = plan.places
    is_sure = compute(
        result.ravel(),
        places,
        rows,
        result.shape[1],
        down,
        right * image.shape[2],
        plan.products,
        LIBRARY_MARGIN,
        half,
    )
    return result.reshape(image.shape) if is_sure else None


@lru_cache(maxsize=64)
def _nudge(plan: _Disk, half: float) -> float | None:
    """Give what makes the estimate of every sum over a bare disk lead to the byte that float64 gives; None: nothing."""
    sums = np.arange(255 * plan.size + 1)
    exact = sums * plan.kernel.max()
    low, high = _stored(exact - LIBRARY_MARGIN, half), _stored(exact + LIBRARY_MARGIN, half)
    for part in (0.25, 0.0, -0.25):
        nudge = float(part * plan.level)
        least, white = np.float32(half + nudge), np.float32(255 + half + nudge)
        found = np.minimum(np.maximum(sums.astype(np.float32) * plan.level + least, 0), white)
        if np.array_equal(low, high) and np.array_equal(found.astype(np.uint8), low):
            return nudge
    return None


def _stored(levels: Float64, half: float) -> NDArray[np.uint8]:
    return (np.clip(levels, 0, 255) + half).astype(np.uint8)


@lru_cache(maxsize=64)
def _plan(radius: float, alias_blur: float, unit_gain: bool) -> _Disk | None:
    if radius > LARGEST_RADIUS:
        return None
    single = disk(radius, alias_blur)
    kernel: Float64 = (single / single.sum() if unit_gain else single).astype(np.float64)
    inside = is_inside(radius)
    middle = kernel.shape[0] // 2
    heights = inside[:, middle:].sum(axis=0) // 2
    heights = heights[inside[middle, middle:]]
    neighbours = alias_weights(radius, alias_blur)
    spread = neighbours.size // 2
    smoothing = np.zeros(2, np.float32)
    smoothing[:spread] = neighbours[spread + 1 :]
    smoothing[smoothing < EQUAL**2] = 0
    level = np.float32(1 / (inside.sum() * (single.sum(dtype=np.float64) if unit_gain else 1)))

    # Everything on a grid that holds the smoothed disk as a whole.
    edge = spread * 2
    model = _smoothed(_smoothed(np.pad(inside, edge).astype(np.float64), smoothing).T, smoothing)
    missing = np.pad(kernel, edge) / np.float64(level) - model
    middle += edge
    quadrant = ((missing + missing[::-1] + missing[:, ::-1] + missing[::-1, ::-1]) / 4)[middle:, middle:]
    taps = np.argwhere(np.abs(quadrant) > EQUAL)
    if len(taps) > MOST_TAPS:
        return None
    strips = np.unique(taps[:, 0])
    reads, ends, weights = _grouped(taps, quadrant, strips)
    for k, weight in enumerate(weights.tolist()):
        for strip, column in reads[ends[k] : ends[k + 1]]:
            for row in {-strips[strip], strips[strip]} if strip < strips.size else ():
                model[middle + row, middle + column] += weight
    deviation = float(np.abs(np.pad(kernel, edge) - np.float64(level) * model).sum())
    gain = float(np.float64(level) * (inside.sum() + np.abs(missing).sum()))
    used = np.flatnonzero(kernel.any(axis=0))
    kernel = kernel[used[0] : used[-1] + 1, used[0] : used[-1] + 1]
    reach = max(kernel.shape[0] // 2, int(heights[0]) + spread, int(taps.max(initial=0)))
    places = np.array(np.nonzero(kernel))
    products = kernel[tuple(places)]
    missing_products = -products.size % READS_IN_SWEEP
    places = np.pad(places + reach - kernel.shape[0] // 2, ((0, 0), (0, missing_products)))
    products = np.pad(products, (0, missing_products))
    error = 1.1 * UNIT_ROUNDOFF * gain * (10 + weights.size)
    return _Disk(
        kernel=kernel,
        places=places,
        products=products,
        size=int(inside.sum()),
        reach=reach,
        heights=heights,
        smoothing=smoothing,
        spread=int(np.count_nonzero(smoothing)),
        level=level,
        strips=strips,
        reads=reads,
        ends=ends,
        weights=weights,
        deviation=deviation,
        error=error,
    )


def _smoothed(grid: Float64, weights: Float32) -> Float64:
    total = grid * (1 - 2 * weights.sum(dtype=np.float64))
    for k, weight in enumerate(weights.tolist(), 1):
        total += weight * (np.roll(grid, k, axis=0) + np.roll(grid, -k, axis=0))
    return total


def _grouped(taps: Int64, quadrant: Float64, strips: Int64) -> tuple[Int64, Int64, Float32]:
    """Give what is read for every weight, where that begins and ends, and the weights."""
    nothing = (strips.size, 0)
    values = quadrant[tuple(taps.T)]
    reads: list[tuple[int, int]] = []
    ends, first = [0], 0.0
    weights: list[float] = []
    for k in np.argsort(values, kind="stable").tolist():
        row, column = taps[k].tolist()
        if not weights or values[k] - first > EQUAL or len(reads) - ends[-1] > MOST_READS - 2:
            _close(reads, ends, nothing)
            first = values[k]
            weights.append(first)
        strip = int(np.searchsorted(strips, row))
        reads += [(strip, side * column) for side in ((-1, 1) if column else (1,))]
    _close(reads, ends, nothing)
    return np.array(reads, np.int64).reshape(-1, 2), np.array(ends), np.array(weights, np.float32)


def _close(reads: list[tuple[int, int]], ends: list[int], nothing: tuple[int, int]) -> None:
    """Fill up the last sweep of a weight."""
    reads += [nothing] * (-len(reads) % READS_IN_SWEEP)
    if len(reads) > ends[-1]:
        ends.append(len(reads))
