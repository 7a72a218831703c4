"""Trajectories: how a model goes down as a severity rises, and where a single image first fails."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Grid, Numbers
from corruptgen.metrics.resampling import Weights
from corruptgen.values.arguments import severity_text


def accuracy_drops(errors: Grid) -> Grid:
    """Return by how much the accuracy of each cell is below the clean one; lower is better, negative is a gain.

    Parameters
    ----------
    errors : Grid
        Fractions of misclassified items; higher is worse. With those of the clean images.

    Returns
    -------
    Grid
        The drop of each cell, as a fraction; lower is better, negative is a gain.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> errors = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.5, ("snow", 1): 0.4, ("snow", 2): 0.8}, clean=0.2)
    >>> round(accuracy_drops(errors).cell("snow", 2).item(), 3)
    0.6
    """
    return Grid(
        errors.rows, errors.severities, errors.values - errors.known_clean[..., None, None], absent=errors.absent
    )


def area_under_severity(errors: Grid, *, from_clean: bool = True) -> Numbers:
    """Return the mean error along the severities, by the trapezoid rule: for severities that are any numbers.

    Parameters
    ----------
    errors : Grid
        Fractions.
    from_clean : bool, default True
        Whether the curve begins at severity 0 with the clean images; else at the lowest severity.

    Returns
    -------
    float or ndarray
        (..., rows): the area divided by the range of severities, a fraction; lower is better. Unlike the mean over the
        levels it depends little on where these were put.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> errors = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.5, ("snow", 1): 0.4, ("snow", 2): 0.8}, clean=0.2)
    >>> area_under_severity(errors).round(3).tolist()
    [0.325, 0.45]
    """
    if errors.absent is not None:
        # The curve of each row ends where its own severities do.
        areas = [area_under_severity(errors.selected([row]), from_clean=from_clean) for row in errors.rows]
        return np.concatenate(areas, axis=-1)
    severities = np.array(errors.severities)
    values = errors.values
    if from_clean:
        clean = np.broadcast_to(errors.known_clean[..., None, None], (*values.shape[:-1], 1))
        values, severities = np.concatenate([clean, values], axis=-1), np.concatenate([[0.0], severities])
    if len(severities) < 2:
        raise ScoreError("one severity has no area under it; pass at least two, or one and the clean images")
    steps = np.diff(severities)
    return ((values[..., 1:] + values[..., :-1]) / 2 * steps).sum(axis=-1) / steps.sum()


def failure_points(correct: ArrayLike, severities: Sequence[float]) -> Numbers:
    """Return the first severity at which each image is classified wrong, whatever comes after it.

    Parameters
    ----------
    correct : array_like of bool, shape (..., severities, items)
        Beginning with the clean images if `severities` begins with 0.
    severities : sequence of float
        Ascending.

    Returns
    -------
    float or ndarray
        (..., items); not a number where it never fails.

    References
    ----------
    Dünkel et al. 2025 (CNS-Bench), https://arxiv.org/abs/2507.17651

    Examples
    --------
    >>> failure_points([[True, True], [False, True], [False, True]], [1, 2, 3]).tolist()
    [2.0, nan]
    """
    wrong = ~np.asarray(correct, bool)
    levels = np.asarray(severities, float)
    if wrong.shape[-2] != len(levels) or (np.diff(levels) <= 0).any():
        raise ScoreError(f"{wrong.shape[-2]} severities of answers for {len(levels)}; they must ascend, one for each")
    return np.where(wrong.any(axis=-2), levels[wrong.argmax(axis=-2)], np.nan)


def mean_failure_point(points: ArrayLike, weights: Weights = None) -> Numbers:
    """Return the mean failure point of the trajectories that fail; higher is better; not a number if none does.

    Parameters
    ----------
    points : array_like, shape (..., items)
        As returned by `failure_points`; all are pooled.
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (), or (resamples,) with weights.

    Examples
    --------
    >>> mean_failure_point([1.0, 3.0, float("nan")]).item()
    2.0
    """
    numbers = np.asarray(points, float)
    failing = np.isfinite(numbers)
    total, count = (_summed(values, weights) for values in (np.where(failing, numbers, 0.0), failing))
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def failure_margin(points: ArrayLike, end: ArrayLike, weights: Weights = None) -> Numbers:
    """Return how far before `end` images fail on average, those that never fail counting 0; lower is better.

    Parameters
    ----------
    points : array_like, shape (..., items)
        All are pooled.
    end : array_like
        Above the last severity, one number or (..., 1); CNS-Bench takes one step beyond it, 3 for severities up to 2.5.
    weights : array_like or None, shape (resamples, items)

    Returns
    -------
    float or ndarray
        (), or (resamples,) with weights.

    Examples
    --------
    >>> round(failure_margin([1.0, 3.0, float("nan")], 4.0).item(), 3)
    1.333
    """
    numbers = np.asarray(points, float)
    margins = np.where(np.isfinite(numbers), np.asarray(end, float) - numbers, 0.0)
    if margins.min(initial=0) < 0:
        fails, last = severity_text(np.nanmax(numbers)), severity_text(float(np.min(end)))
        raise ScoreError(f"an image fails at {fails}, beyond the end {last}; pass a later end")
    return _summed(margins, weights) / _summed(np.ones_like(margins), weights)


def failure_histogram(points: ArrayLike, severities: Sequence[float]) -> NDArray[np.int64]:
    """Count the images that fail first at each severity and, last, those that never do: (severities + 1,).

    Parameters
    ----------
    points : array_like, shape (..., items)
        As returned by `failure_points`; all are pooled.
    severities : sequence of float
        Ascending.

    Returns
    -------
    ndarray of int64
        (severities + 1,): the counts.

    Examples
    --------
    >>> failure_histogram([1.0, 3.0, float("nan")], [1, 2, 3]).tolist()
    [1, 0, 1, 1]
    """
    numbers = np.asarray(points, float).ravel()
    counts = [int((numbers == severity).sum()) for severity in severities]
    return np.array([*counts, int(np.isnan(numbers).sum())])


def end_of(severities: Sequence[float]) -> float:
    """Return one step beyond the last severity.

    Parameters
    ----------
    severities : sequence of float
        Ascending.

    Returns
    -------
    float
        The last severity and the distance to the one before it.

    Examples
    --------
    >>> end_of([1, 2, 3, 4, 5])
    6
    """
    levels = [0.0, *severities] if severities[0] > 0 else list(severities)
    return levels[-1] + (levels[-1] - levels[-2]) if len(levels) > 1 else levels[-1] + 1


def check_clean_error(errors: Grid) -> None:
    """Raise `ScoreError` if the clean error is not known or a severity is not above 0.

    Parameters
    ----------
    errors : Grid
        Fractions of misclassified items.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> errors = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.5, ("snow", 1): 0.4, ("snow", 2): 0.8}, clean=0.2)
    >>> check_clean_error(errors)
    """
    if min(errors.severities) <= 0:
        raise ScoreError("a trajectory has the clean images as `clean` and severities above 0; take 0 out")
    _ = errors.known_clean


def evaluate_trajectory(errors: Grid) -> dict[str, float]:
    """Return the mean area and, for each row, its own area and its largest drop.

    Parameters
    ----------
    errors : Grid
        Fractions of misclassified items; higher is worse.

    Returns
    -------
    dict of str to float
        "area", and "area <row>" and "largest drop <row>" of each row; lower is better.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> errors = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.5, ("snow", 1): 0.4, ("snow", 2): 0.8}, clean=0.2)
    >>> {name: round(value, 3) for name, value in evaluate_trajectory(errors).items()}
    {'area': 0.388, 'area fog': 0.325, 'largest drop fog': 0.3, 'area snow': 0.45, 'largest drop snow': 0.6}
    """
    check_clean_error(errors)
    areas, drops = area_under_severity(errors), np.nanmax(accuracy_drops(errors).values, axis=-1)
    scores = {"area": float(areas.mean())}
    for row, area, drop in zip(errors.rows, areas, drops, strict=True):
        scores |= {f"area {row}": float(area), f"largest drop {row}": float(drop)}
    return scores


def _summed(values: ArrayLike, weights: Weights) -> Numbers:
    """Sum over all trajectories of each item, and over the items as often as they count."""
    numbers = np.asarray(values, float)
    of_item = numbers.reshape(-1, numbers.shape[-1]).sum(axis=0)
    return np.asarray(of_item.sum() if weights is None else weights @ of_item)
