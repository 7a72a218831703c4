"""Grey images: the luminance is found in tables of the bytes, changed, stored once and copied to the channels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize
from corruptgen.compilation import njit
from corruptgen.corruptions.perception.grey_noise import (
    add_uniform_noise,
    grey_salt_and_pepper,
    grey_uniform_noise,
    strew_salt_and_pepper,
)
from corruptgen.corruptions.perception.grey_spectra import disturb_phases, unpaired_phase_noise
from corruptgen.corruptions.perception.luminance import FULL_TURN, grey, grey_contrast, grey_turn, lower_contrast
from corruptgen.declare import Pixels, fused
from corruptgen.ops.colour import LUMINANCE, in_channels
from corruptgen.randomness.stream import Stream


@fused(grey)
def _grey(image: NDArray[np.uint8], arithmetic: Arithmetic) -> NDArray[np.uint8]:
    return _stored(_luminance_of(image, arithmetic), image, arithmetic)


@fused(grey_contrast)
def _grey_contrast(image: NDArray[np.uint8], arithmetic: Arithmetic, *, share: float) -> NDArray[np.uint8]:
    return _stored(lower_contrast(_luminance_of(image, arithmetic), share), image, arithmetic)


@fused(grey_turn)
def _grey_turn(image: NDArray[np.uint8], arithmetic: Arithmetic, *, quarters: int) -> NDArray[np.uint8] | None:
    if quarters % 2 and image.shape[0] != image.shape[1]:
        return None
    return _stored(np.rot90(_luminance_of(image, arithmetic), quarters % FULL_TURN), image, arithmetic)


@fused(grey_uniform_noise)
def _grey_uniform_noise(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, contrast_share: float, width: float
) -> NDArray[np.uint8]:
    plane = lower_contrast(_luminance_of(image, arithmetic), contrast_share)
    return _stored(add_uniform_noise(plane, rng, width), image, arithmetic)


@fused(grey_salt_and_pepper)
def _grey_salt_and_pepper(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, contrast_share: float, amount: float
) -> NDArray[np.uint8]:
    plane = lower_contrast(_luminance_of(image, arithmetic), contrast_share)
    return _stored(strew_salt_and_pepper(plane, rng, amount), image, arithmetic)


@fused(unpaired_phase_noise)
def _unpaired_phase_noise(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, degrees: float
) -> NDArray[np.uint8] | None:
    if image.shape[0] % 2 or image.shape[1] % 2:
        return None
    return _stored(disturb_phases(_luminance_of(image, arithmetic), rng, degrees), image, arithmetic)


def _luminance_of(image: NDArray[np.uint8], arithmetic: Arithmetic) -> NDArray[np.float64]:
    """Return what `luminance` makes of the image's samples in full scales."""
    units = arithmetic.units.astype(np.float64)
    if image.shape[2] == 1:
        return units[image[..., 0]]
    result = np.empty(image.shape[:2])
    _look_up(result.ravel(), image.reshape(-1, 3), *(units * weight for weight in LUMINANCE))
    return result


def _stored(plane: NDArray[np.float64], image: NDArray[np.uint8], arithmetic: Arithmetic) -> NDArray[np.uint8]:
    samples: Any = quantize(plane, Pixels.UNIT, BYTE, arithmetic.rounding)
    return in_channels(samples, image.shape[2])


@njit(cache=True, nogil=True)
def _look_up(result, pixels, reds, greens, blues):
    for i in range(result.size):
        result[i] = (reds[pixels[i, 0]] + greens[pixels[i, 1]]) + blues[pixels[i, 2]]
