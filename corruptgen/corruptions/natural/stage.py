"""At a concert: the lights of the stage."""

import colorsys

import numpy as np

from corruptgen.declare import UnitColour, corruption
from corruptgen.randomness.draws import Draws

LAMPS = 4
# What is left of the light of the room, and how bright the air in a beam is, at full strength.
ROOM, HAZE = 0.2, 0.3
BEAM_LIGHT = 0.9
# How saturated the beams are, half their angle in radians, how far they swing from the vertical, and how high the lamps
# hang above the image as a fraction of its height.
SATURATION, SPREAD, SWING, LIFT = 0.85, 0.13, 0.55, 0.15


@corruption
def stage_lights(image: UnitColour, rng: Draws, *, strength: float) -> UnitColour:
    """Dim the room, and let the coloured beams of a stage fall through it from above.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    strength : float
        From 0, which leaves the image alone, to 1; more is worse.

    References
    ----------
    Ours.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    rows, columns = (np.arange(length, dtype=np.float32)[:, None] + np.float32(0.5) for length in (height, width))
    down = rows / side + LIFT * height / side
    draws = rng.random((LAMPS, 2))
    first = rng.random()
    beams = np.zeros((height, width, 3), np.float32)
    for lamp, (place, swing) in enumerate(draws):
        across = columns.T / side - np.float32((lamp + place) / LAMPS * width / side)
        turned = np.arctan2(across, down) - np.float32((swing - 0.5) * 2 * SWING)
        beam = np.exp(-0.5 * (turned / np.float32(SPREAD)) ** 2)
        colour = colorsys.hsv_to_rgb((first + lamp / LAMPS) % 1, SATURATION, 1.0)
        beams += beam[..., None] * np.array(colour, np.float32)
    light = np.float32(1 - (1 - ROOM) * strength) + np.float32(BEAM_LIGHT * strength) * beams
    return image * light + np.float32(HAZE * strength) * beams
