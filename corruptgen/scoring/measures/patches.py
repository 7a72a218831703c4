"""Measures of corruptions within a part of the image."""

from corruptgen.metrics.grid import Numbers
from corruptgen.scoring.measure import ANSWERS, LOWER, Measure
from corruptgen.scoring.scored_items import ScoredItems


def _mean(evidence: ScoredItems) -> Numbers:
    return evidence.fooling.mean


MEASURES = (
    Measure(
        "fooling_rate",
        "share of images, right when clean, that are wrong when corrupted",
        LOWER,
        _mean,
        presets=("imagenet-c-patch*",),
        by_severity=lambda e: e.fooling.by_severity,
        by_row=lambda e: e.fooling.by_row,
        of=ANSWERS,
        place=60,
    ),
)
