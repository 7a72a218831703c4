"""Layers over an image: drawn in units of their own, or finer than the pixels."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Layers are drawn at least this many samples high and wide, so that flakes and crystals have a shape to be averaged.
FINE_SIDE = 128


def canvas_size(image: NDArray[Any], unit: float) -> tuple[int, int]:
    """Return (height, width) of an (H, W, C) image in units of `unit` pixels, each at least 1."""
    height, width = (max(1, round(side / unit)) for side in image.shape[:2])
    return height, width


def fineness(shape: tuple[int, ...]) -> int:
    """Return the number of samples per pixel and axis at which a layer over an (H, W, ...) image is drawn."""
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
    """Return the means of an (H * samples, W * samples) layer over the pixels, (H, W)."""
    if samples == 1:
        return layer
    height, width = (length // samples for length in layer.shape)
    means: NDArray[Any] = layer.reshape(height, samples, width, samples).mean(axis=(1, 3), dtype=np.float64)
    return means.astype(layer.dtype)
