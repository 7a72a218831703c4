"""Ink and air on a slide, by formulas: for images of any size and depth."""

import numpy as np

from corruptgen.declare import Unit, corruption
from corruptgen.patterns.noise_fields import cloud_noise
from corruptgen.patterns.scattering import scatter_things
from corruptgen.patterns.specks import draw_bubbles
from corruptgen.randomness.draws import Draws

# The outline of a blot strays from a circle by noise of this share of the radius.
RAGGEDNESS = 0.45
OCTAVES = 3
# This many of its knots lie along the shorter side: about two in the radius of a blot of the table.
RAGS_ACROSS = 30
# From its outline inwards a blot gains its full depth within this share of its radius.
SLOPE = 0.35


@corruption
def ink_blots(image: Unit, rng: Draws, *, blots: float, radius: float, density: float) -> Unit:
    """Drop ink on the slide: ragged blots that swallow light, less so at their thin edges.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    blots : float
        Number of blots, of a fraction the last one fainter; more is worse, 0 leaves the image alone.
    radius : float
        Radius of a blot in pixels, about, from two thirds of it to the whole; more is worse.
    density : float
        Optical density of the ink, the power of 10 by which it weakens the light; more is worse, 0 leaves the image
        alone.

    References
    ----------
    Ours, after the ink of Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536; the law of Beer and
    Lambert.
    """
    height, width = image.shape[:2]
    # The same at all levels, so that a blot that grows keeps its shape.
    spacing = max(min(height, width) / RAGS_ACROSS, 1.0)
    noise = cloud_noise((height, width), (spacing, spacing), OCTAVES, 0.5, rng)
    places, shares = scatter_things(rng, blots, 3)
    rows, columns = np.arange(height)[:, None], np.arange(width)
    depth = np.zeros((height, width), np.float32)
    for (down, across, larger), share in zip(places, shares, strict=True):
        reach = max(radius * (2 + larger) / 3, 0.5)
        distance = np.hypot(rows - down * (height - 1), columns - across * (width - 1))
        inwards = 1 - (distance / reach).astype(np.float32) + np.float32(RAGGEDNESS) * noise
        # An edge is never steeper than a pixel.
        blot = np.clip(inwards / max(SLOPE, 1 / reach), 0, 1) * (distance < 2 * reach)
        depth = np.maximum(depth, np.float32(share) * blot)
    return image * (np.float32(10) ** (-np.float32(density) * depth)).astype(image.dtype)[..., None]


@corruption
def air_bubbles(
    image: Unit, rng: Draws, *, bubbles: float, radius: float, rim: float, haze: float, rim_haze: float
) -> Unit:
    """Trap air below the cover glass: round veils of white with whiter rims.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    bubbles : float
        Number of bubbles, of a fraction the last one thinner; more is worse, 0 leaves the image alone.
    radius : float
        Radius of the largest in pixels; the others have a third of it or more; more is worse.
    rim : float
        Thickness of the rims in pixels; more is worse.
    haze : float
        Opacity of the inside, from 0 to 1; more is worse.
    rim_haze : float
        Opacity of the rim, from 0 to 1; more is worse.

    References
    ----------
    Ours, after the bubbles of Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536.
    """
    height, width = image.shape[:2]
    drawn, shares = scatter_things(rng, bubbles, 3)
    centres, radii = drawn[:, :2] * np.array([height - 1, width - 1]), radius * (1 + 2 * drawn[:, 2]) / 3
    veil = np.zeros((height, width))
    draw_bubbles(veil, centres, radii, rim, shares * haze, shares * rim_haze)
    white = veil.astype(image.dtype)[..., None]
    return image * (1 - white) + white
