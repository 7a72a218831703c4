"""Robustness metrics: pure functions on tables of results; each module has `validate`, the metrics and `evaluate`."""

from corruptgen.metrics.baselines import Baseline, baseline, baseline_names, weights
from corruptgen.metrics.grid import Grid, group_means
from corruptgen.metrics.resampling import Interval, interval

__all__ = ["Baseline", "Grid", "Interval", "baseline", "baseline_names", "group_means", "interval", "weights"]
