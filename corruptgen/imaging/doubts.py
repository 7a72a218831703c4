"""Samples whose byte an approximation leaves in doubt: those that lie in flat places are decided all at once."""

import cv2
import numpy as np
from numpy.typing import NDArray

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
