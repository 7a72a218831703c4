"""Fog."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.declare import Unit, corruption, fused
from corruptgen.fast.fog_banks import fogged
from corruptgen.ops.fields import plasma, power_of_two
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.stream import Stream


@corruption
def fog(image: Unit, rng: Draws, *, thickness: float, roughness: float) -> Unit:
    """Lay a drifting bank of fog over the image and darken the whole back to its brightest value.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    thickness : float
        Weight of the fog against the image; more is worse, 0 leaves the image alone.
    roughness : float
        How fast detail fades from one octave to the next, 1 or above; less is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    height, width = image.shape[:2]
    bank = plasma(power_of_two(max(height, width)), roughness, rng)[:height, :width, None]
    brightest = image.max()
    return (image + thickness * bank) * brightest / (brightest + thickness)


@fused(fog)
def _fog(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, thickness: float, roughness: float
) -> NDArray[np.uint8] | None:
    return fogged(image, rng, arithmetic, thickness, roughness)
