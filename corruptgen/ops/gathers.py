"""Samples gathered from between the pixels of an image, bilinearly: along an affine map or a displacement field."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel

# OpenCV before version 5 counts positions in 1/1024 of a pixel and keeps 1/32 of it.
POSITION_STEPS = 1024


def affine_warped(image: NDArray[Any], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Move an (H, W, C) image, in float32, by a 2 x 3 matrix, mirroring at the outermost samples, as OpenCV 3 and 4 do.

    Positions are rounded to 1/32 of a pixel. OpenCV 5 no longer does that, and up to a quarter of its samples differ.
    """
    result = np.empty(image.size, np.float32)
    _affine_gathered(result, np.ascontiguousarray(image, np.float32).ravel(), image.shape, inverse(matrix))
    return result.reshape(image.shape)


def displaced(image: NDArray[Any], down: NDArray[Any], right: NDArray[Any], *, border: str) -> NDArray[Any]:
    """Take every pixel of an (H, W, C) image from (row + down, column + right), bilinearly.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
    down, right : ndarray, shape (H, W)
        Displacements in pixels.
    border : str
        "reflect" mirrors between samples, as scipy does; "reflect-2018" does what scipy did then: positions are
        mirrored between samples, but the missing neighbour of a position half a pixel outside is its mirror image at
        the outermost sample.
    """
    result = np.empty(image.size, image.dtype)
    _displaced(result, np.ascontiguousarray(image).ravel(), image.shape, down, right, border == "reflect-2018")
    return result.reshape(image.shape)


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert a 2 x 3 matrix of an affine map, in OpenCV's order."""
    (a, b, shift_x), (c, d, shift_y) = matrix.tolist()
    determinant = a * d - b * c
    scale = 1 / determinant if determinant != 0 else 0.0
    a, b, c, d = d * scale, -b * scale, -c * scale, a * scale
    return np.array([[a, b, -a * shift_x - b * shift_y], [c, d, -c * shift_x - d * shift_y]])


@part_of_kernel
def _mirrored(index, length):
    if length == 1:
        return 0
    folded = index % (2 * length - 2)
    return min(folded, 2 * length - 2 - folded)


@njit(cache=True, nogil=True, error_model="numpy")
def _affine_gathered(result, samples, shape, back):
    height, width, channels = shape
    columns, others = np.empty(width, np.int64), np.empty(width, np.int64)
    for x in range(width):
        columns[x] = np.int64(np.rint(back[0, 0] * x * POSITION_STEPS))
        others[x] = np.int64(np.rint(back[1, 0] * x * POSITION_STEPS))
    # Of one row of the result: the first samples of the four pixels, and their weights.
    corners, weights = np.empty((4, width), np.uint32), np.empty((4, width), np.float32)
    one = np.ones(width, np.float32)
    ones = (one, one, one, one)
    for y in range(height):
        across = np.int64(np.rint((back[0, 1] * y + back[0, 2]) * POSITION_STEPS)) + 16
        down = np.int64(np.rint((back[1, 1] * y + back[1, 2]) * POSITION_STEPS)) + 16
        outside, x = _aim_affinely(corners, weights, shape, across, down, columns, others), -1
        while outside:
            x += 1
            # Of 1024 steps to a pixel.
            column, row = (across + columns[x]) >> 10, (down + others[x]) >> 10
            if 0 <= row < height - 1 and 0 <= column < width - 1:
                continue
            outside -= 1
            top, bottom = _mirrored(row, height) * width, _mirrored(row + 1, height) * width
            left, right = _mirrored(column, width), _mirrored(column + 1, width)
            corners[0, x], corners[1, x] = (top + left) * channels, (top + right) * channels
            corners[2, x], corners[3, x] = (bottom + left) * channels, (bottom + right) * channels
        row = result[y * width * channels :]
        _blend_row(row, samples, corners, (weights[0], weights[1], weights[2], weights[3]), ones, channels)


@part_of_kernel
def _blend_row(result, samples, corners, weights, others, channels):
    """Store a row of pixels, each of four pixels by two weights: (sample * weight) * other weight, added up in turn."""
    width = corners.shape[1]
    # Samples of a channel are fetched one by one, and blended together.
    found, line = np.empty((4, width), samples.dtype), np.empty(width, samples.dtype)
    one, two, three, four = found[0], found[1], found[2], found[3]
    a, b, c, d = weights
    n, m, o, p = others
    for k in range(channels):
        for corner in range(4):
            here, places = found[corner], corners[corner]
            for x in range(width):
                # Places without a sign, or the compiler would mind those that count from the end.
                here[x] = samples[np.uint64(places[x]) + np.uint64(k)]
        for x in range(width):
            total = (one[x] * a[x]) * n[x]
            total += (two[x] * b[x]) * m[x]
            total += (three[x] * c[x]) * o[x]
            total += (four[x] * d[x]) * p[x]
            line[x] = total
        for x in range(np.uint64(width)):
            result[x * np.uint64(channels) + np.uint64(k)] = line[x]


