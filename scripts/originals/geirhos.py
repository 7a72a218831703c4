"""Geirhos et al. 2018: grey pictures, their noises, filters and spectra, false colours and eidolons."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import corruptgen
from corruptgen.assets.monitor import monitor_light
from corruptgen.assets.supplied import find_supplied
from corruptgen.errors import AssetError, ImageError
from corruptgen.tables import catalog
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
    rewritten,
)

TABLE, OF_EIDOLONS = "geirhos-2018", "geirhos-2018-eidolon"
# The parameter that a condition states; of the others, the level of its name.
STATED = {
    "contrast": "share",
    "uniform_noise": "width",
    "salt_and_pepper": "amount",
    "low_pass": "sigma",
    "high_pass": "sigma",
    "phase_scrambling": "degrees",
}
NAMED = {"bw": 1, "false": 1, "pow": 2, "90": 2, "180": 3, "270": 4}
# The row of each coherence, in tenths.
EIDOLONS = {"10": "eidolonI", "3": "eidolonII", "0": "eidolonIII"}


def compare_degradation(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare a degraded picture, or a file that the original reads."""
    row, condition, *rest = entry.split("/")
    if row == "asset":
        return compare_asset(kept, entry, condition, described)
    [name] = rest
    if row == "phase_scrambling_size":
        return compare_size(kept, entry, described, condition, name)
    if "error" in described:
        return LEFT_OUT, "the original raises an error here"
    try:
        return compare_row(kept, entry, described, TABLE, row, level_of(row, condition), name)
    except AssetError:
        return LEFT_OUT, "it needs the published spectrum, which is not here"


def level_of(row: str, condition: str) -> int:
    """Return the level of a condition that is called as the experiments call it."""
    if row not in STATED:
        return NAMED[condition]
    levels = catalog.preset(TABLE).rows[row].levels
    return 1 + [level.parameters.get(STATED[row]) for level in levels].index(float(condition))


def compare_size(kept: Kept, entry: str, described: Mapping[str, Any], condition: str, name: str) -> Outcome:
    """Compare phase scrambling at another size, which odd sides refuse."""
    height, width = map(int, condition.split("x"))
    table = rewritten(TABLE, kept.folder, condition, {"[[224, 224]]": f"[[{height}, {width}]]"})
    level = level_of("phase_scrambling", "90")
    try:
        return compare_row(kept, entry, described, table, "phase_scrambling", level, name, (height, width))
    except ImageError as error:
        return (EQUAL, "") if "error" in described else (DIFFERS, f"it is refused: {error}")


def compare_row(
    kept: Kept,
    entry: str,
    described: Mapping[str, Any],
    table: str,
    row: str,
    level: int,
    name: str,
    size: tuple[int, int] | None = None,
) -> Outcome:
    """Compare a row at a level."""
    picture = kept.picture(name) if size is None else np.ascontiguousarray(kept.picture(name)[: size[0], : size[1]])
    draws = Replay(described.get("seed", 0), of_torch=False)
    made = corruptgen.corrupt(picture, row, level, preset=table, rng=draws)
    if "next_random_sample" in described and draws.state.random_sample() != described["next_random_sample"]:
        return DIFFERS, "another number of draws was taken"
    if len(described["shape"]) == 2:
        if (made != made[..., :1]).any():
            return DIFFERS, "its channels are not equal"
        made = np.ascontiguousarray(made[..., 0])
    return compare_pixels(kept, entry, described, made, name)


def compare_eidolon(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare an eidolon."""
    _, condition, name = entry.split("/")
    reach, coherence, _ = condition.split("-")
    row = EIDOLONS[coherence]
    reaches = [level.parameters["reach"] for level in catalog.preset(OF_EIDOLONS).rows[row].levels]
    level = 1 + reaches.index(float(reach))
    return compare_row(kept, entry, described, OF_EIDOLONS, row, level, name)


def compare_asset(kept: Kept, entry: str, name: str, described: Mapping[str, Any]) -> Outcome:
    """Compare a file that the original reads with ours."""
    if name == "x_gamma_function":
        is_equal = np.array_equal(kept.arrays[entry].ravel(), monitor_light())
        return (EQUAL, "") if is_equal else (DIFFERS, "the table of the monitor has other values")
    try:
        find_supplied(described["sha256_of_array"], "the mean amplitude spectrum", "Fetch it")
    except AssetError:
        return LEFT_OUT, "the published spectrum is not here"
    return EQUAL, ""


SYSTEMS: Mapping[str, System] = {
    "geirhos_224": System(
        compare_degradation,
        Tolerance({"phase_scrambling/0": "last bits of the Fourier transform and back, cut off"}, share=0.6),
    ),
    "geirhos_eidolon": System(compare_eidolon),
}
