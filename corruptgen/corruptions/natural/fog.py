"""Fog and smoke."""

from corruptgen.declare import Unit, corruption
from corruptgen.ops.gaussian import smooth
from corruptgen.patterns.fields import plasma, power_of_two
from corruptgen.randomness.draws import Draws


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


@corruption
def smoke(image: Unit, rng: Draws, *, thickness: float, sigma: float) -> Unit:
    """Fill the image with even smoke of a fine grain and darken the whole back to its brightest value.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    thickness : float
        Weight of the smoke against the image; more is worse, 0 leaves the image alone.
    sigma : float
        Standard deviation in pixels by which the grain is smoothed; less is worse.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark
    """
    grain = smooth(rng.random(image.shape[:2]), sigma, border="reflect")[..., None]
    brightest = image.max()
    return (image + thickness * grain) * brightest / (brightest + thickness)


@corruption
def fog_from_map(image: Unit, rng: Draws, *, thickness: float, roughness: float, map_side: int) -> Unit:
    """Lay the top left part of a bank of fog over the image that is larger than the image need be.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], no larger than the bank.
    thickness : float
        Weight of the fog against the image; more is worse, 0 leaves the image alone.
    roughness : float
        How fast detail fades from one octave to the next, 1 or above; less is worse.
    map_side : int
        Side of the bank in pixels, a power of two.

    References
    ----------
    Gu, Tresp & Qin 2022, https://arxiv.org/abs/2111.10659
    """
    height, width = image.shape[:2]
    bank = plasma(map_side, roughness, rng)[:height, :width, None]
    brightest = image.max()
    return (image + thickness * bank) * brightest / (brightest + thickness)
