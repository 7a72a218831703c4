"""Measure the corruptions inside a torch DataLoader beside those of other libraries, one row after the other.

All run in one process of an environment that holds the libraries, one thread, the contenders in turn; what is given is
the median of processor time per image. A peer that is not behind is named below the table.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("imagecorruptions-imaug==1.1.5", "corrupt-tta==0.1.7", "albumentations==2.0.8", "kornia==0.9.0",
             "torchvision==0.29.2", "numpy==2.4.6", "scikit-image==0.26.0")  # fmt: skip
TABLE, SEVERITY, SIDE = "imagenet-c", 3, 224
BEGIN, END = "<!-- throughput -->", "<!-- /throughput -->"
# Allocations are kept by the process: else page faults are half of what the slower libraries cost.
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "OMP_NUM_THREADS": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}

Row = tuple[str, dict[str, tuple[float, float]], dict[str, float]]


def main() -> int:
    """Measure, print the table, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="a Python that has the libraries; without it one is installed")
    parser.add_argument("--rows", nargs="*", help="only these rows")
    parser.add_argument("--images", type=int, default=8, help="images in a pass through the loader")
    parser.add_argument("--rounds", type=int, default=7, help="passes of each contender")
    parser.add_argument("--docs", type=Path, help="a Markdown file whose table is to be replaced")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.inside:
        report = measured(wanted.rows, wanted.images, wanted.rounds)
        print(report)
        if wanted.docs:
            text = wanted.docs.read_text("utf-8")
            before, after = text.split(BEGIN)[0], text.split(END)[1]
            wanted.docs.write_text(f"{before}{BEGIN}\n{report}\n{END}{after}", "utf-8")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        python = wanted.python or installed(Path(directory))
        path = {"PYTHONPATH": str(ROOT)}
        command = [python, __file__, "--inside", *sys.argv[1:]]
        return subprocess.run(command, env=os.environ | ENVIRONMENT | path, check=False).returncode


def installed(directory: Path) -> Path:
    """Make an environment with the libraries and what we need ourselves."""
    print("installing the libraries ...", file=sys.stderr)
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *LIBRARIES, ROOT], check=True)
    return python


def measured(rows: list[str] | None, images: int, rounds: int) -> str:
    """Measure rows and write the table."""
    import cv2
    import torch
    from loader_peers import PEERS
    from skimage import data

    import corruptgen

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    names = rows or corruptgen.rows(TABLE)
    shown = [getattr(data, name)()[..., :3] for name in ("astronaut", "coffee", "chelsea", "rocket")]
    pictures = [cv2.resize(shown[n % len(shown)], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for n in range(images)]
    peers = {name: (made(names), kind) for name, (made, kind) in PEERS.items()}
    lines, behind = [], []
    for row in names:
        ours, theirs, kinds = corruptgen.Corrupt(TABLE, row, SEVERITY), {}, {}
        for name, (functions, kind) in peers.items():
            if row in functions:
                theirs[name] = loader([kind(picture) for picture in pictures], functions[row])
                if kind not in kinds:
                    kinds[kind] = loader([kind(picture) for picture in pictures], ours)
        times = medians({**{kind: kinds[kind] for kind in kinds}, **theirs}, images, rounds)
        cells = []
        for name, (_, kind) in peers.items():
            if name not in theirs:
                cells.append("")
                continue
            ratio = times[name] / times[kind]
            cells.append(f"{times[name]:.2f} ({ratio:.1f}×)")
            if ratio <= 1:
                behind.append(f"{row}: {name} takes {times[name]:.2f} ms, corruptgen {times[kind]:.2f} ms")
        mine = [f"{times[kind]:.2f}" if kind in times else "" for kind in dict.fromkeys(k for _, k in peers.values())]
        lines.append(f"| {row} | {' / '.join(time or '–' for time in mine)} | " + " | ".join(cells) + " |")
        print(lines[-1], file=sys.stderr)
    head = ["| row | corruptgen: array / tensor / float tensor | " + " | ".join(peers) + " |", "|---" * (len(peers) + 2) + "|"]
    libraries = ", ".join(f"{name} {version(name)}" for name in (item.partition("==")[0] for item in LIBRARIES))
    notes = ["", f"Milliseconds per image of {SIDE}×{SIDE}, severity {SEVERITY}, median of {rounds} passes of {images} images; in "
             f"brackets how many times longer than corruptgen with the same kind of picture. With {libraries}, torch "
             f"{torch.__version__}, opencv {cv2.__version__}.", ""]  # fmt: skip
    found = [f"- {line}" for line in behind] or ["- none"]
    return "\n".join([*head, *lines, *notes, "Rows in which another library is not behind:", "", *found])


def loader(pictures: list[Any], function: Callable[[Any], Any]) -> Any:
    """Give a loader over pictures that are in memory, which runs in this process."""
    from torch.utils.data import DataLoader, Dataset

    class Pictures(Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(pictures)

        def __getitem__(self, index: int) -> Any:
            return function(pictures[index])

    return DataLoader(Pictures(), batch_size=4)


def medians(loaders: dict[Any, Any], images: int, rounds: int) -> dict[Any, float]:
    """Give the milliseconds of processor time per image of each loader, all of them in turn."""
    times: dict[Any, list[float]] = {name: [] for name in loaders}
    for number in range(rounds + 1):
        for name, each in loaders.items():
            begun = time.process_time()
            for _ in each:
                pass
            if number:
                times[name].append((time.process_time() - begun) / images * 1000)
    return {name: statistics.median(taken) for name, taken in times.items()}


if __name__ == "__main__":
    sys.exit(main())
