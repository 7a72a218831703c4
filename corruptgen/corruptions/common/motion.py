"""Blur that comes from movement while the shutter is open."""

import numpy as np

from corruptgen.declare import Bytes, Levels, Unit, corruption
from corruptgen.ops.motion import motion_blurred, smear_unnormalised
from corruptgen.ops.zoom import zoomed
from corruptgen.randomness.draws import Draws


@corruption
def motion_blur(image: Bytes, rng: Draws, *, radius: float, sigma: float, quantum: str) -> Bytes:
    """Smear the image to one side, by up to 45 degrees from the horizontal, as ImageMagick does.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    radius : float
        Half the length of the trail in pixels; more is worse, 0 leaves the image alone.
    sigma : float
        Standard deviation in pixels of the trail's fading; more is worse, 0 leaves the image alone.
    quantum : str
        How ImageMagick's 16-bit values became bytes: "rounded" up to 6.9.10-68, "truncated" since.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    angle = rng.uniform(-45, 45)
    return motion_blurred(image, radius=radius, sigma=sigma, angle=angle, quantum=quantum)


@corruption
def zoom_blur(image: Unit, *, end: float, step: float) -> Unit:
    """Average the image with magnified copies of itself, as if the camera had moved forward.

    The first copy is not magnified: the clean image counts twice.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    end : float
        The largest magnification, which is or is not reached as numpy.arange's rounding has it; more is worse, 1 leaves
        the image alone.
    step : float
        Step between magnifications.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    factors = np.arange(1, end, step)
    layers = np.zeros_like(image)
    for factor in factors:
        layers += zoomed(image, factor)
    return (image + layers) / (len(factors) + 1)


@corruption
def motion_blur_unnormalised(image: Levels, rng: Draws, *, radius: float, sigma: float) -> Levels:
    """Smear the image to one side, by up to 45 degrees from the horizontal, losing the light that leaves a small image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    radius : float
        Half the length of the trail in pixels; more is worse, 0 leaves the image alone.
    sigma : float
        Standard deviation in pixels of the trail's fading; more is worse, 0 leaves the image alone.

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    return smear_unnormalised(image, radius=radius, sigma=sigma, angle=rng.uniform(-45, 45))
