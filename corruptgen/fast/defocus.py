"""The correlation of bytes with a disk: whole numbers inside of it and along its edge, float64 where in doubt."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.fast.block_sums import BLOCK
from corruptgen.fast.disk_sums import PRODUCTS_IN_SWEEP, RUNS, compute, estimate, rows_at_work
from corruptgen.fast.doubts import UNIT_ROUNDOFF, flat_places, too_many
from corruptgen.fast.scratch import scratch
from corruptgen.ops.kernels import alias_weights, disk, is_inside
from corruptgen.runtime.caching import keep_arrays

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]

# Weights this close to each other, relative to the middle one, count as equal, and this small ones as none.
EQUAL = 1e-6
# What a correlation in float64 may be off, in grey levels, by its order or transform: a thousand times what it is.
LIBRARY_MARGIN = 1e-10
# More products than these, per sample of the image, for the samples in doubt cost what the plain path does.
MOST_PRODUCTS = 12
# The columns of so large a disk change by what fits into 16 bits.
LARGEST_RADIUS = 60
# A kernel that its parts differ more from, in full scales, is no disk with an edge.
MOST_DEVIATION = 1e-5


@dataclass(frozen=True, eq=False)
class _Lens:
    """A kernel that is a flat disk, smoothed, and what its edge differs by, but for `deviation`."""

    kernel: Float64
    size: int
    """How many samples the disk covers."""
    radius: int
    """How far the disk's own array reaches."""
    heights: Int64
    """Of the disk: how far each column, from the middle to the right, goes up and down."""
    shares: Float32
    """The weights of the smoothing, from the farthest neighbours inwards, and half of the middle one's."""
    last_shares: Float32
    """The same for a row and its edges together."""
    level: np.float32
    """The weight of a sample of the disk."""
    runs: Int64
    """How far the disk's outermost row, the next one and the one after that go to either side; -1 is not at all."""
    terms: Int64
    """(run, distance from the middle) of what the edge differs by: for each weight what is more, and what is less."""
    ends: Int64
    """Where these begin, and where the last ones end."""
    weights: Float32
    """Theirs, in units of the disk's."""
    deviation: float
    """The sum of what the weights are off."""
    error: float
    """What the float32 estimate of white may be off, in full scales."""

    @property
    def spread(self) -> int:
        """How far the smoothing reaches."""
        return self.shares.size - 1

    @property
    def reach(self) -> int:
        """How far from a sample anything is read."""
        return self.radius + self.spread


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the samples of a disk lie in an image of some width, counted in samples."""

    moves: Int64
    """What enters and leaves the disk and its runs with a row, as `corruptgen.fast.disk_sums.estimate` takes it."""
    counts: Int64
    """How many places of each kind these are."""
    products: UInt64
    """The samples that are weighed by the kernel, from the first one of the whole border on."""
    weights: Float64
    """Of those, and zeros to fill the last sweep."""


def defocused(
    image: NDArray[np.uint8], radius: float, alias_blur: float, unit_gain: bool, arithmetic: Arithmetic
) -> NDArray[np.uint8] | None:
    """Give an (H, W, C) image of bytes correlated with a disk, mirrored at the outermost samples.

    None if the arithmetic is not float64, the kernel is no disk with an edge, or float64 itself leaves a doubt.
    """
    height, width, channels = image.shape
    lens, places = _lens(radius, alias_blur, unit_gain), _places(radius, alias_blur, unit_gain, width, channels)
    if arithmetic.precision != "float64" or lens is None or places is None:
        return None
    reach, black = lens.reach, 2 * lens.radius + 1
    half, margin = arithmetic.half, 255 * (lens.deviation + lens.error) + LIBRARY_MARGIN
    is_bare = not lens.spread and not lens.weights.size
    if is_bare:
        nudge = _nudge(lens, half)
        if nudge is None:
            return None
        half, margin = half + nudge, 0.0

    tall, pitch = height + 2 * reach, (width + 2 * reach) * channels
    samples = scratch("uint8", (black + tall) * pitch + BLOCK)
    samples[: black * pitch] = 0
    bordered = samples[black * pitch : (black + tall) * pitch].reshape(tall, width + 2 * reach, channels)
    cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101, dst=bordered)
    floats, whole = rows_at_work(lens.spread, reach)
    result, doubtful = np.empty(image.size + BLOCK, np.uint8), scratch("int64", image.size)
    count = estimate(
        result,
        doubtful,
        samples,
        scratch("float32", floats * (pitch + BLOCK)),
        scratch("int16", whole * (pitch + BLOCK)),
        np.empty(6 * lens.spread + 4 + 4 * len(lens.terms), np.int64),
        image.shape,
        black,
        reach,
        places.moves,
        places.counts,
        lens.shares,
        lens.last_shares,
        lens.terms,
        lens.ends,
        lens.weights,
        lens.level,
        margin,
        half,
    )
    result = result[: image.size]
    if count and not _decide(result, doubtful[:count], image, bordered, lens, places, arithmetic.half):
        return None
    return result.reshape(image.shape)


def _decide(
    result: NDArray[np.uint8],
    doubtful: Int64,
    image: NDArray[np.uint8],
    bordered: NDArray[np.uint8],
    lens: _Lens,
    places: _Places,
    half: float,
) -> bool:
    """Compute the samples in doubt in float64; False if that takes too long or does not help."""
    if too_many(doubtful, image):
        doubtful, flat = flat_places(image, doubtful, lens.kernel.shape[0] // 2)
        levels = np.arange(256) * lens.kernel.sum()
        low, high = _stored(levels - LIBRARY_MARGIN, half), _stored(levels + LIBRARY_MARGIN, half)
        values = image.ravel()[flat]
        if (low != high)[values].any():
            return False
        result[flat] = low[values]
    if doubtful.size * places.weights.size > MOST_PRODUCTS * image.size:
        return False
    size, pitch = (rows.shape[1] * rows.shape[2] for rows in (image, bordered))
    is_decided: bool = compute(
        result, doubtful, bordered.ravel(), size, pitch, places.products, places.weights, LIBRARY_MARGIN, half
    )
    return is_decided


@keep_arrays
def _nudge(lens: _Lens, half: float) -> float | None:
    """Give what makes the estimate of every sum over a bare disk lead to the byte that float64 gives; None: nothing."""
    sums = np.arange(255 * lens.size + 1)
    exact = sums * lens.kernel.max()
    low, high = _stored(exact - LIBRARY_MARGIN, half), _stored(exact + LIBRARY_MARGIN, half)
    for part in (0.25, 0.0, -0.25):
        nudge = float(part * lens.level)
        least, white = np.float32(half + nudge), np.float32(255 + half + nudge)
        found = np.minimum(np.maximum(sums.astype(np.float32) * lens.level + least, 0), white)
        if np.array_equal(low, high) and np.array_equal(found.astype(np.uint8), low):
            return nudge
    return None


def _stored(levels: Float64, half: float) -> NDArray[np.uint8]:
    return (np.clip(levels, 0, 255) + half).astype(np.uint8)


@keep_arrays
def _lens(radius: float, alias_blur: float, unit_gain: bool) -> _Lens | None:
    if radius > LARGEST_RADIUS:
        return None
    single = disk(radius, alias_blur)
    kernel: Float64 = (single / single.sum() if unit_gain else single).astype(np.float64)
    inside = is_inside(radius)
    middle = kernel.shape[0] // 2
    heights = inside[:, middle:].sum(axis=0) // 2
    heights = heights[inside[middle, middle:]]
    neighbours = alias_weights(radius, alias_blur)
    smoothing = neighbours[neighbours.size // 2 + 1 :].astype(np.float64)
    smoothing = smoothing[smoothing >= EQUAL**2]
    shares = np.append(smoothing[::-1], 0.5 - smoothing.sum()).astype(np.float32)
    level = np.float32(1 / (inside.sum() * (single.sum(dtype=np.float64) if unit_gain else 1)))
    runs = (inside.sum(axis=1)[:RUNS] - 1) // 2
    terms, ends, weights = _edge(runs, middle, smoothing)
    runs[~np.isin(np.arange(RUNS), terms[:, 0])] = -1

    # Everything on a grid that holds the smoothed disk as a whole.
    edge = 2 * (neighbours.size // 2)
    differences = np.zeros(np.pad(inside, edge).shape)
    centre = middle + edge
    signs = itertools.cycle((1, -1))
    for weight, sign, first, last in zip(np.repeat(weights, 2), signs, ends, ends[1:], strict=False):
        for run, distance in terms[first:last]:
            for row in (centre - distance, centre + distance):
                differences[row, centre - runs[run] : centre + runs[run] + 1] += sign * weight
    downwards = _smoothed(np.pad(inside, edge).astype(np.float64), shares)
    model = _smoothed((downwards + differences).T, shares).T + _smoothed(differences.T, shares)
    deviation = float(np.abs(np.pad(kernel, edge) - np.float64(level) * model).sum())
    if deviation > MOST_DEVIATION:
        return None
    gain = float(np.float64(level) * (inside.sum() + 2 * np.abs(differences).sum()))
    # Down and across, the products and the last sum are off by a unit of all each, partial sums by less; the sums of
    # pairs by one, if they are not whole; the level, its product and the comparison by 4. Of what the edge differs by,
    # so are the product and the sum for each weight, on rows and on columns; and then the smoothing of these.
    rounded = 10 + (4 * weights.size + 6 if weights.size else 0)
    used = np.flatnonzero(kernel.any(axis=0))
    return _Lens(
        kernel=kernel[used[0] : used[-1] + 1, used[0] : used[-1] + 1],
        size=int(inside.sum()),
        radius=middle if weights.size else int(heights[0]),
        heights=heights,
        shares=shares,
        last_shares=np.repeat(shares, 2) if weights.size else shares,
        level=level,
        runs=runs,
        terms=terms,
        ends=ends,
        weights=weights,
        deviation=deviation,
        error=1.1 * UNIT_ROUNDOFF * gain * rounded,
    )


def _edge(runs: Int64, radius: int, smoothing: Float64) -> tuple[Int64, Int64, Float32]:
    """Give the terms of what the edge differs by from a smoothed disk's, where those of each sign begin, and weights.

    What the smoothing would put outside of the disk's array is missing, and what it finds outside is the mirror image.
    """
    groups = (
        ([(1, radius)], [(0, radius + 1)]),
        ([(2, radius), (1, radius - 1)], [(0, radius + 2), (1, radius + 1)]),
    )
    terms: list[tuple[int, int]] = []
    ends, weights = [0], []
    for weight, group in zip(smoothing, groups, strict=False):
        more, less = ([term for term in side if runs[term[0]] >= 0] for side in group)
        if more or less:
            terms += more + less
            ends += [len(terms) - len(less), len(terms)]
            weights.append(weight)
    return np.array(terms, np.int64).reshape(-1, 2), np.array(ends), np.array(weights, np.float32)


def _smoothed(grid: Float64, shares: Float32) -> Float64:
    total = np.zeros_like(grid)
    for distance, weight in enumerate(shares[::-1].tolist()):
        total += weight * (np.roll(grid, distance, axis=0) + np.roll(grid, -distance, axis=0))
    return total


@keep_arrays
def _places(radius: float, alias_blur: float, unit_gain: bool, width: int, channels: int) -> _Places | None:
    lens = _lens(radius, alias_blur, unit_gain)
    if lens is None:
        return None
    pitch, left = (width + 2 * lens.reach) * channels, lens.radius * channels

    columns = np.arange(1 - lens.heights.size, lens.heights.size)
    heights = lens.heights[np.abs(columns)]
    entering, leaving = (side * pitch + left + columns * channels for side in (heights, -heights - 1))
    runs = [(run * pitch, -(run + 1) * pitch) for run in lens.runs.tolist()]
    # Each run of a row has the shorter one before it.
    longer: list[list[int]] = []
    for run, shorter in zip(lens.runs.tolist(), [-1, *lens.runs.tolist()], strict=False):
        longer.append([distance * channels for distance in range(-run, run + 1) if abs(distance) > shorter])
    counts = [columns.size, *(len(more) if run >= 0 else -1 for run, more in zip(lens.runs, longer, strict=True))]

    rows, across = np.nonzero(lens.kernel)
    edge = lens.reach - lens.kernel.shape[0] // 2
    filling = (0, -rows.size % PRODUCTS_IN_SWEEP)
    return _Places(
        moves=np.concatenate([entering, leaving, np.ravel(runs), *longer]).astype(np.int64),
        counts=np.array(counts),
        products=np.pad((rows + edge) * pitch + (across + edge) * channels, filling).view(np.uint64),
        weights=np.pad(lens.kernel[rows, across], filling),
    )
