"""AVRobustBench: the pixels of the original code under its own draws, and what stands in place of what it lacks."""

import hashlib
import importlib.resources
import json
import random
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

import corruptgen
from corruptgen.errors import AssetError
from corruptgen.ops.affine import Rotation
from corruptgen.ops.warp import Succession
from corruptgen.patterns.figures import GROUPS, crowd_cutout
from corruptgen.sources.label_masks import move_labels
from tests.legacy import LegacyDraws
from tests.pictures import photograph

PINS = json.loads((Path(__file__).parent / "golden/avrobust.json").read_text("utf-8"))
IMAGE = photograph(224, 224)
# In CI those of one picture, and of one more where single precision or rounding shows.
ENTRIES = [
    pytest.param(name, marks=[] if name.endswith("/s224a") and name[-7] in "245" else pytest.mark.long)
    for name in PINS["entries"]
]


class TwoGenerators(LegacyDraws):
    """Draws of numpy's global generator and, for two rows, of Python's."""

    def __init__(self, seed, row):
        super().__init__(seed)
        self.python = random.Random(seed)
        self.is_python = row in ("rain", "interference")

    def uniform(self, low=0.0, high=1.0, size=None):
        return self.python.uniform(low, high) if self.is_python else super().uniform(low, high, size)

    def integers(self, low, high=None, size=None):
        return self.python.randrange(low, high) if self.is_python else super().integers(low, high, size)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_pixels_are_those_of_the_original(name):
    row, level, picture = name.split("/")
    seed, expected, *following = PINS["entries"][name]
    image = np.ascontiguousarray(eval(PINS["pictures"][picture], {"skimage": SimpleNamespace(data=skimage.data)}))
    common = TwoGenerators(seed, row)
    draws = np.random.default_rng(seed) if row == "impulse" else common
    try:
        made = corruptgen.corrupt(image, row.removesuffix("_repaired"), int(level), preset="avrobust", rng=draws)
    except AssetError as error:
        pytest.skip(str(error))
    assert hashlib.sha256(made.tobytes()).hexdigest() == expected
    assert [common.random(), common.python.random()] == following


def test_people_are_pasted_within_the_image_and_leave_the_rest_alone():
    for level, share in zip((1, 3, 5), (0.1, 0.3, 0.5), strict=True):
        changed = np.zeros((224, 224), bool)
        for key in "abcdef":
            made = corruptgen.corrupt(IMAGE, "crowd", level, preset="avrobust", key=key)
            rows, columns = np.nonzero((made != IMAGE).any(axis=-1))
            assert np.ptp(rows) < int(224 * share)
            assert np.ptp(columns) < int(224 * share)
            changed[rows, columns] = True
        assert changed.mean() > share**2


def test_the_drawn_people_are_six_groups_that_stand_on_the_lower_border():
    cutouts = [crowd_cutout(number) for number in range(len(GROUPS))]
    assert len({cutout.tobytes() for cutout in cutouts}) == 6
    for cutout in cutouts:
        assert (cutout[-1, :, 3] == 255).mean() > 0.2
        assert cutout[0, :, 3].max() == 0


def test_cut_outs_of_the_user_are_found_by_their_sha256_with_red_and_blue_exchanged(tmp_path, monkeypatch):
    names = []
    for number in range(2):
        cutout = np.zeros((20, 30, 4), np.uint8)
        cutout[:] = (200, 100 * number, 10, 255)
        path = tmp_path / f"{number}.png"
        Image.fromarray(cutout).save(path)
        names.append(hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv("CORRUPTGEN_TEXTURES", str(tmp_path))
    text = (importlib.resources.files("corruptgen") / "tables/data/avrobust.toml").read_text("utf-8")
    table = tmp_path / "mine.toml"
    table.write_text(text.replace('cutouts = "drawn"', f'cutouts = "{" ".join(names)}"'), "utf-8")
    seen = set()
    for key in "abcdefgh":
        made = corruptgen.corrupt(IMAGE, "crowd", 2, preset=str(table), key=key)
        [colour] = np.unique(made[(made != IMAGE).any(axis=-1)], axis=0).tolist()
        seen.add(tuple(colour))
    assert seen == {(10, 0, 200), (10, 100, 200)}
    monkeypatch.delenv("CORRUPTGEN_TEXTURES")
    table.write_text(table.read_text("utf-8").replace(names[0], "0" * 64).replace(names[1], "1" * 64), "utf-8")
    with pytest.raises(AssetError, match="cut-out"):
        corruptgen.corrupt(IMAGE, "crowd", 2, preset=str(table), key="a")


@pytest.mark.parametrize("degrees", [-35, 11, 90])
def test_masks_and_boxes_turn_with_the_image(degrees):
    image = np.zeros((80, 60, 3), np.uint8)
    image[30:33, 20:23] = 255
    turn = Rotation(degrees, (80, 60))
    moved = turn.moved(image)
    [row, column] = turn.arrivals(np.array([[31.0, 21.0]]))[0]
    assert moved[round(row), round(column)].min() == 255
    assert np.allclose(turn.origins(np.array([[row, column]])), [[31.0, 21.0]])
    assert np.array_equal(moved[..., :1], turn.moved(image[..., :1]))
    labels = move_labels(np.full((80, 60), 7, np.uint8), Succession((turn,)))
    assert np.array_equal(labels, turn.moved(np.full((80, 60, 1), 7, np.uint8))[..., 0])


def test_red_and_blue_stay_exchanged_under_water():
    red = np.full((224, 224, 3), (255, 0, 0), np.uint8)
    made = corruptgen.corrupt(red, "underwater", 5, preset="avrobust")
    assert np.array_equal(np.unique(made.reshape(-1, 3), axis=0), [[15, 15, 124]])
    assert cv2.getGaussianKernel(11, 0).size == 11


def test_wind_is_the_motion_blur_of_imagenet_c_with_truncated_bytes():
    made = corruptgen.corrupt(IMAGE, "wind", 2, preset="avrobust", rng=LegacyDraws(5))
    published = corruptgen.corrupt(IMAGE, "motion_blur", 2, preset="imagenet-c", rng=LegacyDraws(5))
    difference = published.astype(int) - made
    assert set(np.unique(difference)) == {0, 1}
