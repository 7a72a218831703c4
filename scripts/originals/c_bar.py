"""ImageNet-C-bar, CIFAR-10-C-bar and the other candidates."""

from collections.abc import Mapping
from typing import Any

import corruptgen
from originals.replay import DIFFERS, LEFT_OUT, Kept, Outcome, Replay, System, compare_pixels, rewritten

# The tables of C-bar, and what is changed in them for other sizes.
BAR: Mapping[str, tuple[str, dict[str, str]]] = {
    "imagenet_c_bar": ("imagenet-c-bar", {}),
    "cifar10_c_bar": ("cifar-c-bar", {}),
    "pool": ("c-bar-candidates", {}),
    "imagenet_c_bar_at_32": ("imagenet-c-bar", {"sizes = [[224, 224]]": "sizes = [[32, 32]]"}),
    "cifar10_rows_at_224": ("cifar-c-bar", {"sizes = [[32, 32]]": "sizes = [[224, 224]]", "tiles = 3": "tiles = 5"}),
}


def compare_bar(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
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


SYSTEMS: Mapping[str, System] = dict.fromkeys(
    ("c_bar_32", "c_bar_224", "c_bar_flat_224", "c_bar_candidates_32"), System(compare_bar)
)
