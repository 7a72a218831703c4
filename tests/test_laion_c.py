"""LAION-C: the pixels of the original code under its own draws, and the tiles that are drawn or supplied."""

import hashlib
import importlib.resources
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.color
import skimage.data
from PIL import Image

import corruptgen
from corruptgen.assets.photo_bank import read_photo_bank
from corruptgen.errors import AssetError
from corruptgen.patterns.tiles import tile_bank, tile_tree
from corruptgen.tables import catalog
from tests.legacy import LegacyDraws
from tests.pictures import photograph

GOLDEN = Path(__file__).parent / "golden"
PINS = json.loads((GOLDEN / "laion_c.json").read_text("utf-8"))
TEXT = (importlib.resources.files("corruptgen") / "tables/data/laion-c.toml").read_text("utf-8")
VIEW = 'view = { resize = 256, crop = 224, interpolation = "bilinear" }\n'
IMAGE = photograph(300, 270)
# In CI whole pictures and one image of a batch of one.
ENTRIES = [
    pytest.param(name, marks=[] if name.startswith("pipeline") or name.endswith("/2/s224a") else pytest.mark.long)
    for name in PINS["entries"]
]


class Batch(LegacyDraws):
    """The draws of the images of one batch: what is drawn for all of them at once, each gets its part of."""

    def __init__(self, seed, images, ahead):
        super().__init__(seed)
        self.ahead = [super(Batch, self).integers(0, high, (images, *size)) for high, size in ahead]
        self.board = None

    def begin(self, image):
        self.parts = [drawn[image] for drawn in self.ahead]

    def integers(self, low, high=None, size=None):
        return self.parts.pop(0) if self.parts else super().integers(low, high, size)

    def uniform(self, low=0.0, high=1.0, size=None):
        self.board = super().uniform(low, high, size) if self.board is None else self.board
        return self.board


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    """Return a folder with the banks that the original was run with, as files of the user's."""
    folder = tmp_path_factory.mktemp("banks")
    with np.load(GOLDEN / "laion_c_banks.npz") as stored:
        for side in stored.files:
            np.save(folder / f"of {side}.npy", stored[side])
    return folder


@pytest.mark.parametrize("name", ENTRIES)
def test_the_pixels_are_those_of_the_original(name, banks, tmp_path, monkeypatch):
    monkeypatch.setenv("CORRUPTGEN_TEXTURES", str(banks))
    row, level, together = name.removeprefix("pipeline/").split("/")
    seed, expected, following, side = PINS["entries"][name]
    text = TEXT.replace('tiles = "drawn"', f'tiles = "{PINS["banks"][side]}"') if side else TEXT
    if not name.startswith("pipeline/"):
        text = text.replace(VIEW, "").replace("resize = [256, 252, 256, 256, 252]", "resize = 0")
    table = tmp_path / "table.toml"
    table.write_text(text, "utf-8")
    pictures = together.split("+")
    parameters = catalog.cell("laion-c", row, int(level)).parameters
    ahead = [(192, (parameters["count"],)), (208, (parameters["count"], 2))] if row == "stickers" else []
    draws, made = Batch(seed, len(pictures), ahead), []
    for number, picture in enumerate(pictures):
        names = {"skimage": SimpleNamespace(data=skimage.data, color=skimage.color)}
        image = np.ascontiguousarray(eval(PINS["pictures"][picture], names))
        draws.begin(number)
        made.append(corruptgen.corrupt(image, row, int(level), preset=str(table), rng=draws))
    result = np.stack(made) if len(made) > 1 else made[0]
    assert hashlib.sha256(result.tobytes()).hexdigest() == expected
    assert draws.random() == following


@pytest.mark.parametrize("side", [4, 16])
def test_drawn_tiles_are_of_every_colour_and_no_two_have_one(side):
    bank = tile_bank("drawn", side)
    means = bank.mean(axis=(1, 2))
    assert bank.shape == (4096, side, side, 3)
    assert len(np.unique(means, axis=0)) == 4096
    colours = np.random.RandomState(1843956201).uniform(0.03, 0.97, (200, 3))
    distances, _ = tile_tree("drawn", side).query(colours)
    assert distances.max() < 0.075
    assert bank.std(axis=(1, 2)).mean() > 10


def test_a_mosaic_has_the_colours_of_the_picture_cell_by_cell():
    clean = corruptgen.corrupt(IMAGE, "mosaic", 0, preset="laion-c")
    made = corruptgen.corrupt(IMAGE, "mosaic", 3, preset="laion-c")
    means = [image.reshape(28, 8, 28, 8, 3).mean(axis=(1, 3)) for image in (clean, made)]
    assert np.abs(means[0] - means[1]).mean() < 8


def test_every_image_has_the_same_glitch_and_every_other_row_is_black():
    made = [corruptgen.corrupt(IMAGE, "glitched", 3, preset="laion-c", key=key) for key in "ab"]
    assert np.array_equal(*made)
    assert made[0][::2].max() == 0
    assert made[0][1::2].max() > 100


def test_a_bank_of_photographs_is_made_in_the_order_of_names_and_found_by_its_sha256(tmp_path, monkeypatch):
    photographs = tmp_path / "photographs" / "cats"
    photographs.mkdir(parents=True)
    for number, (name, size) in enumerate({"b.jpg": (300, 400), "a.PNG": (500, 260), "c.txt": (1, 1)}.items()):
        with open(photographs / name, "wb") as file:
            Image.new("RGB", size, (90 * number, 60, 200)).save(file, "PNG")
    bank = read_photo_bank(tmp_path / "photographs", 16)
    assert bank.shape == (2, 16, 16, 3)
    assert bank[:, 8, 8, 0].tolist() == [90, 0]
    np.save(tmp_path / "mine.npy", bank)
    monkeypatch.setenv("CORRUPTGEN_TEXTURES", str(tmp_path))
    table = tmp_path / "mine.toml"
    table.write_text(TEXT.replace('"drawn"', f'"{hashlib.sha256(bank.tobytes()).hexdigest()}"'), "utf-8")
    made = corruptgen.corrupt(IMAGE, "stickers", 1, preset=str(table), key="a")
    assert {90, 0} <= set(made[(made[..., 2] == 200) & (made[..., 1] == 60)][:, 0].tolist())
    with pytest.raises(AssetError, match=r"holds none of 28×28 pixels"):
        corruptgen.corrupt(IMAGE, "mosaic", 5, preset=str(table))
    with pytest.raises(AssetError, match=r"no \.jpg, \.jpeg or \.png"):
        read_photo_bank(tmp_path / "photographs" / "dogs", 16)


@pytest.mark.parametrize("row", ["mosaic", "vertical_lines", "stickers"])
def test_grey_pictures_stay_grey(row):
    made = corruptgen.corrupt(photograph(300, 270, 1), row, 2, preset="laion-c", key="a")
    assert made.shape == (224, 224, 1)
