"""Haze, rain and snow: by maps that are given with the image, or without any."""

import math

import cv2
import numpy as np

from corruptgen.declare import Plane, Unit, corruption
from corruptgen.patterns.layers import averaged, fineness
from corruptgen.patterns.scattering import even_steps, first_things
from corruptgen.patterns.specks import draw_trails
from corruptgen.randomness.draws import Draws

# The wind blows the rain at most this many radians from the vertical, and each drop a little differently.
WIND = 0.5
GUST = 0.06


@corruption
def mapped_haze(
    image: Unit,
    rng: Draws,
    depth: Plane,
    *,
    least_density: float,
    density_range: float,
    least_airlight: float,
    airlight_range: float,
    farthest: float,
    side: int,
) -> Unit:
    """Veil the image with haze, the more the farther things are.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    depth : Plane
        How near each pixel is, from 0, far, to 1, near.
    least_density : float
        Least optical depth of the haze at distance 1; more is worse.
    density_range : float
        How much more it may be.
    least_airlight : float
        Least light of the haze itself, as a fraction of full scale.
    airlight_range : float
        How much more it may be.
    farthest : float
        The distance, 1 - depth, beyond which all counts as far.
    side : int
        Side in pixels of the windows over which the map is averaged.

    References
    ----------
    Guo et al. 2024 (OneRestore), https://arxiv.org/abs/2407.04621
    """
    density = rng.random() * density_range + least_density
    airlight = rng.random() * airlight_range + least_airlight
    distance = np.minimum(1 - cv2.blur(depth, (side, side)), farthest)
    passed = np.exp(-density * with_channels(distance))
    return image * passed + airlight * (1 - passed)


@corruption
def mapped_rain(image: Unit, mask: Plane) -> Unit:
    """Add the light of drops of rain to the image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The light of the drops, as a fraction of full scale; more is worse, 0 leaves a pixel alone.

    References
    ----------
    Guo et al. 2024 (OneRestore), https://arxiv.org/abs/2407.04621
    """
    return image + with_channels(mask)


@corruption
def mapped_snow(image: Unit, mask: Plane) -> Unit:
    """Put white flakes in front of the image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        Opacity of the flakes, from 0, which leaves a pixel alone, to 1, which makes it white.

    References
    ----------
    Guo et al. 2024 (OneRestore), https://arxiv.org/abs/2407.04621
    """
    flakes = with_channels(mask)
    return image * (1 - flakes) + flakes


@corruption
def distance_haze(image: Unit, *, density: float, near: float, airlight: float) -> Unit:
    """Veil the image with haze, as if things were the farther the higher they stand in it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    density : float
        Optical depth of the haze at the upper border; more is worse, 0 leaves the image alone.
    near : float
        Optical depth at the lower border, as a fraction of that.
    airlight : float
        Light of the haze itself, as a fraction of full scale.

    References
    ----------
    Koschmieder 1924: what is seen is the image times exp(-depth), and for the rest the light of the haze. The distances
    are ours.
    """
    depths = density * np.linspace(1, near, len(image), dtype=image.dtype)
    passed = np.exp(-depths)[:, None, None]
    return image * passed + image.dtype.type(airlight) * (1 - passed)


@corruption
def rain_streaks(
    image: Unit, rng: Draws, *, coverage: float, length: float, thickness: float, brightness: float
) -> Unit:
    """Let rain fall: bright streaks, all blown by one wind.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    coverage : float
        Area of all streaks as a fraction of the image; more is worse, 0 leaves the image alone.
    length : float
        Way of a drop during the exposure in pixels.
    thickness : float
        Width of a streak in pixels.
    brightness : float
        Light that the brightest streaks add, as a fraction of full scale.

    References
    ----------
    Ours: the light of the drops is added, as in Guo et al. 2024, https://arxiv.org/abs/2407.04621.
    """
    samples = fineness(image.shape)
    height, width = (side * samples for side in image.shape[:2])
    way, radius = length * samples, thickness * samples / 2
    wind, margin = rng.uniform(-WIND, WIND), way / 2 + radius
    area = (height + 2 * margin) * (width + 2 * margin)
    count = coverage * area / (math.pi * radius**2 + 2 * radius * way)
    draws, shares = first_things(rng.random((math.ceil(count), 4)), count)
    middles = draws[:, :2] * (height + 2 * margin, width + 2 * margin) - margin
    angles = wind + (draws[:, 2] - 0.5) * 2 * GUST
    # Near drops leave long streaks and far ones short ones, spread evenly, so that every draw covers about as much.
    sizes = 0.5 + even_steps(len(draws))
    halves = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (sizes * way / 2)[:, None]
    clear = np.ones((height, width), np.float32)
    draw_trails(clear, middles, halves, sizes * radius, shares * (0.4 + 0.6 * draws[:, 3]))
    return image + image.dtype.type(brightness) * (1 - averaged(clear, samples)[..., None])


def with_channels(plane: Plane) -> Plane:
    """Return an (H, W) or (H, W, C) plane as one that goes with an (H, W, C) image."""
    return plane[..., None] if plane.ndim == 2 else plane
