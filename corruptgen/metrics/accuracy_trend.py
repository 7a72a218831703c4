"""Effective robustness: accuracy under shift beyond what other models of the same clean accuracy have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from corruptgen.errors import ScoreError, UnknownName, unknown
from corruptgen.metrics.grid import Numbers, fractions

SCALES = ("logit", "linear")


@dataclass(frozen=True)
class Trend:
    """What the accuracy under shift is expected to be, given the clean one.

    Examples
    --------
    >>> round(Trend(0.45, 0.0, "linear").expected(0.6).item(), 2)
    0.27
    """

    slope: float
    intercept: float
    scale: str = "logit"
    """In which the trend is a straight line."""

    def expected(self, clean: ArrayLike) -> Numbers:
        """Return the expected accuracy under shift, (...), from clean accuracies, fractions."""
        return _back(self.slope * _onto(clean, self.scale, "clean accuracies") + self.intercept, self.scale)


def trend(clean: ArrayLike, shifted: ArrayLike, scale: str = "logit") -> Trend:
    """Fit the trend of baseline models by least squares.

    Parameters
    ----------
    clean, shifted : array_like, shape (models,)
        Accuracies of models that are not made robust, fractions.
    scale : str, default "logit"
        "logit", as for the shifts of ImageNet, where accuracies of 0 and 1 have no place; or "linear".

    Returns
    -------
    Trend
        The line that fits the models best.

    References
    ----------
    Taori et al. 2020, https://arxiv.org/abs/2007.00644

    Examples
    --------
    >>> line = trend(clean=[0.6, 0.7, 0.8], shifted=[0.35, 0.45, 0.58])
    >>> round(line.slope, 2), round(line.intercept, 2)
    (0.96, -1.01)
    """
    x, y = _onto(clean, scale, "clean accuracies"), _onto(shifted, scale, "shifted accuracies")
    if x.shape != y.shape or x.ndim != 1 or len(np.unique(x)) < 2:
        raise ScoreError(f"a trend through {x.shape} and {y.shape} accuracies; pass both of at least two unlike models")
    slope, intercept = np.polyfit(x, y, 1)
    return Trend(float(slope), float(intercept), scale)


def effective_robustness(clean: ArrayLike, shifted: ArrayLike, baseline: Trend) -> Numbers:
    """Return how far the accuracy under shift lies above the trend, (...): a fraction, higher is better, 0 is on it.

    Parameters
    ----------
    clean, shifted : array_like, shape (...)
        Accuracies of a model, fractions.
    baseline : Trend
        The trend of other models; for COCO-O, whose numbers are AP, `Trend(0.45, 0, "linear")` is in use.

    Returns
    -------
    float or ndarray
        (...): a difference of accuracies, as a fraction; higher is better, 0 is on the trend.

    Examples
    --------
    >>> line = trend(clean=[0.6, 0.7, 0.8], shifted=[0.35, 0.45, 0.58])
    >>> round(effective_robustness(0.75, 0.6, line).item(), 2)
    0.09
    """
    return fractions(shifted, "shifted accuracies") - baseline.expected(clean)


def _onto(values: ArrayLike, scale: str, what: str) -> Numbers:
    taken = fractions(values, what)
    if scale == "linear":
        return taken
    if scale != "logit":
        raise UnknownName(unknown("scale", scale, SCALES))
    if ((taken == 0) | (taken == 1)).any():
        raise ScoreError(f"{what} of 0 or 1 have no place on the logit scale; take these models out, or scale='linear'")
    return np.log(taken / (1 - taken))


def _back(values: Numbers, scale: str) -> Numbers:
    return values if scale == "linear" else 1 / (1 + np.exp(-values))
