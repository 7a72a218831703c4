"""What the original code was run on: which picture, table and seed belong to each of its results."""

import importlib
import json
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import corruptgen
from corruptgen.ops.colour import LUMA
from tests.legacy import LegacyDraws

GOLDEN = Path(__file__).parent / "golden"
PRESETS = {"224": "imagenet-c", "299": "imagenet-c-299", "64": "imagenet-c-64", "cifar": "cifar-c"}
SIDES = {"224": 224, "299": 299, "64": 64, "cifar": 32}
LEVELS = range(1, 6)
# The results of these rows were kept twice: as the ImageMagick of 2018 gives them, and as newer ones do.
IMAGEMAGICK_ROWS = ("motion_blur", "snow")
ROUNDED = "@im_round"
# Photographs that the original was run on too, as scikit-image ships them.
PHOTOGRAPHS = {"rocket": "rocket", "coffee": "coffee", "ihc": "immunohistochemistry"}
PHOTOGRAPH_PINS = GOLDEN / "photographs_2018.json"


@lru_cache
def picture(side: int) -> NDArray[np.uint8]:
    """Return the picture that the original was run on: waves, noise and flat patches."""
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


@lru_cache
def photograph(name: str, side: int) -> NDArray[np.uint8]:
    """Return the square centre of one of `PHOTOGRAPHS`, resized."""
    whole = getattr(data, PHOTOGRAPHS[name])()
    height, width = whole.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    centre = Image.fromarray(whole[top : top + edge, left : left + edge])
    return np.asarray(centre.resize((side, side), Image.Resampling.BICUBIC))


def photograph_digests() -> dict[str, str]:
    """Read the digests of the original's results on photographs, by "variant/photograph/row/level/seed"."""
    digests: dict[str, str] = json.loads(PHOTOGRAPH_PINS.read_text(encoding="utf-8"))["sha256"]
    return {name: digest for name, digest in digests.items() if not name.startswith("in/")}


def replay_photograph(name: str, tables: Path) -> NDArray[np.uint8]:
    """Repeat a result on a photograph with the original's draws; its ImageMagick truncated.

    Parameters
    ----------
    name : one of `photograph_digests()`
    tables : a directory for the tables of an ImageMagick that truncates
    """
    variant, which, row, level, seed = name.split("/")
    preset = str(_truncating(PRESETS[variant], tables)) if row in IMAGEMAGICK_ROWS else PRESETS[variant]
    image = photograph(which, SIDES[variant])
    return corruptgen.corrupt(image, row, int(level), preset=preset, rng=LegacyDraws(int(seed)))


def grey_photograph(name: str, side: int) -> NDArray[np.uint8]:
    """Return the green channel of a photograph as a colour image: every pixel of it is grey."""
    return np.repeat(photograph(name, side)[..., 1:2], 3, axis=2)


def snow(
    image: NDArray[np.uint8], variant: str, level: int, luma: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.uint8]:
    """Let it snow with the original's draws and another way to add up the luma."""
    with mock.patch.object(importlib.import_module("corruptgen.corruptions.natural.snow"), "luma", luma):
        return corruptgen.corrupt(image, "snow", level, preset=PRESETS[variant], rng=LegacyDraws(100 + level))


def fused_luma(order: tuple[int, ...]) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a luma that adds the channels in this order with fused multiply-adds, as processors with FMA may."""

    def luma(image: NDArray[np.float32]) -> NDArray[np.float32]:
        channels = np.moveaxis(image.astype(np.float32), 2, 0)
        grey: NDArray[np.float32] = channels[order[0]] * LUMA[order[0]]
        for channel in order[1:]:
            # The product of two float32 is exact in float64, so that this rounds once, as the instruction does.
            grey = (channels[channel].astype(np.float64) * np.float64(LUMA[channel]) + grey).astype(np.float32)
        return grey

    return luma


def _truncating(preset: str, tables: Path) -> Path:
    table = tables / f"{preset}-truncated.toml"
    if not table.exists():
        text = (resources.files("corruptgen") / "tables" / "data" / f"{preset}.toml").read_text(encoding="utf-8")
        table.write_text(text.replace('quantum = "rounded"', 'quantum = "truncated"'), encoding="utf-8")
    return table
