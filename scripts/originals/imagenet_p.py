"""ImageNet-P: the frames of its sequences, and flip probability and ranking distances."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import corruptgen
from corruptgen.metrics import sequences
from originals.replay import (
    DIFFERS,
    EQUAL,
    LEFT_OUT,
    WITHIN,
    Kept,
    Outcome,
    Replay,
    System,
    Tolerance,
    digest,
    part,
    stored_differs,
    truncating,
)

PRESETS = {
    "imagenet_p_224": "imagenet-p",
    "imagenet_p_299": "imagenet-p-299",
    "imagenet_p_64": "imagenet-p-64",
    "imagenet_p_tiny": "tiny-imagenet-p",
    "imagenet_p_cifar": "cifar-p",
}
OF_SEQUENCES = Tolerance(
    {
        "gaussian_noise": "last bits of torch's normal draws",
        "brightness": "last bits of scikit-image's HSV",
        "gaussian_blur": "last bits of scipy's sums",
        "snow": "last bits of OpenCV's luma",
        "spatter": "last bits of OpenCV's edges and distances",
    }
)


def compare_sequence(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
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
) -> Outcome:
    """Decide about a sequence of which some frames are others, by what is stored of them."""
    tolerance, row = kept.tolerance, entry.split("/", maxsplit=1)[0]
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


def compare_metrics(_: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
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


def drawn_scores(seed: int, videos: int, frames: int, classes: int) -> NDArray[np.float32]:
    """Draw the scores of classes that wander from frame to frame."""
    draws = np.random.RandomState(seed)
    base = draws.normal(0, 2, (videos, 1, classes))
    walk = np.cumsum(draws.normal(0, 0.35, (videos, frames, classes)), 1)
    return np.round(base + walk, 1).astype(np.float32)


SYSTEMS: Mapping[str, System] = {
    **dict.fromkeys(PRESETS, System(compare_sequence, OF_SEQUENCES)),
    "perturbation_metrics": System(compare_metrics),
}
