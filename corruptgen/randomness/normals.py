"""Normal draws from random words, with logarithm and sine of our own so that their bits are the same everywhere."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

Words = NDArray[np.uint32]

# No normal number lies further from 0: the square root of -2 * log(2**-33) is less.
FURTHEST = 6.8

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
_ODD_QUADRANT = np.uint32(0x40000000)
_CHUNK = 2048


# The error model of numpy leaves out Python's check for division by zero, which cannot happen and would forbid vectors.
@njit(cache=True, nogil=True, error_model="numpy")
def fill_normals(out, words):  # pragma: no cover - compiled
    """Turn pairs of words into pairs of independent normal numbers (Box & Muller 1958).

    The first word of a pair gives the radius, the second one the angle. All arithmetic is float32.

    Parameters
    ----------
    out : ndarray of float32, shape (2 * pairs,) or float64
        Written.
    words : ndarray of uint32, shape (2 * pairs,)
    """
    normals = np.empty(_CHUNK, np.float32)
    for start in range(0, words.size, _CHUNK):
        chunk = words[start : start + _CHUNK]
        target = out[start : start + _CHUNK]
        fill_chunk(normals, chunk)
        for i in range(chunk.size):
            target[i] = normals[i]


@njit(cache=True, nogil=True, error_model="numpy")
def fill_chunk(normals, words):  # pragma: no cover - compiled
    """Do what `fill_normals` says for as many words as stay in the processor's nearest cache; `normals` is float32."""
    # numba widens whole numbers to 64 bits at every step unless it is told not to, and then fewer fit into a register.
    for i in range(words.size // 2):
        value = np.float32(np.float32(words[2 * i]) + _HALF)
        # value = mantissa * 2^exponent, the mantissa in [1/sqrt(2), sqrt(2))
        shifted = np.int32(value.view(np.int32) - _BITS_OF_ROOT_HALF)
        exponent = np.float32(np.int32((shifted >> _MANTISSA_WIDTH) - _WORD_WIDTH))
        mantissa = np.int32((shifted & _MANTISSA) + _BITS_OF_ROOT_HALF).view(np.float32)
        s = (mantissa - _ONE) / (mantissa + _ONE)
        z = s * s
        log = _TWO * s * (_ONE + z * (_A3 + z * (_A5 + z * (_A7 + z * _A9)))) + exponent * _LN2
        radius = math.sqrt(-_TWO * log)

        # Two bits of the angle choose the quadrant, the others the angle within 1/8 turn of it.
        word = words[2 * i + 1]
        x = np.float32(np.int32(np.uint32(word << np.uint32(2)))) * _TO_FRACTION * _QUARTER_TURN
        z = x * x
        sine = x * (_ONE + z * (_S3 + z * (_S5 + z * (_S7 + z * _S9))))
        cosine = _ONE + z * (_C2 + z * (_C4 + z * (_C6 + z * (_C8 + z * _C10))))
        is_odd = np.uint32(word & _ODD_QUADRANT) != np.uint32(0)
        along = -sine if is_odd else cosine
        across = cosine if is_odd else sine
        radius = -radius if np.int32(word) < np.int32(0) else radius
        normals[2 * i] = radius * along
        normals[2 * i + 1] = radius * across
