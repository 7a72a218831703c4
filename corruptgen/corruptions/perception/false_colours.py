"""Colours that are exchanged for their opponents: light stays, red becomes green and blue yellow."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.monitor import monitor_light
from corruptgen.declare import BytesColour, corruption

# What the cones for long, middle and short waves see of a monitor's red, green and blue.
CONES = np.array(
    [
        [0.1619982647, 0.208049264, 0.0389347448],
        [0.0330275785, 0.2496504557, 0.0618343518],
        [0.0015524055, 0.0198861001, 0.1890224274],
    ]
)
MIDDLE_GREY = np.array([0.20449114, 0.17225619, 0.10523047])
# Light, red against green, and blue against yellow, of what the cones see beyond the grey: the axes of Derrington,
# Krauskopf & Lennie 1984.
OPPONENTS = np.array(
    [
        [9.27590805, 9.27590805, 0.0],
        [7.86421647, -9.33587662, 0.0],
        [-3.39709047, -3.39709047, 12.16230246],
    ]
)


@corruption
def false_colour(image: BytesColour) -> BytesColour:
    """Exchange all colours for their opponents, as bright as they are on one certain monitor.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    light = monitor_light()
    opponents = (light[image] @ CONES.T - MIDDLE_GREY) @ OPPONENTS.T
    opponents[..., 1:] *= -1
    cones = opponents @ np.linalg.inv(OPPONENTS).T + MIDDLE_GREY
    return _nearest_levels(np.clip(cones @ np.linalg.inv(CONES).T, 0, 1), light)


def _nearest_levels(values: NDArray[np.float64], light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the levels whose light is nearest to some values in [0, 1]; the darker of two that are as near."""
    above = np.clip(np.searchsorted(light, values), 1, len(light) - 1)
    return (above - (values - light[above - 1] <= light[above] - values)).astype(np.uint8)
