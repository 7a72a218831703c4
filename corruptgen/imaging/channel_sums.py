"""Sums of the channels of bytes, to the last bit as numpy adds up their fractions of full scale."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.byte_units import parts_of_a_level
from corruptgen.imaging.pixels import Arithmetic

# Samples that are added side by side: a whole number of pixels and of vector registers.
_LANES = 48
_LARGEST, _SHORTEST = 128 * _LANES, 4 * _LANES
_CAUTION = 0.9
# From here to here the sum's last bit is so much larger than those of the summands, and not larger than 1, that none of
# them lies in the middle between two multiples of it.
_LARGE, _TOO_LARGE = 2.0**9, 2.0**24


def channel_sums(image: NDArray[np.uint8], arithmetic: Arithmetic) -> NDArray[np.floating[Any]]:
    """Add up `arithmetic.units[image]` over the pixels of a C-contiguous (H, W, 3) image.

    numpy adds pixel after pixel, and every addition rounds. As long as a sum stays between two powers of two, a summand
    is rounded to the same multiple of the sum's last bit wherever its turn comes; these multiples can be added in any
    order without an error. The few pixels before the next power are added one by one.
    """
    sums = np.zeros(3, arithmetic.precision)
    _fill_sums(sums, image.ravel(), arithmetic.units, *parts_of_a_level(arithmetic.precision))
    return sums


@njit(cache=True, nogil=True)
def _fill_sums(sums, image, units, first, second):  # type: ignore[no-untyped-def]
    lanes, powers = np.empty(_LANES, units.dtype), np.empty(_LANES, units.dtype)
    position, most = 0, _LARGEST
    while position < image.size:
        # The next stretch: almost up to where, by the mean so far, the first of the sums reaches its next power of two.
        room = min(most, image.size - position)
        for c in range(3):
            power = math.ldexp(1.0, math.frexp(sums[c])[1] - 1)
            room = (
                min(room, int(_CAUTION * position * (2 * power / sums[c] - 1))) if _LARGE <= power < _TOO_LARGE else 0
            )
            for k in range(c, _LANES, 3):
                powers[k] = power
        end = position + room // _LANES * _LANES
        stays = room >= _SHORTEST
        if stays:
            lanes[:] = 0
            for start in range(position, end, _LANES):
                part = image[start : start + _LANES]
                for k in range(_LANES):
                    value = units.dtype.type(part[k])
                    lanes[k] += ((value * first + value * second) + powers[k]) - powers[k]
            for k in range(3, _LANES):
                lanes[k % 3] += lanes[k]
            for c in range(3):
                stays = stays and sums[c] + lanes[c] < 2 * powers[c]
        if stays:
            for c in range(3):
                sums[c] += lanes[c]
            most = _LARGEST
        else:
            most = max(_SHORTEST, most // 2)
            end = min(position + _SHORTEST, image.size)
            red, green, blue = sums[0], sums[1], sums[2]
            for i in range(position, end, 3):
                red += units[image[i]]
                green += units[image[i + 1]]
                blue += units[image[i + 2]]
            sums[0], sums[1], sums[2] = red, green, blue
        position = end
