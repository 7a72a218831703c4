"""Flakes of snow, and what they make of an image of bytes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.byte_units import parts_of_a_level
from corruptgen.imaging.pixels import Arithmetic

_FIRST, _SECOND = parts_of_a_level("float32")
# Rows are taken together so that their samples as float32 are no large array: that is new memory at every call.
_SAMPLES_AT_ONCE = 100_000
_STRIP = 128
# The float32 estimate of a sample, in 1/65536, is off by less than 5 of them. If it is nearer than 8 to a whole number,
# its strip is computed in float64, as the formula does it.
_SCALE, _BITS, _FRACTION = np.float32(65536), np.int32(16), np.int32(0xFFFF)
_DOUBT = np.int32(8)
# Estimates are cut off at 1/2 and 255 1/2: beyond black and white nothing is in doubt.
_DARKEST, _BRIGHTEST = np.int32(1 << 15), np.int32(511 << 15)


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
    result = np.empty_like(samples)
    turned = flakes[::-1, ::-1].copy()
    flakes = np.ascontiguousarray(flakes)
    rows = max(1, _SAMPLES_AT_ONCE // samples.shape[1])
    work = np.empty((5, 3 * width), np.float32)
    for top in range(0, height, rows):
        part = slice(top, top + rows)
        _snow_over(
            result[part],
            samples[part],
            grey_of(np.divide(image[part], 255, dtype=np.float32)),
            flakes[part],
            turned[part],
            np.float32(mix),
            np.float32(1 - mix),
            arithmetic.half,
            work,
        )
    return result.reshape(image.shape)


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(result, layer, threshold):  # type: ignore[no-untyped-def]
    for i in range(layer.size):
        value = layer[i]
        result[i] = 0.0 if value < threshold else min(max(value, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _snow_over(result, image, grey, flakes, turned, mix, rest, half, work):  # type: ignore[no-untyped-def]
    height, width = grey.shape
    size = 3 * width
    # One value per sample, so that the loop over the samples is one over plain arrays.
    white, added, mixed = work[0], work[1], work[2]
    light, both = work[3], work[4]
    whole, half_estimate = np.float32(255), np.float32(half)
    for y in range(height):
        luma, falling, rising = grey[y], flakes[y], turned[y]
        for x in range(width):
            light[x] = luma[x] * np.float32(1.5) + np.float32(0.5)
            both[x] = np.float32(np.int32(falling[x]) + np.int32(rising[x]))
        for x in range(width):
            for c in range(3):
                white[3 * x + c] = light[x]
        for x in range(width):
            for c in range(3):
                added[3 * x + c] = both[x]
        for start in range(0, size, _STRIP):
            stop = min(start + _STRIP, size)
            before, after, lightest = image[y, start:stop], result[y, start:stop], white[start:stop]
            more, whitened = added[start:stop], mixed[start:stop]
            nearest = _FRACTION
            for i in range(before.size):
                level = np.float32(before[i])
                own = level * _FIRST + level * _SECOND
                whitened[i] = mix * own + rest * max(own, lightest[i])
                estimate = np.int32(((whitened[i] * whole + more[i]) + half_estimate) * _SCALE)
                estimate = min(max(estimate, _DARKEST), _BRIGHTEST)
                after[i] = np.uint8(np.int32(estimate >> _BITS))
                nearest = min(nearest, np.int32(np.int32(estimate + _DOUBT) & _FRACTION))
            if nearest < 2 * _DOUBT:
                for i in range(before.size):
                    x = (start + i) // 3
                    exact = ((np.float64(whitened[i]) + falling[x] / 255.0) + rising[x] / 255.0) * 255.0
                    after[i] = np.uint8(min(max(exact, 0.0), 255.0) + half)
