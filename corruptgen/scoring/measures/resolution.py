"""Measures of LR0.FM: what is left of the accuracy at full resolution, of one data set."""

import numpy as np

from corruptgen.metrics import resolution
from corruptgen.metrics.grid import Numbers
from corruptgen.scoring.measure import ANSWERS, HIGHER, Measure
from corruptgen.scoring.scored_items import ScoredItems

PRESETS = ("lr0-fm", "lr0-fm-*")


def _relative(evidence: ScoredItems) -> Numbers:
    """Return γ of each cell, (..., rows, severities)."""
    errors = evidence.errors
    full = np.asarray(1 - errors.known_clean)[..., None, None]
    return resolution.relative_robustness(1 - errors.values, np.broadcast_to(full, errors.values.shape))


def _improved(evidence: ScoredItems) -> Numbers:
    """Return Γ of each cell, (..., rows, severities)."""
    errors, truth = evidence.errors, evidence.source.known_answers.truth
    full = np.broadcast_to(np.asarray(1 - errors.known_clean)[..., None, None], errors.values.shape)
    return resolution.improved_robustness(1 - errors.values, full, 1 / truth.count)


MEASURES = (
    Measure(
        "relative_robustness",
        "share of the accuracy at full resolution that is left (γ of LR0.FM)",
        HIGHER,
        lambda e: np.asarray(_relative(e)).mean(axis=(-2, -1)),
        presets=PRESETS,
        by_severity=lambda e: np.asarray(_relative(e)).mean(axis=-2),
        by_row=lambda e: np.asarray(_relative(e)).mean(axis=-1),
        place=52,
    ),
    Measure(
        "improved_robustness",
        "that share, discounted where the full accuracy is chance (Γ of LR0.FM)",
        HIGHER,
        lambda e: np.asarray(_improved(e)).mean(axis=(-2, -1)),
        presets=PRESETS,
        by_severity=lambda e: np.asarray(_improved(e)).mean(axis=-2),
        by_row=lambda e: np.asarray(_improved(e)).mean(axis=-1),
        of=ANSWERS,
        place=54,
    ),
)
