"""Replay results of original programs that a folder describes, and compare them with what corruptgen makes.

python scripts/parity_originals.py DIR                                   # every NAME.json of a folder with its NAME.npz
python scripts/parity_originals.py DIR --only imagenet_p_cifar           # one of them

A NAME.json says of each entry which picture was used (an expression over `skimage.data` and its sha256), how chance was
seeded, and the sha256 of the result; NAME.npz holds pieces of the results. Files of systems that corruptgen does not
have are left out. The exit code is 0 only if no entry differs beyond the tolerance of its file.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray

import corruptgen
from corruptgen.metrics import sequences

EQUAL, WITHIN, DIFFERS, LEFT_OUT = "equal", "within their tolerance", "differ", "left out"
PRESETS = {
    "imagenet_p_224": "imagenet-p",
    "imagenet_p_299": "imagenet-p-299",
    "imagenet_p_64": "imagenet-p-64",
    "imagenet_p_tiny": "tiny-imagenet-p",
    "imagenet_p_cifar": "cifar-p",
}
# Expressions over these alone are evaluated.
EXPRESSION = re.compile(r"skimage\.data\.[a-z_]+\(\)(\[[0-9:, .]*\])*")


@dataclass(frozen=True)
class Tolerance:
    """How far the frames of some rows may be off, because of libraries that are newer than the original's."""

    rows: Mapping[str, str]
    """The rows, and why."""
    levels: int = 1
    """How many grey levels a sample may be off."""
    share: float = 5e-4
    """Of the samples of a frame."""
    frames: int = 4
    """How many frames of a sequence may differ; of those of which nothing was kept, only the number is known."""


OF_SEQUENCES = Tolerance(
    {
        "gaussian_noise": "last bits of torch's normal draws",
        "brightness": "last bits of scikit-image's HSV",
        "gaussian_blur": "last bits of scipy's sums",
        "snow": "last bits of OpenCV's luma",
        "spatter": "last bits of OpenCV's edges and distances",
    }
)
TOLERANCES: Mapping[str, Tolerance] = dict.fromkeys(PRESETS, OF_SEQUENCES)


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
    options = parser.parse_args()
    names = sorted(path.stem for path in options.directory.glob("*.json") if path.stem != "manifest")
    if unknown := sorted(set(options.only or ()) - set(names)):
        parser.error(f"the folder has no {', '.join(unknown)}; it has {', '.join(names)}")
    total: Counter[str] = Counter()
    for name in options.only or names:
        found = compare_file(options.directory, name)
        print(f"{name}: " + ", ".join(f"{count} {outcome}" for outcome, count in found.outcomes.items()))
        print(*found.reasons, sep="\n", end="\n" if found.reasons else "", flush=True)
        total += found.outcomes
    print(
        f"{total[EQUAL]} of {total.total()} entries equal, {total[WITHIN]} within their tolerance, "
        f"{total[LEFT_OUT]} left out (reasons above)" + (f", {total[DIFFERS]} DIFFER" if total[DIFFERS] else "")
    )
    return int(total[DIFFERS] > 0)


def compare_file(directory: Path, name: str) -> Found:
    """Replay and compare all entries of a file."""
    found, content = Found(name), json.loads((directory / f"{name}.json").read_text("utf-8"))
    entries: Mapping[str, Any] = content.get("entries", {})
    compare = compare_sequence if name in PRESETS else COMPARED.get(name)
    if compare is None:
        found.outcomes[LEFT_OUT] += len(entries)
        found.reasons.append("  corruptgen does not have this system yet")
        return found
    with np.load(directory / f"{name}.npz") as arrays, tempfile.TemporaryDirectory() as folder:
        kept = Kept(name, content.get("pictures", {}), dict(arrays), Path(folder))
        for entry, described in entries.items():
            found.add(entry, *compare(kept, entry, described))
    return found


@dataclass(frozen=True)
class Kept:
    """What a file holds beside its entries."""

    name: str
    pictures: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    folder: Path
    """For tables that are made for the replay."""

    def picture(self, name: str) -> NDArray[np.uint8]:
        """Make the picture of an entry."""
        described = self.pictures[name]
        if not EXPRESSION.fullmatch(described["expression"]):
            raise ValueError(f"the expression {described['expression']!r} is none over skimage.data")
        # Nothing but slices of scikit-image's own pictures gets here.
        picture = np.ascontiguousarray(
            eval(described["expression"], {"__builtins__": {}, "skimage": SimpleNamespace(data=skimage.data)})
        )
        if digest(picture) != described["sha256"]:
            raise ValueError(f"the picture {name} is not the one that was used; install scikit-image 0.26")
        return picture


