"""Water and mud on the bytes of an image, in float32 as the tables have it."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.fast.block_sums import BLOCK
from corruptgen.fast.byte_units import parts_of_a_level
from corruptgen.fast.doubts import UNIT_ROUNDOFF
from corruptgen.fast.gaussian_fields import SmoothField, smooth_value

_FULL, _WHITE = np.float32(255), np.int32(255)
# Pixels are counted through all rows, so many together.
_STRIP = 128
# Places are unsigned: a negative one would count from the end, which no vector code can do.
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)


def water_bytes(liquid: SmoothField, threshold: float) -> NDArray[np.uint8]:
    """Give liquid * 255 as bytes, none below the threshold; above full scale they start again from black."""
    water = np.empty(liquid.estimate.shape, np.uint8)
    _fill_water(water.ravel(), liquid.estimate.ravel(), float(threshold), liquid.margin, liquid.exactly)
    return water


def spots_above(liquid: SmoothField, threshold: float) -> NDArray[np.float32]:
    """Give 1 where there is more liquid than the threshold, 0 elsewhere: H * W samples for `smooth_field`."""
    spots = np.empty(liquid.estimate.size + BLOCK, np.float32)
    _fill_spots(spots, liquid.estimate.ravel(), float(threshold), liquid.margin, liquid.exactly)
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
    flat = samples.ravel(), np.ascontiguousarray(image).ravel(), water.ravel(), shine.ravel()
    parts, half = parts_of_a_level("float32"), np.float32(arithmetic.half)
    _fill_wetted(*flat, np.float32(strength), colour, *parts, half)
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
    samples, marks = np.empty(image.shape, np.uint8), np.empty(_STRIP, np.int32)
    # Full scales: the formula rounds to float32 five times, the estimate as often.
    margin = 255 * (cover.margin + 12 * UNIT_ROUNDOFF)
    units, half = arithmetic.units, np.float32(arithmetic.half)
    flat = samples.ravel(), marks, np.ascontiguousarray(image).ravel(), cover.estimate.ravel()
    _fill_muddied(*flat, thinnest, cover.margin, margin, colour, units, half, cover.exactly)
    return samples


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_water(water, liquid, threshold, margin, exactly):  # type: ignore[no-untyped-def]
    width = exactly[1][1]
    for start in range(0, water.size, _STRIP):
        stop = min(start + _STRIP, water.size)
        differences = np.int32(0)
        for x in range(np.uint64(start), np.uint64(stop)):
            low, high = np.float64(liquid[x]) - margin, np.float64(liquid[x]) + margin
            level = np.int32((0.0 if low < threshold else low) * 255)
            water[x] = np.uint8(level)
            differences |= level ^ np.int32((0.0 if high < threshold else high) * 255)
        if differences:
            for x in range(start, stop):
                low, high = np.float64(liquid[x]) - margin, np.float64(liquid[x]) + margin
                if high >= threshold and (low < threshold or np.int32(low * 255) != np.int32(high * 255)):
                    value = smooth_value(x // width, x % width, exactly)
                    water[x] = np.uint8(np.int32((0.0 if value < threshold else value) * 255))


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_spots(spots, liquid, threshold, margin, exactly):  # type: ignore[no-untyped-def]
    width = exactly[1][1]
    least, doubt = np.float32(threshold), np.float32(1.001 * margin + UNIT_ROUNDOFF * abs(threshold))
    one, zero = np.float32(1), np.float32(0)
    for start in range(0, liquid.size, _STRIP):
        stop = min(start + _STRIP, liquid.size)
        doubts = np.int32(0)
        for x in range(np.uint64(start), np.uint64(stop)):
            spots[x] = one if liquid[x] > least else zero
            doubts |= np.int32(abs(liquid[x] - least) <= doubt)
        if doubts:
            for x in range(start, stop):
                if abs(liquid[x] - least) <= doubt:
                    spots[x] = one if smooth_value(x // width, x % width, exactly) > threshold else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_wetted(samples, image, water, shine, strength, colour, first, second, half):  # type: ignore[no-untyped-def]
    count = np.uint64(water.size)
    deepest = np.int32(1)
    for x in range(count):
        depth = np.int32(np.int32(water[x]) * np.int32(shine[x]))
        deepest = depth if depth > deepest else deepest
    full = np.float32(deepest)
    for x in range(count):
        depth = np.float32(np.int32(water[x]) * np.int32(shine[x])) / full * strength
        place = _THREE * x
        samples[place] = _wet(image[place], depth * colour[0], first, second, half)
        samples[place + _ONE] = _wet(image[place + _ONE], depth * colour[1], first, second, half)
        samples[place + _TWO] = _wet(image[place + _TWO], depth * colour[2], first, second, half)


@part_of_kernel
def _wet(sample, light, first, second, half):  # type: ignore[no-untyped-def]
    level = np.float32(sample)
    value = np.int32(((level * first + level * second) + light) * _FULL + half)
    return np.uint8(value if value < _WHITE else _WHITE)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_muddied(  # type: ignore[no-untyped-def]
    samples, marks, image, cover, thinnest, cover_margin, margin, colour, units, half, exactly
):
    width = exactly[1][1]
    least, doubt = np.float32(thinnest), np.float32(cover_margin + 2 * UNIT_ROUNDOFF)
    low, high = np.float32(half - margin), np.float32(half + margin)
    for start in range(0, cover.size, _STRIP):
        begin, count = np.uint64(start), np.uint64(min(_STRIP, cover.size - start))
        doubts = np.int32(0)
        for i in range(count):
            x = begin + i
            thick, place = cover[x], _THREE * x
            red, green, blue = image[place], image[place + _ONE], image[place + _TWO]
            first = _mixed(red, thick, colour[0])
            second = _mixed(green, thick, colour[1])
            third = _mixed(blue, thick, colour[2])
            # Where there is no mud the sample stays what it is.
            is_mud = thick >= least
            samples[place] = np.uint8(np.int32(first + low)) if is_mud else red
            samples[place + _ONE] = np.uint8(np.int32(second + low)) if is_mud else green
            samples[place + _TWO] = np.uint8(np.int32(third + low)) if is_mud else blue
            differences = _difference(first, low, high) | _difference(second, low, high) | _difference(third, low, high)
            marks[i] = np.int32(abs(thick - least) <= doubt) | (differences if is_mud else np.int32(0))
            doubts |= marks[i]
        if doubts:
            for i in range(count):
                if marks[i]:
                    y, column = divmod(np.int64(begin + i), width)
                    thick = smooth_value(y, column, exactly)
                    place = _THREE * (begin + i)
                    for c in range(3):
                        sample = image[place + c]
                        is_mud = thick >= thinnest
                        samples[place + c] = _muddy(sample, thick, colour[c], units, half) if is_mud else sample


@part_of_kernel
def _mixed(sample, cover, colour):  # type: ignore[no-untyped-def]
    return np.float32(sample) * (np.float32(1) - cover) + _FULL * colour * cover


@part_of_kernel
def _difference(level, low, high):  # type: ignore[no-untyped-def]
    return np.int32(np.int32(level + low) ^ np.int32(level + high))


@part_of_kernel
def _muddy(sample, cover, colour, units, half):  # type: ignore[no-untyped-def]
    clean = np.float32(np.float64(units[sample]) * (1 - cover))
    value = np.int32((clean + np.float32(np.float64(colour) * cover)) * _FULL + half)
    return np.uint8(value if value < _WHITE else _WHITE)
