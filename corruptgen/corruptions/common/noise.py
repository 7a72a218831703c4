"""Noise of the sensor: values that stray, by chance, from what the lens gave."""

import numpy as np

from corruptgen.declare import Unit, corruption
from corruptgen.patterns.squares import random_square
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.impulses import SALT, UNTOUCHED, draw_impulses


@corruption
def gaussian_noise(image: Unit, rng: Draws, *, sigma: float) -> Unit:
    """Add independent normal noise to every value, as a sensor does in poor light.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    sigma : float
        Standard deviation as a fraction of full scale; more is worse, 0 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    return image + sigma * rng.standard_normal(image.shape)


@corruption
def shot_noise(image: Unit, rng: Draws, *, photons: float) -> Unit:
    """Count photons: every value becomes a Poisson draw of that expectation.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    photons : float
        Expected count of a white value; fewer is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    return rng.poisson(image * photons) / photons


@corruption
def impulse_noise(image: Unit, rng: Draws, *, amount: float) -> Unit:
    """Turn some values black or white, each channel by itself, so that the specks are coloured.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    amount : float
        Fraction of the values that are hit; more is worse, 0 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    marks = draw_impulses(rng, image.shape, amount)
    return np.where(marks == UNTOUCHED, image, marks == SALT)


@corruption
def speckle_noise(image: Unit, rng: Draws, *, sigma: float) -> Unit:
    """Add normal noise in proportion to every value, so that the dark parts stay clean.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    sigma : float
        Standard deviation as a fraction of the value itself; more is worse, 0 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    return image + image * (sigma * rng.standard_normal(image.shape))


@corruption
def patch_gaussian(image: Unit, rng: Draws, *, width: float, sigma: float) -> Unit:
    """Add independent normal noise to every value within one square, and leave the rest as it is.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    width : float
        Side of the square in pixels; more is worse. Its centre is any pixel, and what lies beyond the border is cut
        off.
    sigma : float
        Standard deviation as a fraction of full scale; more is worse, 0 leaves the image alone.

    References
    ----------
    Lopes et al. 2019, https://arxiv.org/abs/1906.02611
    """
    square = random_square(image.shape, width, rng)
    # Drawn for all of the image, so that squares of any size share their noise.
    noise = rng.standard_normal(image.shape)
    result = np.array(image, np.result_type(image, noise))
    result[square] += sigma * noise[square]
    return result
