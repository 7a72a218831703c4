"""A layer of snow flakes: drawn where it is seen, magnified, and blown along by the wind."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.doubts import UNIT_ROUNDOFF
from corruptgen.imaging.motion import trail_within
from corruptgen.imaging.zoom import central_positions, positions
from corruptgen.randomness.normals import fill_normals
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Origin, Stream

Float64 = NDArray[np.float64]

TAPS_IN_SWEEP = 4
_WHITE = np.float32(255)


@dataclass(frozen=True, eq=False)
class Magnification:
    """The part of a picture that is magnified, and where in it the samples of the result lie."""

    part: tuple[slice, slice]
    rows: Float64
    neighbours: NDArray[np.int64]
    """(2, columns): the left and the right one of every column."""
    right: Float64
    """The weight of the right one."""
    leaves_part: bool
    """Whether a position lies outside by a rounding error, where `corruptgen.imaging.zoom` sees black."""


@lru_cache(maxsize=32)
def zoomed_part(height: int, width: int, zoom: float) -> Magnification:
    """Say where `corruptgen.imaging.zoom.zoomed` takes its samples from."""
    (rows, tall), (columns, wide) = (central_positions(length, zoom) for length in (height, width))
    return _magnification(tall, wide, rows, columns)


@lru_cache(maxsize=32)
def magnified_centre(height: int, width: int, zoom: float) -> Magnification:
    """Say where `magnified` takes its samples from when it is given the centre that fills the picture again."""
    parts, places = [], []
    for length in (height, width):
        extent = math.ceil(length / zoom)
        start = (length - extent) // 2
        parts.append(slice(start, start + extent))
        places.append(positions(extent, round(extent * zoom)))
    return _magnification(parts[0], parts[1], *places)


def _magnification(tall: slice, wide: slice, rows: Float64, columns: Float64) -> Magnification:
    last_row, last_column = tall.stop - tall.start - 1, wide.stop - wide.start - 1
    near = columns.astype(np.int64)
    neighbours = np.stack([near, np.minimum(near + 1, last_column)]) + wide.start
    leaves_part = bool(rows[-1] > last_row or columns[-1] > last_column)
    return Magnification((tall, wide), rows, neighbours, columns - near, leaves_part)


def drawn_flakes(
    shape: tuple[int, int], rng: Stream, loc: float, scale: float, seen: Magnification, threshold: float
) -> Float64:
    """Give what magnifying normal draws of an (H, W) `shape` and `settled` make: a layer in [0, 1].

    Only the rows that are seen are drawn; the stream goes on behind all of them.
    """
    layer = np.empty((seen.rows.size, seen.right.size))
    _draw(layer, np.empty((0, 0), np.float32), 0, shape, _skipped(shape, rng), loc, scale, seen, threshold)
    return layer


def blown_flakes(
    shape: tuple[int, int],
    rng: Stream,
    loc: float,
    scale: float,
    seen: Magnification,
    threshold: float,
    radius: float,
    sigma: float,
) -> NDArray[np.uint8]:
    """Draw flakes, smear them as `smear_unnormalised` does, and give the upper left (H, W) `shape` in whole levels.

    The sums are made in float32; those that come too near to the middle between two levels are made again.
    """
    origin = _skipped(shape, rng)
    size = seen.rows.size, seen.right.size
    weights, offsets = trail_within((*size, 1), radius, sigma, rng.uniform(-135, -45))
    reach = int(np.abs(offsets).max(initial=0))
    # The trail is lengthened to whole sweeps by weights of 0, which change no sum.
    taps = weights.size + -weights.size % TAPS_IN_SWEEP
    starts, lengthened = np.full((taps, 2), reach), np.zeros(taps)
    starts[: weights.size] += offsets
    lengthened[: weights.size] = weights
    layer = np.empty((size[0] + 2 * reach, size[1] + 2 * reach))
    estimate = np.empty(layer.shape, np.float32)
    _draw(layer, estimate, reach, shape, origin, loc, scale, seen, threshold)
    flakes = np.empty(shape, np.uint8)
    margin = 255 * UNIT_ROUNDOFF * (taps + 6)
    total = np.empty(shape[1], np.float32)
    _blow(flakes, estimate, lengthened.astype(np.float32), layer, lengthened, starts, margin, total)
    return flakes


def _skipped(shape: tuple[int, int], rng: Stream) -> Origin:
    count = shape[0] * shape[1]
    return rng.skip(count + count % 2)


def _draw(
    layer: Float64,
    estimate: NDArray[np.float32],
    border: int,
    shape: tuple[int, int],
    origin: Origin,
    loc: float,
    scale: float,
    seen: Magnification,
    threshold: float,
) -> None:
    """Fill a layer, whose `border` repeats the outermost samples, and its `estimate` unless that is empty."""
    key, counter, first_block = origin
    rows, width = seen.part[0], shape[1]
    skipped = rows.start * width // WORDS_PER_BLOCK
    end = -(-rows.stop * width // WORDS_PER_BLOCK)
    words = np.empty((end - skipped) * WORDS_PER_BLOCK, np.uint32)
    fill_words(words, key, counter, first_block + skipped)
    normals = np.empty(words.size, np.float64)
    fill_normals(normals, words)
    first = normals[rows.start * width - skipped * WORDS_PER_BLOCK :]
    tall = rows.stop - rows.start
    work = np.empty((4, seen.right.size))
    places = seen.rows, tall, seen.neighbours, seen.right
    _grow(layer, estimate, border, first, width, *places, loc, scale, threshold, work)


@njit(cache=True, nogil=True, error_model="numpy")
def _grow(  # type: ignore[no-untyped-def]
    layer, estimate, border, normals, width, rows, tall, neighbours, right, loc, scale, threshold, work
):
    """Interpolate as `corruptgen.imaging.zoom` does, and leave out what is below the threshold."""
    size = right.size
    near, far = neighbours[0], neighbours[1]
    # The neighbours of every column in the two rows that are at work; a row lies where its parity says.
    left_ones, right_ones = work[:2], work[2:]
    done = -1
    for y in range(rows.size):
        above = int(rows[y])
        below = min(above + 1, tall - 1)
        for row in range(max(above, done + 1), below + 1):
            samples = normals[row * width :]
            target, other = left_ones[row & 1], right_ones[row & 1]
            for x in range(size):
                target[x] = loc + scale * samples[near[x]]
                other[x] = loc + scale * samples[far[x]]
            done = row
        lower_weight = rows[y] - above
        upper_weight = 1.0 - lower_weight
        over, over_right = left_ones[above & 1], right_ones[above & 1]
        under, under_right = left_ones[below & 1], right_ones[below & 1]
        whole = layer[border + y]
        made = whole[border : border + size]
        for x in range(size):
            # One sum from the upper left to the lower right, as scipy makes it.
            left_weight = 1.0 - right[x]
            total = (over[x] * upper_weight) * left_weight
            total += (over_right[x] * upper_weight) * right[x]
            total += (under[x] * lower_weight) * left_weight
            total += (under_right[x] * lower_weight) * right[x]
            made[x] = 0.0 if total < threshold else min(max(total, 0.0), 1.0)
        for x in range(border):
            whole[x] = made[0]
            whole[border + size + x] = made[size - 1]
    # Written out: numba takes longer over the assignment of one row to another than over all else.
    for y in range(border):
        for x in range(layer.shape[1]):
            layer[y, x] = layer[border, x]
            layer[border + rows.size + y, x] = layer[border + rows.size - 1, x]
    for y in range(estimate.shape[0]):
        for x in range(estimate.shape[1]):
            estimate[y, x] = np.float32(layer[y, x])


@njit(cache=True, nogil=True, error_model="numpy")
def _blow(flakes, layer, weights, exact, exact_weights, starts, margin, total):  # type: ignore[no-untyped-def]
    height, width = flakes.shape
    least, most = np.float32(0.5 - margin), np.float32(0.5 + margin)
    for y in range(height):
        for x in range(width):
            total[x] = 0
        for i in range(0, weights.size, TAPS_IN_SWEEP):
            a = layer[y + starts[i, 0]][starts[i, 1] : starts[i, 1] + width]
            b = layer[y + starts[i + 1, 0]][starts[i + 1, 1] : starts[i + 1, 1] + width]
            c = layer[y + starts[i + 2, 0]][starts[i + 2, 1] : starts[i + 2, 1] + width]
            d = layer[y + starts[i + 3, 0]][starts[i + 3, 1] : starts[i + 3, 1] + width]
            w, v, u, t = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
            for x in range(width):
                total[x] += (w * a[x] + v * b[x]) + (u * c[x] + t * d[x])
        row = flakes[y]
        differences = np.int32(0)
        for x in range(width):
            low = np.int32(total[x] * _WHITE + least)
            row[x] = np.uint8(low)
            differences |= low ^ np.int32(total[x] * _WHITE + most)
        if differences:
            for x in range(width):
                if np.int32(row[x]) != np.int32(total[x] * _WHITE + most):
                    # In the order of the trail.
                    value = 0.0
                    for i in range(exact_weights.size):
                        value += exact_weights[i] * exact[y + starts[i, 0], x + starts[i, 1]]
                    row[x] = np.uint8(np.rint(value * 255))
