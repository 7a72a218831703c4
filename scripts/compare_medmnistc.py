"""Compare the tables `medmnist-c/...` with the package medmnistc: its files, its augmentation, and what it reads."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import corruptgen  # noqa: E402
from corruptgen.tables import augmentation, catalog  # noqa: E402
from tests.medical import (  # noqa: E402
    DATASETS,
    MedmnistcStreams,
    colour_pictures,
    labels_of,
    made_like_medmnistc,
    pictures_of,
    write_archive,
)

# Of these it gets the versions that are here: last bits of theirs decide about levels.
PEER = ("medmnistc==0.1.0", "torch", "torchvision", "Wand")
SHARED = {"numpy": "numpy", "scipy": "scipy", "pillow": "pillow", "opencv-python": "opencv-python-headless"}
SIDE, LEVELS = 224, 5
# Its float32 sums, made by torch in an order of their own, are not those of float64; all other rows are equal.
NEARLY = "gaussian_blur"
ALLOWED_SHARE, ALLOWED_STEP = 1e-4, 1
AUGMENTED = 80  # pictures of each dataset
IMPULSES = 99999
READ = {"pathmnist": (28, 224), "chestmnist": (28, 224)}

Peer = Callable[[str, Path, Path], None]


@dataclass(frozen=True)
class Difference:
    """How far two sets of samples are apart: how many differ, of how many, and the largest step in grey levels."""

    differ: int
    of: int
    step: int

    def __str__(self) -> str:
        """Word it for the table of results."""
        return "equal" if self.step == 0 else f"±{self.step} in {self.differ / self.of:.1e}"

    def is_allowed(self, row: str) -> bool:
        """Whether this is within what the project promises."""
        nearly = row == NEARLY and self.step <= ALLOWED_STEP and self.differ < ALLOWED_SHARE * self.of
        return self.step == 0 or nearly


def main() -> int:
    """Compare, print the results, and write what was asked for; 0 if everything is within the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", type=Path, help="a Python that has medmnistc; without it one is installed")
    parser.add_argument("--docs", type=Path, help="a Markdown file whose table of results is to be replaced")
    parser.add_argument("--goldens", type=Path, help="a JSON file to which the digests of our pixels are added")
    wanted = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        python = wanted.peer_python or installed_peer(scratch / "peer")

        def peer(task: str, source: Path, output: Path) -> None:
            script = ROOT / "scripts" / "medmnistc_peer.py"
            subprocess.run([python, script, task, source, output], check=True, stdout=subprocess.DEVNULL)

        made = {count: compared_files(scratch / str(count), peer, count) for count in (None, 1)}
        facts = json.loads((scratch / "1" / "theirs" / "facts.json").read_text())
        augmented = compared_augmentation(scratch, peer)
        unread = compared_reading(scratch / "generated", peer)

    differences = {dataset: {row: found for row, (found, _) in rows.items()} for dataset, rows in made[None].items()}
    table = markdown(differences, augmented, unread, facts["versions"])
    sys.stdout.write(table)
    if wanted.docs:
        replace_table(wanted.docs, table)
    if wanted.goldens:
        add_goldens(wanted.goldens, facts["versions"], made[1])
    compared = [found for runs in made.values() for found in runs.values()]
    kept = [difference.is_allowed(row) for found in compared for row, (difference, _) in found.items()]
    kept += [difference.is_allowed(row) for row, found in augmented.items() for difference in found]
    return 0 if all(kept) and not unread else 1


def installed_peer(directory: Path) -> Path:
    """Install the package into an environment of its own and give that environment's Python."""
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    here = [f"{theirs}=={version(ours)}" for theirs, ours in SHARED.items()]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER, *here], check=True)
    return python


def compared_files(
    scratch: Path, peer: Peer, count: int | None
) -> dict[str, dict[str, tuple[Difference, NDArray[np.uint8]]]]:
    """Let both sides make every row of every dataset from `count` pictures; return what differs, and our pixels."""
    pictures = {dataset: pictures_of(dataset, SIDE)[:count] for dataset in DATASETS}
    for dataset, images in pictures.items():
        write_archive(scratch / "archives", dataset, SIDE, len(images))
    theirs = scratch / "theirs"
    theirs.mkdir()
    peer("make", scratch / "archives", theirs)
    os.environ["CORRUPTGEN_TEXTURES"] = json.loads((theirs / "facts.json").read_text())["textures"]
    found: dict[str, dict[str, tuple[Difference, NDArray[np.uint8]]]] = defaultdict(dict)
    for dataset, images in pictures.items():
        for row, ours in made_like_medmnistc(dataset, images):
            with np.load(theirs / dataset / f"{row}.npz") as arrays:
                found[dataset][row] = between(ours, arrays["test_images"]), ours
                if not np.array_equal(arrays["test_labels"], np.tile(labels_of(dataset, len(images)), (LEVELS, 1))):
                    raise SystemExit(f"{dataset}/{row}.npz: the labels are not those of the images, level after level")
    return found


