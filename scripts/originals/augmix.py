"""AugMix: its operations, each with a level and a sign that it draws, and pictures mixed of chains of them."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.tables import catalog
from corruptgen.transforms.augmix import DISJOINT, OPERATIONS
from originals.replay import DIFFERS, Kept, Outcome, Replay, System, compare_pixels

MIXED = re.compile(r"severity(\d+)_width(\d+)_depth(-?\d+)")
MEAN, DEVIATION = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2023, 0.1994, 0.2010])
LEAST = 0.1
STEADY = ("autocontrast", "equalize")
CHAIN = (1, 4)  # operations, the last one left out


def compare_augmix(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare one operation, or a mixture."""
    kind, what, strength, name = entry.split("/")
    picture, draws = kept.picture(name), Replay(described["seed"], of_torch=False)
    if kind == "op":
        table = catalog.preset("augmix-operations")
        row = table.row(what)
        # The original draws the level of each use, before the sign.
        parameters = {} if what in STEADY else {"level": draws.state.uniform(LEAST, int(strength))}
        made = row.cell_with(parameters, 1.0, table.sizes).apply(picture, draws)
    else:
        severity, width, depth = map(int, MIXED.findall(what)[0])
        made = mixed(picture, severity, width, depth, draws.state)
    if draws.state.random_sample() != described["next_random_sample"]:
        return DIFFERS, "another number of draws was taken"
    return compare_pixels(kept, entry, described, made, name)


def mixed(
    picture: NDArray[np.uint8], severity: int, width: int, depth: int, state: np.random.RandomState
) -> NDArray[np.uint8]:
    """Mix chains of our operations as the original does: of normalised pictures, at weights of float32."""
    weights, share = state.dirichlet([1.0] * width).astype(np.float32), np.float32(state.beta(1.0, 1.0))
    clean = (picture / 255).astype(np.float32)
    mixture = np.zeros_like(clean)
    for weight in weights:
        image = clean
        for _ in range(depth if depth > 0 else state.randint(*CHAIN)):
            name = tuple(DISJOINT)[state.randint(0, len(DISJOINT))]
            image = operation(name, np.clip(image * 255.0, 0, 255).astype(np.uint8), severity, state) / 255.0
        mixture += (weight * (image - MEAN) / DEVIATION).astype(np.float32)
    result = (1 - share) * ((clean - MEAN) / DEVIATION) + share * mixture
    return np.rint(255 * (result * DEVIATION + MEAN)).astype(np.uint8)


def operation(name: str, image: NDArray[np.uint8], severity: int, state: np.random.RandomState) -> NDArray[np.uint8]:
    """Do one operation with the draws that it takes."""
    draws_level, draws_sign = name not in STEADY, name.startswith(("rot", "shear", "trans"))
    level = state.uniform(LEAST, severity) if draws_level else 0.0
    sign = -1 if draws_sign and state.uniform() > 0.5 else 1
    return OPERATIONS[name](image, level, sign)


SYSTEMS: Mapping[str, System] = {"augmix": System(compare_augmix)}
