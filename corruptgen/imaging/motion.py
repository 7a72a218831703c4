"""The smear of a moving picture as ImageMagick's MotionBlurImage makes it: one-sided, nearest pixels."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.declare import Pixels
from corruptgen.imaging.doubts import FLOAT64_MARGIN, UNIT_ROUNDOFF, store_row_and_mark
from corruptgen.imaging.pixels import BYTE, FULL_SCALE_OF_LEVELS, Arithmetic, stored

# ImageMagick's Q16 scale: white is 65535, one grey level 257.
QUANTA = 257
BRIGHTEST_QUANTUM = 65535
TAPS_IN_SWEEP = 4
# One in so many samples in doubt: it is worth while to look for flat trails; to compute all samples in float64.
SOME, MANY = 512, 16


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
    down, right, norm = trail_direction(length, angle)
    steps: NDArray[np.float64] = np.ceil(np.arange(length)[:, None] * np.array((down, right)) / norm - 0.5)
    return steps.astype(np.int64)


def trail_direction(length: int, angle: float) -> tuple[float, float, float]:
    """Give how far a trail of `length` goes down and right in so many steps, and their number: nearly `length`."""
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
    image : (H, W, C) uint8
    radius, sigma : as in `trail_weights`
    angle : direction of the trail in degrees, clockwise from right
    quantum : "rounded" to the nearest byte, as ImageMagick did up to 6.9.10-68, or "truncated", as it does since
    """
    weights = trail_weights(radius, sigma)
    offsets = trail_offsets(weights.size, angle)
    # A sum is rounded to a quantum before it becomes a byte: so far below a level the level is reached.
    before = 0.5 if quantum == "truncated" else 0.5 + QUANTA // 2
    return _smear_bytes(
        image, weights * QUANTA, offsets, QUANTA, before / QUANTA, lambda totals: _bytes_of_quanta(totals, quantum)
    )


