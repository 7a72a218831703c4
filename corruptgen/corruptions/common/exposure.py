"""Too much light, too little contrast, too much or too little colour."""

import numpy as np

from corruptgen.declare import Unit, UnitColour, corruption
from corruptgen.ops.colour import hsv_from_rgb, rgb_from_hsv


@corruption
def brightness(image: UnitColour, *, offset: float) -> UnitColour:
    """Raise the value of every pixel in the HSV space.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    offset : float
        Added to the value, as a fraction of full scale; more is worse, 0 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    hsv = hsv_from_rgb(image)
    hsv[..., 2] = np.clip(hsv[..., 2] + offset, 0, 1)
    return rgb_from_hsv(hsv)


@corruption
def contrast(image: Unit, *, factor: float) -> Unit:
    """Pull every channel towards its mean over the image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    factor : float
        Factor by which the distance from the mean is multiplied; less is worse, 1 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    means = image.mean(axis=(0, 1), keepdims=True)
    return (image - means) * factor + means


@corruption
def saturate(image: UnitColour, *, factor: float, offset: float) -> UnitColour:
    """Multiply the saturation of every pixel in the HSV space, and add to it.

    A grey pixel has hue 0, so that an offset turns it reddish.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    factor : float
        Factor of the saturation; further from 1 is worse.
    offset : float
        Added to the saturation; more is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    hsv = hsv_from_rgb(image)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + offset, 0, 1)
    return rgb_from_hsv(hsv)


@corruption
def hue_rotation(image: UnitColour, *, turn: float) -> UnitColour:
    """Turn the hue of every pixel in the HSV space.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    turn : float
        Part of the whole circle, added to the hue; more is worse up to 0.5, 0 leaves the image alone.

    References
    ----------
    Zhang et al. 2022, https://arxiv.org/abs/2206.14973
    """
    hsv = hsv_from_rgb(image)
    hue = hsv[..., 0] + turn
    hsv[..., 0] = np.where(hue > 1, hue - 1, hue)
    return rgb_from_hsv(hsv)
