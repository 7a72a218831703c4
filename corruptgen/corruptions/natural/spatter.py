"""Drops of water and mud on the lens."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import UnitColour, corruption
from corruptgen.ops.gaussian import smooth, smooth_separably
from corruptgen.patterns.lenses import drop_depth
from corruptgen.randomness.draws import Draws

WATER = np.array([175, 238, 238]) / 255
MUD = np.array([63, 42, 20]) / 255
# Mud thinner than this is left out.
THINNEST_MUD = 0.8


@corruption
def spatter_rain(
    image: UnitColour, rng: Draws, *, loc: float, scale: float, sigma: float, threshold: float, strength: float
) -> UnitColour:
    """Put drops of rain on the lens, brighter towards one edge.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    loc : float
        Mean of the normal draws that become water; more is worse.
    scale : float
        Their standard deviation; more is worse.
    sigma : float
        Standard deviation in pixels of their smoothing: the size of the drops.
    threshold : float
        What lies below is no water; less is worse.
    strength : float
        Brightness of the drops as a fraction of full scale; more is worse, 0 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    liquid = _liquid(image, rng, loc, scale, sigma)
    liquid[liquid < threshold] = 0
    # Above full scale the original's conversion starts again from black.
    water = (liquid * 255).astype(np.int64).astype(np.uint8)
    depth = drop_depth(water).astype(np.float32) * water
    deepest = depth.max()
    # Without any drop the original divides by zero and returns a black image; it never happened in the release.
    if deepest == 0:
        return image
    depth /= deepest
    depth *= np.float32(strength)
    return image + depth[..., None] * WATER.astype(np.float32)


@corruption
def spatter_mud(
    image: UnitColour, rng: Draws, *, loc: float, scale: float, sigma: float, threshold: float, softness: float
) -> UnitColour:
    """Put spots of mud on the lens.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    loc : float
        Mean of the normal draws that become mud; more is worse.
    scale : float
        Their standard deviation; more is worse.
    sigma : float
        Standard deviation in pixels of their smoothing: the size of the spots.
    threshold : float
        What lies below is no mud; less is worse.
    softness : float
        Standard deviation in pixels by which the spots are smoothed; more removes the small ones.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    spots = _liquid(image, rng, loc, scale, sigma) > threshold
    cover = smooth(spots.astype(np.float64), softness)
    cover[cover < THINNEST_MUD] = 0
    cover = cover[..., None]
    colour = (MUD.astype(np.float32) * cover).astype(image.dtype)
    return (image * (1 - cover)).astype(image.dtype) + colour


@corruption
def spatter_mud_in_single(
    image: UnitColour, rng: Draws, *, loc: float, scale: float, sigma: float, threshold: float, softness: float
) -> UnitColour:
    """Put spots of mud on the lens as `spatter_mud` does, with a cover that is smoothed in single precision.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    loc : float
        Mean of the normal draws that become mud; more is worse.
    scale : float
        Their standard deviation; more is worse.
    sigma : float
        Standard deviation in pixels of their smoothing: the size of the spots.
    threshold : float
        What lies below is no mud; less is worse.
    softness : float
        Standard deviation in pixels by which the spots are smoothed; more removes the small ones.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark, with scikit-image of today
    """
    spots = (_liquid(image, rng, loc, scale, sigma) > threshold).astype(np.float32)
    # Rounded after the columns too.
    columns = smooth_separably(spots, softness, 0).astype(np.float32)
    cover = smooth_separably(columns, 0, softness).astype(np.float32)
    cover[cover < THINNEST_MUD] = 0
    cover = cover[..., None]
    return image * (1 - cover) + MUD.astype(np.float32) * cover


def _liquid(image: NDArray[Any], rng: Draws, loc: float, scale: float, sigma: float) -> NDArray[np.float64]:
    return smooth(rng.normal(loc, scale, image.shape[:2]), sigma)
