"""Too little light for a sensor: it counts few photons, and adds noise of its own."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Bytes, Unit, corruption
from corruptgen.ops.colour import highest_bits
from corruptgen.randomness.draws import Draws


@corruption
def counted_light(image: Unit, rng: Draws, *, photons: float, sigma: float) -> Unit:
    """Count photons, then add normal noise of the sensor.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    photons : float
        Of a white sample; fewer is worse.
    sigma : float
        Standard deviation of the noise, as a fraction of full scale; more is worse.

    References
    ----------
    Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441
    """
    return count_light(rng.poisson(photons * image), photons) + rng.normal(0, sigma, image.shape)


@corruption
def dark_exposure(image: Unit, rng: Draws, *, peak: float, photons: float, sigma: float) -> Unit:
    """Take the image in low light: stretch, darken by a square law, and add the noise of a sensor.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    peak : float
        What the brightest sample becomes, as a fraction of full scale; less is worse.
    photons : float
        Of a white sample; fewer is worse.
    sigma : float
        Standard deviation of the sensor's noise, as a fraction of full scale; more is worse.

    References
    ----------
    Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441. The original raises an error for images
    of one value, which are black here.
    """
    return counted_light(expose_darkly(image, peak), rng, photons=photons, sigma=sigma)


@corruption
def kept_bits(image: Bytes, *, bits: int) -> Bytes:
    """Keep the highest bits of each sample and make the others 0.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        The samples.
    bits : int
        How many are kept, 1 to 8; fewer is worse.

    References
    ----------
    Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441
    """
    return highest_bits(image, bits)


def count_light(counts: NDArray[np.integer], photons: float) -> NDArray[np.floating]:
    """Return what counted photons are in full scales, of which `photons` are 1."""
    # The original stores levels in between, and the way there and back decides last bits.
    return np.clip(counts / photons, 0, 1) * 255 / 255


def expose_darkly(image: NDArray[np.floating], peak: float) -> NDArray[np.floating]:
    """Stretch an image from black to white, and darken it by a square law."""
    darkest, brightest = image.min(), image.max()
    return ((image - darkest) / (brightest - darkest if brightest > darkest else 1)) ** 2 * peak
