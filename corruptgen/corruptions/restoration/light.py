"""Too little light, and the noise that comes with it."""

import numpy as np

from corruptgen.declare import Plane, Unit, UnitColour, corruption
from corruptgen.ops.colour import first_channel
from corruptgen.ops.guided import guided_filter
from corruptgen.randomness.draws import Draws

# Of red, green and blue in the grey picture.
GREY = np.array([0.299, 0.587, 0.114])
# Keeps what is divided by the light finite.
LEAST_LIGHT = 1e-7


@corruption
def low_light(image: Unit, *, gamma: float, gain: float) -> Unit:
    """Take a photograph with too little light: shadows close, and white becomes grey.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    gamma : float
        Exponent of every value; more is worse, 1 leaves the image alone.
    gain : float
        What white becomes, as a fraction of full scale; less is worse, 1 leaves the image alone.

    References
    ----------
    Qin et al. 2024 (RAM), https://arxiv.org/abs/2409.19403
    """
    return gain * image**gamma


@corruption
def relit_scene(
    image: UnitColour,
    rng: Draws,
    light: Plane,
    *,
    least_power: float,
    most_power: float,
    least_noise: float,
    most_noise: float,
    side: int,
    regularisation: float,
    blue_first: bool,
) -> UnitColour:
    """Divide the image by the light that falls on it, and light it again by a power of that, with noise.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    light : Plane
        How much light falls on each pixel, a fraction of full scale.
    least_power : float
        Least power; more is worse, 1 leaves the light alone.
    most_power : float
        The largest one.
    least_noise : float
        Least standard deviation of the noise, as a fraction of full scale; more is worse.
    most_noise : float
        The largest one.
    side : int
        Side in pixels of the windows of the guided filter that makes the light of the grey picture and the map.
    regularisation : float
        Of that filter.
    blue_first : bool
        Whether red and blue have each other's weight in the grey picture, as where blue comes first in files and a
        program takes it for red.

    References
    ----------
    Guo et al. 2024 (OneRestore), https://arxiv.org/abs/2407.04621
    """
    grey = image @ (GREY[::-1] if blue_first else GREY)
    falling = guided_filter(grey, first_channel(light), side, regularisation)[..., None] + LEAST_LIGHT
    noise = rng.uniform(least_noise, most_noise)
    dimmed = falling ** rng.uniform(least_power, most_power)
    # What follows is added to what the camera has recorded, which neither is below black nor above white.
    return np.clip(image / falling * dimmed + rng.normal(0, noise, image.shape), 0, 1)
