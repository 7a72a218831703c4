"""Bilinear magnification whose corners lie on the corners of the picture."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit


def magnified(image: NDArray[Any], factor: float) -> NDArray[Any]:
    """Magnify an (H, W, C) float image to (round(H * factor), round(W * factor), C), bilinearly.

    The first and the last sample of an axis stay the first and the last; the sums are made in float64 and given in the
    type of the image. At a few sizes and factors the rounding of float64 puts the last position just outside of the
    image, where all is black: so does scipy, and so do the published images.
    """
    rows, columns = (positions(length, round(length * factor)) for length in image.shape[:2])
    return sampled(image, rows, columns)


def zoomed(image: NDArray[Any], factor: float) -> NDArray[Any]:
    """Zoom into the centre of an (H, W, C) float image by `factor`, 1 or above, and keep its size."""
    (rows, tall), (columns, wide) = (central_positions(length, factor) for length in image.shape[:2])
    return sampled(image[tall, wide], rows, columns)


def resized_centre(layer: NDArray[Any], factor: float) -> NDArray[Any]:
    """Zoom into the centre of an (H, W) float layer by `factor`, 1 or above, as OpenCV resizes: all of it, then cut."""
    height, width = layer.shape
    large = cv2.resize(layer, (int(width * factor), int(height * factor)), interpolation=cv2.INTER_LINEAR)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top : top + height, left : left + width]


def central_positions(length: int, factor: float) -> tuple[NDArray[np.float64], slice]:
    """Return the positions to sample along an axis, and the part of the axis that they count from."""
    part = math.ceil(length / factor)
    start = (length - part) // 2
    target = round(part * factor)
    trimmed = (target - length) // 2
    return positions(part, target)[trimmed : trimmed + length], slice(start, start + part)


def sampled(image: NDArray[Any], rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[Any]:
    """Return an (H, W, C) float image at some rows and columns, in pixels, bilinearly; beyond the last one is black."""
    result = np.empty((rows.size, columns.size, image.shape[2]), image.dtype)
    _interpolate(np.ascontiguousarray(image), rows, columns, result)
    return result


def positions(source: int, target: int) -> NDArray[np.float64]:
    """Return where `target` samples lie on an axis of `source` samples; the first and the last stay where they are."""
    if target == 1:
        return np.zeros(1)
    return np.arange(target, dtype=np.float64) * ((source - 1) / (target - 1))


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(image, rows, columns, result):
    height, width, channels = image.shape
    size = width * channels
    upper = np.empty(size)
    lower = np.empty(size)
    # Per sample of a row: its two neighbours and the weight of the right one; all beyond `inside` is black.
    wide = columns.size * channels
    near, far, right = np.empty(wide, np.uint32), np.empty(wide, np.uint32), np.empty(wide)
    inside = 0
    for x in range(columns.size):
        left = int(columns[x])
        inside += channels if columns[x] <= width - 1 else 0
        for c in range(channels):
            near[x * channels + c] = min(left, width - 1) * channels + c
            far[x * channels + c] = min(left + 1, width - 1) * channels + c
            right[x * channels + c] = columns[x] - left
    samples, made = image.reshape(height, size), result.reshape(rows.size, wide)
    for y in range(rows.size):
        target = made[y]
        if rows[y] > height - 1:
            target[:] = 0
            continue
        above = int(rows[y])
        below = min(above + 1, height - 1)
        lower_weight = rows[y] - above
        upper_weight = 1.0 - lower_weight
        over, under = samples[above], samples[below]
        for i in range(size):
            upper[i] = over[i] * upper_weight
            lower[i] = under[i] * lower_weight
        for i in range(inside):
            # One sum from the upper left to the lower right, as scipy makes it.
            left_weight = 1.0 - right[i]
            total = upper[near[i]] * left_weight
            total += upper[far[i]] * right[i]
            total += lower[near[i]] * left_weight
            total += lower[far[i]] * right[i]
            target[i] = total
        target[inside:] = 0