def _bytes_of_quanta(totals: NDArray[np.float64], quantum: str) -> NDArray[np.uint8]:
    quanta = np.clip(totals + 0.5, 0, BRIGHTEST_QUANTUM).astype(np.int64)
    return ((quanta if quantum == "truncated" else quanta + QUANTA // 2) // QUANTA).astype(np.uint8)


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
    weights, offsets = trail_within(image.shape, radius, sigma, angle)
    return _smear_bytes(
        image,
        weights,
        offsets,
        1,
        arithmetic.half,
        lambda totals: stored(totals, Pixels.LEVELS, BYTE, arithmetic.rounding),
    )


def _smear_bytes(
    image: NDArray[np.uint8],
    weights: NDArray[np.float64],
    offsets: NDArray[np.int64],
    level: int,
    half: float,
    to_bytes: Callable[[NDArray[np.float64]], NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """Give to_bytes(smear(image, weights, offsets)), where a sum of (n - `half`) * `level` is the first to give byte n.

    The sums are estimated in float32; those that lie within the estimate's error of such a boundary are then computed.
    The estimate adds from the end of the trail to its start, so that its partial sums stay small for long: each
    addition is off by less than one unit of the sum of the weights so far, a weight and its product by a unit each, and
    the comparison with a boundary by another two.
    """
    if weights.size == 1 and weights[0] == level:
        return image.copy()
    rows, lengthened, starts = _layout(image, weights, offsets)
    places = starts[:, 0] * rows.shape[1] + starts[:, 1]
    shares = (lengthened / level).astype(np.float32)
    units_off = np.cumsum(weights[::-1] / level).sum() + 2 + 2
    margin = 1.001 * FULL_SCALE_OF_LEVELS * UNIT_ROUNDOFF * units_off + FLOAT64_MARGIN
    result = np.empty((image.shape[0], image[0].size), np.uint8)
    doubts = np.empty(result.shape, np.uint8)
    _approximate(result, doubts, rows, shares[::-1].copy(), places[::-1].astype(np.uint64), margin, half)
    if cv2.countNonZero(doubts) > image.size // SOME:
        flat = np.empty(result.shape, np.uint8)
        _find_flat_trails(flat, rows, places.astype(np.uint64))
        equals = np.cumsum(weights[:, None] * np.arange(256), axis=0)[-1]
        cv2.copyTo(cv2.LUT(image, to_bytes(equals)).reshape(result.shape), flat, result)
        cv2.bitwise_and(doubts, cv2.bitwise_not(flat), doubts)
    doubtful = np.flatnonzero(doubts.view(np.bool_))
    if doubtful.size > image.size // MANY:
        return to_bytes(smear(image.astype(np.float64), weights, offsets))
    totals = np.empty(doubtful.size)
    _compute(totals, doubtful, rows, result.shape[1], weights, places)
    result.ravel()[doubtful] = to_bytes(totals)
    return result.reshape(image.shape)


def trail_within(
    shape: tuple[int, ...], radius: float, sigma: float, angle: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give weights and offsets of a trail up to where it leaves an image of this shape."""
    weights = trail_fading(radius, sigma)
    offsets = trail_offsets(weights.size, angle)
    outside = (np.abs(offsets) >= shape[:2]).any(axis=1)
    inside = int(outside.argmax()) if outside.any() else weights.size
    return weights[:inside], offsets[:inside]


@lru_cache(maxsize=64)
def trail_fading(radius: float, sigma: float) -> NDArray[np.float64]:
    """Give the weights along the trail as imagecorruptions makes them; of no motion the single weight 1."""
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
    """Give what the kernels take: the rows of the image with a border, the weights, and where each shift begins.

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
def _smear(result, rows, weights, starts):  # type: ignore[no-untyped-def]
    for y in range(result.shape[0]):
        _add_trail(result[y], rows, y, weights, starts)


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


@njit(cache=True, nogil=True, error_model="numpy")
def _approximate(result, doubts, rows, weights, starts, margin, half):  # type: ignore[no-untyped-def]
    """Add up the trail in float32, and mark the samples in doubt."""
    samples = rows.ravel()
    total = np.zeros(result.shape[1], np.float32)
    for y in range(result.shape[0]):
        above = np.uint64(y * rows.shape[1])
        for i in range(0, weights.size, TAPS_IN_SWEEP):
            _add_taps(total, samples, above, weights, starts, i)
        store_row_and_mark(result[y], doubts[y], total, margin, half)


@part_of_kernel
def _add_taps(total, samples, above, weights, starts, i):  # type: ignore[no-untyped-def]
    # One array and unsigned places in it: nothing for the compiler to mind before it widens the loop.
    a, b, c, d = above + starts[i], above + starts[i + 1], above + starts[i + 2], above + starts[i + 3]
    w, v, u, t = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
    before = np.float32(0 if i == 0 else 1)
    for x in range(np.uint64(total.size)):
        first = total[x] * before + np.float32(samples[a + x]) * w
        second = np.float32(samples[b + x]) * v
        total[x] = ((first + second) + np.float32(samples[c + x]) * u) + np.float32(samples[d + x]) * t


@njit(cache=True, nogil=True, error_model="numpy")
def _find_flat_trails(flat, rows, starts):  # type: ignore[no-untyped-def]
    """Mark the samples that equal all along their trail by 255, the others by 0."""
    samples = rows.ravel()
    for y in range(flat.shape[0]):
        differs = flat[y]
        differs[:] = 0
        above = np.uint64(y * rows.shape[1])
        own = above + starts[0]
        for i in range(0, starts.size, TAPS_IN_SWEEP):
            a, b, c, d = above + starts[i], above + starts[i + 1], above + starts[i + 2], above + starts[i + 3]
            for x in range(np.uint64(differs.size)):
                value = samples[own + x]
                near = (samples[a + x] ^ value) | (samples[b + x] ^ value)
                differs[x] |= near | (samples[c + x] ^ value) | (samples[d + x] ^ value)
        for x in range(differs.size):
            differs[x] = np.uint8(0 if differs[x] else 255)


@njit(cache=True, nogil=True, error_model="numpy")
def _compute(totals, places, rows, size, weights, starts):  # type: ignore[no-untyped-def]
    """Add up single samples as `_add_trail` does."""
    samples = rows.ravel()
    for j in range(places.size):
        y, x = divmod(places[j], size)
        total = 0.0
        for i in range(weights.size):
            total += weights[i] * samples[y * rows.shape[1] + x + starts[i]]
        totals[j] = total
