"""Snow."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import UnitColour, corruption
from corruptgen.ops.colour import luma, opencv_luma
from corruptgen.ops.motion import motion_blurred, smear_unnormalised
from corruptgen.ops.zoom import magnified, resized_centre, zoomed
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
    layer = zoomed(rng.normal(loc, scale, image.shape[:2])[..., None], zoom)
    falling = _fallen(layer, rng, threshold, radius, sigma, quantum)

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
    whitened = np.maximum(image, opencv_luma(image.astype(np.float32))[..., None] * 1.5 + 0.5)
    return mix * image + (1 - mix) * whitened + flakes + flakes[::-1, ::-1]


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
    layer = resized_centre(rng.normal(loc, scale, image.shape[:2]), zoom)[..., None]
    falling = _fallen(layer, rng, threshold, radius, sigma, quantum)
    whitened = np.maximum(image, opencv_luma(image.astype(np.float32))[..., None] * 1.5 + 0.5)
    return mix * image + (1 - mix) * whitened + falling + falling[::-1, ::-1]


def falling_bytes(layer: NDArray[np.float64], threshold: float) -> NDArray[np.uint8]:
    """Return a layer of flakes or drops, (H, W, 1), before they fall: below `threshold` there is none."""
    return (_without_thin(layer, threshold) * 255).astype(np.uint8)


def _fallen(
    layer: NDArray[np.float64], rng: Draws, threshold: float, radius: float, sigma: float, quantum: str
) -> NDArray[np.float64]:
    """Let the flakes of a layer fall: (H, W, 1), in steps of 1/255."""
    angle, flakes = rng.uniform(-135, -45), falling_bytes(layer, threshold)
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
    layer = _without_thin(magnified(draws[top : top + tall, left : left + wide], zoom), threshold)
    falling = smear_unnormalised(layer, radius=radius, sigma=sigma, angle=rng.uniform(-135, -45))
    return np.rint(falling[:height, :width] * 255) / 255


def _without_thin(layer: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Return a layer of flakes in [0, 1]: below `threshold` there is none."""
    return np.where(layer < threshold, 0.0, np.clip(layer, 0.0, 1.0))
