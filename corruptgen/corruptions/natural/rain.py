"""Rain."""

import numpy as np

from corruptgen.corruptions.natural.snow import falling_bytes
from corruptgen.declare import UnitColour, corruption
from corruptgen.ops.colour import opencv_luma
from corruptgen.ops.motion import motion_blurred
from corruptgen.ops.zoom import resized_centre
from corruptgen.randomness.draws import Draws

# The drops let blue through, and no channel goes beyond white.
TINT = np.array([0.5, 0.9, 1.2], np.float32)
# What grey light, and how much more of it, lies behind the drops.
BRIGHTENING, VEIL = 1.3, 0.3


@corruption
def blue_rain(
    image: UnitColour,
    rng: Draws,
    *,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    mix: float,
    quantum: str,
) -> UnitColour:
    """Let blue rain fall across the image, and brighten what lies behind it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    loc : float
        Mean of the normal draws that become drops; more is worse.
    scale : float
        Their standard deviation; more is worse.
    zoom : float
        Magnification of the drops, 1 or above.
    threshold : float
        Draws below it are no drops; less is worse.
    radius : float
        Half the length of the drops' trail in pixels, as in `motion_blur`.
    sigma : float
        Standard deviation in pixels of the trail's fading, as in `motion_blur`.
    mix : float
        Weight of the image against its brightened self; less is worse, 1 does not brighten.
    quantum : str
        How ImageMagick's 16-bit values became bytes, as in `motion_blur`.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark
    """
    drops = falling_bytes(resized_centre(rng.normal(loc, scale, image.shape[:2]), zoom)[..., None], threshold)
    angle = rng.uniform(-120, -60)
    trails = motion_blurred(drops, radius=radius, sigma=sigma, angle=angle, quantum=quantum)
    light = np.clip(trails.astype(np.float32) / np.float32(255) * TINT, 0, 1)
    veil = opencv_luma(image.astype(np.float32))[..., None] * BRIGHTENING + VEIL
    return mix * image + (1 - mix) * np.maximum(image, veil) + light + light[::-1, ::-1]
