"""Corruption errors, in percent of a baseline's: mCE and relative mCE and, of balanced errors, BE and rBE."""

import warnings

import numpy as np

from corruptgen.errors import ScoreError
from corruptgen.metrics.baselines import Baseline
from corruptgen.metrics.grid import Grid, Numbers, check_fractions

# Below this difference between a row's error and the clean error of the baseline, a relative error says little:
# 0.01 more error of the model are 50 percent more.
WEAK = 0.02
MEASURE = "error"


class WeakDenominator(UserWarning):
    """A relative error divides by next to nothing, or by less than nothing."""


def corruption_errors(errors: Grid, baseline: Baseline, measure: str = MEASURE) -> Numbers:
    """Return CE, the error of each row in percent of the baseline's.

    Parameters
    ----------
    errors : Grid
        Fractions; higher is worse.
    baseline : Baseline
        100 is as good as this, 0 is perfect.
    measure : str
        What the errors are: "error", or "balanced_error" for the BE of MedMNIST-C.

    Returns
    -------
    float or ndarray
        (..., rows): 100 Σ_s E_s / Σ_s A_s for each of the rows `baseline.rows(measure)`, a ratio of sums.

    Raises
    ------
    ScoreError
        If a cell is missing, or the baseline makes no error in a row.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-c/alexnet")
    >>> errors = alexnet.grid("error")
    >>> corruption_errors(errors, alexnet)[:3].tolist()
    [100.0, 100.0, 100.0]
    """
    rows = baseline.rows(measure)
    own = errors.selected(rows, {row: baseline.severities_of(row) for row in rows})
    return _percent(own.by_row, np.array([baseline.mean(measure, row) for row in rows]), rows, baseline)


def mean_corruption_error(errors: Grid, baseline: Baseline, measure: str = MEASURE) -> Numbers:
    """Return mCE, the mean of `corruption_errors` over the baseline's main rows, (...); lower is better.

    With "balanced_error" this is the BE of MedMNIST-C, in percent.

    Parameters
    ----------
    errors : Grid
        Fractions of misclassified items; higher is worse.
    baseline : Baseline
        100 is as good as this, 0 is perfect.
    measure : str
        What the errors are: "error", or "balanced_error" for the BE of MedMNIST-C.

    Returns
    -------
    float or ndarray
        (...) in percent of the baseline; lower is better.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-c/alexnet")
    >>> errors = alexnet.grid("error")
    >>> mean_corruption_error(errors, alexnet).item()
    100.0
    """
    return corruption_errors(errors, baseline, measure).mean(axis=-1)


def relative_corruption_errors(errors: Grid, baseline: Baseline, measure: str = MEASURE) -> Numbers:
    """Return what each row adds to the clean error, in percent of what it adds to the baseline's.

    Parameters
    ----------
    errors : Grid
        Fractions, with those of the clean images.
    baseline : Baseline
        100 loses as much as this.
    measure : str
        What the errors are.

    Returns
    -------
    float or ndarray
        (..., rows): 100 Σ_s(E_s - E_clean) / Σ_s(A_s - A_clean). Where a denominator is negative, a worse model gets a
        lower number; where it is tiny, chance decides: `weak_denominators` names such rows.

    Raises
    ------
    ScoreError
        If a cell or a clean error is missing, or a row adds nothing to the baseline's error.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-c/alexnet")
    >>> errors = alexnet.grid("error")
    >>> relative_corruption_errors(errors, alexnet)[:3].round(6).tolist()
    [100.0, 100.0, 100.0]
    """
    rows = baseline.rows(measure)
    own = errors.selected(rows, {row: baseline.severities_of(row) for row in rows})
    added = np.array([baseline.mean(measure, row) for row in rows]) - baseline.known_clean
    return _percent(own.by_row - own.known_clean[..., None], added, rows, baseline)


def relative_mean_corruption_error(errors: Grid, baseline: Baseline, measure: str = MEASURE) -> Numbers:
    """Return relative mCE, the mean of `relative_corruption_errors`, (...); lower is better; the rBE of MedMNIST-C.

    Parameters
    ----------
    errors : Grid
        Fractions of misclassified items; higher is worse.
    baseline : Baseline
        100 is as good as this, 0 is perfect.
    measure : str
        What the errors are: "error", or "balanced_error" for the BE of MedMNIST-C.

    Returns
    -------
    float or ndarray
        (...) in percent of the baseline; lower is better.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-c/alexnet")
    >>> errors = alexnet.grid("error")
    >>> round(relative_mean_corruption_error(errors, alexnet).item(), 6)
    100.0
    """
    return relative_corruption_errors(errors, baseline, measure).mean(axis=-1)


