"""Measures of windows of one picture: whether a model says the same of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from corruptgen.metrics import translation
from corruptgen.metrics.grid import Grid, Numbers
from corruptgen.metrics.resampling import weighted_mean
from corruptgen.scoring.measure import FRAMES, HIGHER, Measure
from corruptgen.scoring.scored_items import ScoredItems

PRESETS = ("antialiasing", "translation-sets")


def _agreement(evidence: ScoredItems) -> Grid:
    return _grid(evidence, translation.agreement)


def _adversarial(evidence: ScoredItems) -> Grid:
    """Return the share of pictures of which all windows, the one that is not moved among them, are classified alike."""
    return _grid(evidence, lambda classes: translation.always(classes, classes[:, 0]).astype(float))


def _grid(evidence: ScoredItems, measure: Callable[[NDArray[np.int64]], Numbers]) -> Grid:
    frames = evidence.source.known_frames
    values = frames.over_cells(lambda cell, _: np.asarray(measure(frames.classes[cell]), float))
    return frames.truth.grid(weighted_mean(values, evidence.weights))


MEASURES = (
    Measure(
        "window_agreement",
        "share of pairs of windows of a picture that are classified alike",
        HIGHER,
        lambda e: _agreement(e).mean,
        presets=PRESETS,
        by_severity=lambda e: _agreement(e).by_severity,
        by_row=lambda e: _agreement(e).by_row,
        of=FRAMES,
        place=42,
    ),
    Measure(
        "adversarial_robustness",
        "share of pictures all of whose windows are classified alike",
        HIGHER,
        lambda e: _adversarial(e).mean,
        presets=PRESETS,
        by_severity=lambda e: _adversarial(e).by_severity,
        by_row=lambda e: _adversarial(e).by_row,
        of=FRAMES,
        place=44,
    ),
)
