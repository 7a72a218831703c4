"""Drawing finer than the pixels: small images get their layers drawn large and averaged."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Layers are drawn at least this many samples high and wide, so that flakes and crystals have a shape to be averaged.
FINE_SIDE = 128


def fineness(shape: tuple[int, ...]) -> int:
    """Give the number of samples per pixel and axis at which a layer over an (H, W, ...) image is drawn."""
    return max(1, math.ceil(FINE_SIDE / min(shape[:2])))


def averaged(layer: NDArray[Any], samples: int) -> NDArray[Any]:
    """Give the means of an (H * samples, W * samples) layer over the pixels, (H, W)."""
    if samples == 1:
        return layer
    height, width = (length // samples for length in layer.shape)
    means: NDArray[Any] = layer.reshape(height, samples, width, samples).mean(axis=(1, 3), dtype=np.float64)
    return means.astype(layer.dtype)
