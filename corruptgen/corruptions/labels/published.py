"""Label noise as published programs make it, draw for draw, with what they do wrong.

Each function takes the labels in the order of the data set, since the originals draw in that order, and returns those
of the original. What is wrong with one is said where it is; `noise` has none of it.
"""

import math
import random
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.corruptions.labels.transitions import (
    CIFAR10_CONFUSIONS,
    block_matrix,
    checked_labels,
    checked_rate,
    symmetric_matrix,
)
from corruptgen.errors import ArgumentError

Labels = NDArray[np.int64]
# Before 1.17, numpy took a draw for a probability of 0 as well, which changes all labels that follow.
STREAMS = ("numpy<=1.16", "numpy>=1.17")
PROFILES = ("none", "exp", "step")


class Relabelled(NamedTuple):
    """What an original makes of labels."""

    labels: Labels
    """The noisy labels, in the order of the clean ones."""
    selected: Labels
    """The places of the items that were drawn for noise, in that order; empty where each item draws from a matrix."""


def elr_symmetric(labels: ArrayLike, rate: float, *, classes: int, rng: np.random.RandomState) -> Relabelled:
    """Make the labels of ELR's symmetric noise, which may draw the true class: a share of (K-1)/K is flipped.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    rate : float
        Share of the items that get a label at random; more is worse.
    classes : int
        Number of classes.
    rng : numpy.random.RandomState
        The original's is numpy's global one, which its own option does not seed.

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Liu et al. 2020 (ELR), https://arxiv.org/abs/2007.00151
    """
    noisy = checked_labels(labels, classes)
    selected = rng.permutation(len(noisy))[: math.ceil(checked_rate(rate) * len(noisy))]
    for item in selected:
        noisy[item] = rng.randint(classes, dtype=np.int32)
    return Relabelled(noisy, selected)


def elr_asymmetric_cifar10(labels: ArrayLike, rate: float, *, rng: np.random.RandomState) -> Relabelled:
    """Make the labels of ELR's asymmetric noise of CIFAR-10.

    Classes are gone through one after the other, and read from labels that have changed already: of the cats that
    became dogs, some are cats again afterwards. At a rate of 0.4, 24 % of the cats are flipped, and 18 % of all labels
    instead of 20 %.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels, 0 to 9.
    rate : float
        Share of the items of a class that are confused; more is worse.
    rng : numpy.random.RandomState
        As for `elr_symmetric`.

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Liu et al. 2020 (ELR), https://arxiv.org/abs/2007.00151
    """
    noisy, selected = checked_labels(labels, len(CIFAR10_CONFUSIONS)), []
    for label, confused in enumerate(CIFAR10_CONFUSIONS):
        items = np.flatnonzero(noisy == label)
        rng.shuffle(items)
        selected.append(items[: math.ceil(checked_rate(rate) * len(items))])
        noisy[selected[-1]] = confused
    return Relabelled(noisy, np.concatenate(selected))


def elr_split(labels: ArrayLike, *, classes: int, rng: np.random.RandomState) -> tuple[Labels, Labels]:
    """Split items as ELR does before it makes noise of both parts: nine tenths of each class are for training.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    classes : int
        Number of classes.
    rng : numpy.random.RandomState
        As for `elr_symmetric`.

    Returns
    -------
    (ndarray of int64, ndarray of int64)
        The places of the items for training and for validation.

    References
    ----------
    Liu et al. 2020 (ELR), https://arxiv.org/abs/2007.00151
    """
    listed = checked_labels(labels, classes)
    train, validation = [], []
    for label in range(classes):
        items = np.flatnonzero(listed == label)
        rng.shuffle(items)
        count = int(len(listed) * 0.9 / classes)
        train.append(items[:count])
        validation.append(items[count:])
    parts = np.concatenate(train), np.concatenate(validation)
    for part in parts:
        rng.shuffle(part)
    return parts


def elr_asymmetric_cifar100(labels: ArrayLike, rate: float, *, stream: str = STREAMS[0]) -> Relabelled:
    """Make the labels of ELR's asymmetric noise of CIFAR-100, always of the same seed.

    Each class is confused with the next one of its block of five numbers. These blocks are not the superclasses, whose
    classes are not numbered one after the other.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels, 0 to 99.
    rate : float
        Probability of being confused; more is worse.
    stream : str
        "numpy<=1.16", that of the papers, or "numpy>=1.17": whose draws of numbers are taken.

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Liu et al. 2020 (ELR), https://arxiv.org/abs/2007.00151
    """
    return _multinomial(checked_labels(labels, 100), block_matrix(100, rate, 5), stream)


