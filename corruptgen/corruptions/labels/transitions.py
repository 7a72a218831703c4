"""Transition matrices: with which probability an item of a class gets the label of each class."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ArgumentError

Matrix = NDArray[np.float64]
# The class that each class of CIFAR-10 is taken for: truck for automobile, bird for airplane, deer for horse, cat for
# dog and dog for cat. The others keep their label.
CIFAR10_CONFUSIONS = (0, 1, 0, 5, 7, 3, 6, 7, 8, 1)
# The superclass of each class of CIFAR-100, in the order of its fine labels.
CIFAR100_SUPERCLASSES = (
    *(4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7),
    *(6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10),
    *(16, 4, 17, 4, 2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16),
    *(12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13),
)
ROUNDING = 1e-9  # by which the sum of a row may differ from 1


def symmetric_matrix(classes: int, rate: float, *, inclusive: bool = False) -> Matrix:
    """Return the matrix of noise that takes every other class equally often.

    Parameters
    ----------
    classes : int
        Number of classes.
    rate : float
        Probability of another label; more is worse.
    inclusive : bool, default False
        Whether the rate is that of a label at random, which may be the true one: a share of (K-1)/K is flipped.

    Returns
    -------
    ndarray, shape (classes, classes)
        Row i has the probabilities of the labels of items of class i.

    Examples
    --------
    >>> symmetric_matrix(3, 0.2)
    array([[0.8, 0.1, 0.1],
           [0.1, 0.8, 0.1],
           [0.1, 0.1, 0.8]])
    """
    _check_classes(classes)
    if inclusive:
        return (1 - checked_rate(rate)) * np.eye(classes) + rate / classes
    matrix = np.full((classes, classes), checked_rate(rate) / (classes - 1))
    np.fill_diagonal(matrix, 1 - rate)
    return matrix


def block_matrix(classes: int, rate: float, size: int) -> Matrix:
    """Return the matrix of noise that takes the next class of a block of numbers, the first one for the last.

    Parameters
    ----------
    classes : int
        Number of classes.
    rate : float
        Probability of the next class; more is worse.
    size : int
        Classes of a block: 5 for ELR's noise of CIFAR-100, all of them for pair flips.

    Returns
    -------
    ndarray, shape (classes, classes)
        Row i has the probabilities of the labels of items of class i.

    Examples
    --------
    >>> block_matrix(4, 0.25, 2)[1]
    array([0.25, 0.75, 0.  , 0.  ])
    """
    _check_classes(classes)
    if size < 1 or classes % size:
        raise ArgumentError(f"size is {size}, which does not divide the {classes} classes into blocks")
    numbers = np.arange(classes)
    return confusion_matrix(np.where((numbers + 1) % size, numbers + 1, numbers + 1 - size), rate)


def superclass_matrix(superclasses: Sequence[int], rate: float) -> Matrix:
    """Return the matrix of noise that takes the next class of the same superclass, the first one for the last.

    Parameters
    ----------
    superclasses : sequence of int
        The superclass of every class, such as `CIFAR100_SUPERCLASSES`.
    rate : float
        Probability of the next class; more is worse.

    Returns
    -------
    ndarray, shape (classes, classes)
        Row i has the probabilities of the labels of items of class i.

    Examples
    --------
    >>> superclass_matrix([7, 8, 7], 0.25)[0]
    array([0.75, 0.  , 0.25])
    """
    taken = np.arange(len(superclasses))
    for group in set(superclasses):
        members = np.flatnonzero(np.equal(superclasses, group))
        taken[members] = np.roll(members, -1)
    return confusion_matrix(taken, rate)


def confusion_matrix(taken_for: ArrayLike, rate: float) -> Matrix:
    """Return the matrix of noise that takes one certain class for each.

    Parameters
    ----------
    taken_for : array_like of int, shape (classes,)
        The class that each class is taken for, such as `CIFAR10_CONFUSIONS`; itself: it keeps its label.
    rate : float
        Probability of being taken for it; more is worse.

    Returns
    -------
    ndarray, shape (classes, classes)
        Row i has the probabilities of the labels of items of class i.

    Examples
    --------
    >>> confusion_matrix([1, 1], 0.25)
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    """
    taken = np.asarray(taken_for)
    _check_classes(len(taken))
    matrix = (1 - checked_rate(rate)) * np.eye(len(taken))
    matrix[np.arange(len(taken)), checked_labels(taken, len(taken))] += rate
    return matrix


def frequency_matrix(counts: ArrayLike, rate: float) -> Matrix:
    """Return the matrix of noise that takes other classes as often as they occur: n_j / (N - n_i) of the rate.

    Parameters
    ----------
    counts : array_like of int, shape (classes,)
        Items of each class.
    rate : float
        Probability of another label; more is worse.

    Returns
    -------
    ndarray, shape (classes, classes)
        Row i has the probabilities of the labels of items of class i.

    Raises
    ------
    ArgumentError
        If all items are of one class.

    References
    ----------
    Wei et al. 2021 (RoLT), https://arxiv.org/abs/2108.11569

    Examples
    --------
    >>> frequency_matrix([6, 3, 1], 0.4)[2]
    array([0.26666667, 0.13333333, 0.6       ])
    """
    found = np.asarray(counts, np.float64)
    _check_classes(len(found))
    if np.count_nonzero(found) < 2:
        raise ArgumentError("counts has one class with items; there is no other one to take for it")
    matrix = checked_rate(rate) * found / (found.sum() - found)[:, None]
    np.fill_diagonal(matrix, 1 - rate)
    return matrix


def checked_matrix(matrix: ArrayLike) -> Matrix:
    """Return a transition matrix, or raise `ArgumentError` if its rows are no probabilities."""
    found = np.asarray(matrix, np.float64)
    if found.ndim != 2 or found.shape[0] != found.shape[1]:
        raise ArgumentError(f"the matrix has shape {found.shape}; pass one row and one column for each class")
    bad = np.flatnonzero(~((found >= 0).all(axis=1) & (np.abs(found.sum(axis=1) - 1) < ROUNDING)))
    if len(bad):
        raise ArgumentError(
            f"row {bad[0]} of the matrix is {found[bad[0]].tolist()[:8]}, which are no probabilities that add up to 1"
        )
    return found


def checked_rate(rate: float) -> float:
    """Return a share or probability, or raise `ArgumentError` if it is none."""
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating) or not 0 <= rate <= 1:
        raise ArgumentError(f"rate is {rate!r}; allowed is a number from 0 to 1")
    return float(rate)


def checked_labels(labels: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return labels as a new array, or raise `ArgumentError` if one of them is no class."""
    found = np.asarray(labels)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ArgumentError(f"labels are {found.dtype} of shape {found.shape}; pass one whole number for each item")
    outside = found[(found < 0) | (found >= classes)]
    if len(outside):
        raise ArgumentError(f"labels has {outside[0]}, and {classes} classes are 0 to {classes - 1}")
    return found.astype(np.int64)


def _check_classes(classes: int) -> None:
    if classes < 2 or not math.isfinite(classes):
        raise ArgumentError(f"there are {classes} classes; noise needs two")
