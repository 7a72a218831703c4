"""Time our rows and those of the peers in this process, call by call in turn; benchmark.py starts this."""

import json
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from typing import Any

import cv2
import numpy as np
from skimage import data

import corruptgen
from benchmark_peers import MIDDLE, PEERS, Image
from corruptgen.errors import CorruptgenError
from corruptgen.tables import catalog
from corruptgen.threads import single_threaded

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")
SEVERITIES = range(1, 6)
NANOSECONDS_PER_MS = 1e6
CALIBRATION = "calibration"
OURS = "corruptgen "

Candidate = tuple[str, Callable[[Image, int], object]]


def main(job: dict[str, Any], output: Path) -> None:
    """Time every row at every size and write the milliseconds by size, row, candidate and severity."""
    warnings.filterwarnings("ignore")
    calls, reasons = loaded(job["peers"])
    found = {}
    with single_threaded():
        for size in job["sizes"]:
            few = size > job["large"]
            pictures = [photograph(name, size) for name in PHOTOGRAPHS[: 2 if few else job["images"]]]
            repeats = max(2, job["repeats"] // 2) if few else job["repeats"]
            found[size] = {
                row: timed(list(candidates(row, size, job["tables"], calls, reasons)), pictures, repeats)
                for row in job["rows"]
            }
    output.write_text(json.dumps({"rows": found, "left_out": reasons, "versions": versions()}), encoding="utf-8")


def photograph(name: str, size: int) -> Image:
    """Return the middle of a photograph, resized."""
    picture = getattr(data, name)()[..., :3]
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(square, (size, size), interpolation=method), np.uint8)


def loaded(names: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Import the peers; return their calls, and why some have none."""
    calls, reasons = {}, {}
    for peer in PEERS:
        if peer.name not in names:
            continue
        try:
            calls[peer.name] = peer.calls()
        # A library that was not made for today's numpy fails in ways of its own, and is left out for that reason.
        except Exception as error:
            reasons[peer.name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return calls, reasons


def candidates(
    row: str, size: int, tables: list[str], calls: dict[str, Any], reasons: dict[str, str]
) -> Iterator[Candidate]:
    """Return everything that has this row and takes images of this size."""
    image = photograph(PHOTOGRAPHS[0], size)
    for table in tables:
        if row in corruptgen.rows(table):
            try:
                catalog.preset(table).sizes.check(size, size)
            except CorruptgenError:
                continue
            yield OURS + table, ours(row, table)
    for name, rows in calls.items():
        if row in rows:
            try:
                rows[row](image, MIDDLE)
            except Exception as error:
                reasons[f"{name} {row} {size}"] = f"{type(error).__name__}: {error}"[:100]
                continue
            yield name, rows[row]
    yield CALIBRATION, calibration


def ours(row: str, table: str) -> Callable[[Image, int], object]:
    """Call the front door with another name for every image, as a build does."""
    count = iter(range(sys.maxsize))
    return lambda image, severity: corruptgen.corrupt(image, row, severity, preset=table, key=str(next(count)))


def calibration(image: Image, severity: int) -> object:
    """Do some fixed work on the image, so that other machines and other days can be compared."""
    samples = image.astype(np.float32)
    return np.sort((samples * 0.5 + samples[::-1]).astype(np.uint8).ravel()[: image.size // 4]), severity


def timed(candidates: list[Candidate], pictures: list[Image], repeats: int) -> dict[str, dict[int, float]]:
    """Return the milliseconds of one thread by candidate and severity: means over images of medians of repeats."""
    same = {peer.name for peer in PEERS if peer.is_the_same}
    nanoseconds: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for repeat in range(-1, repeats):
        for number, picture in enumerate(pictures):
            for severity in SEVERITIES:
                for name, call in candidates:
                    if name in {peer.name for peer in PEERS} - same and severity != MIDDLE:
                        continue
                    began = time.thread_time_ns()
                    call(picture, severity)
                    passed = time.thread_time_ns() - began
                    # The first round compiles, loads and fills caches.
                    if repeat >= 0:
                        nanoseconds[name, severity, number].append(passed)
    medians: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (name, severity, _), times in nanoseconds.items():
        medians[name][severity].append(median(times) / NANOSECONDS_PER_MS)
    return {name: {s: round(mean(times), 5) for s, times in found.items()} for name, found in medians.items()}


def versions() -> dict[str, str]:
    """Name what was measured."""
    packages = ["numpy", "scipy", "numba", "pillow", "scikit-image", "opencv-python-headless"]
    packages += [peer.install[0][-1].partition("==")[0] for peer in PEERS]
    found = {"corruptgen": corruptgen.__version__}
    for package in packages:
        try:
            found[package] = version(package)
        except ModuleNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
