"""Lenses out of focus, panes of rough glass, a hand that shakes: for images of any size, down to parts of a pixel."""

import math

import numpy as np

from corruptgen.declare import Unit, corruption
from corruptgen.ops.gathers import displaced
from corruptgen.ops.point_spread import disk_spread, gaussian_spread, line_spread, spread, spread_separably
from corruptgen.patterns.streaks import radial_streaks
from corruptgen.randomness.draws import Draws


@corruption
def aperture_blur(image: Unit, *, radius: float) -> Unit:
    """Put the lens out of focus: every point becomes an even disk with a smooth edge.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : float
        Radius of the disk in pixels, fractions allowed; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours: the mean of the bilinearly interpolated image over the disk, so that no light is gained or lost.
    """
    return spread(image, disk_spread(radius))


@corruption
def soft_focus(image: Unit, *, sigma: float) -> Unit:
    """Smooth with a Gaussian, which works below a pixel too.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    sigma : float
        Standard deviation in pixels; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours: the mean of the bilinearly interpolated image under the Gaussian.
    """
    return spread_separably(image, gaussian_spread(sigma))


@corruption
def rough_glass(image: Unit, rng: Draws, *, grain: float, reach: float, softness: float) -> Unit:
    """Look through a pane of rough glass, each grain of which shows the image from a little beside.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    grain : float
        Side of a grain in pixels; a grain smaller than a pixel is a pixel.
    reach : float
        Largest displacement in pixels along each axis; more is worse, 0 moves nothing.
    softness : float
        Standard deviation in pixels of a Gaussian before and after; more is worse, 0 smooths nothing.

    References
    ----------
    Ours, after the idea of Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261; displacements are uniform
    in [-reach, reach], bilinear, and independent of each other.
    """
    height, width = image.shape[:2]
    side = max(grain, 1.0)
    moves = rng.uniform(-reach, reach, (2, math.ceil(height / side), math.ceil(width / side)))
    rows, columns = (np.arange(length) / side for length in (height, width))
    down, right = moves[:, rows.astype(np.int64)[:, None], columns.astype(np.int64)]

    weights = gaussian_spread(softness)
    scattered = displaced(spread_separably(image, weights), down, right, border="reflect")
    return spread_separably(scattered, weights)


@corruption
def camera_shake(image: Unit, rng: Draws, *, length: float) -> Unit:
    """Move the camera on a straight line, in a random direction, while the shutter is open.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    length : float
        Length of the trail in pixels, half of it to either side; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours: the mean of the bilinearly interpolated image over the line.
    """
    return spread(image, line_spread(length, rng.uniform(0, math.pi)))


@corruption
def wind_shake(image: Unit, rng: Draws, *, length: float) -> Unit:
    """Let the wind move the camera to and fro while the shutter is open, at most 45 degrees from the horizontal.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    length : float
        Length of the trail in pixels, half of it to either side; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours: the mean of the bilinearly interpolated image over the line.
    """
    return spread(image, line_spread(length, rng.uniform(-math.pi / 4, math.pi / 4)))


@corruption
def zoom_streaks(image: Unit, *, reach: float) -> Unit:
    """Turn the zoom ring towards the middle of the image while the shutter is open.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    reach : float
        The last zoom less 1; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours, after the idea of Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261; every zoom weighs the same.
    """
    return radial_streaks(image, reach)
