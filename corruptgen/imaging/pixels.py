"""The pixel rules: the only place where samples change their type, are clipped, rounded, widened or narrowed."""

from dataclasses import dataclass
from functools import lru_cache
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
    """How an image stores its samples: numpy's name of the type, and the value that stands for white."""

    dtype: str
    full_scale: float


BYTE = SampleFormat("uint8", 255)


@dataclass(frozen=True)
class Arithmetic:
    """How a table wants its numbers computed: the float type of the formula and the way back to whole numbers."""

    precision: str  # "float32" or "float64"
    rounding: str  # "truncate", as numpy.uint8(x) does, or "round", half up

    @property
    def half(self) -> float:
        """What `stored` adds before it cuts off the fraction."""
        return 0.5 if self.rounding == "round" else 0.0

    @property
    def units(self) -> NDArray[np.floating[Any]]:
        """What `given` makes of the bytes 0 to 255, in full scales."""
        return _units(self.precision)


@lru_cache(maxsize=2)
def _units(precision: str) -> NDArray[np.floating[Any]]:
    units = given(np.arange(256, dtype=np.uint8), Pixels.UNIT, BYTE, Arithmetic(precision, "truncate"))
    units.flags.writeable = False
    return units


def widened(image: NDArray[Any]) -> NDArray[Any]:
    """Repeat a grey (H, W, 1) image into three channels."""
    return np.repeat(image, 3, axis=2)


def narrowed(image: NDArray[Any], form: SampleFormat) -> NDArray[Any]:
    """Give the luma of an (H, W, 3) image as (H, W, 1), in the same sample format."""
    if np.issubdtype(np.dtype(form.dtype), np.floating):
        return (image @ (np.array(LUMA) / 65536))[..., None].astype(form.dtype)
    summed = image.astype(np.uint64) @ np.array(LUMA, np.uint64)
    return ((summed + 32768) >> 16)[..., None].astype(form.dtype)


def given(image: NDArray[Any], pixels: Pixels, form: SampleFormat, arithmetic: Arithmetic) -> NDArray[Any]:
    """Convert stored samples to what a corruption takes; for `Pixels.BYTES` this is the image itself, not a copy."""
    match pixels:
        case Pixels.UNIT:
            return np.divide(image, form.full_scale, dtype=arithmetic.precision)
        case Pixels.LEVELS if form.full_scale == FULL_SCALE_OF_LEVELS:
            return image.astype(arithmetic.precision)
        case Pixels.LEVELS:
            return image * np.dtype(arithmetic.precision).type(FULL_SCALE_OF_LEVELS / form.full_scale)
        case Pixels.BYTES if form == BYTE:
            return image
        case Pixels.BYTES:
            return stored(np.divide(image, form.full_scale, dtype=np.float64), Pixels.UNIT, BYTE, "round")


def stored(result: NDArray[Any], pixels: Pixels, form: SampleFormat, rounding: str) -> NDArray[Any]:
    """Clip what a corruption gave to black and white and convert it to stored samples."""
    if pixels is not Pixels.BYTES and form == BYTE:
        samples = np.empty(result.shape, np.uint8)
        factor = result.dtype.type(BYTE.full_scale if pixels is Pixels.UNIT else 1)
        half = result.dtype.type(0.5 if rounding == "round" else 0)
        store_row(samples.ravel(), np.ascontiguousarray(result).ravel(), factor, half)
        return samples
    match pixels:
        case Pixels.UNIT:
            scaled = np.clip(result, 0, 1) * result.dtype.type(form.full_scale)
        case Pixels.LEVELS if form.full_scale == FULL_SCALE_OF_LEVELS:
            scaled = np.clip(result, 0, FULL_SCALE_OF_LEVELS)
        case Pixels.LEVELS:
            scaled = np.clip(result, 0, FULL_SCALE_OF_LEVELS) * (form.full_scale / FULL_SCALE_OF_LEVELS)
        case Pixels.BYTES if form == BYTE:
            return result
        case Pixels.BYTES:
            return stored(result / 255, Pixels.UNIT, form, rounding)
    if rounding == "round" and not np.issubdtype(np.dtype(form.dtype), np.floating):
        scaled = np.floor(scaled + scaled.dtype.type(0.5))
    return scaled.astype(form.dtype)


@njit(cache=True, nogil=True)
def store_row(samples, values, factor, half):  # type: ignore[no-untyped-def]
    """Do for bytes in one pass what `stored` says: scale, clip, round or truncate. NaN becomes black."""
    white = type(factor)(255)
    black = type(factor)(0)
    for i in range(samples.size):
        value = values[i] * factor
        value = value if value > black else black
        samples[i] = np.uint8((value if value < white else white) + half)
