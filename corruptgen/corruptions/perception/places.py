"""Places of tiles and pixels, exchanged or blacked out: what is left is texture, or colours alone."""

import numpy as np

from corruptgen.declare import Unit, Warp, corruption
from corruptgen.ops.rearrangement import Index, Rearrangement, tile_order
from corruptgen.randomness import rng_for
from corruptgen.randomness.draws import Draws
from corruptgen.runtime.caching import keep_arrays


@corruption
def patch_shuffle(image: Unit, rng: Draws, *, grid: int) -> Warp:
    """Exchange the tiles of a grid: texture stays, shape goes.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    grid : int
        Number of tiles along each axis; more are worse, 1 leaves the image alone.

    References
    ----------
    Zhang & Zhu 2019, https://arxiv.org/abs/1905.09797, for shuffled patches; grids are ours.
    """
    height, width = image.shape[:2]
    count = min(grid, height, width)
    order = rng.permutation(count * count)
    if count > 1 and (order == np.arange(len(order))).all():
        # The one order that would change nothing.
        order = np.roll(order, 1)
    return Rearrangement(tile_order((height, width), count, order))


@corruption
def pixel_permutation(image: Unit, *, number: int) -> Warp:
    """Rearrange all pixels, those of all images of a size alike.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    number : int
        Which rearrangement of all; none is worse than another.

    References
    ----------
    Zhang et al. 2017, https://arxiv.org/abs/1611.03530
    """
    return Rearrangement(_fixed_order(image.shape[0], image.shape[1], number))


@corruption
def own_pixel_permutation(image: Unit, rng: Draws) -> Warp:
    """Rearrange all pixels, those of each image otherwise.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].

    References
    ----------
    Zhang et al. 2017, https://arxiv.org/abs/1611.03530
    """
    height, width = image.shape[:2]
    return Rearrangement(rng.permutation(height * width).reshape(height, width))


@corruption
def pixel_mask(image: Unit, rng: Draws, *, keep: float) -> Unit:
    """Black out pixels here and there.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    keep : float
        Fraction of the pixels that stay; fewer are worse, 1 leaves the image alone.

    References
    ----------
    Carter et al. 2021, https://arxiv.org/abs/2003.08907, which keeps 5 %; pixels at random are ours.
    """
    kept = rng.random(image.shape[:2]) < keep
    return image * kept[..., None]


@keep_arrays
def _fixed_order(height: int, width: int, number: int) -> Index:
    """Return a rearrangement that depends on its number and the size alone: no recipe's seed changes it."""
    order = rng_for(number, "pixel_permutation", None, f"{height}x{width}").permutation(height * width)
    return np.asarray(order, np.intp).reshape(height, width)
