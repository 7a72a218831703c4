"""Samples whose byte an approximation leaves in doubt: those that lie in flat places are decided all at once."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel

# Of float32: the largest relative error of one operation.
UNIT_ROUNDOFF = 2.0**-24
# Of the samples; below that it is faster to compute each of them.
SHARE = 1 / 64
# What a sum of weights that add up to 1 may be off in float64, in grey levels: ten thousand times what it is.
FLOAT64_MARGIN = 1e-9
# Samples that are looked through one by one if any of them is in doubt.
BLOCK = 128


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
    flat = flat_mask(image, reach).ravel()[places] != 0
    return places[~flat], places[flat]


def flat_mask(image: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """Give 255 for every sample of an (H, W, C) image that equals all others in a window about it, 0 for the rest."""
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    mask = cv2.compare(cv2.erode(image, window), cv2.dilate(image, window), cv2.CMP_EQ)
    return mask.astype(np.uint8, copy=False).reshape(image.shape)


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


@njit(cache=True, nogil=True, error_model="numpy")
def store_row_and_doubts(samples, total, scale, margin, half, doubtful, count, start):  # type: ignore[no-untyped-def]
    """Store a row of levels times `scale`, and note the samples whose byte an error of `margin` would change.

    Their numbers, counted from `start`, go to `doubtful`, which holds `count` of them; the new count is given.
    """
    number = type(scale)
    least, most = number(half - margin), number(half + margin)
    black, white = number(0), number(255 + half)
    for first in range(0, total.size, BLOCK):
        last = min(first + BLOCK, total.size)
        values, made = total[first:last], samples[first:last]
        differences = np.int32(0)
        for i in range(values.size):
            value = values[i] * scale
            low = np.int32(min(max(value + least, black), white))
            made[i] = np.uint8(low)
            differences |= low ^ np.int32(min(max(value + most, black), white))
        if differences:
            for i in range(values.size):
                high = np.int32(min(max(values[i] * scale + most, black), white))
                if np.int32(made[i]) != high:
                    doubtful[count] = start + first + i
                    count += 1
    return count


@part_of_kernel
def store_row_and_mark(samples, doubts, total, margin, half):  # type: ignore[no-untyped-def]
    """Store a row of float32 levels, and mark the samples whose byte an error of `margin` would change."""
    least, most = np.float32(half - margin), np.float32(half + margin)
    black, white = np.float32(0), np.float32(255 + half)
    for i in range(total.size):
        low = np.int32(max(total[i] + least, black))
        samples[i] = np.uint8(low)
        doubts[i] = low != np.int32(min(total[i] + most, white))
