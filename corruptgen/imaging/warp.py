"""Geometry: affine maps and displacement fields, sampled bilinearly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.declare import Warp

# OpenCV before version 5 counts positions in 1/1024 of a pixel and keeps 1/32 of it.
POSITION_STEPS = 1024
FRACTION_STEPS = 32


# How much of its area a pixel has to keep for a warp to be inverted within it; where less is left, the field folds.
LEAST_STRETCH = 0.1


@dataclass(frozen=True, eq=False)
class Tilt:
    """A warp by a 2 x 3 matrix over (x, y), mirrored at the outermost samples; see `affine_warped`."""

    matrix: NDArray[np.float64]
    size: tuple[int, int]
    """Height and width of the image."""

    def moved(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Give the moved image of an (H, W, C) one."""
        return affine_warped(image.astype(np.float32), self.matrix)

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say where that is taken from which is seen at `positions`: also outside, where the image is mirrored."""
        return _mapped(_inverse(self.matrix), mirrored(positions, self.size))

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say where that is seen which was at `positions`."""
        return _mapped(self.matrix, positions)


@dataclass(frozen=True, eq=False)
class Displacement:
    """A warp that takes every pixel from (row + down, column + right); see `displaced`."""

    down: NDArray[Any]
    right: NDArray[Any]
    border: str
    """What lies outside, "reflect" or "reflect-2018"."""

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Give the moved image of an (H, W, C) one."""
        return displaced(image, self.down, self.right, border=self.border)

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say where that is taken from which is seen at `positions`: also outside, where the image is mirrored."""
        inside = mirrored(positions, self.down.shape)
        return inside + np.stack([self._between(field, inside) for field in (self.down, self.right)], axis=-1)

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say where that is seen which was at `positions`.

        Where the field folds, a point is seen more than once: this is the place of the pixel taken from nearest to it.
        What leaves the image is put at its edge.
        """
        found: NDArray[np.float64] = _arrivals(
            np.ascontiguousarray(positions, np.float64),
            np.ascontiguousarray(self.down, np.float64),
            np.ascontiguousarray(self.right, np.float64),
            LEAST_STRETCH,
        )
        return found

    @staticmethod
    def _between(field: NDArray[Any], positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the field between its samples, bilinearly, and beyond them as at the outermost ones."""
        from scipy.ndimage import map_coordinates  # noqa: PLC0415 - only boxes and masks need it, and it loads slowly

        return map_coordinates(np.asarray(field, np.float64), np.moveaxis(positions, -1, 0), order=1, mode="nearest")


@dataclass(frozen=True)
class Succession:
    """Warps one after the other."""

    warps: tuple[Warp, ...]

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Give the moved image of an (H, W, C) one."""
        for warp in self.warps:
            image = warp.moved(image)
        return image

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say where that is taken from which is seen at `positions`."""
        for warp in reversed(self.warps):
            positions = warp.origins(positions)
        return positions

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say where that is seen which was at `positions`."""
        for warp in self.warps:
            positions = warp.arrivals(positions)
        return positions


def mirrored(positions: NDArray[np.float64], size: Sequence[int]) -> NDArray[np.float64]:
    """Mirror positions that lie outside of an image of (height, width) at its edge."""
    length = np.array(size, np.float64)
    folded = np.mod(positions + 0.5, 2 * length)
    inside: NDArray[np.float64] = np.minimum(folded, 2 * length - folded) - 0.5
    return inside


def affine_map(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the 2 x 3 matrix that moves the three (x, y) points `source` to `target`."""
    return np.asarray(cv2.getAffineTransform(source, target), np.float64)


