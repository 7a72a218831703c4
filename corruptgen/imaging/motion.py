"""The smear of a moving picture as ImageMagick's MotionBlurImage makes it: one-sided, nearest pixels."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.pixels import Arithmetic, store_row

# ImageMagick's Q16 scale: white is 65535, one grey level 257.
QUANTA = 257
BRIGHTEST_QUANTUM = 65535
TAPS_IN_SWEEP = 4


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
    steps = np.arange(length)[:, None] * np.array((down, right))
    return np.ceil(steps / math.hypot(down, right) - 0.5).astype(np.int64)


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
    image : (H, W, C) uint8
    radius, sigma : as in `trail_weights`
    angle : direction of the trail in degrees, clockwise from right
    quantum : "rounded" to the nearest byte, as ImageMagick did up to 6.9.10-68, or "truncated", as it does since
    """
    weights = trail_weights(radius, sigma)
    result = np.empty(image.shape, np.uint8)
    layout = _layout(image, weights * QUANTA, trail_offsets(weights.size, angle))
    _smear_quanta(result.reshape(image.shape[0], -1), *layout, quantum == "truncated")
    return result


def smear_unnormalised(image: NDArray[Any], *, radius: float, sigma: float, angle: float) -> NDArray[np.float64]:
    """Blur an (H, W, C) image as imagecorruptions does: in floating point, by the part of the trail that fits in.

    Parameters
    ----------
    image : (H, W, C)
    radius, sigma : as in `trail_weights`
    angle : direction of the trail in degrees, clockwise from right

    The weights are not scaled up again when the trail is cut, so that an image shorter than its trail comes out darker.
    """
    return smear(image, *trail_within(image.shape, radius, sigma, angle))


def smear_bytes(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, radius: float, sigma: float, angle: float
) -> NDArray[np.uint8]:
    """Give what `smear_unnormalised` gives of an image of bytes, stored as bytes again."""
    result = np.empty(image.shape, np.uint8)
    layout = _layout(image, *trail_within(image.shape, radius, sigma, angle))
    _smear_bytes(result.reshape(image.shape[0], -1), *layout, arithmetic.half)
    return result


def trail_within(
    shape: tuple[int, ...], radius: float, sigma: float, angle: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give weights and offsets of a trail up to where it leaves an image of this shape."""
    if sigma == 0:
        return np.ones(1), np.zeros((1, 2), np.int64)
    steps = np.arange(2 * math.ceil(radius) + 1)
    # numpy's exponential and sum: the last bit of a weight decides about a level of a third of the flat greys.
    weights = np.exp(-(steps**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
    weights /= weights.sum()
    offsets = trail_offsets(steps.size, angle)
    outside = (np.abs(offsets) >= shape[:2]).any(axis=1)
    inside = int(outside.argmax()) if outside.any() else steps.size
    return weights[:inside], offsets[:inside]


def _layout(
    image: NDArray[Any], weights: NDArray[np.float64], offsets: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.int64]]:
    """Give what the kernels take: the rows of the image with a border, the weights, and where each shift begins.

    The trail is lengthened to a whole number of sweeps by weights of 0, which change no sum.
    """
    reach = int(np.abs(offsets).max(initial=0))
    channels = image.shape[2]
    bordered = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    taps = -(-weights.size // TAPS_IN_SWEEP) * TAPS_IN_SWEEP
    lengthened = np.zeros(taps)
    lengthened[: weights.size] = weights
    starts = np.zeros((taps, 2), np.int64)
    starts[: weights.size] = (offsets + reach) * (1, channels)
    return bordered.reshape(bordered.shape[0], -1), lengthened, starts


@njit(cache=True, nogil=True, error_model="numpy")
def _smear(result, rows, weights, starts):  # type: ignore[no-untyped-def]
    for y in range(result.shape[0]):
        _add_trail(result[y], rows, y, weights, starts)


@njit(cache=True, nogil=True, error_model="numpy")
def _smear_bytes(result, rows, weights, starts, half):  # type: ignore[no-untyped-def]
    total = np.empty(result.shape[1])
    for y in range(result.shape[0]):
        _add_trail(total, rows, y, weights, starts)
        store_row(result[y], total, 1.0, half)


@njit(cache=True, nogil=True, error_model="numpy")
def _smear_quanta(result, rows, weights, starts, truncate):  # type: ignore[no-untyped-def]
    total = np.empty(result.shape[1])
    for y in range(result.shape[0]):
        _add_trail(total, rows, y, weights, starts)
        samples = result[y]
        for x in range(total.size):
            quanta = np.int32(min(max(total[x] + 0.5, 0.0), BRIGHTEST_QUANTUM))
            rounded = (quanta + 128 - ((quanta + 128) >> 8)) >> 8
            samples[x] = np.uint8(quanta // QUANTA if truncate else rounded)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_trail(total, rows, y, weights, starts):  # type: ignore[no-untyped-def]
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