@part_of_kernel
def _aim_affinely(corners, weights, shape, across, down, columns, others):
    """Aim as if all were inside of the image, and count what is not."""
    height, width, channels = shape
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    first = corners[0]
    outside = 0
    for x in range(width):
        column, row = (across + columns[x]) >> 5, (down + others[x]) >> 5
        fx, fy = np.float32(column & 31) * np.float32(1 / 32), np.float32(row & 31) * np.float32(1 / 32)
        nx, ny = np.float32(1) - fx, np.float32(1) - fy
        a[x], b[x], c[x], d[x] = ny * nx, ny * fx, fy * nx, fy * fx
        column, row = column >> 5, row >> 5
        outside += (column < 0) | (column >= width - 1) | (row < 0) | (row >= height - 1)
        first[x] = (row * width + column) * channels
    _find_neighbours(corners, channels)
    return outside


@part_of_kernel
def _find_neighbours(corners, channels):
    """Return where the pixels right of the first one, below it and beyond both begin, as if all were in the image."""
    width = corners.shape[1]
    first, second, third, fourth = corners[0], corners[1], corners[2], corners[3]
    for x in range(width):
        second[x] = first[x] + np.uint32(channels)
        third[x] = first[x] + np.uint32(width * channels)
        fourth[x] = first[x] + np.uint32((width + 1) * channels)


@part_of_kernel
def folded(position, length):
    """Mirror a real position as scipy's "reflect" does; what comes out may lie half a pixel outside."""
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


@part_of_kernel
def neighbour(index, length, as_in_2018):
    """Return the sample that stands for one next to a position that `folded` gave."""
    if 0 <= index < length:
        return index
    if as_in_2018:
        return _mirrored(index, length)
    return 0 if index < 0 else length - 1


@njit(cache=True, nogil=True, error_model="numpy")
def _displaced(result, samples, shape, down, right, as_in_2018):
    height, width, channels = shape
    # Of one row of the result: the first samples of the four pixels, and the weights of their rows and columns.
    corners, weights = np.empty((4, width), np.uint32), np.empty((4, width))
    for y in range(height):
        outside = _aim(corners, weights, y, height, channels, down[y], right[y])
        _aim_outside(corners, weights, outside, y, height, channels, down[y], right[y], as_in_2018)
        upper, lower, near, far = weights[0], weights[1], weights[2], weights[3]
        row = result[y * width * channels :]
        _blend_row(row, samples, corners, (upper, upper, lower, lower), (near, far, near, far), channels)


@part_of_kernel
def _aim(corners, weights, y, height, channels, down, right):
    """Aim as if all were inside of the image, and count what is not."""
    width = down.size
    first = corners[0]
    upper, lower, near, far = weights[0], weights[1], weights[2], weights[3]
    last_row, last_column = np.float64(height - 1), np.float64(width - 1)
    outside = 0
    for x in range(width):
        row, column = y + np.float64(down[x]), x + np.float64(right[x])
        is_inside = (row >= 0) & (row < last_row) & (column >= 0) & (column < last_column)
        outside += 0 if is_inside else 1
        first_row, first_column = np.int32(row), np.int32(column)
        above, before = np.float64(first_row), np.float64(first_column)
        upper[x] = 1.0 - (row - above)
        lower[x] = 1.0 - ((above + 1.0) - row)
        near[x] = 1.0 - (column - before)
        far[x] = 1.0 - ((before + 1.0) - column)
        first[x] = (first_row * np.int32(width) + first_column) * np.int32(channels)
    _find_neighbours(corners, channels)
    return outside


@part_of_kernel
def _aim_outside(corners, weights, outside, y, height, channels, down, right, as_in_2018):
    """Aim the `outside` pixels that are not inside."""
    width, x = down.size, -1
    while outside:
        x += 1
        row, column = y + np.float64(down[x]), x + np.float64(right[x])
        if row >= 0 and row < height - 1 and column >= 0 and column < width - 1:
            continue
        outside -= 1
        row, column = folded(row, height), folded(column, width)
        first_row, first_column = int(np.floor(row)), int(np.floor(column))
        weights[0, x] = 1.0 - (row - first_row)
        weights[1, x] = 1.0 - ((first_row + 1) - row)
        weights[2, x] = 1.0 - (column - first_column)
        weights[3, x] = 1.0 - ((first_column + 1) - column)
        top = neighbour(first_row, height, as_in_2018) * width
        bottom = neighbour(first_row + 1, height, as_in_2018) * width
        before = neighbour(first_column, width, as_in_2018)
        after = neighbour(first_column + 1, width, as_in_2018)
        corners[0, x] = (top + before) * channels
        corners[1, x] = (top + after) * channels
        corners[2, x] = (bottom + before) * channels
        corners[3, x] = (bottom + after) * channels
