"""CCC: its images, tables of accuracies, paths and streams."""

import hashlib
import io
from collections.abc import Mapping
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import corruptgen
from corruptgen import streams
from originals.replay import (
    DIFFERS,
    EQUAL,
    LEFT_OUT,
    Kept,
    Outcome,
    Replay,
    System,
    Tolerance,
    compare_pixels,
    digest,
    replayed,
)

# A row whose result depends on the processor that the original ran on, and with it what a second row draws and makes.
UNSETTLED = ("defocus_blur", 0.25)
# The kernel is a single 1, and ours leaves the image alone.
NEARLY = Tolerance({"row/defocus_blur/0.25": "last bits of OpenCV's Fourier transform, cut off"}, share=0.6)


def compare_steps(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
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


def compare_walks(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
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


def compare_matrix(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
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


SYSTEMS: Mapping[str, System] = {"ccc": System(compare_steps, NEARLY), "ccc_stream": System(compare_walks)}
