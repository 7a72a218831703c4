"""Measures of sequences: how often predictions flip, and how far rankings move, from frame to frame."""

import numpy as np

from corruptgen.errors import ScoreError
from corruptgen.metrics import sequences
from corruptgen.metrics.baselines import Baseline
from corruptgen.metrics.grid import Grid, Numbers
from corruptgen.scoring.measure import FRAMES, LOWER, OWN, PERCENT, Measure
from corruptgen.scoring.scored_items import ScoredItems

FIRST = 1.0  # the difficulty that baselines are for
IMAGENET = ("imagenet-p", "imagenet-p-*", "tiny-imagenet-p")


def _rates(grid: Grid, baseline: Baseline, measure: str) -> Numbers:
    """Return the numbers of the baseline's rows at the first difficulty in percent of the baseline's, (..., rows)."""
    if FIRST not in grid.severities:
        raise ScoreError("baselines of sequences are for severity 1, which is not in this dataset")
    rows = baseline.rows(measure)
    if missing := [row for row in rows if row not in grid.rows]:
        raise ScoreError(
            f"the baseline {baseline.name} is for {len(rows)} rows, and {', '.join(missing)} of them are not scored"
        )
    table = baseline.table(measure)
    places = {row: own.index(FIRST) if FIRST in (own := baseline.severities_of(row)) else 0 for row in rows}
    against = [table[row][places[row] if len(table[row]) > 1 else 0] for row in rows]
    if zero := [row for row, value in zip(rows, against, strict=True) if not value]:
        raise ScoreError(f"the baseline {baseline.name} has a {measure} of 0 for {', '.join(zero)}; take another one")
    return 100 * grid.selected(rows, [FIRST]).values[..., 0] / np.array(against)


def _flip_rates(evidence: ScoredItems) -> Numbers:
    return _rates(evidence.flips, evidence.source.known_baseline, sequences.FLIPS)


def _distance_rates(evidence: ScoredItems) -> Numbers:
    return _rates(evidence.distances, evidence.source.known_baseline, sequences.DISTANCES)


MEASURES = (
    Measure(
        "flip_probability",
        "mean flip probability over rows and severities",
        LOWER,
        lambda e: e.flips.mean,
        by_severity=lambda e: e.flips.by_severity,
        by_row=lambda e: e.flips.by_row,
        of=FRAMES,
        place=300,
    ),
    Measure(
        "mfr",
        "mFR, mean flip rate",
        LOWER,
        lambda e: _flip_rates(e).mean(axis=-1),
        PERCENT,
        IMAGENET,
        by_row=_flip_rates,
        normalised=sequences.FLIPS,
        of=FRAMES,
        place=310,
    ),
    Measure(
        "t5d",
        "mean top-5 distance over rows and severities",
        LOWER,
        lambda e: e.distances.mean,
        OWN,
        by_severity=lambda e: e.distances.by_severity,
        by_row=lambda e: e.distances.by_row,
        of=FRAMES,
        place=320,
    ),
    Measure(
        "mt5d",
        "mT5D, mean top-5 distance",
        LOWER,
        lambda e: _distance_rates(e).mean(axis=-1),
        PERCENT,
        IMAGENET,
        by_row=_distance_rates,
        normalised=sequences.DISTANCES,
        of=FRAMES,
        place=330,
    ),
)
