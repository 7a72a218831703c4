"""The plot of a report: error against severity, a small panel for each row, with intervals."""

import io
import math
from typing import Any

from corruptgen.runtime.extras import need
from corruptgen.scoring.report import Report

COLUMNS = 5
PANEL = (2.3, 1.9)  # inches
INK, SHADE, CLEAN_INK = "#1f4e79", "#9dc3e6", "#7f7f7f"
DPI = 110
MARGIN = 0.05  # of the range, above the highest value


def draw_png(report: Report) -> bytes:
    """Draw a report.

    Parameters
    ----------
    report : Report
        Report of at least one row.

    Returns
    -------
    bytes
        A PNG; the dashed line is the clean images' number.

    Raises
    ------
    MissingPackage
        If matplotlib is not installed.
    """
    written = io.BytesIO()
    # Without the version of matplotlib, the same numbers produce the same file for longer.
    figure_of(report).savefig(written, format="png", dpi=DPI, metadata={"Software": None})
    return written.getvalue()


def figure_of(report: Report) -> Any:
    """Draw a report as a figure of matplotlib, whose panels all have the range of all values."""
    figures = need("matplotlib.figure", "a plot", "leave it out with --no-plot")
    columns = min(COLUMNS, len(report.rows))
    lines = -(-len(report.rows) // columns)
    figure = figures.Figure(figsize=(PANEL[0] * columns, PANEL[1] * lines + 0.5), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for number, panel in enumerate(panels.flat):
        if number < len(report.rows):
            _draw(panel, report, report.rows[number])
        else:
            panel.set_axis_off()
    # The axes are shared: a limit that is set while panels are drawn would hide the values of the next ones.
    panels.flat[0].set_ylim(*_limits(report))
    scale = "" if report.main == "performance" else ", %"
    figure.supxlabel("severity", fontsize=9)
    figure.supylabel(report.main.replace("_", " ") + scale, fontsize=9)
    interval = f", {100 * report.level:g} % intervals of {report.resamples} resamples" if report.resamples else ""
    clean = "; dashed: clean images" if report.clean else ""
    figure.suptitle(f"{report.dataset}: {report.items} items{interval}{clean}", fontsize=9)
    return figure


def _limits(report: Report) -> tuple[float, float]:
    """Return a range that holds all values and intervals, and 0."""
    estimates = [*report.cells.values(), *([report.clean] if report.clean else [])]
    values = [0.0, *(number for e in estimates for number in (e.value, e.low, e.high) if number is not None)]
    low, high = _factor(report) * min(values), _factor(report) * max(values)
    margin = MARGIN * (high - low or 1)
    return (low - margin if low < 0 else 0.0), high + margin


def _factor(report: Report) -> int:
    return 1 if report.main == "performance" else 100


def _draw(panel: Any, report: Report, row: str) -> None:
    factor = _factor(report)
    severities = [severity for severity in report.severities if (row, severity) in report.cells]
    estimates = [report.cells[row, severity] for severity in severities]
    # An undefined value is a gap in the line, and no 0.
    values = [math.nan if estimate.value is None else factor * estimate.value for estimate in estimates]
    bounds = [(factor * e.low, factor * e.high) for e in estimates if e.low is not None and e.high is not None]
    if len(bounds) == len(values):
        panel.fill_between(severities, *zip(*bounds, strict=True), color=SHADE, linewidth=0)
    panel.plot(severities, values, color=INK, marker="o", markersize=3, linewidth=1.2)
    if report.clean and report.clean.value is not None:
        panel.axhline(factor * report.clean.value, color=CLEAN_INK, linewidth=0.8, linestyle="--")
    panel.set_title(row, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.grid(alpha=0.25, linewidth=0.5)
