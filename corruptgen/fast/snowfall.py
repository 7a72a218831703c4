"""Flakes of snow, and what they make of an image of bytes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.fast.byte_units import parts_of_a_level
from corruptgen.fast.doubts import byte_of
from corruptgen.ops.colour import LUMA

_FIRST, _SECOND = parts_of_a_level("float32")
_RED, _GREEN, _BLUE = LUMA
_STRIP = 64
# The float32 estimate of a sample, in 1/65536, is off by less than 28 of them, since a rounding costs up to one. It and
# the formula make less than 14 each: four of a luma, which count one and a half times, and seven of other numbers.
# If it is nearer than 32 to a whole number, the pixel is computed in float64, as the formula does it.
_SCALE, _BITS, _FRACTION = np.float32(65536), np.int32(16), np.int32(0xFFFF)
_DOUBT = np.int32(32)
# Estimates are cut off at 1/2 and 255 1/2: beyond black and white nothing is in doubt.
_DARKEST, _BRIGHTEST = np.float32(1 << 15), np.float32(511 << 15)
# In whatever order it is made, and with or without fused multiply-adds, a luma is off by less than three roundings:
# two of them differ by less than this.
_LUMA_DIFFERS = np.float32(2.0**-21)
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)


def settled(layer: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Give a layer of flakes in [0, 1]: below `threshold` there is none."""
    result = np.empty_like(layer)
    _settle(result.ravel(), np.ascontiguousarray(layer).ravel(), threshold)
    return result


def snowed_over(
    image: NDArray[np.uint8],
    grey_of: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    flakes: NDArray[np.uint8],
    mix: float,
    arithmetic: Arithmetic,
) -> NDArray[np.uint8]:
    """Whiten an (H, W, 3) image by its grey, add flakes and the same flakes turned by half a turn, and store it.

    Parameters
    ----------
    image : (H, W, 3) uint8
    grey_of : gives the (H, W) luma of rows of an (H, W, 3) image in [0, 1]
    flakes : (H, W) levels that are added
    mix : weight of the image against its whitened self, in [0, 1]
    arithmetic : of precision float32
    """
    height, width, _ = image.shape
    result, samples, flakes = np.empty(image.size, np.uint8), np.ascontiguousarray(image).ravel(), flakes.ravel()
    distances, rows = np.empty(_STRIP, np.int32), np.empty(height, np.int64)
    weights = np.float32(mix), np.float32(1 - mix), arithmetic.half
    count = _snow_over(result, distances, rows, width, samples, flakes, *weights)
    if count:
        rows = rows[:count]
        grey = grey_of(np.divide(image[rows], 255, dtype=np.float32))
        _snow_over_rows(result, rows, grey, samples, flakes, *weights)
    return result.reshape(image.shape)


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(result, layer, threshold):  # type: ignore[no-untyped-def]
    for i in range(layer.size):
        value = layer[i]
        result[i] = 0.0 if value < threshold else min(max(value, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _snow_over(result, distances, rows, width, image, flakes, mix, rest, half):  # type: ignore[no-untyped-def]
    """Store all samples but those that the last bit of a luma decides about: give how many rows they are in, and which.

    Pixels are counted through all rows; so the flakes turned by half a turn are those counted from the end.
    """
    level, light = _SCALE * mix, _SCALE * rest
    whole, last = level + light, np.uint64(flakes.size - 1)
    least_white, least_added = np.float32(127.5) * light, _SCALE * np.float32(half)
    luma_light = np.float32(1.5) * light
    count = 0
    for start in range(0, flakes.size, distances.size):
        left = flakes.size - start
        first, strip = np.uint64(start), np.uint64(left if left < distances.size else distances.size)
        nearest = _FRACTION
        for i in range(strip):
            x = first + i
            place = _THREE * x
            red, green, blue = (
                np.float32(image[place]),
                np.float32(image[place + _ONE]),
                np.float32(image[place + _TWO]),
            )
            added = np.float32(np.int32(flakes[x]) + np.int32(flakes[last - x])) * _SCALE + least_added
            white = ((red * _RED + green * _GREEN + blue * _BLUE) * luma_light + least_white) + added
            one = _estimate(red, white, added, level, whole)
            two = _estimate(green, white, added, level, whole)
            three = _estimate(blue, white, added, level, whole)
            result[place] = np.uint8(np.int32(one >> _BITS))
            result[place + _ONE] = np.uint8(np.int32(two >> _BITS))
            result[place + _TWO] = np.uint8(np.int32(three >> _BITS))
            distances[i] = _lesser(_distance(one), _lesser(_distance(two), _distance(three)))
            nearest = _lesser(nearest, distances[i])
        if nearest < 2 * _DOUBT:
            for i in range(strip):
                if distances[i] < 2 * _DOUBT:
                    pixel = np.int64(first + i)
                    falling, rising = flakes[pixel] / 255.0, flakes[-1 - pixel] / 255.0
                    row = pixel // width
                    is_settled = _settle_pixel(result, image, pixel, falling, rising, mix, rest, half)
                    if not is_settled and (count == 0 or rows[count - 1] != row):
                        rows[count] = row
                        count += 1
    return count


@part_of_kernel
def _lesser(one, other):  # type: ignore[no-untyped-def]
    return one if one < other else other


@part_of_kernel
def _estimate(sample, white, added, level, whole):  # type: ignore[no-untyped-def]
    own, other = sample * whole + added, sample * level + white
    value = own if own > other else other
    return np.int32(value if value < _BRIGHTEST else _BRIGHTEST)


@part_of_kernel
def _distance(estimate):  # type: ignore[no-untyped-def]
    return np.int32(np.int32(estimate + _DOUBT) & _FRACTION)


@part_of_kernel
def _settle_pixel(result, image, x, falling, rising, mix, rest, half):  # type: ignore[no-untyped-def]
    """Store a pixel as the formula does, and say whether it is the same whatever the last bits of its luma."""
    red, green, blue = _unit(image[3 * x]), _unit(image[3 * x + 1]), _unit(image[3 * x + 2])
    luma = red * _RED + green * _GREEN + blue * _BLUE
    is_settled = True
    for i in range(3 * x, 3 * x + 3):
        result[i] = _stored(image[i], luma - luma * _LUMA_DIFFERS, falling, rising, mix, rest, half)
        is_settled &= result[i] == _stored(image[i], luma + luma * _LUMA_DIFFERS, falling, rising, mix, rest, half)
    return is_settled


@part_of_kernel
def _unit(sample):  # type: ignore[no-untyped-def]
    level = np.float32(sample)
    return level * _FIRST + level * _SECOND


@part_of_kernel
def _stored(sample, luma, falling, rising, mix, rest, half):  # type: ignore[no-untyped-def]
    own, light = _unit(sample), luma * np.float32(1.5) + np.float32(0.5)
    whitened = mix * own + rest * (own if own > light else light)
    exact = ((np.float64(whitened) + falling) + rising) * 255.0
    return byte_of(exact, half)


@njit(cache=True, nogil=True, error_model="numpy")
def _snow_over_rows(result, rows, grey, image, flakes, mix, rest, half):  # type: ignore[no-untyped-def]
    width = grey.shape[1]
    for k in range(rows.size):
        for column in range(width):
            x = rows[k] * width + column
            falling, rising = flakes[x] / 255.0, flakes[-1 - x] / 255.0
            for i in range(3 * x, 3 * x + 3):
                result[i] = _stored(image[i], grey[k, column], falling, rising, mix, rest, half)
