"""Gaussian smoothing of a field of numbers, estimated in float32, and computed at single places as the formula does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.doubts import FLOAT64_MARGIN, UNIT_ROUNDOFF
from corruptgen.imaging.gaussian_bytes import PAIRS_IN_SWEEP, add_centre, add_pairs, half_kernels


@dataclass(frozen=True, eq=False)
class SmoothField:
    """What `corruptgen.imaging.gaussian.smooth` gives of an (H, W) float64 array, known only so well at first."""

    estimate: NDArray[np.float32]
    margin: float
    """How far the estimate may be off."""
    _field: NDArray[np.float64]
    _half_kernel: NDArray[np.float64]

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Compute the values at these places of the flattened field, without an error."""
        values = np.empty(places.size)
        _compute(values, places, self._field, self._half_kernel)
        return values


def smooth_field(field: NDArray[np.float64], sigma: float) -> SmoothField:
    """Smooth the columns, then the rows, of an (H, W) array with a Gaussian of `sigma` pixels."""
    half_kernel, weights, units_off = half_kernels(sigma)
    rounded = field.astype(np.float32)
    estimate = np.empty_like(rounded)
    _approximate(estimate, rounded, weights)
    largest = max(abs(float(rounded.min())), abs(float(rounded.max())))
    # One more unit for the field in float32.
    margin = 1.001 * UNIT_ROUNDOFF * (units_off + 1) * largest + FLOAT64_MARGIN * largest
    return SmoothField(estimate, margin, field, half_kernel)


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(result, field, weights):  # type: ignore[no-untyped-def]
    """Smooth in float32."""
    height, width = field.shape
    samples = field.ravel()
    reach = weights.size - 1
    starts = np.empty(2 * PAIRS_IN_SWEEP, np.uint64)
    # A row of sums down the columns, with a border.
    padded = np.zeros(width + 2 * reach, np.float32)
    middle = padded[reach : reach + width]
    for y in range(height):
        middle[:] = 0
        for k in range(reach, 0, -PAIRS_IN_SWEEP):
            for j in range(PAIRS_IN_SWEEP):
                starts[2 * j] = max(y - k + j, 0) * width
                starts[2 * j + 1] = min(y + k - j, height - 1) * width
            add_pairs(middle, samples, starts, weights, k, 1.0, np.float32(0))
        add_centre(middle, field[y], weights[0])
        padded[:reach] = middle[0]
        padded[reach + width :] = middle[width - 1]
        total = result[y]
        total[:] = 0
        for k in range(reach, 0, -PAIRS_IN_SWEEP):
            for j in range(PAIRS_IN_SWEEP):
                starts[2 * j] = reach - (k - j)
                starts[2 * j + 1] = reach + (k - j)
            add_pairs(total, padded, starts, weights, k, 1.0, np.float32(0))
        add_centre(total, middle, weights[0])


@njit(cache=True, nogil=True, error_model="numpy")
def _compute(values, places, field, half_kernel):  # type: ignore[no-untyped-def]
    """Compute single values in the order of scipy's filters: the centre, then pairs from the outside in."""
    height, width = field.shape
    reach = half_kernel.size - 1
    for i in range(places.size):
        y, x = divmod(places[i], width)
        total = 0.0
        for k in range(reach + 1):
            # The centre, then the outermost pair.
            step = 0 if k == 0 else reach + 1 - k
            pair = 0.0
            for side in range(1 if k == 0 else 2):
                column = min(max(x - step if side == 0 else x + step, 0), width - 1)
                down = field[y, column] * half_kernel[0]
                for j in range(reach, 0, -1):
                    one, other = field[max(y - j, 0), column], field[min(y + j, height - 1), column]
                    down += (one + other) * half_kernel[j]
                pair += down
            total += pair * half_kernel[step]
        values[i] = total
