"""What drifts in the air between the camera and the world."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Unit, corruption
from corruptgen.patterns.layers import averaged, fineness
from corruptgen.patterns.noise_fields import cloud_noise
from corruptgen.patterns.scattering import even_steps, first_things
from corruptgen.patterns.specks import draw_trails
from corruptgen.randomness.draws import Draws

# The light that fog and falling snow send to the camera.
AIRLIGHT = 0.88
# Swaths of fog: height and width of the largest as fractions of the shorter side.
SWATH = (0.45, 0.9)
SWATH_DETAIL = 0.5
# Plumes of smoke are upright and wrinkled, and darker than fog.
PLUME = (0.6, 0.4)
PLUME_DETAIL = 0.65
SMOKELIGHT = 0.36
# Three depths of falling snow: size of the flakes, opacity, share of the covered area.
DEPTHS = ((0.5, 0.75, 0.3), (1.0, 0.9, 0.4), (2.0, 0.7, 0.3))
# The wind blows the snow at most this many radians from the vertical, and each flake a little differently.
WIND = 0.7
GUST = 0.12
# Flakes fall around the image too, as far from it as this part of the shorter side: the same places at all levels.
MARGIN = 0.06


@corruption
def drifting_fog(image: Unit, rng: Draws, *, density: float, patchiness: float) -> Unit:
    """Let a bank of fog drift between the camera and the world.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    density : float
        Mean optical depth of the fog; more is worse, 0 leaves the image alone.
    patchiness : float
        How much thicker than the mean the swaths are, from 0, even, to about 1.

    References
    ----------
    Koschmieder 1924: what is seen is the image times exp(-depth), and for the rest the light of the fog itself. The
    swaths are ours.
    """
    passed = np.exp(-_drifting_depth(image.shape, rng, density, patchiness, SWATH, SWATH_DETAIL))[..., None]
    return image * passed + np.float32(AIRLIGHT) * (1 - passed)


@corruption
def drifting_smoke(image: Unit, rng: Draws, *, density: float, patchiness: float) -> Unit:
    """Let dark smoke drift before the camera, thick here and thin there.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    density : float
        Mean optical depth of the smoke; more is worse, 0 leaves the image alone.
    patchiness : float
        How much thicker than the mean the plumes are, from 0, even, to about 1.

    References
    ----------
    Koschmieder 1924, as in `drifting_fog`. The plumes are ours.
    """
    passed = np.exp(-_drifting_depth(image.shape, rng, density, patchiness, PLUME, PLUME_DETAIL))[..., None]
    return image * passed + np.float32(SMOKELIGHT) * (1 - passed)


@corruption
def falling_snow(image: Unit, rng: Draws, *, coverage: float, radius: float, trail: float, veil: float) -> Unit:
    """Let snow fall: flakes at three depths, each blurred along its way by the wind, before a white veil of far ones.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    coverage : float
        Area of the trails of all flakes, as a fraction of the image; more is worse.
    radius : float
        Radius of a flake at the middle depth in pixels.
    trail : float
        Way of such a flake during the exposure in pixels.
    veil : float
        Share of the light that the far flakes replace; more is worse.

    With `coverage` and `veil` of 0 the image is left alone.

    References
    ----------
    Ours, after the idea of Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261.
    """
    samples = fineness(image.shape)
    height, width = (length * samples for length in image.shape[:2])
    clear = np.ones((height, width), np.float32)
    wind = rng.uniform(-WIND, WIND)
    largest = max(size for size, _, _ in DEPTHS) * (radius + trail / 2) * samples
    margin = max(MARGIN * min(height, width), largest)
    area = (height + 2 * margin) * (width + 2 * margin)
    shapes = [(size * radius * samples, size * trail * samples) for size, _, _ in DEPTHS]
    covered = [math.pi * flake**2 + 2 * flake * way for flake, way in shapes]
    counts = [share * coverage * area / one for (_, _, share), one in zip(DEPTHS, covered, strict=True)]
    drawn = rng.random((math.ceil(max(counts)), len(DEPTHS), 4))
    for depth, ((_, opacity, _), (flake, way), count) in enumerate(zip(DEPTHS, shapes, counts, strict=True)):
        draws, shares = first_things(drawn[:, depth], count)
        middles = draws[:, :2] * (height + 2 * margin, width + 2 * margin) - margin
        angles = wind + (draws[:, 2] - 0.5) * 2 * GUST
        halves = np.stack([np.cos(angles), np.sin(angles)], axis=1) * way / 2
        # Sizes are spread evenly, so that every draw covers about as much.
        sizes = flake * (0.6 + 0.8 * even_steps(len(draws)))
        draw_trails(clear, middles, halves, sizes, shares * opacity * (0.6 + 0.4 * draws[:, 3]))
    flakes = 1 - averaged(clear, samples)[..., None]
    veiled = image + np.float32(veil) * (np.float32(AIRLIGHT) - image)
    return veiled + flakes * (1 - veiled)


def _drifting_depth(
    shape: tuple[int, ...], rng: Draws, density: float, patchiness: float, swath: tuple[float, float], detail: float
) -> NDArray[np.float32]:
    """Draw the optical depth of fog or smoke, (H, W), of mean `density`."""
    side = min(shape[:2])
    swaths = cloud_noise((shape[0], shape[1]), (swath[0] * side, swath[1] * side), 6, detail, rng)
    # Every bank holds as much, however few swaths of it are in the image.
    swaths = (swaths - swaths.mean()) / max(float(swaths.std()), 1e-6)
    depth: NDArray[np.float32] = np.exp(np.float32(patchiness) * swaths)
    depth *= np.float32(density) / depth.mean()
    return depth
