"""Geometry: affine maps and displacement fields, sampled bilinearly."""

from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

# OpenCV before version 5 counts positions in 1/1024 of a pixel and keeps 1/32 of it.
POSITION_STEPS = 1024
FRACTION_STEPS = 32


def affine_map(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the 2 x 3 matrix that moves the three (x, y) points `source` to `target`."""
    return np.asarray(cv2.getAffineTransform(source, target), np.float64)


def affine_warped(image: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Move an (H, W, C) float32 image by a 2 x 3 matrix, mirroring at the outermost samples, as OpenCV 3 and 4 do.

    Positions are rounded to 1/32 of a pixel. OpenCV 5 no longer does that, and up to a quarter of its samples differ.
    """
    (a, b, shift_x), (c, d, shift_y) = matrix
    determinant = a * d - b * c
    scale = 1 / determinant if determinant != 0 else 0.0
    inverse = np.array([[d * scale, -b * scale, 0.0], [-c * scale, a * scale, 0.0]])
    inverse[:, 2] = -inverse[:, 0] * shift_x - inverse[:, 1] * shift_y
    height, width = image.shape[:2]
    columns = np.rint(inverse[:, :1] * np.arange(width) * POSITION_STEPS).astype(np.int64)
    rows = np.rint((inverse[:, 1:2] * np.arange(height) + inverse[:, 2:]) * POSITION_STEPS).astype(np.int64)
    result: NDArray[np.float32] = _affine_gathered(np.ascontiguousarray(image), rows, columns)
    return result


def displaced(image: NDArray[Any], down: NDArray[Any], right: NDArray[Any], *, border: str) -> NDArray[Any]:
    """Take every pixel of an (H, W, C) image from (row + down, column + right), bilinearly.

    Parameters
    ----------
    image : (H, W, C) float
    down, right : (H, W) displacements in pixels
    border : "reflect" mirrors between samples, as scipy does; "reflect-2018" does what scipy did then: positions are
        mirrored between samples, but the missing neighbour of a position half a pixel outside is its mirror image
        at the outermost sample
    """
    result: NDArray[Any] = _displaced(np.ascontiguousarray(image), down, right, border == "reflect-2018")
    return result


@njit(cache=True, nogil=True)
def _mirrored(index, length):  # type: ignore[no-untyped-def]
    if length == 1:
        return 0
    folded = index % (2 * length - 2)
    return min(folded, 2 * length - 2 - folded)


@njit(cache=True, nogil=True)
def _affine_gathered(image, rows, columns):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    result = np.empty(image.shape, np.float32)
    for y in range(height):
        for x in range(width):
            across = (rows[0, y] + 16 + columns[0, x]) >> 5
            down = (rows[1, y] + 16 + columns[1, x]) >> 5
            left = _mirrored(across >> 5, width)
            right = _mirrored((across >> 5) + 1, width)
            top = _mirrored(down >> 5, height)
            bottom = _mirrored((down >> 5) + 1, height)
            fx = np.float32(across & 31) * np.float32(1 / 32)
            fy = np.float32(down & 31) * np.float32(1 / 32)
            nx = np.float32(1) - fx
            ny = np.float32(1) - fy
            for k in range(channels):
                total = image[top, left, k] * (ny * nx)
                total += image[top, right, k] * (ny * fx)
                total += image[bottom, left, k] * (fy * nx)
                total += image[bottom, right, k] * (fy * fx)
                result[y, x, k] = total
    return result


@njit(cache=True, nogil=True)
def _folded(position, length):  # type: ignore[no-untyped-def]
    # scipy's "reflect" for a real position; what comes out may lie half a pixel outside.
    period = 2.0 * length
    if position < 0:
        if position < -period:
            position += period * int(-position / period)
        return position + period if position < -length else -position - 1.0
    if position > length - 1:
        position -= period * int(position / period)
        if position >= length:
            return period - position - 1.0
    return position


@njit(cache=True, nogil=True)
def _neighbour(index, length, as_in_2018):  # type: ignore[no-untyped-def]
    if 0 <= index < length:
        return index
    if as_in_2018:
        return _mirrored(index, length)
    return 0 if index < 0 else length - 1


@njit(cache=True, nogil=True)
def _displaced(image, down, right, as_in_2018):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    result = np.empty(image.shape, image.dtype)
    for y in range(height):
        for x in range(width):
            row = _folded(y + np.float64(down[y, x]), height)
            column = _folded(x + np.float64(right[y, x]), width)
            first_row = int(np.floor(row))
            first_column = int(np.floor(column))
            lower = 1.0 - ((first_row + 1) - row)
            upper = 1.0 - (row - first_row)
            far = 1.0 - ((first_column + 1) - column)
            near = 1.0 - (column - first_column)
            top = _neighbour(first_row, height, as_in_2018)
            bottom = _neighbour(first_row + 1, height, as_in_2018)
            before = _neighbour(first_column, width, as_in_2018)
            after = _neighbour(first_column + 1, width, as_in_2018)
            for k in range(channels):
                total = image[top, before, k] * upper * near
                total += image[top, after, k] * upper * far
                total += image[bottom, before, k] * lower * near
                total += image[bottom, after, k] * lower * far
                result[y, x, k] = total
    return result
