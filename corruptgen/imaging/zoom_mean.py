"""The mean of an image of bytes and its zooms: an approximation, and the exact sum where that leaves a doubt."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.declare import Pixels
from corruptgen.imaging.doubts import UNIT_ROUNDOFF, flat_places, store_row_and_doubts, too_many
from corruptgen.imaging.pixels import BYTE, Arithmetic, stored
from corruptgen.imaging.zoom import central_positions

# Runs of neighbours are lengthened to whole strides, so that no loop has a rest; the next run overwrites the surplus.
STRIDE = 16


@dataclass(frozen=True)
class _Plan:
    """Where the zooms of one size take their samples from: values that depend on nothing but their arguments."""

    rows: NDArray[np.int64]
    """(zooms, H): the upper one of two rows."""
    last_row: NDArray[np.int64]
    lower: NDArray[np.float64]
    """(zooms, H): the weight of the lower row."""
    columns: NDArray[np.int64]
    """(zooms, W): the left one of two columns."""
    last_column: NDArray[np.int64]
    right: NDArray[np.float64]
    runs: NDArray[np.int64]
    """Where a row is copied from without a gap: first sample of the target and of the source, number of samples."""
    ends: NDArray[np.int64]
    """Where the runs of each zoom begin, and where the last one's end."""
    weights: NDArray[np.float32]
    """(zooms, W * C + STRIDE): `right`, once per sample."""
    reach: int
    """How far from a pixel its zooms take samples, at most."""
    leaves_image: bool
    """Whether a position lies outside by a rounding error, where `corruptgen.imaging.zoom` sees black."""


def mean_with_zooms(
    image: NDArray[np.uint8], factors: Sequence[float], arithmetic: Arithmetic
) -> NDArray[np.uint8] | None:
    """Give the mean of an (H, W, C) image and its zooms by `factors`, 1 or above, as float32 arithmetic has it.

    The approximation weighs the rows and columns one after the other in float32. It and the formula are both so close
    to the true mean that they lead to the same byte unless a boundary between two bytes lies within `_margin` of it;
    such samples, one in a thousand, are computed as the formula does.

    None if the arithmetic is not float32, or a zoom takes black from outside of the image.
    """
    plan = _plan(*image.shape, tuple(factors))
    if arithmetic.precision != "float32" or plan.leaves_image:
        return None
    height, width, channels = image.shape
    samples = np.zeros(image.size + channels + STRIDE, np.uint8)
    samples[: image.size] = image.ravel()
    result = np.empty((height, width * channels), np.uint8)
    doubtful = np.empty(image.size, np.int64)
    count = _approximate(
        result,
        doubtful,
        samples,
        channels,
        plan.rows,
        plan.last_row,
        plan.lower.astype(np.float32),
        plan.runs,
        plan.ends,
        plan.weights,
        _margin(len(factors)),
        arithmetic.half,
    )
    places = doubtful[:count]
    if too_many(places, image):
        # Where all that the zooms see is of one value, each of them gives that value, without an error.
        places, flat = flat_places(image, places, plan.reach)
        result.ravel()[flat] = _mean_of_equals(len(factors), arithmetic)[image.ravel()[flat]]
    _compute(
        result.ravel(),
        places,
        samples,
        arithmetic.units,
        image.shape,
        plan.rows,
        plan.last_row,
        plan.lower,
        plan.columns,
        plan.last_column,
        plan.right,
        np.float32(arithmetic.half),
    )
    return result.reshape(image.shape)


def _margin(zooms: int) -> float:
    """Bound the distance, in grey levels, between the formula and the approximation, both in float32.

    The sum of k values up to 1 has an error below k**2 / 2 units, so the mean one below k / 2, on either side. A byte
    as a fraction, a zoom, the division and the way back to levels add 4; two weighings and the sums in pairs 12.
    """
    return 255 * UNIT_ROUNDOFF * (zooms + 24)


