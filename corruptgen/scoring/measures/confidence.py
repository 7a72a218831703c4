"""Measures of whether a model knows when it is wrong."""

from corruptgen.metrics import calibration
from corruptgen.metrics.grid import Numbers
from corruptgen.scoring.measure import ANSWERS, HIGHER, LOWER, Measure
from corruptgen.scoring.scored_items import ScoredItems


def _detected(evidence: ScoredItems) -> Numbers:
    return evidence.failure_detection.mean(axis=-1)


MEASURES = (
    Measure(
        "ece",
        f"expected calibration error, {calibration.BINS} bins",
        LOWER,
        lambda e: e.calibration.mean,
        biased=True,
        by_severity=lambda e: e.calibration.by_severity,
        by_row=lambda e: e.calibration.by_row,
        of=ANSWERS,
        place=160,
    ),
    Measure(
        "failure_detection",
        "probability that a right answer is surer than a wrong one",
        HIGHER,
        _detected,
        by_severity=lambda e: e.failure_detection,
        of=ANSWERS,
        place=170,
    ),
    Measure(
        "coverage",
        "share of conformal sets that hold the truth",
        HIGHER,
        lambda e: e.coverage.mean,
        by_severity=lambda e: e.coverage.by_severity,
        by_row=lambda e: e.coverage.by_row,
        of=ANSWERS,
        place=180,
    ),
    Measure(
        "abstention",
        "share of conformal sets that are not one class",
        LOWER,
        lambda e: e.abstention.mean,
        by_severity=lambda e: e.abstention.by_severity,
        by_row=lambda e: e.abstention.by_row,
        of=ANSWERS,
        place=190,
    ),
)
