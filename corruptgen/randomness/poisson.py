"""Poisson counts from random words, by inverting the distribution function: one word, one count."""

import math

import numpy as np

from corruptgen.compilation import njit, part_of_kernel

# Above this expectation the counts come from the normal quantile with its skewness corrections (Cornish & Fisher 1938),
# which is then within a hundredth of a count of the exact quantile.
LARGEST_SUMMED = 512.0
# Tables of this many expectations are kept during one call: an 8-bit image has at most 256 different ones.
_SLOTS = 1024
LONGEST = 768
_GUIDES = 64
_FEW = 256

_WORDS = 4294967296.0
_E = math.e
_NOTHING_LEFT = 2.0**-40


@njit(cache=True, nogil=True, error_model="numpy")
def fill_counts(counts, words, expected):  # pragma: no cover - compiled
    """Turn one word per element into a Poisson count of that element's expectation.

    The count of a word is the number of thresholds at or below it, threshold k being the distribution function at k
    times 2^32. An expectation that comes again finds its thresholds in a table; the counts are the same without it.

    Parameters
    ----------
    counts : ndarray of int64, shape (n,)
        Written.
    words : ndarray of uint32, shape (n,)
    expected : ndarray of float64, shape (n,)
        Finite and not negative.
    """
    if counts.size < _FEW:
        thresholds = np.empty(LONGEST, np.uint32)
        for i in range(counts.size):
            if expected[i] > LARGEST_SUMMED:
                counts[i] = _large_count(words[i], expected[i])
            else:
                length = fill_thresholds(thresholds, expected[i])
                counts[i] = _thresholds_below(thresholds, 0, length, words[i])
        return

    tables = np.empty((_SLOTS, LONGEST), np.uint32)
    guides = np.empty((_SLOTS, _GUIDES), np.int32)
    lengths = np.empty(_SLOTS, np.int64)
    owners = np.full(_SLOTS, np.nan)
    names = expected.view(np.uint64)
    for i in range(counts.size):
        if expected[i] > LARGEST_SUMMED:
            counts[i] = _large_count(words[i], expected[i])
            continue
        slot = np.int64((names[i] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(54))
        if owners[slot] != expected[i]:
            owners[slot] = expected[i]
            lengths[slot] = fill_thresholds(tables[slot], expected[i])
            _fill_guides(guides[slot], tables[slot], lengths[slot])
        start = guides[slot, words[i] >> np.uint32(26)]
        counts[i] = _thresholds_below(tables[slot], start, lengths[slot], words[i])


@part_of_kernel
def fill_thresholds(thresholds, expected):  # pragma: no cover - compiled
    """Sum the distribution function of one expectation up to `LARGEST_SUMMED`; return the number of its thresholds.

    Thresholds that no word can reach are left out; there are never more than `LONGEST`.
    """
    probability = _exp_minus(expected)
    total = 0.0
    for k in range(LONGEST):
        total += probability
        threshold = math.ceil(total * _WORDS - 0.5)
        if threshold >= _WORDS or (k > expected and probability < _NOTHING_LEFT):
            return k
        thresholds[k] = np.uint32(threshold)
        probability = probability * expected / (k + 1)
    return LONGEST


@part_of_kernel
def _fill_guides(guides, thresholds, length):  # pragma: no cover - compiled
    """Note for each value of a word's top bits how many thresholds lie below all such words."""
    k = 0
    for top in range(_GUIDES):
        while k < length and thresholds[k] <= np.uint32(top << 26):
            k += 1
        guides[top] = k


@part_of_kernel
def _thresholds_below(thresholds, start, length, word):  # pragma: no cover - compiled
    k = start
    while k < length and thresholds[k] <= word:
        k += 1
    return k


@part_of_kernel
def _exp_minus(x):  # pragma: no cover - compiled
    """Compute exp(-x) for x >= 0: the whole part by repeated squaring, the rest by its Taylor series."""
    whole = math.floor(x)
    rest = x - whole
    series = 1.0
    for n in range(20, 0, -1):
        series = 1.0 - rest / n * series
    factor = 1.0 / _E
    while whole:
        if whole & 1:
            series *= factor
        factor *= factor
        whole >>= 1
    return series


@part_of_kernel
def _large_count(word, expected):  # pragma: no cover - compiled
    z = _normal_quantile((float(word) + 0.5) / _WORDS)
    sigma = math.sqrt(expected)
    count = expected + sigma * z + (z * z - 1) / 6 + (z - z * z * z) / (72 * sigma)
    return max(0, math.floor(count + 0.5))


@part_of_kernel
def _normal_quantile(p):  # pragma: no cover - compiled
    """Invert the normal distribution function to seven digits (Wichura 1988, algorithm AS 241, routine PPND7)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        below = ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0
        return q * above / below
    r = math.sqrt(-_log(p if q < 0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        above = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        below = (0.12021132975 * r + 0.73700164250) * r + 1.0
    else:
        r -= 5.0
        above = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        below = (0.012258202635 * r + 0.24197894225) * r + 1.0
    return -above / below if q < 0 else above / below


@part_of_kernel
def _log(x):  # pragma: no cover - compiled
    """Logarithm by the series of atanh, with nothing but basic arithmetic, so that its bits are the same everywhere."""
    mantissa, exponent = math.frexp(x)
    if mantissa < 0.7071067811865476:
        mantissa *= 2.0
        exponent -= 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    series = 0.0
    for n in range(23, 0, -2):
        series = series * z + 1.0 / n
    return 2.0 * s * series + exponent * 0.6931471805599453
