"""What a sensor adds by counting, and single values that it got wrong."""

import numpy as np

from corruptgen.declare import Unit, corruption
from corruptgen.randomness.draws import Draws


@corruption
def photon_noise(image: Unit, rng: Draws, *, noise: float) -> Unit:
    """Count photons: every value becomes a Poisson draw of that expectation.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    noise : float
        Standard deviation of a white value as a fraction of full scale, so that white is made of 1 / noise**2 photons;
        more is worse, 0 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261, whose parameter is the number of photons.
    """
    if noise == 0:
        return image
    photons = 1 / noise**2
    return rng.poisson(image * photons) / photons


@corruption
def salt_and_pepper(image: Unit, rng: Draws, *, amount: float) -> Unit:
    """Turn a fixed share of the values white and as many black, each channel by itself.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    amount : float
        Fraction of the values that are hit; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours: one draw per value; the lowest draws turn white, the highest black. So no image is hit more than another.
    """
    draws = rng.random(image.shape)
    hits = round(amount * draws.size)
    white, black = (hits + 1) // 2, hits // 2
    if hits == 0:
        return image
    ordered = np.partition(draws.ravel(), (white - 1, draws.size - max(black, 1)))
    result = np.where(draws <= ordered[white - 1], image.dtype.type(1), image)
    return np.where(draws >= ordered[draws.size - black], image.dtype.type(0), result) if black else result
