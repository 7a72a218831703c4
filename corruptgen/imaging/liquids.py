"""Water and mud on the bytes of an image, in float32 as the tables have it."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.imaging.block_sums import BLOCK
from corruptgen.imaging.byte_units import parts_of_a_level
from corruptgen.imaging.doubts import UNIT_ROUNDOFF
from corruptgen.imaging.gaussian_fields import SmoothField, smooth_value
from corruptgen.imaging.pixels import Arithmetic

_BLACK, _WHITE = np.int32(0), np.int32(255)
# Places are unsigned: a negative one would count from the end, which no vector code can do.
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)


def water_bytes(liquid: SmoothField, threshold: float) -> NDArray[np.uint8]:
    """Give liquid * 255 as bytes, none below the threshold; above full scale they start again from black."""
    water = np.empty(liquid.estimate.shape, np.uint8)
    _fill_water(water, liquid.estimate, float(threshold), liquid.margin, liquid.exactly)
    return water


def spots_above(liquid: SmoothField, threshold: float) -> NDArray[np.float32]:
    """Give 1 where there is more liquid than the threshold, 0 elsewhere: H * W samples for `smooth_field`."""
    spots = np.empty(liquid.estimate.size + BLOCK, np.float32)
    _fill_spots(
        spots[:-BLOCK].reshape(liquid.estimate.shape), liquid.estimate, float(threshold), liquid.margin, liquid.exactly
    )
    return spots


def wetted(
    image: NDArray[np.uint8],
    water: NDArray[np.uint8],
    shine: NDArray[np.uint8],
    strength: float,
    colour: NDArray[np.float32],
    arithmetic: Arithmetic,
) -> NDArray[np.uint8]:
    """Give the stored samples of image + strength * water * shine / max(water * shine) * colour; of image if that is 0.

    Parameters
    ----------
    image : (H, W, 3) uint8
    water, shine : (H, W) uint8
    colour : (3,) float32, of full scale
    """
    samples = np.empty(image.shape, np.uint8)
    rows = samples.reshape(len(image), -1), np.ascontiguousarray(image).reshape(len(image), -1)
    half = np.float32(arithmetic.half)
    _fill_wetted(*rows, water, shine, np.float32(strength), colour, *parts_of_a_level("float32"), half)
    return samples


def muddied(
    image: NDArray[np.uint8], cover: SmoothField, thinnest: float, colour: NDArray[np.float32], arithmetic: Arithmetic
) -> NDArray[np.uint8]:
    """Give the stored samples of image * (1 - cover) + colour * cover, with no cover below `thinnest`.

    Parameters
    ----------
    image : (H, W, 3) uint8
    cover : (H, W), from 0 to 1
    colour : (3,) float32, of full scale
    """
    samples = np.empty(image.shape, np.uint8)
    height, width, _ = image.shape
    flat = np.ascontiguousarray(image).reshape(height, -1)
    # Full scales: the formula rounds to float32 five times, the estimate as often.
    margin = 255 * (cover.margin + 12 * UNIT_ROUNDOFF)
    units, half = arithmetic.units, np.float32(arithmetic.half)
    result, marks = samples.reshape(height, -1), np.empty(width, np.int32)
    inks = cover.estimate, thinnest, cover.margin, margin, colour
    _fill_muddied(result, marks, flat, *inks, units, half, cover.exactly)
    return samples


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_water(water, liquid, threshold, margin, exactly):  # type: ignore[no-untyped-def]
    height, width = water.shape
    for y in range(height):
        row, made = liquid[y], water[y]
        differences = np.int32(0)
        for x in range(width):
            low, high = np.float64(row[x]) - margin, np.float64(row[x]) + margin
            level = np.int32((0.0 if low < threshold else low) * 255)
            made[x] = np.uint8(level)
            differences |= level ^ np.int32((0.0 if high < threshold else high) * 255)
        if differences:
            for x in range(width):
                low, high = np.float64(row[x]) - margin, np.float64(row[x]) + margin
                if high >= threshold and (low < threshold or np.int32(low * 255) != np.int32(high * 255)):
                    value = smooth_value(y, x, exactly)
                    made[x] = np.uint8(np.int32((0.0 if value < threshold else value) * 255))


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_spots(spots, liquid, threshold, margin, exactly):  # type: ignore[no-untyped-def]
    height, width = spots.shape
    least, doubt = np.float32(threshold), np.float32(1.001 * margin + UNIT_ROUNDOFF * abs(threshold))
    one, zero = np.float32(1), np.float32(0)
    for y in range(height):
        row, made = liquid[y], spots[y]
        doubts = np.int32(0)
        for x in range(width):
            made[x] = one if row[x] > least else zero
            doubts |= np.int32(abs(row[x] - least) <= doubt)
        if doubts:
            for x in range(width):
                if abs(row[x] - least) <= doubt:
                    made[x] = one if smooth_value(y, x, exactly) > threshold else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_wetted(samples, image, water, shine, strength, colour, first, second, half):  # type: ignore[no-untyped-def]
    height, width = water.shape
    deepest = np.int32(0)
    for y in range(height):
        wet, bright = water[y], shine[y]
        for x in range(width):
            deepest = max(deepest, np.int32(np.int32(wet[x]) * np.int32(bright[x])))
    full = np.float32(max(deepest, np.int32(1)))
    light = np.empty(3 * width, np.float32)
    for y in range(height):
        wet, bright = water[y], shine[y]
        for x in range(width):
            depth = np.float32(np.int32(wet[x]) * np.int32(bright[x])) / full * strength
            light[3 * x] = depth * colour[0]
            light[3 * x + 1] = depth * colour[1]
            light[3 * x + 2] = depth * colour[2]
        before, after = image[y], samples[y]
        for i in range(light.size):
            value = np.float32(before[i])
            value = ((value * first + value * second) + light[i]) * np.float32(255) + half
            after[i] = np.uint8(min(max(np.int32(value), _BLACK), _WHITE))


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_muddied(  # type: ignore[no-untyped-def]
    samples, marks, image, cover, thinnest, cover_margin, margin, colour, units, half, exactly
):
    height, width = cover.shape
    least, doubt = np.float32(thinnest), np.float32(cover_margin + 2 * UNIT_ROUNDOFF)
    low, high = np.float32(half - margin), np.float32(half + margin)
    for y in range(height):
        before, after, thickness = image[y], samples[y], cover[y]
        doubts = np.int32(0)
        for x in range(np.uint64(width)):
            thick, place = thickness[x], _THREE * x
            red, green, blue = before[place], before[place + _ONE], before[place + _TWO]
            first = _mixed(red, thick, colour[0])
            second = _mixed(green, thick, colour[1])
            third = _mixed(blue, thick, colour[2])
            # Where there is no mud the sample stays what it is.
            is_mud = thick >= least
            after[place] = np.uint8(np.int32(first + low)) if is_mud else red
            after[place + _ONE] = np.uint8(np.int32(second + low)) if is_mud else green
            after[place + _TWO] = np.uint8(np.int32(third + low)) if is_mud else blue
            differences = _difference(first, low, high) | _difference(second, low, high) | _difference(third, low, high)
            marks[x] = np.int32(abs(thick - least) <= doubt) | (differences if is_mud else np.int32(0))
            doubts |= marks[x]
        if doubts:
            for x in range(width):
                if marks[x]:
                    thick = smooth_value(y, x, exactly)
                    for c in range(3):
                        sample = before[3 * x + c]
                        after[3 * x + c] = sample if thick < thinnest else _muddy(sample, thick, colour[c], units, half)


@part_of_kernel
def _mixed(sample, cover, colour):  # type: ignore[no-untyped-def]
    return np.float32(sample) * (np.float32(1) - cover) + np.float32(255) * colour * cover


@part_of_kernel
def _difference(level, low, high):  # type: ignore[no-untyped-def]
    return np.int32(np.int32(level + low) ^ np.int32(level + high))


@part_of_kernel
def _muddy(sample, cover, colour, units, half):  # type: ignore[no-untyped-def]
    clean = np.float32(np.float64(units[sample]) * (1 - cover))
    value = (clean + np.float32(np.float64(colour) * cover)) * np.float32(255) + half
    return np.uint8(min(max(np.int32(value), _BLACK), _WHITE))
