"""Snow."""

import math

import cv2
import numpy as np

from corruptgen.declare import UnitColour, corruption
from corruptgen.imaging.colour import luma
from corruptgen.imaging.motion import motion_blurred, smear_unnormalised
from corruptgen.imaging.zoom import magnified, zoomed
from corruptgen.randomness.draws import Draws


@corruption
def snow(
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
    """Let snow fall across the image, flakes blurred by their motion, and whiten what lies behind them.

    Parameters
    ----------
    image : (H, W, 3) float in [0, 1]
    loc : mean of the normal draws that become flakes; more is worse
    scale : their standard deviation; more is worse
    zoom : magnification of the flakes, 1 or above
    threshold : draws below it are no flakes; less is worse
    radius : half the length of the flakes' trail in pixels, as in `motion_blur`
    sigma : standard deviation in pixels of the trail's fading, as in `motion_blur`
    mix : weight of the image against its whitened self; less is worse, 1 does not whiten
    quantum : how ImageMagick's 16-bit values became bytes: "rounded" up to 6.9.10-68, "truncated" since

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    height, width = image.shape[:2]
    layer = zoomed(rng.normal(loc, scale, (height, width))[..., None], zoom)
    layer[layer < threshold] = 0
    flakes = (np.clip(layer, 0, 1) * 255).astype(np.uint8)
    angle = rng.uniform(-135, -45)
    falling = motion_blurred(flakes, radius=radius, sigma=sigma, angle=angle, quantum=quantum) / 255

    whitened = np.maximum(image, luma(image)[..., None] * 1.5 + 0.5)
    return mix * image + (1 - mix) * whitened + falling + falling[::-1, ::-1]


@corruption
def snow_unquantised(
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
) -> UnitColour:
    """Let snow fall as `snow` does, with a layer of flakes that becomes whole numbers only after it was blurred.

    The layer is blurred while it is still larger than the image, whose place is then its upper left corner.

    Parameters
    ----------
    image : (H, W, 3) float in [0, 1]
    loc : mean of the normal draws that become flakes; more is worse
    scale : their standard deviation; more is worse
    zoom : magnification of the flakes, 1 or above
    threshold : draws below it are no flakes; less is worse
    radius : half the length of the flakes' trail in pixels, as in `motion_blur_unnormalised`
    sigma : standard deviation in pixels of the trail's fading, as in `motion_blur_unnormalised`
    mix : weight of the image against its whitened self; less is worse, 1 does not whiten

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    height, width = image.shape[:2]
    draws = rng.normal(loc, scale, (height, width))[..., None]
    tall, wide = math.ceil(height / zoom), math.ceil(width / zoom)
    top, left = (height - tall) // 2, (width - wide) // 2
    layer = magnified(draws[top : top + tall, left : left + wide], zoom)
    layer[layer < threshold] = 0
    falling = smear_unnormalised(np.clip(layer, 0, 1), radius=radius, sigma=sigma, angle=rng.uniform(-135, -45))
    flakes = (np.rint(falling * 255) / 255)[:height, :width]

    # OpenCV's own luma: its last bit decides about a level of flat areas.
    grey = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
    whitened = np.maximum(image, grey * 1.5 + 0.5)
    return mix * image + (1 - mix) * whitened + flakes + flakes[::-1, ::-1]
