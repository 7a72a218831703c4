"""Weighted sums of shifted samples in float32, a row at a time: what estimates are made of.

The loops are over slices of one length, four terms in a sweep, so that the compiler makes vector code of them. It may
multiply and add in one rounding where the processor can: bounds hold for either.
"""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import part_of_kernel

# Terms, or pairs of them, that are added in one sweep, which saves loads and stores of the sum.
SWEEP, PAIRS = 4, 2
# Within a sweep a term is rounded as a weight, as a product, and in this many sums.
_ROUNDINGS = 2 + 2


def fill_sweeps(weights: NDArray[np.float64], sweep: int = SWEEP) -> NDArray[np.float32]:
    """Return the weights in float32, with zeros in front so that they fill whole sweeps."""
    return np.pad(weights, (-weights.size % sweep, 0)).astype(np.float32)


def roundings(weights: NDArray[np.float32], sweep: int = SWEEP) -> float:
    """Bound the error of a sum of samples up to 1 by these weights, in units of the roundoff.

    After each sweep the sum so far is rounded, which is small for long if the large weights come last.
    """
    sizes = np.abs(weights.astype(np.float64))
    return float(sizes.cumsum()[sweep - 1 :: sweep].sum() + _ROUNDINGS * sizes.sum())


@part_of_kernel(fastmath={"contract"})
def weigh(total, samples, first, places, weights):
    """Add up samples times weights, from every place of a row.

    Parameters
    ----------
    total : ndarray of float32, shape (n,)
        Written.
    samples : uint8 or float32, contiguous
    first : of the samples; the places count from there
    places : ndarray of int64, shape (terms,)
        Where the n samples of each term begin.
    weights : ndarray of float32, shape (terms,)
        Which fill whole sweeps.
    """
    size = total.size
    for i in range(size):
        total[i] = np.float32(0)
    for k in range(0, weights.size, SWEEP):
        a, b = samples[first + places[k] :][:size], samples[first + places[k + 1] :][:size]
        c, d = samples[first + places[k + 2] :][:size], samples[first + places[k + 3] :][:size]
        w, v, u, t = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for i in range(size):
            one = w * np.float32(a[i]) + v * np.float32(b[i])
            total[i] += one + (u * np.float32(c[i]) + t * np.float32(d[i]))


@part_of_kernel(fastmath={"contract"})
def weigh_pairs(total, samples, first, places, weights):
    """Add up pairs of samples times weights, from every place of a row: a symmetric kernel.

    Parameters
    ----------
    total, first : as in `weigh`
    samples : float32, contiguous
    places : ndarray of int64, shape (terms, 2)
        Where the samples of each pair begin.
    weights : ndarray of float32, shape (terms,)
        Which fill whole sweeps of pairs.
    """
    size = total.size
    for i in range(size):
        total[i] = np.float32(0)
    for k in range(0, weights.size, PAIRS):
        a, b = samples[first + places[k, 0] :][:size], samples[first + places[k, 1] :][:size]
        c, d = samples[first + places[k + 1, 0] :][:size], samples[first + places[k + 1, 1] :][:size]
        w, v = weights[k], weights[k + 1]
        for i in range(size):
            total[i] += w * (a[i] + b[i]) + v * (c[i] + d[i])


@part_of_kernel(fastmath={"contract"})
def weigh_pairs_of_bytes(total, samples, first, places, weights):
    """Do what `weigh_pairs` does with bytes, whose sums are whole numbers."""
    size = total.size
    for i in range(size):
        total[i] = np.float32(0)
    for k in range(0, weights.size, PAIRS):
        a, b = samples[first + places[k, 0] :][:size], samples[first + places[k, 1] :][:size]
        c, d = samples[first + places[k + 1, 0] :][:size], samples[first + places[k + 1, 1] :][:size]
        w, v = weights[k], weights[k + 1]
        for i in range(size):
            one = np.int32(np.int32(a[i]) + np.int32(b[i]))
            other = np.int32(np.int32(c[i]) + np.int32(d[i]))
            total[i] += w * np.float32(one) + v * np.float32(other)
