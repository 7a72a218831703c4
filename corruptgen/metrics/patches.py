"""Corruptions of a part of the image: how often they change a prediction that was right."""

import numpy as np
from numpy.typing import ArrayLike

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Numbers
from corruptgen.metrics.resampling import Weights, weighted_mean


def fooling_rate(correct: ArrayLike, clean: ArrayLike, weights: Weights = None) -> Numbers:
    """Return which share of the images that are classified right when clean are wrong when corrupted.

    Parameters
    ----------
    correct : array_like, shape (..., items)
        Whether each corrupted image was classified right, or of several images the share that was; axes before the last
        are cells of a grid, rows, severities.
    clean : array_like of bool, shape (items,)
        Whether each clean image was.
    weights : array_like or None, shape (resamples, items)
        How often each item counts.

    Returns
    -------
    float or ndarray
        (...), or (resamples, ...) with weights: a fraction; lower is better. NaN where no clean image is right.

    Raises
    ------
    ScoreError
        If there are not as many clean images as corrupted ones.

    References
    ----------
    Gu, Tresp & Qin 2022, https://arxiv.org/abs/2111.10659

    Examples
    --------
    >>> fooling_rate([True, False, False, False], [True, True, True, False]).item()
    0.6666666666666666
    """
    right, before = np.asarray(correct, float), np.asarray(clean, bool)
    if before.ndim != 1 or right.ndim == 0 or right.shape[-1] != len(before):
        raise ScoreError(f"{right.shape} answers do not fit {before.shape} clean ones; pass one for each item")
    fooled, counted = weighted_mean(before * (1 - right), weights), weighted_mean(before, weights)
    whole = counted.reshape(counted.shape + (1,) * (fooled.ndim - counted.ndim))
    return np.divide(fooled, whole, out=np.full(fooled.shape, np.nan), where=whole > 0)


def evaluate_patches(predictions: ArrayLike, clean: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """Return how often a patch changes a prediction that was right: on average, at the worst place, anywhere.

    Parameters
    ----------
    predictions : array_like, shape (cells, items)
        Classes that are predicted with each cell of the grid corrupted in turn, as `corruptgen.frames` makes them.
    clean : array_like, shape (items,)
        Those of the clean images.
    labels : array_like, shape (items,)
        The true classes.

    Returns
    -------
    dict of str to float
        "fooling rate", the mean over cells; "worst cell", that of the cell that fools most; "any cell", the share of
        the images that are fooled by at least one. Fractions; lower is better.

    Examples
    --------
    >>> scores = evaluate_patches([[0, 1, 2], [0, 2, 2]], clean=[0, 1, 1], labels=[0, 1, 2])
    >>> scores["fooling rate"], scores["worst cell"]
    (0.25, 0.5)
    """
    classes, before, truth = np.asarray(predictions), np.asarray(clean), np.asarray(labels)
    if classes.ndim != 2 or not classes.shape[1:] == before.shape == truth.shape:
        raise ScoreError(
            f"predictions of shape {classes.shape}, clean ones of {before.shape} and labels of {truth.shape} do not "
            "fit; pass (cells, items), (items,) and (items,)"
        )
    right, was_right = classes == truth, before == truth
    rates = fooling_rate(right, was_right)
    return {
        "fooling rate": float(rates.mean()),
        "worst cell": float(rates.max()),
        "any cell": float(fooling_rate(right.all(axis=0), was_right)),
    }
