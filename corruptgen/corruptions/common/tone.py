"""Brighter, darker, steeper: every value by the same curve."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import LUMA, Arithmetic
from corruptgen.declare import Levels, Pixels, Unit, corruption, fused
from corruptgen.ops.lookup import by_table, sum_of_luma

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


@fused(gain)
def _gain(image: NDArray[np.uint8], arithmetic: Arithmetic, *, factor: float) -> NDArray[np.uint8]:
    return by_table(image, lambda values: gain(values, factor=factor), Pixels.LEVELS, Pixels.LEVELS, arithmetic)


@corruption
def contrast_about_luma(image: Levels, *, factor: float, whole_mean: bool) -> Levels:
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
    mean = _whole(np.floor(luma + 0.5).mean(dtype=np.float64)) if whole_mean else luma.mean(dtype=np.float64)
    return _about(image, mean, factor)


@fused(contrast_about_luma)
def _contrast_about_luma(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, factor: float, whole_mean: bool
) -> NDArray[np.uint8] | None:
    if not whole_mean:
        return None
    mean = _whole(sum_of_luma(image) / (image.shape[0] * image.shape[1]))
    return by_table(image, lambda values: _about(values, mean, factor), Pixels.LEVELS, Pixels.LEVELS, arithmetic)


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


@fused(gamma_correction)
def _gamma_correction(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, gamma: float, excess: float
) -> NDArray[np.uint8]:
    def curve(values: Unit) -> Levels:
        return gamma_correction(values, gamma=gamma, excess=excess)

    return by_table(image, curve, Pixels.UNIT, Pixels.LEVELS, arithmetic)


def _about(values: Levels, mean: float, factor: float) -> Levels:
    return mean + factor * (values - mean)


def _whole(mean: float) -> int:
    return math.floor(mean + 0.5)
