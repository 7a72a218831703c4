"""The mean of an image of bytes and its zooms: an approximation, and the exact sum where that leaves a doubt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize
from corruptgen.compilation import njit
from corruptgen.declare import Pixels
from corruptgen.fast.block_levels import store_levels
from corruptgen.fast.block_sums import BLOCK, PIECE, blend_neighbours, weigh_samples
from corruptgen.fast.doubts import UNIT_ROUNDOFF, byte_of, flat_places, note_doubts, too_many
from corruptgen.fast.scratch import scratch
from corruptgen.ops.zoom import central_positions
from corruptgen.runtime.caching import keep_arrays


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
    nearest: NDArray[np.int64]
    """`rows` and `last_row` without those of copies that are not magnified."""
    bottom: NDArray[np.int64]
    shares: NDArray[np.float32]
    """(H, 2 * zooms + 1): what the image itself and the two rows of each such zoom count in the sum."""
    pieces: NDArray[np.int64]
    """Where a row is copied from without a gap, in whole pieces: first sample of the target, and of the source."""
    ends: NDArray[np.int64]
    """Where the pieces of each of these zooms begin, and where the last one's end."""
    weights: NDArray[np.float32]
    """(zooms * length,): their `right`, once per sample."""
    length: int
    """Samples of a row, and room for the surplus of its last piece."""
    reach: int
    """How far from a pixel its zooms take samples, at most."""
    leaves_image: bool
    """Whether a position lies outside by a rounding error, where `corruptgen.ops.zoom` sees black."""


def mean_with_zooms(
    image: NDArray[np.uint8], factors: Sequence[float], arithmetic: Arithmetic
) -> NDArray[np.uint8] | None:
    """Give the mean of an (H, W, C) image and its zooms by `factors`, 1 or above, as float32 arithmetic has it.

    The approximation weighs the rows and columns one after the other in float32. It and the formula are both so close
    to the true mean that they lead to the same byte unless a boundary between two bytes lies within `_margin` of it;
    such samples, one in a thousand, are computed as the formula does.

    None if the arithmetic is not float32, or a zoom takes black from outside of the image.
    """
    plan = _plan(image.shape[0], image.shape[1], image.shape[2], tuple(factors))
    if arithmetic.precision != "float32" or plan.leaves_image:
        return None
    zooms = len(factors)
    samples = scratch("uint8", image.size + image.shape[2] + PIECE)
    samples[: image.size] = image.ravel()
    result, doubtful = np.empty(image.size + BLOCK, np.uint8), scratch("int64", image.size)
    count = _approximate(
        result,
        doubtful,
        samples,
        scratch("float32", (2 * zooms + 2) * plan.length + BLOCK),
        np.empty(3 * zooms + 1, np.int64),
        image.shape,
        plan.length,
        plan.nearest,
        plan.bottom,
        plan.shares,
        plan.pieces,
        plan.ends,
        plan.weights,
        np.float32(1 / (zooms + 1)),
        _margin(zooms),
        arithmetic.half,
    )
    result = result[: image.size]
    places = doubtful[:count]
    if too_many(places, image):
        # Where all that the zooms see is of one value, each of them gives that value, without an error.
        places, flat = flat_places(image, places, plan.reach)
        result[flat] = _mean_of_equals(len(factors), arithmetic)[image.ravel()[flat]]
    _compute(
        result,
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
        arithmetic.half,
    )
    return result.reshape(image.shape)


def _margin(zooms: int) -> float:
    """Bound the distance, in grey levels, between the formula and the approximation, both in float32.

    The sum of k values up to 1 has an error below k**2 / 2 units, so the mean one below k / 2. That is the formula's;
    the approximation makes two sums of each. A byte as a fraction, a zoom, the division and the way back to levels add
    4; the weights and products of the approximation, its scale and the comparison 13.
    """
    return 255 * UNIT_ROUNDOFF * (1.5 * zooms + 20)


