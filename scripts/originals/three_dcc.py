"""3D Common Corruptions: rows by colour alone, and rows that take a map of depth or of light."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import corruptgen
from corruptgen.tables import catalog
from originals.replay import DIFFERS, LEFT_OUT, WITHIN, Kept, Outcome, Replay, System, Tolerance, compare_pixels

PRESET = "imagenet-3dcc"
CONSTANT = "constant_"
LAST_BITS = "last bits of torch's kernels, cut off"
OF_TORCH = Tolerance({"near_focus": LAST_BITS, "far_focus": LAST_BITS})
# What is said where the part that is stored is equal.
ELSEWHERE = "it has another sha256"


def compare_row(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare an image."""
    row, level, name = entry.split("/")
    if "error" in described:
        return LEFT_OUT, "the original raises an error here"
    if name.startswith(CONSTANT):
        picture = np.full(described["shape"], int(name.removeprefix(CONSTANT)), np.uint8)
        described = {"picture": name, **described}
    else:
        picture = kept.picture(name)
    wanted, planes = catalog.preset(PRESET).rows[row].inputs, planes_of(*picture.shape[:2])
    inputs = {plane: planes[plane] for plane in wanted} or None
    draws = Replay(described.get("seed", 0), of_torch=False)
    made = corruptgen.corrupt(picture, row, int(level), preset=PRESET, rng=draws, inputs=inputs)
    if described.get("next_random_sample", following := draws.state.random_sample()) != following:
        return DIFFERS, "another number of draws was taken"
    outcome, reason = compare_pixels(kept, entry, described, made, name)
    if outcome == DIFFERS and row in OF_TORCH.rows and kept.arrays[entry].shape != made.shape and reason == ELSEWHERE:
        return WITHIN, f"what is stored is equal, and {reason} ({OF_TORCH.rows[row]})"
    return outcome, reason


def planes_of(height: int, width: int) -> dict[str, NDArray[np.float32]]:
    """Return the maps by the formulas that the file of results states."""
    rows, columns = np.mgrid[0:height, 0:width]
    y, x = rows / height, columns / width
    disk = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.04
    depth = (0.05 + 0.25 * (1 - y) + 0.1 * np.sin(3 * x) ** 2 + 0.08 * disk).astype(np.float32)
    return {"depth": depth, "reshading": np.clip(1 - 2 * depth, 0, 1)}


SYSTEMS: Mapping[str, System] = {
    "three_dcc_rgb": System(compare_row),
    "three_dcc_depth": System(compare_row, OF_TORCH),
}
