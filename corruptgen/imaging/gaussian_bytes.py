"""Gaussian smoothing of bytes: float32 sums within a proven bound, and float64 as the formula has it where in doubt."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.declare import Pixels
from corruptgen.imaging.block_sums import BLOCK, sample_of_bit, store_levels_of_words, weigh_pairs
from corruptgen.imaging.borders import extend_row
from corruptgen.imaging.doubts import FLOAT64_MARGIN, UNIT_ROUNDOFF, flat_mask
from corruptgen.imaging.gaussian import TRUNCATE, gaussian_weights, smooth
from corruptgen.imaging.pixels import BYTE, FULL_SCALE_OF_LEVELS, Arithmetic, stored
from corruptgen.imaging.scratch import scratch

# One in so many samples in doubt: it is worth while to look for flat places; to smooth all samples in float64.
SOME, MANY = 512, 32
NOTHING = np.empty((0, 0), np.uint8)


def smooth_bytes(image: NDArray[np.uint8], sigma: float, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Give what `smooth` gives of an (H, W, C) image in [0, 1], clipped and stored as bytes again."""
    if arithmetic.precision != "float64":
        return _smooth_all(image, sigma, arithmetic)
    radius = int(TRUNCATE * sigma + 0.5)
    if radius == 0:
        return image.copy()
    height, width, channels = image.shape
    size = width * channels
    rows = np.ascontiguousarray(image).reshape(height, size)
    half_kernel, shares, units_off = half_kernels(sigma)
    margin = 1.001 * FULL_SCALE_OF_LEVELS * UNIT_ROUNDOFF * units_off + FLOAT64_MARGIN
    result = np.empty(image.size + BLOCK, np.uint8)
    arguments = (
        result,
        scratch("uint8", height * (size + 2 * radius * channels) + BLOCK),
        scratch("float32", (height + 1) * BLOCK),
        scratch("uint64", 2 * (height + 2 * radius) + 2 * radius + 1),
        rows,
        channels,
        half_kernel,
        shares,
        arithmetic.units,
        margin,
        arithmetic.half,
    )
    done = _smooth_strips(*arguments, NOTHING, 0, image.size // SOME)
    result = result[: image.size].reshape(image.shape)
    if done < size:
        flat = flat_mask(image, radius).reshape(rows.shape)
        if _smooth_strips(*arguments, flat, done, image.size // MANY) < size:
            return _smooth_all(image, sigma, arithmetic)
        cv2.copyTo(cv2.LUT(rows, _equals(sigma, arithmetic)), flat, result.reshape(rows.shape))
    return result


def _smooth_all(image: NDArray[np.uint8], sigma: float, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    return stored(smooth(arithmetic.units[image], sigma), Pixels.UNIT, BYTE, arithmetic.rounding)


@lru_cache(maxsize=64)
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


@lru_cache(maxsize=64)
def _equals(sigma: float, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Tabulate what the formula makes of every byte among equals."""
    half_kernel, _, _ = half_kernels(sigma)
    values = arithmetic.units
    for _ in ("down", "across"):
        total = values * half_kernel[0]
        for weight in half_kernel[:0:-1]:
            total = total + (values + values) * weight
        values = total
    return stored(values, Pixels.UNIT, BYTE, arithmetic.rounding)


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth_strips(  # type: ignore[no-untyped-def]
    result, bordered, strip, places, rows, channels, half_kernel, shares, units, margin, half, flat, done, limit
):
    """Smooth strips of an (H, W * C) image from column `done` on, across and then down.

    Samples in doubt are computed at once, but for those that `flat` marks. Gives the column of the strip at which there
    were more than `limit` of them, or the end.

    Parameters
    ----------
    result : (H * W * C + BLOCK,) uint8, written
    bordered, strip, places : scratch
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
    one, white = np.float32(1), np.float32(255 + half)
    least, most = np.float32(half - margin), np.float32(half + margin)
    total = height * BLOCK
    count = 0
    for strip_start in range(done, size, BLOCK):
        # The last strip does some columns again, for its surplus must not lie on those of the next row.
        start = max(min(strip_start, size - BLOCK), 0)
        for y in range(height):
            weigh_pairs(strip, y * BLOCK, bordered, y * pitch + start, places, 2 * tall, shares)
        for y in range(height):
            weigh_pairs(strip, total, strip, 0, places, tall + y, shares)
            doubts = store_levels_of_words(result, y * size + start, strip, total, one, least, most, white)
            bit = 0
            while doubts:
                i = start + sample_of_bit(bit)
                if doubts & np.uint64(1) and i < size and not (flat.size and flat[y, i]):
                    count += 1
                    if count > limit:
                        return start
                    value = _smoothed(bordered, places[y : y + wide], i, channels, half_kernel, units) * 255.0
                    result[y * size + i] = np.uint8(min(max(value, 0.0), 255.0) + half)
                doubts >>= np.uint64(1)
                bit += 1
    return size


@part_of_kernel
def _smoothed(bordered, lines, i, channels, half_kernel, units):  # type: ignore[no-untyped-def]
    """Compute a sample as the formula does."""
    # Unsigned, or each place would be looked at for whether it counts from the end.
    reach, left, step = np.uint64(half_kernel.size - 1), np.uint64(i), np.uint64(channels)
    total = _down(bordered, lines, left + reach * step, half_kernel, units) * half_kernel[0]
    for j in range(reach):
        one = _down(bordered, lines, left + j * step, half_kernel, units)
        other = _down(bordered, lines, left + (reach + reach - j) * step, half_kernel, units)
        total += (one + other) * half_kernel[reach - j]
    return total


@part_of_kernel
def _down(bordered, lines, i, half_kernel, units):  # type: ignore[no-untyped-def]
    reach = np.uint64(half_kernel.size - 1)
    total = units[bordered[lines[reach] + i]] * half_kernel[0]
    for j in range(reach):
        above, below = bordered[lines[j] + i], bordered[lines[reach + reach - j] + i]
        total += (units[above] + units[below]) * half_kernel[reach - j]
    return total
