"""What a display does to a picture: too vivid colours, too few dots."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Unit, UnitColour, corruption

SMALLEST_BLOCK = 2.0


@corruption
def vivid_colours(image: UnitColour, *, factor: float) -> UnitColour:
    """Multiply the saturation of every pixel and keep its hue and its brightest channel; grey stays grey.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    factor : float
        Factor of the saturation in the HSV space, which ends at 1; more is worse, 1 leaves the image alone.

    References
    ----------
    Ours. Smith 1978, https://doi.org/10.1145/965139.807361, for the HSV space.
    """
    red, green, blue = np.split(image, 3, axis=2)
    value = np.maximum(np.maximum(red, green), blue)
    span = value - np.minimum(np.minimum(red, green), blue)
    # The gain at which the darkest channel reaches 0: saturation 1.
    most = value / np.maximum(span, np.finfo(image.dtype).tiny)
    return value - (value - image) * np.minimum(np.asarray(factor, image.dtype), most)


@corruption
def mosaic(image: Unit, *, block: float, least: float) -> Unit:
    """Show the image in square blocks, each of the mean of its pixels.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    block : float
        Side of a block in pixels, fractions allowed; more is worse, 1 and below leaves the image alone.
    least : float
        What `block` is at least: images so small that blocks would vanish get blocks of this side.

    There is a whole number of blocks along each axis, and every pixel belongs to one of them; so some blocks are a
    pixel longer than others. Sides between 1 and 2 mix the image with its blocks of 2 pixels.

    References
    ----------
    Ours.
    """
    side = max(block, least, 1.0)
    blocks = _in_blocks(_in_blocks(image, max(side, SMALLEST_BLOCK), 0), max(side, SMALLEST_BLOCK), 1)
    share = min((side - 1) / (SMALLEST_BLOCK - 1), 1.0)
    return image + image.dtype.type(share) * (blocks - image)


def _in_blocks(image: NDArray[Any], side: float, axis: int) -> NDArray[Any]:
    length = image.shape[axis]
    blocks = max(1, round(length / side))
    edges = (np.arange(blocks + 1) * length + blocks // 2) // blocks
    lengths = np.diff(edges)
    sums = np.add.reduceat(image, edges[:-1], axis)
    means = sums / lengths.reshape([-1 if k == axis else 1 for k in range(image.ndim)]).astype(image.dtype)
    return np.repeat(means, lengths, axis)
