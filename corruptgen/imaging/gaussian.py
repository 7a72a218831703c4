"""Gaussian smoothing in float64, in the order of operations of scipy's filters, so that no last digit differs."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.borders import border_indices

Float64 = NDArray[np.float64]

# skimage and scipy cut the kernel off here unless they are told otherwise.
TRUNCATE = 4.0


def gaussian_weights(sigma: float, radius: int) -> Float64:
    """Give the 2 * `radius` + 1 weights of a Gaussian of `sigma` pixels; they add up to 1.

    A `sigma` too small for a radius of one pixel gives the single weight 1.
    """
    if radius == 0:
        return np.ones(1)
    # scipy evaluates a polynomial by Horner's rule: the exponent is (c * x) * x, not c * (x * x).
    coefficient = -0.5 / (sigma * sigma)
    weights = np.array([math.exp(coefficient * x * x) for x in range(-radius, radius + 1)])
    weights /= weights.sum()
    return weights


def smooth(image: NDArray[Any], sigma: float, *, truncate: float = TRUNCATE, border: str = "nearest") -> Float64:
    """Smooth rows and columns of an (H, W) or (H, W, C) image with a Gaussian; channels stay apart.

    Parameters
    ----------
    image : (H, W) or (H, W, C), any real type; computed in float64
    sigma : standard deviation in pixels; below 0.5 / `truncate` nothing happens
    truncate : where the kernel ends, in standard deviations
    border : what lies outside the image, as in `border_indices`
    """
    return smooth_separably(image, sigma, sigma, truncate=truncate, border=border)


def smooth_separably(
    image: NDArray[Any], down: float, across: float, *, truncate: float = TRUNCATE, border: str = "nearest"
) -> Float64:
    """Smooth with a Gaussian of standard deviation `down` along the columns, then `across` along the rows."""
    height, width = image.shape[:2]
    samples = np.ascontiguousarray(image, np.float64).reshape(height, width, -1)
    for axis, sigma in enumerate((down, across)):
        radius = int(truncate * sigma + 0.5)
        if radius == 0:
            continue
        weights = gaussian_weights(sigma, radius)
        indices = border_indices(samples.shape[axis], radius, border)
        samples = (_columns_smoothed if axis == 0 else _rows_smoothed)(samples, weights[radius:], indices)
    return samples.reshape(image.shape).copy() if samples.base is image else samples.reshape(image.shape)


@njit(cache=True, nogil=True)
def _columns_smoothed(image, half, indices):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    reach = half.size - 1
    flat = image.reshape(height, width * channels)
    result = np.empty((height, width * channels))
    for y in range(height):
        total = result[y]
        total[:] = flat[y] * half[0]
        # The centre first, then pairs from the outside in: scipy's order for symmetric kernels.
        for k in range(reach, 0, -1):
            above = flat[indices[y + reach - k]]
            below = flat[indices[y + reach + k]]
            weight = half[k]
            for x in range(total.size):
                total[x] += (above[x] + below[x]) * weight
    return result.reshape(height, width, channels)


@njit(cache=True, nogil=True)
def _rows_smoothed(image, half, indices):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    reach = half.size - 1
    size = width * channels
    result = np.empty((height, size))
    padded = np.empty(indices.size * channels)
    for y in range(height):
        for i in range(indices.size):
            for c in range(channels):
                padded[i * channels + c] = image[y, indices[i], c]
        centre = padded[reach * channels : reach * channels + size]
        total = result[y]
        total[:] = centre * half[0]
        for k in range(reach, 0, -1):
            left = padded[(reach - k) * channels : (reach - k) * channels + size]
            right = padded[(reach + k) * channels : (reach + k) * channels + size]
            weight = half[k]
            for x in range(size):
                total[x] += (left[x] + right[x]) * weight
    return result.reshape(height, width, channels)
