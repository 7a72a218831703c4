"""Sums in float32 in the order in which torch makes them, and its exponentials.

Where fractions of a grey level are cut off, the last bits of a sum decide; libraries differ in the order of theirs.
"""

import math
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


# Beyond these, float32 has 0 and infinity.
_LEAST, _MOST = -150.0, 150.0
_PER_OCTAVE = 1 / math.log(2)
# The logarithm of 2 in two parts: the first ends in zeros, so that whole multiples of it are exact.
_OCTAVE = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_FACTORS = tuple(1 / math.factorial(n) for n in range(13, 1, -1))
_CHUNK = 1024


def exponentials(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return e to the power of each value; NaN stays NaN."""
    result = np.empty(values.shape, np.float32)
    _fill_exponentials(result.ravel(), np.ascontiguousarray(values).ravel(), np.array(_FACTORS))
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_exponentials(result, values, factors):
    series, powers = np.empty(_CHUNK), np.empty(_CHUNK, np.int64)
    rests, units = np.empty(_CHUNK), powers.view(np.float64)
    for start in range(0, values.size, _CHUNK):
        before, after = values[start : start + _CHUNK], result[start : start + _CHUNK]
        for i in range(before.size):
            value = float(before[i])
            value = _LEAST if value < _LEAST else value
            value = _MOST if value > _MOST else value
            octaves = np.floor(value * _PER_OCTAVE + 0.5)
            rests[i] = (value - octaves * _OCTAVE[0]) - octaves * _OCTAVE[1]
            series[i] = factors[0]
            # The exponent of a float64 is in its bits 52 and above.
            powers[i] = (np.int64(octaves) + np.int64(1023)) << np.int64(52)
        for n in range(1, factors.size):
            factor = factors[n]
            for i in range(before.size):
                series[i] = series[i] * rests[i] + factor
        for i in range(before.size):
            after[i] = np.float32((1.0 + (rests[i] + rests[i] * rests[i] * series[i])) * units[i])
