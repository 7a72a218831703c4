"""Replay results of original programs that a folder describes, and compare them with what corruptgen makes.

python scripts/parity_originals.py DIR                                   # every NAME.json of a folder with its NAME.npz
python scripts/parity_originals.py DIR --only imagenet_p_cifar           # one of them
python scripts/parity_originals.py DIR --docs                            # writes the table of docs/parity.md too

A NAME.json says of each entry which picture was used (an expression over `skimage.data` and its sha256), how chance was
seeded, and the sha256 of the result; NAME.npz holds pieces of the results. Files of systems that corruptgen does not
have are left out. The exit code is 0 only if no entry differs beyond the tolerance of its file.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np

import originals
from originals.replay import DIFFERS, EQUAL, LEFT_OUT, WITHIN, Kept, System

DOCUMENT = Path(__file__).parent.parent / "docs/parity.md"
BEGIN, END = "<!-- originals -->", "<!-- end of originals -->"
# Every module of the folder that states how some results are compared.
MODULES = [import_module(f"originals.{found.name}") for found in iter_modules(originals.__path__)]
SYSTEMS: Mapping[str, System] = {
    name: system for module in MODULES for name, system in getattr(module, "SYSTEMS", {}).items()
}


@dataclass(frozen=True)
class Found:
    """What became of the entries of a file."""

    name: str
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)

    def add(self, entry: str, outcome: str, reason: str = "") -> None:
        """Note what became of an entry."""
        self.outcomes[outcome] += 1
        if reason:
            self.reasons.append(f"  {entry}: {reason}")


def main() -> int:
    """Print a line for each file and the sums; 1 if an entry differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="files without their ending")
    parser.add_argument("--docs", action="store_true", help="write the table of docs/parity.md")
    options = parser.parse_args()
    names = sorted(path.stem for path in options.directory.glob("*.json") if path.stem != "manifest")
    if unknown := sorted(set(options.only or ()) - set(names)):
        parser.error(f"the folder has no {', '.join(unknown)}; it has {', '.join(names)}")
    total: Counter[str] = Counter()
    files: list[Found] = []
    for name in options.only or names:
        found = compare_file(options.directory, name)
        print(f"{name}: " + ", ".join(f"{count} {outcome}" for outcome, count in found.outcomes.items()))
        print(*found.reasons, sep="\n", end="\n" if found.reasons else "", flush=True)
        total += found.outcomes
        files.append(found)
    if options.docs:
        DOCUMENT.write_text(tabulated(DOCUMENT.read_text("utf-8"), files), "utf-8")
    print(
        f"{total[EQUAL]} of {total.total()} entries equal, {total[WITHIN]} within their tolerance, "
        f"{total[LEFT_OUT]} left out (reasons above)" + (f", {total[DIFFERS]} DIFFER" if total[DIFFERS] else "")
    )
    return int(total[DIFFERS] > 0)


def tabulated(text: str, files: Iterable[Found]) -> str:
    """Return a document with a table of the files of systems that corruptgen has, between its two marks."""
    lines = ["| results | entries | equal bit for bit | within their tolerance | left out |", "|---|---|---|---|---|"]
    for found in files:
        counts = [found.outcomes[outcome] or "" for outcome in (EQUAL, WITHIN, LEFT_OUT)]
        if found.outcomes[EQUAL]:
            lines.append(f"| `{found.name}` | {found.outcomes.total()} | " + " | ".join(map(str, counts)) + " |")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.partition(END)[2]


def compare_file(directory: Path, name: str) -> Found:
    """Replay and compare all entries of a file."""
    found, content = Found(name), json.loads((directory / f"{name}.json").read_text("utf-8"))
    entries: Mapping[str, Any] = content.get("entries", {})
    system = SYSTEMS.get(name)
    if system is None:
        found.outcomes[LEFT_OUT] += len(entries)
        found.reasons.append("  corruptgen does not have this system yet")
        return found
    with np.load(directory / f"{name}.npz") as arrays, tempfile.TemporaryDirectory() as folder:
        kept = Kept(name, content.get("pictures", {}), dict(arrays), Path(folder), entries, system.tolerance)
        for entry, described in entries.items():
            found.add(entry, *system.compare(kept, entry, described))
    return found


if __name__ == "__main__":
    sys.exit(main())
