"""Compare the tables `medmnist-c/...` with the files that the package medmnistc makes, replaying its three streams."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from corruptgen import catalog  # noqa: E402
from tests.medical import DATASETS, MedmnistcStreams, labels_of, pictures_of, write_archive  # noqa: E402

# numpy, scipy and OpenCV as they are here: last bits of theirs decide about levels.
PEER = ("medmnistc==0.1.0", "torch", "torchvision", "Wand")
SHARED = ("numpy", "scipy", "pillow")
SIDE, LEVELS, SEED = 224, 5, 0
# Its float32 sums, made by torch in an order of their own, are not those of float64; all other rows are equal.
NEARLY = "gaussian_blur"
ALLOWED_SHARE, ALLOWED_STEP = 1e-4, 1


@dataclass(frozen=True)
class Difference:
    """How far two sets of samples are apart: how many differ, of how many, and the largest step in grey levels."""

    differ: int
    of: int
    step: int

    @property
    def words(self) -> str:
        """Word it for the table of results."""
        return "equal" if self.step == 0 else f"±{self.step} in {self.differ / self.of:.1e}"

    def is_allowed(self, row: str) -> bool:
        """Whether this is within what the project promises."""
        nearly = row == NEARLY and self.step <= ALLOWED_STEP and self.differ < ALLOWED_SHARE * self.of
        return self.step == 0 or nearly


def main() -> int:
    """Compare, print the table of results, and write what was asked for; 0 if everything is within the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", type=Path, help="a Python that has medmnistc; without it one is installed")
    parser.add_argument("--docs", type=Path, help="a Markdown file whose table of results is to be replaced")
    parser.add_argument("--datasets", nargs="*", default=list(DATASETS), choices=DATASETS)
    wanted = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        python = wanted.peer_python or installed_peer(scratch / "peer")
        for dataset in wanted.datasets:
            write_archive(scratch / "archives", dataset, SIDE)
        facts = run_peer(python, scratch / "archives", scratch / "theirs", wanted.datasets)
        os.environ["CORRUPTGEN_TEXTURES"] = facts["textures"]
        found = {dataset: compared(dataset, scratch / "theirs") for dataset in wanted.datasets}

    table = markdown(found, facts["versions"])
    sys.stdout.write(table)
    if wanted.docs:
        replace_table(wanted.docs, table)
    return 0 if all(d.is_allowed(row) for rows in found.values() for row, d in rows.items()) else 1


def installed_peer(directory: Path) -> Path:
    """Install the package into an environment of its own and give that environment's Python."""
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    here = [f"{name}=={metadata_version(name)}" for name in SHARED]
    opencv = f"opencv-python=={metadata_version('opencv-python-headless')}"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER, *here, opencv], check=True)
    return python


def metadata_version(name: str) -> str:
    """Give the version of an installed distribution."""
    from importlib.metadata import version  # noqa: PLC0415 - shadowed by nothing, used once

    return version(name)


def run_peer(python: Path, archives: Path, output: Path, datasets: list[str]) -> Mapping[str, Any]:
    """Let the package make its files in a process of its own; give where its ink lies and what it ran on."""
    output.mkdir()
    script = ROOT / "scripts" / "medmnistc_peer.py"
    subprocess.run([python, script, archives, output, *datasets], check=True, stdout=subprocess.DEVNULL)
    facts: Mapping[str, Any] = json.loads((output / "facts.json").read_text())
    return facts


def compared(dataset: str, theirs: Path) -> dict[str, Difference]:
    """Make all rows of a dataset in their order from the package's draws, and hold each against its file."""
    preset = catalog.preset(f"medmnist-c/{dataset}")
    images = pictures_of(dataset, SIDE)
    streams = MedmnistcStreams(SEED)
    found = {}
    for row in preset.rows:
        cells = [preset.cell(row, level) for level in range(1, LEVELS + 1)]
        draws = streams.of(row)
        ours = np.stack([cell.apply(np.atleast_3d(image), draws) for cell in cells for image in images])
        with np.load(theirs / dataset / f"{row}.npz") as arrays:
            found[row] = between(ours.reshape(-1, *images.shape[1:]), arrays["test_images"])
            if not np.array_equal(arrays["test_labels"], np.tile(labels_of(dataset, len(images)), (LEVELS, 1))):
                raise SystemExit(f"{dataset}/{row}.npz: the labels are not those of the images, level after level")
    return found


def between(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> Difference:
    """Compare two stacks of images sample by sample."""
    if ours.shape != theirs.shape:
        raise SystemExit(f"shapes differ: {ours.shape} and {theirs.shape}")
    steps = np.abs(ours.astype(int) - theirs)
    return Difference(int((steps > 0).sum()), steps.size, int(steps.max()))


def markdown(found: Mapping[str, Mapping[str, Difference]], versions: Mapping[str, str]) -> str:
    """Word the results: a line for each row, a column for each dataset."""
    datasets = list(found)
    by_row: dict[str, dict[str, str]] = defaultdict(dict)
    for dataset, rows in found.items():
        for row, difference in rows.items():
            by_row[row][dataset] = difference.words
    lines = ["| row | " + " | ".join(d.removesuffix("mnist") for d in datasets) + " |"]
    lines.append("|---" * (len(datasets) + 1) + "|")
    for row, words in by_row.items():
        lines.append(f"| {row} | " + " | ".join(words.get(dataset, "") for dataset in datasets) + " |")
    libraries = ", ".join(f"{name} {number}" for name, number in versions.items())
    cells = sum(len(rows) for rows in found.values()) * LEVELS
    return "\n".join([*lines, "", f"{cells} cells. The package ran on {libraries}.", ""])


def replace_table(document: Path, table: str) -> None:
    """Put `table` between the two marks of `document`."""
    before, rest = document.read_text().split("<!-- results -->\n", 1)
    _, after = rest.split("<!-- end of results -->", 1)
    document.write_text(f"{before}<!-- results -->\n{table}<!-- end of results -->{after}")


if __name__ == "__main__":
    sys.exit(main())
