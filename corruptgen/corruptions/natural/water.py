"""Under water."""

import cv2
import numpy as np

from corruptgen.declare import BytesColour, UnitColour, corruption
from corruptgen.ops.point_spread import gaussian_spread, spread_separably

# Weights of the image and of the haze.
SEEN, HAZED = 0.85, 0.15
# How much of red, green and blue light a depth of 1 takes, the colour of the water itself, and how fast it closes in.
ABSORPTION = np.array([1.0, 0.32, 0.2], np.float32)
WATER = np.array([0.03, 0.33, 0.4], np.float32)
SCATTERING = 0.5


@corruption
def swapped_underwater(image: BytesColour, *, blue: float, side: int, contrast: float, haze: int) -> BytesColour:
    """Look through water: red and blue change places, less blue, a blur, less light, and grey haze.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    blue : float
        Factor of what was blue; less is worse.
    side : int
        Side of the Gaussian kernel in pixels, an odd number; more is worse.
    contrast : float
        Factor of all light; less is worse.
    haze : int
        Grey level of the haze; more is worse.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark
    """
    # The channels that the original means to exchange for a library stay exchanged.
    swapped = np.ascontiguousarray(image[..., ::-1])
    swapped[..., 0] = (swapped[..., 0] * np.float32(blue)).astype(np.uint8)
    dimmed = cv2.convertScaleAbs(cv2.GaussianBlur(swapped, (side, side), 0), alpha=contrast, beta=0)
    return np.asarray(cv2.addWeighted(dimmed, SEEN, np.full_like(dimmed, haze), HAZED, 0), np.uint8)


@corruption
def under_water(image: UnitColour, *, depth: float, blur: float) -> UnitColour:
    """Look through water, which takes red light first, blurs, and has a colour of its own.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    depth : float
        Optical depth of the water for red light; more is worse, 0 leaves the colours alone.
    blur : float
        Standard deviation in pixels of the blur; more is worse, 0 blurs nothing.

    References
    ----------
    Akkaynak & Treibitz 2018, https://doi.org/10.1109/CVPR.2018.00703: what is seen fades, and the light of the water
    comes in its place, at rates of their own. The numbers are ours.
    """
    seen = spread_separably(image, gaussian_spread(blur))
    passed, closed = np.exp(-np.float32(depth) * ABSORPTION), np.float32(1 - np.exp(-SCATTERING * depth))
    return seen * passed + WATER * closed
