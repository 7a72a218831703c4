"""Balanced errors: every class counts alike, however rare; what MedMNIST-C scores."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError, UnknownName, unknown
from corruptgen.metrics.grid import Numbers
from corruptgen.metrics.resampling import Weights, weighted_mean

TASKS = ("multi-class", "ordinal-regression", "binary-class", "multi-label, binary-class")
THRESHOLD = 0.5


def balanced_error(correct: ArrayLike, classes: ArrayLike, weights: Weights = None) -> Numbers:
    """Return one minus the mean recall over the classes that occur.

    Parameters
    ----------
    correct : array_like, shape (..., items)
        Bool: whether each item was classified right.
    classes : array_like
        (items,): the true class of each.
    weights : array_like or None, shape (resamples, items)
        A class that a resample lacks does not count in it.

    Returns
    -------
    float or ndarray
        (...), or (resamples, ...) with weights: a fraction; lower is better.

    References
    ----------
    Brodersen et al. 2010, https://doi.org/10.1109/ICPR.2010.764

    Examples
    --------
    >>> balanced_error([True, True, True, False], [0, 0, 0, 1]).item()
    0.5
    """
    right, labels = np.asarray(correct, float), np.asarray(classes)
    if labels.ndim != 1 or right.shape[-1] != len(labels) or not len(labels):
        raise ScoreError(f"{right.shape} answers do not fit {labels.shape} classes; pass one class for each item")
    recalls, present = [], []
    for label in np.unique(labels):
        mask = labels == label
        if weights is None:
            recalls.append(right[..., mask].mean(axis=-1))
            present.append(np.ones(()))
            continue
        count = weights[:, mask].sum(axis=-1)
        hits = np.tensordot(weights[:, mask], right[..., mask], (-1, -1))
        shaped = count.reshape(-1, *(1,) * (hits.ndim - 1))
        recalls.append(np.divide(hits, shaped, out=np.zeros_like(hits), where=shaped > 0))
        present.append((shaped > 0).astype(float))
    return 1 - np.sum(recalls, axis=0) / np.sum(present, axis=0)


def mean_balanced_error(correct: ArrayLike, truth: ArrayLike, weights: Weights = None) -> Numbers:
    """Return the balanced error, for several labels at once the mean over them.

    Parameters
    ----------
    correct : array_like of bool, shape (..., items, labels)
    truth : array_like, shape (items, labels)
        A single label is a class number, several are 0 or 1 each.
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (...), or (resamples, ...) with weights: a fraction; lower is better.

    Examples
    --------
    >>> mean_balanced_error([[True], [True], [True], [False]], [[0], [0], [0], [1]]).item()
    0.5
    """
    right, labels = np.asarray(correct), np.asarray(truth)
    errors = [balanced_error(right[..., label], labels[:, label], weights) for label in range(labels.shape[1])]
    return np.mean(errors, axis=0)


def error_rate(correct: ArrayLike, weights: Weights = None) -> Numbers:
    """Return the plain error: the share of misclassified items; of several labels, the share of wrong ones.

    Parameters
    ----------
    correct : array_like of bool, shape (..., items, labels)
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (...), or (resamples, ...) with weights: a fraction; lower is better.

    Examples
    --------
    >>> error_rate([[True], [True], [True], [False]]).item()
    0.25
    """
    return 1 - weighted_mean(np.asarray(correct, float).mean(axis=-1), weights)


def decisions(scores: ArrayLike, task: str, thresholds: float | Sequence[float] = THRESHOLD) -> NDArray[np.int64]:
    """Decide as MedMNIST-C's evaluation does.

    Parameters
    ----------
    scores : array_like, shape (..., items, classes)
    task : str
        "multi-class" and "ordinal-regression" take the highest score, the first of equal ones; "binary-class" asks
        whether the last score lies above the threshold, "multi-label, binary-class" that of each label.
    thresholds : float or sequence of float
        One, or one for each label.

    Returns
    -------
    ndarray of int64
        (..., items, labels): a class number, or 0 and 1 for each label.

    Examples
    --------
    >>> decisions([[0.2, 0.8], [0.7, 0.3]], "multi-class").tolist()
    [[1], [0]]
    """
    numbers = np.asarray(scores)
    match task:
        case "multi-class" | "ordinal-regression":
            return numbers.argmax(axis=-1)[..., None]
        case "binary-class":
            return (numbers[..., -1:] > np.asarray(thresholds)).astype(np.int64)
        case "multi-label, binary-class":
            limits = np.asarray(thresholds, float)
            if limits.ndim and limits.shape != numbers.shape[-1:]:
                raise ScoreError(f"{len(limits)} thresholds for {numbers.shape[-1]} labels; pass one, or one for each")
            return (numbers > limits).astype(np.int64)
        case _:
            raise UnknownName(unknown("task", task, TASKS))
