"""Water and glass that bend what is seen, as those of ImageNet-C-bar, the same at every size of an image."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.corruptions.synthetic.fine_grids import FineGrid
from corruptgen.declare import Unit, Warp, corruption
from corruptgen.ops.gathers import displaced
from corruptgen.ops.warp import Displacement
from corruptgen.patterns.caustics import seamless_caustics
from corruptgen.randomness.draws import Draws

# Of ripples and rings, as fractions of the shorter side.
RIPPLE_LENGTHS = (0.15, 0.35)
RING_WIDTHS = (0.15, 0.35)
# The water of caustics is smoothed by this standard deviation, a fraction of the shorter side: a pixel of 224.
SMOOTHNESS = 1 / 224


@corruption
def sunlit_water(image: Unit, rng: Draws, *, lens: float, light: float) -> Unit:
    """Look at the image through moving water in the sun.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    lens : float
        How far the water bends at most, as a fraction of the image's shorter side; more is worse, 0 bends nothing.
    light : float
        Of the sun on slopes that face it, which slopes that turn away lose; more is worse, 0 adds none.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    grid = FineGrid(*image.shape[:2])
    time, size = rng.uniform(0.5, 2), rng.uniform(0.75, 1.25)
    sun = rng.uniform(0, 2 * math.pi)
    start = rng.random(2)
    rows, columns = (places / size for places in grid.places())
    surface = seamless_caustics(rows + start[0], columns + start[1], time)
    smooth = cv2.GaussianBlur(surface, (0, 0), SMOOTHNESS * grid.side)
    # Slopes of heights up to 1 that are as wide as the smoothing, whatever the number of points.
    slope_down, slope_right = (np.asarray(slope * SMOOTHNESS * grid.side) for slope in np.gradient(smooth))
    tilt = np.sqrt(1 + slope_down**2 + slope_right**2)
    down, right = grid.average(slope_down / tilt), grid.average(slope_right / tilt)
    reach = lens * min(image.shape[:2])
    seen = displaced(image, reach * down, reach * right, border="reflect")
    return seen + (light * (math.sin(sun) * down + math.cos(sun) * right))[..., None]


@corruption
def crossing_ripples(image: Unit, rng: Draws, *, amplitude: float) -> Warp:
    """Look through water with waves that run down and across.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    amplitude : float
        Of the waves, as a fraction of the image's shorter side; more is worse, 0 leaves the image alone. Below 0.0238,
        the image does not fold over itself.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    lengths, phases = rng.uniform(*RIPPLE_LENGTHS, 2) * side, rng.uniform(0, 2 * math.pi, 2)
    rows, columns = np.ogrid[0.5:height, 0.5:width]
    # Each wave shifts across its own direction; along it, the image would fold over itself.
    down = amplitude * side * np.sin(2 * math.pi * columns / lengths[0] + phases[0])
    right = amplitude * side * np.sin(2 * math.pi * rows / lengths[1] + phases[1])
    return _warp(down, right, height, width)


@corruption
def pinched_tiles(image: Unit, rng: Draws, *, pinch: float, angle: float, tiles: int) -> Warp:
    """Pinch the image towards the middles of tiles, and twist it around them.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    pinch : float
        How much, below 1; more is worse, 0 pinches nothing.
    angle : float
        By how many radians the middle of a tile is turned, to either side; more is worse, 0 turns nothing.
    tiles : int
        Number of tiles along the shorter side; along the other one there are as many as fit best.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    counts = [max(1, round(tiles * length / side)) for length in (height, width)]
    signs = 2 * rng.integers(0, 2, counts) - 1
    # In tiles, of which a whole number fills the image: from the middle of each, in its halves.
    tall, wide = height / counts[0], width / counts[1]
    rows, columns = (np.arange(length) + 0.5 for length in (height, width))
    tile_rows, tile_columns = (rows / tall).astype(np.int64), (columns / wide).astype(np.int64)
    down = (rows - (tile_rows + 0.5) * tall)[:, None] + np.zeros((1, width))
    right = (columns - (tile_columns + 0.5) * wide)[None, :] + np.zeros((height, 1))
    share = np.clip(np.hypot(down, right) / (min(tall, wide) / 2), 1e-6, 1)
    stretch = np.sin(math.pi / 2 * share) ** -pinch
    turn = signs[tile_rows[:, None], tile_columns[None, :]] * angle * (1 - share) ** 2
    there = stretch * (down * np.cos(turn) - right * np.sin(turn))
    beside = stretch * (down * np.sin(turn) + right * np.cos(turn))
    return _warp(there - down, beside - right, height, width)


@corruption
def drop_rings(image: Unit, rng: Draws, *, amplitude: float) -> Warp:
    """Look through the rings that a drop makes in water.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    amplitude : float
        Of the rings, as a fraction of their width; more is worse, 0 leaves the image alone. Below 1 / 2π, the image
        does not fold over itself.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    centre = rng.uniform(0.25, 0.75, 2) * (height, width)
    length, phase = rng.uniform(*RING_WIDTHS), rng.uniform(0, 2 * math.pi)
    rows, columns = np.ogrid[0.5:height, 0.5:width]
    down, right = (rows - centre[0]) / side, (columns - centre[1]) / side
    far = np.hypot(down, right)
    # Rings grow from nothing in the middle, and fade outwards to the border of the pond, half a side away.
    fading = np.clip(1 - (2 * far) ** 2, 0, 1) / (far + length / 4)
    pull = amplitude * length * side * np.sin(2 * math.pi * far / length - phase) * fading
    return _warp(pull * down, pull * right, height, width)


def _warp(down: NDArray[np.float64], right: NDArray[np.float64], height: int, width: int) -> Displacement:
    """Return the warp of displacements in pixels, which may be the same in all rows or columns."""
    shape = (height, width)
    return Displacement(_filled(down, shape), _filled(right, shape), border="reflect")


def _filled(field: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.ascontiguousarray(np.broadcast_to(field, shape))
