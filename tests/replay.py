"""Pictures made by a formula, and the draws of imagecorruptions-imaug, for whoever compares with that package."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.legacy import LegacyDraws


def picture_by_formula(height: int, width: int) -> NDArray[np.uint8]:
    """Make a colour picture with ramps, rings, flat and saturated patches and some grain, from whole numbers only."""
    row, column = np.mgrid[:height, :width]
    picture = np.stack(
        [
            row * 255 // (height - 1),
            column * 255 // (width - 1),
            (row * row + 2 * column * column) * 8 // (height + width) % 256,
        ],
        axis=2,
    )
    picture += np.random.RandomState(1843956201).randint(-12, 13, picture.shape)
    picture[height // 4 : height // 2, width // 3 : 2 * width // 3] = (230, 40, 60)
    picture[height // 2 : 3 * height // 4, width // 8 : width // 2] = 15
    picture[5 * height // 8 : 7 * height // 8, 5 * width // 8 : 7 * width // 8] = 250
    return np.clip(picture, 0, 255).astype(np.uint8)


def seed_of(level: int) -> int:
    """Return the seed with which the formula's picture was corrupted at `level`."""
    return 1843956201 + 2 * level


def imagecorruptions_draws(row: str, seed: int) -> Any:
    """Return what imagecorruptions-imaug draws from for `row` after `numpy.random.seed(seed)` and with `seed=seed`.

    Its salt and pepper come from scikit-image, which makes a generator of its own; its glass blur draws inside numba,
    whose generator gives numpy's legacy stream.
    """
    if row == "impulse_noise":
        return np.random.default_rng(seed)
    return LegacyDraws(seed)
