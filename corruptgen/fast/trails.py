"""Blur along a trail."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit, part_of_kernel
from corruptgen.corruptions.common.motion import motion_blur, motion_blur_unnormalised
from corruptgen.corruptions.medical.optics import trail_blur
from corruptgen.declare import fused
from corruptgen.fast.bounds import bound_of_levels, byte_of, next_uncertain, store_certain
from corruptgen.fast.scratch import scratch_array
from corruptgen.fast.sums import SWEEP, fill_sweeps, roundings, weigh
from corruptgen.ops.motion import (
    FULL_SCALE_OF_QUANTA,
    QUANTA,
    quantum_carry,
    trail_direction,
    trail_fading,
    trail_weights,
)
from corruptgen.randomness.stream import Stream
from corruptgen.runtime.caching import keep_arrays

# Exact sums that are made together: next to an uncertain sample there are often more.
TOGETHER = 32


@fused(motion_blur)
def _motion_blur(
    image: NDArray[np.uint8], rng: Stream, _: Arithmetic, *, radius: float, sigma: float, quantum: str
) -> NDArray[np.uint8]:
    return blur_motion(image, radius=radius, sigma=sigma, angle=rng.uniform(-45, 45), quantum=quantum)


@fused(trail_blur)
def _trail_blur(
    image: NDArray[np.uint8], rng: Stream, _: Arithmetic, *, radius: float, sigma: float, quantum: str, unit: float
) -> NDArray[np.uint8] | None:
    if unit != 1:
        return None
    return blur_motion(image, radius=radius, sigma=sigma, angle=rng.uniform(-45, 45), quantum=quantum)


@fused(motion_blur_unnormalised)
def _motion_blur_unnormalised(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, radius: float, sigma: float
) -> NDArray[np.uint8]:
    return _smear(image, _trail_of_levels(radius, sigma, arithmetic.half), rng.uniform(-45, 45))


def blur_motion(
    image: NDArray[np.uint8], *, radius: float, sigma: float, angle: float, quantum: str
) -> NDArray[np.uint8]:
    """Return what `corruptgen.ops.motion.motion_blurred` returns."""
    return _smear(image, _trail_of_quanta(radius, sigma, quantum), angle)


def blur_flakes(
    layer: NDArray[np.float64], *, radius: float, sigma: float, angle: float, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the upper left (H, W) `shape` of what `smear_unnormalised` makes of a layer in [0, 1], in whole levels."""
    trail = _trail_of_flakes(radius, sigma)
    steps = _steps(trail.weights.size, trail_direction(trail.weights.size, angle), layer.shape[:2], True)
    flakes = layer[..., 0]
    bordered, place = _with_border(flakes, steps)
    result = np.empty(shape[0] * shape[1], np.uint8)
    levels = scratch_array("float32", bordered.size)[: bordered.size].reshape(bordered.shape)
    np.multiply(255, bordered, levels, casting="same_kind")
    layout = (*shape, 1, bordered.shape[1], place)
    _fill(result, levels.ravel(), bordered.ravel(), steps, layout, trail)
    return result.reshape(*shape, 1)


class Trail(NamedTuple):
    """How a trail is added up, and how its sums become bytes."""

    weights: NDArray[np.float64]
    """In the units of the sums: levels, or ImageMagick's quanta."""
    half: np.float32
    """This many levels below a byte, the sum becomes that byte."""
    bound: np.float32
    """Of the error of an estimate, in levels."""
    level: int
    """How many units are a grey level; 0: they are fractions of full scale, which become the nearest level."""
    carry: int
    """What is added to a whole number of units before it is divided by that."""
    ends_outside: bool
    """Whether the trail ends where it would leave an image."""


@keep_arrays
def _trail_of_quanta(radius: float, sigma: float, quantum: str) -> Trail:
    carry = quantum_carry(quantum)
    # A sum is rounded to a quantum before it becomes a byte: half a quantum below a level the level is reached.
    return _trail(trail_weights(radius, sigma) * QUANTA, (0.5 + carry) / QUANTA, QUANTA, carry, False)


@keep_arrays
def _trail_of_levels(radius: float, sigma: float, half: float) -> Trail:
    return _trail(trail_fading(radius, sigma).copy(), half, 1, 0, True)


@keep_arrays
def _trail_of_flakes(radius: float, sigma: float) -> Trail:
    trail = _trail(trail_fading(radius, sigma).copy(), 0.5, 0, 0, True)
    # Of samples in [0, 1], which are rounded for the estimate, and once more when they become levels.
    more = bound_of_levels(2, doubles=2)
    return trail._replace(bound=np.float32(trail.bound + more))


