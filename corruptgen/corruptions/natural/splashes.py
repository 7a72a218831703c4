"""Water and mud that hit the lens."""

import math

import numpy as np

from corruptgen.declare import Unit, UnitColour, corruption
from corruptgen.patterns.layers import averaged, fineness
from corruptgen.patterns.lenses import draw_lenses, seen_through
from corruptgen.patterns.noise_fields import smooth_noise
from corruptgen.patterns.scattering import Float64, even_steps, scatter_things
from corruptgen.patterns.specks import draw_blobs
from corruptgen.randomness.draws import Draws

# Radii of the drops go from this fraction of the largest to 1; small ones are the most.
SMALLEST_DROP = 0.22
# Each drop shows the scene upside down, this many times smaller.
SHRINK = 3.0
MUD = np.array([0.30, 0.20, 0.11], np.float32)
# A splash is a body and this number of rays around it, each of this number of beads; all are humps that are this much
# wider than what stays mud.
RAYS = 12
BEADS = 5
HUMP = 1.5
# How strongly light from above shows the relief of the mud, and at which height of the humps it flattens.
RELIEF = 0.55
FLATNESS = 0.35
THINNEST = 1e-3
# How unevenly brown the mud is.
CLODS = 0.12
CLODS_ACROSS = 75
# This many places are drawn in a square, of which the levels take the first: water and mud hit the same ones.
HITS = 256


@corruption
def raindrops(image: Unit, rng: Draws, *, coverage: float, radius: float) -> Unit:
    """Put drops of water on the lens; each shows the scene upside down, dark at the rim, with a glint of the sky.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    coverage : float
        Area of all drops as a fraction of the image; more is worse, 0 leaves the image alone.
    radius : float
        Radius of the largest drops in pixels.

    References
    ----------
    Ours.
    """
    samples = fineness(image.shape)
    height, width = (length * samples for length in image.shape[:2])
    largest = radius * samples
    # Few large, many small, the same sizes in every draw.
    more = 1 - SMALLEST_DROP
    mean_square = SMALLEST_DROP**2 + 2 * SMALLEST_DROP * more / 3 + more**2 / 5
    draws, shares = _hits(rng, coverage * height * width / (math.pi * largest**2 * mean_square), height, width)
    sizes = largest * (SMALLEST_DROP + more * even_steps(len(draws)) ** 2) * np.sqrt(shares)
    wobbles = (draws[:, 2:6] - 0.5) * (0.2, 0.2, 0.12, 0.12)
    lenses = np.zeros((3, height, width), np.float32)
    # Large drops run over small ones.
    order = np.argsort(sizes, kind="stable")
    draw_lenses(lenses, draws[order, :2] * (height, width), sizes[order], wobbles[order])
    seen: Unit = seen_through(np.ascontiguousarray(image), lenses, samples, SHRINK * radius)
    return seen


@corruption
def mud_splashes(image: UnitColour, rng: Draws, *, coverage: float, radius: float) -> UnitColour:
    """Throw mud on the lens: splashes with rays and droplets around them.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    coverage : float
        Fraction of the image that is covered; more is worse, 0 leaves the image alone.
    radius : float
        Radius of the body of a splash in pixels.

    References
    ----------
    Ours.
    """
    samples = fineness(image.shape)
    height, width = (length * samples for length in image.shape[:2])
    body = radius * samples
    draws, shares = _hits(rng, coverage * height * width / (2.0 * body**2), height, width)
    rays = draws[:, 2:].reshape(-1, RAYS, 3)
    centres = draws[:, :2] * (height, width)
    sizes = body * (0.35 + 0.95 * even_steps(len(draws))) * shares

    # Along each ray beads of mud, smaller and farther apart, the last ones droplets of their own.
    angles = 2 * math.pi * (np.arange(RAYS) + 0.9 * rays[..., 0]) / RAYS
    beads = np.arange(1, BEADS + 1) / BEADS
    distances = sizes[:, None, None] * (0.8 + (0.2 + 1.5 * rays[..., 1:2] ** 3) * beads**1.5)
    ways = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    bead_centres = centres[:, None, None] + distances[..., None] * ways[:, :, None]
    bead_sizes = sizes[:, None, None] * (0.26 - 0.16 * beads) * (0.5 + rays[..., 2:])

    field = np.zeros((height, width), np.float32)
    draw_blobs(field, centres, sizes * HUMP)
    draw_blobs(field, bead_centres.reshape(-1, 2), bead_sizes.ravel() * HUMP)
    # The level that covers as much as was asked for, above bare glass; the edge is a sample wide.
    rise = field - np.float32(max(np.quantile(field, 1 - coverage), THINNEST))
    down, right = np.gradient(rise)
    steepness = np.sqrt(down * down + right * right) + np.float32(1e-6)
    cover = np.clip(rise / steepness + np.float32(0.5), 0, 1)
    # Light from above left on a layer that is round at its edge and flat within.
    roundness = np.exp(-rise / np.float32(FLATNESS))
    light = 1 + np.float32(RELIEF) * np.clip((down + right / 2) * np.float32(body), -1, 1) * roundness
    clod = max(min(height, width) / CLODS_ACROSS, 1.0)
    light *= 1 + np.float32(CLODS) * smooth_noise((height, width), (clod, clod), rng)
    mud = averaged((cover * light).astype(np.float32), samples)[..., None] * MUD
    bare = 1 - averaged(cover, samples)[..., None]
    return image * bare + mud


def _hits(rng: Draws, count: float, height: int, width: int) -> tuple[Float64, Float64]:
    """Draw places and shapes of `count` drops or splashes."""
    return scatter_things(rng, count, 2 + 3 * RAYS, round(HITS * height * width / min(height, width) ** 2))
