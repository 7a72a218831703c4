"""The protocol of fast paths: an estimate, a bound of its error, and exact arithmetic where the bound leaves a choice.

A kernel estimates levels in float32, some at a time, and stores them by `store_certain`. That says whether a level lies
so near to an edge between two bytes that its bound reaches across. `next_uncertain` finds these samples, and the kernel
computes them as the formula does. Bounds are derived and measured in docs/error_bounds.md.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import part_of_kernel

# The largest relative error of one operation in float32 and in float64.
UNIT_ROUNDOFF = 2.0**-24
DOUBLE_ROUNDOFF = 2.0**-53
# The bound itself is rounded to float32, and so are the two sums that it is compared by.
COMPARISON = 3
# Of levels, and above: what is compared is smaller than that.
FULL_SCALE = 256
_BLACK, _WHITE = np.int32(0), np.int32(255)
# Levels that are searched together.
_STRIP = 64
# What products of errors add to their sum, at most.
_SECOND_ORDER = 1.001


def bound_of_levels(roundings: float, doubles: float) -> float:
    """Return the bound, in levels, of an estimate in float32 of a formula in float64.

    Parameters
    ----------
    roundings : float
        Error of the estimate of full scale, in units of the roundoff: what `sums.roundings` returns, added up.
    doubles : float
        The same for the formula, or more.
    """
    return _SECOND_ORDER * FULL_SCALE * ((roundings + COMPARISON) * UNIT_ROUNDOFF + doubles * DOUBLE_ROUNDOFF)


@part_of_kernel
def byte_of(level, half):
    """Store a level between -2**30 and 2**30 as the formula does: the whole part of it plus `half`, cut off.

    Whole numbers are cut off in one instruction each, which the compiler does not find for fractions.
    """
    return np.uint8(_whole(level + half))


@part_of_kernel
def store_certain(result, levels, half, bound):
    """Store levels as bytes, and return whether some are uncertain.

    Parameters
    ----------
    result : ndarray of uint8, shape (n,)
        Written.
    levels : ndarray of float32, shape (n,)
    half : float32, as in `byte_of`
    bound : float32, of the error of a level
    """
    least, most = half - bound, half + bound
    differences = np.int32(0)
    for i in range(levels.size):
        low, high = _whole(levels[i] + least), _whole(levels[i] + most)
        result[i] = np.uint8(low)
        differences = np.int32(differences | (low ^ high))
    return differences != np.int32(0)


@part_of_kernel
def next_uncertain(levels, start, half, bound):
    """Return the first place from `start` on whose level is uncertain; the number of levels if there is none."""
    least, most = half - bound, half + bound
    for first in range(start, levels.size, _STRIP):
        strip = levels[first : first + _STRIP]
        differences = np.int32(0)
        for i in range(strip.size):
            low, high = _whole(strip[i] + least), _whole(strip[i] + most)
            differences = np.int32(differences | (low ^ high))
        if differences != np.int32(0):
            for i in range(strip.size):
                if _whole(strip[i] + least) != _whole(strip[i] + most):
                    return first + i
    return levels.size


@part_of_kernel
def note_uncertain(places, count, first, levels, half, bound):
    """Note the places, counted from `first`, of levels that are uncertain, behind `count` others; return the number."""
    i = next_uncertain(levels, 0, half, bound)
    while i < levels.size:
        places[count] = first + i
        count += 1
        i = next_uncertain(levels, i + 1, half, bound)
    return count


@part_of_kernel
def _whole(value):
    """Return the whole part of a value between -2**30 and 2**30, cut off at black and white."""
    whole = np.int32(value)
    whole = whole if whole > _BLACK else _BLACK
    return whole if whole < _WHITE else _WHITE


def flat_places(
    image: NDArray[np.uint8], places: NDArray[np.int64], reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part the numbers of samples by whether all samples up to `reach` rows and columns away have the same value.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    places : ndarray of int64
        Places of samples in the flattened image.
    reach : int
        In pixels; what lies outside of the image is left out.

    Returns
    -------
    (ndarray of int64, ndarray of int64)
        The places that are not flat, and those that are.
    """
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    mask = cv2.compare(cv2.erode(image, window), cv2.dilate(image, window), cv2.CMP_EQ)
    flat = np.asarray(mask, np.uint8).ravel()[places] != 0
    return places[~flat], places[flat]
