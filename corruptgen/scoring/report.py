"""Reports: what a model scored, as a table for people, as JSON and CSV for machines."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from corruptgen import __version__
from corruptgen.scoring.measure import FRACTION, MEASURES, PERCENT
from corruptgen.values.arguments import severity_text

SCHEMA = 1
COLUMNS = ("metric", "row", "severity", "value", "low", "high", "unit", "better")


@dataclass(frozen=True)
class Estimate:
    """A number and, if single images were there to be resampled, where it would lie with other ones."""

    value: float | None
    """None: undefined, as the mean failure point where nothing fails."""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Report:
    """All that was scored."""

    dataset: str
    preset: str
    items: int
    rows: tuple[str, ...]
    severities: tuple[float, ...]
    """Those that some row has; which cells there are, `cells` says."""
    baseline: str
    """Its name; empty: none."""
    resamples: int
    level: float
    """The share of resamples within an interval."""
    seed: int
    """Of the resamples."""
    main: str
    """What the cells hold: "error", "balanced_error", "performance" or, of sequences, "flip_probability"."""
    cells: Mapping[tuple[str, float], Estimate]
    clean: Estimate | None
    scores: Mapping[str, Estimate]
    by_row: Mapping[str, Mapping[str, Estimate]]
    """By metric and row."""
    by_severity: Mapping[str, Mapping[float, Estimate]]
    """By metric and severity."""
    groups: Mapping[str, Estimate]
    """The mean of the cells over the rows of each group."""
    by_group: Mapping[str, Mapping[str, Estimate]]
    """By metric and group: the mean over the group's rows."""
    notes: tuple[str, ...]
    """What was left out, and what to be careful with."""

    def to_json(self) -> str:
        """Return everything, fractions as fractions; `as_baseline` in it can be a baseline of other scores."""
        titled = {
            name: {key: getattr(MEASURES[name], key) for key in ("title", "better", "unit")} for name in self.scores
        }
        content = {
            "schema": SCHEMA,
            "corruptgen": __version__,
            "dataset": self.dataset,
            "preset": self.preset,
            "items": self.items,
            "baseline": self.baseline or None,
            "resamples": self.resamples,
            "level": self.level,
            "seed": self.seed,
            "scores": {name: titled[name] | asdict(estimate) for name, estimate in self.scores.items()},
            "by_row": {name: {row: asdict(e) for row, e in rows.items()} for name, rows in self.by_row.items()},
            "by_severity": {
                name: {severity_text(severity): asdict(e) for severity, e in levels.items()}
                for name, levels in self.by_severity.items()
            },
            "groups": {group: asdict(e) for group, e in self.groups.items()},
            "by_group": {name: {group: asdict(e) for group, e in of.items()} for name, of in self.by_group.items()},
            "cells": {
                row: {
                    severity_text(severity): asdict(self.cells[row, severity]) for severity in self._severities_of(row)
                }
                for row in self.rows
            },
            "clean": asdict(self.clean) if self.clean else None,
            "cells_hold": self.main,
            "notes": list(self.notes),
            **({"as_baseline": self._baseline()} if self.main != "performance" else {}),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def to_csv(self) -> str:
        """Return one line for each number, with the columns `COLUMNS`."""
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(COLUMNS)
        for metric, row, severity, estimate in self._numbers():
            unit, better = _unit(metric, self.main)
            values = ("" if v is None else repr(v) for v in (estimate.value, estimate.low, estimate.high))
            writer.writerow((metric, row, severity, *values, unit, better))
        return written.getvalue()

    def lines(self) -> Iterator[tuple[str, ...]]:
        """Return the scores in columns for people: fractions as percent."""
        for name, estimate in self.scores.items():
            measure = MEASURES[name]
            low_high = f"[{format_number(estimate.low, measure.unit)}, {format_number(estimate.high, measure.unit)}]"
            interval = low_high if estimate.low is not None else ""
            yield (
                name,
                format_number(estimate.value, measure.unit),
                interval,
                f"{measure.better} is better",
                measure.title,
            )

    def row_lines(self) -> Iterator[tuple[str, ...]]:
        """Return the cells in columns for people, with means and what these are in percent of the baseline.

        Rows come first, then the means over groups of them.
        """
        unit = "its own" if self.main == "performance" else FRACTION
        normalised = [name for name in self.by_row if MEASURES[name].unit == PERCENT]
        yield ("row", *(severity_text(severity) for severity in self.severities), "mean", *normalised)
        for row in self.rows:
            own = self._severities_of(row)
            values = [self.cells[row, severity].value for severity in own]
            mean = sum(value or 0 for value in values) / len(values)
            told = dict(zip(own, (format_number(value, unit) for value in values), strict=True))
            rates = [self.by_row[name].get(row) for name in normalised]
            # A row that has no such severity has an empty place.
            texts = (told.get(severity, "") for severity in self.severities)
            yield (row, *texts, format_number(mean, unit), *map(_rate, rates))
        for group, estimate in self.groups.items():
            rates = [self.by_group.get(name, {}).get(group) for name in normalised]
            yield (group, *("" for _ in self.severities), format_number(estimate.value, unit), *map(_rate, rates))

    def _numbers(self) -> Iterator[tuple[str, str, str, Estimate]]:
        for name, estimate in self.scores.items():
            yield name, "", "", estimate
        for name, rows in self.by_row.items():
            for row, estimate in rows.items():
                yield name, row, "", estimate
        for name, levels in self.by_severity.items():
            for severity, estimate in levels.items():
                yield name, "", severity_text(severity), estimate
        for group, estimate in self.groups.items():
            yield self.main, f"group {group}", "", estimate
        for name, groups in self.by_group.items():
            for group, estimate in groups.items():
                if name != self.main:
                    yield name, f"group {group}", "", estimate
        for (row, severity), estimate in self.cells.items():
            yield self.main, row, severity_text(severity), estimate
        if self.clean:
            yield self.main, "clean", "0", self.clean

    def _severities_of(self, row: str) -> tuple[float, ...]:
        return tuple(severity for severity in self.severities if (row, severity) in self.cells)

    def _baseline(self) -> dict[str, Any]:
        """Return the cells as a baseline table."""
        by_row = {row: self._severities_of(row) for row in self.rows}
        is_ragged = any(own != self.severities for own in by_row.values())
        stated = {row: list(own) for row, own in by_row.items()} if is_ragged else list(self.severities)
        header: dict[str, Any] = {"title": f"scored on {self.dataset}", "severities": stated}
        if self.clean:
            header["clean"] = self.clean.value
        errors = {row: [self.cells[row, severity].value for severity in own] for row, own in by_row.items()}
        return {"baseline": header, self.main: errors}


def format_number(value: float | None, unit: str) -> str:
    """Write a number for people."""
    if value is None:
        return "undefined"
    return f"{100 * value:.2f} %" if unit == FRACTION else f"{value:.2f}"


def _rate(estimate: Estimate | None) -> str:
    return "-" if estimate is None else format_number(estimate.value, PERCENT)


def _unit(metric: str, main: str) -> tuple[str, str]:
    if metric in MEASURES:
        return MEASURES[metric].unit, MEASURES[metric].better
    return ("its own", "higher") if main == "performance" else (FRACTION, "lower")