def coteaching_symmetric(labels: ArrayLike, rate: float, *, classes: int) -> Relabelled:
    """Make the labels of Co-teaching's symmetric noise, always of the same seed.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    rate : float
        Probability of another label; more is worse.
    classes : int
        Number of classes.

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Han et al. 2018 (Co-teaching), https://arxiv.org/abs/1804.06872
    """
    # No probability is 0, so that the streams of all versions of numpy are the same.
    return _multinomial(checked_labels(labels, classes), symmetric_matrix(classes, rate), STREAMS[0])


def coteaching_pairflip(labels: ArrayLike, rate: float, *, classes: int, stream: str = STREAMS[0]) -> Relabelled:
    """Make the labels of Co-teaching's pair flips, each class with the next one, always of the same seed.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    rate : float
        Probability of the next class; more is worse.
    classes : int
        Number of classes.
    stream : str
        As for `elr_asymmetric_cifar100`.

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Han et al. 2018 (Co-teaching), https://arxiv.org/abs/1804.06872
    """
    return _multinomial(checked_labels(labels, classes), block_matrix(classes, rate, classes), stream)


def dividemix_symmetric(labels: ArrayLike, rate: float, *, classes: int, seed: int | random.Random = 123) -> Relabelled:
    """Make the labels of DivideMix's symmetric noise, which may draw the true class.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    rate : float
        Share of the items that get a label at random; more is worse.
    classes : int
        Number of classes.
    seed : int or random.Random
        Of Python's generator; the original's is 123.

    Returns
    -------
    Relabelled
        The noisy labels, which the original stores as a JSON list, ``<rate>_sym.json``, and which items were selected.

    References
    ----------
    Li, Socher & Hoi 2020 (DivideMix), https://arxiv.org/abs/2002.07394
    """
    noisy, draws = checked_labels(labels, classes), _python(seed)
    selected = _shuffled(len(noisy), int(checked_rate(rate) * len(noisy)), draws)
    for item in np.sort(selected):
        noisy[item] = draws.randint(0, classes - 1)
    return Relabelled(noisy, selected)


def dividemix_asymmetric(labels: ArrayLike, rate: float, *, seed: int | random.Random = 123) -> Relabelled:
    """Make the labels of DivideMix's asymmetric noise of CIFAR-10: half of the classes keep their label, drawn or not.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels, 0 to 9.
    rate : float
        Share of the items that are drawn; more is worse.
    seed : int or random.Random
        As for `dividemix_symmetric`.

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Li, Socher & Hoi 2020 (DivideMix), https://arxiv.org/abs/2002.07394
    """
    noisy = checked_labels(labels, len(CIFAR10_CONFUSIONS))
    selected = _shuffled(len(noisy), int(checked_rate(rate) * len(noisy)), _python(seed))
    noisy[selected] = np.array(CIFAR10_CONFUSIONS)[noisy[selected]]
    return Relabelled(noisy, selected)


