"""Time our rows beside the programs that published them, and write the tables of docs/speed.md.

python scripts/benchmark_families.py --originals DIR                            # DIR holds clones; minutes
python scripts/benchmark_families.py --originals DIR --only imagenet-c-bar      # one table
python scripts/benchmark_families.py --originals DIR --docs                     # writes the section of docs/speed.md

Clones are called as `git clone` calls them; those that are not there are left out by name. None of their code is in
corruptgen. torch is needed for some of them, einops and opt_einsum for others.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from math import exp, log
from pathlib import Path
from statistics import mean, median
from typing import Any

import corruptgen
from benchmark_originals import ORIGINALS, SIDE, Original, planes
from benchmark_peers import Image
from benchmark_report import replaced
from benchmark_rows import NANOSECONDS_PER_MS, PHOTOGRAPHS, photograph
from corruptgen.assets.textures import DIRECTORY_VARIABLE
from corruptgen.tables import catalog
from corruptgen.threads import single_threaded

DOCUMENT = Path(__file__).parent.parent / "docs/speed.md"
BEGIN, END = "<!-- originals -->\n", "<!-- end of originals -->"
# Of the original's calls of a row at a level; the slowest take ten seconds each.
ENOUGH_SECONDS = 1.0


def main() -> int:
    """Measure what was asked for and print it."""
    options = parsed()
    warnings.filterwarnings("ignore")
    results: dict[str, Any] = json.loads(options.json.read_text("utf-8")) if options.json.exists() else {}
    with single_threaded():
        for original in ORIGINALS:
            if original.table in options.only:
                results[original.table] = measured(original, options)
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    text = beside_originals(results)
    sys.stdout.write(text)
    if options.docs:
        DOCUMENT.write_text(replaced(DOCUMENT.read_text("utf-8"), text, BEGIN, END), "utf-8")
    return 0


def parsed() -> argparse.Namespace:
    """Read the command line."""
    clones = "\n".join(f"{o.table:20} {o.url} at {o.commit}" for o in ORIGINALS)
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\n{clones}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [original.table for original in ORIGINALS]
    parser.add_argument("--originals", type=Path, required=True, metavar="DIR", help="a folder of clones")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="TABLE", help=", ".join(names))
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="of the tables, all that are timed")
    parser.add_argument("--images", type=int, default=2, help="photographs of scikit-image, 224x224")
    parser.add_argument("--repeats", type=int, default=5, help="per image and level; fewer of slow originals")
    parser.add_argument("--json", type=Path, default=Path(".benchmark/families.json"), help="all figures; added to")
    parser.add_argument("--docs", action="store_true", help="write the section of docs/speed.md")
    return parser.parse_args()


def measured(original: Original, options: argparse.Namespace) -> dict[str, Any]:
    """Time all rows of a table beside those of the original, or say why not."""
    clone = options.originals.resolve() / original.clone
    if original.table not in corruptgen.presets():
        return {"missing": "corruptgen does not have this table"}
    if not clone.is_dir():
        return {"missing": f"there is no clone of {original.url}"}
    if original.textures:
        os.environ[DIRECTORY_VARIABLE] = str(clone / original.textures)
    pictures = [photograph(name, SIDE) for name in PHOTOGRAPHS[: options.images]]
    calls, found, reasons = original.calls(clone), {}, dict(original.left_out)
    for row in original.rows:
        if row not in (options.rows or original.rows):
            continue
        theirs, ours = calls.get(row), our_call(original, row)
        if theirs is None:
            reasons[row] = "the clone does not have it"
            continue
        times, stopped = {}, {}
        for level in range(1, catalog.preset(original.table).rows[row].level_count + 1):
            try:
                theirs(pictures[0], level)
            # What stops, stops in a way of its own; the reason is printed.
            except Exception as error:
                stopped[level] = f"{type(error).__name__}: {error}".partition("\n")[0][:100]
                continue
            ours(pictures[0], level)
            times[level] = in_turn((theirs, ours), pictures, level, options.repeats)
        if stopped:
            reasons[row] = " ".join(["level", ", ".join(map(str, stopped)), *sorted({*stopped.values()})])
        if times:
            found[row] = {
                "original": mean(pair[0] for pair in times.values()) / original.shared.get(row, 1),
                "ours": mean(pair[1] for pair in times.values()),
            }
            print(f"{original.table}/{row}: {found[row]['original']:.3f} {found[row]['ours']:.3f}", file=sys.stderr)
    return {"rows": found, "left_out": reasons}


def our_call(original: Original, row: str) -> Callable[[Image, int], object]:
    """Call the front door with another name for every image, as a build does."""
    count, name = iter(range(sys.maxsize)), original.inputs.get(row)
    inputs = {name: planes(SIDE, SIDE)[name]} if name else None
    table = original.table
    return lambda image, level: corruptgen.corrupt(image, row, level, preset=table, key=str(next(count)), inputs=inputs)


def in_turn(
    calls: tuple[Callable[[Image, int], object], ...], pictures: list[Image], level: int, repeats: int
) -> tuple[float, ...]:
    """Return the median milliseconds of one thread of calls that are made in turn."""
    times: tuple[list[int], ...] = tuple([] for _ in calls)
    for _ in range(repeats):
        for picture in pictures:
            for call, passed in zip(calls, times, strict=True):
                began = time.thread_time_ns()
                call(picture, level)
                passed.append(time.thread_time_ns() - began)
            if sum(times[0]) > ENOUGH_SECONDS * 1e9:
                return tuple(median(passed) / NANOSECONDS_PER_MS for passed in times)
    return tuple(median(passed) / NANOSECONDS_PER_MS for passed in times)


def beside_originals(results: Mapping[str, Any]) -> str:
    """Word what was measured: a line for each table, and one for each row."""
    lines, rows, left_out = [], [], []
    for table, found in results.items():
        if "missing" in found:
            left_out.append(f"- {table}: {found['missing']}")
            continue
        ratios = {row: times["original"] / times["ours"] for row, times in found["rows"].items()}
        left_out += [f"- {table}, {row}: {why}" for row, why in found["left_out"].items()]
        if not ratios:
            continue
        lowest = min(ratios, key=lambda row: ratios[row])
        middle = exp(mean(map(log, ratios.values())))
        lines.append(f"| `{table}` | {len(ratios)} | **{middle:.1f}** | {lowest}, {ratios[lowest]:.1f} |")
        rows += [
            f"| `{table}` | {row} | {times['original']:.2f} | {times['ours']:.2f} | {ratios[row]:.1f} |"
            for row, times in found["rows"].items()
        ]
    header = ["| table | rows | times faster, geometric mean | least, times |", "|---|---|---|---|"]
    each = ["| table | row | original, ms | corruptgen, ms | times |", "|---|---|---|---|---|"]
    reasons = ["", "Not timed:", "", *left_out] if left_out else []
    return "\n".join([*header, *lines, "", *each, *rows, *reasons, ""])


if __name__ == "__main__":
    sys.exit(main())
