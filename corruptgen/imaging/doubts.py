"""Samples whose byte an approximation leaves in doubt: those that lie in flat places are decided all at once."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

# Of float32: the largest relative error of one operation.
UNIT_ROUNDOFF = 2.0**-24
# Of the samples; below that it is faster to compute each of them.
SHARE = 1 / 64


def too_many(places: NDArray[np.int64], image: NDArray[np.uint8]) -> bool:
    """Say whether so many of the samples are in doubt that many of them must lie in flat places."""
    return places.size > SHARE * image.size


def flat_places(
    image: NDArray[np.uint8], places: NDArray[np.int64], reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part the numbers of samples by whether all samples up to `reach` rows and columns away have the same value.

    Parameters
    ----------
    image : (H, W, C) uint8
    places : of samples in the flattened image
    reach : in pixels; what lies outside of the image is left out

    Returns
    -------
    The places that are not flat, and those that are.
    """
    window = np.ones((2 * reach + 1, 1), np.uint8)
    lowest, highest = (act(act(image, window), window.T).ravel() for act in (cv2.erode, cv2.dilate))
    flat = lowest[places] == highest[places]
    return places[~flat], places[flat]


@njit(cache=True, nogil=True, error_model="numpy")
def store_row_and_doubts(samples, total, scale, margin, half, doubtful, count, start):  # type: ignore[no-untyped-def]
    """Store a row of levels times `scale`, and note the samples whose byte an error of `margin` would change.

    Their numbers, counted from `start`, go to `doubtful`, which holds `count` of them; the new count is given.
    """
    number = type(scale)
    least, most = number(half - margin), number(half + margin)
    black, white = number(0), number(255 + half)
    differences = 0
    for i in range(total.size):
        value = total[i] * scale
        low = np.int32(max(value + least, black))
        samples[i] = np.uint8(low)
        differences += low != np.int32(min(value + most, white))
    if differences:
        for i in range(total.size):
            value = total[i] * scale
            if np.int32(max(value + least, black)) != np.int32(min(value + most, white)):
                doubtful[count] = start + i
                count += 1
    return count
