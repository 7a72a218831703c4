"""The smear of a moving picture as ImageMagick's MotionBlurImage makes it: one-sided, nearest pixels."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

# ImageMagick's Q16 scale: white is 65535, one grey level 257.
QUANTA = 257
BRIGHTEST_QUANTUM = 65535


def trail_weights(radius: float, sigma: float) -> NDArray[np.float64]:
    """Give the weights along the trail: the falling half of a Gaussian, 2 * ceil(radius) + 1 long, adding up to 1.

    Parameters
    ----------
    radius : half the length of the trail in pixels
    sigma : standard deviation in pixels; 0 is no motion
    """
    if sigma == 0:
        return np.ones(1)
    length = 2 * math.ceil(radius) + 1
    constant = math.sqrt(2 * math.pi) * sigma
    weights = [math.exp(-(i * i) / (2 * sigma * sigma)) / constant for i in range(length)]
    return np.array(weights) / sum(weights)


def trail_offsets(length: int, angle: float) -> NDArray[np.int64]:
    """Give the (row, column) of the pixels of a trail of `length`, at `angle` degrees clockwise from right."""
    down = length * math.sin(math.radians(angle))
    right = length * math.cos(math.radians(angle))
    norm = math.hypot(down, right)
    steps = [(math.ceil(i * down / norm - 0.5), math.ceil(i * right / norm - 0.5)) for i in range(length)]
    return np.array(steps, np.int64).reshape(-1, 2)


def smear(image: NDArray[Any], weights: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Add up an (H, W, C) image shifted by every offset, by weight; outside lie the outermost samples."""
    reach = int(np.abs(offsets).max(initial=0))
    padded = np.pad(image.astype(np.float64), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    result: NDArray[np.float64] = _smeared(padded, weights, offsets, reach)
    return result


def motion_blurred(
    image: NDArray[np.uint8], *, radius: float, sigma: float, angle: float, quantum: str
) -> NDArray[np.uint8]:
    """Blur an (H, W, C) image of bytes as ImageMagick does, its 16-bit sums and its way back to bytes included.

    Parameters
    ----------
    image : (H, W, C) uint8
    radius, sigma : as in `trail_weights`
    angle : direction of the trail in degrees, clockwise from right
    quantum : "rounded" to the nearest byte, as ImageMagick did up to 6.9.10-68, or "truncated", as it does since
    """
    weights = trail_weights(radius, sigma)
    sums = smear(image, weights * QUANTA, trail_offsets(weights.size, angle))
    quanta = np.clip(np.floor(sums + 0.5), 0, BRIGHTEST_QUANTUM).astype(np.int64)
    if quantum == "truncated":
        return (quanta // QUANTA).astype(np.uint8)
    return ((quanta + 128 - ((quanta + 128) >> 8)) >> 8).astype(np.uint8)


def smear_unnormalised(image: NDArray[Any], *, radius: float, sigma: float, angle: float) -> NDArray[np.float64]:
    """Blur an (H, W, C) image as imagecorruptions does: in floating point, by the part of the trail that fits in.

    Parameters
    ----------
    image : (H, W, C)
    radius, sigma : as in `trail_weights`
    angle : direction of the trail in degrees, clockwise from right

    The weights are not scaled up again when the trail is cut, so that an image shorter than its trail comes out darker.
    """
    if sigma == 0:
        return image.astype(np.float64)
    steps = np.arange(2 * math.ceil(radius) + 1)
    # numpy's exponential and sum: the last bit of a weight decides about a level of a third of the flat greys.
    weights = np.exp(-(steps**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
    weights /= weights.sum()
    offsets = trail_offsets(steps.size, angle)
    outside = (np.abs(offsets) >= image.shape[:2]).any(axis=1)
    inside = int(outside.argmax()) if outside.any() else steps.size
    return smear(image, weights[:inside], offsets[:inside])


@njit(cache=True, nogil=True)
def _smeared(padded, weights, offsets, reach):  # type: ignore[no-untyped-def]
    height = padded.shape[0] - 2 * reach
    width = padded.shape[1] - 2 * reach
    channels = padded.shape[2]
    size = width * channels
    flat = padded.reshape(padded.shape[0], -1)
    result = np.zeros((height, size))
    for y in range(height):
        total = result[y]
        for i in range(weights.size):
            start = (reach + offsets[i, 1]) * channels
            shifted = flat[reach + y + offsets[i, 0]][start : start + size]
            weight = weights[i]
            for x in range(size):
                total[x] += weight * shifted[x]
    return result.reshape(height, width, channels)
