"""Smooth fields of sine waves that are zero at the border, and the warp that takes pixels along them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.ops.warp import Displacement

Float32 = NDArray[np.float32]


def sine_field(height: int, width: int, amplitudes: NDArray[Any]) -> Float32:
    """Sum sine waves over an image, the long ones stronger.

    Parameters
    ----------
    height, width : int
        Pixels of the image.
    amplitudes : ndarray, shape (cutoff, cutoff)
        Of the waves with 1, 2, ... half waves over the width (first axis) and the height (second axis). A wave counts
        by the inverse of its length's root sum of squares, and not at all beyond the cutoff.

    Returns
    -------
    ndarray of float32, shape (height, width)
        The field, which is zero at the border.
    """
    cutoff = len(amplitudes)
    waves = np.arange(1, cutoff + 1)
    # In float32 as PRIME has them: where a wave is short, its argument is what is rounded most.
    length = np.sqrt((waves[:, None] ** 2 + waves**2).astype(np.float32))
    weights = (amplitudes * ((length < cutoff + 0.5) / length)).astype(np.float32)
    across, down = (_sines(size, waves) for size in (width, height))
    return _product(down, _product(weights.T, across.T))


def _product(first: Float32, second: Float32) -> Float32:
    """Multiply matrices: in float64, so that the result in float32 does not depend on the order of the sums."""
    return (first.astype(np.float64) @ second.astype(np.float64)).astype(np.float32)


def add_sines(values: NDArray[Any], amplitudes: NDArray[Any], first: int) -> Float32:
    """Add sine waves of each value to it.

    Parameters
    ----------
    values : ndarray of float, shape (..., C)
        In [0, 1], whose ends stay where they are.
    amplitudes : ndarray, shape (C, waves)
        Of the waves with `first` half waves and more over [0, 1], for each channel.
    first : int
        From 1.
    """
    weights = amplitudes.astype(np.float32).astype(np.float64)
    places = values.astype(np.float32) * np.float32(math.pi)
    total = values.astype(np.float64)
    for number, weight in enumerate(weights.T):
        total += weight * _sine(places * np.float32(first + number))
    return total.astype(np.float32)


def _sine(angle: Float32) -> Float32:
    """Return the sine, rounded once, which does not depend on the processor as numpy's of float32 does."""
    return np.sin(angle.astype(np.float64)).astype(np.float32)


def _sines(size: int, waves: NDArray[np.int64]) -> Float32:
    # From both ends, as torch counts.
    numbers = np.arange(size, dtype=np.float32)
    step = np.float32(1 / max(1, size - 1))
    places = np.where(numbers < size // 2, numbers * step, np.float32(1) - numbers[::-1] * step)
    return _sine((np.float32(math.pi) * places)[:, None] * waves.astype(np.float32))


@dataclass(frozen=True, eq=False)
class SmoothDisplacement(Displacement):
    """A displacement whose places are clamped at the border of the image, blended in float32."""

    border: str = "reflect"

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the moved image of an (H, W, C) one."""
        result = np.empty(image.shape, np.float32)
        _blend(result, np.ascontiguousarray(image, np.float32), self.down, self.right)
        return result.astype(image.dtype)


@njit(cache=True, nogil=True)
def _blend(result, image, down, right):
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            row = min(max(np.float32(y) + np.float32(down[y, x]), np.float32(0)), np.float32(height - 1))
            column = min(max(np.float32(x) + np.float32(right[y, x]), np.float32(0)), np.float32(width - 1))
            top, left = int(row), int(column)
            low, far = min(top + 1, height - 1), min(left + 1, width - 1)
            b, r = row - np.float32(top), column - np.float32(left)
            a, s = np.float32(1) - b, np.float32(1) - r
            for c in range(channels):
                result[y, x, c] = (
                    a * s * image[top, left, c]
                    + a * r * image[top, far, c]
                    + b * s * image[low, left, c]
                    + b * r * image[low, far, c]
                )
