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
    samples = np.ascontiguousarray(image, np.float64).reshape(height, -1)
    halves, indices = [], []
    for length, sigma in ((height, down), (width, across)):
        radius = int(truncate * sigma + 0.5)
        halves.append(gaussian_weights(sigma, radius)[radius:])
        indices.append(border_indices(length, radius, border))
    result: Float64 = _smoothed(samples, samples.shape[1] // width, *halves, *indices)
    return result.reshape(image.shape)


@njit(cache=True, nogil=True, error_model="numpy")
def _smoothed(image, channels, down, across, rows, columns):  # type: ignore[no-untyped-def]
    """Smooth the columns, then the rows, of an (H, W * C) image; `down` and `across` are half kernels."""
    height, size = image.shape
    result = np.empty((height, size))
    padded = np.empty(columns.size * channels)
    reach = across.size - 1
    middle = padded[reach * channels : reach * channels + size]
    for y in range(height):
        _weigh_columns(middle, image, rows[y : y + 2 * down.size - 1], down)
        _pad(padded, columns, reach, channels)
        _weigh_row(result[y], padded, channels, across)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _pad(padded, columns, reach, channels):  # type: ignore[no-untyped-def]
    """Fill both ends of a row, whose middle is there already."""
    for i in range(reach):
        for end in (i, columns.size - 1 - i):
            for c in range(channels):
                padded[end * channels + c] = padded[(reach + columns[end]) * channels + c]


# The centre first, then pairs from the outside in: scipy's order for symmetric kernels. Two pairs in a pass leave the
# order of the additions as it is, and save every other load and store of the sum.


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh_columns(total, image, rows, half_kernel):  # type: ignore[no-untyped-def]
    reach = half_kernel.size - 1
    _weigh_centre(total, image[rows[reach]], half_kernel[0])
    for k in range(reach, 1, -2):
        above, below = image[rows[reach - k]], image[rows[reach + k]]
        nearer_above, nearer_below = image[rows[reach - k + 1]], image[rows[reach + k - 1]]
        _add_two_pairs(total, above, below, half_kernel[k], nearer_above, nearer_below, half_kernel[k - 1])
    if reach % 2 == 1:
        _add_pair(total, image[rows[reach - 1]], image[rows[reach + 1]], half_kernel[1])


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh_row(total, padded, channels, half_kernel):  # type: ignore[no-untyped-def]
    reach = half_kernel.size - 1
    size = padded.size - 2 * reach * channels
    _weigh_centre(total, padded[reach * channels : reach * channels + size], half_kernel[0])
    for k in range(reach, 1, -2):
        left, right = (reach - k) * channels, (reach + k) * channels
        _add_two_pairs(
            total,
            padded[left : left + size],
            padded[right : right + size],
            half_kernel[k],
            padded[left + channels : left + channels + size],
            padded[right - channels : right - channels + size],
            half_kernel[k - 1],
        )
    if reach % 2 == 1:
        left, right = (reach - 1) * channels, (reach + 1) * channels
        _add_pair(total, padded[left : left + size], padded[right : right + size], half_kernel[1])


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh_centre(total, centre, weight):  # type: ignore[no-untyped-def]
    for x in range(total.size):
        total[x] = centre[x] * weight


@njit(cache=True, nogil=True, error_model="numpy")
def _add_pair(total, one, other, weight):  # type: ignore[no-untyped-def]
    for x in range(total.size):
        total[x] += (one[x] + other[x]) * weight


@njit(cache=True, nogil=True, error_model="numpy")
def _add_two_pairs(total, one, other, weight, nearer, nearer_other, nearer_weight):  # type: ignore[no-untyped-def]
    for x in range(total.size):
        total[x] = (total[x] + (one[x] + other[x]) * weight) + (nearer[x] + nearer_other[x]) * nearer_weight