def _trail(weights: NDArray[np.float64], half: float, level: int, carry: int, ends_outside: bool) -> Trail:
    # The end of the trail, which is faint, comes first.
    shares = fill_sweeps(weights[::-1] / max(level, 1))
    bound = bound_of_levels(roundings(shares), doubles=2 * weights.size)
    return Trail(weights, np.float32(half), np.float32(bound), level, carry, ends_outside)


def _smear(image: NDArray[np.uint8], trail: Trail, angle: float) -> NDArray[np.uint8]:
    height, width, channels = image.shape
    if trail.weights.size == 1 and trail.weights[0] == trail.level:
        return image.copy()
    steps = _steps(trail.weights.size, trail_direction(trail.weights.size, angle), (height, width), trail.ends_outside)
    samples = image.reshape(height, -1)
    bordered, place = _with_border(image, steps)
    result = np.empty(image.size, np.uint8)
    layout = (height, samples.shape[1], channels, bordered.shape[1] * channels, place * channels)
    _fill(result, bordered.ravel(), bordered.ravel(), steps, layout, trail)
    return result.reshape(image.shape)


def _with_border(image: NDArray[Any], steps: NDArray[np.int64]) -> tuple[NDArray[Any], int]:
    """Repeat the outermost pixels as far as a trail leads, and return where the image begins in what that gives."""
    # It goes to one side only.
    down, right = steps[-1].tolist()
    top, left = max(-down, 0), max(-right, 0)
    bordered = cv2.copyMakeBorder(image, top, max(down, 0), left, max(right, 0), cv2.BORDER_REPLICATE)
    return bordered, top * bordered.shape[1] + left


@njit(cache=True, nogil=True, error_model="numpy")
def _steps(length, direction, shape, ends_outside):
    """Return the rows of `corruptgen.ops.motion.trail_offsets`: all, or up to where they lead out of the image."""
    down, right, norm = direction
    steps = np.empty((length, 2), np.int64)
    taps = 0
    while taps < length:
        below, beside = np.ceil(taps * down / norm - 0.5), np.ceil(taps * right / norm - 0.5)
        if ends_outside and (abs(below) >= shape[0] or abs(beside) >= shape[1]):
            break
        steps[taps, 0], steps[taps, 1] = below, beside
        taps += 1
    return steps[:taps]


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(result, bordered, samples, steps, layout, trail):
    """Smear an image with a border, whose `samples` are as the formula has them, and `bordered` in levels.

    The layout is its rows, samples of a row, channels, samples from a row to the next one, and where it begins.
    """
    height, size, channels, pitch, origin = layout
    taps = steps.shape[0]
    places = np.empty(taps, np.int64)
    for k in range(taps):
        places[k] = origin + steps[k, 0] * pitch + steps[k, 1] * channels
    # For the estimate from the end of the trail to its start, after as many zeros as fill whole sweeps.
    more = (-taps) % SWEEP
    backwards, shares = np.full(more + taps, places[0]), np.zeros(more + taps, np.float32)
    for k in range(taps):
        backwards[more + k], shares[more + k] = places[taps - 1 - k], trail.weights[taps - 1 - k] / max(trail.level, 1)
    levels, sums = np.empty(size, np.float32), np.empty(TOGETHER)
    for y in range(height):
        first, row = y * pitch, result[y * size : (y + 1) * size]
        weigh(levels, bordered, first, backwards, shares)
        if store_certain(row, levels, trail.half, trail.bound):
            x = next_uncertain(levels, 0, trail.half, trail.bound)
            while x < size:
                some = sums[: min(TOGETHER, size - x)]
                _add_up(some, samples, first + x, places, trail.weights)
                for i in range(some.size):
                    row[x + i] = _byte(some[i], trail)
                x = next_uncertain(levels, x + some.size, trail.half, trail.bound)


@part_of_kernel
def _add_up(sums, samples, first, places, weights):
    """Add up some sums in the order of the trail."""
    for i in range(sums.size):
        sums[i] = 0.0
    for k in range(places.size):
        part, weight = samples[first + places[k] :][: sums.size], weights[k]
        for i in range(sums.size):
            sums[i] += weight * np.float64(part[i])


@part_of_kernel
def _byte(total, trail):
    """Store a sum of levels as a table has it, or one of quanta as ImageMagick does."""
    if trail.level == 1:
        return byte_of(total, np.float64(trail.half))
    if trail.level == 0:
        return np.uint8(np.rint(total * 255.0))
    total = total + 0.5 if total > -0.5 else 0.0
    quanta = np.int64(total if total < FULL_SCALE_OF_QUANTA else FULL_SCALE_OF_QUANTA)
    return np.uint8((quanta + trail.carry) // trail.level)
