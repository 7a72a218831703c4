"""Our rows' times of every release, and which of them have become slower since."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean
from typing import Any

SLOWER = 1.5
CALIBRATION, OURS = "calibration", "corruptgen "

Figures = dict[str, float]
"""By allocator, size, table and row: how often the calibration's fixed work goes into the time of a call."""


def figures(rows: Mapping[str, Any]) -> Figures:
    """Return our times in units of the calibration, which was timed in turn with them, so that machines compare."""
    found = {}
    for allocator, measured in rows.items():
        for size, by_row in measured["rows"].items():
            for row, candidates in by_row.items():
                unit = mean(candidates[CALIBRATION].values())
                for name, times in candidates.items():
                    if name.startswith(OURS):
                        key = f"{allocator}/{size}/{name.removeprefix(OURS)}/{row}"
                        found[key] = round(mean(times.values()) / unit, 4)
    return found


def record(rows: Mapping[str, Any], folder: Path) -> Path:
    """Keep the figures of this version; those that were not measured this time stay."""
    versions = next(iter(rows.values()))["versions"]
    path = folder / f"{versions['corruptgen']}.json"
    before = json.loads(path.read_text())["figures"] if path.exists() else {}
    folder.mkdir(parents=True, exist_ok=True)
    content = {"versions": versions, "figures": dict(sorted((before | figures(rows)).items()))}
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def latest(folder: Path) -> Path:
    """Find the record of the newest version."""
    return max(folder.glob("*.json"), key=lambda path: [int(n) for n in path.stem.split(".") if n.isdigit()])


def compared(rows: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Name the rows that are slower than in a record, the worst first."""

    def ratios() -> Iterator[tuple[float, str]]:
        for key, figure in figures(rows).items():
            if key in before["figures"]:
                yield figure / before["figures"][key], key

    worst = sorted((pair for pair in ratios() if pair[0] > SLOWER), reverse=True)
    return [f"{key}: {ratio:.2f} times slower than in {before['versions']['corruptgen']}" for ratio, key in worst]
