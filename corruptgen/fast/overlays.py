"""Weighted sums of two pictures of bytes."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.fast.prefetching import CACHE_LINE, prefetch

_BLACK, _WHITE = np.int32(0), np.int32(255)


def overlaid(
    image: NDArray[np.uint8],
    picture: NDArray[np.uint8],
    place: tuple[int, int],
    image_weight: float,
    picture_weight: float,
    half: float,
) -> NDArray[np.uint8]:
    """Give image_weight * image + picture_weight * part in float64, clipped and cut off after `half` was added.

    Parameters
    ----------
    image : (H, W, C) uint8
    picture : (at least row + H, at least column + W, C) uint8, contiguous
    place : (row, column) of the picture where the part begins that is laid over the image
    """
    height, width, channels = image.shape
    row, column = place
    samples = np.empty(image.shape, np.uint8)
    flat = samples.ravel(), np.ascontiguousarray(image).ravel(), picture.ravel()
    sizes = height, width * channels, picture.shape[1] * channels
    first = row * sizes[2] + column * channels
    _fill_overlaid(*flat, *sizes, first, image_weight, picture_weight, half)
    return samples


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_overlaid(  # type: ignore[no-untyped-def]
    samples, image, picture, height, size, pitch, first, image_weight, picture_weight, half
):
    for y in range(height):
        # Places are unsigned: a negative one would count from the end, which no vector code can do.
        row, part = np.uint64(y * size), np.uint64(first + y * pitch)
        # The rows of a part lie far from each other in memory, where the processor would not look ahead by itself.
        below = part + np.uint64(pitch if y + 1 < height else 0)
        for i in range(0, size, CACHE_LINE):
            prefetch(picture, below + np.uint64(i))
        for i in range(np.uint64(size)):
            value = image_weight * np.float64(image[row + i]) + picture_weight * np.float64(picture[part + i])
            # Whole numbers are clipped in one instruction each; fractions below black are cut off towards it.
            level = np.int32(value + half)
            level = level if level > _BLACK else _BLACK
            samples[row + i] = np.uint8(level if level < _WHITE else _WHITE)