def rolt_counts(items: int, *, classes: int, profile: str, factor: float) -> list[int]:
    """Return how many items of each class the long-tailed data sets of RoLT want.

    Parameters
    ----------
    items : int
        Items of the balanced data set.
    classes : int
        Number of classes.
    profile : str
        "exp", "step" or "none". Of an odd number of classes, "step" loses the last one.
    factor : float
        The smallest class as a share of the largest; less is worse.

    Returns
    -------
    list of int
        One number for each class.

    Raises
    ------
    ArgumentError
        If the profile is none of these.

    References
    ----------
    Wei et al. 2021 (RoLT), https://arxiv.org/abs/2108.11569
    """
    largest = items / classes
    if profile == "exp":
        return [int(largest * factor ** (label / (classes - 1.0))) for label in range(classes)]
    if profile == "step":
        return [int(largest)] * (classes // 2) + [int(largest * factor)] * (classes // 2)
    if profile == "none":
        return [int(largest)] * classes
    raise ArgumentError(f"profile is {profile!r}; allowed are {', '.join(PROFILES)}")


def rolt_sampled(
    labels: ArrayLike, *, classes: int, profile: str, factor: float, rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Return which items the long-tailed data sets of RoLT keep, class by class.

    Of a class that has fewer items than are wanted, all are kept; the original then writes labels for more items than
    it has.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    classes : int
        Number of classes.
    profile, factor : str, float
        As for `rolt_counts`.
    rng : numpy.random.RandomState
        Numpy's global generator, in the original.

    Returns
    -------
    ndarray of int64
        The places of the items that are kept.

    References
    ----------
    Wei et al. 2021 (RoLT), https://arxiv.org/abs/2108.11569
    """
    listed = checked_labels(labels, classes)
    kept = []
    for label, count in enumerate(rolt_counts(len(listed), classes=classes, profile=profile, factor=factor)):
        items = np.flatnonzero(listed == label)
        rng.shuffle(items)
        kept.append(items[:count])
    return np.concatenate(kept)


def rolt_symmetric(labels: ArrayLike, rate: float, *, classes: int, seed: int | random.Random) -> Relabelled:
    """Make the labels of RoLT's symmetric noise, which never draws the true class.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The labels of the items that were kept, in their order.
    rate : float
        Share of the items whose label is flipped; more is worse.
    classes : int
        Number of classes.
    seed : int or random.Random
        Of Python's generator.

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Wei et al. 2021 (RoLT), https://arxiv.org/abs/2108.11569
    """
    noisy, draws = checked_labels(labels, classes), _python(seed)
    selected = _shuffled(len(noisy), int(checked_rate(rate) * len(noisy)), draws)
    for item in np.sort(selected):
        noisy[item] = (noisy[item] + draws.randint(1, classes - 1)) % classes
    return Relabelled(noisy, selected)


def rolt_by_frequency(
    labels: ArrayLike,
    rate: float,
    *,
    classes: int,
    seed: int | random.Random,
    rng: np.random.RandomState,
    inclusive: bool = False,
) -> Relabelled:
    """Make the labels of RoLT's noise by the frequency of classes.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The labels of the items that were kept, in their order.
    rate : float
        Share of the items whose label is flipped; more is worse.
    classes : int
        Number of classes.
    seed : int or random.Random
        Of Python's generator, which chooses the items.
    rng : numpy.random.RandomState
        Which chooses their labels.
    inclusive : bool, default False
        Whether the true class may be drawn, and more items are chosen so that the share is the same ("new").

    Returns
    -------
    Relabelled
        The noisy labels, and which items were selected.

    References
    ----------
    Wei et al. 2021 (RoLT), https://arxiv.org/abs/2108.11569
    """
    clean, draws = checked_labels(labels, classes), _python(seed)
    counts = np.bincount(clean, minlength=classes)
    share = checked_rate(rate)
    if inclusive:
        share /= 1 - float(np.sum((counts / len(clean)) ** 2))
    selected = _shuffled(len(clean), int(share * len(clean)), draws)
    noisy = clean.copy()
    for item in np.sort(selected):
        weights = counts.astype(np.float64)
        if not inclusive:
            weights[clean[item]] = 0
        noisy[item] = rng.choice(classes, p=weights / weights.sum())
    return Relabelled(noisy, selected)


def _python(seed: int | random.Random) -> random.Random:
    return seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311 - the original's generator


def _shuffled(items: int, count: int, draws: random.Random) -> Labels:
    """Return the first of the items after they are shuffled."""
    order = list(range(items))
    draws.shuffle(order)
    return np.array(order[:count], np.int64)


def _multinomial(labels: Labels, matrix: NDArray[np.float64], stream: str) -> Relabelled:
    """Draw every label from the row of its class as numpy's earlier `multinomial` does, with the originals' seed."""
    if stream not in STREAMS:
        raise ArgumentError(f"stream is {stream!r}; allowed are {', '.join(STREAMS)}")
    draws = np.random.RandomState(0)
    takes_zeros = stream == STREAMS[0]
    noisy = np.array([_drawn(matrix[label], draws, takes_zeros) for label in labels], np.int64)
    return Relabelled(noisy, np.array([], np.int64))


def _drawn(row: NDArray[np.float64], draws: np.random.RandomState, takes_zeros: bool) -> int:
    """Walk through the classes, each of which is hit with its share of what is left."""
    left = 1.0
    for label in range(len(row) - 1):
        share = row[label] / left
        if share or takes_zeros:
            drawn = draws.random_sample()
            # As numpy's binomial of one trial decides.
            if drawn > 1 - share if share <= 0.5 else drawn <= share:
                return label
        left -= row[label]
    return len(row) - 1
