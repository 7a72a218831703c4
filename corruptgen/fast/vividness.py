"""Saturation and value of bytes, changed as by way of the HSV space."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.common.exposure import brightness, saturate
from corruptgen.declare import fused
from corruptgen.fast.fractions import fraction_of, parts_of_a_level

_CHUNK = 512
# Black is divided by this instead of by 0; all other values and spans are larger.
_TINY = 2.0**-60
# The kernel is not told the value of this one: of two cut-offs by constants the compiler makes five comparisons.
_FULL = 1.0
_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH = (np.int32(n) for n in range(1, 6))


def change_in_hsv(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, factor: float = 1.0, offset: float = 0.0, lift: float = 0.0
) -> NDArray[np.uint8]:
    """Return the stored samples of an (H, W, 3) image whose saturation S and value V were changed.

    S becomes S * factor + offset and V becomes V + lift, both cut off at 0 and 1. Every step is one of
    `colour.hsv_from_rgb` or `colour.rgb_from_hsv`, in float64 and in their order; only branches became choices.
    """
    samples = np.empty(image.shape, np.uint8)
    parts = parts_of_a_level(arithmetic.precision)
    _fill(samples.ravel(), image.ravel(), parts, (factor, offset, lift), arithmetic.half, _FULL)
    return samples


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(samples, image, parts, change, half, full):
    factor, offset, lift = change
    # Made here: of memory that it is given the compiler cannot know that the arrays do not overlap.
    reds, greens, blues = np.empty((3, _CHUNK))
    most, middle, least, sectors = np.empty((4, _CHUNK), np.int32)
    for start in range(0, image.size, 3 * _CHUNK):
        before, after = image[start : start + 3 * _CHUNK], samples[start : start + 3 * _CHUNK]
        size = before.size // 3
        for i in range(size):
            reds[i] = fraction_of(before[3 * i], parts)
            greens[i] = fraction_of(before[3 * i + 1], parts)
            blues[i] = fraction_of(before[3 * i + 2], parts)
        for i in range(size):
            red, green, blue = reds[i], greens[i], blues[i]
            value = red if red > green else green
            value = value if value > blue else blue
            darkest = red if red < green else green
            darkest = darkest if darkest < blue else blue
            span = value - darkest
            saturation = span / (value if value > _TINY else _TINY)
            is_blue, is_green = blue == value, green == value
            difference = (blue - red) if is_green else (green - blue)
            difference = (red - green) if is_blue else difference
            base = 2.0 if is_green else 0.0
            base = 4.0 if is_blue else base
            hue = (base + difference / (span if span > _TINY else _TINY)) / 6.0
            hue = hue + 1.0 if hue < 0.0 else hue
            hue = hue if span > 0.0 else 0.0

            saturation = saturation * factor + offset
            saturation = saturation if saturation > 0.0 else 0.0
            saturation = saturation if saturation < full else full
            value = value + lift
            value = value if value > 0.0 else 0.0
            value = value if value < full else full

            hue = hue * 6.0
            sector = np.int32(hue)
            fraction = hue - np.float64(sector)
            is_odd = np.int32(sector & _FIRST) != np.int32(0)
            share = fraction if is_odd else 1.0 - fraction
            sectors[i] = sector
            most[i] = np.int32(value * 255.0 + half)
            middle[i] = np.int32(value * (1.0 - share * saturation) * 255.0 + half)
            least[i] = np.int32(value * (1.0 - saturation) * 255.0 + half)
        for i in range(size):
            sector = sectors[i]
            high, mid, low = np.uint8(most[i]), np.uint8(middle[i]), np.uint8(least[i])
            # Sector 6, which rounding may give, is sector 0.
            is_1, is_2, is_3 = sector == _FIRST, sector == _SECOND, sector == _THIRD
            is_4, is_5 = sector == _FOURTH, sector == _FIFTH
            after[3 * i] = low if is_2 | is_3 else (mid if is_1 | is_4 else high)
            after[3 * i + 1] = low if is_4 | is_5 else (high if is_1 | is_2 else mid)
            after[3 * i + 2] = high if is_3 | is_4 else (mid if is_2 | is_5 else low)


@fused(brightness)
def _brightness(image: NDArray[np.uint8], arithmetic: Arithmetic, *, offset: float) -> NDArray[np.uint8]:
    return change_in_hsv(image, arithmetic, lift=offset)


@fused(saturate)
def _saturate(image: NDArray[np.uint8], arithmetic: Arithmetic, *, factor: float, offset: float) -> NDArray[np.uint8]:
    return change_in_hsv(image, arithmetic, factor=factor, offset=offset)
