"""The shuffle of neighbouring pixels behind frosted glass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit


def shuffled(image: NDArray[np.uint8], offsets: NDArray[Any], reach: int, *, exchange: bool) -> NDArray[np.uint8]:
    """Visit the pixels from the bottom right to the top left and fetch another one to each.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    offsets : ndarray of whole, shape ((H - 2 * reach) * (W - 2 * reach), 2) numbers
        Samples in [-reach, reach): by how many columns and rows away the other pixel is, in order of the visit.
    reach : int
        Width in pixels of the border that is not visited: rows and columns below `reach` + 1 or above the length less
        `reach` stay.
    exchange : bool
        Whether the other pixel gets this one's value.
    """
    result = image.copy()
    _shuffle(result, offsets, reach, exchange)
    return result


@njit(cache=True, nogil=True)
def _shuffle(image, offsets, reach, exchange):
    height, width, channels = image.shape
    visit = 0
    for y in range(height - reach, reach, -1):
        for x in range(width - reach, reach, -1):
            column = x + offsets[visit, 0]
            row = y + offsets[visit, 1]
            visit += 1
            for c in range(channels):
                here = image[y, x, c]
                image[y, x, c] = image[row, column, c]
                if exchange:
                    image[row, column, c] = here
