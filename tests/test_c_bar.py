"""ImageNet-C-bar and CIFAR-10-C-bar: the pixels of the original code under its own draws, and the open table."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import skimage.data

import corruptgen
from corruptgen.corruptions.synthetic.fine_grids import FineGrid
from corruptgen.patterns.caustics import seamless_caustics
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
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


OPEN = "natural-bar"
# Dots are pixels in a small image; all other rows are those of a large one, seen from afar.
ALIKE = [row for row in corruptgen.rows(OPEN) if row != "blue_noise_sample"]


def bar(image, row, severity=3, key="a"):
    """Corrupt an image by the open table."""
    return corruptgen.corrupt(image, row, severity, preset=OPEN, key=key)


def shrunk(image, height, width):
    """Average an image within larger pixels."""
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("row", ALIKE)
def test_a_large_picture_that_is_corrupted_and_shrunk_is_like_the_small_one_corrupted(row):
    # Without what is finer than the pixels of the small one, which no warp of that could show.
    large = cv2.resize(photograph(32, 40), (320, 256), interpolation=cv2.INTER_CUBIC)
    small = shrunk(large, 64, 80)

    for key in "ab":
        seen, made = shrunk(bar(large, row, key=key), 64, 80).astype(float), bar(small, row, key=key).astype(float)

        # Far nearer to each other than to the image.
        assert np.abs(seen - made).mean() < 0.4 * np.abs(made - small).mean()


def test_the_open_table_has_the_ten_rows_of_the_benchmark_spelled_right():
    published = {row.replace("cocentric", "concentric") for row in corruptgen.rows("imagenet-c-bar")}

    assert set(catalog.preset(OPEN).groups["imagenet"]) == published
    assert all("aberration" in row for row in corruptgen.rows(OPEN) if "chromatic" in row)


@pytest.mark.parametrize("side", [8, 33, 224])
def test_the_stated_share_of_pixels_is_black_at_every_size(side):
    image = np.full((side, side + 5, 3), 200, np.uint8)

    for level, share in enumerate(catalog.preset(OPEN).content["blue_noise_sample"]["share"], 1):
        black = (bar(image, "blue_noise_sample", level) == 0).mean()

        assert abs(black - share) <= 1 / (side * (side + 5))


def test_squares_cover_half_of_their_share_of_the_image_and_begin_anywhere():
    image = np.full((64, 96, 3), 0, np.uint8)
    shares = catalog.preset(OPEN).content["checkerboard_cutout"]["share"]

    covered = [bar(image, "checkerboard_cutout", 5, key=str(key)).mean() / 128 for key in range(24)]

    assert np.mean(covered) == pytest.approx(shares[4] / 2, abs=0.03)


def test_brown_noise_leaves_the_mean_of_each_channel_and_has_the_stated_strength():
    image = np.full((96, 61, 3), 128, np.uint8)

    noise = bar(image, "brownish_noise", 2).astype(float) - 128

    assert np.abs(noise.mean(axis=(0, 1))).max() < 1
    assert noise.std(axis=(0, 1)) / 255 == pytest.approx(
        catalog.preset(OPEN).content["brownish_noise"]["sigma"][1], rel=0.03
    )


def test_caustics_begin_again_without_a_seam():
    places = np.linspace(0, 1, 200)

    light = seamless_caustics(np.array([[-0.001], [0.001], [0.999], [1.001]]), places[None], 1.3)

    assert np.abs(light[1] - light[3]).max() < 2e-3
    assert np.abs(light[0] - light[2]).max() < 2e-3


@pytest.mark.parametrize("row", ["pinch_and_twirl", "ripple", "water_drop"])
@pytest.mark.parametrize("size", [(8, 8), (64, 150)])
def test_waters_move_masks_and_boxes(row, size):
    assert catalog.preset(OPEN).cell(row, 3).is_geometric

    flat = bar(np.full((*size, 3), 77, np.uint8), row, 5)

    # Nothing enters from outside, at no border and in no leftover of tiles.
    assert (flat == 77).all()


@pytest.mark.parametrize(("row", "level"), [("pinch_and_twirl", 5), ("ripple", 5), ("water_drop", 3)])
def test_waters_do_not_fold_the_image_but_for_steep_rings(row, level):
    cell = catalog.preset(OPEN).cell(row, level)

    for key in range(12):
        warp = cell.corruption.function(np.zeros((150, 96, 1), np.float32), rng_for(0, row, 5, key), **cell.parameters)

        (down_rows, down_columns), (right_rows, right_columns) = np.gradient(warp.down), np.gradient(warp.right)
        area = (1 + down_rows) * (1 + right_columns) - down_columns * right_rows
        assert area.min() > 0.1


def test_a_fine_grid_has_the_same_places_at_every_size():
    means = [FineGrid(side, 2 * side).average(sum(FineGrid(side, 2 * side).places())) for side in (8, 16)]

    assert np.allclose(means[0], means[1].reshape(8, 2, 16, 2).mean(axis=(1, 3)), atol=1e-5)
