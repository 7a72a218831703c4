"""Measure how fast corruptgen is beside its peers, and write the tables and the plot of docs/speed.md.

python scripts/benchmark.py                                              # everything: an hour
python scripts/benchmark.py --parts rows --rows fog,snow --sizes 224     # some rows
python scripts/benchmark.py --parts rows --peers imagecorruptions --compare docs/speed/0.1.0.json
"""

import argparse
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark_history import compared, latest, record
from benchmark_peers import PEERS
from benchmark_report import markdown, plot, replaced

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
DOCUMENT, PLOT, HISTORY = ROOT / "docs/speed.md", ROOT / "docs/images/speed.png", ROOT / "docs/speed"
PARTS = ("rows", "equivalents", "end-to-end", "startup")
SIZES = (32, 224, 1024)
LARGE = 512  # pixels; above this, fewer images and repeats
TABLES = ("imagecorruptions", "imagenet-c", "cifar-c", "natural")
COMMON = [
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
]
EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
# One thread each, whatever their libraries are built with.
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM", "NUMEXPR")
# glibc gives large arrays back to the system at once until it has learnt not to, so that a fresh process is slower than
# one that has run for a while. Both are measured: a process of its own for every row, and one for all rows in which
# what glibc learns is set from the beginning.
ALLOCATORS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "tuned": {
        "MALLOC_MMAP_THRESHOLD_": "1000000000",
        "MALLOC_TRIM_THRESHOLD_": "1000000000",
        "MALLOC_TOP_PAD_": "67108864",
    },
}
# A file system in memory, where there is one.
MEMORY = Path("/dev/shm")
# How the state is called in which all candidates are in one process.
COMPANY = "in company"
OUR_PACKAGES = ("scikit-image", "matplotlib")


def main() -> int:
    """Measure what was asked for; 1 if a comparison finds slower rows."""
    options = parsed()
    python = environment(options.environment.resolve(), options.peers) if options.parts else Path()
    results = read(options.json)
    for part in options.parts:
        results[part] = PART[part](python, options)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    text = markdown(results)
    sys.stdout.write(text)
    if options.docs:
        DOCUMENT.write_text(replaced(DOCUMENT.read_text("utf-8"), text), "utf-8")
        if "rows" in results:
            PLOT.parent.mkdir(exist_ok=True)
            plot(results["rows"], PLOT)
    if options.record:
        print(f"recorded in {record(timed(results), HISTORY).relative_to(ROOT)}")
    if options.compare:
        before = latest(HISTORY) if options.compare == "last" else Path(options.compare)
        slower = compared(timed(results), json.loads(before.read_text()))
        print("\n".join(slower) or f"no row is slower than in {before.name}")
        return int(bool(slower))
    return 0


def timed(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return all times of rows, by the state in which they were measured."""
    return results.get("rows", {}) | results.get("equivalents", {})


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--parts",
        type=listed(PARTS),
        default=list(PARTS),
        help="rows,equivalents,end-to-end,startup; '': measure nothing, word what was measured",
    )
    parser.add_argument("--rows", type=listed((*COMMON, *EXTRA)), default=[*COMMON, *EXTRA], help="with commas")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=list(SIZES))
    parser.add_argument("--tables", type=lambda text: text.split(","), default=list(TABLES), help="our tables")
    names = [peer.name for peer in PEERS]
    parser.add_argument("--peers", type=listed(names), default=names, help=", ".join(names))
    parser.add_argument("--allocators", type=listed(tuple(ALLOCATORS)), default=list(ALLOCATORS))
    parser.add_argument("--images", type=int, default=4, help="photographs per size; two of the large ones")
    parser.add_argument("--repeats", type=int, default=7, help="per image and severity; half of it for large images")
    parser.add_argument("--generated", type=int, default=40, help="photographs of the end-to-end part")
    parser.add_argument("--environment", type=Path, default=ROOT / ".benchmark", help="where peers are installed")
    parser.add_argument("--json", type=Path, default=ROOT / ".benchmark/results.json", help="all figures; added to")
    parser.add_argument("--docs", action="store_true", help="write the table and the plot of docs/speed.md")
    parser.add_argument("--record", action="store_true", help="keep our figures in docs/speed/<version>.json")
    parser.add_argument("--compare", metavar="FILE", help='name rows that became slower than in a record; "last"')
    return parser.parse_args()


def listed(allowed: Any) -> Any:
    """Return a parser of words with commas between them."""

    def parse(text: str) -> list[str]:
        words = text.split(",") if text else []
        wrong = [word for word in words if word not in allowed]
        if wrong:
            raise argparse.ArgumentTypeError(f"{wrong[0]!r} is none of {', '.join(allowed)}")
        return words

    return parse


def environment(place: Path, peers: list[str]) -> Path:
    """Install corruptgen and its peers into an environment of their own; a peer that cannot be is left out."""
    python = place / "bin/python"
    if not python.exists():
        venv.create(place, with_pip=True)
        install(python, "-c", str(ROOT / "constraints.txt"), "-e", str(ROOT), *OUR_PACKAGES)
    for peer in PEERS:
        done = place / f"{peer.name}.installed"
        if peer.name in peers and not done.exists():
            try:
                for arguments in peer.install:
                    install(python, "-c", str(ROOT / "constraints.txt"), *arguments)
            except subprocess.CalledProcessError as error:
                print(f"{peer.name} cannot be installed: pip ended with {error.returncode}", file=sys.stderr)
                continue
            done.touch()
    return python


def install(python: Path, *arguments: str) -> None:
    """Let the environment's pip install something."""
    subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments], check=True)


