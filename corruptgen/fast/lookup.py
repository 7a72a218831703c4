"""Curves over 8-bit samples: a formula of one value is computed for all 256 of them and looked up."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize, to_float
from corruptgen.corruptions.common.tone import gamma_correction
from corruptgen.declare import Pixels, fused

EVERY_SAMPLE = np.arange(256, dtype=np.uint8).reshape(-1, 1, 1)


@fused(gamma_correction)
def _gamma_correction(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, gamma: float, excess: float
) -> NDArray[np.uint8]:
    values = to_float(EVERY_SAMPLE, Pixels.UNIT, BYTE, arithmetic)
    levels = gamma_correction(values, gamma=gamma, excess=excess)
    table = quantize(levels, Pixels.LEVELS, BYTE, arithmetic.rounding).ravel()
    return np.asarray(cv2.LUT(image, table), np.uint8).reshape(image.shape)
