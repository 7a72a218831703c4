"""The corruptions of pathology patches by Zhang et al. 2022: pixels of the original, in both of its sizes."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data

import corruptgen
from tests.legacy import LegacyDraws

PINS = json.loads((Path(__file__).parent / "golden/pathology.json").read_text("utf-8"))["entries"]
SIZES = {"sihc224": ("pathology-c", 224), "sihc96": ("pathology-c-96", 96)}
# Its JPEG is that of an older library: colours are widened in another way.
ROWS = [row for row in corruptgen.rows("pathology-c") if row != "jpeg_compression"]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("picture", SIZES)
def test_the_pixels_are_those_of_the_original(row, picture):
    preset, side = SIZES[picture]
    image = np.ascontiguousarray(skimage.data.immunohistochemistry()[:side, :side])
    for level in range(1, 6):
        described = PINS[f"{row}/{level}/{picture}"]
        made = corruptgen.corrupt(image, row, level, preset=preset, rng=LegacyDraws(described["seed"]))
        assert hashlib.sha256(made.tobytes()).hexdigest() == described["sha256"], level


def test_a_whole_turn_of_the_hue_leaves_the_image_alone(tmp_path):
    table = tmp_path / "turn.toml"
    table.write_text(
        '[preset]\ntitle = "x"\nlevels = 2\n[hue]\nuse = "hue_rotation"\nturn = [0.5, 1.0]\n', encoding="utf-8"
    )
    image = np.ascontiguousarray(skimage.data.immunohistochemistry()[:64, :64])
    half, whole = (corruptgen.corrupt(image, "hue", level, preset=str(table)).astype(int) for level in (1, 2))
    assert np.abs(whole - image).max() <= 1
    assert np.abs(half - image).max() > 50
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert np.array_equal(corruptgen.corrupt(grey, "hue", 1, preset=str(table)), grey)
