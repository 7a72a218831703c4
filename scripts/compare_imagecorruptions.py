"""Compare the table `imagecorruptions` with the package's fork imagecorruptions-imaug, replaying the fork's draws."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

import corruptgen

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.replay import imagecorruptions_draws, picture_by_formula, seed_of  # noqa: E402

PEER = ("imagecorruptions-imaug==1.1.5", "numba")
TABLE = "imagecorruptions"
LEVELS = range(1, 6)
# The three that the project promises, and shapes that are hard: the smallest, odd ones, narrow ones.
SIZES = ((224, 224), (97, 131), (480, 640), (32, 32), (33, 47), (301, 451), (32, 500), (500, 32))
GOLDEN_SIZES = ((33, 47), (97, 131), (224, 224))
PHOTOGRAPHS = {"astronaut": data.astronaut, "coffee": data.coffee, "chelsea": data.chelsea}
ALLOWED_SHARE, ALLOWED_STEP = 0.01, 1


@dataclass(frozen=True)
class Job:
    """One call: a picture, a row at a level, and the seed that both sides draw from."""

    size: tuple[int, int]
    picture: str
    row: str
    level: int
    seed: int

    @property
    def name(self) -> str:
        """The job's key in the file of results."""
        return f"{self.picture}-{self.size[0]}x{self.size[1]}/{self.row}/{self.level}"


@dataclass(frozen=True)
class Difference:
    """How far two sets of samples are apart: the share that differs, and the largest step in grey levels."""

    share: float
    step: int

    @property
    def is_allowed(self) -> bool:
        """Whether this is within what the project promises."""
        return self.share <= ALLOWED_SHARE and self.step <= ALLOWED_STEP

    def __str__(self) -> str:
        """Word it for the table of results."""
        return "equal" if self.step == 0 else f"{100 * (1 - self.share):.4f} %, {self.step}"


def main() -> int:
    """Compare, print the table of results, and write what was asked for; 0 if everything is within the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", type=Path, help="a Python that has the fork; without it one is installed")
    parser.add_argument("--docs", type=Path, help="a Markdown file whose table of results is to be replaced")
    parser.add_argument("--goldens", type=Path, help="a JSON file to which the digests of our pixels are added")
    parser.add_argument("--rows", nargs="*", default=corruptgen.rows(TABLE), help="only these rows")
    wanted = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        python = wanted.peer_python or installed_peer(scratch / "peer")
        pictures = prepared(scratch)
        differences: dict[str, dict[tuple[int, int], list[Difference]]] = defaultdict(lambda: defaultdict(list))
        digests: dict[str, str] = {}
        facts: Mapping[str, Any] = {}
        for size in SIZES:
            jobs = planned(size, wanted.rows)
            facts = run_peer(python, jobs, pictures, scratch / "peer.npz")
            os.environ["CORRUPTGEN_TEXTURES"] = facts["textures"]
            with np.load(scratch / "peer.npz") as theirs:
                for job in jobs:
                    ours = replay(job, pictures)
                    difference = between(ours, theirs[job.name])
                    differences[job.row][size].append(difference)
                    if job.picture == "formula" and size in GOLDEN_SIZES and difference.is_allowed:
                        cell = f"{size[0]}x{size[1]}/{job.row}/{job.level}"
                        digests[cell] = hashlib.sha256(ours.tobytes()).hexdigest()

    table = markdown(differences, facts["versions"])
    sys.stdout.write(table)
    if wanted.docs:
        replace_table(wanted.docs, table)
    if wanted.goldens:
        add_goldens(wanted.goldens, facts["versions"], digests)
    return 0 if all(d.is_allowed for row in differences.values() for found in row.values() for d in found) else 1


def installed_peer(directory: Path) -> Path:
    """Install the fork into an environment of its own and give that environment's Python."""
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
    return python


def prepared(directory: Path) -> dict[tuple[str, tuple[int, int]], Path]:
    """Write every picture at every size as an array that both sides read."""
    paths = {}
    for size in SIZES:
        pictures = {name: fitted(load(), size) for name, load in PHOTOGRAPHS.items()}
        pictures |= {"formula": picture_by_formula(*size), "chart": chart(*size)}
        for name, picture in pictures.items():
            paths[name, size] = directory / f"{name}-{size[0]}x{size[1]}.npy"
            np.save(paths[name, size], picture)
    return paths


