"""Perlin's noise of 1985, as image filters of Java drew it."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.randomness.draws import Draws

Float64 = NDArray[np.float64]
CELLS = 256
WORDS = 2**31
# Keeps positions positive, which the lattice is for.
OFFSET = 4096


def turbulence(rows: Float64, columns: Float64, rng: Draws) -> Float64:
    """Return the sum of five octaves of the size of the noise at (H, 1) rows and (1, W) columns of a lattice."""
    gradients, places = _lattice(rng)
    return np.asarray(
        sum(np.abs(_noise(gradients, places, octave * rows, octave * columns)) / octave for octave in (1, 2, 4, 8, 16))
    )


def _lattice(rng: Draws) -> tuple[Float64, NDArray[np.int64]]:
    """Draw a direction for each of the cells, and their order; both go on from the beginning at the end."""
    drawn = np.array([rng.integers(0, WORDS, 2) for _ in range(2 * CELLS + 2)])
    gradients = (drawn % (2 * CELLS) - CELLS) / CELLS
    gradients /= np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    places = np.arange(2 * CELLS + 2)
    for place in range(CELLS - 1, -1, -1):
        other = int(rng.integers(0, WORDS)) % CELLS
        places[place], places[other] = places[other], places[place]
    places[CELLS:] = places[: CELLS + 2]
    gradients[CELLS:] = gradients[: CELLS + 2]
    return gradients, places


def _noise(gradients: Float64, places: NDArray[np.int64], down: Float64, right: Float64) -> Float64:
    down, right = down + OFFSET, right + OFFSET
    top, left = np.floor(down).astype(np.int64), np.floor(right).astype(np.int64)
    y0, x0 = down - top, right - left
    top, left = top % CELLS, left % CELLS
    bottom, beside = (top + 1) % CELLS, (left + 1) % CELLS

    # Gathered apart: pairs take twice as long.
    downwards, rightwards = (np.ascontiguousarray(part) for part in gradients.T)

    def corner(row: NDArray[np.int64], column: NDArray[np.int64], y: Float64, x: Float64) -> Float64:
        cell = places[places[row] + column]
        return np.asarray(y * downwards[cell] + x * rightwards[cell])

    smooth_y, smooth_x = y0 * y0 * (3 - 2 * y0), x0 * x0 * (3 - 2 * x0)
    upper_left, lower_left = corner(top, left, y0, x0), corner(bottom, left, y0 - 1, x0)
    upper_right, lower_right = corner(top, beside, y0, x0 - 1), corner(bottom, beside, y0 - 1, x0 - 1)
    one = upper_left + smooth_y * (lower_left - upper_left)
    other = upper_right + smooth_y * (lower_right - upper_right)
    return np.asarray(1.5 * (one + smooth_x * (other - one)))
