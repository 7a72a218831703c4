"""A conformal reading: sets of classes that hold the truth on clean images; what they still hold under corruption."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Numbers
from corruptgen.metrics.resampling import Weights, weighted_mean

ALPHA = 0.1


def least_probability(truth: ArrayLike, alpha: float = ALPHA) -> float:
    """Return the probability that a class needs to be in the set, from clean images.

    Parameters
    ----------
    truth : array_like, shape (items,)
        The predicted probability of the true class of each clean image.
    alpha : float
        The share of clean images whose set may miss the truth.

    Returns
    -------
    float
        One minus the ⌈(n+1)(1-α)⌉-th smallest of 1 - p; 0, so that every class is in every set, if there are too few
        images for such a promise.

    References
    ----------
    Sadinle et al. 2019, https://arxiv.org/abs/1609.00451; Angelopoulos & Bates 2021, https://arxiv.org/abs/2107.07511

    Examples
    --------
    >>> least_probability([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.9, 0.8], alpha=0.2)
    0.3
    """
    if not 0 < alpha < 1:
        raise ScoreError(f"alpha is {alpha}; allowed is a share above 0 and below 1")
    probabilities = np.sort(np.asarray(truth, float))[::-1]
    # Rounded, so that 0.9 of 10 is 9 and not 9.000000000000002.
    rank = int(np.ceil(round((len(probabilities) + 1) * (1 - alpha), 9)))
    return float(probabilities[rank - 1]) if 1 <= rank <= len(probabilities) else 0.0


def set_sizes(probabilities: ArrayLike, least: float) -> NDArray[np.int64]:
    """Return how many classes are in each item's set, (..., items), of (..., items, classes) probabilities.

    Parameters
    ----------
    probabilities : array_like, shape (..., items, classes)
        Fractions in [0, 1].
    least : float
        As returned by `least_probability`.

    Returns
    -------
    ndarray of int64
        (..., items): number of classes in the set of each item; fewer is surer.

    Examples
    --------
    >>> set_sizes([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25]], 0.3).tolist()
    [1, 2]
    """
    return (np.asarray(probabilities) >= least).sum(axis=-1)


def coverage(truth: ArrayLike, least: float, weights: Weights = None) -> Numbers:
    """Return the share of items whose set holds the truth; higher is better; 1 - α is what clean images have.

    Parameters
    ----------
    truth : array_like, shape (..., items)
        The probability of the true class.
    least : float
        As returned by `least_probability`.
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (...), or (resamples, ...) with weights: a fraction; higher is better.

    Examples
    --------
    >>> coverage([0.7, 0.2, 0.4, 0.9], 0.3).item()
    0.75
    """
    return weighted_mean(np.asarray(truth) >= least, weights)


def abstention(sizes: ArrayLike, weights: Weights = None) -> Numbers:
    """Return the share of items whose set is not one single class, so that it should not decide; lower is better.

    Parameters
    ----------
    sizes : array_like, shape (..., items)
        As returned by `set_sizes`.
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (...), or (resamples, ...) with weights: a fraction; lower is better.

    Examples
    --------
    >>> abstention([1, 2, 1, 0]).item()
    0.5
    """
    return weighted_mean(np.asarray(sizes) != 1, weights)


def evaluate_conformal(
    probabilities: ArrayLike, classes: ArrayLike, clean: ArrayLike, clean_classes: ArrayLike, alpha: float = ALPHA
) -> dict[str, float]:
    """Return coverage and abstention of one cell with the sets that clean images set.

    Parameters
    ----------
    probabilities : array_like, shape (items, classes)
    classes : array_like, shape (items,)
        The true ones.
    clean : array_like, shape (clean items, classes)
        Probabilities; better of other images than those that are scored.
    clean_classes : array_like, shape (clean items,)
    alpha : float
        The share of clean images whose set may miss the truth.

    Returns
    -------
    dict of str to float
        "coverage", "abstention" and "mean set size", of one cell.

    Examples
    --------
    >>> clean = [[0.9, 0.1], [0.2, 0.8]] * 10
    >>> evaluate_conformal([[0.6, 0.4], [0.1, 0.9]], [0, 1], clean, [0, 1] * 10)
    {'coverage': 0.5, 'abstention': 0.5, 'mean set size': 0.5}
    """
    of_clean, of_cell = truth_probabilities(clean, clean_classes), truth_probabilities(probabilities, classes)
    least = least_probability(of_clean, alpha)
    sizes = set_sizes(probabilities, least)
    return {
        "coverage": float(coverage(of_cell, least)),
        "abstention": float(abstention(sizes)),
        "mean set size": float(sizes.mean()),
    }


def truth_probabilities(probabilities: ArrayLike, classes: ArrayLike) -> Numbers:
    """Return the probability of each item's true class: (..., items) of (..., items, classes) and (items,).

    Parameters
    ----------
    probabilities : array_like, shape (..., items, classes)
        Fractions in [0, 1].
    classes : array_like, shape (items,)
        The true class of each item.

    Returns
    -------
    float or ndarray
        (..., items): the probability of the true class.

    Examples
    --------
    >>> truth_probabilities([[0.7, 0.3], [0.4, 0.6]], [0, 1]).tolist()
    [0.7, 0.6]
    """
    numbers, labels = np.asarray(probabilities), np.asarray(classes)
    return np.take_along_axis(numbers, np.broadcast_to(labels[:, None], (*numbers.shape[:-1], 1)), axis=-1)[..., 0]