def fitted(photograph: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize a photograph until it covers `size`, and cut out its middle."""
    height, width = photograph.shape[:2]
    scale = max(size[0] / height, size[1] / width)
    new = (max(size[1], round(width * scale)), max(size[0], round(height * scale)))
    covering = cv2.resize(photograph, new, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (covering.shape[0] - size[0]) // 2, (covering.shape[1] - size[1]) // 2
    return covering[top : top + size[0], left : left + size[1]].astype(np.uint8)


def chart(height: int, width: int) -> NDArray[np.uint8]:
    """Make flat patches of all 256 values, other ones in each channel: where a last bit decides, it shows here."""
    rows, columns = np.arange(height) * 16 // height, np.arange(width) * 16 // width
    values = rows[:, None] * 16 + columns
    return np.stack([values, (values + 112) % 256, 255 - values], axis=2).astype(np.uint8)


def planned(size: tuple[int, int], rows: Iterable[str]) -> list[Job]:
    """Return one job per picture, row and level; the tests know the seeds of the picture that is made by a formula."""
    pictures = enumerate(("formula", "chart", *PHOTOGRAPHS))
    return [
        Job(size, picture, row, level, seed=seed_of(level) + 100 * number)
        for number, picture in pictures
        for row in rows
        for level in LEVELS
    ]


def run_peer(
    python: Path, jobs: list[Job], pictures: Mapping[tuple[str, tuple[int, int]], Path], output: Path
) -> Mapping[str, Any]:
    """Let the fork do `jobs` in a process of its own; return where its frost pictures lie and what it ran on."""
    listing = output.with_name("jobs.json")
    listing.write_text(json.dumps([(j.name, str(pictures[j.picture, j.size]), j.row, j.level, j.seed) for j in jobs]))
    subprocess.run([python, ROOT / "scripts" / "imagecorruptions_peer.py", listing, output], check=True)
    facts: Mapping[str, Any] = json.loads(output.with_suffix(".json").read_text())
    return facts


def replay(job: Job, pictures: Mapping[tuple[str, tuple[int, int]], Path]) -> NDArray[np.uint8]:
    """Do `job` with our functions and the fork's draws."""
    image = np.load(pictures[job.picture, job.size])
    draws = imagecorruptions_draws(job.row, job.seed)
    return np.asarray(corruptgen.corrupt(image, job.row, job.level, preset=TABLE, rng=draws))


def between(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> Difference:
    """Compare two images sample by sample."""
    steps = np.abs(ours.astype(int) - theirs)
    return Difference(float((steps > 0).mean()), int(steps.max()))


def markdown(differences: Mapping[str, Mapping[tuple[int, int], list[Difference]]], versions: Mapping[str, str]) -> str:
    """Word the results: per row and size the worst of all pictures and levels."""
    lines = [
        "| row | " + " | ".join(f"{height}x{width}" for height, width in SIZES) + " |",
        "|---" * (len(SIZES) + 1) + "|",
    ]
    for row, found in differences.items():
        worst = [Difference(max(d.share for d in found[s]), max(d.step for d in found[s])) for s in SIZES]
        lines.append(f"| {row} | " + " | ".join(map(str, worst)) + " |")
    libraries = ", ".join(f"{name} {number}" for name, number in versions.items())
    return "\n".join([*lines, "", f"The fork ran on {libraries}.", ""])


def add_goldens(path: Path, versions: Mapping[str, str], digests: Mapping[str, str]) -> None:
    """Add digests to the existing ones: numpy's exponential and OpenCV's sums have other last bits on other CPUs."""
    known = json.loads(path.read_text(encoding="utf-8"))["sha256"] if path.exists() else {}
    merged = {cell: sorted({*known.get(cell, ()), digest}) for cell, digest in digests.items()}
    path.write_text(
        json.dumps({"proven_against": versions, "sha256": known | merged}, indent=1) + "\n", encoding="utf-8"
    )


def replace_table(document: Path, table: str) -> None:
    """Put `table` between the two marks of `document`."""
    before, rest = document.read_text(encoding="utf-8").split("<!-- results -->\n", 1)
    _, after = rest.split("<!-- end of results -->", 1)
    document.write_text(f"{before}<!-- results -->\n{table}<!-- end of results -->{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
