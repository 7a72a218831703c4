"""Robust detection and segmentation: mean performance under corruption, and the share of the clean one that is left."""

from collections.abc import Iterable

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

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    return performance.selected(rows).mean


def relative_performance(performance: Grid, rows: Iterable[str] | None = None) -> Numbers:
    """Return rPC, the share of the clean performance that is left, in percent, (...); higher is better.

    On Pascal-C the published numbers are the mean over the classes of each class's own ratio: give the classes as a
    leading axis, and take the mean of what comes back.

    Raises
    ------
    ScoreError
        If cells are missing, or the clean performance is missing or 0.
    """
    clean = performance.known_clean
    if not (clean > 0).all():
        raise ScoreError("the clean performance is 0 or less, so no share of it can be left; check its unit and sign")
    return 100 * mean_performance(performance, rows) / clean


def check_performance(performance: Grid) -> None:
    """Raise `ScoreError` if this is no performance: less than 0."""
    if performance.values.min() < 0:
        raise ScoreError(f"performance is {performance.values.min():g} somewhere, allowed is 0 and more, such as AP")


def evaluate_detection(performance: Grid, rows: Iterable[str] | None = None) -> dict[str, float]:
    """Return mPC and, where the clean performance is known, rPC."""
    check_performance(performance)
    chosen = performance.selected(rows)
    scores = {"mPC": float(mean_performance(chosen))}
    if chosen.clean is not None:
        scores["rPC"] = float(relative_performance(chosen))
    return scores
