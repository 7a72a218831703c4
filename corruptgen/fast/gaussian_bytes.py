"""Gaussian smoothing of bytes: float32 sums within a proven bound, and float64 as the formula has it where in doubt."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, FULL_SCALE_OF_LEVELS, Arithmetic, quantize
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.declare import Pixels
from corruptgen.fast.block_levels import store_levels_of_words
from corruptgen.fast.block_sums import BLOCK, weigh_pairs
from corruptgen.fast.byte_units import parts_of_a_level
from corruptgen.fast.doubts import FLOAT64_MARGIN, UNIT_ROUNDOFF, byte_of
from corruptgen.fast.scratch import scratch
from corruptgen.ops.borders import extend_row
from corruptgen.ops.gaussian import TRUNCATE, gaussian_weights, smooth
from corruptgen.runtime.caching import keep_arrays


def smooth_bytes(image: NDArray[np.uint8], sigma: float, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Give what `smooth` gives of an (H, W, C) image in [0, 1], clipped and stored as bytes again."""
    if arithmetic.precision != "float64":
        return quantize(smooth(arithmetic.units[image], sigma), Pixels.UNIT, BYTE, arithmetic.rounding)
    radius = int(TRUNCATE * sigma + 0.5)
    if radius == 0:
        return image.copy()
    height, width, channels = image.shape
    size = width * channels
    half_kernel, shares, units_off = half_kernels(sigma)
    margin = 1.001 * FULL_SCALE_OF_LEVELS * UNIT_ROUNDOFF * units_off + FLOAT64_MARGIN
    result = np.empty(image.size + BLOCK, np.uint8)
    _smooth_strips(
        result,
        scratch("uint8", height * (size + 2 * radius * channels) + BLOCK),
        scratch("float32", (height + 1) * BLOCK),
        scratch("float64", 2 * BLOCK + 2 * radius * channels),
        scratch("int64", 2 * (height + 2 * radius) + 2 * radius + 1),
        np.ascontiguousarray(image).reshape(height, size),
        channels,
        half_kernel,
        shares,
        *parts_of_a_level("float64"),
        margin,
        arithmetic.half,
    )
    return result[: image.size].reshape(image.shape)


@keep_arrays
def half_kernels(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float32], float]:
    """Give half a kernel, the same for estimates of pairs, and how many units of the last place these may be off.

    A unit is one of full scale. The estimate adds pairs from the outside in, the centre with itself last, so that its
    partial sums stay small for long: each addition is off by less than one unit of the sum of the weights so far. In
    either pass a weight and its product are off by a unit each, in the second one also the sum of a pair; the
    comparison with a boundary adds another two.
    """
    radius = int(TRUNCATE * sigma + 0.5)
    half_kernel = gaussian_weights(sigma, radius)[radius:]
    shares = half_kernel[::-1].astype(np.float32)
    shares[-1] /= 2
    partial_sums = np.append(2 * np.cumsum(half_kernel[:0:-1]), 1.0)
    units_off = 2 * (float(partial_sums.sum()) + 2) + 1 + 2
    return half_kernel, shares, units_off


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth_strips(  # type: ignore[no-untyped-def]
    result, bordered, strip, sums, places, rows, channels, half_kernel, shares, first_part, second_part, margin, half
):
    """Smooth an (H, W * C) image in strips, each across and then down.

    Where a sample of a block is in doubt, the block is computed as the formula does.

    Parameters
    ----------
    result : (H * W * C + BLOCK,) uint8, written
    bordered, strip, sums, places : scratch
    first_part, second_part : of the fraction of full scale that a level is
    """
    height, size = rows.shape
    reach = half_kernel.size - 1
    border = reach * channels
    pitch = size + 2 * border
    for y in range(height):
        extend_row(bordered, y * pitch, border, rows[y], border, channels)
    tall, wide = height + 2 * reach, 2 * reach + 1
    # Where each row of the image begins as far as the kernel reaches, then those of the strip, then pixels of a row.
    for j in range(tall):
        row = min(max(j - reach, 0), height - 1)
        places[j], places[tall + j] = row * pitch, row * BLOCK
    for k in range(wide):
        places[2 * tall + k] = k * channels
    least, most = np.float32(half - margin), np.float32(half + margin)
    total = height * BLOCK
    for strip_start in range(0, size, BLOCK):
        # The last strip does some columns again, for its surplus must not lie on those of the next row.
        start = max(min(strip_start, size - BLOCK), 0)
        for y in range(height):
            weigh_pairs(strip, y * BLOCK, bordered, y * pitch + start, places, 2 * tall, shares)
        for y in range(height):
            weigh_pairs(strip, total, strip, 0, places, tall + y, shares)
            first = y * size + start
            if store_levels_of_words(result, first, strip, total, least, most):
                _smooth_block(sums, bordered, start, places, y, channels, half_kernel, first_part, second_part)
                for x in range(BLOCK):
                    result[first + x] = byte_of(sums[x] * 255.0, half)


@part_of_kernel
def _smooth_block(sums, samples, start, places, y, channels, half_kernel, first_part, second_part):  # type: ignore[no-untyped-def]
    """Compute the first `BLOCK` sums in scipy's order, down and then across; what lies behind them are sums down."""
    reach = half_kernel.size - 1
    middle, far = np.uint64(BLOCK), np.uint64(BLOCK + 2 * reach * channels)
    weight, own = half_kernel[0], np.uint64(places[y + reach] + start)
    for i in range(far):
        value = np.float64(samples[own + i])
        sums[middle + i] = (value * first_part + value * second_part) * weight
    for k in range(reach):
        above, below = np.uint64(places[y + k] + start), np.uint64(places[y + 2 * reach - k] + start)
        weight = half_kernel[reach - k]
        for i in range(far):
            one, other = np.float64(samples[above + i]), np.float64(samples[below + i])
            pair = (one * first_part + one * second_part) + (other * first_part + other * second_part)
            sums[middle + i] += pair * weight
    weight, own = half_kernel[0], middle + np.uint64(reach * channels)
    for i in range(middle):
        sums[i] = sums[own + i] * weight
    for k in range(reach):
        left, right = middle + np.uint64(k * channels), middle + np.uint64((2 * reach - k) * channels)
        weight = half_kernel[reach - k]
        for i in range(middle):
            sums[i] += (sums[left + i] + sums[right + i]) * weight
