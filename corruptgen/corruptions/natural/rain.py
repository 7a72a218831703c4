"""Rain."""

import numpy as np
from numpy.typing import NDArray

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
    drops = falling_layer(rng, image.shape, loc, scale, zoom, threshold)
    angle = rng.uniform(-120, -60)
    trails = motion_blurred(drops, radius=radius, sigma=sigma, angle=angle, quantum=quantum)
    light = np.clip(trails.astype(np.float32) / np.float32(255) * TINT, 0, 1)
    veil = opencv_luma(image.astype(np.float32))[..., None] * BRIGHTENING + VEIL
    return mix * image + (1 - mix) * np.maximum(image, veil) + light + light[::-1, ::-1]


@corruption
def resized_snow(
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
    """Let snow fall as `snow` does, with flakes that OpenCV has magnified.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    loc : float
        Mean of the normal draws that become flakes; more is worse.
    scale : float
        Their standard deviation; more is worse.
    zoom : float
        Magnification of the flakes, 1 or above.
    threshold : float
        Draws below it are no flakes; less is worse.
    radius : float
        Half the length of the flakes' trail in pixels, as in `motion_blur`.
    sigma : float
        Standard deviation in pixels of the trail's fading, as in `motion_blur`.
    mix : float
        Weight of the image against its whitened self; less is worse, 1 does not whiten.
    quantum : str
        How ImageMagick's 16-bit values became bytes, as in `motion_blur`.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark
    """
    flakes = falling_layer(rng, image.shape, loc, scale, zoom, threshold)
    angle = rng.uniform(-135, -45)
    falling = motion_blurred(flakes, radius=radius, sigma=sigma, angle=angle, quantum=quantum) / 255
    whitened = np.maximum(image, opencv_luma(image.astype(np.float32))[..., None] * 1.5 + 0.5)
    return mix * image + (1 - mix) * whitened + falling + falling[::-1, ::-1]


def falling_layer(
    rng: Draws, shape: tuple[int, ...], loc: float, scale: float, zoom: float, threshold: float
) -> NDArray[np.uint8]:
    """Draw drops or flakes, (H, W, 1) bytes, before they fall."""
    layer = resized_centre(rng.normal(loc, scale, shape[:2]), zoom)
    return (np.clip(np.where(layer < threshold, 0, layer), 0, 1) * 255).astype(np.uint8)[..., None]
