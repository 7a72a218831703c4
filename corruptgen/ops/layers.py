"""Layers over an image: drawn in units of their own, or finer than the pixels, and laid over it by tables."""

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.declare import Pixels
from corruptgen.ops.lookup import Curve, table_of

# Layers are drawn at least this many samples high and wide, so that flakes and crystals have a shape to be averaged.
FINE_SIDE = 128


def canvas_size(image: NDArray[Any], unit: float) -> tuple[int, int]:
    """Give (height, width) of an (H, W, C) image in units of `unit` pixels, each at least 1."""
    height, width = (max(1, round(side / unit)) for side in image.shape[:2])
    return height, width


def fineness(shape: tuple[int, ...]) -> int:
    """Give the number of samples per pixel and axis at which a layer over an (H, W, ...) image is drawn."""
    return max(1, math.ceil(FINE_SIDE / min(shape[:2])))


def fitted(layer: NDArray[Any], image: NDArray[Any]) -> NDArray[np.float64]:
    """Bring a layer from its canvas to the (H, W) of an image: the mean over each pixel, or smooth in between."""
    height, width = image.shape[:2]
    layer = layer.astype(np.float64)
    if layer.shape[:2] == (height, width):
        return layer
    shrinks = layer.shape[0] >= height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(layer, (width, height), interpolation=interpolation), np.float64)


def averaged(layer: NDArray[Any], samples: int) -> NDArray[Any]:
    """Give the means of an (H * samples, W * samples) layer over the pixels, (H, W)."""
    if samples == 1:
        return layer
    height, width = (length // samples for length in layer.shape)
    means: NDArray[Any] = layer.reshape(height, samples, width, samples).mean(axis=(1, 3), dtype=np.float64)
    return means.astype(layer.dtype)


def laid_over(
    image: NDArray[np.uint8], layer: NDArray[np.uint8], curves: Sequence[Curve], unit: Pixels, arithmetic: Arithmetic
) -> NDArray[np.uint8]:
    """Apply to each pixel of an (H, W, C) image of bytes the curve whose number the (H, W) layer has there."""
    tables = np.stack([table_of(curve, unit, unit, arithmetic) for curve in curves])
    result = np.empty(image.shape, np.uint8)
    _laid_over(result, image, layer, tables)
    return result


@njit(cache=True, nogil=True)
def _laid_over(result, image, layer, tables):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            number = layer[y, x]
            for c in range(channels):
                result[y, x, c] = tables[number, image[y, x, c]]
