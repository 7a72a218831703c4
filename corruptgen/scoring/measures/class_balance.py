"""Measures of errors in which each class counts the same."""

from corruptgen.metrics import trajectory
from corruptgen.scoring.measure import ANSWERS, LOWER, MEDMNIST, Measure

MEASURES = (
    Measure(
        "balanced_error",
        "mean balanced error over rows and severities",
        LOWER,
        lambda e: e.balanced.mean,
        presets=(*MEDMNIST, "medical"),
        by_severity=lambda e: e.balanced.by_severity,
        by_row=lambda e: e.balanced.by_row,
        of=ANSWERS,
        place=80,
    ),
    Measure(
        "clean_balanced_error",
        "balanced error of the clean images",
        LOWER,
        lambda e: e.balanced.known_clean,
        presets=(*MEDMNIST, "medical"),
        of=ANSWERS,
        place=90,
    ),
    Measure(
        "balanced_drop",
        "mean balanced accuracy below the clean one",
        LOWER,
        lambda e: trajectory.accuracy_drops(e.balanced).mean,
        presets=(*MEDMNIST, "medical"),
        by_row=lambda e: trajectory.accuracy_drops(e.balanced).by_row,
        of=ANSWERS,
        place=100,
    ),
)
