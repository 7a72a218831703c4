"""Eidolons: images whose details are moved about, scale by scale, so that they look like smears or like drawings."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import LUMA
from corruptgen.declare import BytesPicture, LevelsPicture, corruption
from corruptgen.ops.colour import in_channels
from corruptgen.patterns.disarray import displacements, scale_slices
from corruptgen.randomness.draws import Draws


@corruption
def partially_coherent_disarray(
    image: BytesPicture, rng: Draws, *, reach: float, coherence: float, grain: float
) -> LevelsPicture:
    """Move the details of the luma about, those of each scale by a plane of noise.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255], of grey or colour.
    reach : float
        How far, in pixels and by the noise's own deviation; more is worse.
    coherence : float
        1: fine details move with the coarse ones that they lie on; 0: each scale for itself.
    grain : float
        Of what moves each for itself: standard deviation of its blur in pixels.

    References
    ----------
    Koenderink et al. 2017, https://doi.org/10.1167/17.2.7; Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    height, width, channels = image.shape
    plane, top, left = _embedded(_cut_luma(image))
    side = len(plane)
    rows, columns = np.arange(top, top + height)[:, None], np.arange(left, left + width)[None]
    inside = slice(top, top + height), slice(left, left + width)
    result = np.zeros((height, width))
    for part, moves in zip(scale_slices(plane), displacements(side, coherence, grain, rng), strict=True):
        row, column = (
            np.clip(places + reach * move[inside], 0, side - 1).astype(np.intp)
            for places, move in zip((rows, columns), moves, strict=True)
        )
        result += part[row, column]
    return in_channels(result, channels)


def _cut_luma(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma of an image, whose fractions are cut off as Pillow did until 2019."""
    if image.shape[2] == 1:
        return image[..., 0]
    return (image.astype(np.int64) @ np.array(LUMA, np.int64) >> 16).astype(np.uint8)


def _embedded(plane: NDArray[np.uint8]) -> tuple[NDArray[np.float64], int, int]:
    """Return a plane in the middle of a larger square one with its mirror images about it, and where it begins."""
    height, width = plane.shape
    side = 2 ** int(np.ceil(np.log2(1.5 * max(height, width))))
    top, left = (side - height) // 2, (side - width) // 2
    border = (top, side - height - top), (left, side - width - left)
    return np.pad(plane.astype(np.float64), border, mode="symmetric"), top, left
