"""A camera that moves through a scene while it takes the picture: what is near moves more than what is far."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Plane, Unit, corruption
from corruptgen.ops.colour import first_channel
from corruptgen.patterns.forward_warp import place_pixels
from corruptgen.randomness.draws import Draws

# Of the original: steps of a whole motion, and the side of the pictures that its lengths are for.
STEPS = 60
SIDE = 512


@corruption
def sideways_motion(image: Unit, rng: Draws, depth: Plane, *, frames: int, least: float, most: float) -> Unit:
    """Average what a camera sees that moves sideways.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    depth : Plane
        How far each pixel is, above 0.
    frames : int
        How many of the 60 steps of the motion are seen; more is worse.
    least : float
        The least way of what is nearest to the left or right, in pixels of an image whose shorter side has 512.
    most : float
        The longest one, and the longest up or down.

    References
    ----------
    After Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441, whose frames are made by a renderer
    with a neural network; in ours each pixel is put where it moves to, and gaps show what is farther beside them.
    """
    across = rng.uniform(least, most) * (1 if rng.random() < 0.5 else -1)
    down, scale = rng.uniform(-most, most), min(image.shape[:2]) / SIDE
    near = nearness(depth)
    steps = np.arange(frames) / (STEPS - 1) * scale
    moves = ((step * down * near, step * across * near) for step in steps)
    return averaged_motion(image, near, moves, frames)


@corruption
def forward_motion(image: Unit, rng: Draws, depth: Plane, *, frames: int, least: float, most: float) -> Unit:
    """Average what a camera sees that moves forward.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    depth : Plane
        How far each pixel is, above 0.
    frames : int
        How many of the 60 steps of the motion are seen; more is worse.
    least : float
        The least part of its distance that the camera keeps to what is nearest, after all steps, above 0.
    most : float
        The largest one.

    References
    ----------
    After Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441, as `sideways_motion`.
    """
    kept = rng.uniform(least, most)
    near = nearness(depth)
    rows, columns = (axis - (side - 1) / 2 for axis, side in zip(np.indices(near.shape), near.shape, strict=True))
    factors = (1 / (1 - step / (STEPS - 1) * (1 - kept) * near) - 1 for step in range(frames))
    return averaged_motion(image, near, ((rows * factor, columns * factor) for factor in factors), frames)


def nearness(depth: Plane) -> NDArray[np.float64]:
    """Return the inverse depths as fractions of the largest."""
    depths = np.maximum(first_channel(depth).astype(np.float64), 1e-6)
    return depths.min() / depths


def averaged_motion(
    image: NDArray[np.floating],
    near: NDArray[np.float64],
    moves: Iterable[tuple[NDArray[np.float64], NDArray[np.float64]]],
    count: int,
) -> NDArray[np.floating]:
    """Return the mean of images whose pixels are moved (down, right)."""
    total = np.zeros(image.shape)
    samples, placed = np.ascontiguousarray(image, np.float64), np.empty(image.shape)
    nearest = np.empty(near.shape)
    for down, right in moves:
        place_pixels(placed, nearest, samples, near, down, right)
        total += placed
    return (total / count).astype(image.dtype)