def compared_augmentation(scratch: Path, peer: Peer) -> dict[str, list[Difference]]:
    """Let both sides augment colour pictures with the same draws; return what differs, by row."""
    pictures = np.stack([colour_pictures(SIDE)[seed % len(colour_pictures(SIDE))] for seed in range(AUGMENTED)])
    np.savez(scratch / "clean.npz", **dict.fromkeys(DATASETS, pictures))
    peer("augment", scratch / "clean.npz", scratch / "augmented.npz")
    found = defaultdict(list)
    with np.load(scratch / "augmented.npz") as theirs:
        for dataset in DATASETS:
            preset = catalog.preset(f"medmnist-c/{dataset}")
            for seed, (picture, image) in enumerate(zip(pictures, theirs[dataset], strict=True)):
                streams = MedmnistcStreams(seed)
                cell = augmentation.draw(preset, streams.numpys)
                streams.generator = np.random.default_rng(IMPULSES)
                found[cell.row].append(between(cell.apply(picture, streams.of(cell.row)), image))
    return found


def compared_reading(folder: Path, peer: Peer) -> list[str]:
    """Generate datasets and let both packages' classes read them; return the files that they read otherwise."""
    expected = {}
    for dataset, sides in READ.items():
        for side in sides:
            archive = write_archive(folder / "archives", dataset, side)
            name = f"{dataset}-{side}"
            corruptgen.generate(f"medmnist-c/{dataset}", source=archive, output=folder / "made" / name, workers=1)
            for path in (folder / "made" / name).glob("*.npz"):
                with np.load(path) as arrays:
                    digests = {
                        part: hashlib.sha256(arrays[f"test_{part}"]).hexdigest() for part in ("images", "labels")
                    }
                expected[f"{name}/{path.stem}"] = digests | {"medmnist": digests}
    peer("read", folder / "made", folder / "read.json")
    read = json.loads((folder / "read.json").read_text())
    return sorted(name for name in expected.keys() | read.keys() if expected.get(name) != read.get(name))


def between(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> Difference:
    """Compare two stacks of images sample by sample."""
    if ours.shape != theirs.shape:
        raise SystemExit(f"shapes differ: {ours.shape} and {theirs.shape}")
    steps = np.abs(ours.astype(int) - theirs)
    return Difference(int((steps > 0).sum()), steps.size, int(steps.max()))


def markdown(
    found: Mapping[str, Mapping[str, Difference]],
    augmented: Mapping[str, list[Difference]],
    unread: list[str],
    versions: Mapping[str, str],
) -> str:
    """Word the results: a line for each row, a column for each dataset."""
    by_row: dict[str, dict[str, str]] = defaultdict(dict)
    for dataset, rows in found.items():
        for row, difference in rows.items():
            by_row[row][dataset] = str(difference)
    lines = ["| row | " + " | ".join(dataset.removesuffix("mnist") for dataset in found) + " |"]
    lines.append("|---" * (len(found) + 1) + "|")
    lines += [f"| {row} | " + " | ".join(words.get(d, "") for d in found) + " |" for row, words in by_row.items()]
    libraries = ", ".join(f"{name} {number}" for name, number in versions.items())
    cells = sum(map(len, found.values())) * LEVELS
    unequal = sorted(row for row, differences in augmented.items() if any(d.step for d in differences))
    drawing = f"all equal but {' and '.join(unequal)}" if unequal else "all equal"
    reading = f"read otherwise: {', '.join(unread)}" if unread else "all read back unchanged by both packages' classes"
    return "\n".join(
        [
            *lines,
            "",
            f"{cells} cells of {len(colour_pictures(SIDE))} pictures. Augmentation, {AUGMENTED} draws of each dataset: "
            f"{drawing}. Generated datasets: {reading}.",
            "",
            f"The package ran on {libraries}.",
            "",
        ]
    )


def add_goldens(
    path: Path, versions: Mapping[str, str], made: Mapping[str, Mapping[str, tuple[Difference, NDArray[np.uint8]]]]
) -> None:
    """Add digests of our pixels to the existing ones: sums of libraries have other last bits on other CPUs."""
    known = json.loads(path.read_text(encoding="utf-8"))["sha256"] if path.exists() else {}
    merged = {
        f"{dataset}/{row}": sorted({*known.get(f"{dataset}/{row}", ()), hashlib.sha256(ours.tobytes()).hexdigest()})
        for dataset, rows in made.items()
        for row, (found, ours) in rows.items()
        if found.is_allowed(row)
    }
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
