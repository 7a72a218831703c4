"""Resampling of items: how far a score would move with another sample of images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Numbers
from corruptgen.randomness import rng_for

Weights = NDArray[np.float64] | None
"""(resamples, items): how often each item counts; None: once, and there is no axis of resamples."""
BATCH_VALUES = 5_000_000  # weights that are held at once, 40 MB


@dataclass(frozen=True)
class Interval:
    """A number and where it would lie with other images.

    Examples
    --------
    >>> Interval(0.5, 0.4, 0.6)
    Interval(value=0.5, low=0.4, high=0.6)
    """

    value: float
    low: float
    high: float


def weighted_mean(values: ArrayLike, weights: Weights = None) -> Numbers:
    """Return the mean over the items.

    Parameters
    ----------
    values : array_like, shape (..., items)
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (...), or (resamples, ...) with weights.

    Examples
    --------
    >>> weighted_mean([True, False, True, True]).item()
    0.75
    """
    numbers = np.asarray(values, float)
    if numbers.shape[-1] == 0:
        raise ScoreError("there are no items to take a mean of")
    if weights is None:
        return numbers.mean(axis=-1)
    return np.tensordot(weights, numbers, (-1, -1)) / weights.sum(axis=-1).reshape(-1, *(1,) * (numbers.ndim - 1))


def resamples(items: int, count: int, seed: int = 0) -> Iterator[NDArray[np.float64]]:
    """Draw items with replacement, as many as there are, again and again.

    Parameters
    ----------
    items : int
        Number of items.
    count : int
        Number of resamples.
    seed : int, default 0
        Another seed draws others; the same draws the same on every machine.

    Yields
    ------
    ndarray of float64, shape (some, items)
        How often each item was drawn, in pieces that fit into memory; `count` resamples in all.

    Examples
    --------
    >>> [weights.sum().item() for weights in resamples(4, 2)]
    [8.0]
    """
    if items < 1 or count < 1:
        raise ScoreError(f"{count} resamples of {items} items cannot be drawn; at least one of each is needed")
    draws = rng_for(seed, "bootstrap", None, f"{items}")
    batch = max(1, BATCH_VALUES // items)
    for start in range(0, count, batch):
        size = min(batch, count - start)
        drawn = [np.bincount(draws.integers(items, size=items), minlength=items) for _ in range(size)]
        yield np.stack(drawn).astype(float)


def percentiles(samples: ArrayLike, level: float = 0.95, value: float | None = None) -> tuple[float, float]:
    """Return the bounds between which the share `level` of the samples lies, as many below them as above.

    Parameters
    ----------
    samples : array_like, shape (resamples,)
        Samples of a score.
    level : float, default 0.95
        A share.
    value : float or None
        The score itself, if resampling shifts it: the bounds are shifted back by as much as the samples' mean is off.
        Calibration errors are so: a resample holds fewer different items, and bins with fewer of them err more.

    Returns
    -------
    (float, float)
        The lower and the upper bound.

    Examples
    --------
    >>> low, high = percentiles(range(101), level=0.9)
    >>> round(low, 6), round(high, 6)
    (5.0, 95.0)
    """
    if not 0 < level < 1:
        raise ScoreError(f"the level of an interval is {level}; allowed is a share above 0 and below 1")
    numbers = np.asarray(samples, float)
    low, high = np.quantile(numbers, [(1 - level) / 2, (1 + level) / 2])
    shift = 0.0 if value is None else numbers.mean() - value
    return float(low - shift), float(high - shift)


def interval(
    statistic: Callable[[Weights], Numbers],
    items: int,
    *,
    count: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    biased: bool = False,
) -> Interval:
    """Return a score with its percentile bootstrap interval.

    All cells are resampled together: an item is drawn with its pictures in every row and severity, as these belong
    together.

    Parameters
    ----------
    statistic : callable
        Returns the score, () without weights and (resamples,) with (resamples, items) of them.
    items : int
        Number of items.
    count : int, default 1000
        Number of resamples.
    level : float, default 0.95
        The share of resamples within the interval.
    seed : int, default 0
        Another seed draws other resamples.
    biased : bool, default False
        Whether resampling shifts the score, as it does calibration errors; see `percentiles`.

    Returns
    -------
    Interval
        The score of all items, and the bounds of its interval.

    References
    ----------
    Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    Examples
    --------
    >>> from corruptgen.metrics.resampling import weighted_mean
    >>> found = interval(lambda weights: weighted_mean([True, False] * 50, weights), 100, count=200)
    >>> found.low < found.value < found.high
    True
    """
    samples = np.concatenate([np.asarray(statistic(weights)) for weights in resamples(items, count, seed)])
    value = float(statistic(None))
    return Interval(value, *percentiles(samples, level, value if biased else None))
