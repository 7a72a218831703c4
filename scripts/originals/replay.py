"""Replay what an original program made: its pictures, its draws, and how its results are compared."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from skimage import color

EQUAL, WITHIN, DIFFERS, LEFT_OUT = "equal", "within their tolerance", "differ", "left out"
# Expressions over these alone are evaluated.
PHOTOGRAPH = r"skimage\.data\.[a-z_]+\(\)(\[[0-9:, .]*\])*"
EXPRESSION = re.compile(rf"{PHOTOGRAPH}(\[\.\.\., None\]\.repeat\(3, 2\))?|skimage\.color\.gray2rgb\({PHOTOGRAPH}\)")
# What became of an entry, and why.
Outcome = tuple[str, str]


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


@dataclass(frozen=True)
class Kept:
    """What a file holds beside its entries."""

    name: str
    pictures: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    folder: Path
    """For tables that are made for the replay."""
    entries: Mapping[str, Any] = field(default_factory=dict)
    tolerance: Tolerance | None = None

    def picture(self, name: str) -> NDArray[np.uint8]:
        """Make the picture of an entry."""
        described = self.pictures[name]
        if not EXPRESSION.fullmatch(described["expression"]):
            raise ValueError(f"the expression {described['expression']!r} is none over skimage.data")
        # Nothing but slices of scikit-image's own pictures gets here, grey ones in three channels.
        picture = np.ascontiguousarray(
            eval(
                described["expression"],
                {"__builtins__": {}, "skimage": SimpleNamespace(data=skimage.data, color=color)},
            )
        )
        if digest(picture) != described["sha256"]:
            raise ValueError(f"the picture {name} is not the one that was used; install scikit-image 0.26")
        return picture


@dataclass(frozen=True)
class System:
    """How the entries of a file are compared."""

    compare: Callable[[Kept, str, Mapping[str, Any]], Outcome]
    tolerance: Tolerance | None = None


def compare_pixels(
    kept: Kept, entry: str, described: Mapping[str, Any], made: NDArray[np.uint8], picture: str
) -> Outcome:
    """Compare an image, or several in one array, with what is known of the original's."""
    if (described["picture"], described["shape"], described["dtype"]) != (picture, list(made.shape), str(made.dtype)):
        return DIFFERS, f"it is described as another image than one of {picture} of shape {list(made.shape)}"
    stored, where = kept.arrays.get(entry), described["stored"]
    if (stored is None) != (where == "no"):
        return DIFFERS, "what is stored of it is not what is described"
    if stored is not None and where == "full" and digest(stored) != described["sha256"]:
        return DIFFERS, "the array that is stored does not have the sha256 of its entry"
    is_equal = digest(made) == described["sha256"]
    if stored is None:
        return (EQUAL, "") if is_equal else (DIFFERS, "it has another sha256")
    known = made if where == "full" else made[tuple(slices(where))]
    if known.shape != stored.shape:
        return DIFFERS, "the array that is stored is not the part that is described"
    apart = np.abs(known.astype(np.int64) - stored)
    most, share = int(apart.max()), float((apart > 0).mean())
    if is_equal:
        return (DIFFERS, "its sha256 is the original's, and not what is stored of it") if most else (EQUAL, "")
    what = f"by {most} levels in {share:.1e} of what is stored" if most else "it has another sha256"
    tolerance = kept.tolerance
    reason = next((why for name, why in tolerance.rows.items() if f"/{name}/" in f"/{entry}"), "") if tolerance else ""
    if tolerance is None or not reason or not 0 < most <= tolerance.levels or share > tolerance.share:
        return DIFFERS, what
    return WITHIN, f"{what} ({reason})"


def stored_differs(kept: Kept, entry: str, described: Mapping[str, Any]) -> bool:
    """Check whether the stored array is not the one that its entry describes, where all of it is stored."""
    if entry not in kept.arrays:
        return True
    return described["stored"] == "full" and digest(kept.arrays[entry]) != described["sha256"]


class Replay:
    """The draws that the originals took: those of numpy's global generator, normal ones of torch's where asked for."""

    def __init__(self, seed: int, *, of_torch: bool, blue_first: bool = False) -> None:
        self.state = np.random.RandomState(seed)
        self._blue_first = blue_first
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

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Any = None) -> Any:
        """Draw from the normal distribution, for the channels of an image in the order of the original."""
        drawn = self.state.normal(loc, scale, size)
        return drawn[..., ::-1] if self._blue_first else drawn

    def seeded(self, seed: int) -> "Replay":
        """Return the generator that an original makes with a seed that it has drawn."""
        return Replay(seed, of_torch=False)

    def __getattr__(self, name: str) -> Any:
        renamed = {"random": "random_sample", "integers": "randint"}
        return getattr(self.state, renamed.get(name, name))


def replayed(row: str, seed: int, common: Replay, own: Collection[str]) -> Any:
    """Return the draws of a row: the common ones, unless it is one of those that have a generator of their own."""
    if row not in own:
        return common
    # scikit-image makes a generator of today's, and numba has one of its own that is like numpy's earlier one.
    return np.random.default_rng(seed) if row == "impulse_noise" else Replay(seed, of_torch=False)


def truncating(preset: str, folder: Path) -> str:
    """Write the table whose ImageMagick is the one that the results were made with, and return its path."""
    return rewritten(preset, folder, preset, {'quantum = "rounded"': 'quantum = "truncated"'})


def rewritten(preset: str, folder: Path, name: str, changes: Mapping[str, str]) -> str:
    """Write one of our tables with other values under a name of its own, and return its path."""
    path = folder / f"{name}.toml"
    if not path.exists():
        text = (resources.files("corruptgen") / "tables" / "data" / f"{preset}.toml").read_text("utf-8")
        for before, after in changes.items():
            text = text.replace(before, after)
        path.write_text(text, "utf-8")
    return str(path)


def part(frame: NDArray[Any], stored: str) -> NDArray[Any]:
    """Return the part of a frame that is stored: "full", or the slices of a stack of frames."""
    if stored == "full":
        return frame
    return frame[tuple(slices(stored))[1:]]


def slices(written: str) -> Iterator[slice]:
    """Read "[:, 92:132, 92:132]" or "[92:132, 92:132]"."""
    for axis in written.strip("[]").split(","):
        start, _, end = axis.strip().partition(":")
        yield slice(int(start) if start else None, int(end) if end else None)


def digest(array: NDArray[Any]) -> str:
    """Return the sha256 of the bytes of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
