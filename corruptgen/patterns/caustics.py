"""Light at the bottom of moving water, and how its surface refracts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
TURN = 6.28318530718
# Of the refractive indices of both sides.
INDEX = 4.0
# A surface that is flatter than this refracts nothing.
FLAT = 1e-3
# Of a line of light: 1 / (0.005 * 250), where 250 is about the place in the middle of the original's patterns.
WEIGHT = 0.8


def caustic_light(height: int, width: int, time: float, size: float) -> Float64:
    """Return how bright the bottom of water is, (H, W) from 0 to 1.

    Parameters
    ----------
    height, width : int
        Of the image.
    time : float
        Another time has other waves.
    size : float
        Pixels after which the pattern begins again.
    """
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    first, second = (rows / size) % 1 * TURN - 250, (columns / size) % 1 * TURN - 250
    one, other = first, second
    total: Float64 | float = 1.0
    for octave in range(5):
        t = time * (1.0 - 3.5 / (octave + 1))
        one, other = (
            first + (np.cos(t - one) + np.sin(t + other)),
            second + (np.sin(t - other) + np.cos(t + one)),
        )
        length = np.sqrt((first * 0.005 / np.sin(one + t)) ** 2 + (second * 0.005 / np.cos(other + t)) ** 2)
        total = total + 1 / length
    total = total / 5
    total = 1.17 - total**1.4
    return np.clip(np.abs(total) ** 8.0, 0, 1)


def seamless_caustics(rows: Any, columns: Any, time: float) -> NDArray[np.float32]:
    """Return the same light at places that count in patterns, which fit together without a seam: (h, w) from 0 to 1.

    The original weighs the lines by the place itself, which jumps where the pattern begins again.

    Parameters
    ----------
    rows, columns : ndarray, shapes (h, 1) and (1, w)
        Where; after 1 the pattern begins again.
    time : float
        Another time has other waves.
    """
    first, second = (np.asarray(TURN * places, np.float32) for places in (rows, columns))
    one, other = first, second
    total = np.ones((), np.float32)
    for octave in range(5):
        t = np.float32(time * (1.0 - 3.5 / (octave + 1)))
        one, other = (
            first + (np.cos(t - one) + np.sin(t + other)),
            second + (np.sin(t - other) + np.cos(t + one)),
        )
        sine, cosine = np.abs(np.sin(one + t)), np.abs(np.cos(other + t))
        total = total + WEIGHT * sine * cosine / np.maximum(np.hypot(sine, cosine), np.float32(1e-6))
    return np.clip(np.abs(np.float32(1.17) - (total / 5) ** np.float32(1.4)) ** 8, 0, 1)


def refraction(surface: Float64, lens: float) -> tuple[Float64, Float64, tuple[Float64, Float64]]:
    """Return by how many pixels a surface of water shifts what is seen, down and to the right, and its slopes."""
    padded = np.pad(surface, 1)
    before, after = padded[1:-1, :-2], padded[1:-1, 2:]
    above, below = padded[:-2, 1:-1], padded[2:, 1:-1]
    slopes = before - after, below - above
    normal = np.stack([below - above, after - before, np.ones_like(surface)])
    normal = normal / np.sqrt((normal**2).sum(axis=0))
    angle = np.arccos(np.clip(normal[2], -1, 1))
    out = np.arcsin(np.sin(angle) / INDEX)
    axis = np.stack([-normal[1], normal[0], np.zeros_like(surface)])
    length = np.sqrt((axis**2).sum(axis=0))
    axis = axis / np.where(length > 0, length, 1)
    shift = np.cos(out) * normal + np.sin(out) * np.cross(normal, axis, axis=0)
    shift = np.where(normal[2] >= 1 - FLAT, 0.0, shift)
    return np.round(lens * shift[0], 3), np.round(lens * shift[1], 3), slopes
