"""Point spreads of any size, below a pixel too: what a lens or a movement makes of one point.

A spread is the mean of the bilinearly interpolated image over a shape. So its kernel adds up to 1, has smooth edges,
and shrinks without a step to the single weight 1 as the shape shrinks to a point.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# Sample points along a radius of the disk or a standard deviation of the Gaussian, and at least this many in a pixel.
POINTS = 24
POINTS_IN_PIXEL = 4
# The Gaussian ends after this many standard deviations.
GAUSSIAN_REACH = 3.0


def disk_spread(radius: float) -> Float64:
    """Return the kernel of a flat disk of `radius` pixels, 0 or above."""
    if radius <= 0:
        return np.ones((1, 1))
    points = _points(radius, radius)
    step = 2 * radius / (points.size - 1)
    distance = np.sqrt(points[:, None] ** 2 + points**2)
    inside = np.clip((radius - distance) / step + 0.5, 0, 1)
    shares = tents(points)
    kernel: Float64 = shares @ inside @ shares.T
    return kernel / kernel.sum()


def gaussian_spread(sigma: float) -> Float64:
    """Return the weights along one axis of a Gaussian of `sigma` pixels, 0 or above."""
    if sigma <= 0:
        return np.ones(1)
    points = _points(GAUSSIAN_REACH * sigma, sigma)
    weights: Float64 = tents(points) @ np.exp(-((points / sigma) ** 2) / 2)
    return weights / weights.sum()


def line_spread(length: float, angle: float) -> Float64:
    """Return the kernel of a straight line of `length` pixels, 0 or above, at `angle` radians, about its middle."""
    if length <= 0:
        return np.ones((1, 1))
    points = _points(length / 2, length / 2)
    down, across = points * math.sin(angle), points * math.cos(angle)
    return (tents(down) @ tents(across).T) / points.size


def spread(image: NDArray[Any], kernel: Float64) -> NDArray[Any]:
    """Correlate every channel of an (H, W, C) float image with `kernel`, mirroring between samples at the border."""
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT).reshape(image.shape)


def spread_separably(image: NDArray[Any], weights: Float64) -> NDArray[Any]:
    """Correlate columns and rows of an (H, W, C) float image with `weights`, mirroring like `spread`."""
    return cv2.sepFilter2D(image, -1, weights, weights, borderType=cv2.BORDER_REFLECT).reshape(image.shape)


def _points(reach: float, scale: float) -> Float64:
    half = max(POINTS, math.ceil(POINTS_IN_PIXEL * scale))
    return np.linspace(-reach, reach, 2 * math.ceil(half * reach / scale) + 1)


def tents(points: Float64) -> Float64:
    """Return the matrix that spreads the weight of each of `points`, in samples, over the two samples next to it."""
    reach = math.ceil(np.abs(points).max())
    return np.maximum(0.0, 1 - np.abs(np.arange(-reach, reach + 1)[:, None] - points))
