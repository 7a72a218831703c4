"""Fewer, larger pixels: Pillow's means over boxes in whole numbers, and every large pixel copied to its small ones."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.compilation import njit
from corruptgen.fast.lanes import copy_pixel, mean_of_pixels
from corruptgen.runtime.caching import keep_arrays

# Pillow weighs bytes in whole numbers of 1 / 2**22.
PRECISION_BITS = 22
# If more than twice as many rows as columns go, Pillow from version 13 on shrinks the columns first and rounds there.
MOST_ROWS_PER_COLUMN = 2
# Samples after the last one that may be read or written together with it.
SLACK = 4
_WHITE = np.uint32(255)

Indices = NDArray[np.int64]


class _Axis(NamedTuple):
    """Where the large pixels of one axis come from and where they go."""

    starts: Indices
    """The first of the samples that a large pixel is the mean of."""
    counts: Indices
    """How many of them there are."""
    weights: NDArray[np.uint32]
    """Of each of them, in 1 / 2**22."""
    origins: Indices
    """For each small pixel the large one that it shows; they never go down."""


def with_large_pixels(
    image: NDArray[np.uint8], size: tuple[int, int], resampling: Image.Resampling
) -> NDArray[np.uint8] | None:
    """Shrink an image by means over boxes and enlarge it again, to the byte as Pillow does it.

    Parameters
    ----------
    image : (H, W, C) uint8
    size : rows and columns of large pixels
    resampling : how Pillow would enlarge them, BOX or NEAREST: which large pixel a small one shows

    Returns
    -------
    An image of the same shape, or None if there are more large pixels than small ones, or so many fewer rows that not
    every Pillow shrinks the rows first.
    """
    height, width, channels = image.shape
    rows, columns = height - size[0], width - size[1]
    if rows < 0 or columns < 0 or rows > MOST_ROWS_PER_COLUMN * columns:
        return None
    down, across = _axis(height, size[0], resampling), _axis(width, size[1], resampling)
    # Pixels are stored with samples of the next, of which there is none after the last.
    result = np.empty(image.size + SLACK, np.uint8)
    _fill(result, image.ravel(), (height, width, channels), *down, *across)
    return result[: image.size].reshape(image.shape)


@keep_arrays
def _axis(length: int, large: int, resampling: Image.Resampling) -> _Axis:
    scale = length / large
    centres = (np.arange(large) + 0.5) * scale
    first = np.maximum((centres - 0.5 * scale + 0.5).astype(np.int64), 0)
    beyond = np.minimum((centres + 0.5 * scale + 0.5).astype(np.int64), length)
    starts, counts = first.copy(), np.zeros(large, np.int64)
    # Candidates whose centre is not within the box, its end included and its beginning not, have no weight.
    for offset in range(int((beyond - first).max()) - 1, -1, -1):
        positions = first + offset
        distances = (positions - centres + 0.5) * (1.0 / scale)
        is_inside = (positions < beyond) & (distances > -0.5) & (distances <= 0.5)
        starts[is_inside] = positions[is_inside]
        counts += is_inside
    weights = (0.5 + 1.0 / np.maximum(counts, 1) * 2.0**PRECISION_BITS).astype(np.uint32)
    # Enlarging mixes nothing, so Pillow itself can be asked where every sample comes from.
    numbers = Image.fromarray(np.arange(large, dtype=np.int32)[None])
    origins = np.asarray(numbers.resize((length, 1), resampling))[0].astype(np.int64)
    return _Axis(starts, counts, weights, origins)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(result, samples, shape, rows, heights, parts_down, shown_down, columns, widths, parts_across, shown_across):  # type: ignore[no-untyped-def]
    height, width, channels = shape
    size, length = width * channels, columns.size * channels
    step, bits = np.uint64(channels), np.uint32(PRECISION_BITS)
    row, narrow = np.empty(size + SLACK, np.uint8), np.empty(length + SLACK, np.uint8)
    total = np.empty(length, np.uint32)
    y = 0
    while y < height:
        large = shown_down[y]
        for i in range(length):
            total[i] = np.uint32(1 << (PRECISION_BITS - 1))
        weight = parts_down[large]
        for k in range(rows[large], rows[large] + heights[large]):
            source = samples[k * size : (k + 1) * size]
            for i in range(size):
                row[i] = source[i]
            for x in range(columns.size):
                place, first = np.uint64(x * channels), np.uint64(columns[x] * channels)
                mean_of_pixels(narrow, place, row, first, step, widths[x], parts_across[x], bits)
            for i in range(length):
                total[i] += np.uint32(narrow[i]) * weight
        for i in range(length):
            mean = total[i] >> bits
            narrow[i] = np.uint8(mean if mean < _WHITE else _WHITE)
        made = result[y * size : (y + 1) * size + SLACK]
        for x in range(width):
            copy_pixel(made, np.uint64(x * channels), narrow, np.uint64(shown_across[x] * channels))
        y += 1
        while y < height and shown_down[y] == large:
            copy = result[y * size : (y + 1) * size]
            for i in range(size):
                copy[i] = made[i]
            y += 1
