"""Time what a user waits for before the first image: imports, compiling, loading what is compiled; and peak memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

REPEATS, COMPILATIONS = 5, 3
CALL = """
import sys, time
import numpy, corruptgen
image = (numpy.arange(224 * 224 * 3) % 251).astype("uint8").reshape(224, 224, 3)
rows = sys.argv[1:]
from corruptgen.tables import catalog
catalog.preset("imagecorruptions")
began = time.process_time()
for row in rows:
    corruptgen.corrupt(image, row, 3, key="a")
print(time.process_time() - began)
"""
PEAK = (
    CALL
    + """
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
)


def run(arguments: Iterable[str], cache: str | None = None) -> tuple[float, list[str]]:
    """Run Python; return the seconds of processor that it took, which other work does not disturb, and its lines."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    before = os.times()
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True)
    after = os.times()
    passed = after.children_user - before.children_user + after.children_system - before.children_system
    return passed, done.stdout.split()


def typical(*arguments: str) -> float:
    """Return the median of some runs after a first one that warms the disk's cache."""
    run(arguments)
    return median(run(arguments)[0] for _ in range(REPEATS))


def compiled(rows: Iterable[str]) -> float:
    """Return the seconds of processor of first calls in a new cache."""
    with tempfile.TemporaryDirectory() as cache:
        return float(run(["-c", CALL, *rows], cache)[1][0])


def main(job: dict[str, Any], output: Path) -> None:
    """Measure and write seconds and megabytes."""
    rows = job["rows"]
    bare = typical("-c", "pass")
    found: dict[str, Any] = {
        "python alone": bare,
        "import corruptgen": typical("-c", "import corruptgen"),
        "corruptgen --help": typical("-m", "corruptgen", "--help"),
        "import numpy, cv2 and numba": typical("-c", "import numpy, cv2, numba"),
        "import and first image, kernels cached": typical("-c", CALL, "gaussian_noise"),
    }
    found["all rows, first call in a new cache"] = median(compiled(rows) for _ in range(COMPILATIONS))
    with tempfile.TemporaryDirectory() as cache:
        run(["-c", CALL, *rows], cache)
        found["all rows, first call with kernels cached"] = median(
            float(run(["-c", CALL, *rows], cache)[1][0]) for _ in range(REPEATS)
        )
        # The peak of a process that corrupts, against that of one that only imports.
        found["peak memory, all rows, MB"] = float(run(["-c", PEAK, *rows], cache)[1][1])
        found["peak memory, imports alone, MB"] = float(run(["-c", PEAK], cache)[1][1])
    found["first call in a new cache, by row"] = {
        row: median(compiled([row]) for _ in range(COMPILATIONS)) for row in rows
    }
    output.write_text(json.dumps({"seconds": found, "measured": time.strftime("%Y-%m-%d")}), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
