"""Flakes of snow, and what they make of an image of bytes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.imaging.byte_units import parts_of_a_level
from corruptgen.imaging.colour import LUMA
from corruptgen.imaging.pixels import Arithmetic

_FIRST, _SECOND = parts_of_a_level("float32")
_RED, _GREEN, _BLUE = LUMA
_STRIP = 64
# The float32 estimate of a sample, in 1/65536, is off by less than 24 of them. A unit is the rounding of full scale: the
# formula rounds a luma that counts up to four times and six other numbers, the estimate as many and two more. If it is
# nearer than 32 to a whole number, the sample is computed in float64, as the formula does it.
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
    samples = np.ascontiguousarray(image).reshape(height, -1)
    result, is_open = np.empty(samples.shape, np.uint8), np.zeros(height, np.bool_)
    distances = np.empty(_STRIP, np.int32)
    flakes = np.ascontiguousarray(flakes)
    weights = np.float32(mix), np.float32(1 - mix)
    _snow_over(result, is_open, distances, samples, flakes, *weights, arithmetic.half)
    if is_open.any():
        rows = np.flatnonzero(is_open)
        grey = grey_of(np.divide(image[rows], 255, dtype=np.float32))
        _snow_over_rows(result, rows, grey, samples, flakes, *weights, arithmetic.half)
    return result.reshape(image.shape)


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(result, layer, threshold):  # type: ignore[no-untyped-def]
    for i in range(layer.size):
        value = layer[i]
        result[i] = 0.0 if value < threshold else min(max(value, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _snow_over(result, is_open, distances, image, flakes, mix, rest, half):  # type: ignore[no-untyped-def]
    """Store all samples but those that the last bit of a luma decides about: their rows stay open."""
    height, width = flakes.shape
    strip = distances.size
    level, light = _SCALE * mix, _SCALE * rest
    whole, last = level + light, np.uint64(width - 1)
    least_white, least_added = np.float32(127.5) * light, _SCALE * np.float32(half)
    for y in range(height):
        before, after, falling, rising = image[y], result[y], flakes[y], flakes[height - 1 - y]
        for start in range(0, width, strip):
            first, count = np.uint64(start), np.uint64(min(strip, width - start))
            nearest = _FRACTION
            for i in range(count):
                x = first + i
                place = _THREE * x
                red, green, blue = (
                    np.float32(before[place]),
                    np.float32(before[place + _ONE]),
                    np.float32(before[place + _TWO]),
                )
                luma = (red * _RED + green * _GREEN + blue * _BLUE) * np.float32(1.5)
                added = np.float32(np.int32(falling[x]) + np.int32(rising[last - x])) * _SCALE + least_added
                white = (luma * light + least_white) + added
                one = _estimate(red, white, added, level, whole)
                two = _estimate(green, white, added, level, whole)
                three = _estimate(blue, white, added, level, whole)
                after[place] = np.uint8(np.int32(one >> _BITS))
                after[place + _ONE] = np.uint8(np.int32(two >> _BITS))
                after[place + _TWO] = np.uint8(np.int32(three >> _BITS))
                distance = min(_distance(one), min(_distance(two), _distance(three)))
                distances[i] = distance
                nearest = min(nearest, distance)
            if nearest < 2 * _DOUBT:
                for i in range(count):
                    if distances[i] < 2 * _DOUBT:
                        x = start + int(i)
                        if not _settle_pixel(after, before, x, falling[x], rising[width - 1 - x], mix, rest, half):
                            is_open[y] = True


@part_of_kernel
def _estimate(sample, white, added, level, whole):  # type: ignore[no-untyped-def]
    own, other = sample * whole + added, sample * level + white
    value = own if own > other else other
    return np.int32(value if value < _BRIGHTEST else _BRIGHTEST)


@part_of_kernel
def _distance(estimate):  # type: ignore[no-untyped-def]
    return np.int32(np.int32(estimate + _DOUBT) & _FRACTION)


@part_of_kernel
def _settle_pixel(after, before, x, falling, rising, mix, rest, half):  # type: ignore[no-untyped-def]
    """Store a pixel as the formula does, and say whether it is the same whatever the last bits of its luma."""
    red, green, blue = _unit(before[3 * x]), _unit(before[3 * x + 1]), _unit(before[3 * x + 2])
    luma = red * _RED + green * _GREEN + blue * _BLUE
    low, high = luma - luma * _LUMA_DIFFERS, luma + luma * _LUMA_DIFFERS
    is_settled = True
    for i in range(3 * x, 3 * x + 3):
        after[i] = _stored(before[i], low, falling, rising, mix, rest, half)
        is_settled &= after[i] == _stored(before[i], high, falling, rising, mix, rest, half)
    return is_settled


@part_of_kernel
def _unit(sample):  # type: ignore[no-untyped-def]
    level = np.float32(sample)
    return level * _FIRST + level * _SECOND


@part_of_kernel
def _stored(sample, luma, falling, rising, mix, rest, half):  # type: ignore[no-untyped-def]
    own, light = _unit(sample), luma * np.float32(1.5) + np.float32(0.5)
    whitened = mix * own + rest * max(own, light)
    exact = ((np.float64(whitened) + falling / 255.0) + rising / 255.0) * 255.0
    return np.uint8(min(max(exact, 0.0), 255.0) + half)


@njit(cache=True, nogil=True, error_model="numpy")
def _snow_over_rows(result, rows, grey, image, flakes, mix, rest, half):  # type: ignore[no-untyped-def]
    height, width = flakes.shape
    for k in range(rows.size):
        y = rows[k]
        for x in range(width):
            for i in range(3 * x, 3 * x + 3):
                falling, rising = flakes[y, x], flakes[height - 1 - y, width - 1 - x]
                result[y, i] = _stored(image[y, i], grey[k, x], falling, rising, mix, rest, half)
