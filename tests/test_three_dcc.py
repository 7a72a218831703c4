"""3D Common Corruptions: the pixels of the original under its own draws and maps, and what its formulas promise."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from scipy import ndimage

import corruptgen
from corruptgen.ops.ordered_sums import exponentials
from tests.legacy import LegacyDraws
from tests.pictures import photograph

PINS = json.loads((Path(__file__).parent / "golden/three_dcc.json").read_text("utf-8"))
PRESET = "imagenet-3dcc"
ENTRIES = [
    pytest.param(name, marks=[] if name.endswith(("/s32a", "/3/s224b", "constant_128")) else pytest.mark.long)
    for name in PINS["entries"]
]


def picture_of(name):
    """Return the picture of an entry."""
    if name.startswith("constant_"):
        return np.full((32, 32, 3), int(name.removeprefix("constant_")), np.uint8)
    # Slices of scikit-image's own pictures.
    return np.ascontiguousarray(eval(PINS["pictures"][name], {"skimage": SimpleNamespace(data=skimage.data)}))


def maps(height, width):
    """Return depth and reshading as they were made for the original."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    disk = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.04
    depth = (0.05 + 0.25 * (1 - y) + 0.1 * np.sin(3 * x) ** 2 + 0.08 * disk).astype(np.float32)
    return {"depth": depth, "reshading": np.clip(1 - 2 * depth, 0, 1)}


def corrupt(image, row, level, **options):
    """Corrupt an image with those of the maps that a row takes."""
    name = {"flash": "reshading", "fog_3d": "depth", "near_focus": "depth", "far_focus": "depth"}.get(row)
    inputs = {name: maps(*image.shape[:2])[name]} if name else None
    return corruptgen.corrupt(image, row, level, preset=PRESET, inputs=inputs, **options)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_pixels_are_those_of_the_original(name):
    row, level, picture = name.split("/")
    seed, expected, following = PINS["entries"][name]
    draws = LegacyDraws(seed or 0)
    made = corrupt(picture_of(picture), row, int(level), rng=draws)
    assert hashlib.sha256(made.tobytes()).hexdigest() == expected
    assert following is None or draws.random() == following


@pytest.mark.parametrize(("row", "level", "focus"), [("near_focus", 2, 0), ("far_focus", 4, 7)])
def test_each_pixel_is_mixed_of_the_blurs_of_the_two_depths_beside_its_own(row, level, focus):
    image, depth = photograph(96, 128), maps(96, 128)["depth"].astype(np.float64)
    aperture = (level + 2, level + 0.5)[focus > 0]
    planes = np.quantile(depth, np.linspace(0, 1, 9))
    planes[[0, 8]] += (-1e-4, 1e-4)
    unit, mixed, whole = image / 255, 0, 0
    for k, plane in enumerate(planes):
        radius = aperture * abs(plane - planes[focus]) / plane
        reach = int(3 * radius) // 2
        blurred = (
            ndimage.gaussian_filter(unit, (radius, radius, 0), mode="nearest", radius=(reach, reach, 0))
            if reach
            else unit
        )
        for other in (k - 1, k + 1):
            if 0 <= other <= 8:
                low, high = sorted((plane, planes[other]))
                share = 1 - ((depth - plane) / (high - low)) ** 2
                within = ((depth > low) & (depth <= high))[..., None]
                mixed, whole = mixed + within * share[..., None] * blurred, whole + within * share[..., None]
    cut_off = mixed / whole * 255 - corrupt(image, row, level)
    assert cut_off.min() > -1e-3
    assert cut_off.max() < 1 + 1e-3


def test_the_plane_in_focus_is_sharp_and_the_far_end_is_not():
    image = photograph(96, 128)
    depth = np.tile(np.linspace(0.1, 0.5, 128, dtype=np.float32), (96, 1))
    made = corruptgen.corrupt(image, "near_focus", 5, preset=PRESET, inputs={"depth": depth})
    changed = np.abs(made.astype(int) - image).mean((0, 2))
    assert changed[0] < 1
    assert changed[-10:].mean() > 3


def test_an_image_of_one_value_is_dark_in_low_light_where_the_original_fails():
    for value in (0, 128, 255):
        made = corrupt(np.full((32, 32, 3), value, np.uint8), "low_light", 3, key="a")
        assert made.mean() < 5


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_maps_of_one_depth_are_no_error(value):
    image = photograph(32, 48)
    depth = np.full((32, 48), value)
    for row in ("near_focus", "far_focus", "fog_3d"):
        made = corruptgen.corrupt(image, row, 5, preset=PRESET, inputs={"depth": depth})
        assert made.shape == image.shape


def test_exponentials_are_those_of_float64_to_the_last_bit_of_float32():
    values = np.random.RandomState(1843956201).uniform(-60, 30, 100_000).astype(np.float32)
    values[:6] = [0, -0.0, np.inf, -np.inf, 1000, -1000]

    with np.errstate(over="ignore"):
        expected = np.exp(values.astype(np.float64)).astype(np.float32)

    assert np.array_equal(exponentials(values), expected)
    assert np.isnan(exponentials(np.array([np.nan], np.float32))).all()
