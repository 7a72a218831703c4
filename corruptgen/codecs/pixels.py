"""The pixel rules: the only place where samples change their type, are clipped, rounded, widened or narrowed."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.declare import Pixels

FULL_SCALE_OF_LEVELS = 255
# ITU-R BT.601 luma as Pillow computes it, in 1/65536; the weights add up to 65536, so that grey stays grey.
LUMA = (19595, 38470, 7471)


@dataclass(frozen=True)
class SampleFormat:
    """How an image stores its samples: numpy's name of the type, and the values that stand for black and white."""

    dtype: str
    full_scale: float
    """How far white lies above black; where black is 0, the value of white."""
    black: float = 0.0
    clips: bool = True
    """Whether results beyond black and white become black and white; only floats can keep them."""


BYTE = SampleFormat("uint8", 255)


@dataclass(frozen=True)
class Arithmetic:
    """How a table wants its numbers computed: the float type of the formula and the way back to whole numbers."""

    precision: str  # "float32" or "float64"
    rounding: str  # "truncate", as numpy.uint8(x) does, or "round", half up

    @cached_property
    def half(self) -> float:
        """What `quantize` adds before it cuts off the fraction."""
        return 0.5 if self.rounding == "round" else 0.0

    @property
    def units(self) -> NDArray[np.floating[Any]]:
        """What `to_float` makes of the bytes 0 to 255, in full scales."""
        return _units(self.precision)


@lru_cache(maxsize=2)
def _units(precision: str) -> NDArray[np.floating[Any]]:
    units = to_float(np.arange(256, dtype=np.uint8), Pixels.UNIT, BYTE, Arithmetic(precision, "truncate"))
    units.flags.writeable = False
    return units


def grey_to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """Repeat a grey (H, W, 1) image into three channels."""
    return np.repeat(image, 3, axis=2)


def rgb_to_luma(image: NDArray[Any], form: SampleFormat) -> NDArray[Any]:
    """Return the luma of an (H, W, 3) image as (H, W, 1), in the same sample format."""
    if np.issubdtype(np.dtype(form.dtype), np.floating):
        return (image @ (np.array(LUMA) / 65536))[..., None].astype(form.dtype)
    summed = image.astype(np.int64) @ np.array(LUMA, np.int64)
    return ((summed + 32768) >> 16)[..., None].astype(form.dtype)


def to_float(image: NDArray[Any], pixels: Pixels, form: SampleFormat, arithmetic: Arithmetic) -> NDArray[Any]:
    """Convert stored samples to what a corruption takes; for `Pixels.BYTES` this is the image itself, not a copy."""
    match pixels:
        case Pixels.UNIT:
            return np.divide(_above_black(image, form, arithmetic), form.full_scale, dtype=arithmetic.precision)
        case Pixels.LEVELS if form.full_scale == FULL_SCALE_OF_LEVELS:
            return _above_black(image, form, arithmetic).astype(arithmetic.precision)
        case Pixels.LEVELS:
            # Divided by a level, not multiplied by its reciprocal, so that 257 times a level is that level exactly.
            level = form.full_scale / FULL_SCALE_OF_LEVELS
            return np.divide(_above_black(image, form, arithmetic), level, dtype=arithmetic.precision)
        case Pixels.BYTES if form == BYTE:
            return image
        case Pixels.BYTES:
            unit = to_float(image, Pixels.UNIT, form, Arithmetic("float64", arithmetic.rounding))
            return quantize(unit, Pixels.UNIT, BYTE, "round")


def quantize(result: NDArray[Any], pixels: Pixels, form: SampleFormat, rounding: str) -> NDArray[Any]:
    """Clip what a corruption gave to black and white and convert it to stored samples."""
    if pixels is not Pixels.BYTES and form == BYTE:
        samples = np.empty(result.shape, np.uint8)
        factor = result.dtype.type(BYTE.full_scale if pixels is Pixels.UNIT else 1)
        half = result.dtype.type(0.5 if rounding == "round" else 0)
        store_row(samples.ravel(), np.ascontiguousarray(result).ravel(), factor, half)
        return samples
    kind = np.dtype(form.dtype)
    if not form.clips and np.issubdtype(kind, np.floating):
        white = 1 if pixels is Pixels.UNIT else FULL_SCALE_OF_LEVELS
        values = np.asarray(result, np.float64) if pixels is Pixels.BYTES else result
        return (values * values.dtype.type(form.full_scale / white) + values.dtype.type(form.black)).astype(kind)
    match pixels:
        case Pixels.UNIT:
            scaled = _clipped(result, 1) * result.dtype.type(form.full_scale)
        case Pixels.LEVELS if form.full_scale == FULL_SCALE_OF_LEVELS:
            scaled = _clipped(result, FULL_SCALE_OF_LEVELS)
        case Pixels.LEVELS:
            scaled = _clipped(result, FULL_SCALE_OF_LEVELS) * (form.full_scale / FULL_SCALE_OF_LEVELS)
        case Pixels.BYTES if form == BYTE:
            return result
        case Pixels.BYTES:
            return quantize(result / 255, Pixels.UNIT, form, rounding)
    if np.issubdtype(kind, np.floating):
        return (scaled + scaled.dtype.type(form.black)).astype(kind)
    scaled = np.floor(scaled + scaled.dtype.type(0.5 if rounding == "round" else 0)) + scaled.dtype.type(form.black)
    # A window may reach beyond what the type can hold.
    return np.clip(scaled, np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)


def _above_black(image: NDArray[Any], form: SampleFormat, arithmetic: Arithmetic) -> NDArray[Any]:
    return np.subtract(image, form.black, dtype=arithmetic.precision) if form.black else image


def _clipped(result: NDArray[Any], white: float) -> NDArray[Any]:
    """Clip to black and white; NaN becomes black."""
    return np.fmin(np.fmax(result, 0), white)


@njit(cache=True, nogil=True)
def store_row(samples, values, factor, half):
    """Do for bytes in one pass what `quantize` says: scale, clip, round or truncate. NaN becomes black."""
    white = type(factor)(255)
    black = type(factor)(0)
    for i in range(samples.size):
        value = values[i] * factor
        value = value if value > black else black
        samples[i] = np.uint8((value if value < white else white) + half)
