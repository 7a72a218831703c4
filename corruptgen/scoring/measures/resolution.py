"""Measures of LR0.FM: what is left of the accuracy at full resolution, of one data set."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from corruptgen.metrics import resolution
from corruptgen.metrics.grid import Grid, Numbers
from corruptgen.scoring.measure import ANSWERS, HIGHER, Measure
from corruptgen.scoring.scored_items import ScoredItems

PRESETS = ("lr0-fm", "lr0-fm-*")


def _relative(evidence: ScoredItems) -> Grid:
    """Return γ of each cell."""
    return _of_accuracies(evidence, resolution.relative_robustness)


def _improved(evidence: ScoredItems) -> Grid:
    """Return Γ of each cell."""
    chance = 1 / evidence.source.known_answers.truth.count
    return _of_accuracies(evidence, lambda low, full: resolution.improved_robustness(low, full, chance))


def _of_accuracies(evidence: ScoredItems, measure: Callable[[Numbers, Numbers], Numbers]) -> Grid:
    errors = evidence.errors
    full = np.broadcast_to(np.asarray(1 - errors.known_clean)[..., None, None], errors.values.shape)
    # Cells that there are not have no numbers; the grid takes theirs out again.
    low = 1 - errors.values if errors.absent is None else np.nan_to_num(1 - errors.values)
    return replace(errors, values=np.asarray(measure(low, full)), clean=None)


MEASURES = (
    Measure(
        "relative_robustness",
        "share of the accuracy at full resolution that is left (γ of LR0.FM)",
        HIGHER,
        lambda e: _relative(e).mean,
        presets=PRESETS,
        by_severity=lambda e: _relative(e).by_severity,
        by_row=lambda e: _relative(e).by_row,
        place=52,
    ),
    Measure(
        "improved_robustness",
        "that share, discounted where the full accuracy is chance (Γ of LR0.FM)",
        HIGHER,
        lambda e: _improved(e).mean,
        presets=PRESETS,
        by_severity=lambda e: _improved(e).by_severity,
        by_row=lambda e: _improved(e).by_row,
        of=ANSWERS,
        place=54,
    ),
)
