"""The mean of an image and its zooms."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.corruptions.common.motion import zoom_blur
from corruptgen.declare import Pixels, fused
from corruptgen.fast.bounds import bound_of_levels, byte_of, flat_places, note_uncertain, store_certain
from corruptgen.fast.sums import SWEEP, weigh
from corruptgen.ops.zoom import central_positions
from corruptgen.runtime.caching import keep_arrays

# Samples that are blended together: what a stretch of a row without a gap is rounded up to.
PIECE = 32
# Of the samples: if more are uncertain, many of them lie in flat places, which a table decides.
MANY = 1 / 64


@fused(zoom_blur)
def _zoom_blur(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, end: float, step: float
) -> NDArray[np.uint8] | None:
    # The first copy is not magnified: it is the image once more.
    factors = np.arange(1, end, step)[1:].tolist()
    if arithmetic.precision != "float32" or not factors:
        return None
    height, width, channels = image.shape
    down, across = _axis(height, tuple(factors)), _axis(width, tuple(factors))
    if down.leaves_image or across.leaves_image:
        return None
    zooms = len(factors)
    pieces, ends, weights = _pieces(width, channels, tuple(factors))
    samples = np.zeros(image.size + PIECE + channels, np.uint8)
    samples[: image.size] = image.ravel()
    result, uncertain = np.empty(image.size, np.uint8), np.empty(image.size, np.int64)
    limits = np.float32(arithmetic.half), np.float32(_bound(zooms))
    count = _estimate(result, uncertain, samples, image.shape, down, (pieces, ends, weights), limits)
    places = uncertain[:count]
    if count > MANY * image.size:
        # Where all that the zooms see is of one value, each of them returns that value, without an error.
        places, flat = flat_places(image, places, max(down.reach, across.reach))
        result[flat] = _mean_of_equals(zooms, arithmetic)[image.ravel()[flat]]
    _decide(result, places, samples, image.shape, down, across, arithmetic.units, arithmetic.half)
    return result.reshape(image.shape)


class _Axis(NamedTuple):
    """Where the zooms of one size take the samples of an axis from; each array has a row per zoom."""

    near: NDArray[np.int64]
    """The first of two neighbours."""
    far: NDArray[np.int64]
    """The second one."""
    weight: NDArray[np.float64]
    """Of the second one."""
    reach: int
    """How far from a sample its zooms take others, at most."""
    leaves_image: bool
    """Whether a position lies outside by a rounding error, where `corruptgen.ops.zoom` sees black."""


@keep_arrays
def _axis(length: int, factors: tuple[float, ...]) -> _Axis:
    found = [central_positions(length, factor) for factor in factors]
    last = np.array([part.stop - 1 for _, part in found])[:, None]
    near = np.array([positions.astype(np.int64) + part.start for positions, part in found])
    weight = np.array([positions - positions.astype(np.int64) for positions, _ in found])
    reach = int(np.abs(near - np.arange(length)).max()) + 1
    leaves = any(positions[-1] > part.stop - part.start - 1 for positions, part in found)
    return _Axis(near, np.minimum(near + 1, last), weight, reach, leaves)


@keep_arrays
def _pieces(
    width: int, channels: int, factors: tuple[float, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Cut rows into pieces that are next to each other in the image as well.

    Returns
    -------
    (ndarray of int64, ndarray of int64, ndarray of float32)
        The first sample of each piece, in a row of a zoom and in one of the image, and how many there are, or some
        more; where the pieces of each zoom begin, and the last ones end; and the weights of the right neighbours, a row
        of samples per zoom, and some more.
    """
    axis = _axis(width, factors)
    pieces: list[tuple[int, int, int]] = []
    ends = [0]
    for source in axis.near:
        starts = np.flatnonzero(np.diff(source - np.arange(width), prepend=width))
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), width], strict=True):
            size = (stop - start) * channels
            pieces.append((start * channels, int(source[start]) * channels, size + -size % PIECE))
        ends.append(len(pieces))
    weights = np.zeros((len(factors), width * channels + PIECE), np.float32)
    weights[:, : width * channels] = np.repeat(axis.weight, channels, axis=1)
    return np.array(pieces), np.array(ends), weights.ravel()


