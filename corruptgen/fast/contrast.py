"""Contrast: every channel is pulled towards its mean, which is added up as numpy does it."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.corruptions.common.exposure import contrast
from corruptgen.declare import fused
from corruptgen.fast.bounds import byte_of
from corruptgen.fast.fractions import fraction_of, parts_of_a_level

# Samples that are added side by side: a whole number of pixels and of vector registers.
_LANES = 48
_LARGEST, _SHORTEST = 128 * _LANES, 4 * _LANES
_CAUTION = 0.9
# From here to here the sum's last bit is so much larger than those of the summands, and not larger than 1, that none of
# them lies in the middle between two multiples of it.
_LARGE, _TOO_LARGE = 2.0**9, 2.0**24
COLOURS = 3
# Straight maps are followed in whole numbers of 1 / 2**20 of a level, this many whole pixels together.
_BITS = 20
_UNIT = 1 << _BITS
_CHUNK = 384
# Factors up to this have levels that `byte_of` takes.
MOST_CONTRAST = 1e6


@fused(contrast)
def _contrast(image: NDArray[np.uint8], arithmetic: Arithmetic, *, factor: float) -> NDArray[np.uint8] | None:
    if not abs(factor) <= MOST_CONTRAST:
        return None
    units = arithmetic.units
    # numpy adds up one channel in another order than three.
    in_colour = image.shape[2] == COLOURS
    means = np.zeros(COLOURS, units.dtype) if in_colour else units[image].mean(axis=(0, 1))
    result, maps = np.empty(image.shape, np.uint8), np.empty((means.size, 256), np.uint8)
    parts = parts_of_a_level(arithmetic.precision)
    _fill_maps(maps, image.ravel(), means, (units, parts), float(factor), arithmetic.half)
    _follow_maps(result.ravel(), image.ravel(), maps, min(float(factor), 1.0))
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_maps(maps, image, means, fractions, factor, half):
    """Tabulate what becomes of every sample of each channel; the means of three channels are found first."""
    units, parts = fractions
    number = type(parts[0])
    if means.size == COLOURS:
        add_up_channels(means, image, units, parts)
        for c in range(COLOURS):
            means[c] = number(np.float64(means[c]) / np.float64(image.size // COLOURS))
    for c in range(means.size):
        for value in range(256):
            level = ((units[value] - means[c]) * number(factor) + means[c]) * number(255)
            maps[c, value] = byte_of(level, number(half))


@njit(cache=True, nogil=True, error_model="numpy")
def _follow_maps(result, image, maps, slope):
    """Send every sample through the map of its channel, without looking up if all maps are lines of this slope."""
    channels = maps.shape[0]
    # Lines are followed in whole numbers of 1 / 2**20 of a level: where they may start, so that every value is right.
    step = np.int32(np.rint(slope * _UNIT))
    starts, is_straight = np.empty(_CHUNK, np.int32), True
    for c in range(channels):
        lowest, highest = np.int64(-255 * _UNIT), np.int64(255 * _UNIT)
        for value in range(256):
            start = np.int64(maps[c, value]) * _UNIT - np.int64(step) * value
            lowest = start if start > lowest else lowest
            highest = start + _UNIT - 1 if start + _UNIT - 1 < highest else highest
        is_straight = is_straight and bool(lowest <= highest)
        starts[c::channels] = np.int32(lowest)
    for first in range(0, image.size, _CHUNK):
        before, after = image[first : first + _CHUNK], result[first : first + _CHUNK]
        if is_straight:
            for i in range(before.size):
                level = np.int32(np.int32(step * np.int32(before[i])) + starts[i])
                after[i] = np.uint8(level >> np.int32(_BITS))
        else:
            for i in range(before.size):
                after[i] = maps[i % channels, before[i]]


@part_of_kernel
def add_up_channels(sums, image, units, parts):
    """Add up `units[image]` over the pixels, for each of three channels, to the last bit as numpy does it.

    numpy adds pixel after pixel, and every addition rounds. As long as a sum stays between two powers of two, a summand
    is rounded to the same multiple of the sum's last bit wherever its turn comes; these multiples can be added in any
    order without an error. The few pixels before the next power are added one by one.

    Parameters
    ----------
    sums : ndarray of float32, shape (3,) or float64
        Zeros; written.
    image : ndarray of uint8, shape (3 * pixels,)
        Samples in [0, 255].
    units : array_like, shape (256,)
        What each byte stands for, of the type of the sums.
    parts : `parts_of_a_level` of that type
    """
    lanes, powers = np.empty(_LANES, units.dtype), np.empty(_LANES, units.dtype)
    position, most = 0, _LARGEST
    while position < image.size:
        # The next stretch: almost up to where, by the mean so far, the first of the sums reaches its next power of two.
        left = image.size - position
        room = left if left < most else most
        for c in range(COLOURS):
            power = _power_below(sums[c])
            expected = _CAUTION * position * (2 * power / sums[c] - 1) if _LARGE <= power < _TOO_LARGE else 0.0
            room = room if room < expected else int(expected)
            for k in range(c, _LANES, COLOURS):
                lanes[k], powers[k] = 0, power
        stays = room >= _SHORTEST
        if stays:
            end = position + room // _LANES * _LANES
            for start in range(position, end, _LANES):
                part = image[start : start + _LANES]
                for k in range(_LANES):
                    lanes[k] += (fraction_of(part[k], parts) + powers[k]) - powers[k]
            for k in range(COLOURS, _LANES):
                lanes[k % COLOURS] += lanes[k]
            for c in range(COLOURS):
                stays = stays and sums[c] + lanes[c] < 2 * powers[c]
        if stays:
            for c in range(COLOURS):
                sums[c] += lanes[c]
            most = _LARGEST
        else:
            most = most // 2 if most // 2 > _SHORTEST else _SHORTEST
            end = position + (_SHORTEST if left > _SHORTEST else left)
            for i in range(position, end):
                sums[i % COLOURS] += units[image[i]]
        position = end


@part_of_kernel
def _power_below(value):
    """Return the largest power of two that is not above a value, and 1 for all values below."""
    power = 1.0
    while 2 * power <= value:
        power *= 2
    return power
