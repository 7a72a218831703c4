"""The table imagecorruptions gives the pixels that were proven against imagecorruptions-imaug 1.1.5."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import corruptgen
from corruptgen.errors import AssetError, ImageError
from corruptgen.ops.motion import smear_unnormalised
from tests.replay import imagecorruptions_draws, picture_by_formula, seed_of

# Written by scripts/compare_imagecorruptions.py, which takes in only pixels that are within its promise: equal to those
# of the fork, or one level off in single samples. A cell has a second digest where CPUs differ in a last bit.
GOLDEN = json.loads((Path(__file__).parent / "golden" / "imagecorruptions.json").read_text())["sha256"]
HARD_SIZES = [(32, 32), (32, 500), (500, 32), (33, 47)]


def corrupted(image, row, level):
    """Corrupt with the table under test and the fork's draws; skip where the frost pictures are missing."""
    try:
        draws = imagecorruptions_draws(row, seed_of(level))
        return corruptgen.corrupt(image, row, level, preset="imagecorruptions", rng=draws)
    except AssetError:
        pytest.skip("the frost pictures are not installed")


@pytest.mark.parametrize("cell", GOLDEN)
def test_the_pixels_are_those_that_were_proven_against_the_fork(cell):
    size, row, level = cell.split("/")
    image = picture_by_formula(*map(int, size.split("x")))

    pixels = corrupted(image, row, int(level))

    assert hashlib.sha256(pixels.tobytes()).hexdigest() in GOLDEN[cell]


def test_every_row_and_level_is_proven():
    cells = [cell.split("/", 1) for cell in GOLDEN]
    levels = [f"{row}/{level}" for row in corruptgen.rows("imagecorruptions") for level in range(1, 6)]

    assert {size for size, _ in cells} == {"33x47", "97x131", "224x224"}
    assert cells == [[size, level] for size in dict(cells) for level in levels]


@pytest.mark.parametrize("size", HARD_SIZES, ids=str)
@pytest.mark.parametrize("row", corruptgen.rows("imagecorruptions"))
def test_small_and_narrow_images_work(row, size):
    image = picture_by_formula(*size)

    pixels = corrupted(image, row, 5)

    assert pixels.shape == image.shape
    assert np.any(pixels != image)


def test_an_image_below_the_smallest_size_is_refused():
    with pytest.raises(ImageError, match="32"):
        corrupted(picture_by_formula(31, 64), "fog", 1)


@pytest.mark.parametrize(("width", "kept"), [(41, 1.0), (32, 0.97)])
def test_a_trail_that_leaves_the_image_takes_its_light_along(width, kept):
    grey = np.full((64, width, 3), 200, np.uint8)

    smeared = smear_unnormalised(grey, radius=20, sigma=15, angle=0)

    assert smeared.mean() / grey.mean() == pytest.approx(kept, abs=0.005)
