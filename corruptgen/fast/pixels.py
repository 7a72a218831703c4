"""Fewer, larger pixels: Pillow's means over boxes in whole numbers, and every large pixel copied to its small ones."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.corruptions.common.digital import count_large_pixels, pixelate, pixelate_nearest
from corruptgen.declare import fused
from corruptgen.runtime.caching import keep_arrays

COLOURS = 3
# Pillow weighs bytes in whole numbers of 1 / 2**22.
PRECISION_BITS = 22
# If more than twice as many rows as columns go, Pillow from version 13 on shrinks the columns first and rounds there.
MOST_ROWS_PER_COLUMN = 2
_BITS, _WHITE, _HALF = np.uint32(PRECISION_BITS), np.uint32(255), np.uint32(1 << (PRECISION_BITS - 1))

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


@fused(pixelate)
def _pixelate(image: NDArray[np.uint8], _: Arithmetic, *, scale: float) -> NDArray[np.uint8] | None:
    return _enlarge_pixels(image, count_large_pixels(image, scale), Image.Resampling.BOX)


@fused(pixelate_nearest)
def _pixelate_nearest(image: NDArray[np.uint8], _: Arithmetic, *, scale: float) -> NDArray[np.uint8] | None:
    return _enlarge_pixels(image, count_large_pixels(image, scale), Image.Resampling.NEAREST)


def _enlarge_pixels(
    image: NDArray[np.uint8], size: tuple[int, int], resampling: Image.Resampling
) -> NDArray[np.uint8] | None:
    """Shrink an (H, W, 3) image to `size` by means over boxes and enlarge it again, to the byte as Pillow does it.

    None if it is grey, if there are more large pixels than small ones, or so many fewer rows that not every Pillow
    shrinks the rows first.
    """
    height, width, channels = image.shape
    rows, columns = height - size[0], width - size[1]
    if channels != COLOURS or rows < 0 or columns < 0 or rows > MOST_ROWS_PER_COLUMN * columns:
        return None
    down, across = _axis(height, size[0], resampling), _axis(width, size[1], resampling)
    large = np.empty((*size, channels), np.uint8)
    _shrink(large, image, down, across)
    # A colour is copied in one piece.
    colours = cv2.cvtColor(large, cv2.COLOR_RGB2RGBA).view(np.uint32)[..., 0]
    shown = colours.take(across.origins, 1).take(down.origins, 0)
    return np.asarray(cv2.cvtColor(shown[..., None].view(np.uint8), cv2.COLOR_RGBA2RGB), np.uint8)


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
def _shrink(large, image, down, across):
    size = large.shape[1] * COLOURS
    narrow, total = np.empty(size, np.uint8), np.empty(size, np.uint32)
    for y in range(large.shape[0]):
        total[:] = _HALF
        for k in range(down.starts[y], down.starts[y] + down.counts[y]):
            _shrink_row(narrow, image[k].ravel(), across)
            for i in range(size):
                total[i] += np.uint32(narrow[i]) * down.weights[y]
        made = large[y].ravel()
        for i in range(size):
            made[i] = _rounded(total[i])


@part_of_kernel
def _shrink_row(narrow, row, across):
    for x in range(across.starts.size):
        # Places without a sign, or the compiler would mind those that count from the end.
        place, target, weight = np.uint64(across.starts[x] * COLOURS), np.uint64(x * COLOURS), across.weights[x]
        red, green, blue = np.uint32(0), np.uint32(0), np.uint32(0)
        for _ in range(across.counts[x]):
            red = np.uint32(red + np.uint32(row[place]))
            green = np.uint32(green + np.uint32(row[place + np.uint64(1)]))
            blue = np.uint32(blue + np.uint32(row[place + np.uint64(2)]))
            place += np.uint64(COLOURS)
        narrow[target] = _rounded(np.uint32(np.uint32(red * weight) + _HALF))
        narrow[target + np.uint64(1)] = _rounded(np.uint32(np.uint32(green * weight) + _HALF))
        narrow[target + np.uint64(2)] = _rounded(np.uint32(np.uint32(blue * weight) + _HALF))


@part_of_kernel
def _rounded(total):
    mean = np.uint32(total >> _BITS)
    return np.uint8(mean if mean < _WHITE else _WHITE)
