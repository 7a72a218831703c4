"""Lights, lines and squares that are laid over the image."""

import numpy as np

from corruptgen.declare import Levels, corruption
from corruptgen.patterns.lines import smooth_line
from corruptgen.patterns.spectral import own_draws, pixel_places, rays_of_light
from corruptgen.randomness.draws import Draws

LIGHTS = 5
# Of a source of light: fewest and most rays.
RAYS = (50, 200)
GREY = 128


@corruption
def sparkles(image: Levels, rng: Draws, *, radius: float) -> Levels:
    """Let five sources of light shine with many thin rays.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    radius : float
        Mean length of the rays as a fraction of the image's shorter side; more is worse.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    centres = rng.uniform(0, 1, (LIGHTS, 2)) * (height, width)
    draws = own_draws(rng)
    counts = rng.integers(*RAYS, LIGHTS)
    mean = radius * min(height, width)
    result = image
    for centre, count in zip(centres, counts, strict=True):
        lengths = np.maximum(1, mean + 0.25 * mean * draws.standard_normal(int(count)))
        light = rays_of_light(height, width, centre, lengths, 1.0)[..., None]
        # The original stores the image in float32 between two of them.
        result = result.astype(np.float32).astype(image.dtype)
        result = result + light * (255 - result)
    return result


@corruption
def inverse_sparkles(image: Levels, rng: Draws, *, exponent: float) -> Levels:
    """Show the image where the rays of one source of light fall, and white everywhere else.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    exponent : float
        How fast the light falls off; more is worse.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    centre = rng.uniform(0.25, 0.75, 2) * (height, width)
    draws = own_draws(rng)
    count = int(rng.integers(*RAYS))
    mean = 0.25 * min(height, width)
    light = rays_of_light(height, width, centre, mean + 0.25 * mean * draws.standard_normal(count), exponent)
    return 255 + light[..., None] * (image - 255)


@corruption
def checkerboard_cutout(image: Levels, rng: Draws, *, share: float) -> Levels:
    """Paint some of the black squares of a turned chess board grey.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    share : float
        Of the black squares; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    side = max(height, width)
    angle = rng.uniform(0, 2 * np.pi)
    cell = max(rng.uniform(0.1, 0.25) * side, 1)
    draws = own_draws(rng)
    cells = int(4 * side / cell)
    is_painted = draws.uniform(0, 1, (cells, cells)) < share
    rows, columns = pixel_places(height, width)
    one = (np.cos(angle) * rows + np.sin(angle) * columns) / cell
    other = (-np.sin(angle) * rows + np.cos(angle) * columns) / cell
    is_black = (one % 2).astype(np.int64) == (other % 2).astype(np.int64)
    grey = is_black & is_painted[one.astype(np.int64), other.astype(np.int64)]
    return np.where(grey[..., None], GREY, image)


@corruption
def lines(image: Levels, rng: Draws, *, density: float) -> Levels:
    """Draw thin grey lines across the image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    density : float
        Number of lines as a fraction of the image's shorter side in pixels; more is worse.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    side = min(height, width)
    angle, spread = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 1)
    draws = own_draws(rng)
    result = image.copy()
    for _ in range(int(density * side)):
        column, row = width * draws.uniform(0, 1), height * draws.uniform(0, 1)
        turn = angle + 2 * np.pi * spread * (draws.uniform(0, 1) - 0.5)
        across, down = side * np.cos(turn), side * np.sin(turn)
        found = smooth_line(int(column - across), int(row - down), int(column + across), int(row + down))
        inside = (found[0] >= 0) & (found[0] < height) & (found[1] >= 0) & (found[1] < width)
        rows, columns, weights = (values[inside] for values in found)
        own = result[rows, columns]
        # Bytes between two lines, as the original stores them.
        result[rows, columns] = np.floor((1 - weights[:, None]) * own + weights[:, None] * GREY)
    return result
