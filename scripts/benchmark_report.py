"""What the benchmark measured, as the tables and the plot of docs/speed.md."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from pathlib import Path
from statistics import mean
from typing import Any

from benchmark_history import CALIBRATION, OURS
from benchmark_peers import MIDDLE

BEGIN, END = "<!-- results -->\n", "<!-- end of results -->"
REFERENCE = "imagecorruptions"
OURS_BESIDE = OURS + REFERENCE
EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")


def replaced(document: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """Put the tables between the marks of the document."""
    before, rest = document.split(begin, 1)
    return f"{before}{begin}{text}{end}{rest.split(end, 1)[1]}"


def markdown(results: Mapping[str, Any]) -> str:
    """Word all that was measured."""
    parts = []
    if "rows" in results:
        sizes = dict.fromkeys(size for measured in results["rows"].values() for size in measured["rows"])
        parts += [_beside_reference(results["rows"], size) for size in sizes]
    if "equivalents" in results:
        (measured,) = results["equivalents"].values()
        parts += [_beside_equivalents(measured["rows"][size], size) for size in measured["rows"]]
        parts.append(_tables(measured["rows"]))
    parts.append(_left_out([m for part in ("rows", "equivalents") for m in results.get(part, {}).values()]))
    for place, found in results.get("end-to-end", {}).items():
        parts.append(_end_to_end(place, found))
    if "startup" in results:
        parts.append(_startup(results["startup"]["seconds"]))
    return "\n".join(part for part in parts if part)


def _table(title: str, header: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    header = list(header)
    rows = [f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *lines]]
    return "\n".join([f"### {title}", "", *rows, ""])


def _beside_reference(rows: Mapping[str, Any], size: str) -> str:
    """Compare with imagecorruptions: the same formulas, all severities."""
    header, ratios, totals = ["row"], {}, {}
    for allocator in rows:
        header += [f"imagecorruptions, {allocator}, ms", "corruptgen, ms", "times"]
    lines = []
    for row in next(iter(rows.values()))["rows"][size]:
        line = [row]
        for allocator, measured in rows.items():
            found = measured["rows"].get(size, {}).get(row, {})
            if REFERENCE not in found or OURS_BESIDE not in found:
                line += ["-"] * 3
                continue
            theirs, ours = mean(found[REFERENCE].values()), mean(found[OURS_BESIDE].values())
            ratios.setdefault(allocator, {})[row] = theirs / ours
            totals.setdefault(allocator, {})[row] = (theirs, ours)
            line += [f"{theirs:.3f}", f"{ours:.3f}", f"{theirs / ours:.1f}"]
        lines.append(line)
    for title, wanted in (("geometric mean, 15 common", False), ("geometric mean, all", True)):
        lines.append([title, *(cell for a in rows for cell in ["", "", _geometric(ratios.get(a, {}), wanted)])])
    lines.append(["total time, 15 common", *(cell for a in rows for cell in _total(totals.get(a, {})))])
    return _table(f"{size}×{size}, the same formulas, mean over severities", header, lines)


def _geometric(ratios: Mapping[str, float], with_extra: bool) -> str:
    chosen = [ratio for row, ratio in ratios.items() if with_extra or row not in EXTRA]
    return f"**{exp(mean(map(log, chosen))):.1f}**" if chosen else "-"


def _total(totals: Mapping[str, tuple[float, float]]) -> list[str]:
    common = [pair for row, pair in totals.items() if row not in EXTRA]
    theirs, ours = (sum(pair[i] for pair in common) for i in (0, 1))
    return [f"{theirs:.2f}", f"{ours:.2f}", f"**{theirs / ours:.1f}**"] if ours else ["-"] * 3


def _beside_equivalents(found: Mapping[str, Any], size: str) -> str:
    """Compare with libraries of other formulas, at one severity."""
    peers = [
        name
        for name in dict.fromkeys(name for candidates in found.values() for name in candidates)
        if not name.startswith(OURS) and name not in (CALIBRATION, REFERENCE)
    ]
    if not peers:
        return ""
    lines = []
    for row, candidates in found.items():
        if OURS_BESIDE not in candidates:
            continue
        ours = candidates[OURS_BESIDE][str(MIDDLE)]
        theirs = {name: candidates[name][str(MIDDLE)] for name in peers if name in candidates}
        fastest = min(theirs, key=lambda name: theirs[name], default=None)
        verdict = "-" if fastest is None else f"{fastest}, {theirs[fastest] / ours:.2f}"
        lines.append([row, f"{ours:.3f}", *(f"{theirs[p]:.3f}" if p in theirs else "-" for p in peers), verdict])
    header = ["row", "corruptgen", *(f"{name} ≈" for name in peers), "fastest of them, its time over ours"]
    return _table(f"{size}×{size}, ms at severity {MIDDLE} beside equivalents (≈: other formulas)", header, lines)


def _tables(measured: Mapping[str, Any]) -> str:
    """Return the times of our other tables."""
    columns = []
    for size, by_row in measured.items():
        names = dict.fromkeys(name for found in by_row.values() for name in found if name.startswith(OURS))
        columns += [(size, name) for name in names]
    lines = []
    for row in dict.fromkeys(row for by_row in measured.values() for row in by_row):
        times = [measured[size].get(row, {}).get(name) for size, name in columns]
        lines.append([row, *(f"{mean(t.values()):.3f}" if t else "-" for t in times)])
    header = ["row", *(f"{name.removeprefix(OURS)} {size}×{size}" for size, name in columns)]
    return _table("All tables, ms, mean over severities", header, lines)


def _left_out(measured: Sequence[Mapping[str, Any]]) -> str:
    if not measured:
        return ""
    found = {name: number for one in measured for name, number in one["versions"].items()}
    versions = ", ".join(f"{name} {number}" for name, number in found.items())
    missing = {name: reason for one in measured for name, reason in one["left_out"].items()}
    reasons = [f"- {name}: `{reason.strip()}`" for name, reason in missing.items()]
    left_out = ["Not measured, because it does not run there:", "", *reasons, ""] if reasons else []
    return "\n".join([f"Measured on {versions}.", "", *left_out])


def _end_to_end(place: str, found: Mapping[str, Any]) -> str:
    times = found["ms_per_output"]
    lines = [
        [name, f"{t['processor']:.3f}", f"{t['wall']:.3f}", f"{1000 / t['processor']:.0f}"] for name, t in times.items()
    ]
    header = ["", "ms of processor per output", "ms of wall clock", "outputs per second of processor"]
    whole = times["corruptgen"]["processor"]
    lines += [
        [f"{name} over corruptgen", f"**{times[name]['processor'] / whole:.2f}**", "", ""]
        for name in ("original loop with imagecorruptions", "decode, encode and write alone")
    ]
    stages = [[stage, f"{time:.3f}"] for stage, time in found["stages"].items()]
    title = f"A folder of photographs, resize 256, crop 224, 15 rows × 5 severities, {place}"
    where = _table(f"Where the time of such a build goes, {place} (under a profiler)", ["", "ms per output"], stages)
    return _table(title, header, lines) + "\n" + where


def _startup(found: Mapping[str, Any]) -> str:
    lines = [[name, f"{value:.2f}"] for name, value in found.items() if not isinstance(value, Mapping)]
    slowest = sorted(found["first call in a new cache, by row"].items(), key=lambda pair: -pair[1])
    lines += [[f"first call in a new cache, {row}", f"{value:.2f}"] for row, value in slowest]
    return _table("Start-up, seconds of processor (memory in MB)", ["", ""], lines)


def plot(rows: Mapping[str, Any], path: Path) -> None:
    """Draw how many times faster each row is, one bar for each size."""
    from matplotlib import pyplot  # noqa: PLC0415

    measured = rows.get("tuned") or next(iter(rows.values()))
    sizes = list(measured["rows"])
    names = list(measured["rows"][sizes[0]])
    figure, axes = pyplot.subplots(figsize=(10, 5), layout="constrained")
    width = 0.8 / len(sizes)
    for number, size in enumerate(sizes):
        ratios = []
        for row in names:
            found = measured["rows"][size][row]
            known = REFERENCE in found and OURS_BESIDE in found
            ratios.append(mean(found[REFERENCE].values()) / mean(found[OURS_BESIDE].values()) if known else 0)
        axes.bar([i + number * width for i in range(len(names))], ratios, width, label=f"{size}×{size}")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylabel("times faster than imagecorruptions")
    axes.set_xticks([i + 0.4 - width / 2 for i in range(len(names))], names, rotation=45, ha="right")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
