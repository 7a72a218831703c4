"""What the original code was run on: which picture, table and seed belong to each of its results."""

from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import corruptgen
from tests.legacy import LegacyDraws

GOLDEN = Path(__file__).parent / "golden"
PRESETS = {"224": "imagenet-c", "299": "imagenet-c-299", "64": "imagenet-c-64", "cifar": "cifar-c"}
SIDES = {"224": 224, "299": 299, "64": 64, "cifar": 32}
LEVELS = range(1, 6)
# The results of these rows were kept twice: as the ImageMagick of 2018 gives them, and as newer ones do.
IMAGEMAGICK_ROWS = ("motion_blur", "snow")
ROUNDED = "@im_round"


@lru_cache
def picture(side: int) -> NDArray[np.uint8]:
    """Give the picture that the original was run on: waves, noise and flat patches."""
    stored = GOLDEN / f"in_{side}.npy"
    if stored.exists():
        return np.load(stored)
    row, column = np.mgrid[:side, :side] / side
    waves = [
        np.sin(2 * np.pi * (3 * column + 0.2)),
        np.cos(2 * np.pi * (2 * row + column)),
        np.sin(2 * np.pi * (column**2 + 2 * row**2)),
    ]
    noise = np.random.RandomState(20240000 + side).normal(0, 12, (side, side, 3))
    made = 127 + 90 * np.stack(waves, 2) + noise
    made[side // 4 : side // 2, side // 3 : 2 * side // 3] = (230, 40, 60)
    made[side // 2 : 3 * side // 4, side // 8 : side // 2] = 15
    made[5 * side // 8 : 7 * side // 8, 5 * side // 8 : 7 * side // 8] = 250
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def names() -> list[str]:
    """List the originals' results as "variant/row/level", the row with `ROUNDED` where ImageMagick rounds."""
    return [
        f"{variant}/{row}{mark}/{level}"
        for variant, preset in PRESETS.items()
        for row in corruptgen.rows(preset)
        for mark in (("", ROUNDED) if row in IMAGEMAGICK_ROWS else ("",))
        for level in LEVELS
    ]


def replayed(name: str, tables: Path) -> NDArray[np.uint8]:
    """Make a result of that name with the original's draws.

    Parameters
    ----------
    name : one of `names()`
    tables : an empty directory, for the tables of an ImageMagick that truncates
    """
    variant, row, level = name.split("/")
    row, _, mark = row.partition("@")
    preset = PRESETS[variant]
    if row in IMAGEMAGICK_ROWS and not mark:
        preset = str(_truncating(preset, tables))
    draws = LegacyDraws(100 + int(level))
    return corruptgen.corrupt(picture(SIDES[variant]), row, int(level), preset=preset, rng=draws)


def _truncating(preset: str, tables: Path) -> Path:
    table = tables / f"{preset}-truncated.toml"
    if not table.exists():
        text = (resources.files("corruptgen") / "tables" / "data" / f"{preset}.toml").read_text(encoding="utf-8")
        table.write_text(text.replace('quantum = "rounded"', 'quantum = "truncated"'), encoding="utf-8")
    return table
