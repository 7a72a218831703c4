"""Geometry: affine maps and displacement fields, of images and of positions in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.declare import Warp
from corruptgen.ops.affine import warp_linearly
from corruptgen.ops.gathers import affine_warped, displaced, inverse

# How much of its area a pixel has to keep for a warp to be inverted within it; where less is left, the field folds.
LEAST_STRETCH = 0.1


@dataclass(frozen=True, eq=False)
class Tilt:
    """A warp by a 2 x 3 matrix over (x, y), mirrored at the outermost samples; see `affine_warped`."""

    matrix: NDArray[np.float64]
    size: tuple[int, int]
    """Height and width of the image."""

    def moved(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Return the moved image of an (H, W, C) one."""
        return affine_warped(image, self.matrix)

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`: also outside, where the image is mirrored."""
        return _mapped(inverse(self.matrix), mirrored(positions, self.size))

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`."""
        return _mapped(self.matrix, positions)


@dataclass(frozen=True, eq=False)
class Displacement:
    """A warp that takes every pixel from (row + down, column + right); see `displaced`."""

    down: NDArray[Any]
    right: NDArray[Any]
    border: str
    """What lies outside, "reflect" or "reflect-2018"."""

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the moved image of an (H, W, C) one."""
        return displaced(image, self.down, self.right, border=self.border)

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`: also outside, where the image is mirrored."""
        inside = mirrored(positions, self.down.shape)
        return inside + np.stack([self._between(field, inside) for field in (self.down, self.right)], axis=-1)

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`.

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
        """Return the field between its samples, bilinearly, and beyond them as at the outermost ones."""
        from scipy.ndimage import map_coordinates  # noqa: PLC0415 - only boxes and masks need it, and it loads slowly

        return map_coordinates(np.asarray(field, np.float64), np.moveaxis(positions, -1, 0), order=1, mode="nearest")


@dataclass(frozen=True)
class Shift:
    """A warp by whole pixels around the borders: what leaves on one side comes back on the other."""

    down: int
    right: int
    size: tuple[int, int]
    """Height and width of the image."""
    returns: bool = True
    """Whether what comes back is content of the image; False: it lies outside of all that is looked at."""

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the moved image of an (H, W, C) one."""
        return np.roll(image, (self.down, self.right), axis=(0, 1))

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`."""
        return np.mod(positions - np.array([self.down, self.right]) + 0.5, self.size) - 0.5

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`."""
        there = positions + np.array([self.down, self.right])
        return np.mod(there + 0.5, self.size) - 0.5 if self.returns else there

    def copies(self, outline: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return where an outline, in pixels from the corner of the image, lies in and beside the moved image."""
        around = ((i, j) for i in (0, -1, 1) for j in (0, -1, 1)) if self.returns else [(0, 0)]
        return [outline + np.multiply(self.size, copy) + np.array([self.down, self.right]) for copy in around]


@dataclass(frozen=True, eq=False)
class BlackAffine:
    """An affine warp of images of 8 bits as Pillow does it, bilinear; what is taken from outside is black."""

    matrix: tuple[float, float, float, float, float, float]
    """From x and y, in pixels from the corner of the moved image, to those in the image."""
    outside: int = 0
    """The label of what comes from outside of the image."""

    def moved(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the moved image of an (H, W, 1) or (H, W, 3) one."""
        return warp_linearly(image, self.matrix)

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`."""
        return _mapped(self._forth, positions + 0.5) - 0.5

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`."""
        return _mapped(inverse(self._forth), positions + 0.5) - 0.5

    @property
    def _forth(self) -> NDArray[np.float64]:
        return np.array(self.matrix, np.float64).reshape(2, 3)


@dataclass(frozen=True)
class Succession:
    """Warps one after the other."""

    warps: tuple[Warp, ...]

    @property
    def outside(self) -> int | None:
        """The label of what comes from outside of the image, if one of the warps leaves nothing there."""
        return next((label for warp in self.warps if (label := getattr(warp, "outside", None)) is not None), None)

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the moved image of an (H, W, C) one."""
        for warp in self.warps:
            image = warp.moved(image)
        return image

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`."""
        for warp in reversed(self.warps):
            positions = warp.origins(positions)
        return positions

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`."""
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
    """Return the 2 x 3 matrix that moves the three (x, y) points `source` to `target`."""
    return np.asarray(cv2.getAffineTransform(source, target), np.float64)


def _mapped(matrix: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    (a, b, shift_x), (c, d, shift_y) = matrix
    y, x = positions[..., 0], positions[..., 1]
    return np.stack([c * x + d * y + shift_y, a * x + b * y + shift_x], axis=-1)


@njit(cache=True, nogil=True)
def _arrivals(positions, down, right, least_stretch):
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
