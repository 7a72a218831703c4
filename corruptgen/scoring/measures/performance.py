"""Measures of performances of a task of its own, such as the AP of detectors."""

from corruptgen.metrics import detection
from corruptgen.scoring.measure import HIGHER, OWN, PERFORMANCE, Measure
from corruptgen.scoring.scored_items import ScoredItems


def _main(evidence: ScoredItems) -> tuple[str, ...] | None:
    """Return the rows that the benchmark averages over."""
    return evidence.source.common or None


MEASURES = (
    Measure(
        "mpc",
        "mPC, mean performance under corruption",
        HIGHER,
        lambda e: detection.mean_performance(e.performance, _main(e)),
        OWN,
        by_severity=lambda e: e.performance.selected(_main(e)).by_severity,
        by_row=lambda e: e.performance.by_row,
        of=PERFORMANCE,
        place=200,
    ),
    Measure(
        "rpc",
        "rPC, share of the clean performance that is left",
        HIGHER,
        lambda e: detection.relative_performance(e.performance, _main(e)) / 100,
        of=PERFORMANCE,
        place=210,
    ),
)
