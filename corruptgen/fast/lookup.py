"""Curves over 8-bit samples: a formula of one value is computed for all 256 of them and looked up."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, LUMA, Arithmetic, quantize, to_float
from corruptgen.compilation import njit
from corruptgen.corruptions.common.tone import contrast_about_luma, gain, gamma_correction, spread_about, whole_mean_of
from corruptgen.declare import Levels, Pixels, Unit, fused

Curve = Callable[[NDArray[Any]], NDArray[Any]]

EVERY_SAMPLE = np.arange(256, dtype=np.uint8)


def by_table(
    image: NDArray[np.uint8], curve: Curve, takes: Pixels, gives: Pixels, arithmetic: Arithmetic
) -> NDArray[np.uint8]:
    """Apply a formula that treats every value by itself to an (H, W, C) image of bytes.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    curve : Curve
        The formula, of an (H, W, C) array.
    takes, gives : Pixels
        The units of its values and of its results.
    arithmetic : Arithmetic
        How the table of severities wants them computed.

    Returns
    -------
    ndarray of uint8
        The samples that the formula would give over the whole image.
    """
    return np.asarray(cv2.LUT(image, table_of(curve, takes, gives, arithmetic)), np.uint8).reshape(image.shape)


def table_of(curve: Curve, takes: Pixels, gives: Pixels, arithmetic: Arithmetic) -> NDArray[np.uint8]:
    """Return the 256 samples that `curve` makes of all samples there are."""
    column = EVERY_SAMPLE.reshape(-1, 1, 1)
    return quantize(curve(to_float(column, takes, BYTE, arithmetic)), gives, BYTE, arithmetic.rounding).ravel()


def sum_of_luma(image: NDArray[np.uint8]) -> int:
    """Add up the luma of an (H, W, 3) image of bytes, or the values of an (H, W, 1) one; each a whole number."""
    if image.shape[2] == 1:
        return int(image.sum(dtype=np.int64))
    return int(_luma_sum(np.ascontiguousarray(image), *LUMA))


@njit(cache=True, nogil=True)
def _luma_sum(image, red, green, blue):
    total = 0
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            luma = red * image[y, x, 0] + green * image[y, x, 1] + blue * image[y, x, 2]
            total += (luma + 32768) >> 16
    return total


@fused(gain)
def _gain(image: NDArray[np.uint8], arithmetic: Arithmetic, *, factor: float) -> NDArray[np.uint8]:
    return by_table(image, lambda values: gain(values, factor=factor), Pixels.LEVELS, Pixels.LEVELS, arithmetic)


@fused(contrast_about_luma)
def _contrast_about_luma(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, factor: float, whole_mean: bool
) -> NDArray[np.uint8] | None:
    if not whole_mean:
        return None
    mean = whole_mean_of(sum_of_luma(image) / (image.shape[0] * image.shape[1]))
    return by_table(image, lambda values: spread_about(values, mean, factor), Pixels.LEVELS, Pixels.LEVELS, arithmetic)


@fused(gamma_correction)
def _gamma_correction(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, gamma: float, excess: float
) -> NDArray[np.uint8]:
    def curve(values: Unit) -> Levels:
        return gamma_correction(values, gamma=gamma, excess=excess)

    return by_table(image, curve, Pixels.UNIT, Pixels.LEVELS, arithmetic)