def _bound(zooms: int) -> float:
    """Bound the distance between the estimate and the formula, whose sum of layers is in float32 too."""
    # Estimate: a sweep of two zooms after the other; blending, weights, products and the scale. The formula: a fraction
    # of each byte, a zoom, a sum after the other, the division and the way back to levels.
    sums = sum(range(2, zooms + 5, 2)) / (zooms + 2)
    layers = sum(range(1, zooms + 3)) / (zooms + 2)
    return bound_of_levels(sums + 12 + layers + 5, doubles=8)


def _mean_of_equals(zooms: int, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Tabulate what becomes of every byte if all zooms return it."""
    units = arithmetic.units
    layers = np.zeros_like(units)
    for _ in range(zooms + 1):
        layers += units
    return quantize((units + layers) / (zooms + 2), Pixels.UNIT, BYTE, arithmetic.rounding)


@njit(cache=True, nogil=True, error_model="numpy")
def _estimate(result, uncertain, samples, shape, down, cuts, limits):
    """Store what float32 decides, note the samples that are uncertain, and return their number.

    The rows of a zoom are blended across once, and kept as long as the rows of the result need them: two of each zoom,
    each where its parity says.
    """
    height, width, channels = shape
    pieces, ends, weights = cuts
    half, bound = limits
    size, zooms, length = width * channels, ends.size - 1, width * channels + PIECE
    terms = (2 * zooms + 1 + SWEEP - 1) // SWEEP * SWEEP
    layers = np.zeros((2 * zooms + 1) * length, np.float32)
    places, shares = np.zeros(terms, np.int64), np.zeros(terms, np.float32)
    done, scale = np.full(zooms, -1), 1.0 / (zooms + 2)
    levels = np.empty(size, np.float32)
    count = 0
    for y in range(height):
        own = samples[y * size : (y + 1) * size]
        for i in range(size):
            layers[i] = own[i]
        shares[0] = 2.0 * scale
        for k in range(zooms):
            above, below = down.near[k, y], down.far[k, y]
            for row in range(max(above, done[k] + 1), below + 1):
                start = (2 * k + 1 + row % 2) * length
                _blend(layers, start, samples, row * size, channels, weights, k * length, pieces[ends[k] : ends[k + 1]])
            done[k] = max(done[k], below)
            places[2 * k + 1], places[2 * k + 2] = (2 * k + 1 + above % 2) * length, (2 * k + 1 + below % 2) * length
            shares[2 * k + 1], shares[2 * k + 2] = (1.0 - down.weight[k, y]) * scale, down.weight[k, y] * scale
        weigh(levels, layers, 0, places, shares)
        if store_certain(result[y * size : (y + 1) * size], levels, half, bound):
            count = note_uncertain(uncertain, count, y * size, levels, half, bound)
    return count


@part_of_kernel(fastmath={"contract"})
def _blend(target, start, samples, row, step, weights, first, pieces):
    """Store the pieces of a row: bytes, and the differences to those `step` further on times their weights."""
    for piece in range(pieces.shape[0]):
        # Places without a sign, or the compiler would mind those that count from the end.
        made, weight = np.uint64(start + pieces[piece, 0]), np.uint64(first + pieces[piece, 0])
        one, other = np.uint64(row + pieces[piece, 1]), np.uint64(row + pieces[piece, 1] + step)
        for i in range(np.uint64(pieces[piece, 2])):
            left = np.float32(samples[one + i])
            target[made + i] = left + (np.float32(samples[other + i]) - left) * weights[weight + i]


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(result, places, samples, shape, down, across, units, half):
    """Compute single samples as the formula does: float64 within a zoom, float32 between them."""
    _, width, channels = shape
    size, zooms = width * channels, down.near.shape[0]
    for place in places:
        y, i = divmod(place, size)
        x, c = divmod(i, channels)
        layers = units[samples[place]]
        for k in range(zooms):
            over, under = down.near[k, y] * size + c, down.far[k, y] * size + c
            left, right = across.near[k, x] * channels, across.far[k, x] * channels
            lower, after = down.weight[k, y], across.weight[k, x]
            upper, before = 1.0 - lower, 1.0 - after
            total = np.float64(units[samples[over + left]]) * upper * before
            total += np.float64(units[samples[over + right]]) * upper * after
            total += np.float64(units[samples[under + left]]) * lower * before
            total += np.float64(units[samples[under + right]]) * lower * after
            layers += np.float32(total)
        mean = (units[samples[place]] + layers) / np.float32(zooms + 2) * np.float32(255)
        result[place] = byte_of(np.float64(mean), half)
