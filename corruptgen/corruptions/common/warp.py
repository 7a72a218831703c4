"""Geometry gone wrong."""

from collections.abc import Sequence

import numpy as np

from corruptgen.declare import Unit, Warp, corruption
from corruptgen.ops.gaussian import smooth, smooth_separably
from corruptgen.ops.warp import Displacement, Succession, Tilt, affine_map
from corruptgen.randomness.draws import Draws

# The displacement is smoothed with a shorter kernel than everything else.
TRUNCATE = 3.0


@corruption
def elastic_transform(
    image: Unit, rng: Draws, *, displacement: float, sigma: float, affine: float, border: str
) -> Warp:
    """Move three points of the image by chance, then stretch and squeeze it locally.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    displacement : float
        Displacement of every pixel, in pixels, before it is smoothed; more is worse, 0 is none.
    sigma : float
        Standard deviation in pixels of the smoothing of the displacements; more is smoother, 0 is none.
    affine : float
        By how many pixels the three points move at most; more is worse, 0 is none.
    border : str
        What lies outside, as in `corruptgen.ops.warp.Displacement`: "reflect" or "reflect-2018".

    References
    ----------
    Simard, Steinkraus & Platt 2003, https://doi.org/10.1109/ICDAR.2003.1227801
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    tilt = drawn_tilt(image.shape, rng, affine)
    right, down = (
        (smooth(rng.uniform(-1, 1, image.shape[:2]), sigma, truncate=TRUNCATE, border="reflect") * displacement)
        for _ in range(2)
    )
    return Succession((tilt, Displacement(down.astype(np.float32), right.astype(np.float32), border)))


def drawn_tilt(shape: Sequence[int], rng: Draws, affine: float) -> Tilt:
    """Draw the tilt of `elastic_transform`: by how far, up to `affine` pixels, three points of an image move."""
    height, width = shape[:2]
    x, y, arm = width // 2, height // 2, min(height, width) // 3
    points = np.array([[x + arm, y + arm], [x + arm, y - arm], [x - arm, y - arm]], np.float32)
    moved = points + rng.uniform(-affine, affine, points.shape).astype(np.float32)
    return Tilt(affine_map(points, moved), (height, width))


@corruption
def elastic_smooth(image: Unit, rng: Draws, *, gain: float, reach: float, smoothness: float) -> Warp:
    """Stretch and squeeze the image in long, smooth waves.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    gain : float
        Gain by which the smoothed displacements are multiplied; more is worse, 0 leaves the image alone.
    reach : float
        Largest displacement before it is smoothed, in both directions, as a fraction of the height; more is worse.
    smoothness : float
        Standard deviation of the smoothing as a fraction of the height and of the width; more is smoother.

    References
    ----------
    Simard, Steinkraus & Platt 2003, https://doi.org/10.1109/ICDAR.2003.1227801
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    height, width = image.shape[:2]
    right, down = (
        smooth_separably(
            rng.uniform(-reach * height, reach * height, (height, width)),
            smoothness * height,
            smoothness * width,
            truncate=TRUNCATE,
            border="reflect",
        )
        * gain
        for _ in range(2)
    )
    return Displacement(down.astype(np.float32), right.astype(np.float32), "reflect")
