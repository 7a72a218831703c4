"""Squares that are put on an image by chance."""

from corruptgen.randomness.draws import Draws


def random_square(shape: tuple[int, ...], side: float, rng: Draws) -> tuple[slice, slice]:
    """Return the rows and columns of a square whose centre is any pixel of an image.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image in pixels, and what else its shape has.
    side : float
        Of the square, in pixels. What lies beyond the border is cut off, not moved, so that the area varies.
    rng : Draws
        Two whole numbers are drawn of it, whatever the side.
    """
    before, after = int(side // 2), int(-(-side // 2))
    centre = rng.integers(shape[0]), rng.integers(shape[1])
    rows, columns = (slice(max(0, int(c) - before), int(c) + after) for c in centre)
    return rows, columns
