"""Blur of the instrument, by kernels of a fixed size that shrink with the image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Bytes, Levels, Unit, corruption
from corruptgen.ops.gaussian import gaussian_weights, smooth
from corruptgen.ops.kernels import LARGE_DISK_TAPS, SMALL_DISK, SMALL_DISK_TAPS, correlate, disk
from corruptgen.ops.motion import motion_blurred, trail_offsets, trail_weights
from corruptgen.ops.point_spread import spread_separably, tents
from corruptgen.randomness.draws import Draws


@corruption
def windowed_gaussian_blur(image: Levels, *, taps: int, unit: float) -> Levels:
    """Smooth the image with a Gaussian that is cut off after a few pixels; its width follows from their number.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    taps : int
        Length of the kernel in units, at least 1; more is worse. An even number counts as the odd one below it; the
        standard deviation is 0.15 * taps + 0.35 units.
    unit : float
        Pixels of the image; more is worse. A kernel finer than the pixels is that over the bilinearly interpolated
        image.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    reach = (taps - 1) // 2
    sigma = 0.15 * (2 * reach + 1) + 0.35
    if unit == 1:
        return smooth(image, sigma, truncate=reach / sigma, border="mirror")
    positions = unit * np.arange(-reach, reach + 1, dtype=np.float64)
    return spread_separably(image, tents(positions) @ gaussian_weights(sigma, reach))


@corruption
def disk_blur(image: Unit, *, radius: float, alias_blur: float, unit: float) -> Unit:
    """Spread every point over a disk of whole units, whose edge is smoothed a little.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : float
        Radius of the disk in units; more is worse.
    alias_blur : float
        Standard deviation in units of the smoothing of the disk's edge, which may raise the kernel's sum: a disk of 8
        units gains 1.3 %; 0 is none.
    unit : float
        Pixels of the image; more is worse. A disk finer than the pixels is that over the bilinearly interpolated image.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    kernel = _smoothed(disk(radius, 0), radius, alias_blur)
    if unit == 1:
        return correlate(image, kernel)
    reach = kernel.shape[0] // 2
    onto = tents(unit * np.arange(-reach, reach + 1, dtype=np.float64))
    return correlate(image, onto @ kernel @ onto.T)


@corruption
def trail_blur(image: Bytes, rng: Draws, *, radius: float, sigma: float, quantum: str, unit: float) -> Bytes:
    """Smear the image to one side, by up to 45 degrees from the horizontal, as ImageMagick does.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    radius : float
        Half the length of the trail in units; more is worse, 0 leaves the image alone.
    sigma : float
        Standard deviation in units of the trail's fading; more is worse, 0 leaves the image alone.
    quantum : str
        How ImageMagick's 16-bit values became bytes: "rounded" up to 6.9.10-68, "truncated" since.
    unit : float
        Pixels of the image; more is worse. A trail finer than the pixels is that over the bilinearly interpolated
        image.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    angle = rng.uniform(-45, 45)
    if unit == 1:
        return motion_blurred(image, radius=radius, sigma=sigma, angle=angle, quantum=quantum)
    weights = trail_weights(radius, sigma)
    down, across = (tents(unit * steps.astype(np.float64)) for steps in trail_offsets(weights.size, angle).T)
    blurred = correlate(image.astype(np.float64), (down * weights) @ across.T)
    return np.floor(blurred + 0.5).clip(0, 255).astype(np.uint8)


def _smoothed(kernel: NDArray[np.float32], radius: float, sigma: float) -> NDArray[np.float32]:
    """Smooth with today's OpenCV: it differs from that of 2018 in a last bit, which decides about levels."""
    if sigma == 0:
        return kernel
    taps = SMALL_DISK_TAPS if radius <= SMALL_DISK else LARGE_DISK_TAPS
    return np.asarray(cv2.GaussianBlur(kernel, (taps, taps), sigma))
