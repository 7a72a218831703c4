"""Gaussian smoothing of a field of numbers, estimated in float32, and computed at single places as the formula does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.imaging.doubts import FLOAT64_MARGIN, UNIT_ROUNDOFF
from corruptgen.imaging.gaussian_bytes import PAIRS_IN_SWEEP, add_centre, add_pairs, half_kernels
from corruptgen.randomness.normals import FURTHEST, fill_chunk
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream

# What single values are computed of: (H, W) samples, the loc and the scale that make the field of them, half a kernel.
Exactly = tuple[NDArray[np.float32], float, float, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class SmoothField:
    """What `corruptgen.imaging.gaussian.smooth` gives of an (H, W) float64 array, known only so well at first."""

    estimate: NDArray[np.float32]
    margin: float
    """How far the estimate may be off."""
    exactly: Exactly
    """What `smooth_value` takes to compute a value without an error."""


def smooth_draws(rng: Stream, shape: tuple[int, int], loc: float, scale: float, sigma: float) -> SmoothField:
    """Smooth normal draws of an (H, W) `shape` with a Gaussian of `sigma` pixels."""
    count = shape[0] * shape[1]
    words = np.empty(-(-count // WORDS_PER_BLOCK) * WORDS_PER_BLOCK, np.uint32)
    fill_words(words, *rng.skip(count + count % 2))
    normals = np.empty(words.size, np.float32)
    fill_chunk(normals, words)
    return smooth_field(normals[:count].reshape(shape), sigma, FURTHEST, loc, scale)


def smooth_field(
    samples: NDArray[np.float32], sigma: float, largest: float, loc: float = 0.0, scale: float = 1.0
) -> SmoothField:
    """Smooth the columns, then the rows, of loc + scale * samples with a Gaussian of `sigma` pixels.

    Parameters
    ----------
    samples : (H, W) float32, none of which lies further from 0 than `largest`
    """
    height, width = samples.shape
    half_kernel, weights, units_off = half_kernels(sigma)
    estimate = np.empty(samples.shape, np.float32)
    padded = np.empty(width + 2 * (weights.size - 1), np.float32)
    _approximate(estimate, samples, weights, loc, scale, padded, np.empty(2 * PAIRS_IN_SWEEP, np.uint64))
    # The sum is scaled and moved in float32, by numbers that are rounded to it themselves.
    range_ = abs(scale) * largest
    margin = 1.001 * UNIT_ROUNDOFF * ((units_off + 3) * range_ + 2 * abs(loc)) + FLOAT64_MARGIN * (range_ + abs(loc))
    return SmoothField(estimate, margin, (samples, loc, scale, half_kernel))


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(result, field, weights, loc, scale, padded, starts):  # type: ignore[no-untyped-def]
    """Smooth in float32."""
    height, width = field.shape
    samples = field.ravel()
    reach = weights.size - 1
    mean, spread = np.float32(loc), np.float32(scale)
    # A row of sums down the columns, with a border.
    middle = padded[reach : reach + width]
    for y in range(height):
        for x in range(width):
            middle[x] = 0
        for k in range(reach, 0, -PAIRS_IN_SWEEP):
            for j in range(PAIRS_IN_SWEEP):
                starts[2 * j] = max(y - k + j, 0) * width
                starts[2 * j + 1] = min(y + k - j, height - 1) * width
            add_pairs(middle, samples, starts, weights, k, 1.0, np.float32(0))
        add_centre(middle, field[y], weights[0])
        for x in range(reach):
            padded[x] = middle[0]
            padded[reach + width + x] = middle[width - 1]
        total = result[y]
        for x in range(width):
            total[x] = 0
        for k in range(reach, 0, -PAIRS_IN_SWEEP):
            for j in range(PAIRS_IN_SWEEP):
                starts[2 * j] = reach - (k - j)
                starts[2 * j + 1] = reach + (k - j)
            add_pairs(total, padded, starts, weights, k, 1.0, np.float32(0))
        add_centre(total, middle, weights[0])
        for x in range(width):
            total[x] = mean + spread * total[x]


@part_of_kernel
def smooth_value(y, x, exactly):  # type: ignore[no-untyped-def]
    """Compute one value in the order of scipy's filters: the centre, then pairs from the outside in."""
    samples, loc, scale, half_kernel = exactly
    reach, last = half_kernel.size - 1, samples.shape[1] - 1
    total = _down(y, x, exactly) * half_kernel[0]
    for k in range(reach, 0, -1):
        left, right = max(x - k, 0), min(x + k, last)
        total += (_down(y, left, exactly) + _down(y, right, exactly)) * half_kernel[k]
    return total


@part_of_kernel
def _down(y, x, exactly):  # type: ignore[no-untyped-def]
    samples, loc, scale, half_kernel = exactly
    reach, last = half_kernel.size - 1, samples.shape[0] - 1
    total = (loc + scale * np.float64(samples[y, x])) * half_kernel[0]
    for k in range(reach, 0, -1):
        above, below = np.float64(samples[max(y - k, 0), x]), np.float64(samples[min(y + k, last), x])
        total += ((loc + scale * above) + (loc + scale * below)) * half_kernel[k]
    return total
