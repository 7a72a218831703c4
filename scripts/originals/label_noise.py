"""Label noise of ELR, RoLT, DivideMix and Co-teaching: labels, what was selected, and the draws that follow."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.corruptions.labels import published
from originals.replay import DIFFERS, EQUAL, Kept, Outcome, System, digest


def clean_labels(items: int, classes: int) -> NDArray[np.int64]:
    """Return the labels that the originals were run on."""
    numbers = np.arange(items)
    return (7 * numbers + numbers // 13) % 10 if classes == 10 else (37 * numbers + numbers // 11) % 100


def compare_labels(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare the labels of a whole data set."""
    labels, facts = labels_of(entry, described)
    wrong = [name for name, value in facts.items() if name in described and value != described[name]]
    if wrong:
        return DIFFERS, ", ".join(f"{name} is {facts[name]!r}" for name in wrong)
    if (list(labels.shape), digest(labels)) != (described["shape"], described["sha256"]):
        return DIFFERS, f"{np.sum(labels != kept.arrays[entry])} labels are others"
    is_kept = np.array_equal(labels, kept.arrays[entry])
    return (EQUAL, "") if is_kept else (DIFFERS, "the labels that are stored are not those of its sha256")


def labels_of(entry: str, described: Mapping[str, Any]) -> tuple[NDArray[Any], dict[str, Any]]:
    """Make the labels of an entry, and what files of results say of them."""
    system, dataset, *case = entry.split("/")
    make = {"elr": elr, "rolt": rolt, "dividemix": dividemix, "coteaching": coteaching}[system]
    made, facts = make(case, int(dataset.removeprefix("cifar")), described)
    return made.astype(described["dtype"]), facts


def elr(case: list[str], classes: int, described: Mapping[str, Any]) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Make the labels, or the split, of ELR."""
    kind, rate, *stream = case
    clean, rng = clean_labels(5000, classes), np.random.RandomState(described.get("seed", 0))
    if kind == "train_val_split":
        parts = published.elr_split(clean, classes=classes, rng=rng)
        return parts[rate != "train"], {}
    if kind == "symmetric":
        made = published.elr_symmetric(clean, float(rate), classes=classes, rng=rng)
    elif classes == 10:
        made = published.elr_asymmetric_cifar10(clean, float(rate), rng=rng)
    else:
        made = published.elr_asymmetric_cifar100(clean, float(rate), stream=stream[0] if stream else "numpy<=1.16")
    return made.labels, {
        **told(clean, made),
        "n": len(clean),
        "selected": len(made.selected),
        "next_random_sample": rng.random_sample(),
    }


def rolt(case: list[str], classes: int, described: Mapping[str, Any]) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Make the long-tailed labels of RoLT, and their noise."""
    sampling, kind, rate = case
    profile, factor = sampling.split("_")
    clean, seed = clean_labels(5000, classes), described["seed"]
    rng, draws = np.random.RandomState(seed), random.Random(seed)
    items = published.rolt_sampled(clean, classes=classes, profile=profile, factor=float(factor), rng=rng)
    counts = published.rolt_counts(len(clean), classes=classes, profile=profile, factor=float(factor))
    # Some classes have fewer items than are wanted, for which the original writes labels all the same.
    left = np.repeat(np.arange(len(counts)), counts)
    options: dict[str, Any] = {"classes": classes, "seed": draws}
    if kind == "sym":
        made = published.rolt_symmetric(left, float(rate), **options)
    else:
        made = published.rolt_by_frequency(left, float(rate), rng=rng, inclusive=kind == "new", **options)
    return made.labels, {
        **told(left, made),
        "counts": counts,
        "sha256_of_kept_indices_int64": digest(items),
        "first_kept": items[: len(described["first_kept"])].tolist(),
        "next_numpy_random_sample": rng.random_sample(),
        "next_python_random": draws.random(),
    }


def dividemix(case: list[str], classes: int, described: Mapping[str, Any]) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Make the labels of DivideMix."""
    kind, rate = case
    clean, draws = clean_labels(50_000, classes), random.Random(described["seed"])
    if kind == "sym":
        made = published.dividemix_symmetric(clean, float(rate), classes=classes, seed=draws)
    else:
        made = published.dividemix_asymmetric(clean, float(rate), seed=draws)
    return made.labels, {**told(clean, made), "next_python_random": draws.random()}


def coteaching(case: list[str], classes: int, _: Mapping[str, Any]) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Make the labels of Co-teaching."""
    kind, rate, *stream = case
    clean = clean_labels(5000, classes)
    if kind == "symmetric":
        made = published.coteaching_symmetric(clean, float(rate), classes=classes)
    else:
        which = stream[0] if stream else "numpy>=1.17"
        made = published.coteaching_pairflip(clean, float(rate), classes=classes, stream=which)
    return made.labels, told(clean, made)


def told(clean: NDArray[np.int64], made: published.Relabelled) -> dict[str, Any]:
    """Return what files of results say of labels."""
    return {
        "flipped": float(np.mean(clean != made.labels)),
        "sha256_of_selected_int64": digest(made.selected),
        "first_selected": made.selected[:10].tolist(),
    }


SYSTEMS: Mapping[str, System] = dict.fromkeys(
    ("label_noise", "label_noise_cifar", "label_noise_streams"), System(compare_labels)
)
