"""OpticsBench: its stacks of kernels, the public generator, and images."""

import os
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

import corruptgen
from corruptgen.assets.textures import DIRECTORY_VARIABLE
from corruptgen.ops.wavefronts import aberration_kernels
from corruptgen.tables import catalog
from originals.replay import DIFFERS, EQUAL, Kept, Outcome, System, compare_pixels, digest, rewritten

# In the order of the original's numbers, of which the first is 3.
TERMS = (
    "defocus",
    "vertical_astigmatism",
    "oblique_astigmatism",
    "horizontal_coma",
    "vertical_coma",
    "spherical",
    "oblique_trefoil",
    "vertical_trefoil",
)
FIRST = 3
TABLES = {"iccvw": "optics-bench-iccvw", "rg_iccvw": "optics-bench-rg"}
BORDERS = {"zeros": "zeros", "reflect": "mirror"}


class Choices:
    """Python's `random.choice` of two things, as the draws of a row."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integers(self, low: int) -> int:
        """Draw from 0 to `low`, which is left out."""
        return self._random.choice(range(low))


def compare_optics(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare kernels, choices of one of two, or an image."""
    kind, *rest = entry.split("/")
    match kind:
        case "stack":
            return compare_stack(kept, entry, described)
        case "generated":
            return compare_generated(described)
        case "batch":
            return compare_choices(described, *rest)
    return compare_image(kept, entry, described, *rest)


def compare_stack(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare the digest of a stack with the one that tables find it by."""
    stack = kept.arrays[entry]
    named = catalog.preset(TABLES[entry.removeprefix("stack/")]).content["coma"]["kernels"]
    is_equal = digest(stack) == described["sha256"] == named
    return (EQUAL, "") if is_equal else (DIFFERS, "it is another stack than that of the table")


def compare_generated(described: Mapping[str, Any]) -> Outcome:
    """Compare all kernels of the public generator with ours."""
    waves = {term: catalog.preset("optics-bench").content[term]["waves"] for term in TERMS}
    made = np.stack([np.stack([aberration_kernels(term, value) for value in waves[term]]) for term in TERMS])
    return (EQUAL, "") if digest(made) == described["sha256"] else (DIFFERS, "kernels are others")


def compare_choices(described: Mapping[str, Any], mode: str, _: str) -> Outcome:
    """Compare which of two aberrations each place of a batch has."""
    drawn = catalog.preset("optics-bench").content[mode]
    terms, draws = (drawn["first"], drawn["second"]), Choices(described["seed"])
    expected = described["coefficients_of_the_64_places_of_every_batch"]
    made = [FIRST + TERMS.index(terms[draws.integers(len(terms))]) for _ in expected]
    return (EQUAL, "") if made == expected else (DIFFERS, f"the places have {made}")


def compare_image(
    kept: Kept, entry: str, described: Mapping[str, Any], stack: str, border: str, number: str, level: str, name: str
) -> Outcome:
    """Compare an image, or the corner of one."""
    if not (path := kept.folder / f"{stack}.npy").exists():
        np.save(path, kept.arrays[f"stack/{stack}"])
    before = os.environ.get(DIRECTORY_VARIABLE)
    os.environ[DIRECTORY_VARIABLE] = str(kept.folder)
    try:
        changes = {'border = "zeros"': f'border = "{BORDERS[border]}"'}
        table = rewritten(TABLES[stack], kept.folder, f"{stack}-{border}", changes)
        row = TERMS[int(number) - FIRST]
        made = corruptgen.corrupt(kept.picture(name), row, int(level), preset=table)
    finally:
        os.environ.pop(DIRECTORY_VARIABLE)
        if before is not None:
            os.environ[DIRECTORY_VARIABLE] = before
    if not entry.startswith("corner"):
        return compare_pixels(kept, entry, described, made, name)
    corner = made[: described["shape"][0], : described["shape"][1]]
    return compare_pixels(kept, entry, {"picture": name, **described}, corner, name)


SYSTEMS: Mapping[str, System] = {"optics_bench": System(compare_optics)}
