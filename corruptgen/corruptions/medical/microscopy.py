"""What lies on a slide: deposits of stain, and air below the cover glass."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from corruptgen.assets.inks import ink_masks
from corruptgen.assets.textures import need_pictures
from corruptgen.declare import Unit, corruption
from corruptgen.patterns.layers import canvas_size, fitted
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.turns import batched_integers, integer_between

FEWEST_BUBBLES, SMALLEST_BUBBLE = 7, 3
# A deposit keeps this distance from the border, in units.
MARGIN = 10

Layer = NDArray[np.uint8]


@corruption
@need_pictures("inks")
def stain_deposit(image: Unit, rng: Draws, *, marks: int, side: int, unit: float) -> Unit:
    """Drop ink on the slide: black marks, cut out of ten pictures of ink.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    marks : int
        The largest number of marks; one is always drawn, and more are drawn with all numbers alike; more is worse.
    side : int
        Side of the pictures in units, one of those that there are: 12, 16, 24, 32 or 42; more is worse.
    unit : float
        Pixels of the image; more is worse.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    ink = _ink(canvas_size(image, unit), rng, marks, side)
    return image * (1 - fitted(ink, image).astype(image.dtype))[..., None]


@corruption
def bubble(
    image: Unit,
    rng: Draws,
    *,
    radius: int,
    bubbles: int,
    rim: int,
    opacity: float,
    rim_opacity: float,
    unit: float,
) -> Unit:
    """Trap air below the cover glass: white, half transparent disks with a whiter rim; the last drawn lies on top.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : int
        The largest in units, at least 3; more is worse.
    bubbles : int
        The largest number of bubbles, at least 7; more is worse.
    rim : int
        Thickness of the rim in units; more is worse.
    opacity : float
        Opacity of the inside, from 0 to 1; more is worse.
    rim_opacity : float
        Opacity of the rim, from 0 to 1; more is worse.
    unit : float
        Pixels of the image; more is worse.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    layer = _bubbles(canvas_size(image, unit), rng, radius, bubbles, rim)
    white = fitted(np.array([0.0, opacity, rim_opacity])[layer], image).astype(image.dtype)[..., None]
    return image * (1 - white) + white


def _ink(size: tuple[int, int], rng: Draws, marks: int, side: int) -> Layer:
    """Draw the canvas: 1 where there is ink."""
    height, width = size
    masks = ink_masks(side)
    layer = np.zeros(size, np.uint8)
    count = integer_between(rng, 1, marks) if marks > 1 else marks
    drawn = batched_integers(rng, 3 * count)
    for _ in range(count):
        mask = masks[drawn(0, len(masks) - 1)]
        left = drawn(MARGIN, width - side - MARGIN)
        top = drawn(MARGIN, height - side - MARGIN)
        part = layer[top : top + side, left : left + side]
        part |= mask[: part.shape[0], : part.shape[1]]
    return layer


def _bubbles(size: tuple[int, int], rng: Draws, radius: int, bubbles: int, rim: int) -> Layer:
    """Draw the canvas: 1 inside of bubbles, 2 on their rims."""
    height, width = size
    picture = Image.new("L", (width, height))
    pen = ImageDraw.Draw(picture)
    count = integer_between(rng, FEWEST_BUBBLES, bubbles)
    drawn = batched_integers(rng, 3 * count)
    for _ in range(count):
        inner = drawn(SMALLEST_BUBBLE, radius)
        x, y = drawn(inner, width - inner), drawn(inner, height - inner)
        for value, reach in ((2, inner + rim), (1, inner)):
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=value)
    return np.array(picture)
