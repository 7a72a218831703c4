"""The mean over many zooms of one picture, in as few passes as possible."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit


def radial_streaks(image: NDArray[Any], reach: float) -> NDArray[Any]:
    """Return the mean of an (H, W, C) float image over zooms into its centre by 1 to 1 + `reach`.

    The zooms are the powers of one small factor, as many as the longest streak has pixels, rounded up to a power of
    two: half of the layers, zoomed by as many factors as they are, are the other half. So each pass doubles the layers.
    """
    height, width = image.shape[:2]
    longest = reach * math.hypot(height, width) / 2
    passes = max(1, math.ceil(math.log2(longest + 1)))
    step = (1 + reach) ** (1 / (2**passes - 1))
    samples = np.ascontiguousarray(image)
    for k in range(passes):
        samples = _mean_with_zoomed(samples, step ** (2**k))
    return samples


@njit(cache=True, nogil=True)
def _mean_with_zoomed(image, factor):
    height, width, channels = image.shape
    size = width * channels
    half = image.dtype.type(0.5)
    result = np.empty_like(image)
    row = np.empty(size, image.dtype)
    near = np.empty(width, np.int64)
    weight = np.empty(width, image.dtype)
    for x in range(width):
        position = (width - 1) / 2 + (x - (width - 1) / 2) / factor
        near[x] = min(int(position), max(width - 2, 0))
        weight[x] = position - near[x]
    for y in range(height):
        position = (height - 1) / 2 + (y - (height - 1) / 2) / factor
        above = min(int(position), max(height - 2, 0))
        below = min(above + 1, height - 1)
        lower = image.dtype.type(position - above)
        for x in range(width):
            for c in range(channels):
                row[x * channels + c] = image[above, x, c] + (image[below, x, c] - image[above, x, c]) * lower
        for x in range(width):
            for c in range(channels):
                left = row[near[x] * channels + c]
                right = row[min(near[x] + 1, width - 1) * channels + c]
                result[y, x, c] = (image[y, x, c] + left + (right - left) * weight[x]) * half
    return result
