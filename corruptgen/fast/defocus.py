"""The correlation of bytes with a disk: sums over runs of samples, which differences of sums from the left give."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.corruptions.common.blur import defocus_blur
from corruptgen.declare import fused
from corruptgen.fast.bounds import bound_of_levels, byte_of, flat_places, next_uncertain, store_certain
from corruptgen.fast.sums import PAIRS, roundings
from corruptgen.ops.kernels import disk
from corruptgen.runtime.caching import keep_arrays

# How far OpenCV may be off in float64, in levels, by its order or transform: a thousand times what was found.
LIBRARY_MARGIN = 1e-10
# Of the samples: if more are uncertain, many of them lie in flat places, which a table decides.
MANY = 1 / 64
# More products than these, per sample of the image, for uncertain samples cost what the formula does.
MOST_PRODUCTS = 12
# Weights that are smaller than this against the largest one count less than the library's margin.
TINY = 1e-15
# Sums from the left, of up to this many samples in a row and of two rows, are whole numbers in float32.
WIDEST = 2**24 // (2 * 255)
# A kernel of more runs of equal weights is no disk.
MOST_TERMS = 400


class _Lens(NamedTuple):
    """A kernel that is the same upside down and the other way round, and its runs."""

    kernel: NDArray[np.float64]
    ends: NDArray[np.int64]
    """Where the runs of each row begin, from the farthest row to the middle one, and where the last ones end."""
    reaches: NDArray[np.int64]
    """How far a run goes to either side."""
    weights: NDArray[np.float32]
    """How much more its samples weigh than those beyond it; half of that in the middle row, which is a pair, too."""
    bound: float
    """Of the error of an estimate, in levels."""
    table: NDArray[np.uint8]
    """The byte of every sum over a disk whose samples all weigh the same, in whole levels; empty for other disks."""


@fused(defocus_blur)
def _defocus_blur(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, radius: float, alias_blur: float, unit_gain: bool
) -> NDArray[np.uint8] | None:
    """Return None if the arithmetic is not float64, the kernel is no disk, or float64 itself leaves a doubt."""
    lens = _lens(radius, alias_blur, unit_gain, arithmetic.half)
    height, width, channels = image.shape
    if arithmetic.precision != "float64" or lens is None or width + lens.kernel.shape[1] > WIDEST:
        return None
    reach = lens.kernel.shape[0] // 2
    bordered = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    rows = bordered.reshape(height + 2 * reach, -1)
    result, uncertain = np.empty(image.size, np.uint8), np.empty(image.size, np.int64)
    limits = np.float32(arithmetic.half), np.float32(lens.bound)
    places = uncertain[: _estimate(result, uncertain, rows, channels, lens, limits)]
    if places.size > MANY * image.size:
        places, flat = flat_places(image, places, reach)
        levels = np.arange(256) * lens.kernel.sum()
        low, high = (_stored(levels + margin, arithmetic.half) for margin in (-LIBRARY_MARGIN, LIBRARY_MARGIN))
        if (low != high)[image.ravel()[flat]].any():
            return None
        result[flat] = low[image.ravel()[flat]]
    if places.size * lens.kernel.size > MOST_PRODUCTS * image.size:
        return None
    is_decided = _decide(result, places, rows, (width * channels, channels), lens.kernel, arithmetic.half)
    return result.reshape(image.shape) if is_decided else None


def _stored(levels: NDArray[np.float64], half: float) -> NDArray[np.uint8]:
    return (np.clip(levels, 0, 255) + half).astype(np.uint8)


@keep_arrays
def _lens(radius: float, alias_blur: float, unit_gain: bool, half: float) -> _Lens | None:
    single = disk(radius, alias_blur)
    kernel: NDArray[np.float64] = (single / single.sum() if unit_gain else single).astype(np.float64)
    used = np.flatnonzero(kernel.any(axis=0))
    kernel = kernel[used[0] : used[-1] + 1, used[0] : used[-1] + 1]
    if not (np.array_equal(kernel, kernel[::-1]) and np.array_equal(kernel, kernel[:, ::-1])):
        return None
    middle = kernel.shape[0] // 2
    # From the top row to the middle one, from the middle to the right: where the weight changes, a run ends.
    flat = np.where(kernel < TINY * kernel.max(), 0.0, kernel)
    steps = -np.diff(flat[: middle + 1, middle:], append=0.0)
    steps[middle] /= 2
    found = [np.flatnonzero(row) for row in steps]
    # A run of no weight fills the last sweep of a row.
    reaches = np.concatenate([np.pad(runs, (0, -runs.size % PAIRS)) for runs in found])
    weights = np.concatenate(
        [np.pad(row[runs], (0, -runs.size % PAIRS)) for row, runs in zip(steps, found, strict=True)]
    )
    if weights.size > MOST_TERMS:
        return None
    ends = np.cumsum([0, *(runs.size + -runs.size % PAIRS for runs in found)])
    if np.unique(flat).size <= 2:
        sums = np.arange(255 * np.count_nonzero(flat) + 1) * kernel.max()
        low, high = (_stored(sums + margin, half) for margin in (-LIBRARY_MARGIN, LIBRARY_MARGIN))
        if (low != high).any():
            return None
        return _Lens(kernel, ends, reaches, (weights / kernel.max()).astype(np.float32), 0.0, low)
    # Each sum over a run of two rows is a whole number, of as many samples up to full scale.
    sizes = (weights * 2 * (2 * reaches + 1)).astype(np.float32)
    bound = bound_of_levels(roundings(sizes, PAIRS), doubles=kernel.size) + LIBRARY_MARGIN
    return _Lens(kernel, ends, reaches, weights.astype(np.float32), bound, np.empty(0, np.uint8))


@njit(cache=True, nogil=True, error_model="numpy")
def _estimate(result, uncertain, bordered, channels, lens, limits):
    """Store what float32 decides, note the samples that are uncertain, and return their number."""
    half, bound = limits
    tall, pitch = bordered.shape
    reach = lens.kernel.shape[0] // 2
    size = pitch - 2 * reach * channels
    # Of a row, the sums of each channel from the left on, the first of which are 0; as many rows as the kernel has.
    depth = 2 * reach + 1
    sums = np.zeros((depth, pitch + channels), np.float32)
    pairs, levels = np.empty(pitch + channels, np.float32), np.empty(size, np.float32)
    count = 0
    for row in range(tall):
        line, made = bordered[row], sums[row % depth]
        for c in range(channels):
            total = np.int32(0)
            for i in range(c, pitch, channels):
                total = np.int32(total + np.int32(line[i]))
                made[channels + i] = np.float32(total)
        y = row - 2 * reach
        if y < 0:
            continue
        for i in range(size):
            levels[i] = np.float32(0)
        for d in range(reach + 1):
            above, below = sums[(y + d) % depth], sums[(y + 2 * reach - d) % depth]
            for i in range(pairs.size):
                pairs[i] = above[i] + below[i]
            for k in range(lens.ends[d], lens.ends[d + 1], PAIRS):
                _add_runs(levels, pairs, reach * channels, channels, lens.reaches[k : k + 2], lens.weights[k : k + 2])
        if lens.table.size:
            for i in range(size):
                result[y * size + i] = lens.table[np.int64(levels[i])]
        elif store_certain(result[y * size : (y + 1) * size], levels, half, bound):
            x = next_uncertain(levels, 0, half, bound)
            while x < size:
                uncertain[count] = y * size + x
                count += 1
                x = next_uncertain(levels, x + 1, half, bound)
    return count


@part_of_kernel(fastmath={"contract"})
def _add_runs(levels, sums, first, channels, reaches, weights):
    """Add two runs times their weights, each the difference of the sums up to its end and up to its beginning."""
    size, one, other = levels.size, reaches[0] * channels, reaches[1] * channels
    a, b = sums[first + one + channels :][:size], sums[first - one :][:size]
    c, d = sums[first + other + channels :][:size], sums[first - other :][:size]
    w, v = weights[0], weights[1]
    for i in range(size):
        levels[i] += w * (a[i] - b[i]) + v * (c[i] - d[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(result, places, rows, layout, kernel, half):
    """Compute single samples in float64, and return whether that decides all of them."""
    size, channels = layout
    for place in places:
        y, x = divmod(place, size)
        total = 0.0
        for j in range(kernel.shape[0]):
            line, weights = rows[y + j, x:], kernel[j]
            for i in range(weights.size):
                total += weights[i] * np.float64(line[i * channels])
        low = byte_of(total - LIBRARY_MARGIN, half)
        if low != byte_of(total + LIBRARY_MARGIN, half):
            return False
        result[place] = low
    return True
