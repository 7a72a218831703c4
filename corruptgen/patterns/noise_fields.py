"""Smooth noise of any size and grain: white noise under a cubic B-spline, alone or in octaves."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.randomness.draws import Draws

Float32 = NDArray[np.float32]

TAPS = 4
# The standard deviation that a cubic B-spline leaves of white noise, averaged over positions, per axis.
SPLINE_DEVIATION = math.sqrt(151 / 315)


def smooth_noise(shape: tuple[int, int], spacing: tuple[float, float], rng: Draws) -> Float32:
    """Draw noise of mean 0 and standard deviation about 1 that changes over `spacing` pixels.

    Parameters
    ----------
    shape : (int, int)
        (H, W) of the field.
    spacing : (float, float)
        Distance in pixels of the knots, down and across; the field is smooth over about two of them.

    Returns
    -------
    ndarray of float32, shape (H, W)
        Knots start at a random place, so that no position is special.
    """
    shifts = rng.random(2)
    knots = [math.ceil(length / width) + TAPS for length, width in zip(shape, spacing, strict=True)]
    grid = rng.standard_normal(knots).astype(np.float32)
    rows, columns = (
        (np.arange(length) / width + shift).astype(np.float32)
        for length, width, shift in zip(shape, spacing, shifts, strict=True)
    )
    return _splined(grid, rows, columns) / np.float32(SPLINE_DEVIATION**2)


def cloud_noise(
    shape: tuple[int, int], spacing: tuple[float, float], octaves: int, persistence: float, rng: Draws
) -> Float32:
    """Draw octaves of smooth noise, each of half the `spacing` and `persistence` times the weight of the one before.

    Octaves finer than a pixel are as fine as a pixel. The standard deviation is about 1.
    """
    total = np.zeros(shape, np.float32)
    power = 0.0
    for octave in range(octaves):
        weight = persistence**octave
        down, across = (max(width / 2**octave, 1.0) for width in spacing)
        total += np.float32(weight) * smooth_noise(shape, (down, across), rng)
        power += weight * weight
    return total / np.float32(math.sqrt(power))


@njit(cache=True, nogil=True)
def _spline_weights(positions):
    first = np.empty(positions.size, np.int64)
    weights = np.empty((positions.size, 4), np.float32)
    for i in range(positions.size):
        first[i] = int(positions[i])
        t = positions[i] - np.float32(first[i])
        s = np.float32(1) - t
        weights[i, 0] = s * s * s / np.float32(6)
        weights[i, 1] = (np.float32(4) - np.float32(3) * t * t * (np.float32(2) - t)) / np.float32(6)
        weights[i, 2] = (np.float32(4) - np.float32(3) * s * s * (np.float32(2) - s)) / np.float32(6)
        weights[i, 3] = t * t * t / np.float32(6)
    return first, weights


@njit(cache=True, nogil=True)
def _splined(grid, rows, columns):
    top, down = _spline_weights(rows)
    left, across = _spline_weights(columns)
    result = np.empty((rows.size, columns.size), np.float32)
    line = np.empty(grid.shape[1], np.float32)
    for y in range(rows.size):
        for i in range(grid.shape[1]):
            total = grid[top[y], i] * down[y, 0]
            total += grid[top[y] + 1, i] * down[y, 1]
            total += grid[top[y] + 2, i] * down[y, 2]
            line[i] = total + grid[top[y] + 3, i] * down[y, 3]
        for x in range(columns.size):
            total = line[left[x]] * across[x, 0]
            total += line[left[x] + 1] * across[x, 1]
            total += line[left[x] + 2] * across[x, 2]
            result[y, x] = total + line[left[x] + 3] * across[x, 3]
    return result
