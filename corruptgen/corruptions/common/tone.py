"""Brighter, darker, steeper: every value by the same curve."""

import math

import numpy as np

from corruptgen.codecs.pixels import LUMA
from corruptgen.declare import Levels, LevelsPicture, Unit, corruption

LUMA_SHARES = np.array(LUMA) / 65536


@corruption
def gain(image: Levels, *, factor: float) -> Levels:
    """Multiply every value, as a brighter lamp or a longer exposure does.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    factor : float
        Further from 1 is worse: above it brighter, below it darker; 1 leaves the image alone.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    return image * factor


@corruption
def contrast_about_luma(image: LevelsPicture, *, factor: float, whole_mean: bool) -> LevelsPicture:
    """Move every value away from the mean luma of the image, or towards it; all channels about the same mean.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    factor : float
        Factor of the distance from the mean; further from 1 is worse, 1 leaves the image alone.
    whole_mean : bool
        Whether luma and mean are rounded to whole levels of 255 first, as Pillow does.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    luma = image.astype(np.float64) @ LUMA_SHARES if image.shape[2] > 1 else image
    mean = whole_mean_of(np.floor(luma + 0.5).mean(dtype=np.float64)) if whole_mean else luma.mean(dtype=np.float64)
    return spread_about(image, mean, factor)


@corruption
def gamma_correction(image: Unit, *, gamma: float, excess: float) -> Levels:
    """Bend the curve from black to white: every value to a power.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    gamma : float
        The power; further from 1 is worse: above it darker, below it brighter; 1 leaves the image alone.
    excess : float
        By how many levels white lies above 255 before the fraction is cut off; 0 leaves white where it is.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    return (255 + excess) * image**gamma


def spread_about(values: Levels, mean: float, factor: float) -> Levels:
    """Return values `factor` times as far from the mean."""
    return mean + factor * (values - mean)


def whole_mean_of(mean: float) -> int:
    """Return a mean rounded to a whole level, half up."""
    return math.floor(mean + 0.5)
