"""Robustness to low resolution as LR0.FM measures it: relative to the full one, discounted where accuracy is chance."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from corruptgen.errors import ScoreError
from corruptgen.metrics.grid import Numbers, fractions

ALPHA, POWER = 200.0, 2.0


def relative_robustness(low: ArrayLike, full: ArrayLike) -> Numbers:
    """Return γ, the share of the accuracy at full resolution that is left at a low one, (...); higher is better.

    Parameters
    ----------
    low, full : array_like
        Accuracies, fractions.

    Returns
    -------
    float or ndarray
        (...): a fraction; higher is better.

    References
    ----------
    Pathak et al. 2025, https://arxiv.org/abs/2502.03950

    Examples
    --------
    >>> relative_robustness(0.3, 0.6).item()
    0.5
    """
    whole = fractions(full, "accuracies at full resolution")
    if (whole == 0).any():
        raise ScoreError("an accuracy at full resolution is 0, so no share of it can be left; take this data set out")
    return fractions(low, "accuracies at low resolution") / whole


def improved_robustness(
    low: ArrayLike, full: ArrayLike, chance: ArrayLike, *, alpha: float = ALPHA, power: float = POWER
) -> Numbers:
    """Return Γ = γ (1 - exp(-α abs(E)^p)) with E = full - chance: a model that only guesses is not robust, (...).

    Parameters
    ----------
    low, full : array_like
        Accuracies, fractions.
    chance : array_like
        The accuracy of guessing, such as one divided by the number of classes.
    alpha : float
        How fast the discount goes away from chance.
    power : float
        The exponent of E; the square is from secondary sources and not confirmed, hence a parameter.

    Returns
    -------
    float or ndarray
        (...): a fraction; higher is better.

    Examples
    --------
    >>> round(improved_robustness(0.3, 0.6, 0.1).item(), 3)
    0.5
    """
    above = fractions(full, "accuracies at full resolution") - fractions(chance, "accuracies of chance")
    return relative_robustness(low, full) * (1 - np.exp(-alpha * np.abs(above) ** power))


def simple_aggregate(robustness: Mapping[str, float]) -> float:
    """Return SAR, the mean over data sets of γ or Γ; higher is better.

    Parameters
    ----------
    robustness : mapping of str to float
        γ or Γ of each data set.

    Returns
    -------
    float
        A fraction; higher is better.

    Examples
    --------
    >>> simple_aggregate({"EuroSAT": 0.5, "DTD": 0.7})
    0.6
    """
    _checked(robustness)
    return float(np.mean(list(robustness.values())))


def weighted_aggregate(robustness: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return WAR = Σ w Γ / Σ w over data sets; higher is better.

    Parameters
    ----------
    robustness : mapping of str to float
        By data set.
    weights : mapping of str to float
        By data set, of exactly these; LR0.FM's are `corruptgen.metrics.weights("lr0-fm")`.

    Returns
    -------
    float
        A fraction; higher is better.

    Raises
    ------
    ScoreError
        If a data set has no weight, or a weight no data set; the message names them.

    Examples
    --------
    >>> weighted_aggregate({"EuroSAT": 0.5, "DTD": 0.7}, {"EuroSAT": 3.0, "DTD": 1.0})
    0.55
    """
    _checked(robustness)
    for kind, names in (
        ("robustness", weights.keys() - robustness.keys()),
        ("weight", robustness.keys() - weights.keys()),
    ):
        if names:
            raise ScoreError(
                f"these data sets have no {kind}: {', '.join(sorted(names))}; weights were tuned together, so the mean "
                "is over all of them, or over those with weights"
            )
    total = sum(weights[name] for name in robustness)
    return sum(weights[name] * value for name, value in robustness.items()) / total


def check_accuracies(low: ArrayLike, full: ArrayLike, chance: ArrayLike) -> None:
    """Raise `ScoreError` unless all three are fractions of one shape, and full accuracies are above 0.

    Parameters
    ----------
    low : array_like, shape (...)
        Accuracies at a low resolution, fractions.
    full : array_like, shape (...)
        Accuracies at full resolution, fractions.
    chance : array_like, shape (...)
        Accuracies of guessing, fractions.

    Examples
    --------
    >>> check_accuracies(0.3, 0.6, 0.1)
    """
    shapes = {np.shape(low), np.shape(full), np.shape(chance)}
    if len(shapes) > 1:
        raise ScoreError(f"accuracies have the shapes {sorted(shapes)}; pass one of each for every data set")
    relative_robustness(low, full)
    fractions(chance, "accuracies of chance")


def evaluate_resolution(
    accuracies: Mapping[str, tuple[float, float, float]], weights: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return SAR of γ and of Γ, and WAR if there are weights.

    Parameters
    ----------
    accuracies : mapping of str to (float, float, float)
        By data set: at low resolution, at full resolution, by chance.
    weights : mapping of str to float or None
        By data set.

    Returns
    -------
    dict of str to float
        "SAR" and "improved SAR" and, with weights, "WAR"; higher is better.

    Examples
    --------
    >>> scores = evaluate_resolution({"EuroSAT": (0.3, 0.6, 0.1), "DTD": (0.25, 0.5, 0.02)})
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'SAR': 0.5, 'improved SAR': 0.5}
    """
    _checked(accuracies)
    low, full, chance = np.array(list(accuracies.values())).T
    check_accuracies(low, full, chance)
    plain = dict(zip(accuracies, relative_robustness(low, full).tolist(), strict=True))
    improved = dict(zip(accuracies, improved_robustness(low, full, chance).tolist(), strict=True))
    scores = {"SAR": simple_aggregate(plain), "improved SAR": simple_aggregate(improved)}
    if weights is not None:
        scores["WAR"] = weighted_aggregate(improved, weights)
    return scores


def _checked(of: Mapping[str, object]) -> None:
    if not of:
        raise ScoreError("there are no data sets to take a mean over")