def weak_denominators(baseline: Baseline, measure: str = MEASURE, limit: float = WEAK) -> dict[str, float]:
    """Name the main rows that add less than `limit` to the baseline's clean error, and how much they add.

    Parameters
    ----------
    baseline : Baseline
        The baseline of a relative error.
    measure : str
        What the errors are: "error", or "balanced_error" for the BE of MedMNIST-C.
    limit : float
        Smallest difference that a relative error should be divided by, as a fraction.

    Returns
    -------
    dict of str to float
        What each weak row adds, as a fraction.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> weak_denominators(baseline("imagenet-c/alexnet"))
    {}
    """
    added = {row: baseline.mean(measure, row) - baseline.known_clean for row in baseline.rows(measure)}
    return {row: difference for row, difference in added.items() if difference < limit}


def weakness(baseline: Baseline, measure: str = MEASURE) -> str:
    """Word what `weak_denominators` found; empty if all is well.

    Parameters
    ----------
    baseline : Baseline
        The baseline of a relative error.
    measure : str
        What the errors are: "error", or "balanced_error" for the BE of MedMNIST-C.

    Returns
    -------
    str
        One sentence, or an empty text.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> weakness(baseline("imagenet-c/alexnet"))
    ''
    """
    weak = weak_denominators(baseline, measure)
    if not weak:
        return ""
    named = ", ".join(f"{row} ({difference:+.4f})" for row, difference in weak.items())
    negative = " Where it is negative, a worse model gets a lower number." if min(weak.values()) < 0 else ""
    return (
        f"relative errors divide by what a row adds to the error of {baseline.name}, which is next to nothing for "
        f"{named}.{negative} Read the mean error and its drop beside it."
    )


def check_errors(errors: Grid, baseline: Baseline, measure: str = MEASURE) -> None:
    """Raise `ScoreError` for errors that cannot be scored; warn of relative ones that say little.

    Parameters
    ----------
    errors : Grid
        Fractions of misclassified items; higher is worse.
    baseline : Baseline
        100 is as good as this, 0 is perfect.
    measure : str
        What the errors are: "error", or "balanced_error" for the BE of MedMNIST-C.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-c/alexnet")
    >>> errors = alexnet.grid("error")
    >>> check_errors(errors, alexnet)
    """
    check_fractions(errors)
    rows = baseline.rows(measure)
    errors.selected(rows, {row: baseline.severities_of(row) for row in rows})
    if errors.clean is not None and baseline.clean is not None and (words := weakness(baseline, measure)):
        warnings.warn(words, WeakDenominator, stacklevel=2)


def evaluate_corruption_errors(errors: Grid, baseline: Baseline, measure: str = MEASURE) -> dict[str, float]:
    """Return the mean over the rows, each row, and both relative to the clean error if that is known.

    Parameters
    ----------
    errors : Grid
        Fractions, without leading axes.
    baseline : Baseline
        To normalise by.
    measure : str
        "error" for mCE, "balanced_error" for BE.

    Returns
    -------
    dict of str to float
        "mean", each row by its name and, if the clean errors are known, "relative mean" and "relative <row>"; lower is
        better.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-c/alexnet")
    >>> errors = alexnet.grid("error")
    >>> evaluate_corruption_errors(errors, alexnet)["mean"]
    100.0
    """
    check_errors(errors, baseline, measure)
    rows = baseline.rows(measure)
    scores = {"mean": float(mean_corruption_error(errors, baseline, measure))}
    scores |= dict(zip(rows, corruption_errors(errors, baseline, measure).tolist(), strict=True))
    if errors.clean is not None and baseline.clean is not None:
        relative = relative_corruption_errors(errors, baseline, measure)
        scores["relative mean"] = float(relative.mean())
        scores |= {f"relative {row}": float(value) for row, value in zip(rows, relative, strict=True)}
    return scores


def _percent(own: Numbers, theirs: Numbers, rows: tuple[str, ...], baseline: Baseline) -> Numbers:
    for row, value in zip(rows, theirs, strict=True):
        if value == 0:
            raise ScoreError(
                f"the baseline {baseline.name} has 0 to divide by in {row}; choose a baseline that errs there"
            )
    return 100 * own / theirs
