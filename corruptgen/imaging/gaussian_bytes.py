"""Gaussian smoothing of bytes: float32 sums within a proven bound, and float64 as the formula has it where in doubt."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.declare import Pixels
from corruptgen.imaging.byte_units import parts_of_a_level
from corruptgen.imaging.doubts import FLOAT64_MARGIN, UNIT_ROUNDOFF, flat_mask, store_row_and_mark
from corruptgen.imaging.gaussian import TRUNCATE, gaussian_weights, smooth
from corruptgen.imaging.pixels import BYTE, FULL_SCALE_OF_LEVELS, Arithmetic, stored

# Pairs of samples that are added in one sweep over a row.
PAIRS_IN_SWEEP = 4
# One in so many samples in doubt: it is worth while to look for flat places; to smooth all samples in float64.
SOME, MANY = 512, 32


def smooth_bytes(image: NDArray[np.uint8], sigma: float, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Give what `smooth` gives of an (H, W, C) image in [0, 1], clipped and stored as bytes again."""
    if arithmetic.precision != "float64":
        return _smooth_all(image, sigma, arithmetic)
    radius = int(TRUNCATE * sigma + 0.5)
    if radius == 0:
        return image.copy()
    height, _, channels = image.shape
    half_kernel, weights, units_off = half_kernels(sigma)
    margin = 1.001 * FULL_SCALE_OF_LEVELS * UNIT_ROUNDOFF * units_off + FLOAT64_MARGIN
    rows = np.ascontiguousarray(image).reshape(height, -1)
    result = np.empty(rows.shape, np.uint8)
    doubts = np.empty(rows.shape, np.uint8)
    _approximate(result, doubts, rows, channels, weights, margin, arithmetic.half)
    if cv2.countNonZero(doubts) > image.size // SOME:
        flat = flat_mask(image, radius).reshape(rows.shape)
        cv2.copyTo(cv2.LUT(rows, _equals(sigma, arithmetic)), flat, result)
        cv2.bitwise_and(doubts, cv2.bitwise_not(flat), doubts)
    places = np.flatnonzero(doubts.view(np.bool_))
    if places.size > image.size // MANY:
        return _smooth_all(image, sigma, arithmetic)
    _compute(result.ravel(), places, rows, channels, half_kernel, *parts_of_a_level("float64"), arithmetic.half)
    return result.reshape(image.shape)


