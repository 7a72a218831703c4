"""Fewer, larger pixels: Pillow's means over boxes in whole numbers, and every large pixel copied to its small ones."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.compilation import njit

# Pillow weighs bytes in whole numbers of 1 / 2**22.
PRECISION_BITS = 22
# If more than twice as many rows as columns go, Pillow from version 13 on shrinks the columns first and rounds there.
MOST_ROWS_PER_COLUMN = 2

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Axis:
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
    result = np.empty((height, width * channels), np.uint8)
    _fill(
        result,
        np.ascontiguousarray(image).ravel(),
        channels,
        (down.starts, down.counts, down.weights, down.origins),
        (across.starts, across.counts, across.weights, across.origins),
    )
    return result.reshape(image.shape)


@lru_cache(maxsize=64)
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
def _fill(result, samples, channels, down, across):  # type: ignore[no-untyped-def]
    height, size = result.shape
    starts, counts, weights, origins = down
    length = across[0].size * channels
    narrow, pixels = np.empty(length, np.uint8), np.empty(length, np.uint8)
    total = np.empty(length, np.uint32)
    y = 0
    while y < height:
        large = origins[y]
        for i in range(length):
            total[i] = np.uint32(1 << (PRECISION_BITS - 1))
        for k in range(counts[large]):
            start = (starts[large] + k) * size
            _shrink(narrow, samples[start : start + size], channels, across)
            for i in range(length):
                total[i] += np.uint32(narrow[i]) * weights[large]
        for i in range(length):
            pixels[i] = np.uint8(min(total[i] >> np.uint32(PRECISION_BITS), np.uint32(255)))
        first = result[y]
        _spread(first, pixels, channels, across[3])
        y += 1
        while y < height and origins[y] == large:
            copy = result[y]
            for i in range(size):
                copy[i] = first[i]
            y += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _shrink(narrow, row, channels, across):  # type: ignore[no-untyped-def]
    starts, counts, weights, _ = across
    half = np.uint32(1 << (PRECISION_BITS - 1))
    bits, white = np.uint32(PRECISION_BITS), np.uint32(255)
    for x in range(starts.size):
        place = np.uint64(starts[x] * channels)
        if channels == 3:
            red = green = blue = np.uint32(0)
            for _ in range(counts[x]):
                red += np.uint32(row[place])
                green += np.uint32(row[place + np.uint64(1)])
                blue += np.uint32(row[place + np.uint64(2)])
                place += np.uint64(3)
            weight = weights[x]
            narrow[3 * x] = np.uint8(min((red * weight + half) >> bits, white))
            narrow[3 * x + 1] = np.uint8(min((green * weight + half) >> bits, white))
            narrow[3 * x + 2] = np.uint8(min((blue * weight + half) >> bits, white))
        else:
            grey = np.uint32(0)
            for _ in range(counts[x]):
                grey += np.uint32(row[place])
                place += np.uint64(1)
            narrow[x] = np.uint8(min((grey * weights[x] + half) >> bits, white))


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(row, pixels, channels, origins):  # type: ignore[no-untyped-def]
    for x in range(origins.size):
        if channels == 3:
            place = np.uint64(origins[x] * 3)
            row[3 * x] = pixels[place]
            row[3 * x + 1] = pixels[place + np.uint64(1)]
            row[3 * x + 2] = pixels[place + np.uint64(2)]
        else:
            row[x] = pixels[np.uint64(origins[x])]
