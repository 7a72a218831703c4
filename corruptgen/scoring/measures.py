"""The metrics that `score` knows: what each is, which datasets it is meant for, and how it is computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from corruptgen.errors import ScoreError
from corruptgen.metrics import calibration, corruption_error, detection, trajectory
from corruptgen.metrics.grid import Numbers
from corruptgen.scoring.evidence import Evidence

BALANCED = "balanced_error"
LEVELS = (1, 2, 3, 4, 5)
Compute = Callable[[Evidence], Numbers]

FRACTION, PERCENT, SEVERITY, OWN = "fraction", "percent of the baseline", "severity", "its own"
LOWER, HIGHER = "lower", "higher"
ERRORS, ANSWERS, PERFORMANCE = "errors", "answers", "performance"


@dataclass(frozen=True)
class Measure:
    """One metric."""

    title: str
    better: str
    compute: Compute
    """Returns (...)."""
    unit: str = FRACTION
    presets: tuple[str, ...] = ("*",)
    """Patterns of the severity tables it is meant for."""
    by_severity: Compute | None = None
    """Returns (..., severities)."""
    by_row: Compute | None = None
    """Returns (..., rows): those of the baseline if it is normalised by one, else those of the dataset."""
    normalised: str = ""
    """What the baseline must have, if it is normalised by one."""
    biased: bool = False
    """Whether resampling shifts it, so that its interval must be shifted back."""
    of: str = ERRORS
    """What it is made of."""

    def fits(self, preset: str) -> bool:
        """Check whether it is meant for a severity table."""
        return any(fnmatchcase(preset, pattern) for pattern in self.presets)


def _common_accuracy(evidence: Evidence) -> Numbers:
    rows = evidence.source.common
    if not rows:
        raise ScoreError("the severity table has no group 'common' that this metric could average over")
    return 1 - evidence.errors.selected(rows, LEVELS).mean


def _areas(evidence: Evidence) -> Numbers:
    return trajectory.area_under_severity(evidence.errors)


def _failure_margin(evidence: Evidence) -> Numbers:
    end = trajectory.end_of(evidence.errors.severities)
    return trajectory.failure_margin(evidence.source.failure_points, end, evidence.weights)


def _detected(evidence: Evidence) -> Numbers:
    return evidence.failure_detection.mean(axis=-1)


def _rates(function: Callable[..., Numbers], measure: str) -> Compute:
    """Make a metric of a function that normalises errors by the baseline."""
    grid = "balanced" if measure == BALANCED else "errors"
    return lambda evidence: function(getattr(evidence, grid), evidence.source.known_baseline, measure)


IMAGENET = ("imagenet-c",)
MEDMNIST = ("medmnist-c/*",)

MEASURES: Mapping[str, Measure] = {
    "mean_error": Measure(
        "mean error over rows and severities",
        LOWER,
        lambda e: e.errors.mean,
        by_severity=lambda e: e.errors.by_severity,
        by_row=lambda e: e.errors.by_row,
    ),
    "mean_accuracy": Measure("mean accuracy over rows and severities", HIGHER, lambda e: 1 - e.errors.mean),
    "common_accuracy": Measure(
        "mean accuracy over the 15 common rows (RobustBench)",
        HIGHER,
        _common_accuracy,
        presets=("cifar-c", "imagenet-c", "imagenet-c-*"),
    ),
    "clean_error": Measure("error of the clean images", LOWER, lambda e: e.errors.known_clean),
    "accuracy_drop": Measure(
        "mean accuracy below the clean one",
        LOWER,
        lambda e: trajectory.accuracy_drops(e.errors).mean,
        by_severity=lambda e: trajectory.accuracy_drops(e.errors).by_severity,
        by_row=lambda e: trajectory.accuracy_drops(e.errors).by_row,
    ),
    "mce": Measure(
        "mCE, mean corruption error",
        LOWER,
        _rates(corruption_error.mean_corruption_error, "error"),
        PERCENT,
        IMAGENET,
        by_row=_rates(corruption_error.corruption_errors, "error"),
        normalised="error",
    ),
    "relative_mce": Measure(
        "relative mCE",
        LOWER,
        _rates(corruption_error.relative_mean_corruption_error, "error"),
        PERCENT,
        IMAGENET,
        by_row=_rates(corruption_error.relative_corruption_errors, "error"),
        normalised="error",
    ),
    "balanced_error": Measure(
        "mean balanced error over rows and severities",
        LOWER,
        lambda e: e.balanced.mean,
        presets=(*MEDMNIST, "medical"),
        by_severity=lambda e: e.balanced.by_severity,
        by_row=lambda e: e.balanced.by_row,
        of=ANSWERS,
    ),
    "clean_balanced_error": Measure(
        "balanced error of the clean images",
        LOWER,
        lambda e: e.balanced.known_clean,
        presets=(*MEDMNIST, "medical"),
        of=ANSWERS,
    ),
    "balanced_drop": Measure(
        "mean balanced accuracy below the clean one",
        LOWER,
        lambda e: trajectory.accuracy_drops(e.balanced).mean,
        presets=(*MEDMNIST, "medical"),
        by_row=lambda e: trajectory.accuracy_drops(e.balanced).by_row,
        of=ANSWERS,
    ),
    "be": Measure(
        "BE, balanced error",
        LOWER,
        _rates(corruption_error.mean_corruption_error, BALANCED),
        PERCENT,
        MEDMNIST,
        by_row=_rates(corruption_error.corruption_errors, BALANCED),
        normalised=BALANCED,
        of=ANSWERS,
    ),
    "rbe": Measure(
        "rBE, relative balanced error",
        LOWER,
        _rates(corruption_error.relative_mean_corruption_error, BALANCED),
        PERCENT,
        MEDMNIST,
        by_row=_rates(corruption_error.relative_corruption_errors, BALANCED),
        normalised=BALANCED,
        of=ANSWERS,
    ),
    "area": Measure(
        "area under the error from the clean images on", LOWER, lambda e: _areas(e).mean(axis=-1), by_row=_areas
    ),
    "failure_point": Measure(
        "mean severity at which an image first fails, of those that do",
        HIGHER,
        lambda e: trajectory.mean_failure_point(e.source.failure_points, e.weights),
        SEVERITY,
        of=ANSWERS,
    ),
    "failure_margin": Measure(
        "mean distance of the failure from the end", LOWER, _failure_margin, SEVERITY, of=ANSWERS
    ),
    "ece": Measure(
        f"expected calibration error, {calibration.BINS} bins",
        LOWER,
        lambda e: e.calibration.mean,
        biased=True,
        by_severity=lambda e: e.calibration.by_severity,
        by_row=lambda e: e.calibration.by_row,
        of=ANSWERS,
    ),
    "failure_detection": Measure(
        "probability that a right answer is surer than a wrong one",
        HIGHER,
        _detected,
        by_severity=lambda e: e.failure_detection,
        of=ANSWERS,
    ),
    "coverage": Measure(
        "share of conformal sets that hold the truth",
        HIGHER,
        lambda e: e.coverage.mean,
        by_severity=lambda e: e.coverage.by_severity,
        by_row=lambda e: e.coverage.by_row,
        of=ANSWERS,
    ),
    "abstention": Measure(
        "share of conformal sets that are not one class",
        LOWER,
        lambda e: e.abstention.mean,
        by_severity=lambda e: e.abstention.by_severity,
        by_row=lambda e: e.abstention.by_row,
        of=ANSWERS,
    ),
    "mpc": Measure(
        "mPC, mean performance under corruption",
        HIGHER,
        lambda e: detection.mean_performance(e.performance, _main(e)),
        OWN,
        by_severity=lambda e: e.performance.selected(_main(e)).by_severity,
        by_row=lambda e: e.performance.by_row,
        of=PERFORMANCE,
    ),
    "rpc": Measure(
        "rPC, share of the clean performance that is left",
        HIGHER,
        lambda e: detection.relative_performance(e.performance, _main(e)) / 100,
        of=PERFORMANCE,
    ),
}


def _main(evidence: Evidence) -> tuple[str, ...] | None:
    """Return the rows that the benchmark averages over."""
    return evidence.source.common or None
