"""Sums of the channels of bytes, to the last bit as numpy adds up their fractions of full scale."""

import numpy as np

from corruptgen.compilation import part_of_kernel

# Samples that are added side by side: a whole number of pixels and of vector registers.
_LANES = 48
_LARGEST, _SHORTEST = 128 * _LANES, 4 * _LANES
_CAUTION = 0.9
# From here to here the sum's last bit is so much larger than those of the summands, and not larger than 1, that none of
# them lies in the middle between two multiples of it.
_LARGE, _TOO_LARGE = 2.0**9, 2.0**24


@part_of_kernel
def add_up_channels(sums, image, units, first, second):  # type: ignore[no-untyped-def]
    """Add up `units[image]` over the pixels, for each of three channels.

    numpy adds pixel after pixel, and every addition rounds. As long as a sum stays between two powers of two, a summand
    is rounded to the same multiple of the sum's last bit wherever its turn comes; these multiples can be added in any
    order without an error. The few pixels before the next power are added one by one.

    Parameters
    ----------
    sums : (3,) float32 or float64, zeros; written
    image : (3 * pixels,) uint8
    units : (256,) what each byte stands for, of the type of the sums
    first, second : `byte_units.parts_of_a_level` of that type
    """
    number = type(first)
    lanes, powers = np.empty(_LANES, units.dtype), np.empty(_LANES, units.dtype)
    position, most = 0, _LARGEST
    while position < image.size:
        # The next stretch: almost up to where, by the mean so far, the first of the sums reaches its next power of two.
        left = image.size - position
        room = left if left < most else most
        for c in range(3):
            power = _power_below(sums[c])
            expected = _CAUTION * position * (2 * power / sums[c] - 1) if _LARGE <= power < _TOO_LARGE else 0.0
            room = room if room < expected else int(expected)
            for k in range(c, _LANES, 3):
                lanes[k], powers[k] = 0, power
        stays = room >= _SHORTEST
        if stays:
            end = position + room // _LANES * _LANES
            for start in range(position, end, _LANES):
                part = image[start : start + _LANES]
                for k in range(_LANES):
                    value = number(part[k])
                    lanes[k] += ((value * first + value * second) + powers[k]) - powers[k]
            for k in range(3, _LANES):
                lanes[k - 3 * (k // 3)] += lanes[k]
            for c in range(3):
                stays = stays and sums[c] + lanes[c] < 2 * powers[c]
        if stays:
            for c in range(3):
                sums[c] += lanes[c]
            most = _LARGEST
        else:
            most = most // 2 if most // 2 > _SHORTEST else _SHORTEST
            end = position + (_SHORTEST if left > _SHORTEST else left)
            for i in range(position, end, 3):
                sums[0] += units[image[i]]
                sums[1] += units[image[i + 1]]
                sums[2] += units[image[i + 2]]
        position = end


@part_of_kernel
def _power_below(value):  # type: ignore[no-untyped-def]
    """Give the largest power of two that is not above a value, and 1 for all values below."""
    power = 1.0
    while 2 * power <= value:
        power *= 2
    return power
