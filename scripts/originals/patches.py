"""ViT_Patch_Robustness: ImageNet-C within each cell of a grid."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import corruptgen
from originals.replay import (
    DIFFERS,
    LEFT_OUT,
    Kept,
    Outcome,
    Replay,
    System,
    compare_pixels,
    digest,
    replayed,
    rewritten,
)


def compare_patches(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
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


SYSTEMS: Mapping[str, System] = {"cpatch": System(compare_patches)}
