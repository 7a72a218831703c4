"""Robustness metrics: pure functions on tables of results, with `evaluate` for all metrics of a module at once."""

from corruptgen.metrics import (
    balanced_error,
    calibration,
    conformal,
    corruption_error,
    detection,
    effective_robustness,
    resolution,
    sequences,
    trajectory,
)
from corruptgen.metrics.baselines import Baseline, baseline, baseline_names, families, weights
from corruptgen.metrics.grid import Grid, group_means
from corruptgen.metrics.resampling import Interval, interval

__all__ = [
    "Baseline",
    "Grid",
    "Interval",
    "balanced_error",
    "baseline",
    "baseline_names",
    "calibration",
    "conformal",
    "corruption_error",
    "detection",
    "effective_robustness",
    "families",
    "group_means",
    "interval",
    "resolution",
    "sequences",
    "trajectory",
    "weights",
]