def _smooth_all(image: NDArray[np.uint8], sigma: float, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    return stored(smooth(arithmetic.units[image], sigma), Pixels.UNIT, BYTE, arithmetic.rounding)


@lru_cache(maxsize=64)
def half_kernels(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float32], float]:
    """Give half a kernel, the same for estimates, and how many units of the last place these may be off, of full scale.

    The estimate adds pairs from the outside in, the centre last, so that its partial sums stay small for long: each
    addition is off by less than one unit of the sum of the weights so far. In either pass a weight and its product are
    off by a unit each, in the second one also the sum of a pair; the comparison with a boundary adds another two.
    """
    radius = int(TRUNCATE * sigma + 0.5)
    half_kernel = gaussian_weights(sigma, radius)[radius:]
    estimates = np.zeros(-(-radius // PAIRS_IN_SWEEP) * PAIRS_IN_SWEEP + 1, np.float32)
    estimates[: radius + 1] = half_kernel
    partial_sums = np.append(2 * np.cumsum(half_kernel[:0:-1]), 1.0)
    units_off = 2 * (float(partial_sums.sum()) + 2) + 1 + 2
    return half_kernel, estimates, units_off


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
def _approximate(result, doubts, rows, channels, weights, margin, half):  # type: ignore[no-untyped-def]
    """Smooth the columns, then the rows, of an (H, W * C) image in float32, and mark the samples in doubt."""
    height, size = rows.shape
    samples = rows.ravel()
    reach = weights.size - 1
    end = reach * channels
    starts = np.empty(2 * PAIRS_IN_SWEEP, np.uint64)
    # A row of sums down the columns, with a border; and the sums across.
    padded, total = np.zeros(size + 2 * end, np.float32), np.zeros(size, np.float32)
    middle = padded[end : end + size]
    for y in range(height):
        for k in range(reach, 0, -PAIRS_IN_SWEEP):
            for j in range(PAIRS_IN_SWEEP):
                starts[2 * j] = max(y - k + j, 0) * size
                starts[2 * j + 1] = min(y + k - j, height - 1) * size
            add_pairs(middle, samples, starts, weights, k, 0.0 if k == reach else 1.0, np.int32(0))
        add_centre(middle, rows[y], weights[0])
        for i in range(end):
            padded[i] = padded[end + i % channels]
            padded[end + size + i] = padded[end + size - channels + i % channels]
        for k in range(reach, 0, -PAIRS_IN_SWEEP):
            for j in range(PAIRS_IN_SWEEP):
                starts[2 * j] = end - (k - j) * channels
                starts[2 * j + 1] = end + (k - j) * channels
            add_pairs(total, padded, starts, weights, k, 0.0 if k == reach else 1.0, np.float32(0))
        add_centre(total, middle, weights[0])
        store_row_and_mark(result[y], doubts[y], total, margin, half)


@part_of_kernel
def add_pairs(total, samples, starts, weights, k, keep, zero):  # type: ignore[no-untyped-def]
    """Add pairs of samples that are whole numbers or not, as `zero` is, to `total` or, if `keep` is 0, to nothing."""
    # One array and unsigned places in it: nothing for the compiler to mind before it widens the loop.
    a, b, c, d, e, f, g, h = starts[0], starts[1], starts[2], starts[3], starts[4], starts[5], starts[6], starts[7]
    w, v, u, t = weights[k], weights[k - 1], weights[k - 2], weights[k - 3]
    number, before = type(zero), np.float32(keep)
    for x in range(np.uint64(total.size)):
        first = np.float32(number(number(samples[a + x]) + number(samples[b + x])))
        second = np.float32(number(number(samples[c + x]) + number(samples[d + x])))
        third = np.float32(number(number(samples[e + x]) + number(samples[f + x])))
        fourth = np.float32(number(number(samples[g + x]) + number(samples[h + x])))
        total[x] = (((total[x] * before + first * w) + second * v) + third * u) + fourth * t


@part_of_kernel
def add_centre(total, centre, weight):  # type: ignore[no-untyped-def]
    """Add the samples in the middle of the kernel."""
    for x in range(total.size):
        total[x] += np.float32(centre[x]) * weight


@njit(cache=True, nogil=True, error_model="numpy")
def _compute(result, places, rows, channels, half_kernel, first_part, second_part, half):  # type: ignore[no-untyped-def]
    """Compute samples as the formula does; neighbours in a row share the columns under their kernels."""
    height, size = rows.shape
    samples = rows.ravel()
    reach = half_kernel.size - 1
    last_column = size // channels - 1
    sums = np.empty(size)
    first = 0
    while first < places.size:
        y = places[first] // size
        last = first
        while last + 1 < places.size and places[last + 1] - places[last] <= reach * channels:
            last += 1
        # A run that goes on in the next row ends here.
        while places[last] // size > y:
            last -= 1
        # Down the columns, whatever the channel; then across.
        left = max((places[first] - y * size) // channels - reach, 0)
        right = min((places[last] - y * size) // channels + reach, last_column)
        part = sums[: (right - left + 1) * channels]
        above = np.uint64(y * size + left * channels)
        for j in range(np.uint64(part.size)):
            value = np.float64(samples[above + j])
            part[j] = (value * first_part + value * second_part) * half_kernel[0]
        for k in range(reach, 0, -1):
            above = np.uint64(max(y - k, 0) * size + left * channels)
            below = np.uint64(min(y + k, height - 1) * size + left * channels)
            weight = half_kernel[k]
            for j in range(np.uint64(part.size)):
                one, other = np.float64(samples[above + j]), np.float64(samples[below + j])
                pair = (one * first_part + one * second_part) + (other * first_part + other * second_part)
                part[j] += pair * weight
        for place in places[first : last + 1]:
            x, c = divmod(place - y * size, channels)
            total = sums[(x - left) * channels + c] * half_kernel[0]
            for k in range(reach, 0, -1):
                near, far = max(x - k, 0) - left, min(x + k, last_column) - left
                total += (sums[near * channels + c] + sums[far * channels + c]) * half_kernel[k]
            result[place] = np.uint8(min(max(total * 255.0, 0.0), 255.0) + half)
        first = last + 1
