"""Translations by whole pixels: of the window over a larger picture, or around the borders of the image.

Those of the first kind are what a camera does that moves: content leaves the image, and other content enters it. Those
of the second kind are what convolutions without borders do not notice.
"""

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import ByteFrames, Scene, Warp, corruption
from corruptgen.ops.warp import Shift
from corruptgen.ops.windows import move_window, shift_window
from corruptgen.randomness.draws import Draws

# Down, left, up, right.
DIRECTIONS = ((1, 0), (0, -1), (-1, 0), (0, 1))


@corruption
def window_shift(scene: Scene, rng: Draws, *, pixels: int) -> Warp:
    """Move the window over the picture, along its rows or its columns, to either side.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    pixels : int
        How far; more is worse.

    References
    ----------
    Shifman & Weiss 2024, https://arxiv.org/abs/2404.07153
    """
    return shift_window(scene, *_drawn_step(rng, pixels))


@corruption
def cyclic_shift(scene: Scene, rng: Draws, *, pixels: int) -> Warp:
    """Move the image, along its rows or its columns, to either side; what leaves it comes back on the other side.

    Parameters
    ----------
    scene : Scene
        The image, where the table says ``acts_on = "view"``; else the picture before the crop.
    pixels : int
        How far; more is worse.

    References
    ----------
    Shifman & Weiss 2024, https://arxiv.org/abs/2404.07153
    """
    return _around(scene.picture, *_drawn_step(rng, pixels))


@corruption
def window_grid_frames(scene: Scene, *, radius: int) -> ByteFrames:
    """Move the window over the picture by every offset within a square, row by row; the middle frame is not moved.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    radius : int
        The largest offset along each axis in pixels, so that there are (2 radius + 1)² frames; more is worse.

    References
    ----------
    Shifman & Weiss 2024, https://arxiv.org/abs/2404.07153
    """
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            yield move_window(scene, down, right)


@corruption
def cyclic_grid_frames(scene: Scene, *, radius: int) -> ByteFrames:
    """Move the image around its borders by every offset within a square, row by row; the middle frame is not moved.

    Parameters
    ----------
    scene : Scene
        The picture before the crop; what moves is its image.
    radius : int
        The largest offset along each axis in pixels, so that there are (2 radius + 1)² frames; more is worse.

    References
    ----------
    Shifman & Weiss 2024, https://arxiv.org/abs/2404.07153
    """
    image = scene.view(scene.picture)
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            yield _around(image, down, right).moved(image)


@corruption
def window_sample_frames(scene: Scene, rng: Draws, *, frames: int, first: int, last: int) -> ByteFrames:
    """Move the window over the picture by offsets that are drawn, rows first, for each frame.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames.
    first : int
        The first of the offsets along each axis in pixels; less is worse.
    last : int
        The last one, included; more is worse.

    References
    ----------
    Zhang 2019, https://arxiv.org/abs/1904.11486
    """
    for _ in range(frames):
        yield move_window(scene, *_drawn_offset(rng, first, last))


@corruption
def cyclic_sample_frames(scene: Scene, rng: Draws, *, frames: int, first: int, last: int) -> ByteFrames:
    """Move the image around its borders by offsets that are drawn, rows first, for each frame.

    Parameters
    ----------
    scene : Scene
        The picture before the crop; what moves is its image.
    frames : int
        Number of frames.
    first : int
        The first of the offsets along each axis in pixels; less is worse.
    last : int
        The last one, included; more is worse.

    References
    ----------
    Zhang 2019, https://arxiv.org/abs/1904.11486
    """
    image = scene.view(scene.picture)
    for _ in range(frames):
        yield _around(image, *_drawn_offset(rng, first, last)).moved(image)


@corruption
def window_diagonal_frames(scene: Scene, *, frames: int, first: int) -> ByteFrames:
    """Move the window over the picture down its diagonal, a pixel from frame to frame.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames.
    first : int
        Offset along both axes of the first frame in pixels.

    References
    ----------
    Zhang 2019, https://arxiv.org/abs/1904.11486
    """
    for frame in range(frames):
        yield move_window(scene, first + frame, first + frame)


def _drawn_step(rng: Draws, pixels: int) -> tuple[int, int]:
    down, right = DIRECTIONS[int(rng.integers(len(DIRECTIONS)))]
    return down * pixels, right * pixels


def _drawn_offset(rng: Draws, first: int, last: int) -> tuple[int, int]:
    down, right = rng.integers(first, last + 1, size=2)
    return int(down), int(right)


def _around(image: NDArray[np.uint8], down: int, right: int) -> Shift:
    """Return by what an image is moved so that it shows what a window does that moves over copies of it."""
    return Shift(-down, -right, image.shape[:2])
