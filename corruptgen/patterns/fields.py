"""Random fields: clouds that look alike at every scale."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.randomness.draws import Draws

# The first octave moves by up to the square of this, the later ones by less; the field is scaled to [0, 1] in the end.
FIRST_WOBBLE = 100.0


def power_of_two(length: int) -> int:
    """Return the smallest power of two that is at least `length`."""
    return 1 << (length - 1).bit_length()


def plasma(side: int, roughness: float, rng: Draws) -> NDArray[np.float64]:
    """Draw a cloud by the diamond-square rule on a torus.

    Parameters
    ----------
    side : int
        Side of the square field, a power of two.
    roughness : float
        Divides the wobble from one octave to the next; more is smoother. The wobble multiplies a draw that already
        spans as much, so the octaves fade with its square.

    Returns
    -------
    ndarray of float64, shape (side, side)
        From 0 to 1.

    References
    ----------
    Fournier, Fussell & Carpenter 1982, https://doi.org/10.1145/358523.358553
    """
    field = np.zeros((side, side))
    wobble = FIRST_WOBBLE
    step = side
    while step > 1:
        half = step // 2
        shape = (side // step, side // step)

        corners = field[::step, ::step]
        below = corners + np.roll(corners, -1, 0)
        beside = corners + np.roll(corners, -1, 1)
        squares = (below + np.roll(below, -1, 1)) / 4 + wobble * rng.uniform(-wobble, wobble, shape)
        field[half::step, half::step] = squares

        above = squares + np.roll(squares, 1, 0)
        field[::step, half::step] = (above + beside) / 4 + wobble * rng.uniform(-wobble, wobble, shape)
        before = squares + np.roll(squares, 1, 1)
        field[half::step, ::step] = (before + below) / 4 + wobble * rng.uniform(-wobble, wobble, shape)

        step = half
        wobble /= roughness
    field -= field.min()
    highest = field.max()
    return field / highest if highest > 0 else field
