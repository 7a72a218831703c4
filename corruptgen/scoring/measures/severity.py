"""Measures of how errors grow with the severity."""

from corruptgen.metrics import trajectory
from corruptgen.metrics.grid import Numbers
from corruptgen.scoring.measure import ANSWERS, HIGHER, LOWER, SEVERITY, Measure
from corruptgen.scoring.scored_items import ScoredItems


def _areas(evidence: ScoredItems) -> Numbers:
    return trajectory.area_under_severity(evidence.errors)


def _failure_margin(evidence: ScoredItems) -> Numbers:
    errors = evidence.errors
    ends = [[trajectory.end_of(errors.severities_of(row))] for row in errors.rows]
    return trajectory.failure_margin(evidence.source.failure_points, ends, evidence.weights)


MEASURES = (
    Measure(
        "area",
        "area under the error from the clean images on",
        LOWER,
        lambda e: _areas(e).mean(axis=-1),
        by_row=_areas,
        place=130,
    ),
    Measure(
        "failure_point",
        "mean severity at which an image first fails, of those that do",
        HIGHER,
        lambda e: trajectory.mean_failure_point(e.source.failure_points, e.weights),
        SEVERITY,
        of=ANSWERS,
        place=140,
    ),
    Measure(
        "failure_margin",
        "mean distance of the failure from the end",
        LOWER,
        _failure_margin,
        SEVERITY,
        of=ANSWERS,
        place=150,
    ),
)
