"""Fractions of full scale that bytes stand for, without a division, which takes a processor as long as ten products."""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from corruptgen.codecs.pixels import FULL_SCALE_OF_LEVELS
from corruptgen.compilation import part_of_kernel

# A byte times a number whose last bits, this many, are 0 has no rounding error.
_BITS_LEFT_FREE = 9


@lru_cache(maxsize=2)
def parts_of_a_level(precision: str) -> tuple[Any, Any]:
    """Split 1 / 255 so that value * first + value * second is value / 255 to the last bit, for every byte."""
    kind = np.dtype(precision).type
    bits = np.dtype(f"uint{8 * kind().itemsize}").type
    level = kind(1 / FULL_SCALE_OF_LEVELS)
    first = (level.view(bits) >> bits(_BITS_LEFT_FREE) << bits(_BITS_LEFT_FREE)).view(kind)
    return first, kind(Fraction(1, FULL_SCALE_OF_LEVELS) - Fraction(float(first)))


@part_of_kernel
def fraction_of(sample, parts):
    """Return sample / 255 in the type of the parts."""
    value = type(parts[0])(sample)
    return value * parts[0] + value * parts[1]