@lru_cache(maxsize=32)
def _plan(height: int, width: int, channels: int, factors: tuple[float, ...]) -> _Plan:
    rows, last_row, lower, down, above = _axis(height, factors)
    columns, last_column, right, across, beside = _axis(width, factors)
    runs: list[tuple[int, int, int]] = []
    ends = [0]
    for source in columns:
        starts = np.flatnonzero(np.diff(source - np.arange(width), prepend=width))
        lengths = np.diff(starts, append=width) * channels
        lengths = -(-lengths // STRIDE) * STRIDE
        runs += zip((starts * channels).tolist(), (source[starts] * channels).tolist(), lengths.tolist(), strict=True)
        ends.append(len(runs))
    weights = np.zeros((len(factors), width * channels + STRIDE), np.float32)
    weights[:, : width * channels] = np.repeat(right, channels, axis=1)
    reach = max(down, across)
    return _Plan(
        rows,
        last_row,
        lower,
        columns,
        last_column,
        right,
        np.array(runs),
        np.array(ends),
        weights,
        reach,
        above or beside,
    )


def _axis(length: int, factors: Sequence[float]) -> tuple[Any, ...]:
    """Give the first of two neighbours, the last index, the weight of the second, the reach, and if one is outside."""
    near = np.empty((len(factors), length), np.int64)
    last = np.empty(len(factors), np.int64)
    weight = np.empty((len(factors), length))
    leaves = False
    for k, factor in enumerate(factors):
        positions, part = central_positions(length, factor)
        leaves = leaves or bool(positions[-1] > part.stop - part.start - 1)
        near[k] = positions.astype(np.int64)
        weight[k] = positions - near[k]
        near[k] += part.start
        last[k] = part.stop - 1
    reach = int(np.abs(near - np.arange(length)).max()) + 1
    return near, last, weight, reach, leaves


def _mean_of_equals(zooms: int, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Tabulate what becomes of every byte if all zooms give it again."""
    units = arithmetic.units
    layers = np.zeros_like(units)
    for _ in range(zooms):
        layers += units
    return stored((units + layers) / (zooms + 1), Pixels.UNIT, BYTE, arithmetic.rounding)


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(  # type: ignore[no-untyped-def]
    result, doubtful, samples, channels, rows, last_row, lower, runs, ends, weights, margin, half
):
    height, size = result.shape
    zooms = last_row.size
    # Of each zoom the two rows that are at work, weighed across; a row lies where its parity says.
    layers = np.zeros((zooms, 2, size + STRIDE), np.float32)
    done = np.full(zooms, -1)
    bottom = np.empty(zooms, np.int64)
    total = np.empty(size, np.float32)
    scale = np.float32(1 / (zooms + 1))
    count = 0
    for y in range(height):
        own = samples[y * size : y * size + size]
        for i in range(size):
            total[i] = np.float32(own[i])
        for k in range(zooms):
            above = rows[k, y]
            below = min(above + 1, last_row[k])
            for row in range(max(above, done[k] + 1), below + 1):
                _weigh_across(
                    layers[k, row & 1], samples, row * size, runs[ends[k] : ends[k + 1]], weights[k], channels
                )
                done[k] = row
            bottom[k] = below
        for k in range(0, zooms - 1, 2):
            _add_two(
                total,
                layers[k],
                rows[k, y],
                bottom[k],
                lower[k, y],
                layers[k + 1],
                rows[k + 1, y],
                bottom[k + 1],
                lower[k + 1, y],
            )
        if zooms % 2 == 1:
            k = zooms - 1
            _add_one(total, layers[k], rows[k, y], bottom[k], lower[k, y])
        count = store_row_and_doubts(result[y], total, scale, margin, half, doubtful, count, y * size)
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh_across(target, samples, start, runs, weights, channels):  # type: ignore[no-untyped-def]
    for j in range(runs.shape[0]):
        # Unsigned, or the compiler would mind negative indices and leave the loop as it is.
        first, near = np.uint64(runs[j, 0]), np.uint64(start + runs[j, 1])
        far = near + np.uint64(channels)
        for i in range(np.uint64(runs[j, 2])):
            value = np.float32(samples[near + i])
            target[first + i] = value + (np.float32(samples[far + i]) - value) * weights[first + i]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_one(total, layer, above, below, weight):  # type: ignore[no-untyped-def]
    upper, lower = layer[above & 1], layer[below & 1]
    for i in range(total.size):
        total[i] += upper[i] + (lower[i] - upper[i]) * weight


@njit(cache=True, nogil=True, error_model="numpy")
def _add_two(total, layer, above, below, weight, other, other_above, other_below, other_weight):  # type: ignore[no-untyped-def]
    upper, lower = layer[above & 1], layer[below & 1]
    other_upper, other_lower = other[other_above & 1], other[other_below & 1]
    for i in range(total.size):
        one = upper[i] + (lower[i] - upper[i]) * weight
        total[i] += one + (other_upper[i] + (other_lower[i] - other_upper[i]) * other_weight)


@njit(cache=True, nogil=True, error_model="numpy")
def _compute(  # type: ignore[no-untyped-def]
    result, places, samples, units, shape, rows, last_row, lower, columns, last_column, right, half
):
    """Compute single samples as the formula does: float64 within a zoom, float32 between them."""
    _, width, channels = shape
    size = width * channels
    for place in places:
        y, i = divmod(place, size)
        x, c = divmod(i, channels)
        layers = np.float32(0)
        for k in range(last_row.size):
            above = rows[k, y] * size
            below = min(rows[k, y] + 1, last_row[k]) * size
            near = columns[k, x] * channels + c
            far = min(columns[k, x] + 1, last_column[k]) * channels + c
            lower_weight, right_weight = lower[k, y], right[k, x]
            upper_weight, left_weight = 1.0 - lower_weight, 1.0 - right_weight
            total = units[samples[above + near]] * upper_weight * left_weight
            total += units[samples[above + far]] * upper_weight * right_weight
            total += units[samples[below + near]] * lower_weight * left_weight
            total += units[samples[below + far]] * lower_weight * right_weight
            layers += np.float32(total)
        mean = (units[samples[place]] + layers) / np.float32(last_row.size + 1) * np.float32(255)
        result[place] = np.uint8(min(max(mean, np.float32(0)), np.float32(255)) + half)
