"""Normal draws from random words, with logarithm and sine of our own so that their bits are the same everywhere."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

Words = NDArray[np.uint32]

# Taylor coefficients: atanh(s) = s + s^3/3 + s^5/5 ..., sine and cosine about 0. Their first omitted terms are below
# the last bit of float32 on the intervals that are used.
_A3, _A5, _A7, _A9 = (np.float32(1 / n) for n in (3, 5, 7, 9))
_S3, _S5, _S7, _S9 = (np.float32(c) for c in (-1 / 6, 1 / 120, -1 / 5040, 1 / 362880))
_C2, _C4, _C6, _C8, _C10 = (np.float32(c) for c in (-1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800))

_LN2 = np.float32(np.log(2))
_QUARTER_TURN = np.float32(np.pi / 2)
_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_TO_FRACTION = np.float32(2.0**-32)
_BITS_OF_ROOT_HALF = np.int32(0x3F3504F3)
_MANTISSA = np.int32(0x007FFFFF)
_MANTISSA_WIDTH = np.int32(23)
_WORD_WIDTH = np.int32(32)
_CHUNK = 1024


# The error model of numpy leaves out Python's check for division by zero, which cannot happen and would forbid vectors.
@njit(cache=True, nogil=True, error_model="numpy")
def fill_normals(out, words):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Turn pairs of words into pairs of independent normal numbers (Box & Muller 1958).

    The first word of a pair gives the radius, the second one the angle. All arithmetic is float32.

    Parameters
    ----------
    out : (2 * pairs,) float32 or float64, written
    words : (2 * pairs,) uint32
    """
    # Each loop reads some arrays and writes others: only then does the compiler turn it into vector code.
    value, radius, exponent = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    value_bits = value.view(np.int32)
    mantissa_bits = np.empty(_CHUNK, np.int32)
    mantissa = mantissa_bits.view(np.float32)
    angle = np.empty(_CHUNK, np.uint32)
    along, across = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    for start in range(0, words.size, 2 * _CHUNK):
        chunk = words[start : start + 2 * _CHUNK]
        target = out[start : start + 2 * _CHUNK]
        pairs = chunk.size // 2
        for i in range(pairs):
            value[i] = np.float32(chunk[2 * i]) + _HALF
            angle[i] = chunk[2 * i + 1]
        for i in range(pairs):
            # value = mantissa * 2^exponent, the mantissa in [1/sqrt(2), sqrt(2))
            shifted = value_bits[i] - _BITS_OF_ROOT_HALF
            exponent[i] = np.float32((shifted >> _MANTISSA_WIDTH) - _WORD_WIDTH)
            mantissa_bits[i] = (shifted & _MANTISSA) + _BITS_OF_ROOT_HALF
        for i in range(pairs):
            s = (mantissa[i] - _ONE) / (mantissa[i] + _ONE)
            z = s * s
            log = _TWO * s * (_ONE + z * (_A3 + z * (_A5 + z * (_A7 + z * _A9)))) + exponent[i] * _LN2
            radius[i] = math.sqrt(-_TWO * log)
        for i in range(pairs):
            cosine, sine = _direction(angle[i])
            along[i] = radius[i] * cosine
            across[i] = radius[i] * sine
        for i in range(pairs):
            target[2 * i] = along[i]
            target[2 * i + 1] = across[i]


@njit(inline="always")
def _direction(word):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Cosine and sine of a uniform angle: two bits choose the quadrant, the others the angle within 1/8 turn of it."""
    x = np.float32(np.int32(word << np.uint32(2))) * _TO_FRACTION * _QUARTER_TURN
    z = x * x
    sine = x * (_ONE + z * (_S3 + z * (_S5 + z * (_S7 + z * _S9))))
    cosine = _ONE + z * (_C2 + z * (_C4 + z * (_C6 + z * (_C8 + z * _C10))))
    quadrant = word >> np.uint32(30)
    odd = (quadrant & np.uint32(1)) != np.uint32(0)
    across = -sine if odd else cosine
    along = cosine if odd else sine
    flipped = (quadrant & np.uint32(2)) != np.uint32(0)
    return (-across if flipped else across), (-along if flipped else along)
