"""Measures of errors and accuracies as they are."""

from corruptgen.errors import ScoreError
from corruptgen.metrics import trajectory
from corruptgen.metrics.grid import Numbers
from corruptgen.scoring.measure import HIGHER, LOWER, Measure
from corruptgen.scoring.scored_items import ScoredItems

LEVELS = (1, 2, 3, 4, 5)


def _common_accuracy(evidence: ScoredItems) -> Numbers:
    rows = evidence.source.common
    if not rows:
        raise ScoreError("the severity table has no group 'common' that this metric could average over")
    return 1 - evidence.errors.selected(rows, LEVELS).mean


MEASURES = (
    Measure(
        "mean_error",
        "mean error over rows and severities",
        LOWER,
        lambda e: e.errors.mean,
        by_severity=lambda e: e.errors.by_severity,
        by_row=lambda e: e.errors.by_row,
        place=10,
    ),
    Measure("mean_accuracy", "mean accuracy over rows and severities", HIGHER, lambda e: 1 - e.errors.mean, place=20),
    Measure(
        "common_accuracy",
        "mean accuracy over the 15 common rows (RobustBench)",
        HIGHER,
        _common_accuracy,
        presets=("cifar-c", "imagenet-c", "imagenet-c-*"),
        place=30,
    ),
    Measure("clean_error", "error of the clean images", LOWER, lambda e: e.errors.known_clean, place=40),
    Measure(
        "accuracy_drop",
        "mean accuracy below the clean one",
        LOWER,
        lambda e: trajectory.accuracy_drops(e.errors).mean,
        by_severity=lambda e: trajectory.accuracy_drops(e.errors).by_severity,
        by_row=lambda e: trajectory.accuracy_drops(e.errors).by_row,
        place=50,
    ),
)