def read(path: Path) -> dict[str, Any]:
    """Read what earlier runs have measured, so that parts can be run one by one."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def run(python: Path, script: str, job: Mapping[str, Any], **variables: str) -> Any:
    """Run one of the measuring scripts in the environment, on one thread, and return what it has written."""
    scratch = python.parent.parent
    request, answer = scratch / "job.json", scratch / "answer.json"
    request.write_text(json.dumps(job))
    threads = {f"{name}_NUM_THREADS": "1" for name in THREADS}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MALLOC_", "NUMBA_", "PYTHONPATH"))}
    command = [python, SCRIPTS / script, request, answer]
    subprocess.run(command, env=kept | threads | textures(python) | variables, check=True, cwd=scratch)
    return json.loads(answer.read_text())


def textures(python: Path) -> dict[str, str]:
    """Use the peer's pictures of frost, if it is installed."""
    found = sorted(python.parent.parent.glob("lib/python*/site-packages/imagecorruptions/frost"))
    return {"CORRUPTGEN_TEXTURES": str(found[0])} if found else {}


def rows(python: Path, options: argparse.Namespace) -> Any:
    """Time every row beside the peer of the same formulas, in both states of the allocator."""
    same = [peer.name for peer in PEERS if peer.is_the_same and peer.name in options.peers]
    job = timing(options, same, TABLES[:1])
    found = {}
    for name in options.allocators:
        processes = [options.rows] if ALLOCATORS[name] else [[row] for row in options.rows]
        parts = [run(python, "benchmark_rows.py", job | {"rows": chosen}, **ALLOCATORS[name]) for chosen in processes]
        found[name] = joined(parts)
    return found


def equivalents(python: Path, options: argparse.Namespace) -> Any:
    """Time all of our tables beside the peers of other formulas, all in one process."""
    others = [peer.name for peer in PEERS if not peer.is_the_same and peer.name in options.peers]
    job = timing(options, others, options.tables)
    return {COMPANY: run(python, "benchmark_rows.py", job, **ALLOCATORS["tuned"])}


def timing(options: argparse.Namespace, peers: list[str], tables: Sequence[str]) -> dict[str, Any]:
    """Return what is to be timed in a process."""
    return {
        "rows": options.rows,
        "sizes": options.sizes,
        "tables": list(tables),
        "peers": peers,
        "images": options.images,
        "repeats": options.repeats,
        "large": LARGE,
    }


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Put together what several processes have measured of different rows."""
    sizes = parts[0]["rows"]
    return {
        "rows": {size: {row: times for part in parts for row, times in part["rows"][size].items()} for size in sizes},
        "left_out": {name: reason for part in parts for name, reason in part["left_out"].items()},
        "versions": parts[0]["versions"],
    }


def end_to_end(python: Path, options: argparse.Namespace) -> Any:
    """Time a whole build, where files cost next to nothing and on a disk."""
    job = {
        "rows": COMMON,
        "images": options.generated,
        "original_images": max(1, options.generated // 10),
        "repeats": 3,
        "places": ({"in memory": str(MEMORY)} if MEMORY.is_dir() else {}) | {"on a disk": str(python.parent.parent)},
    }
    return run(python, "benchmark_end_to_end.py", job)


def startup(python: Path, options: argparse.Namespace) -> Any:
    """Time what comes before the first image."""
    return run(python, "benchmark_startup.py", {"rows": [*COMMON, *EXTRA]})


PART = {"rows": rows, "equivalents": equivalents, "end-to-end": end_to_end, "startup": startup}


if __name__ == "__main__":
    sys.exit(main())
