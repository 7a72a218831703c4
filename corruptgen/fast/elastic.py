"""Elastic waves whose kernels are as wide as the field: what float32 keeps of them is known before all is summed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize, to_float
from corruptgen.compilation import njit
from corruptgen.corruptions.common.warp import TRUNCATE, drawn_tilt, elastic_transform
from corruptgen.declare import Pixels, fused
from corruptgen.fast.bounds import DOUBLE_ROUNDOFF
from corruptgen.ops.borders import border_indices
from corruptgen.ops.gaussian import correlate_symmetric, gaussian_weights, pad, smooth
from corruptgen.ops.warp import Displacement, Succession
from corruptgen.randomness.stream import Stream
from corruptgen.runtime.caching import keep_arrays

# Weights of a kernel per sample of the longer side: from there on, a product of matrices is much faster than the sums.
WIDE = 1
# Samples of the longer side: from there on, the matrices would take much memory, of which some are kept.
LONGEST = 512
# Terms of a product of matrices that are added up before they join the rest, so that few are rounded often.
TERMS = 64
# Exact sums that are made together.
TOGETHER = 64
# For products of errors, and for weights that do not quite add up to 1.
SLACK = 1.001

Float64 = NDArray[np.float64]


class _Axis(NamedTuple):
    """How one axis is smoothed, with the border "reflect"."""

    half_kernel: Float64
    indices: NDArray[np.int64]
    """What stands for each sample from half a kernel before the first one on."""
    matrix: Float64
    """The weight of every sample in every sum."""
    most_rounded: float
    """The largest product of a weight and how often its term is rounded, in the formula and in `_product` together."""


def smooth_and_scale(field: Float64, sigma: float, scale: float, *, truncate: float) -> NDArray[np.float32]:
    """Return in float32 `scale` times what `corruptgen.ops.gaussian.smooth` makes of a field, border "reflect".

    A product of matrices gives the sums in whatever order is fast. Where its error could matter in float32 they are
    computed again, in the order of the formula.

    Parameters
    ----------
    field : ndarray of float64, shape (H, W)
        No value so small that a product with a weight loses digits.
    sigma : float
        Standard deviation in pixels.
    truncate : float
        Where the kernel ends, in standard deviations.
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
    bound = SLACK * DOUBLE_ROUNDOFF * (errors * abs(scale) + 4 * np.abs(estimate).max())
    result = np.empty(field.shape, np.float32)
    _decide(result, estimate, field, (bound, scale), down, across)
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
def _decide(result, estimate, field, limits, down, across):
    """Round the estimate to float32, or the formula's value where the bound leaves a choice."""
    bound, scale = limits
    height, width = field.shape
    padded, some = np.empty(across.indices.size), np.empty(TOGETHER)
    samples, beside = field.ravel(), np.arange(across.half_kernel.size * 2 - 1)
    reach = across.half_kernel.size - 1
    middle = padded[reach : reach + width]
    for y in range(height):
        is_summed, x = False, 0
        while x < width:
            low, high = np.float32(estimate[y, x] - bound), np.float32(estimate[y, x] + bound)
            # A zero may have either sign.
            if low == high and low != np.float32(0):
                result[y, x] = low
                x += 1
                continue
            if not is_summed:
                correlate_symmetric(
                    middle, samples, down.indices[y : y + 2 * down.half_kernel.size - 1] * width, down.half_kernel
                )
                pad(padded, across.indices, reach, 1)
                is_summed = True
            sums = some[: min(TOGETHER, width - x)]
            correlate_symmetric(sums, padded[x:], beside, across.half_kernel)
            for i in range(sums.size):
                result[y, x + i] = np.float32(sums[i] * scale)
            x += sums.size


@fused(elastic_transform)
def _elastic_transform(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    displacement: float,
    sigma: float,
    affine: float,
    border: str,
) -> NDArray[np.uint8]:
    tilt = drawn_tilt(image.shape, rng, affine)
    right, down = (
        smooth_and_scale(rng.uniform(-1, 1, image.shape[:2]), sigma, displacement, truncate=TRUNCATE) for _ in range(2)
    )
    unit = to_float(image, Pixels.UNIT, BYTE, arithmetic)
    moved = Succession((tilt, Displacement(down, right, border))).moved(unit)
    return quantize(moved, Pixels.UNIT, BYTE, arithmetic.rounding)
