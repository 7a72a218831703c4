"""ImageNet-C-bar and CIFAR-10-C-bar: the pixels of the original code under its own draws."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data

import corruptgen
from tests.legacy import LegacyDraws
from tests.pictures import photograph

PINS = json.loads((Path(__file__).parent / "golden/c_bar.json").read_text("utf-8"))
DATA = Path(corruptgen.__file__).parent / "tables/data"
# The table of each system, and what is changed in it for images of another size.
TABLES = {
    "imagenet_c_bar": ("imagenet-c-bar", {}),
    "cifar10_c_bar": ("cifar-c-bar", {}),
    "pool": ("c-bar-candidates", {}),
    "imagenet_c_bar_at_32": ("imagenet-c-bar", {"[[224, 224]]": "[[32, 32]]"}),
    "cifar10_rows_at_224": ("cifar-c-bar", {"[[32, 32]]": "[[224, 224]]", "tiles = 3": "tiles = 5"}),
}
STILL = {"circular_motion_blur", "bleach_bypass", "technicolor", "color_dither"}
# In CI the small ones of one picture, and those of flat areas, on which single precision shows.
ENTRIES = [
    pytest.param(name, marks=[] if name.endswith(("/s32a", "/s224f")) else pytest.mark.long) for name in PINS["entries"]
]


@pytest.mark.parametrize("name", ENTRIES)
def test_the_pixels_are_those_of_the_original(name, tmp_path):
    system, row, level, picture = name.split("/")
    seed, expected, following = PINS["entries"][name]
    image = np.ascontiguousarray(eval(PINS["pictures"][picture], {"skimage": SimpleNamespace(data=skimage.data)}))
    preset, changes = TABLES[system]
    text = (DATA / f"{preset}.toml").read_text("utf-8")
    for before, after in changes.items():
        text = text.replace(before, after)
    table = tmp_path / "table.toml"
    table.write_text(text, "utf-8")
    draws = LegacyDraws(seed)
    made = corruptgen.corrupt(image, row, int(level), preset=str(table), rng=draws)
    assert hashlib.sha256(made.tobytes()).hexdigest() == expected
    assert draws.random() == following


@pytest.mark.parametrize("preset", ["imagenet-c-bar", "cifar-c-bar", "c-bar-candidates"])
def test_keys_replace_the_seeds_that_the_original_draws(preset):
    side = 224 if preset == "imagenet-c-bar" else 32
    image = photograph(side, side)
    for row in corruptgen.rows(preset):
        one, same, *others = (corruptgen.corrupt(image, row, 3, preset=preset, key=key) for key in "aabcdef")
        assert np.array_equal(one, same)
        assert row in STILL or any(not np.array_equal(one, other) for other in others), row
