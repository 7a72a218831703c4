"""Two-dimensional kernels and their application."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.ops.borders import border_indices

Float32 = NDArray[np.float32]

# The original draws every disk up to this radius into an array of the same size, and smooths it with fewer taps.
SMALL_DISK = 8
SMALL_DISK_TAPS = 3
LARGE_DISK_TAPS = 5


def disk(radius: float, alias_blur: float) -> Float32:
    """Return the kernel of a lens out of focus: a flat disk whose jagged edge is smoothed a little.

    Parameters
    ----------
    radius : float
        Radius of the disk in pixels.
    alias_blur : float
        Standard deviation in pixels of the smoothing, by 3 taps up to a radius of 8, by 5 above; 0 is none.

    The smoothing mirrors at the border of the array, so that a disk that touches the border comes out with a sum
    above 1: 1.013 at radius 8, 1.0108 at radius 10.
    """
    inside = is_inside(radius).astype(np.float32)
    inside /= inside.sum()
    return _smoothed(inside, alias_weights(radius, alias_blur))


def disk_from_edge(radius: float, alias_blur: float) -> Float32:
    """Return the kernel of `disk` of a radius that need not be whole.

    Above a radius of 8 its array has samples in whole steps from the edge of the disk on: 18 at a radius of 8.5, none
    of them in the centre. It is smoothed as OpenCV 4 does, and `disk` as 3.4 does: they differ in last bits.
    """
    inside = is_inside(radius, from_edge=True).astype(np.float32)
    inside /= inside.sum()
    weights = alias_weights(radius, alias_blur)
    return _weighed(_weighed(inside.T, weights, fused=True, pair_first=True).T, weights, fused=True)


def is_inside(radius: float, *, from_edge: bool = False) -> NDArray[np.bool_]:
    """Return what of the array of `disk`, or of `disk_from_edge`, lies inside of the disk."""
    reach = SMALL_DISK if radius <= SMALL_DISK else (radius if from_edge else int(radius))
    grid = np.arange(-reach, reach + 1)
    return np.asarray(grid[:, None] ** 2 + grid**2 <= radius**2)


def alias_weights(radius: float, alias_blur: float) -> Float32:
    """Return the taps that `disk` smooths with, down and across; a single 1 is no smoothing."""
    if alias_blur == 0:
        return np.ones(1, np.float32)
    reach = (SMALL_DISK_TAPS if radius <= SMALL_DISK else LARGE_DISK_TAPS) // 2
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * alias_blur * alias_blur)).astype(np.float32)
    return (weights * (1 / weights.sum(dtype=np.float64))).astype(np.float32)


def correlate(image: NDArray[Any], kernel: NDArray[Any]) -> NDArray[Any]:
    """Correlate every channel of an (H, W, C) image with `kernel`, mirroring at the outermost samples."""
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101).reshape(image.shape)


def _smoothed(image: Float32, weights: Float32) -> Float32:
    # OpenCV 3.4 multiplies and adds in one rounding where its vector code does: down the columns, for 5 taps.
    return _weighed(_weighed(image.T, weights, fused=False).T, weights, fused=weights.size > SMALL_DISK_TAPS)


def _weighed(image: Float32, weights: Float32, *, fused: bool, pair_first: bool = False) -> Float32:
    """Weigh the samples of every column: the one in the middle first, or its neighbours."""
    height, reach = image.shape[0], weights.size // 2
    padded = image[border_indices(height, reach, "mirror")]
    sums = [
        padded[reach : reach + height],
        *(padded[reach - k :][:height] + padded[reach + k :][:height] for k in range(1, reach + 1)),
    ]
    order = [1, 0, *range(2, reach + 1)] if pair_first and reach else range(reach + 1)
    total = np.zeros_like(image)
    for k in order:
        if fused:
            total = (total + sums[k].astype(np.float64) * weights[reach + k]).astype(np.float32)
        else:
            total = total + sums[k] * weights[reach + k]
    return np.asarray(total, np.float32)