def affine_warped(image: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Move an (H, W, C) float32 image by a 2 x 3 matrix, mirroring at the outermost samples, as OpenCV 3 and 4 do.

    Positions are rounded to 1/32 of a pixel. OpenCV 5 no longer does that, and up to a quarter of its samples differ.
    """
    inverse = _inverse(matrix)
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


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    (a, b, shift_x), (c, d, shift_y) = matrix
    determinant = a * d - b * c
    scale = 1 / determinant if determinant != 0 else 0.0
    inverse = np.array([[d * scale, -b * scale, 0.0], [-c * scale, a * scale, 0.0]])
    inverse[:, 2] = -inverse[:, 0] * shift_x - inverse[:, 1] * shift_y
    return inverse


def _mapped(matrix: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    (a, b, shift_x), (c, d, shift_y) = matrix
    y, x = positions[..., 0], positions[..., 1]
    return np.stack([c * x + d * y + shift_y, a * x + b * y + shift_x], axis=-1)


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


@njit(cache=True, nogil=True, error_model="numpy")
def _displaced(image, down, right, as_in_2018):  # type: ignore[no-untyped-def]
    height, width, channels = image.shape
    result = np.empty(image.shape, image.dtype)
    samples, made = image.ravel(), result.reshape(height, width * channels)
    # Of one row of the result: the first samples of the four pixels, and the weights of their rows and columns.
    corners = np.empty((4, width), np.uint32)
    weights = np.empty((4, width))
    for y in range(height):
        if _aim(corners, weights, y, height, channels, down[y], right[y]):
            _aim_outside(corners, weights, y, height, channels, down[y], right[y], as_in_2018)
        target = made[y]
        for x in range(width):
            first = (corners[0, x], corners[1, x], corners[2, x], corners[3, x])
            weight = (weights[0, x], weights[1, x], weights[2, x], weights[3, x])
            place = channels * x
            if channels == 3:
                # All are read before one is written: so nothing is read twice.
                red = _blend(samples, first, weight, np.uint32(0))
                green = _blend(samples, first, weight, np.uint32(1))
                blue = _blend(samples, first, weight, np.uint32(2))
                target[place], target[place + 1], target[place + 2] = red, green, blue
            else:
                for k in range(channels):
                    target[place + k] = _blend(samples, first, weight, np.uint32(k))
    return result


@njit(inline="always")
def _blend(samples, first, weight, k):  # type: ignore[no-untyped-def]
    upper, lower, near, far = weight
    total = samples[first[0] + k] * upper * near
    total += samples[first[1] + k] * upper * far
    total += samples[first[2] + k] * lower * near
    total += samples[first[3] + k] * lower * far
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _aim(corners, weights, y, height, channels, down, right):  # type: ignore[no-untyped-def]
    """Aim as if all were inside of the image, and count what is not."""
    width = down.size
    a, b, c, d = corners[0], corners[1], corners[2], corners[3]
    upper, lower, near, far = weights[0], weights[1], weights[2], weights[3]
    outside = 0
    for x in range(width):
        row, column = y + np.float64(down[x]), x + np.float64(right[x])
        outside += not (row >= 0 and row < height - 1 and column >= 0 and column < width - 1)
        first_row, first_column = np.int32(row), np.int32(column)
        upper[x] = 1.0 - (row - first_row)
        lower[x] = 1.0 - ((first_row + 1) - row)
        near[x] = 1.0 - (column - first_column)
        far[x] = 1.0 - ((first_column + 1) - column)
        a[x] = (first_row * np.int32(width) + first_column) * np.int32(channels)
    for x in range(width):
        b[x] = a[x] + np.uint32(channels)
        c[x] = a[x] + np.uint32(width * channels)
        d[x] = a[x] + np.uint32((width + 1) * channels)
    return outside


@njit(cache=True, nogil=True, error_model="numpy")
def _aim_outside(corners, weights, y, height, channels, down, right, as_in_2018):  # type: ignore[no-untyped-def]
    width = down.size
    for x in range(width):
        row, column = y + np.float64(down[x]), x + np.float64(right[x])
        if row >= 0 and row < height - 1 and column >= 0 and column < width - 1:
            continue
        row, column = _folded(row, height), _folded(column, width)
        first_row, first_column = int(np.floor(row)), int(np.floor(column))
        weights[0, x] = 1.0 - (row - first_row)
        weights[1, x] = 1.0 - ((first_row + 1) - row)
        weights[2, x] = 1.0 - (column - first_column)
        weights[3, x] = 1.0 - ((first_column + 1) - column)
        top = _neighbour(first_row, height, as_in_2018) * width
        bottom = _neighbour(first_row + 1, height, as_in_2018) * width
        before = _neighbour(first_column, width, as_in_2018)
        after = _neighbour(first_column + 1, width, as_in_2018)
        corners[0, x] = (top + before) * channels
        corners[1, x] = (top + after) * channels
        corners[2, x] = (bottom + before) * channels
        corners[3, x] = (bottom + after) * channels


@njit(cache=True, nogil=True)
def _arrivals(positions, down, right, least_stretch):  # type: ignore[no-untyped-def]
    height, width = down.shape
    reach_down = int(np.ceil(np.abs(down).max())) + 1
    reach_right = int(np.ceil(np.abs(right).max())) + 1
    result = np.empty_like(positions)
    for i in range(len(positions)):
        # The nearest pixel, by where it was taken from: a field that folds has no inverse to follow.
        row, column = positions[i]
        near_row = min(max(int(np.rint(row)), 0), height - 1)
        near_column = min(max(int(np.rint(column)), 0), width - 1)
        least, y, x = np.inf, near_row, near_column
        for v in range(max(near_row - reach_down, 0), min(near_row + reach_down, height - 1) + 1):
            for u in range(max(near_column - reach_right, 0), min(near_column + reach_right, width - 1) + 1):
                distance = (v + down[v, u] - row) ** 2 + (u + right[v, u] - column) ** 2
                if distance < least:
                    least, y, x = distance, v, u
        # The rest of the way, less than a pixel, in a straight line.
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        before, after = max(x - 1, 0), min(x + 1, width - 1)
        a = 1 + (down[below, x] - down[above, x]) / max(below - above, 1)
        b = (down[y, after] - down[y, before]) / max(after - before, 1)
        c = (right[below, x] - right[above, x]) / max(below - above, 1)
        d = 1 + (right[y, after] - right[y, before]) / max(after - before, 1)
        stretch = a * d - b * c
        step_down = step_right = 0.0
        if stretch > least_stretch:
            rest_down, rest_right = row - y - down[y, x], column - x - right[y, x]
            step_down = min(max((d * rest_down - b * rest_right) / stretch, -1.0), 1.0)
            step_right = min(max((a * rest_right - c * rest_down) / stretch, -1.0), 1.0)
        result[i, 0] = min(max(y + step_down, -0.5), height - 0.5)
        result[i, 1] = min(max(x + step_right, -0.5), width - 0.5)
    return result
