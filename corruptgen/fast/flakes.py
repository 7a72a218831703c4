"""A layer of snow flakes: drawn where it is seen, magnified, and blown along by the wind."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.fast.block_levels import store_levels
from corruptgen.fast.block_sums import BLOCK, weigh_samples
from corruptgen.fast.doubts import UNIT_ROUNDOFF
from corruptgen.fast.trail_sums import lay_trail
from corruptgen.ops.motion import trail_direction, trail_fading
from corruptgen.ops.zoom import central_positions, positions
from corruptgen.randomness.normals import FURTHEST, fill_chunk
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream
from corruptgen.runtime.caching import keep_arrays

# Beyond this there are no fractions in float64: to add it and take it away is to round to the nearest, half to even.
_WHOLE = 2.0**52

Float64 = NDArray[np.float64]
Columns = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Magnification:
    """The part of a picture that is magnified, and where in it the samples of the result lie."""

    part: tuple[slice, slice]
    rows: Float64
    near: Columns
    """The left one of the two neighbours of every column."""
    far: Columns
    """The right one."""
    right: Float64
    """The weight of the right one."""
    leaves_part: bool
    """Whether a position lies outside by a rounding error, where `corruptgen.ops.zoom` sees black."""


@keep_arrays
def zoomed_part(height: int, width: int, zoom: float) -> Magnification:
    """Say where `corruptgen.ops.zoom.zoomed` takes its samples from."""
    (rows, tall), (columns, wide) = (central_positions(length, zoom) for length in (height, width))
    return _magnification(tall, wide, rows, columns)


@keep_arrays
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
    far = np.minimum(near + 1, last_column)
    first, second = ((found + wide.start).astype(np.uint64) for found in (near, far))
    leaves_part = bool(rows[-1] > last_row or columns[-1] > last_column)
    return Magnification((tall, wide), rows, first, second, columns - near, leaves_part)


def drawn_flakes(
    shape: tuple[int, int], rng: Stream, loc: float, scale: float, seen: Magnification, threshold: float
) -> NDArray[np.uint8]:
    """Give what magnifying normal draws of an (H, W) `shape` and `settled` make, in levels that are cut off."""
    exactly = _drawn(shape, rng, loc, scale, seen, threshold)
    layer, margin = _grown(exactly, 0)
    flakes = np.empty((seen.rows.size, seen.right.size), np.uint8)
    _cut_off(flakes, layer, 255 * margin, exactly)
    return flakes


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
    exactly = _drawn(shape, rng, loc, scale, seen, threshold)
    weights = trail_fading(radius, sigma)
    direction = trail_direction(weights.size, rng.uniform(-135, -45))
    layer, margin = _grown(exactly, weights.size)
    height, width = shape
    flakes, total = np.empty(height * width + BLOCK, np.uint8), np.empty(BLOCK, np.float32)
    places = np.empty(3 * weights.size, np.int64)
    margin = 255 * (margin + UNIT_ROUNDOFF * (weights.size + 6))
    shares = weights.astype(np.float32)
    _blow(flakes, total, places, height, width, layer, weights, shares, *direction, margin, exactly)
    return flakes[: height * width].reshape(shape)


# What samples of the layer are computed of: the draws from the first row that is seen on, how many there are in a row,
# `Magnification.rows`, how many rows they lie in, `Magnification.near`, `.far` and `.right`; and loc, scale, threshold.
Exactly = tuple[NDArray[np.float32], int, Float64, int, Columns, Columns, Float64, float, float, float]


def _drawn(
    shape: tuple[int, int], rng: Stream, loc: float, scale: float, seen: Magnification, threshold: float
) -> Exactly:
    """Draw the rows that are seen; the stream goes on behind all of them."""
    rows, width = seen.part[0], shape[1]
    count = shape[0] * width
    key, counter, first_block = rng.skip(count + count % 2)
    skipped = rows.start * width // WORDS_PER_BLOCK
    words = np.empty((-(-rows.stop * width // WORDS_PER_BLOCK) - skipped) * WORDS_PER_BLOCK, np.uint32)
    normals = np.empty(words.size, np.float32)
    fill_words(words, key, counter, first_block + skipped)
    fill_chunk(normals, words)
    first, tall = rows.start * width - skipped * WORDS_PER_BLOCK, rows.stop - rows.start
    return normals[first:], width, seen.rows, tall, seen.near, seen.far, seen.right, loc, scale, threshold


def _grown(exactly: Exactly, border: int) -> tuple[NDArray[np.float32], float]:
    """Give the rows of the layer of flakes, with their outermost samples repeated in a `border`, and its margin."""
    _, _, rows, _, _, _, right, loc, scale, _ = exactly
    # Weights, products and sums are rounded four times across and four times down, then scaled and moved.
    margin = UNIT_ROUNDOFF * (12 * abs(scale) * FURTHEST + 3 * abs(loc))
    layer = np.empty(rows.size * (right.size + 2 * border) + BLOCK, np.float32)
    _grow(layer, np.empty(2 * right.size, np.float32), border, margin, exactly)
    return layer, margin


@njit(cache=True, nogil=True, error_model="numpy")
def _grow(layer, work, border, margin, exactly):  # type: ignore[no-untyped-def]
    """Interpolate as `corruptgen.ops.zoom` does, and leave out what is below the threshold."""
    normals, width, rows, tall, near, far, right, loc, scale, threshold = exactly
    size = np.uint64(right.size)
    least, doubt = np.float32(threshold), np.float32(margin + UNIT_ROUNDOFF * abs(threshold))
    mean, spread = np.float32(loc), np.float32(scale)
    zero, one = np.float32(0), np.float32(1)
    done = -1
    for y in range(rows.size):
        above = int(rows[y])
        below = above + 1 if above + 1 < tall else above
        # The two rows that are at work; each lies where its parity says.
        while done < below:
            done += 1
            if done >= above:
                row, target = np.uint64(done * width), np.uint64(done & 1) * size
                for x in range(size):
                    weight = np.float32(right[x])
                    work[target + x] = normals[row + near[x]] * (one - weight) + normals[row + far[x]] * weight
        lower = np.float32(rows[y] - above)
        upper = one - lower
        over, under = np.uint64(above & 1) * size, np.uint64(below & 1) * size
        first = np.uint64(y * (right.size + 2 * border) + border)
        doubts = np.int32(0)
        for x in range(size):
            value = mean + spread * (work[over + x] * upper + work[under + x] * lower)
            doubts |= np.int32(abs(value - least) <= doubt)
            flake = value if value < one else one
            layer[first + x] = flake if value >= least and value > zero else zero
        if doubts:
            for x in range(size):
                value = mean + spread * (work[over + x] * upper + work[under + x] * lower)
                if abs(value - least) <= doubt:
                    layer[first + x] = np.float32(_flake(y, np.int64(x), exactly))
        for x in range(border):
            layer[first - np.uint64(x + 1)] = layer[first]
            layer[first + size + np.uint64(x)] = layer[first + size - np.uint64(1)]


@part_of_kernel
def _flake(y, x, exactly):  # type: ignore[no-untyped-def]
    """Compute a sample of the layer as the formula does: one sum from the upper left to the lower right, like scipy."""
    normals, width, rows, tall, near, far, right, loc, scale, threshold = exactly
    above = int(rows[y])
    lower, after = rows[y] - above, right[x]
    upper, before = 1.0 - lower, 1.0 - after
    over = np.uint64(above * width)
    under = over + np.uint64(width) if above + 1 < tall else over
    total = ((loc + scale * np.float64(normals[over + near[x]])) * upper) * before
    total += ((loc + scale * np.float64(normals[over + far[x]])) * upper) * after
    total += ((loc + scale * np.float64(normals[under + near[x]])) * lower) * before
    total += ((loc + scale * np.float64(normals[under + far[x]])) * lower) * after
    if total < threshold or total <= 0.0:
        return 0.0
    return total if total < 1.0 else 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def _cut_off(flakes, layer, margin, exactly):  # type: ignore[no-untyped-def]
    height, width = flakes.shape
    for y in range(height):
        for x in range(width):
            level = layer[y * width + x] * 255.0
            whole = int(level + margin)
            # Where there is no flake there is no doubt.
            if level > 0.0 and whole != int(level - margin):
                whole = int(_flake(y, x, exactly) * 255.0)
            flakes[y, x] = whole


@njit(cache=True, nogil=True, error_model="numpy")
def _blow(  # type: ignore[no-untyped-def]
    flakes, total, places, height, width, layer, weights, shares, down, right, norm, margin, exactly
):
    border, tall, wide = weights.size, exactly[2].size, exactly[6].size
    pitch = wide + 2 * border
    # The first third of `places` is for samples; the others hold the steps of the trail down and to the right.
    rows, columns = places[border:], places[2 * border :]
    taps = lay_trail(rows, columns, weights.size, down, right, norm, tall, wide, True)
    shares, white, zero = shares[:taps], np.float32(255), np.float32(0)
    least, most = np.float32(0.5 - margin), np.float32(0.5 + margin)
    for y in range(height):
        for i in range(taps):
            places[i] = _within(y + rows[i], tall) * pitch + border + columns[i]
        for start in range(0, width, BLOCK):
            weigh_samples(total, 0, layer, start, places, 0, shares)
            doubts = store_levels(flakes, y * width + start, total, 0, white, least, most, white)
            x = start
            while doubts and x < width:
                if doubts & np.uint64(1):
                    value = 0.0
                    for i in range(taps):
                        # In the order of the trail; what is nothing in the layer adds nothing.
                        if layer[places[i] + x] > zero:
                            row, column = _within(y + rows[i], tall), _within(x + columns[i], wide)
                            value += weights[i] * _flake(row, column, exactly)
                    flakes[y * width + x] = np.uint8((value * 255 + _WHOLE) - _WHOLE)
                doubts >>= np.uint64(1)
                x += 1


@part_of_kernel
def _within(place, length):  # type: ignore[no-untyped-def]
    if place < 0:
        return 0
    return place if place < length else length - 1
