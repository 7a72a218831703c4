"""Replay results of original programs that a folder describes, and compare them with what corruptgen makes.

python scripts/parity_originals.py DIR                                   # every NAME.json of a folder with its NAME.npz
python scripts/parity_originals.py DIR --only imagenet_p_cifar           # one of them
python scripts/parity_originals.py DIR --docs                            # writes the table of docs/parity.md too

A NAME.json says of each entry which picture was used (an expression over `skimage.data` and its sha256), how chance was
seeded, and the sha256 of the result; NAME.npz holds pieces of the results. Files of systems that corruptgen does not
have are left out. The exit code is 0 only if no entry differs beyond the tolerance of its file.
"""

import argparse
import hashlib
import io
import json
import math
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from itertools import permutations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

import corruptgen
from corruptgen import streams
from corruptgen.metrics import sequences

DOCUMENT = Path(__file__).parent.parent / "docs/parity.md"
BEGIN, END = "<!-- originals -->", "<!-- end of originals -->"
EQUAL, WITHIN, DIFFERS, LEFT_OUT = "equal", "within their tolerance", "differ", "left out"
PRESETS = {
    "imagenet_p_224": "imagenet-p",
    "imagenet_p_299": "imagenet-p-299",
    "imagenet_p_64": "imagenet-p-64",
    "imagenet_p_tiny": "tiny-imagenet-p",
    "imagenet_p_cifar": "cifar-p",
}
# Of the low resolutions of LR0.FM, the row of each geometry and its table.
GEOMETRIES = {"keep": ("lr0-fm", "keep"), "squash": ("lr0-fm-squash", "squash"), "small": ("lr0-fm-small", "small")}
# Modes whose pictures Pillow resizes to the nearest pixel.
PALETTES = ("P", "1")
MODE = re.compile(r"PIL convert\('(\w+)'(?:, palette=ADAPTIVE, colors=(\d+))?\)")
# The degradations of RAM: the row, and its strength.
RAM_FIXED = {
    "noise": ("noise_15", 15.0),
    "noise_25": ("noise_25", 25.0),
    "noise_50": ("noise_50", 50.0),
    "blur_2": ("blur", 2.0),
    "jpeg_50": ("jpeg_compression", 50.0),
}
# Those whose strength the original draws: the row, how it draws, and how the table writes a strength.
RAM_DRAWN: Mapping[str, tuple[str, Callable[[random.Random], float], Callable[[float], str]]] = {
    "noise_random": ("noise_15", lambda draws: draws.randint(0, 50), lambda levels: f"sigma = {levels / 255!r}"),
    "blur_random": ("blur", lambda draws: draws.choice(np.arange(2, 3.1, 0.1)), lambda sigma: f"sigma = {sigma!r}"),
    "jpeg_random": ("jpeg_compression", lambda draws: draws.randint(10, 90), lambda q: f"quality = {int(q)}"),
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
TOLERANCES: Mapping[str, Tolerance] = {
    **dict.fromkeys(PRESETS, OF_SEQUENCES),
    # The kernel is a single 1, and ours leaves the image alone.
    "ccc": Tolerance({"row/defocus_blur/0.25": "last bits of OpenCV's Fourier transform, cut off"}, share=0.6),
}


# A row whose result depends on the processor that the original ran on, and with it what a second row draws and makes.
UNSETTLED = ("defocus_blur", 0.25)


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
    compare = compare_sequence if name in PRESETS else COMPARED.get(name)
    if compare is None:
        found.outcomes[LEFT_OUT] += len(entries)
        found.reasons.append("  corruptgen does not have this system yet")
        return found
    with np.load(directory / f"{name}.npz") as arrays, tempfile.TemporaryDirectory() as folder:
        kept = Kept(name, content.get("pictures", {}), dict(arrays), Path(folder), entries)
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
    entries: Mapping[str, Any] = field(default_factory=dict)

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
    if entry not in kept.arrays:
        return True
    return described["stored"] == "full" and digest(kept.arrays[entry]) != described["sha256"]


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


def compare_resolution(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare a low resolution of LR0.FM."""
    kind, size, name = entry.split("/")
    geometry = kind.partition("_mode_")[0]
    low, _, side = size.partition("-")
    image = Image.fromarray(kept.picture(name))
    if mode := MODE.fullmatch(described.get("input_mode", "PIL convert('RGB')")):
        colours = {"palette": Image.Palette.ADAPTIVE, "colors": int(mode[2])} if mode[2] else {}
        image = image.convert(mode[1], **colours)
    else:
        return DIFFERS, f"its mode {described['input_mode']!r} is not understood"
    nearest = image.mode in PALETTES
    table = at_resolution(kept.folder, geometry, int(low), int(side or low), nearest=nearest)
    severity = 0 if low == side else 1
    # Each channel of a mode as a grey picture: the colours are made of them when they have their size.
    bands = image.convert("RGB").split() if nearest else image.split()
    made = [corruptgen.corrupt(band, GEOMETRIES[geometry][1], severity, preset=table) for band in bands]
    merged = made[0] if len(made) == 1 else Image.merge("RGB" if nearest else image.mode, made)
    return compare_pixels(kept, entry, described, np.asarray(merged.convert("RGB")), name)


def compare_windows(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare windows of the anti-aliasing protocol."""
    protocol, *place = entry.split("/")
    if protocol == "diagonal":
        windows = np.stack(list(corruptgen.frames(kept.picture(place[0]), "diagonal", preset="antialiasing")))
        if digest(windows) != described["sha256_of_all"]:
            return DIFFERS, "one of all windows is another one"
        return compare_pixels(kept, entry, described, windows[described["kept"]], place[0])
    seed, *passes = place
    # All pictures of all passes share their draws, in the order in which the file has them.
    names = (name.split("/")[1:] for name in kept.entries if name.startswith(f"{protocol}/{seed}/epoch"))
    shown = list(dict.fromkeys((epoch, picture) for _, epoch, picture, _ in names))
    draws, state = Replay(int(seed), of_torch=False), np.random.RandomState(int(seed))
    for epoch, picture in shown:
        windows = list(corruptgen.frames(kept.picture(picture), "consistency", preset="antialiasing", rng=draws))
        offsets = [[state.randint(32, size=2).tolist()] for _ in windows]
        if passes[:2] == [epoch, picture]:
            number = int(passes[2])
            if (described["seed"], described["offset"]) != (int(seed), offsets[number]):
                return DIFFERS, f"its offset is {described['offset']}, and {offsets[number]} is drawn"
            return compare_pixels(kept, entry, described, windows[number], picture)
    is_next = draws.state.random_sample() == described["value"]
    return (EQUAL, "") if is_next else (DIFFERS, "another number of draws was taken")


def compare_restoration(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare a degradation of RAM or CDD-11."""
    system, kind, name = entry.split("/")
    if "error" in described:
        return LEFT_OUT, "the original raises an error here"
    picture, seed = kept.picture(name), described["seed"]
    if system == "cdd":
        inputs = {key: plane for key, plane in planes(kind, *picture.shape[:2]).items() if needs(kind, key)}
        # The original takes the first channel for blue.
        draws = Replay(seed, of_torch=False, blue_first=True)
        flipped = np.ascontiguousarray(picture[..., ::-1])
        made = corruptgen.corrupt(flipped, kind, 1, preset="cdd-11", rng=draws, inputs=inputs)
        return compare_pixels(kept, entry, described, made[..., ::-1], name)
    table = "ram"
    if kind in RAM_DRAWN:
        row, draw, written = RAM_DRAWN[kind]
        strength = float(draw(random.Random(seed)))
        fixed = next(value for other, value in RAM_FIXED.values() if other == row)
        table = rewritten(table, kept.folder, f"{kind}-{strength}", {written(fixed): written(strength)})
    else:
        row, strength = RAM_FIXED[kind]
    if list(described["parameters"].values()) != [strength]:
        return DIFFERS, f"its parameters are {described['parameters']}, and the original's strength is {strength}"
    made = corruptgen.corrupt(picture, row, 1, preset=table, rng=Replay(seed, of_torch=False))
    return compare_pixels(kept, entry, described, made, name)


def compare_bar(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare a row of ImageNet-C-bar or CIFAR-10-C-bar."""
    system, row, level, name = entry.split("/")
    preset, changes = BAR[system]
    if row not in corruptgen.rows(preset):
        return LEFT_OUT, f"{preset} does not have this row"
    if system == "pool":
        magnitudes = sorted(float(other.split("/")[2]) for other in kept.entries if other.split("/")[1] == row)
        level = str(1 + magnitudes.index(float(level)))
    table = rewritten(preset, kept.folder, system, changes) if changes else preset
    draws = Replay(described["seed"], of_torch=False)
    made = corruptgen.corrupt(kept.picture(name), row, int(level), preset=table, rng=draws)
    if draws.state.random_sample() != described["next_random_sample"]:
        return DIFFERS, "another number of draws was taken"
    return compare_pixels(kept, entry, described, made, name)


def compare_pixels(
    kept: Kept, entry: str, described: Mapping[str, Any], made: NDArray[np.uint8], picture: str
) -> tuple[str, str]:
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
    tolerance = TOLERANCES.get(kept.name)
    reason = next((why for name, why in tolerance.rows.items() if f"/{name}/" in f"/{entry}"), "") if tolerance else ""
    if tolerance is None or not reason or not 0 < most <= tolerance.levels or share > tolerance.share:
        return DIFFERS, what
    return WITHIN, f"{what} ({reason})"


def at_resolution(folder: Path, geometry: str, low: int, side: int, *, nearest: bool) -> str:
    """Write a table of one low resolution for models of a size, and return its path."""
    preset, _ = GEOMETRIES[geometry]
    changes = {
        "levels = 4": "levels = 1",
        "[128, 64, 32, 16]": str(low),
        'interpolation = "bicubic" }': f'interpolation = "{"nearest" if nearest else "bicubic"}" }}',
        'resampling = "bicubic"': f'resampling = "{"nearest" if nearest else "bicubic"}"',
        "[[224, 224], [128, 128], [64, 64], [32, 32], [16, 16]]": f"[[{low}, {low}]]",
        "[[224, 224]]": f"[[{side}, {side}]]",
        "[224, 224]": f"[{side}, {side}]",
        "= 224": f"= {side}",
    }
    return rewritten(preset, folder, f"{preset}-{low}-{side}-{nearest}", changes)


def planes(kind: str, height: int, width: int) -> dict[str, NDArray[np.float64]]:
    """Return the maps of CDD-11 by the formulas that the file of its results states."""
    rows, columns = np.mgrid[0:height, 0:width]
    y, x = rows / height, columns / width
    rain, snow = 0.5 * ((53 * rows + 17 * columns) % 97 < 2), (31 * rows * rows + 7 * columns) % 211 < 3
    return {
        "light": np.minimum(0.3 + 0.6 * np.exp(-((x - 0.6) ** 2 + (y - 0.3) ** 2) / 0.1), 1),
        "depth": 1 - 0.8 * y,
        "mask": (rain if "rain" in kind else snow).astype(np.float64),
    }


def needs(kind: str, plane: str) -> bool:
    """Check whether a degradation of CDD-11 takes a map."""
    makers = {"light": ("low",), "depth": ("haze",), "mask": ("rain", "snow")}[plane]
    return any(maker in kind.split("_") for maker in makers)


def compare_patches(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare the images of ViT_Patch_Robustness, corrupted within each cell of a grid in turn."""
    if error := described.get("error"):
        return LEFT_OUT, f"the original stops: {error}"
    row, severity, cells, picture = entry.split("/")
    across = math.isqrt(int(cells))
    clean = kept.picture(picture)
    side = clean.shape[0] // across
    draws = replayed(row, described["seed"], Replay(described["seed"], of_torch=False), own=())
    table = rewritten("imagenet-c-patch", kept.folder, f"patches-{side}", {"side = 32": f"side = {side}"})
    frames = list(corruptgen.frames(clean, row, int(severity), preset=table, rng=draws))
    if (len(frames), side) != (int(cells), described["cell_side"]):
        return DIFFERS, f"{len(frames)} cells of {side} pixels, and the original has others"
    # The original counts its cells down the columns, and was looked at where reading order has the cell of that number.
    images = np.stack([frames[number % across * across + number // across] for number in range(len(frames))])
    numbers = described["cells_kept"]
    outside, seen = images[numbers].astype(np.int64) - clean, []
    for image, difference, number in zip(images[numbers], outside, numbers, strict=True):
        down, right = number // across * side, number % across * side
        seen.append(image[down : down + side, right : right + side])
        difference[down : down + side, right : right + side] = 0
    if int(np.abs(outside).max()) != described["changed_outside"]:
        return DIFFERS, "what changes beside the cells that were looked at is something else"
    if draws.state.random_sample() != described["next_random_sample"]:
        return DIFFERS, "another number of draws was taken"
    if digest(images) != described["sha256_of_all_cells"]:
        return DIFFERS, "some of the cells are others"
    return compare_pixels(kept, entry, described, np.stack(seen), picture)


def compare_steps(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare images of CCC: of one row, or of two that follow each other."""
    *written, picture = entry.split("/")[1:]
    steps = [(row, float(severity)) for row, severity in zip(written[::2], written[1::2], strict=True)]
    common = Replay(described["seed"], of_torch=False)
    image = kept.picture(picture)
    for row, severity in steps:
        draws = replayed(row, described["seed"], common, own=("impulse_noise", "glass_blur"))
        image = corruptgen.corrupt(image, row, severity * streams.STEPS_PER_SEVERITY, preset="ccc", rng=draws)
    is_unsettled = steps[0] == UNSETTLED and any(severity > 0 for _, severity in steps[1:])
    if common.state.random_sample() != described["next_random_sample"] and not is_unsettled:
        return DIFFERS, "another number of draws was taken"
    outcome, reason = compare_pixels(kept, entry, described, image, picture)
    if outcome == DIFFERS and is_unsettled:
        return LEFT_OUT, "its second row follows one of which last bits are cut off"
    if outcome == EQUAL and "jpeg_sha256" in described:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=85, optimize=True)
        found = hashlib.sha256(file.getvalue()).hexdigest(), len(file.getvalue())
        if found != (described["jpeg_sha256"], described["jpeg_bytes"]):
            return DIFFERS, "the pixels are equal, and its file is another one"
    return outcome, reason


def compare_walks(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare what CCC goes through: tables of accuracies, paths through them, and the order of a stream."""
    kind, *rest = entry.split("/")
    if kind == "matrix":
        return compare_matrix(kept, entry, described)
    if kind == "path":
        target, name = rest
        matrix = kept.arrays[f"matrix/{name}"]
        path = streams.find_path(matrix, float(target))
        mean = float(np.mean([matrix[place] for place in path]))
        is_equal = [list(place) for place in path] == described["steps"]
        is_equal &= bool(np.isclose(mean, described["mean_accuracy"], rtol=1e-12, atol=0))
        return (EQUAL, "") if is_equal else (DIFFERS, f"the path is {path}")
    target, speed, seed = map(int, rest)
    rows = streams.ccc_rows(target)
    every = streams.ccc_rows(100)
    accuracies = {pair: drawn_accuracies(*map(every.index, pair)) for pair in permutations(rows, 2)}
    walk = streams.ccc_walk(accuracies, target=target, seed=seed)
    calls = [list(step.as_in_the_original) for step, _ in zip(walk, described["calls"], strict=False)]
    if calls != described["calls"]:
        return DIFFERS, "the steps are others"
    size = streams.images_per_shard(speed)
    # The original was stopped at its last call.
    shards = [[f"serial_{number:05d}", size] for number in range((len(calls) - 1) * speed // size)]
    # Its command line makes the target a float, which published folders do not have in their names.
    folders = [streams.folder_name(float(target), speed, seed)]
    is_equal = (shards, folders) == (described["shards"], described["folder"])
    return (EQUAL, "") if is_equal else (DIFFERS, "the shards or their folder are others")


def compare_matrix(kept: Kept, entry: str, described: Mapping[str, Any]) -> tuple[str, str]:
    """Compare a table of accuracies with its digest, and with its formula if it has one."""
    matrix = kept.arrays[entry]
    if digest(matrix) != described["sha256"] or (list(matrix.shape), str(matrix.dtype)) != (
        described["shape"],
        described["dtype"],
    ):
        return DIFFERS, "the table that is stored is not the one of its entry"
    rows = streams.ccc_rows(100)
    for (a, one), (b, other) in product(enumerate(rows), repeat=2):
        if entry == f"matrix/exp_{one}_{other}" and not np.array_equal(matrix, drawn_accuracies(a, b)):
            return DIFFERS, "the table is not the one of its formula"
    return EQUAL, ""


def drawn_accuracies(one: int, other: int) -> NDArray[np.float64]:
    """Return the accuracies that were made up for two rows of the original's list, by their places in it."""
    severities = np.arange(streams.LEVELS + 1) / streams.STEPS_PER_SEVERITY
    falls = severities[:, None] * (0.15 + 0.05 * one) + severities * (0.15 + 0.05 * other)
    return np.asarray((76 * np.exp(-falls)).round(4))


COMPARED: Mapping[str, Callable[[Kept, str, Mapping[str, Any]], tuple[str, str]]] = {
    "ccc": compare_steps,
    "ccc_stream": compare_walks,
    "cpatch": compare_patches,
    "c_bar_32": compare_bar,
    "c_bar_224": compare_bar,
    "c_bar_flat_224": compare_bar,
    "c_bar_candidates_32": compare_bar,
    "lr0fm": compare_resolution,
    "perturbation_metrics": compare_metrics,
    "restoration": compare_restoration,
    "translations": compare_windows,
}


def drawn_scores(seed: int, videos: int, frames: int, classes: int) -> NDArray[np.float32]:
    """Draw the scores of classes that wander from frame to frame."""
    draws = np.random.RandomState(seed)
    base = draws.normal(0, 2, (videos, 1, classes))
    walk = np.cumsum(draws.normal(0, 0.35, (videos, frames, classes)), 1)
    return np.round(base + walk, 1).astype(np.float32)


# The tables of C-bar, and what is changed in them for other sizes.
BAR: Mapping[str, tuple[str, dict[str, str]]] = {
    "imagenet_c_bar": ("imagenet-c-bar", {}),
    "cifar10_c_bar": ("cifar-c-bar", {}),
    "pool": ("c-bar-candidates", {}),
    "imagenet_c_bar_at_32": ("imagenet-c-bar", {"sizes = [[224, 224]]": "sizes = [[32, 32]]"}),
    "cifar10_rows_at_224": ("cifar-c-bar", {"sizes = [[32, 32]]": "sizes = [[224, 224]]", "tiles = 3": "tiles = 5"}),
}


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


if __name__ == "__main__":
    sys.exit(main())
