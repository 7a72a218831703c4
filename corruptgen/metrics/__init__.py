"""Robustness metrics: pure functions on tables of results; one function computes all metrics of a module at once."""

from corruptgen.metrics import (
    accuracy_trend,
    calibration,
    class_balance,
    conformal,
    corruption_error,
    detection,
    fourier,
    patches,
    resolution,
    sequences,
    trajectory,
    translation,
)
from corruptgen.metrics.baselines import Baseline, baseline, baseline_names, families, weights
from corruptgen.metrics.grid import Grid, group_means
from corruptgen.metrics.resampling import Interval, interval

__all__ = [
    "Baseline",
    "Grid",
    "Interval",
    "accuracy_trend",
    "baseline",
    "baseline_names",
    "calibration",
    "class_balance",
    "conformal",
    "corruption_error",
    "detection",
    "families",
    "fourier",
    "group_means",
    "interval",
    "patches",
    "resolution",
    "sequences",
    "trajectory",
    "translation",
    "weights",
]
