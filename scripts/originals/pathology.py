"""Zhang et al. 2022: corruptions of pathology patches."""

from collections.abc import Mapping
from typing import Any

import corruptgen
from originals.replay import LEFT_OUT, Kept, Outcome, Replay, System, Tolerance, compare_pixels

PRESETS = {224: "pathology-c", 96: "pathology-c-96"}
# The same quality and the same halved colours, which libjpeg-turbo of newer packages widens in another way.
OF_LIBJPEG = Tolerance({"jpeg_compression": "colours as widened by libjpeg 9"}, levels=25, share=0.4)


def compare_patch(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare a corrupted patch."""
    row, level, picture = entry.split("/")
    preset = PRESETS[described["shape"][0]]
    if row not in corruptgen.rows(preset):
        return LEFT_OUT, f"{preset} does not have this row, whose picture has no licence"
    draws = Replay(described["seed"], of_torch=False)
    made = corruptgen.corrupt(kept.picture(picture), row, int(level), preset=preset, rng=draws)
    return compare_pixels(kept, entry, described, made, picture)


SYSTEMS: Mapping[str, System] = {"pathology_z22": System(compare_patch, OF_LIBJPEG)}
