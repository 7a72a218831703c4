"""Label noise by a transition matrix: what becomes of an item depends on the seed and its own id.

Independent noise draws each item by itself, so that a part of a data set has the labels that it has in the whole. Exact
noise flips as many items as the matrix expects, to within one, and therefore looks at all items of a class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.corruptions.labels.transitions import Matrix, checked_labels, checked_matrix, checked_rate
from corruptgen.errors import ArgumentError
from corruptgen.randomness import keyed_uniforms

Ids = Sequence[str | int]
SMALLEST_STEP = 1e-12  # between two factors of a search


@dataclass(frozen=True)
class NoisyLabels:
    """The labels of a data set before and after noise, item by item."""

    clean: NDArray[np.int64]
    noisy: NDArray[np.int64]
    selected: NDArray[np.bool_]
    """Whether the item was drawn for noise; more are than are flipped where the true class may be drawn as well."""
    matrix: Matrix
    """Row i has the probabilities of the labels of items of class i."""

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """Whether the label of an item is another one."""
        return self.clean != self.noisy

    @property
    def realised(self) -> NDArray[np.int64]:
        """How many items of class i have the label j."""
        counts = np.zeros(self.matrix.shape, np.int64)
        np.add.at(counts, (self.clean, self.noisy), 1)
        return counts

    def columns(self) -> Mapping[str, NDArray[np.generic]]:
        """Return what a table of labels holds of each item."""
        return {
            "label_clean": self.clean,
            "label_noisy": self.noisy,
            "is_selected": self.selected,
            "is_flipped": self.flipped,
        }


def matrix_noise(
    labels: ArrayLike, ids: Ids, matrix: ArrayLike, *, seed: int = 0, name: str = "matrix", exact: bool = False
) -> NoisyLabels:
    """Draw labels from the rows of a transition matrix.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    ids : sequence of str or int, length N
        The items' ids, which name their draws.
    matrix : array_like, shape (classes, classes)
        Row i has the probabilities of the labels of items of class i; more beside the diagonal is worse. See
        `transitions`.
    seed : int, default 0
        Another seed is another noise.
    name : str, default "matrix"
        Names the draws beside the seed, so that two noises of one data set are independent.
    exact : bool, default False
        Whether of each class as many items get each label as the matrix expects, to within one, instead of each item
        drawing by itself.

    Returns
    -------
    NoisyLabels
        The labels, and which items were flipped.

    Raises
    ------
    ArgumentError
        If labels, ids and matrix do not fit together.

    Examples
    --------
    >>> from corruptgen.corruptions.labels.transitions import symmetric_matrix
    >>> made = matrix_noise([0, 1, 2] * 100, range(300), symmetric_matrix(3, 0.4), exact=True)
    >>> made.flipped.mean()
    0.4
    """
    table = checked_matrix(matrix)
    clean = _fitting(labels, ids, len(table))
    drawn = keyed_uniforms(seed, name, None, ids, 1)[:, 0]
    noisy = _exactly(clean, drawn, table) if exact else _independently(clean, drawn, table)
    return NoisyLabels(clean, noisy, clean != noisy, table)


def random_labels(
    labels: ArrayLike, ids: Ids, rate: float, *, classes: int, seed: int = 0, name: str = "random"
) -> NoisyLabels:
    """Give items a label at random, which may be the true one.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    ids : sequence of str or int, length N
        The items' ids, which name their draws.
    rate : float
        Probability of a label at random; more is worse, and at 1 the labels say nothing.
    classes : int
        Number of classes.
    seed, name : int, str
        As for `matrix_noise`.

    Returns
    -------
    NoisyLabels
        Of the selected items, one in `classes` keeps its label.

    References
    ----------
    Zhang et al. 2017, https://arxiv.org/abs/1611.03530

    Examples
    --------
    >>> made = random_labels([0] * 1000, range(1000), 0.5, classes=2)
    >>> bool(made.selected.sum() > made.flipped.sum())
    True
    """
    clean = _fitting(labels, ids, classes)
    drawn = keyed_uniforms(seed, name, None, ids, 2)
    selected = drawn[:, 0] < checked_rate(rate)
    noisy = np.where(selected, (drawn[:, 1] * classes).astype(np.int64), clean)
    return NoisyLabels(clean, noisy, selected, (1 - rate) * np.eye(classes) + rate / classes)


def instance_noise(
    labels: ArrayLike,
    ids: Ids,
    scores: ArrayLike,
    rate: float,
    matrix: ArrayLike,
    *,
    seed: int = 0,
    name: str = "instance",
) -> NoisyLabels:
    """Flip hard items more often than easy ones, as people do.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    ids : sequence of str or int, length N
        The items' ids, which name their draws.
    scores : array_like of float, shape (N,)
        How hard each item is, 0 or more: an item is flipped with a probability in proportion to it, at most 1.
    rate : float
        The share of all items that is expected to be flipped; more is worse.
    matrix : array_like, shape (classes, classes)
        What becomes of an item that is flipped: the probabilities of row i without its diagonal.
    seed, name : int, str
        As for `matrix_noise`.

    Returns
    -------
    NoisyLabels
        Its matrix is that of the classes, over all their items.

    Raises
    ------
    ArgumentError
        If a score is negative or no number, or fewer items than the rate asks for have one above 0.

    References
    ----------
    Xia et al. 2020, https://arxiv.org/abs/2006.07836, for noise that depends on the instance

    Examples
    --------
    >>> from corruptgen.corruptions.labels.transitions import symmetric_matrix
    >>> made = instance_noise([0] * 4, "abcd", [0, 0, 1, 1], 0.5, symmetric_matrix(2, 0.1))
    >>> made.noisy
    array([0, 0, 1, 1])
    """
    table = checked_matrix(matrix)
    clean = _fitting(labels, ids, len(table))
    chances = _calibrated(np.asarray(scores, np.float64), len(clean), checked_rate(rate))
    others = table.copy()
    np.fill_diagonal(others, 0)
    lacking = np.flatnonzero(others.sum(axis=1) == 0)
    if len(lost := np.intersect1d(lacking, clean[chances > 0])):
        raise ArgumentError(f"the matrix has no other label for class {lost[0]}, and its items may be flipped")
    others /= np.maximum(others.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    drawn = keyed_uniforms(seed, name, None, ids, 2)
    selected = drawn[:, 0] < chances
    noisy = np.where(selected, _independently(clean, drawn[:, 1], others), clean)
    shares = np.bincount(clean, chances, len(table)) / np.maximum(np.bincount(clean, minlength=len(table)), 1)
    return NoisyLabels(clean, noisy, selected, shares[:, None] * others + np.diag(1 - shares))


def long_tail(
    labels: ArrayLike, ids: Ids, counts: Sequence[int], *, seed: int = 0, name: str = "long tail"
) -> NDArray[np.int64]:
    """Choose which items a data set with few items of some classes keeps.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        The clean labels.
    ids : sequence of str or int, length N
        The items' ids, which name their draws.
    counts : sequence of int
        How many items of each class are kept; see `tail_counts`.
    seed, name : int, str
        As for `matrix_noise`.

    Returns
    -------
    ndarray of int64
        The places of the items that are kept, rising. With smaller counts and the same seed it is a part of them.

    Raises
    ------
    ArgumentError
        If a class has fewer items than are wanted.

    Examples
    --------
    >>> long_tail([0, 0, 1, 1], "abcd", [2, 1]).tolist() in ([0, 1, 2], [0, 1, 3])
    True
    """
    clean = _fitting(labels, ids, len(counts))
    drawn = keyed_uniforms(seed, name, None, ids, 1)[:, 0]
    kept = []
    for label, count in enumerate(counts):
        items = np.flatnonzero(clean == label)
        if not 0 <= count <= len(items):
            raise ArgumentError(f"{count} items of class {label} are wanted, and there are {len(items)}")
        kept.append(items[np.argsort(drawn[items], kind="stable")[:count]])
    return np.sort(np.concatenate(kept))


def tail_counts(largest: int, classes: int, *, profile: str, factor: float) -> list[int]:
    """Return how many items the classes of a long-tailed data set have.

    Parameters
    ----------
    largest : int
        Items of the first class.
    classes : int
        Number of classes.
    profile : str
        "exponential", or "step": the second half of the classes, rounded up, has few items.
    factor : float
        The smallest class as a share of the largest; less is worse.

    Returns
    -------
    list of int
        One number for each class, at least 1.

    Raises
    ------
    ArgumentError
        If the profile or the factor is none.

    References
    ----------
    Cui et al. 2019, https://arxiv.org/abs/1901.05555

    Examples
    --------
    >>> tail_counts(500, 3, profile="exponential", factor=0.01)
    [500, 50, 5]
    >>> tail_counts(500, 3, profile="step", factor=0.1)
    [500, 50, 50]
    """
    if not checked_rate(factor) > 0:
        raise ArgumentError("factor is 0; allowed is a number above 0 and at most 1")
    if profile == "exponential":
        shares = [factor ** (label / max(classes - 1, 1)) for label in range(classes)]
    elif profile == "step":
        shares = [1.0 if label < classes // 2 else factor for label in range(classes)]
    else:
        raise ArgumentError(f'profile is {profile!r}; allowed are "exponential" and "step"')
    return [max(round(largest * share), 1) for share in shares]


def _fitting(labels: ArrayLike, ids: Ids, classes: int) -> NDArray[np.int64]:
    clean = checked_labels(labels, classes)
    if len(ids) != len(clean):
        raise ArgumentError(f"there are {len(clean)} labels and {len(ids)} ids; pass one of each for every item")
    if len(set(ids)) != len(ids):
        raise ArgumentError("two items have one id, and would share their draws")
    return clean


def _independently(clean: NDArray[np.int64], drawn: NDArray[np.float64], matrix: Matrix) -> NDArray[np.int64]:
    """Take for each item the label in whose share of the row its number falls."""
    ends = np.cumsum(matrix, axis=1)
    noisy = np.empty_like(clean)
    for label in range(len(matrix)):
        items = clean == label
        # The last one with a share: rounding may leave the sum a little short of 1.
        last = int(np.max(np.flatnonzero(matrix[label]), initial=0))
        noisy[items] = np.minimum(np.searchsorted(ends[label], drawn[items], side="right"), last)
    return noisy


def _exactly(clean: NDArray[np.int64], drawn: NDArray[np.float64], matrix: Matrix) -> NDArray[np.int64]:
    """Give the items of each class their labels in the order of their numbers, as many as the matrix expects."""
    noisy = np.empty_like(clean)
    for label, row in enumerate(matrix):
        items = np.flatnonzero(clean == label)
        ranked = items[np.argsort(drawn[items], kind="stable")]
        # Rounded ends of shares, so that the counts add up.
        ends = np.rint(np.cumsum(row) * len(items)).astype(np.int64)
        noisy[ranked] = np.searchsorted(ends, np.arange(len(items)), side="right")
    return noisy


def _calibrated(scores: NDArray[np.float64], items: int, rate: float) -> NDArray[np.float64]:
    """Scale scores to probabilities, none above 1, whose mean is the rate."""
    if scores.shape != (items,) or not np.isfinite(scores).all() or (scores < 0).any():
        raise ArgumentError(f"scores are of shape {scores.shape}; pass one number from 0 for each of {items} items")
    if np.mean(scores > 0) < rate:
        raise ArgumentError(
            f"{rate:g} of the items are to be flipped, and {np.mean(scores > 0):g} have a score above 0"
        )
    if not rate:
        return np.zeros(items)
    low, high = 0.0, 1 / float(scores[scores > 0].min())
    while high - low > SMALLEST_STEP * high:
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(scores * middle, 1).mean() < rate else (low, middle)
    return np.minimum(scores * high, 1)
