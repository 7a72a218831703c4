"""Flakes of snow, and what they make of an image of bytes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.pixels import Arithmetic, store_row


def settled(layer: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Give a layer of flakes in [0, 1]: below `threshold` there is none."""
    result = np.empty_like(layer)
    _settle(result.ravel(), np.ascontiguousarray(layer).ravel(), threshold)
    return result


def snowed_over(
    image: NDArray[np.uint8], grey: NDArray[np.float32], flakes: NDArray[Any], mix: float, arithmetic: Arithmetic
) -> NDArray[np.uint8]:
    """Whiten an (H, W, 3) image by its `grey`, add flakes and the same flakes turned by half a turn, and store it.

    Parameters
    ----------
    image : (H, W, 3) uint8
    grey : (H, W) luma of it in [0, 1]
    flakes : (H, W) float64 in [0, 1]
    mix : weight of the image against its whitened self
    arithmetic : of precision float32
    """
    result = np.empty(image.shape, np.uint8)
    _snow_over(
        result.reshape(image.shape[0], -1),
        np.ascontiguousarray(image).reshape(image.shape[0], -1),
        grey,
        np.ascontiguousarray(flakes),
        np.float32(mix),
        np.float32(1 - mix),
        arithmetic.half,
    )
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(result, layer, threshold):  # type: ignore[no-untyped-def]
    for i in range(layer.size):
        value = layer[i]
        result[i] = 0.0 if value < threshold else min(max(value, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _snow_over(result, image, grey, flakes, mix, rest, half):  # type: ignore[no-untyped-def]
    height, width = grey.shape
    size = 3 * width
    # One value per sample, so that the loop over the samples is one over plain arrays.
    white = np.empty(size, np.float32)
    falling, turned, total = np.empty(size), np.empty(size), np.empty(size)
    for y in range(height):
        for x in range(width):
            lightened = grey[y, x] * np.float32(1.5) + np.float32(0.5)
            flake, other = flakes[y, x], flakes[height - 1 - y, width - 1 - x]
            for c in range(3):
                white[3 * x + c] = lightened
                falling[3 * x + c] = flake
                turned[3 * x + c] = other
        samples = image[y]
        for i in range(size):
            own = np.float32(samples[i]) / np.float32(255)
            whitened = mix * own + rest * (own if own > white[i] else white[i])
            total[i] = (np.float64(whitened) + falling[i]) + turned[i]
        store_row(result[y], total, 255.0, half)
