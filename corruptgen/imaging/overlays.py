"""Weighted sums of two pictures of bytes."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.prefetching import CACHE_LINE, prefetch

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
    (row, column), tall = place, len(picture)
    samples = np.empty(image.shape, np.uint8)
    rows = (height, width * channels)
    flat = samples.reshape(rows), np.ascontiguousarray(image).reshape(rows), picture.reshape(tall, -1)
    _fill_overlaid(*flat, row, column * channels, image_weight, picture_weight, half)
    return samples


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_overlaid(samples, image, picture, top, left, image_weight, picture_weight, half):  # type: ignore[no-untyped-def]
    height, size = samples.shape
    everything, stride = picture.ravel(), picture.shape[1]
    for y in range(height):
        # The rows of a part lie far from each other in memory, where the processor would not look ahead by itself.
        below = (top + min(y + 1, height - 1)) * stride + left
        for i in range(0, size, CACHE_LINE):
            prefetch(everything, below + i)
        # numba turns loops over slices of arrays that differ into vector code.
        before, above, after = image[y], picture[top + y][left:], samples[y]
        for i in range(after.size):
            value = image_weight * np.float64(before[i]) + picture_weight * np.float64(above[i])
            # Whole numbers are clipped in one instruction each; fractions below black are cut off towards it.
            after[i] = np.uint8(min(max(np.int32(value + half), _BLACK), _WHITE))
