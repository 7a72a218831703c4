"""The smear of a moving picture as ImageMagick's MotionBlurImage makes it: one-sided, nearest pixels."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.runtime.caching import keep_arrays

# ImageMagick's Q16 scale: white is 65535, one grey level 257.
QUANTA = 257
FULL_SCALE_OF_QUANTA = 65535
TAPS_IN_SWEEP = 4


def trail_weights(radius: float, sigma: float) -> NDArray[np.float64]:
    """Return the weights along the trail: the falling half of a Gaussian, 2 * ceil(radius) + 1 long, adding up to 1.

    Parameters
    ----------
    radius : float
        Half the length of the trail in pixels.
    sigma : float
        Standard deviation in pixels; 0 is no motion.
    """
    if sigma == 0:
        return np.ones(1)
    length = 2 * math.ceil(radius) + 1
    constant = math.sqrt(2 * math.pi) * sigma
    weights = [math.exp(-(i * i) / (2 * sigma * sigma)) / constant for i in range(length)]
    return np.array(weights) / sum(weights)


def trail_offsets(length: int, angle: float) -> NDArray[np.int64]:
    """Return the (row, column) of the pixels of a trail of `length`, at `angle` degrees clockwise from right."""
    down, right, norm = trail_direction(length, angle)
    steps: NDArray[np.float64] = np.ceil(np.arange(length)[:, None] * np.array((down, right)) / norm - 0.5)
    return steps.astype(np.int64)


def trail_direction(length: int, angle: float) -> tuple[float, float, float]:
    """Return how far a trail goes down and to the right, and its length again, as rounding has it."""
    down = length * math.sin(math.radians(angle))
    right = length * math.cos(math.radians(angle))
    return down, right, math.hypot(down, right)


def smear(image: NDArray[Any], weights: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Add up an (H, W, C) image shifted by every offset, by weight; outside lie the outermost samples."""
    result = np.empty(image.shape, np.float64)
    _smear(result.reshape(image.shape[0], -1), *_layout(image, weights, offsets))
    return result


def motion_blurred(
    image: NDArray[np.uint8], *, radius: float, sigma: float, angle: float, quantum: str
) -> NDArray[np.uint8]:
    """Blur an (H, W, C) image of bytes as ImageMagick does, its 16-bit sums and its way back to bytes included.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    radius, sigma : float
        As in `trail_weights`.
    angle : float
        Direction of the trail in degrees, clockwise from right.
    quantum : str
        "rounded" to the nearest byte, as ImageMagick did up to 6.9.10-68, or "truncated", as it does since.
    """
    weights = trail_weights(radius, sigma) * QUANTA
    sums = smear(image, weights, trail_offsets(weights.size, angle))
    quanta = np.clip(sums + 0.5, 0, FULL_SCALE_OF_QUANTA).astype(np.int64)
    return ((quanta + quantum_carry(quantum)) // QUANTA).astype(np.uint8)


def quantum_carry(quantum: str) -> int:
    """Return what ImageMagick adds to a quantum before it divides by 257, for "rounded" or "truncated" bytes."""
    return 0 if quantum == "truncated" else QUANTA // 2


def smear_unnormalised(image: NDArray[Any], *, radius: float, sigma: float, angle: float) -> NDArray[np.float64]:
    """Blur an (H, W, C) image as imagecorruptions does: in floating point, by the part of the trail that fits in.

    Parameters
    ----------
    image : ndarray, shape (H, W, C)
    radius, sigma : float
        As in `trail_weights`.
    angle : float
        Direction of the trail in degrees, clockwise from right.

    The weights are not scaled up again when the trail is cut, so that an image shorter than its trail comes out darker.
    """
    return smear(image, *trail_within(image.shape, radius, sigma, angle))


def trail_within(
    shape: tuple[int, ...], radius: float, sigma: float, angle: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return weights and offsets of a trail up to where it leaves an image of this shape."""
    weights = trail_fading(radius, sigma)
    offsets = trail_offsets(weights.size, angle)
    outside = (np.abs(offsets) >= shape[:2]).any(axis=1)
    inside = int(outside.argmax()) if outside.any() else weights.size
    return weights[:inside], offsets[:inside]


@keep_arrays
def trail_fading(radius: float, sigma: float) -> NDArray[np.float64]:
    """Return the weights along the trail as imagecorruptions makes them; of no motion the single weight 1."""
    if sigma == 0:
        return np.ones(1)
    steps = np.arange(2 * math.ceil(radius) + 1)
    # numpy's exponential and sum: the last bit of a weight decides about a level of a third of the flat greys.
    weights: NDArray[np.float64] = np.exp(-(steps**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
    weights /= weights.sum()
    weights.flags.writeable = False
    return weights


def _layout(
    image: NDArray[Any], weights: NDArray[np.float64], offsets: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.int64]]:
    """Return what the kernels take: the rows of the image with a border, the weights, and where each shift begins.

    The trail is lengthened to a whole number of sweeps by weights of 0, which change no sum.
    """
    top, left = np.maximum(-offsets.min(axis=0), 0).tolist()
    bottom, right = np.maximum(offsets.max(axis=0), 0).tolist()
    channels = image.shape[2]
    bordered = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    taps = -(-weights.size // TAPS_IN_SWEEP) * TAPS_IN_SWEEP
    lengthened = np.zeros(taps)
    lengthened[: weights.size] = weights
    # They lie where the trail begins.
    starts = np.full((taps, 2), (top, left * channels), np.int64)
    starts[: weights.size] = (offsets + np.array((top, left))) * (1, channels)
    return bordered.reshape(bordered.shape[0], -1), lengthened, starts


@njit(cache=True, nogil=True, error_model="numpy")
def _smear(result, rows, weights, starts):
    for y in range(result.shape[0]):
        _add_trail(result[y], rows, y, weights, starts)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_trail(total, rows, y, weights, starts):
    """Add up one row in the order of the trail; a sweep of several pixels saves loads and stores of the sum."""
    total[:] = 0
    size = total.size
    for i in range(0, weights.size, TAPS_IN_SWEEP):
        a = rows[y + starts[i, 0]][starts[i, 1] : starts[i, 1] + size]
        b = rows[y + starts[i + 1, 0]][starts[i + 1, 1] : starts[i + 1, 1] + size]
        c = rows[y + starts[i + 2, 0]][starts[i + 2, 1] : starts[i + 2, 1] + size]
        d = rows[y + starts[i + 3, 0]][starts[i + 3, 1] : starts[i + 3, 1] + size]
        w, v, u, t = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        for x in range(size):
            total[x] = (((total[x] + w * a[x]) + v * b[x]) + u * c[x]) + t * d[x]
