"""Things that lie on an image: layers drawn on a canvas in units of their own, and laid over 8-bit images by tables."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.declare import Pixels
from corruptgen.ops.lookup import Curve, table_of


def canvas_size(image: NDArray[Any], unit: float) -> tuple[int, int]:
    """Give (height, width) of an (H, W, C) image in units of `unit` pixels, each at least 1."""
    height, width = (max(1, round(side / unit)) for side in image.shape[:2])
    return height, width


def fitted(layer: NDArray[Any], image: NDArray[Any]) -> NDArray[np.float64]:
    """Bring a layer from its canvas to the (H, W) of an image: the mean over each pixel, or smooth in between."""
    height, width = image.shape[:2]
    layer = layer.astype(np.float64)
    if layer.shape[:2] == (height, width):
        return layer
    shrinks = layer.shape[0] >= height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(layer, (width, height), interpolation=interpolation), np.float64)


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
