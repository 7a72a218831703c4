"""The degradations of Geirhos et al. 2018: the pixels of the original code under its own draws."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy import fft

import corruptgen
from corruptgen.assets.textures import DIRECTORY_VARIABLE
from corruptgen.errors import AssetError, ImageError
from corruptgen.ops.colour import luminance
from corruptgen.tables import catalog
from corruptgen.verification.verdict import verify
from tests.legacy import LegacyDraws
from tests.pictures import photograph

PINS = json.loads((Path(__file__).parent / "golden/geirhos.json").read_text("utf-8"))
# In CI those of a grey picture, of which the last bit of the luminance decides, and one eidolon.
SOON = ("/s224g", "eidolonII/4/s224a")
ENTRIES = [pytest.param(name, marks=[] if name.endswith(SOON) else pytest.mark.long) for name in PINS["entries"]]
LEVELS = {
    "greyscale": 1,
    "contrast": 8,
    "uniform_noise": 8,
    "salt_and_pepper": 8,
    "low_pass": 8,
    "high_pass": 8,
    "phase_scrambling": 7,
    "power_equalisation": 2,
    "rotation": 4,
    "false_colour": 1,
}


@pytest.mark.parametrize("name", ENTRIES)
def test_the_pixels_are_those_of_the_original(name):
    preset, row, level, picture = name.split("/")
    seed, expected, *following = PINS["entries"][name]
    expression = PINS["pictures"][picture]
    image = np.ascontiguousarray(eval(expression, {"skimage": SimpleNamespace(data=skimage.data)}))
    draws = LegacyDraws(seed)

    made = corruptgen.corrupt(image, row, int(level), preset=preset, rng=draws)

    of_one_channel = np.ascontiguousarray(made[..., 0])
    if hashlib.sha256(made.tobytes()).hexdigest() != expected:
        assert np.array_equal(made, of_one_channel[..., None].repeat(3, 2))
        assert hashlib.sha256(of_one_channel.tobytes()).hexdigest() == expected
    assert not following or draws.random() == following[0]


def test_the_published_ladders_have_the_numbers_of_levels_that_they_have():
    rows = catalog.preset("geirhos-2018").rows

    assert {name: row.level_count for name, row in rows.items()} == LEVELS


def test_conditions_that_are_the_grey_picture_are_the_grey_picture():
    image = photograph(224, 224)
    grey = corruptgen.corrupt(image, "greyscale", 1, preset="geirhos-2018")

    for row in ("contrast", "low_pass", "high_pass", "power_equalisation", "rotation"):
        assert np.array_equal(corruptgen.corrupt(image, row, 1, preset="geirhos-2018"), grey), row


def test_rotation_is_anticlockwise_and_takes_places_along():
    image = photograph(224, 224)
    cell = catalog.cell("geirhos-2018", "rotation", 2)
    grey = corruptgen.corrupt(image, "greyscale", 1, preset="geirhos-2018")
    place = np.array([[20.0, 3.0]])

    turned = corruptgen.corrupt(image, "rotation", 2, preset="geirhos-2018")
    [[row, column]] = cell.warp(image, None).arrivals(place)

    assert np.array_equal(turned, np.rot90(grey))
    assert np.array_equal(turned[int(row), int(column)], grey[20, 3])
    assert np.array_equal(cell.warp(image, None).origins(np.array([[row, column]])), place)


def test_odd_sides_and_other_spectra_are_refused(tmp_path):
    table = tmp_path / "other.toml"
    table.write_text(
        '[preset]\ntitle = "t"\nlevels = 1\n[phases]\nuse = "unpaired_phase_noise"\ndegrees = 90.0\n'
        '[turn]\nuse = "grey_turn"\nquarters = 1\n',
        "utf-8",
    )

    with pytest.raises(ImageError, match="33×32 pixels do not pair: both sides must be even"):
        corruptgen.corrupt(photograph(33, 32), "phases", 1, preset=str(table))
    with pytest.raises(ImageError, match=r"of 40×32.*pass a square one"):
        corruptgen.corrupt(photograph(40, 32), "turn", 1, preset=str(table))


def test_a_spectrum_of_another_content_is_not_the_published_one(tmp_path, monkeypatch):
    np.save(tmp_path / "mean_power_spectrum_grey.npy", np.ones((224, 224)))
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))

    with pytest.raises(AssetError, match=r"no file of the directory .* Fetch code/mean_power_spectrum_grey\.npy") as e:
        corruptgen.corrupt(photograph(224, 224), "power_equalisation", 2, preset="geirhos-2018")
    assert str(tmp_path) not in str(e.value)


def test_a_published_spectrum_is_found_by_its_numbers_and_replaces_the_amplitudes(tmp_path, monkeypatch):
    amplitude = np.abs(fft.fftshift(fft.fft2(luminance(photograph(224, 224, name="coffee") / 255))))
    np.save(tmp_path / "another_name.npy", amplitude)
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    table = tmp_path / "other.toml"
    sha256 = hashlib.sha256(amplitude.tobytes()).hexdigest()
    table.write_text(
        f'[preset]\ntitle = "t"\nlevels = 1\n[power]\nuse = "equal_power"\nspectrum = "{sha256}"\n', "utf-8"
    )
    image = (photograph(224, 224) / 255).astype(np.float32)

    made = corruptgen.corrupt(image, "power", 1, preset=str(table), window=(0, 1), clip=False)

    theirs = np.abs(fft.fftshift(fft.fft2(made[..., 0])))
    assert np.allclose(theirs, amplitude, rtol=1e-3, atol=1e-3)
    with pytest.raises(ImageError, match="one of 50176 pixels, found 96×64"):
        corruptgen.corrupt(photograph(96, 64), "power", 1, preset=str(table))


def test_eidolons_are_grey_and_256_pixels_wide_whatever_the_picture():
    picture = photograph(120, 150)
    made = corruptgen.corrupt(picture, "eidolonI", 1, preset="geirhos-2018-eidolon", key="a")
    assert made.shape == (256, 256, 3)
    assert np.array_equal(made[..., 0], made[..., 2])
    clean = corruptgen.corrupt(picture, "eidolonI", 0, preset="geirhos-2018-eidolon")
    assert np.abs(made[..., 0] - luminance(clean.astype(float))).mean() < 12


@pytest.mark.parametrize(("form", "channels"), [("folder", {1, 3}), ("npy", {3})])
def test_files_have_one_channel_where_the_original_s_have_and_arrays_one_shape(tmp_path, form, channels):
    (tmp_path / "photographs/a").mkdir(parents=True)
    Image.fromarray(photograph(224, 224)).save(tmp_path / "photographs/a/1.png")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "grey"\nversion = "1.0.0"\n[source]\nkind = "folder"\npath = "photographs"\n[corrupt]\n'
        'preset = "geirhos-2018"\nrows = ["greyscale", "uniform_noise", "low_pass", "false_colour"]\nseverities = [1]\n'
        f'[output]\nformat = "{form}"\nclean = true\n',
        "utf-8",
    )
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    dataset = corruptgen.open(tmp_path / "out")
    found = set()
    for row in ("greyscale", "uniform_noise", "low_pass", "false_colour"):
        [(item, pixels)] = dataset.images(row, 1)
        whole = corruptgen.corrupt(photograph(224, 224), row, 1, preset="geirhos-2018", key=item.id)
        assert np.array_equal(np.broadcast_to(pixels, whole.shape), whole)
        found.add(pixels.shape[2])
        assert pixels.shape[2] == 3 or row in ("greyscale", "uniform_noise")
    assert found == channels
    assert verify(tmp_path / "out", depth="full").problems == ()


def test_a_row_that_makes_colours_is_not_stored_grey(tmp_path):
    table = tmp_path / "other.toml"
    table.write_text('[preset]\ntitle = "t"\nlevels = 1\n[false_colour]\nstored_grey = true\n', "utf-8")
    cell = catalog.cell(str(table), "false_colour", 1)

    with pytest.raises(ImageError, match="false_colour of other is stored grey, and makes colours; drop stored_grey"):
        cell.stored(cell.apply(photograph(32, 32), LegacyDraws(1)))
