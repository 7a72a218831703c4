"""Lights, squares and lines over an image, as those of ImageNet-C-bar, that are the same at every size."""

import math

import numpy as np

from corruptgen.corruptions.synthetic.fine_grids import FineGrid
from corruptgen.declare import Unit, corruption
from corruptgen.patterns.spectral import rays_of_light
from corruptgen.randomness.draws import Draws

LIGHTS = 5
# Of a source of light: fewest and most rays.
RAYS = (50, 200)
# How much the lengths of rays differ.
UNEVEN = 0.25
GREY = 0.5
# Sides of squares, as fractions of the shorter side; and the points along that at which their edges are drawn.
SQUARES = (0.1, 0.25)
EDGE_POINTS = 448
MOST_LINES = 200


@corruption
def shining_lights(image: Unit, rng: Draws, *, radius: float) -> Unit:
    """Let five sources of light shine with many thin rays.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : float
        Mean length of the rays as a fraction of the image's shorter side; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea
    """
    grid = FineGrid(*image.shape[:2])
    centres = rng.random((LIGHTS, 2)) * grid.shape
    counts = rng.integers(*RAYS, LIGHTS)
    clear = np.ones(grid.shape)
    for centre, count in zip(centres, counts, strict=True):
        lengths = np.maximum(0, radius * grid.side * (1 + UNEVEN * rng.standard_normal(int(count))))
        clear *= 1 - rays_of_light(*grid.shape, centre, lengths, 1.0)
    return 1 - (1 - image) * grid.average(clear)[..., None]


@corruption
def light_from_rays(image: Unit, rng: Draws, *, exponent: float) -> Unit:
    """Show the image where the rays of one source of light fall, and white everywhere else.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    exponent : float
        How fast the light falls off; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea
    """
    grid = FineGrid(*image.shape[:2])
    centre = rng.uniform(0.25, 0.75, 2) * grid.shape
    lengths = 0.25 * grid.side * (1 + UNEVEN * rng.standard_normal(int(rng.integers(*RAYS))))
    # The exponent is that of the edges of rays too: without one, the whole image shows.
    light = grid.average(rays_of_light(*grid.shape, centre, lengths, 1.0) ** exponent)
    return 1 - (1 - image) * light[..., None]


@corruption
def grey_squares(image: Unit, rng: Draws, *, share: float) -> Unit:
    """Paint some of the black squares of a turned chess board grey.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    share : float
        Of the black squares, up to 1; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea
    """
    grid = FineGrid(image.shape[0], image.shape[1], EDGE_POINTS)
    angle, square = rng.uniform(0, 2 * math.pi), rng.uniform(*SQUARES)
    start = rng.random(2)
    # From the middle of the image, as many squares as reach its corners whatever the angle.
    reach = math.ceil(math.hypot(*grid.shape) / grid.side / 2 / square) + 1
    # More are painted in the order of these numbers, the last of them faintly.
    order = rng.permutation((2 * reach) ** 2)
    opacity = np.clip(share * order.size - order, 0, 1).astype(np.float32).reshape(2 * reach, 2 * reach)
    rows, columns = grid.places()
    down, right = rows - np.float32(rows.mean()), columns - np.float32(columns.mean())
    one = np.floor((math.cos(angle) * down + math.sin(angle) * right) / square + start[0]).astype(np.int64)
    other = np.floor((math.cos(angle) * right - math.sin(angle) * down) / square + start[1]).astype(np.int64)
    painted = grid.average(np.where((one + other) % 2 == 0, opacity[one + reach, other + reach], 0))[..., None]
    return (1 - painted) * image + painted * GREY


@corruption
def grey_lines(image: Unit, rng: Draws, *, count: float, thickness: float) -> Unit:
    """Draw thin grey lines across the image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    count : float
        Number of lines, up to 200; more is worse, 0 leaves the image alone. Of a fraction of a line the last one is
        fainter.
    thickness : float
        Of the lines in pixels; lines thinner than a pixel are fainter.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    height, width = image.shape[:2]
    angle, spread = rng.uniform(0, 2 * math.pi), rng.uniform(0.1, 1)
    # The same lines come first whatever their number.
    drawn = rng.random((MOST_LINES, 3))
    rows, columns = np.ogrid[0.5:height, 0.5:width]
    clear = np.ones((height, width), np.float32)
    for number in range(math.ceil(count)):
        down, right, turn = drawn[number]
        direction = angle + 2 * math.pi * spread * (turn - 0.5)
        far = (rows - down * height) * math.cos(direction) - (columns - right * width) * math.sin(direction)
        covered = np.clip((thickness + 1) / 2 - np.abs(far), 0, min(thickness, 1))
        clear *= (1 - min(count - number, 1) * covered).astype(np.float32)
    return GREY + (image - GREY) * clear[..., None]
