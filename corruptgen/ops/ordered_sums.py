"""Sums in float32 in the order in which torch makes them.

Where fractions of a grey level are cut off, the last bits of a sum decide; libraries differ in the order of theirs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

Float32 = NDArray[np.float32]
# Samples of a vector, vectors that are added up side by side, and levels of a cascade of sums.
LANES, STEPS, LEVELS = 8, 4, 4


def correlate_in_order(image: NDArray[Any], kernels: Float32, *, border: str) -> Float32:
    """Correlate each channel of an (H, W, C) image with its kernel, row by row of the kernel.

    Parameters
    ----------
    image : ndarray, shape (H, W, C)
        Computed in float32.
    kernels : ndarray of float32, shape (C, K, K)
        Of odd sides; not flipped.
    border : str
        What lies outside of the image: "zeros", or "mirror" at the outermost samples.
    """
    reach = kernels.shape[1] // 2
    mode: Any = {"zeros": "constant", "mirror": "reflect"}[border]
    result = np.empty(image.shape, np.float32)
    for channel, kernel in enumerate(kernels):
        padded = np.pad(image[..., channel].astype(np.float32), reach, mode=mode)
        total = np.empty(image.shape[:2], np.float32)
        _correlate(total, padded, kernel)
        result[..., channel] = total
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _correlate(result, padded, kernel):
    for y in range(result.shape[0]):
        total = result[y]
        total[:] = 0
        for down in range(kernel.shape[0]):
            for right in range(kernel.shape[1]):
                weight = np.float64(kernel[down, right])
                samples = padded[y + down, right : right + total.size]
                for x in range(total.size):
                    # Multiplied and added with one rounding, as processors do that can: the product is exact here.
                    total[x] = np.float32(np.float64(samples[x]) * weight + np.float64(total[x]))


def sum_in_lanes(values: Float32) -> np.float32:
    """Sum an array of float32 as torch does on one thread of a processor with vectors of eight samples.

    Partial sums of `LANES` times `STEPS` samples are added up in a cascade of `LEVELS` levels.
    """
    samples = np.ascontiguousarray(values, np.float32).ravel()
    whole = samples.size // LANES
    turns = whole // STEPS
    power = max(4, (turns - 1).bit_length() // LEVELS) if turns > 1 else 4
    lanes = _cascade(samples[: turns * STEPS * LANES].reshape(turns, STEPS * LANES), power).reshape(STEPS, LANES)
    first = lanes[0].copy()
    for row in samples[turns * STEPS * LANES : whole * LANES].reshape(-1, LANES):
        first += row
    for row in lanes[1:]:
        first += row
    total = np.float32(0)
    for value in (*samples[whole * LANES :], *first):
        total += value
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _cascade(rows, power):
    sums = np.zeros((LEVELS, rows.shape[1]), np.float32)
    step, i = 1 << power, 0
    while i + step <= rows.shape[0]:
        first = sums[0]
        for _ in range(step):
            for k in range(first.size):
                first[k] += rows[i, k]
            i += 1
        for level in range(1, LEVELS):
            sums[level] += sums[level - 1]
            sums[level - 1] = 0
            if i & ((step - 1) << (level * power)):
                break
    while i < rows.shape[0]:
        sums[0] += rows[i]
        i += 1
    for level in range(1, LEVELS):
        sums[0] += sums[level]
    return sums[0]


def smooth_in_order(image: Float32, weights: Float32) -> Float32:
    """Smooth the rows, then the columns of an (H, W, C) image, whose outermost samples go on outside of it."""
    reach = weights.size // 2
    padded = np.pad(np.asarray(image, np.float32), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    channels = image.shape[2]
    across = np.empty((padded.shape[0], image.shape[1] * channels), np.float32)
    _smooth_along(across, padded.reshape(padded.shape[0], -1), weights, channels, 0)
    result = np.empty((image.shape[0], across.shape[1]), np.float32)
    _smooth_along(result, across, weights, 0, 1)
    return result.reshape(image.shape)


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth_along(result, samples, weights, right, down):
    """Correlate with weights, whose samples lie `right` and `down` of each other."""
    for y in range(result.shape[0]):
        total = result[y]
        total[:] = 0
        for tap in range(weights.size):
            weight = np.float64(weights[tap])
            taken = samples[y + down * tap, right * tap : right * tap + total.size]
            for x in range(total.size):
                # With one rounding, as above.
                total[x] = np.float32(np.float64(taken[x]) * weight + np.float64(total[x]))


@njit(cache=True, nogil=True, error_model="numpy")
def add_weighed(total, image, weights):
    """Add to an (H, W, C) image another one, whose pixels are weighed one by one."""
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            weight = weights[y, x]
            for c in range(total.shape[2]):
                total[y, x, c] += weight * image[y, x, c]
