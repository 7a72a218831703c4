"""Dithering: few levels, whose error goes on to the next pixel."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit


def diffuse_error(image: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return an image of few levels, each pixel's error going on to the right alone.

    The kernel is that of Floyd and Steinberg, 7, 3, 5 and 1 sixteenths to the right and the three pixels below; a
    library of filters that is often translated writes all of them into the same row, where only what lands on the right
    is still read: 8 sixteenths, 1 in the first row and 7 in the last.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Not changed.
    count : int
        Number of levels of each channel, from 2.
    """
    result = image.copy()
    _diffuse(result, np.array([int(255 * level / (count - 1)) for level in range(count)]))
    return result


@njit(cache=True, nogil=True)
def _diffuse(image, levels):
    height, width, channels = image.shape
    for y in range(height):
        for c in range(channels):
            value = int(image[y, 0, c])
            for x in range(width):
                level = levels[min(len(levels) * value // 256, len(levels) - 1)]
                error = value - level
                image[y, x, c] = level
                if x + 1 == width:
                    continue
                value = int(image[y, x + 1, c])
                if y > 0:
                    value = min(max(value + error * 7 // 16, 0), 255)
                if y + 1 < height:
                    value = min(max(value + error // 16, 0), 255)
