"""Interpolation between the pixels of an image that is black outside, in the arithmetic of an original."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def interpolated(image: NDArray[Any], rows: Float64, columns: Float64) -> tuple[Float64, NDArray[np.bool_]]:
    """Return an image between its pixels, and where a neighbour lies outside, which counts as black.

    Numpy before version 2 kept the samples of a float32 image in float32 when it multiplied them by a number, but not
    where a neighbour was a black of whole numbers: an image of float32 is interpolated in that way.

    Parameters
    ----------
    image : ndarray, shape (H, W, C)
        Of uint8, interpolated in float64, or of float32.
    rows, columns : ndarray of float64, shape (h, w)
        Where to look.

    Returns
    -------
    (ndarray of float64, shape (h, w, C), ndarray of bool, shape (h, w))
    """
    height, width = image.shape[:2]
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    corners, are_outside = [], []
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        is_outside = (row < 0) | (row >= height) | (column < 0) | (column >= width)
        values = image[row.clip(0, height - 1), column.clip(0, width - 1)]
        corners.append(np.where(is_outside[..., None], image.dtype.type(0), values))
        are_outside.append(is_outside[..., None])
    (top_left, top_right, low_left, low_right), is_any = corners, np.logical_or.reduce(are_outside)
    wide = _between(
        _between(top_left.astype(np.float64), top_right.astype(np.float64), right),
        _between(low_left.astype(np.float64), low_right.astype(np.float64), right),
        down,
    )
    if image.dtype != np.float32:
        return wide, is_any[..., 0]
    upper, lower = _between(top_left, top_right, right), _between(low_left, low_right, right)
    # What is black outside is a whole number, whose product is of float64, and so is each sum that it enters.
    upper_wide, lower_wide = (
        np.where(outside, _products(one, other, right), narrow)
        for one, other, narrow, outside in (
            (top_left, top_right, upper, are_outside[0] | are_outside[1]),
            (low_left, low_right, lower, are_outside[2] | are_outside[3]),
        )
    )
    parts = []
    for narrow, mixed, outside, weight in (
        (upper, upper_wide, are_outside[0] | are_outside[1], 1 - down),
        (lower, lower_wide, are_outside[2] | are_outside[3], down),
    ):
        parts.append(np.where(outside, mixed * weight, (narrow * weight.astype(np.float32)).astype(np.float64)))
    return np.where(is_any, parts[0] + parts[1], _between(upper, lower, down).astype(np.float64)), is_any[..., 0]


def _between(one: NDArray[Any], other: NDArray[Any], share: Float64) -> NDArray[Any]:
    """Return what lies between two values, in their type."""
    return one * (1 - share).astype(one.dtype) + other * share.astype(one.dtype)


def _products(one: NDArray[np.float32], other: NDArray[np.float32], share: Float64) -> Float64:
    """Do the same with products in float32 and their sum in float64."""
    narrow = (1 - share).astype(np.float32), share.astype(np.float32)
    return np.asarray((one * narrow[0]).astype(np.float64) + (other * narrow[1]).astype(np.float64))
