"""Calibration: whether a model is as often right as it says, and whether its confidence tells right from wrong."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Numbers, fractions
from corruptgen.metrics.resampling import Weights

BINS = 15


def expected_calibration_error(
    confidence: ArrayLike, correct: ArrayLike, weights: Weights = None, *, bins: int = BINS
) -> Numbers:
    """Return ECE: how far confidence and accuracy are apart, over bins of equal width.

    Parameters
    ----------
    confidence : array_like, shape (items,)
        The probability of the predicted class, in [0, 1].
    correct : array_like of bool, shape (items,)
    weights : array_like or None, shape (resamples, items)
    bins : int
        Their number; each holds its upper edge.

    Returns
    -------
    float or ndarray
        (), or (resamples,): Σ_b n_b/n abs(accuracy_b - confidence_b), a fraction; lower is better. It is biased upward
        where bins hold few items, and depends on the number of bins.

    References
    ----------
    Guo et al. 2017, https://arxiv.org/abs/1706.04599
    Ovadia et al. 2019, https://arxiv.org/abs/1906.02530, for calibration under corruption

    Examples
    --------
    >>> round(expected_calibration_error([0.9, 0.9, 0.6, 0.6], [True, True, True, False]).item(), 3)
    0.1
    """
    surety, right = _checked(confidence, correct)
    if bins < 1:
        raise ScoreError(f"{bins} bins; allowed is 1 and more")
    place = np.clip(np.ceil(surety * bins).astype(int) - 1, 0, bins - 1)
    gap = np.zeros((len(surety), bins))
    gap[np.arange(len(surety)), place] = right - surety
    if weights is None:
        return np.abs(gap.sum(axis=0)).sum() / len(surety)
    return np.abs(weights @ gap).sum(axis=-1) / weights.sum(axis=-1)


def failure_detection(confidence: ArrayLike, correct: ArrayLike, weights: Weights = None) -> Numbers:
    """Return the area under the curve of confidence as a detector of errors.

    Parameters
    ----------
    confidence : array_like, shape (..., items)
        Any number that is higher where the model is surer; all are pooled.
    correct : array_like of bool, shape (..., items)
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (), or (resamples,): the probability that a right answer is surer than a wrong one, equal ones counting half.
        Higher is better, 0.5 is chance; not a number where all answers are right or all wrong.

    Examples
    --------
    >>> failure_detection([0.9, 0.8, 0.7, 0.6], [True, True, False, True]).item()
    0.6666666666666666
    """
    surety, right = np.asarray(confidence, float), np.asarray(correct, bool)
    if surety.shape != right.shape or not surety.size:
        raise ScoreError(f"{surety.shape} confidences for {right.shape} answers; pass one for each, and at least one")
    order = np.argsort(surety, axis=None, kind="stable")
    items, hits = order % surety.shape[-1], right.ravel()[order].astype(float)
    first = np.flatnonzero(np.diff(surety.ravel()[order], prepend=-np.inf) > 0)
    if weights is None:
        return np.asarray(_area(hits, 1 - hits, first))
    return np.array([_area(counts[items] * hits, counts[items] * (1 - hits), first) for counts in weights])


def check_probabilities(probabilities: ArrayLike) -> None:
    """Raise `ScoreError` unless these are probabilities, (..., classes), that sum to one.

    Parameters
    ----------
    probabilities : array_like
        (..., classes): each in [0, 1], summing to one over the classes.

    Examples
    --------
    >>> check_probabilities([[0.2, 0.8], [0.5, 0.5]])
    """
    taken = fractions(probabilities, "probabilities")
    sums = taken.sum(axis=-1)
    if np.abs(sums - 1).max(initial=0) > 1e-3:
        worst = sums.flat[np.abs(sums - 1).argmax()]
        raise ScoreError(f"the scores of an item sum to {worst:g}; probabilities are needed, so apply softmax first")


def evaluate_calibration(probabilities: ArrayLike, classes: ArrayLike, *, bins: int = BINS) -> dict[str, float]:
    """Return ECE and the area of failure detection of one cell.

    Parameters
    ----------
    probabilities : array_like, shape (items, classes)
    classes : array_like, shape (items,)
        The true ones.
    bins : int
        Bins of ECE.

    Returns
    -------
    dict of str to float
        "ECE" and "failure detection", of one cell.

    Examples
    --------
    >>> scores = evaluate_calibration([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]], [1, 1, 0])
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'ECE': 0.3, 'failure detection': 1.0}
    """
    check_probabilities(probabilities)
    numbers = np.asarray(probabilities, float)
    correct = numbers.argmax(axis=-1) == np.asarray(classes)
    confidence = numbers.max(axis=-1)
    return {
        "ECE": float(expected_calibration_error(confidence, correct, bins=bins)),
        "failure detection": float(failure_detection(confidence, correct)),
    }


def _checked(confidence: ArrayLike, correct: ArrayLike) -> tuple[Numbers, Numbers]:
    surety, right = fractions(confidence, "confidences"), np.asarray(correct, bool)
    if surety.shape != right.shape or surety.ndim != 1 or not len(surety):
        raise ScoreError(f"{surety.shape} confidences for {right.shape} answers; pass one for each, and at least one")
    return surety, right.astype(float)


def _area(hits: Numbers, misses: Numbers, first: NDArray[np.intp]) -> float:
    """Return the share of pairs in the right order, of answers that ascend in confidence; ties begin at `first`."""
    hits, misses = np.add.reduceat(hits, first), np.add.reduceat(misses, first)
    above = hits[::-1].cumsum()[::-1] - hits / 2
    pairs = hits.sum() * misses.sum()
    return float((misses * above).sum() / pairs) if pairs else float("nan")
