"""Orientations, as EXIF numbers them: what they do to the size of an image, to points on it and to its masks."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STORED = 1  # as the samples lie in the file
SIDEWAYS = frozenset({5, 6, 7, 8})
# How samples go upright; 1 and numbers that do not exist leave them as they lie.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BACK = {6: 8, 8: 6}


def inverse_orientation(orientation: int) -> int:
    """Return the orientation that undoes another; but for the quarter turns, each undoes itself."""
    return _BACK.get(orientation, orientation)


def turn_size(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Return height and width after an image was turned."""
    return (width, height) if orientation in SIDEWAYS else (height, width)


def turn_points(points: NDArray[np.float64], height: float, width: float, orientation: int) -> NDArray[np.float64]:
    """Return where (row, column) points of an image of this size are after it was turned.

    Points count from the outer corner of the first pixel, so that the last one ends at (height, width).
    """
    rows, columns = points[..., 0], points[..., 1]
    up, left = height - rows, width - columns
    turned = {
        2: (rows, left),
        3: (up, left),
        4: (up, columns),
        5: (columns, rows),
        6: (columns, up),
        7: (left, up),
        8: (left, rows),
    }.get(orientation, (rows, columns))
    return np.stack(turned, axis=-1)


def turn_picture(picture: Image.Image, orientation: int) -> Image.Image:
    """Return a picture turned as an orientation asks."""
    turn = UPRIGHT.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def turn_pixels(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return the pixels of an image, (H, W, C), turned as an orientation asks, in C order.

    Examples
    --------
    >>> turn_pixels(np.arange(6).reshape(2, 3, 1), 6)[..., 0]
    array([[3, 0],
           [4, 1],
           [5, 2]])
    """
    turns: Mapping[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
        2: np.fliplr,
        3: lambda pixels: np.rot90(pixels, 2),
        4: np.flipud,
        5: lambda pixels: np.swapaxes(pixels, 0, 1),
        6: lambda pixels: np.rot90(pixels, -1),
        7: lambda pixels: np.rot90(np.swapaxes(pixels, 0, 1), 2),
        8: np.rot90,
    }
    return np.ascontiguousarray(turns[orientation](pixels)) if orientation in turns else pixels
