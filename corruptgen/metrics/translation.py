"""Robustness to translations: whether a model says the same of all windows of a picture."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Numbers


def agreement(predictions: ArrayLike) -> Numbers:
    """Return the share of pairs of windows of each picture of which a model says the same.

    Of two windows by random offsets, its mean is the consistency of the literature on anti-aliasing, which draws new
    ones for each of five passes over the pictures.

    Parameters
    ----------
    predictions : array_like, shape (pictures, windows)
        Whole numbers.

    Returns
    -------
    float or ndarray
        (pictures,): fractions; higher is better.

    References
    ----------
    Zhang 2019, https://arxiv.org/abs/1904.11486

    Examples
    --------
    >>> agreement([[1, 1], [1, 2]]).tolist()
    [1.0, 0.0]
    >>> agreement([[1, 1, 1, 2]]).tolist()
    [0.5]
    """
    classes = _classes(predictions)
    count = classes.shape[1]
    if count < 2:
        raise ScoreError("one window of a picture makes no pair; pass the predictions of two or more")
    # How many windows come before each one of its class, by sorting: pairs of equals.
    ordered = np.sort(classes, axis=1)
    equal, run = np.zeros(len(classes)), np.zeros(len(classes))
    for window in range(1, count):
        run = np.where(ordered[:, window] == ordered[:, window - 1], run + 1, 0)
        equal += run
    return np.asarray(equal / (count * (count - 1) / 2))


def unchanged(predictions: ArrayLike, reference: ArrayLike) -> Numbers:
    """Return the share of the windows of each picture of which a model says what it says of the picture itself.

    Its mean over pictures is the consistency P(f(T(I, Δ)) = f(I)) over offsets Δ.

    Parameters
    ----------
    predictions : array_like, shape (pictures, windows)
        Whole numbers.
    reference : array_like, shape (pictures,)
        Those of the pictures that are not moved.

    Returns
    -------
    float or ndarray
        (pictures,): fractions; higher is better.

    References
    ----------
    Shifman & Weiss 2024, https://arxiv.org/abs/2404.07153

    Examples
    --------
    >>> unchanged([[1, 1, 2, 1], [3, 3, 3, 3]], [1, 3]).tolist()
    [0.75, 1.0]
    """
    return np.asarray(_same(predictions, reference).mean(axis=1))


def always(predictions: ArrayLike, reference: ArrayLike) -> NDArray[np.bool_]:
    """Return for each picture whether a model says the same of all windows, whoever chooses the worst one.

    With the predictions of the pictures that are not moved as the reference, its mean is the adversarial robustness
    P(f(T(I, Δ)) = f(I) for all Δ); with the true classes, the worst-case accuracy.

    Parameters
    ----------
    predictions : array_like, shape (pictures, windows)
        Whole numbers.
    reference : array_like, shape (pictures,)
        Whole numbers.

    Returns
    -------
    ndarray of bool
        (pictures,); more are better.

    References
    ----------
    Shifman & Weiss 2024, https://arxiv.org/abs/2404.07153

    Examples
    --------
    >>> always([[1, 1, 2, 1], [3, 3, 3, 3]], [1, 3]).tolist()
    [False, True]
    """
    return np.asarray(_same(predictions, reference).all(axis=1))


def accuracy_by_window(predictions: ArrayLike, truth: ArrayLike) -> Numbers:
    """Return the accuracy on each of the windows, such as those of the diagonal.

    Parameters
    ----------
    predictions : array_like, shape (pictures, windows)
        Whole numbers.
    truth : array_like, shape (pictures,)
        The true classes.

    Returns
    -------
    float or ndarray
        (windows,): fractions; higher is better.

    References
    ----------
    Zhang 2019, https://arxiv.org/abs/1904.11486

    Examples
    --------
    >>> accuracy_by_window([[1, 1, 2, 1], [3, 3, 3, 3]], [1, 3]).tolist()
    [1.0, 1.0, 0.5, 1.0]
    """
    return np.asarray(_same(predictions, truth).mean(axis=0))


def probability_by_window(probabilities: ArrayLike, truth: ArrayLike) -> Numbers:
    """Return the mean probability of the true class on each of the windows.

    Parameters
    ----------
    probabilities : array_like, shape (pictures, windows, classes)
        Fractions.
    truth : array_like, shape (pictures,)
        The true classes.

    Returns
    -------
    float or ndarray
        (windows,): fractions; higher is better.

    References
    ----------
    Zhang 2019, https://arxiv.org/abs/1904.11486

    Examples
    --------
    >>> probability_by_window([[[0.9, 0.1], [0.5, 0.5]], [[0.3, 0.7], [0.5, 0.5]]], [0, 1]).tolist()
    [0.8, 0.5]
    """
    likely, classes = np.asarray(probabilities, float), np.asarray(truth)
    if likely.ndim != 3 or classes.shape != likely.shape[:1] or not np.issubdtype(classes.dtype, np.integer):
        raise ScoreError(
            f"probabilities have shape {likely.shape} and true classes {classes.shape}; pass (pictures, windows, "
            "classes) and (pictures,) whole numbers"
        )
    if not ((classes >= 0) & (classes < likely.shape[2])).all():
        raise ScoreError(f"a true class is beyond the {likely.shape[2]} classes that have probabilities")
    return np.asarray(np.take_along_axis(likely, classes[:, None, None], axis=2)[..., 0].mean(axis=0))


def evaluate_translations(
    predictions: ArrayLike, reference: ArrayLike | None = None, truth: ArrayLike | None = None
) -> dict[str, float]:
    """Return all metrics of a set of windows that its predictions suffice for.

    Parameters
    ----------
    predictions : array_like, shape (pictures, windows)
        Whole numbers.
    reference : array_like or None, shape (pictures,)
        Those of the pictures that are not moved. None: what is made of them is left out.
    truth : array_like or None, shape (pictures,)
        The true classes. None: what is made of them is left out.

    Returns
    -------
    dict of str to float
        Fractions; higher is better. "agreement" of pairs of windows; with a reference "consistency" and "adversarial
        robustness"; with the truth "accuracy" and "worst-case accuracy"; with both "adversarial robustness where
        right", of the pictures that are classified correctly where they are not moved.

    Examples
    --------
    >>> evaluate_translations([[1, 1, 2, 1], [3, 3, 3, 3]], [1, 3], [1, 0])["adversarial robustness where right"]
    0.0
    """
    classes = _classes(predictions)
    found = {"agreement": agreement(classes).mean()} if classes.shape[1] > 1 else {}
    if reference is not None:
        found["consistency"] = unchanged(classes, reference).mean()
        found["adversarial robustness"] = always(classes, reference).mean()
    if truth is not None:
        found["accuracy"] = unchanged(classes, truth).mean()
        found["worst-case accuracy"] = always(classes, truth).mean()
    if reference is not None and truth is not None:
        right = np.asarray(reference) == np.asarray(truth)
        if right.any():
            found["adversarial robustness where right"] = always(classes, reference)[right].mean()
    return {name: float(value) for name, value in found.items()}


def check_windows(predictions: ArrayLike, reference: ArrayLike) -> None:
    """Raise `ScoreError` unless these are whole numbers of shapes (pictures, windows) and (pictures,).

    Parameters
    ----------
    predictions : array_like, shape (pictures, windows)
        Whole numbers.
    reference : array_like, shape (pictures,)
        Whole numbers.

    Examples
    --------
    >>> check_windows([[1, 1], [1, 2]], [1, 1])
    """
    classes, wanted = _classes(predictions), np.asarray(reference)
    if wanted.shape != classes.shape[:1] or not np.issubdtype(wanted.dtype, np.integer):
        raise ScoreError(
            f"the classes to compare with have shape {wanted.shape} and type {wanted.dtype}; pass {len(classes)} whole "
            "numbers, one for each picture"
        )


def _same(predictions: ArrayLike, reference: ArrayLike) -> NDArray[np.bool_]:
    check_windows(predictions, reference)
    return np.asarray(_classes(predictions) == np.asarray(reference)[:, None])


def _classes(predictions: ArrayLike) -> NDArray[np.integer]:
    classes = np.asarray(predictions)
    if classes.ndim != 2 or 0 in classes.shape or not np.issubdtype(classes.dtype, np.integer):
        raise ScoreError(
            f"predictions have shape {classes.shape} and type {classes.dtype}; pass (pictures, windows) whole numbers"
        )
    return classes
