"""Colour fringes of lenses, and what takes away that they give the place in the image away."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import UnitColour, corruption
from corruptgen.ops.gathers import displaced
from corruptgen.randomness.draws import Draws

# Green against magenta, the axis along which lenses part colours.
FRINGE = np.array([-1.0, 2.0, -1.0])
NOISE_SHARE = 0.01


@corruption
def chromatic_aberration(image: UnitColour, *, strength: float) -> UnitColour:
    """Magnify red and shrink blue about the middle of the image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    strength : float
        By which fraction; more is worse, 0 leaves the image alone.

    References
    ----------
    Doersch, Gupta & Efros 2015, https://arxiv.org/abs/1505.05192, for what it does; strengths are ours.
    """
    red, green, blue = np.split(image, 3, axis=2)
    return np.concatenate([_magnify(red, 1 + strength), green, _magnify(blue, 1 - strength)], axis=2)


@corruption
def fringe_projection(image: UnitColour) -> UnitColour:
    """Take away the colours along which lenses make fringes, from green to magenta.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].

    References
    ----------
    Doersch, Gupta & Efros 2015, https://arxiv.org/abs/1505.05192
    """
    projection = np.eye(3) - np.outer(FRINGE, FRINGE) / (FRINGE @ FRINGE)
    return image @ projection.astype(image.dtype)


@corruption
def colour_drop(image: UnitColour, rng: Draws, *, mean: float) -> UnitColour:
    """Keep one channel, and put faint noise in the place of the other two.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    mean : float
        Of the noise: the mean that a model takes off. Its deviation is a hundredth of that of the channel that stays.

    References
    ----------
    Doersch, Gupta & Efros 2015, https://arxiv.org/abs/1505.05192
    """
    kept = int(rng.integers(3))
    noise = mean + NOISE_SHARE * image[..., kept].std() * rng.standard_normal(image.shape)
    noise[..., kept] = image[..., kept]
    return noise


def _magnify(channel: NDArray[Any], factor: float) -> NDArray[Any]:
    """Magnify an (H, W, 1) channel about its middle."""
    height, width = channel.shape[:2]
    down, right = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    return displaced(channel, down * (1 / factor - 1), right * (1 / factor - 1), border="reflect")
