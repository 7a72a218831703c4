"""Gaussian smoothing in float64, in the order of operations of scipy's filters, so that no last digit differs."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.ops.borders import border_indices
from corruptgen.runtime.caching import keep_arrays

Float64 = NDArray[np.float64]

# Sums that are made together.
STRIP = 256

# skimage and scipy cut the kernel off here unless they are told otherwise.
TRUNCATE = 4.0


def gaussian_weights(sigma: float, radius: int) -> Float64:
    """Return the 2 * `radius` + 1 weights of a Gaussian of `sigma` pixels; they add up to 1.

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
    image : ndarray, shape (H, W)
        Or (H, W, C), any real type; computed in float64.
    sigma : float
        Standard deviation in pixels; below 0.5 / `truncate` nothing happens.
    truncate : float
        Where the kernel ends, in standard deviations.
    border : str, default "nearest"
        What lies outside the image, as in `border_indices`.
    """
    return smooth_separably(image, sigma, sigma, truncate=truncate, border=border)


def smooth_separably(
    image: NDArray[Any], down: float, across: float, *, truncate: float = TRUNCATE, border: str = "nearest"
) -> Float64:
    """Smooth with a Gaussian of standard deviation `down` along the columns, then `across` along the rows."""
    height, width = image.shape[:2]
    samples = np.ascontiguousarray(image, np.float64).reshape(height, -1)
    size = samples.shape[1]
    weights, rows = _axis(height, down, truncate, border)
    wide, columns = _axis(width, across, truncate, border)
    channels = size // width
    beside = np.arange(2 * wide.size - 1) * channels
    result, padded = np.empty(samples.shape), np.empty(columns.size * channels)
    _smooth_rows(result, padded, samples.ravel(), channels, weights, wide, rows * size, columns, beside)
    return result.reshape(image.shape)


def smooth_within(plane: NDArray[Any], sigma: float, outside: float) -> Float64:
    """Smooth an (H, W) plane with a Gaussian, all around which lies one value.

    Parameters
    ----------
    plane : ndarray, shape (H, W)
        Any real type; computed in float64.
    sigma : float
        Standard deviation in pixels.
    outside : float
        The value of all that lies beyond the border.
    """
    height, width = plane.shape
    radius = int(TRUNCATE * sigma + 0.5)
    weights = gaussian_weights(sigma, radius)[radius:]
    samples = np.full((height + 1, width), outside)
    samples[:height] = plane
    # The row below the last one stands for all rows outside.
    rows = np.arange(-radius, height + radius)
    rows[(rows < 0) | (rows >= height)] = height
    padded, result = np.full(width + 2 * radius, outside), np.empty((height, width))
    beside, no_columns = np.arange(2 * radius + 1), np.empty(0, np.int64)
    _smooth_rows(result, padded, samples.ravel(), 1, weights, weights, rows * width, no_columns, beside)
    return result


@keep_arrays
def _axis(length: int, sigma: float, truncate: float, border: str) -> tuple[Float64, NDArray[np.int64]]:
    """Return the half kernel, and what stands for each sample from half a kernel before the first one on."""
    radius = int(truncate * sigma + 0.5)
    return gaussian_weights(sigma, radius)[radius:], border_indices(length, radius, border)


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth_rows(result, padded, samples, channels, down, across, rows, columns, beside):
    """Smooth the columns, then the rows, of an (H, W * C) image; `down` and `across` are half kernels.

    Without `columns` both ends of `padded` stay what they are.
    """
    height, size = result.shape
    border = (across.size - 1) * channels
    middle = padded[border : border + size]
    for y in range(height):
        correlate_symmetric(middle, samples, rows[y : y + 2 * down.size - 1], down)
        if columns.size > 0:
            pad(padded, columns, across.size - 1, channels)
        correlate_symmetric(result[y], padded, beside, across)


@part_of_kernel
def pad(padded, columns, reach, channels):
    """Fill both ends of a row, whose middle is there already."""
    for i in range(reach):
        for end in (i, columns.size - 1 - i):
            for c in range(channels):
                padded[end * channels + c] = padded[(reach + columns[end]) * channels + c]


@part_of_kernel
def correlate_symmetric(total, samples, offsets, half_kernel):
    """Weigh the samples at each of `offsets` from every place, in scipy's order: the centre, then pairs from the ends.

    `total` must not lie among `samples`.
    """
    reach, size = half_kernel.size - 1, total.size
    # In strips that stay in the processor's nearest cache.
    for start in range(0, size, STRIP):
        made = total[start : start + STRIP]
        own, weight = samples[offsets[reach] + start :][: made.size], half_kernel[0]
        for x in range(made.size):
            made[x] = own[x] * weight
        for k in range(reach):
            left = samples[offsets[k] + start :][: made.size]
            right = samples[offsets[2 * reach - k] + start :][: made.size]
            weight = half_kernel[reach - k]
            for x in range(made.size):
                made[x] += (left[x] + right[x]) * weight
