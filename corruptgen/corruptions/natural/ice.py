"""Ice on the window."""

import numpy as np

from corruptgen.declare import UnitColour, corruption
from corruptgen.ops.point_spread import gaussian_spread, spread_separably
from corruptgen.patterns.frost_crystals import frost_feathers
from corruptgen.patterns.layers import averaged, fineness
from corruptgen.patterns.noise_fields import cloud_noise
from corruptgen.randomness.draws import Draws

ICE = np.array([0.86, 0.93, 1.0], np.float32)
# How bright the film between the crystals is, and how much the grain of the film and of the crystals varies it.
FILM = 0.6
GRAIN = 0.06
# Width of the zone in which the frost ends, on the scale of its own thickness.
THAW = 0.22


@corruption
def window_frost(image: UnitColour, rng: Draws, *, coverage: float, opacity: float, softness: float) -> UnitColour:
    """Look through a window on which feathers of ice have grown inwards from the frame.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    coverage : float
        Fraction of the window that is frozen, the frame first; more is worse, 0 leaves the image alone.
    opacity : float
        How much of the light behind the ice is lost; more is worse.
    softness : float
        Standard deviation in pixels of the Gaussian that the ice makes of what is behind; more is worse.

    References
    ----------
    Ours: the feathers of `frost_feathers` over a film of ice; the film scatters what is behind it.
    """
    samples = fineness(image.shape)
    height, width = (length * samples for length in image.shape[:2])
    side = min(height, width)
    feathers = frost_feathers((height, width), rng)
    spots = cloud_noise((height, width), (side / 3, side / 3), 5, 0.6, rng)

    down, across = (np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5) / side for n in (height, width))
    inwards = np.minimum(down[:, None], across).astype(np.float32)
    thickness = 0.12 * spots + 0.3 * feathers - 1.6 * inwards
    # From nothing at a coverage of 0 to all of the window, fully frozen, at 1.
    edge = np.quantile(thickness, 1 - coverage) - THAW * coverage
    frozen = np.clip((thickness - np.float32(edge)) / np.float32(THAW), 0, 1)

    brightness = FILM + GRAIN * spots + (1 - FILM) * np.sqrt(feathers)
    hidden = np.clip(opacity * (0.55 + 0.45 * feathers), 0, 1) * frozen
    light = averaged((hidden * brightness).astype(np.float32), samples)[..., None] * ICE
    behind = spread_separably(image, gaussian_spread(softness))
    ice = averaged(frozen, samples)[..., None]
    shown = image + (behind - image) * ice
    return shown * (1 - averaged(hidden.astype(np.float32), samples)[..., None]) + light
