"""The plot of a report: error against severity, a small panel for each row, with intervals."""

import io
from typing import Any

from corruptgen.extras import need
from corruptgen.scoring.report import Report

COLUMNS = 5
PANEL = (2.3, 1.9)  # inches
INK, SHADE, CLEAN_INK = "#1f4e79", "#9dc3e6", "#7f7f7f"
DPI = 110


def png(report: Report) -> bytes:
    """Draw a report.

    Parameters
    ----------
    report : of at least one row

    Returns
    -------
    A PNG; the dashed line is the clean images' number.

    Raises
    ------
    MissingPackage
        If matplotlib is not installed.
    """
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
    scale = "" if report.main == "performance" else ", %"
    figure.supxlabel("severity", fontsize=9)
    figure.supylabel(report.main.replace("_", " ") + scale, fontsize=9)
    interval = f", {100 * report.level:g} % intervals of {report.resamples} resamples" if report.resamples else ""
    clean = "; dashed: clean images" if report.clean else ""
    figure.suptitle(f"{report.dataset}: {report.items} items{interval}{clean}", fontsize=9)
    written = io.BytesIO()
    # Without the version of matplotlib, the same numbers give the same file for longer.
    figure.savefig(written, format="png", dpi=DPI, metadata={"Software": None})
    return written.getvalue()


def _draw(panel: Any, report: Report, row: str) -> None:
    factor = 1 if report.main == "performance" else 100
    estimates = [report.cells[row, severity] for severity in report.severities]
    values = [factor * (estimate.value or 0) for estimate in estimates]
    bounds = [(factor * e.low, factor * e.high) for e in estimates if e.low is not None and e.high is not None]
    if len(bounds) == len(values):
        panel.fill_between(report.severities, *zip(*bounds, strict=True), color=SHADE, linewidth=0)
    panel.plot(report.severities, values, color=INK, marker="o", markersize=3, linewidth=1.2)
    if report.clean and report.clean.value is not None:
        panel.axhline(factor * report.clean.value, color=CLEAN_INK, linewidth=0.8, linestyle="--")
    panel.set_title(row, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.25, linewidth=0.5)
