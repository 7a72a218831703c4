"""Measures of errors in percent of those of a baseline."""

from collections.abc import Callable

from corruptgen.metrics import corruption_error
from corruptgen.metrics.grid import Numbers
from corruptgen.scoring.measure import ANSWERS, BALANCED, LOWER, MEDMNIST, PERCENT, Compute, Measure

IMAGENET = ("imagenet-c",)


def _rates(function: Callable[..., Numbers], measure: str) -> Compute:
    """Make a metric of a function that normalises errors by the baseline."""
    grid = "balanced" if measure == BALANCED else "errors"
    return lambda evidence: function(getattr(evidence, grid), evidence.source.known_baseline, measure)


MEASURES = (
    Measure(
        "mce",
        "mCE, mean corruption error",
        LOWER,
        _rates(corruption_error.mean_corruption_error, "error"),
        PERCENT,
        IMAGENET,
        by_row=_rates(corruption_error.corruption_errors, "error"),
        normalised="error",
        place=60,
    ),
    Measure(
        "relative_mce",
        "relative mCE",
        LOWER,
        _rates(corruption_error.relative_mean_corruption_error, "error"),
        PERCENT,
        IMAGENET,
        by_row=_rates(corruption_error.relative_corruption_errors, "error"),
        normalised="error",
        place=70,
    ),
    Measure(
        "be",
        "BE, balanced error",
        LOWER,
        _rates(corruption_error.mean_corruption_error, BALANCED),
        PERCENT,
        MEDMNIST,
        by_row=_rates(corruption_error.corruption_errors, BALANCED),
        normalised=BALANCED,
        of=ANSWERS,
        place=110,
    ),
    Measure(
        "rbe",
        "rBE, relative balanced error",
        LOWER,
        _rates(corruption_error.relative_mean_corruption_error, BALANCED),
        PERCENT,
        MEDMNIST,
        by_row=_rates(corruption_error.relative_corruption_errors, BALANCED),
        normalised=BALANCED,
        of=ANSWERS,
        place=120,
    ),
)
