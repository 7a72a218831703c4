"""Gaussian smoothing of a field of numbers, estimated in float32, and computed at single places as the formula does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.fast.block_sums import BLOCK, weigh_pairs
from corruptgen.fast.doubts import FLOAT64_MARGIN, UNIT_ROUNDOFF
from corruptgen.fast.gaussian_bytes import half_kernels
from corruptgen.randomness.normals import FURTHEST, fill_chunk
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream

# What single values are computed of: samples, the size of the field, the loc and the scale that make it of them, and
# half a kernel.
Exactly = tuple[NDArray[np.float32], tuple[int, int], float, float, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class SmoothField:
    """What `corruptgen.ops.gaussian.smooth` gives of an (H, W) float64 array, known only so well at first."""

    estimate: NDArray[np.float32]
    margin: float
    """How far the estimate may be off."""
    exactly: Exactly
    """What `smooth_value` takes to compute a value without an error."""


def smooth_draws(rng: Stream, shape: tuple[int, int], loc: float, scale: float, sigma: float) -> SmoothField:
    """Smooth normal draws of an (H, W) `shape` with a Gaussian of `sigma` pixels."""
    count = shape[0] * shape[1]
    words = np.empty(-(-count // WORDS_PER_BLOCK) * WORDS_PER_BLOCK, np.uint32)
    normals = np.empty(words.size + BLOCK, np.float32)
    fill_words(words, *rng.skip(count + count % 2))
    fill_chunk(normals, words)
    return smooth_field(normals, shape, sigma, FURTHEST, loc, scale)


def smooth_field(
    samples: NDArray[np.float32],
    shape: tuple[int, int],
    sigma: float,
    largest: float,
    loc: float = 0.0,
    scale: float = 1.0,
) -> SmoothField:
    """Smooth the columns, then the rows, of loc + scale * samples with a Gaussian of `sigma` pixels.

    Parameters
    ----------
    samples : (at least H * W + BLOCK,) float32, none of the first H * W of which lies further from 0 than `largest`
    shape : (H, W)
    sigma : standard deviation in pixels
    loc, scale : which make the field of the samples
    """
    height, width = shape
    half_kernel, shares, units_off = half_kernels(sigma)
    reach = shares.size - 1
    estimate = np.empty(height * width + BLOCK, np.float32)
    padded, places = np.empty(width + 2 * reach + BLOCK, np.float32), np.empty(2 * (2 * reach + 1), np.int64)
    _approximate(estimate, samples, height, width, shares, loc, scale, padded, places)
    # The first pass adds samples that are no whole numbers; the sum is scaled and moved by numbers that are rounded.
    spread = abs(scale) * largest
    margin = 1.001 * UNIT_ROUNDOFF * ((units_off + 4) * spread + 2 * abs(loc)) + FLOAT64_MARGIN * (spread + abs(loc))
    estimate = estimate[: height * width].reshape(shape)
    return SmoothField(estimate, margin, (samples, shape, loc, scale, half_kernel))


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(estimate, samples, height, width, shares, loc, scale, padded, places):  # type: ignore[no-untyped-def]
    """Smooth in float32. The first half of `places` is for rows; the second one has columns, which stay."""
    taps = 2 * shares.size - 1
    reach = shares.size - 1
    for k in range(taps):
        places[taps + k] = k
    mean, spread = np.float32(loc), np.float32(scale)
    for y in range(height):
        for k in range(taps):
            places[k] = min(max(y - reach + k, 0), height - 1) * width
        for start in range(0, width, BLOCK):
            weigh_pairs(padded, reach + start, samples, start, places, 0, shares)
        for x in range(reach):
            padded[x] = padded[reach]
            padded[reach + width + x] = padded[reach + width - 1]
        row = y * width
        for start in range(0, width, BLOCK):
            weigh_pairs(estimate, row + start, padded, start, places, taps, shares)
        made = estimate[row : row + width]
        for x in range(width):
            made[x] = mean + spread * made[x]


@part_of_kernel
def smooth_value(y, x, exactly):  # type: ignore[no-untyped-def]
    """Compute one value in the order of scipy's filters: the centre, then pairs from the outside in."""
    samples, (height, width), loc, scale, half_kernel = exactly
    reach, last_row, last_column = half_kernel.size - 1, height - 1, width - 1
    total = 0.0
    for k in range(reach + 1):
        across = reach + 1 - k if k else 0
        pair = 0.0
        for side in range(2 if k else 1):
            column = x + across if side else x - across
            column = 0 if column < 0 else column if column < last_column else last_column
            down = (loc + scale * np.float64(samples[y * width + column])) * half_kernel[0]
            for j in range(reach, 0, -1):
                above = y - j if y > j else 0
                below = y + j if y + j < last_row else last_row
                one = loc + scale * np.float64(samples[above * width + column])
                other = loc + scale * np.float64(samples[below * width + column])
                down += (one + other) * half_kernel[j]
            pair += down
        total += pair * half_kernel[across]
    return total