def compare_sequence(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare the frames of a perturbation of ImageNet-P."""
    row, difficulty, picture = entry.split("/")
    try:
        draws = Replay(described["seed"], of_torch=row == "gaussian_noise")
    except ImportError:
        return LEFT_OUT, "its draws are torch's, which is not installed"
    if stored_differs(kept, entry, described):
        return DIFFERS, "the array that is stored does not have the sha256 of its entry"
    table = truncating(PRESETS[kept.name], kept.folder)
    frames = list(corruptgen.frames(kept.picture(picture), row, int(difficulty), preset=table, rng=draws))
    if len(frames) != described["count"]:
        return DIFFERS, f"{len(frames)} frames, and the original has {described['count']}"
    if draws.state.random_sample() != described["next_numpy_random_sample"]:
        return DIFFERS, "another number of draws was taken"
    others = [i for i, frame in enumerate(frames) if digest(frame) != described["frames"][i]]
    if not others:
        return EQUAL, ""
    return judged(kept, entry, described, frames, others)


def judged(
    kept: Kept, entry: str, described: Mapping[str, Any], frames: list[NDArray[np.uint8]], others: list[int]
) -> tuple[str, str]:
    """Decide about a sequence of which some frames are others, by what is stored of them."""
    tolerance, row = TOLERANCES[kept.name], entry.split("/", maxsplit=1)[0]
    most, share = 0, 0.0
    for place, number in enumerate(described["kept"]):
        theirs = kept.arrays[entry][place].astype(np.int64)
        apart = np.abs(part(frames[number], described["stored"]).astype(np.int64) - theirs)
        if apart.any() and number not in others:
            return DIFFERS, f"frame {number} has the sha256 of the original's and not its pixels"
        most, share = max(most, int(apart.max())), max(share, float((apart > 0).mean()))
    what = f"{len(others)} of {len(frames)} frames, by {most} levels in {share:.1e} of what is stored of them"
    reason = tolerance.rows.get(row)
    if reason is None or len(others) > tolerance.frames or most > tolerance.levels or share > tolerance.share:
        return DIFFERS, what
    if described["stored"] == "full" and most == 0 and set(others) <= set(described["kept"]):
        return DIFFERS, f"{what}: the pixels are the original's, and the sha256 of its frames is not theirs"
    return WITHIN, f"{what} ({reason})"


def stored_differs(kept: Kept, entry: str, described: Mapping[str, Any]) -> bool:
    """Check whether the stored array is not the one that its entry describes, where all of it is stored."""
    whole = described["stored"] == "full" and digest(kept.arrays[entry]) != described["sha256"]
    return whole or (entry not in kept.arrays)


def compare_metrics(_: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare flip probability and ranking distances of predictions that are drawn."""
    _, classes, perturbation, difficulty = entry.split("/")
    scores = drawn_scores(described["seed"], described["videos"], described["frames"], int(classes))
    if digest(scores) != described["sha256_of_logits"]:
        return DIFFERS, "the predictions are not those that were used"
    options = {"noise": sequences.is_noise(perturbation), "difficulty": int(difficulty)}
    measured = {
        "flip_prob": sequences.flips(scores.argmax(axis=2), **options).mean(),
        "top5": sequences.top5_distances(scores, **options).mean(),
        "zipf": sequences.zipf_distances(scores, **options).mean(),
    }
    apart = [name for name, value in measured.items() if not np.isclose(value, described[name], rtol=1e-12, atol=0)]
    return (DIFFERS, ", ".join(f"{name} is {measured[name]!r}" for name in apart)) if apart else (EQUAL, "")


COMPARED: Mapping[str, Callable[[Kept, str, Mapping[str, Any]], tuple[str, str]]] = {
    "perturbation_metrics": compare_metrics
}


def drawn_scores(seed: int, videos: int, frames: int, classes: int) -> NDArray[np.float32]:
    """Draw the scores of classes that wander from frame to frame."""
    draws = np.random.RandomState(seed)
    base = draws.normal(0, 2, (videos, 1, classes))
    walk = np.cumsum(draws.normal(0, 0.35, (videos, frames, classes)), 1)
    return np.round(base + walk, 1).astype(np.float32)


class Replay:
    """The draws that the originals took: those of numpy's global generator, normal ones of torch's where asked for."""

    def __init__(self, seed: int, *, of_torch: bool) -> None:
        self.state = np.random.RandomState(seed)
        self._torch = None
        if of_torch:
            import torch  # noqa: PLC0415 - only needed for one row

            self._torch = torch.Generator().manual_seed(seed)

    def standard_normal(self, size: Any = None) -> Any:
        """Draw from the normal distribution."""
        if self._torch is None:
            return self.state.standard_normal(size)
        import torch  # noqa: PLC0415

        return torch.randn(size, generator=self._torch).numpy()

    def __getattr__(self, name: str) -> Any:
        renamed = {"random": "random_sample", "integers": "randint"}
        return getattr(self.state, renamed.get(name, name))


@lru_cache
def truncating(preset: str, folder: Path) -> str:
    """Write the table whose ImageMagick is the one that the results were made with, and return its path."""
    text = (resources.files("corruptgen") / "tables" / "data" / f"{preset}.toml").read_text("utf-8")
    path = folder / f"{preset}.toml"
    path.write_text(text.replace('quantum = "rounded"', 'quantum = "truncated"'), "utf-8")
    return str(path)


def part(frame: NDArray[Any], stored: str) -> NDArray[Any]:
    """Return the part of a frame that is stored: "full", or the slices of a stack of frames."""
    if stored == "full":
        return frame
    return frame[tuple(slices(stored))[1:]]


def slices(written: str) -> Iterator[slice]:
    """Read "[:, 92:132, 92:132]"."""
    for axis in written.strip("[]").split(","):
        start, _, end = axis.strip().partition(":")
        yield slice(int(start) if start else None, int(end) if end else None)


def digest(array: NDArray[Any]) -> str:
    """Return the sha256 of the bytes of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
