"""People seen from behind, as a crowd before the camera shows them: drawn, since photographs of others are not ours."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.runtime.caching import keep_arrays

Float64 = NDArray[np.float64]
Colour = tuple[int, int, int]

SIDE = 256
# Of each figure: where it stands across, how far down its head begins, and its size, as fractions of the side.
GROUPS = (
    ((0.50, 0.06, 1.00),),
    ((0.30, 0.14, 0.86), (0.68, 0.04, 1.00)),
    ((0.22, 0.20, 0.72), (0.78, 0.24, 0.72), (0.50, 0.08, 0.92)),
    ((0.36, 0.03, 1.05),),
    ((0.18, 0.30, 0.62), (0.42, 0.22, 0.70), (0.66, 0.27, 0.66), (0.86, 0.18, 0.74)),
    ((0.70, 0.10, 0.90), (0.30, 0.16, 0.84)),
)
# One who stands alone, below a free row.
ALONE = (0.5, 0.01, 0.99)
HAIR = ((44, 32, 26), (92, 64, 40), (150, 118, 74), (26, 24, 28))
CLOTHES = ((52, 68, 104), (120, 44, 46), (70, 84, 62), (88, 82, 78), (168, 150, 120), (46, 46, 54))
SKIN = (186, 142, 116)
# The edge is as wide as this, as a fraction of the side.
SOFTNESS = 0.006


@keep_arrays
def crowd_cutout(number: int) -> NDArray[np.uint8]:
    """Return one of six groups of people as (256, 256, 4) bytes, read-only: red, green, blue and opacity."""
    colours, clear = np.zeros((SIDE, SIDE, 3)), np.ones((SIDE, SIDE))
    for figure, place in enumerate(GROUPS[number]):
        cloth, hair = CLOTHES[(number + 2 * figure) % len(CLOTHES)], HAIR[(number + figure) % len(HAIR)]
        colours, clear = _with_figure(colours, clear, place, hair, cloth)
    opacity = 1 - clear
    shown = colours / np.maximum(opacity, 1e-6)[..., None]
    cutout = np.rint(np.clip(np.dstack([shown, 255 * opacity]), 0, 255)).astype(np.uint8)
    cutout.flags.writeable = False
    return cutout


@keep_arrays
def figure_cutout(hair: int, cloth: int) -> NDArray[np.float32]:
    """Return one person as (256, 256, 4) float32, read-only: opacity, and light that is multiplied by it already."""
    nothing = np.zeros((SIDE, SIDE, 3)), np.ones((SIDE, SIDE))
    colours, clear = _with_figure(*nothing, ALONE, HAIR[hair], CLOTHES[cloth])
    cutout = np.dstack([colours / 255, 1 - clear]).astype(np.float32)
    cutout.flags.writeable = False
    return cutout


def _with_figure(
    colours: Float64, clear: Float64, place: tuple[float, float, float], hair: Colour, cloth: Colour
) -> tuple[Float64, Float64]:
    """Return colours and clearness with one more person before them."""
    across, top, size = place
    places = (np.arange(SIDE) + 0.5) / SIDE
    down, right = (places[:, None] - top) / size, (places - across) / size
    body = np.maximum(_ellipse(down - 0.72, right, 0.40, 0.30, size), _box(down - 0.72, right, 0.30, size))
    neck = _ellipse(down - 0.32, right, 0.12, 0.07, size)
    head = _ellipse(down - 0.17, right, 0.17, 0.13, size)
    light = 0.75 + 0.25 * np.clip(1 - np.abs(right) / 0.3, 0, 1)
    for cover, colour in ((neck, SKIN), (body, cloth), (head, hair)):
        colours = colours * (1 - cover[..., None]) + (cover * light)[..., None] * colour
        clear = clear * (1 - cover)
    return colours, clear


def _ellipse(down: Float64, right: Float64, tall: float, wide: float, size: float) -> Float64:
    """Return what an ellipse about 0 covers of each sample."""
    inside = 1 - np.sqrt((down / tall) ** 2 + (right / wide) ** 2)
    return np.clip(inside * min(tall, wide) * size / SOFTNESS + 0.5, 0, 1)


def _box(down: Float64, right: Float64, wide: float, size: float) -> Float64:
    """Return what is covered below 0 and as far to either side."""
    inside = np.minimum(wide - np.abs(right), down)
    return np.clip(inside * size / SOFTNESS + 0.5, 0, 1)
