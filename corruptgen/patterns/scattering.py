"""Things scattered over an image, such as flakes and drops: the same at all levels, of which worse ones have more."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.randomness.draws import Draws

Float64 = NDArray[np.float64]

GOLDEN = (math.sqrt(5) - 1) / 2


def scatter_things(rng: Draws, count: float, numbers: int, most: int = 0) -> tuple[Float64, Float64]:
    """Draw what decides about `count` things, thing i from the same numbers however many there are.

    So levels that share their draws share places and shapes too: of the things of one level the next has all.

    Parameters
    ----------
    rng : Draws
        What is drawn from.
    count : float
        Count of the things; of a fraction the last one is there in part, so that nothing appears all at once.
    numbers : int
        How many random numbers each of them takes.
    most : int, default 0
        As many are drawn at least, so that what is drawn afterwards is the same at all levels.

    Returns
    -------
    (Float64, Float64)
        (N, numbers) in [0, 1), and for each of the N things how much of it is there, above 0 and up to 1.
    """
    return first_things(rng.random((max(math.ceil(count), most), numbers)), count)


def first_things(draws: Float64, count: float) -> tuple[Float64, Float64]:
    """Return the first `count` rows of what was drawn, and how much of each thing there is; see `scatter`."""
    whole = math.ceil(count)
    shares = np.ones(whole)
    shares[-1:] = count - whole + 1
    return draws[:whole], shares


def even_steps(count: int) -> Float64:
    """Return `count` fractions of 1 that are spread evenly, any number of them: multiples of the golden ratio."""
    return np.asarray((np.arange(count) + 0.5) * GOLDEN % 1, np.float64)
