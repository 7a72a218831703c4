"""Weighted sums of two pictures of bytes."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

# numba turns loops over slices of arrays that differ into vector code.
_CHUNK = 4096
_BLACK, _WHITE = np.int32(0), np.int32(255)


def overlaid(
    image: NDArray[np.uint8], layer: NDArray[np.uint8], image_weight: float, layer_weight: float, half: float
) -> NDArray[np.uint8]:
    """Give image_weight * image + layer_weight * layer in float64, clipped and cut off after `half` was added.

    Parameters
    ----------
    image : (H, W, C) uint8
    layer : (H, W, C) uint8
    """
    samples = np.empty(image.shape, np.uint8)
    flat = samples.ravel(), np.ascontiguousarray(image).ravel(), np.ascontiguousarray(layer).ravel()
    _fill_overlaid(*flat, float(image_weight), float(layer_weight), half)
    return samples


@njit(cache=True, nogil=True)
def _fill_overlaid(samples, image, layer, image_weight, layer_weight, half):  # type: ignore[no-untyped-def]
    for start in range(0, samples.size, _CHUNK):
        before, above = image[start : start + _CHUNK], layer[start : start + _CHUNK]
        after = samples[start : start + _CHUNK]
        for i in range(after.size):
            value = image_weight * np.float64(before[i]) + layer_weight * np.float64(above[i])
            # Whole numbers are clipped in one instruction each; fractions below black are cut off towards it.
            after[i] = np.uint8(min(max(np.int32(value + half), _BLACK), _WHITE))
