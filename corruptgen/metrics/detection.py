"""Robust detection and segmentation: mean performance under corruption, and the share of the clean one that is left."""

from collections.abc import Iterable

import numpy as np

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Grid, Numbers


def mean_performance(performance: Grid, rows: Iterable[str] | None = None) -> Numbers:
    """Return mPC, the mean performance over rows and severities, (...); higher is better.

    Parameters
    ----------
    performance : Grid
        Performance of the task's own metric in its own unit: AP from IoU 0.50 to 0.95 on COCO-C and Cityscapes-C, AP50
        on Pascal-C.
    rows : iterable of str or None
        Which ones; the benchmarks take the 15 common ones. None: all.

    Returns
    -------
    float or ndarray
        (...) in the unit of the performance; higher is better.

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> performance = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.2, ("snow", 1): 0.3, ("snow", 2): 0.1}, clean=0.4)
    >>> round(mean_performance(performance).item(), 3)
    0.225
    """
    return performance.selected(rows).mean


def relative_performance(performance: Grid, rows: Iterable[str] | None = None) -> Numbers:
    """Return rPC, the share of the clean performance that is left, in percent, (...); higher is better.

    On Pascal-C the published numbers are the mean over the classes of each class's own ratio: give the classes as a
    leading axis, and take the mean of what comes back.

    Parameters
    ----------
    performance : Grid
        A score of each cell, such as AP or mIoU, 0 or above; higher is better.
    rows : iterable of str or None
        The rows of the mean; None: all.

    Returns
    -------
    float or ndarray
        (...) in percent of the clean performance; higher is better.

    Raises
    ------
    ScoreError
        If cells are missing, or the clean performance is missing or 0.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> performance = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.2, ("snow", 1): 0.3, ("snow", 2): 0.1}, clean=0.4)
    >>> round(relative_performance(performance).item(), 3)
    56.25
    """
    clean = performance.known_clean
    if not (clean > 0).all():
        raise ScoreError("the clean performance is 0 or less, so no share of it can be left; check its unit and sign")
    return 100 * mean_performance(performance, rows) / clean


def check_performance(performance: Grid) -> None:
    """Raise `ScoreError` if this is no performance: less than 0.

    Parameters
    ----------
    performance : Grid
        A score of each cell, such as AP or mIoU, 0 or above; higher is better.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> performance = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.2, ("snow", 1): 0.3, ("snow", 2): 0.1}, clean=0.4)
    >>> check_performance(performance)
    """
    if (lowest := np.nanmin(performance.values)) < 0:
        raise ScoreError(f"performance is {lowest:g} somewhere, allowed is 0 and more, such as AP")


def evaluate_detection(performance: Grid, rows: Iterable[str] | None = None) -> dict[str, float]:
    """Return mPC and, where the clean performance is known, rPC.

    Parameters
    ----------
    performance : Grid
        A score of each cell, such as AP or mIoU, 0 or above; higher is better.
    rows : iterable of str or None
        The rows of the mean; None: all.

    Returns
    -------
    dict of str to float
        "mPC" and, if the clean performance is known, "rPC"; higher is better.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> performance = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.2, ("snow", 1): 0.3, ("snow", 2): 0.1}, clean=0.4)
    >>> {name: round(value, 3) for name, value in evaluate_detection(performance).items()}
    {'mPC': 0.225, 'rPC': 56.25}
    """
    check_performance(performance)
    chosen = performance.selected(rows)
    scores = {"mPC": float(mean_performance(chosen))}
    if chosen.clean is not None:
        scores["rPC"] = float(relative_performance(chosen))
    return scores
