"""Glass balls that lie on an image, one after the other: each shows what the ones before have left."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit


def look_through_balls(
    image: NDArray[np.float32], centres: NDArray[np.float64], radius: float, refraction: float
) -> NDArray[np.float32]:
    """Return an image under balls of glass.

    Between its pixels it is interpolated as `corruptgen.ops.interpolation.interpolated` does with float32.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W, C)
        Black outside.
    centres : ndarray, shape (balls, 2)
        Rows and columns, in the order in which the balls are laid.
    radius : float
        Of each ball in pixels.
    refraction : float
        Index of the glass; 1 shows the image as it is.
    """
    result = image.copy()
    _lay_balls(result, centres, radius, refraction)
    return result


@njit(cache=True, nogil=True)
def _lay_balls(image, centres, radius, refraction):
    height, width, channels = image.shape
    reach = int(radius) + 2
    ball = np.empty((2 * reach, 2 * reach, channels), np.float32)
    for number in range(len(centres)):
        down, right = centres[number]
        top, left = max(0, int(down) - reach + 1), max(0, int(right) - reach + 1)
        low, far = min(height, int(down) + reach), min(width, int(right) + reach)
        ball[: low - top, : far - left] = image[top:low, left:far]
        for y in range(top, low):
            for x in range(left, far):
                below, beside = y - down, x - right
                if below**2 < radius**2 - beside**2:
                    depth = math.sqrt((1 - beside**2 / radius**2 - below**2 / radius**2) * radius * radius)
                    row, column = y - _bend(below, depth, refraction), x - _bend(beside, depth, refraction)
                    _look(ball[y - top, x - left], image, row, column)
        image[top:low, left:far] = ball[: low - top, : far - left]


@njit(cache=True, nogil=True)
def _bend(distance, depth, refraction):
    """Return how far along an axis a ray is bent by the surface above it."""
    angle = math.acos(distance / math.sqrt(distance * distance + depth * depth))
    inner = math.asin(math.sin(math.pi / 2 - angle) / refraction)
    return math.tan(math.pi / 2 - angle - inner) * depth


@njit(cache=True, nogil=True)
def _look(result, image, row, column):
    """Write what lies between four pixels, of which those outside are black."""
    height, width, channels = image.shape
    top, left = math.floor(row), math.floor(column)
    down, right = row - top, column - left
    far, near = np.float32(right), np.float32(1 - right)
    is_beside = left < 0 or left + 1 >= width
    # What is black outside is a whole number, whose product is of float64, and so is each sum that it enters.
    is_upper_mixed, is_lower_mixed = is_beside or not 0 <= top < height, is_beside or not -1 <= top < height - 1
    for c in range(channels):
        one = _product(image, top, left, c, near)
        two = _product(image, top, left + 1, c, far)
        three = _product(image, top + 1, left, c, near)
        four = _product(image, top + 1, left + 1, c, far)
        upper, lower = np.float32(one + two), np.float32(three + four)
        if not (is_upper_mixed or is_lower_mixed):
            result[c] = np.float32(upper * np.float32(1 - down)) + np.float32(lower * np.float32(down))
            continue
        above = (np.float64(one) + two) * (1 - down) if is_upper_mixed else np.float64(upper * np.float32(1 - down))
        under = (np.float64(three) + four) * down if is_lower_mixed else np.float64(lower * np.float32(down))
        result[c] = above + under


@njit(cache=True, nogil=True)
def _product(image, row, column, channel, weight):
    """Return a pixel by its weight, in float32; 0 outside."""
    if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
        return np.float32(image[row, column, channel] * weight)
    return np.float32(0)
