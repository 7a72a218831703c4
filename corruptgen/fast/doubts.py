"""Samples whose byte an approximation leaves in doubt: where they lie, and which byte the exact level becomes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import part_of_kernel

# Of float32: the largest relative error of one operation.
UNIT_ROUNDOFF = 2.0**-24
# Of the samples; below that it is faster to compute each of them.
SHARE = 1 / 64
# What a sum of weights that add up to 1 may be off in float64, in grey levels: ten thousand times what it is.
FLOAT64_MARGIN = 1e-9


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
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    mask = cv2.compare(cv2.erode(image, window), cv2.dilate(image, window), cv2.CMP_EQ)
    flat = np.asarray(mask, np.uint8).ravel()[places] != 0
    return places[~flat], places[flat]


@part_of_kernel
def note_doubts(doubtful, count, doubts, place, end):  # type: ignore[no-untyped-def]
    """Note the numbers of a block's samples in doubt from the bits of `store_levels`, and give the new count of them.

    Parameters
    ----------
    doubtful : int64, which holds `count` numbers
    place : of the block's first sample
    end : of the row; what lies behind is surplus
    """
    while doubts:
        if doubts & np.uint64(1) and place < end:
            doubtful[count] = place
            count += 1
        doubts >>= np.uint64(1)
        place += 1
    return count


@part_of_kernel
def byte_of(level, half):  # type: ignore[no-untyped-def]
    """Store a float64 level as the formula does: cut off at black and white, then the fraction of it plus `half`."""
    level = level if level > 0.0 else 0.0
    return np.uint8((level if level < 255.0 else 255.0) + half)
