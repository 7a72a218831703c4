"""Affine warps of bytes in Pillow's arithmetic, to the last bit; what is taken from outside is black.

A matrix leads from x and y, in pixels from the corner of the moved image, to those in the image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.compilation import njit, part_of_kernel

Matrix = Sequence[float]
# Nearest pixels are found in whole numbers of 1 / 2**16 of a pixel.
_BITS = 16


def turned_about_middle(degrees: float, height: int, width: int) -> tuple[float, float, float, float, float, float]:
    """Return the matrix by which an image is turned counter-clockwise about its middle."""
    angle = -math.radians(degrees % 360)
    # Rounded to 15 digits, so that a quarter turn is one.
    cosine, sine = round(math.cos(angle), 15), round(math.sin(angle), 15)
    x, y = width / 2, height / 2
    return cosine, sine, cosine * -x + sine * -y + x, -sine, cosine, -sine * -x + cosine * -y + y


def warp_linearly(image: NDArray[np.uint8], matrix: Matrix) -> NDArray[np.uint8]:
    """Return the moved image of an (H, W, C) one, interpolated bilinearly."""
    result = np.zeros(image.shape, np.uint8)
    a, b, c, d, e, f = matrix
    if (a, b, d, e) == (1, 0, 0, 1) and c == int(c) and f == int(f):
        height, width = image.shape[:2]
        there = _overlap(height, int(f)), _overlap(width, int(c))
        result[_overlap(height, -int(f)), _overlap(width, -int(c))] = image[there]
        return result
    _warp_linearly(result, image, tuple(float(value) for value in matrix))
    return result


def warp_nearest(image: NDArray[np.uint8], matrix: Matrix) -> NDArray[np.uint8]:
    """Return the moved image of an (H, W, C) one, each of whose pixels is one of the image."""
    a, b, c, d, e, f = (float(value) for value in matrix)
    middle = (a, b, c + a * 0.5 + b * 0.5, d, e, f + d * 0.5 + e * 0.5)
    result = np.zeros(image.shape, np.uint8)
    _warp_nearest(result, image, tuple(math.floor(value * 2**_BITS + 0.5) for value in middle))
    return result


def _overlap(side: int, shift: int) -> slice:
    """Return the places that are still inside after the image was shifted the other way."""
    return slice(min(max(shift, 0), side), max(min(side, side + shift), 0))


@dataclass(frozen=True)
class Rotation:
    """A warp by whole degrees, counter-clockwise."""

    degrees: int
    size: tuple[int, int]
    """Height and width of the image."""
    outside: int = 0
    """The label of what comes from outside of the image."""

    def moved(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the moved image of an (H, W, C) one."""
        if self.degrees % 90 and image.shape[2] in (1, 3):
            return warp_nearest(image, turned_about_middle(self.degrees, *self.size))
        # Pillow turns by quarters in another way.
        channels = [Image.fromarray(image[..., channel]) for channel in range(image.shape[2])]
        return np.stack([np.asarray(channel.rotate(self.degrees)) for channel in channels], axis=-1)

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`: in the corners from outside of the image."""
        return self._turned(positions, self.degrees)

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`: also outside, where it has left the image."""
        return self._turned(positions, -self.degrees)

    def _turned(self, positions: NDArray[np.float64], degrees: int) -> NDArray[np.float64]:
        middle = (np.array(self.size) - 1) / 2
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return (positions - middle) @ np.array([[cosine, -sine], [sine, cosine]]) + middle


@njit(cache=True, nogil=True, error_model="numpy")
def _warp_linearly(result, image, matrix):
    a, b, c, d, e, f = matrix
    height, width, channels = image.shape
    samples, moved = image.ravel(), result.ravel()
    place = np.uint64(0)
    for y in range(height):
        for x in range(width):
            column = a * (x + 0.5) + b * (y + 0.5) + c
            row = d * (x + 0.5) + e * (y + 0.5) + f
            if 0.0 <= column < width and 0.0 <= row < height:
                column -= 0.5
                row -= 0.5
                # Rounded down; neither is below -0.5.
                left = np.int64(column) if column >= 0 else np.int64(-1)
                top = np.int64(row) if row >= 0 else np.int64(-1)
                across, down = column - left, row - top
                right = left + 1 if left + 1 < width else left
                below = top + 1 if top + 1 < height else top
                left, top = max(left, np.int64(0)), max(top, np.int64(0))
                first = np.uint64((top * width + left) * channels)
                second = np.uint64((top * width + right) * channels)
                third = np.uint64((below * width + left) * channels)
                fourth = np.uint64((below * width + right) * channels)
                corners = first, second, third, fourth
                moved[place] = _blend(samples, corners, np.uint64(0), across, down)
                if channels == 3:
                    moved[place + np.uint64(1)] = _blend(samples, corners, np.uint64(1), across, down)
                    moved[place + np.uint64(2)] = _blend(samples, corners, np.uint64(2), across, down)
            place += np.uint64(channels)


@njit(cache=True, nogil=True, error_model="numpy")
def _warp_nearest(result, image, matrix):
    a, b, c, d, e, f = matrix
    height, width, channels = image.shape
    samples, moved = image.ravel(), result.ravel()
    place = np.uint64(0)
    for y in range(height):
        column, row = c + y * b, f + y * e
        for _ in range(width):
            left, top = column >> _BITS, row >> _BITS
            if 0 <= left < width and 0 <= top < height:
                first = np.uint64((top * width + left) * channels)
                moved[place] = samples[first]
                if channels == 3:
                    moved[place + np.uint64(1)] = samples[first + np.uint64(1)]
                    moved[place + np.uint64(2)] = samples[first + np.uint64(2)]
            place += np.uint64(channels)
            column += a
            row += d


@part_of_kernel
def _blend(samples, corners, channel, across, down):
    first, second, third, fourth = corners
    upper, lower = np.float64(samples[first + channel]), np.float64(samples[third + channel])
    upper += (np.float64(samples[second + channel]) - upper) * across
    lower += (np.float64(samples[fourth + channel]) - lower) * across
    return np.uint8(np.int32(upper + (lower - upper) * down))
