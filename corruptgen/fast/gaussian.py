"""Gaussian smoothing of bytes."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize, to_float
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.corruptions.common.blur import gaussian_blur
from corruptgen.declare import Pixels, fused
from corruptgen.fast.bounds import bound_of_levels, byte_of, next_uncertain, store_certain
from corruptgen.fast.sums import PAIRS, fill_sweeps, roundings, weigh_pairs, weigh_pairs_of_bytes
from corruptgen.ops.gaussian import TRUNCATE, gaussian_weights, smooth
from corruptgen.runtime.caching import keep_arrays

# Exact sums that are made together: next to an uncertain sample there are often more.
TOGETHER = 32


@fused(gaussian_blur)
def _gaussian_blur(image: NDArray[np.uint8], arithmetic: Arithmetic, *, sigma: float) -> NDArray[np.uint8]:
    return smooth_bytes(image, sigma, arithmetic)


def smooth_bytes(image: NDArray[np.uint8], sigma: float, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Return what `corruptgen.ops.gaussian.smooth` makes of an (H, W, C) image in [0, 1], stored as bytes again."""
    if arithmetic.precision != "float64":
        return quantize(
            smooth(to_float(image, Pixels.UNIT, BYTE, arithmetic), sigma), Pixels.UNIT, BYTE, arithmetic.rounding
        )
    kernel = _kernel(sigma)
    reach = kernel.weights.size - 1
    if reach == 0:
        return image.copy()
    height, _, channels = image.shape
    bordered = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    result = np.empty(image.size, np.uint8)
    _fill(result, bordered.reshape(height + 2 * reach, -1), channels, kernel, arithmetic.half)
    return result.reshape(image.shape)


class _Kernel(NamedTuple):
    weights: NDArray[np.float64]
    """Half a kernel, from the centre outwards."""
    shares: NDArray[np.float32]
    """The same for pairs, after zeros that fill a sweep: from the farthest one inwards, and half of the centre."""
    bound: np.float32
    """Of the error of an estimate, in levels."""


@keep_arrays
def _kernel(sigma: float) -> _Kernel:
    reach = int(TRUNCATE * sigma + 0.5)
    weights = gaussian_weights(sigma, reach)[reach:]
    # The centre is a pair, too.
    shares = fill_sweeps(weights[::-1] / np.where(np.arange(reach, -1, -1), 1, 2), PAIRS)
    # A pair counts twice as much as its weight. Across its sum is rounded, too.
    bound = bound_of_levels(4 * roundings(shares, PAIRS) + 1, doubles=4 * weights.size)
    return _Kernel(weights, shares, np.float32(bound))


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(result, bordered, channels, kernel, half):
    """Smooth an image that has a border as wide as the kernel, row by row: down, then across."""
    reach, pitch = kernel.weights.size - 1, bordered.shape[1]
    size, height = pitch - 2 * reach * channels, bordered.shape[0] - 2 * reach
    samples, half_estimate = bordered.ravel(), np.float32(half)
    down, across = np.zeros((kernel.shares.size, 2), np.int64), np.zeros((kernel.shares.size, 2), np.int64)
    for k in range(reach + 1):
        place = kernel.shares.size - 1 - reach + k
        down[place, 0], down[place, 1] = k * pitch, (2 * reach - k) * pitch
        across[place, 0], across[place, 1] = k * channels, (2 * reach - k) * channels
    sums, levels = np.empty(pitch, np.float32), np.empty(size, np.float32)
    wide, exact = np.empty(TOGETHER + 2 * reach * channels), np.empty(TOGETHER)
    for y in range(height):
        row = result[y * size : (y + 1) * size]
        weigh_pairs_of_bytes(sums, samples, y * pitch, down, kernel.shares)
        weigh_pairs(levels, sums, 0, across, kernel.shares)
        if store_certain(row, levels, half_estimate, kernel.bound):
            x = next_uncertain(levels, 0, half_estimate, kernel.bound)
            while x < size:
                # The last ones with some before them.
                x = max(min(x, size - TOGETHER), 0)
                some = exact[: min(TOGETHER, size)]
                columns = bordered[y : y + 2 * reach + 1, x : x + some.size + 2 * reach * channels]
                _smooth(some, wide, columns, channels, kernel.weights)
                for i in range(some.size):
                    row[x + i] = byte_of(some[i] * 255.0, half)
                x = next_uncertain(levels, x + some.size, half_estimate, kernel.bound)


@part_of_kernel
def _smooth(sums, wide, rows, channels, weights):
    """Compute some sums as the formula does: of fractions of full scale, the centre first, then the farthest pair."""
    reach, far = weights.size - 1, rows.shape[1]
    for i in range(far):
        wide[i] = np.float64(rows[reach, i]) / 255.0 * weights[0]
    for k in range(reach):
        above, below, weight = rows[k], rows[2 * reach - k], weights[reach - k]
        for i in range(far):
            wide[i] += (np.float64(above[i]) / 255.0 + np.float64(below[i]) / 255.0) * weight
    for i in range(sums.size):
        sums[i] = wide[i + reach * channels] * weights[0]
    for k in range(reach):
        left, right, weight = wide[k * channels :], wide[(2 * reach - k) * channels :], weights[reach - k]
        for i in range(sums.size):
            sums[i] += (left[i] + right[i]) * weight