@keep_arrays
def _plan(height: int, width: int, channels: int, factors: tuple[float, ...]) -> _Plan:
    rows, last_row, lower, down, above = _axis(height, factors)
    columns, last_column, right, across, beside = _axis(width, factors)
    # A copy of the same size is the image once more.
    still = sum(factor == 1 for factor in factors)
    is_zoom = np.array(factors) != 1
    size = width * channels
    length = (-(-size // PIECE) + 1) * PIECE
    pieces: list[tuple[int, int]] = []
    ends = [0]
    for source in columns[is_zoom]:
        starts = np.flatnonzero(np.diff(source - np.arange(width), prepend=width))
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), width], strict=True):
            first = int(source[start]) * channels
            steps = range(0, (stop - start) * channels, PIECE)
            pieces += [(start * channels + step, first + step) for step in steps]
        ends.append(len(pieces))
    zooms = len(ends) - 1
    weights = np.zeros((zooms, length), np.float32)
    weights[:, :size] = np.repeat(right[is_zoom], channels, axis=1)
    shares = np.full((height, 2 * zooms + 1), 1 + still, np.float32)
    shares[:, 1::2], shares[:, 2::2] = 1 - lower[is_zoom].T, lower[is_zoom].T
    return _Plan(
        rows=rows,
        last_row=last_row,
        lower=lower,
        columns=columns,
        last_column=last_column,
        right=right,
        nearest=rows[is_zoom],
        bottom=last_row[is_zoom],
        shares=shares,
        pieces=np.array(pieces, np.int64).reshape(-1, 2),
        ends=np.array(ends),
        weights=weights.ravel(),
        length=length,
        reach=max(down, across),
        leaves_image=above or beside,
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
    return quantize((units + layers) / (zooms + 1), Pixels.UNIT, BYTE, arithmetic.rounding)


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(  # type: ignore[no-untyped-def]
    result,
    doubtful,
    samples,
    layers,
    places,
    shape,
    length,
    rows,
    last_row,
    shares,
    pieces,
    ends,
    weights,
    scale,
    margin,
    half,
):
    """Store what float32 decides, note the samples in doubt, and give their number.

    `layers` has room for the row itself, for the two rows of each zoom that are at work, weighed across, and for a
    block of sums. A row lies where its parity says.
    """
    height, width, channels = shape
    size, zooms = width * channels, last_row.size
    total = (2 * zooms + 1) * length
    least, most, white = np.float32(half - margin), np.float32(half + margin), np.float32(255 + half)
    done = 2 * zooms + 1
    places[0] = 0
    for k in range(zooms):
        places[done + k] = -1
    # Unlike a plain number, it is of the type that sums of it are of, so that what takes it is compiled once.
    count = np.int64(0)
    for y in range(height):
        own = np.uint64(y * size)
        for i in range(np.uint64(size)):
            layers[i] = samples[own + i]
        for k in range(zooms):
            above = rows[k, y]
            below = min(above + 1, last_row[k])
            for row in range(max(above, places[done + k] + 1), below + 1):
                into = (2 * k + 1 + (row & 1)) * length
                for j in range(ends[k], ends[k + 1]):
                    target, source = pieces[j, 0], row * size + pieces[j, 1]
                    blend_neighbours(layers, into + target, samples, source, channels, weights, k * length + target)
            places[done + k] = below
            places[2 * k + 1] = (2 * k + 1 + (above & 1)) * length
            places[2 * k + 2] = (2 * k + 1 + (below & 1)) * length
        for start in range(0, size, BLOCK):
            weigh_samples(layers, total, layers, start, places, 0, shares[y])
            place = y * size + start
            doubts = store_levels(result, place, layers, total, scale, least, most, white)
            count = note_doubts(doubtful, count, doubts, place, (y + 1) * size)
    return count


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
        result[place] = byte_of(np.float64(mean), half)
