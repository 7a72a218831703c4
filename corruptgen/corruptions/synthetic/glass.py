"""Glass that lies on an image."""

import numpy as np

from corruptgen.declare import Bytes, Levels, corruption
from corruptgen.patterns.fish_eyes import look_through_balls
from corruptgen.patterns.spectral import own_draws
from corruptgen.randomness.draws import Draws

SMALLEST = 3.0  # pixels


@corruption
def fish_eye(image: Bytes, rng: Draws, *, balls: int, radius: float, refraction: float) -> Levels:
    """Look at the image through many small balls of glass, which lie on each other.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    balls : int
        How many.
    radius : float
        Of each ball as a fraction of the image's shorter side, and 3 pixels at least.
    refraction : float
        Index of the glass; more is worse, 1 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    centres = own_draws(rng).uniform(0, 1, (balls, 2)) * (height, width)
    reach = max(radius * min(height, width), SMALLEST)
    # In float32, as the original: what one ball shows is rounded before the next one shows it.
    unit = np.ascontiguousarray(image).astype(np.float32) / np.float32(255)
    seen = look_through_balls(unit, centres, reach, refraction)
    return np.clip(seen, 0, 1) * np.float32(255)
