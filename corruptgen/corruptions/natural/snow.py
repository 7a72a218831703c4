"""Snow."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.declare import UnitColour, corruption, fused
from corruptgen.fast.flakes import blown_flakes, drawn_flakes, magnified_centre, zoomed_part
from corruptgen.fast.snowfall import settled, snowed_over
from corruptgen.ops.colour import luma
from corruptgen.ops.motion import motion_blurred, smear_unnormalised
from corruptgen.ops.zoom import magnified, zoomed
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.stream import Stream


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
        How ImageMagick's 16-bit values became bytes: "rounded" up to 6.9.10-68, "truncated" since.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    falling = _fallen(image.shape, rng, loc, scale, zoom, threshold, radius, sigma, quantum)

    whitened = np.maximum(image, luma(image)[..., None] * 1.5 + 0.5)
    return mix * image + (1 - mix) * whitened + falling + falling[::-1, ::-1]


@fused(snow)
def _snow(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    mix: float,
    quantum: str,
) -> NDArray[np.uint8] | None:
    if arithmetic.precision != "float32" or not 0 <= mix <= 1 or threshold <= 0:
        return None
    shape = (image.shape[0], image.shape[1])
    seen = zoomed_part(*shape, zoom)
    if seen.leaves_part:
        return None
    flakes = drawn_flakes(shape, rng, float(loc), float(scale), seen, float(threshold))[..., None]
    falling = motion_blurred(flakes, radius=radius, sigma=sigma, angle=rng.uniform(-135, -45), quantum=quantum)
    return snowed_over(image, luma, falling[..., 0], mix, arithmetic)


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
        Half the length of the flakes' trail in pixels, as in `motion_blur_unnormalised`.
    sigma : float
        Standard deviation in pixels of the trail's fading, as in `motion_blur_unnormalised`.
    mix : float
        Weight of the image against its whitened self; less is worse, 1 does not whiten.

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    flakes = _blown(image.shape, rng, loc, scale, zoom, threshold, radius, sigma)
    whitened = np.maximum(image, _grey(image.astype(np.float32))[..., None] * 1.5 + 0.5)
    return mix * image + (1 - mix) * whitened + flakes + flakes[::-1, ::-1]


@fused(snow_unquantised)
def _snow_unquantised(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    mix: float,
) -> NDArray[np.uint8] | None:
    if arithmetic.precision != "float32" or not 0 <= mix <= 1 or threshold <= 0:
        return None
    shape = (image.shape[0], image.shape[1])
    seen = magnified_centre(*shape, zoom)
    if seen.leaves_part:
        return None
    flakes = blown_flakes(shape, rng, float(loc), float(scale), seen, float(threshold), radius, sigma)
    return snowed_over(image, _grey, flakes, mix, arithmetic)


def _fallen(
    shape: tuple[int, ...],
    rng: Draws,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    quantum: str,
) -> NDArray[np.float64]:
    """Draw the flakes of `snow`: (H, W, 1), in steps of 1/255."""
    layer = settled(zoomed(rng.normal(loc, scale, shape[:2])[..., None], zoom), threshold)
    angle = rng.uniform(-135, -45)
    flakes = (layer * 255).astype(np.uint8)
    return motion_blurred(flakes, radius=radius, sigma=sigma, angle=angle, quantum=quantum) / 255


def _blown(
    shape: tuple[int, ...],
    rng: Draws,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
) -> NDArray[np.float64]:
    """Draw the flakes of `snow_unquantised`: (H, W, 1), in steps of 1/255."""
    height, width = shape[:2]
    draws = rng.normal(loc, scale, (height, width))[..., None]
    tall, wide = math.ceil(height / zoom), math.ceil(width / zoom)
    top, left = (height - tall) // 2, (width - wide) // 2
    layer = settled(magnified(draws[top : top + tall, left : left + wide], zoom), threshold)
    falling = smear_unnormalised(layer, radius=radius, sigma=sigma, angle=rng.uniform(-135, -45))
    return np.rint(falling[:height, :width] * 255) / 255


def _grey(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return OpenCV's own luma: its last bit decides about a level of flat areas."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
