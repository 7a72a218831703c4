"""Gaussian smoothing with kernels as wide as the field: what float32 keeps of it is known before all is summed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.fast.lanes import BLOCK, weigh_block
from corruptgen.ops.borders import border_indices
from corruptgen.ops.gaussian import gaussian_weights, pad, smooth, weigh
from corruptgen.runtime.caching import keep_arrays

# Weights of a kernel per sample of the longer side: from there on, a product of matrices is much faster than the sums.
WIDE = 1
# Samples of the longer side: from there on, the matrices would take much memory, of which some are kept.
LONGEST = 512
# Of float64: the largest relative error of one operation.
UNIT_ROUNDOFF = 2.0**-53
# Terms of a product of matrices that are added up before they join the rest, so that few are rounded often.
TERMS = 64
# For products of errors, and for weights that do not quite add up to 1.
SLACK = 1.001

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Axis:
    """How one axis is smoothed, with the border "reflect"."""

    half_kernel: Float64
    indices: NDArray[np.int64]
    """What stands for each sample from half a kernel before the first one on."""
    matrix: Float64
    """The weight of every sample in every sum."""
    most_rounded: float
    """The largest product of a weight and how often its term is rounded, in the formula and in `_product` together."""


def smooth_and_scale(field: Float64, sigma: float, scale: float, *, truncate: float) -> NDArray[np.float32]:
    """Give in float32 `scale` times what `corruptgen.ops.gaussian.smooth` makes of a field, border "reflect".

    A product of matrices gives the sums in whatever order is fast. Where its error could matter in float32 they are
    computed again, in the order of the formula.

    Parameters
    ----------
    field : (H, W) float64; no value so small that a product with a weight loses digits
    sigma : standard deviation in pixels
    truncate : where the kernel ends, in standard deviations
    """
    longest = max(field.shape)
    if longest > LONGEST or 2 * int(truncate * sigma + 0.5) + 1 < WIDE * longest:
        return (smooth(field, sigma, truncate=truncate, border="reflect") * scale).astype(np.float32)
    field = np.ascontiguousarray(field)
    down, across = (_axis(length, sigma, truncate) for length in field.shape)
    sums = _product(down.matrix, field)
    estimate = _product(sums, across.matrix.T)
    estimate *= scale
    # The second smoothing passes the errors of the first one on, and makes none larger.
    errors = down.most_rounded * np.abs(field).sum(0).max() + across.most_rounded * np.abs(sums).sum(1).max()
    # Both products with the scale are rounded, and so are the two limits that a value lies between.
    margin = SLACK * UNIT_ROUNDOFF * (errors * abs(scale) + 4 * np.abs(estimate).max())
    result = np.empty(field.shape, np.float32)
    _decide(result, estimate, margin, field, scale, down.half_kernel, down.indices, across.half_kernel, across.indices)
    return result


@keep_arrays
def _axis(length: int, sigma: float, truncate: float) -> _Axis:
    radius = int(truncate * sigma + 0.5)
    weights = gaussian_weights(sigma, radius)
    indices = border_indices(length, radius, "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(indices, weights.size)
    places = (np.arange(length)[:, None] * length + windows).ravel()
    matrix = np.asarray(np.bincount(places, np.tile(weights, length), length * length), np.float64)
    # In the formula a pair is added, weighed, and from then on in every sum; the centre is there from the beginning.
    passed = np.abs(np.arange(-radius, radius + 1)) + 2
    passed[radius] = radius + 1
    # Two lengths hold every sample and its mirror image.
    folded = 2 * -(-weights.size // (2 * length))
    passed += folded + TERMS + -(-length // TERMS)
    rounded = np.bincount(places, np.tile(weights * passed, length))
    return _Axis(weights[radius:], indices, matrix.reshape(length, length), float(rounded.max()))


def _product(left: Float64, right: Float64) -> Float64:
    """Multiply two matrices, in whatever order within every `TERMS` terms."""
    total = left[:, :TERMS] @ right[:TERMS]
    for first in range(TERMS, len(right), TERMS):
        total += left[:, first : first + TERMS] @ right[first : first + TERMS]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(result, estimate, margin, field, scale, down, rows, across, columns):  # type: ignore[no-untyped-def]
    """Round the estimate to float32, or the formula's value where the margin leaves a choice."""
    height, width = field.shape
    reach = across.size - 1
    padded, smoothed = np.empty(columns.size), np.empty(width)
    samples, beside = field.ravel(), np.arange(2 * reach + 1)
    middle = padded[reach : reach + width]
    for y in range(height):
        doubts = 0
        for x in range(width):
            low, high = np.float32(estimate[y, x] - margin), np.float32(estimate[y, x] + margin)
            result[y, x] = low
            # A zero may have either sign.
            doubts += not (low == high and low != 0)
        if not doubts:
            continue
        weigh(middle, samples, rows[y : y + 2 * down.size - 1] * width, down)
        pad(padded, columns, reach, 1)
        if width < BLOCK:
            weigh(smoothed, padded, beside, across)
        done = 0
        for x in range(width):
            low, high = np.float32(estimate[y, x] - margin), np.float32(estimate[y, x] + margin)
            if not (low == high and low != 0):
                if width >= BLOCK and x >= done:
                    start = min(x, width - BLOCK)
                    weigh_block(smoothed, start, padded, beside, across)
                    done = start + BLOCK
                result[y, x] = np.float32(smoothed[x] * scale)
