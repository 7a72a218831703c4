"""Noise on the luminance at low contrast, the same in all channels."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.corruptions.perception.luminance import lower_contrast
from corruptgen.declare import UnitPicture, corruption
from corruptgen.ops.colour import in_channels, luminance
from corruptgen.randomness.draws import Draws


@corruption
def grey_uniform_noise(image: UnitPicture, rng: Draws, *, contrast_share: float, width: float) -> UnitPicture:
    """Add noise between two bounds to the luminance at low contrast.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour.
    contrast_share : float
        Of the contrast that is left before, so that the noise is seldom cut off at black and white.
    width : float
        The bounds, to either side, as a fraction of full scale; more is worse, 0 adds nothing.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    grey = lower_contrast(luminance(image), contrast_share)
    return in_channels(add_uniform_noise(grey, rng, width), image.shape[2])


@corruption
def grey_salt_and_pepper(image: UnitPicture, rng: Draws, *, contrast_share: float, amount: float) -> UnitPicture:
    """Turn pixels of the luminance at low contrast black or white.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour.
    contrast_share : float
        Of the contrast that is left before.
    amount : float
        Fraction of the pixels that are hit, half of them white; more is worse, 0 hits none.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    grey = lower_contrast(luminance(image), contrast_share)
    return in_channels(strew_salt_and_pepper(grey, rng, amount), image.shape[2])


def add_uniform_noise(grey: NDArray[np.float64], rng: Draws, width: float) -> NDArray[np.float64]:
    """Add to each sample of a plane a number between two bounds."""
    return grey + rng.uniform(-width, width, grey.shape)


def strew_salt_and_pepper(grey: NDArray[np.float64], rng: Draws, amount: float) -> NDArray[np.float64]:
    """Return a plane in which an amount of the samples is black or white."""
    drawn = rng.uniform(0.0, 1.0, grey.shape)
    return np.where(drawn >= 1 - amount / 2, 1.0, np.where(drawn < amount / 2, 0.0, grey))
