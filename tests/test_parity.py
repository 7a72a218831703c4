"""The ImageNet-C tables give the pixels of the original code, its draws replayed."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corruptgen import catalog
from corruptgen.errors import AssetError
from tests.originals import GOLDEN, LEVELS, PRESETS, SIDES, names, picture, replayed

PINS = json.loads((GOLDEN / "imagenet_c.json").read_text())
TIE = "299/pixelate/4"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@pytest.mark.parametrize("side", SIDES.values())
def test_the_picture_is_the_one_that_the_original_was_run_on(side):
    assert digest(picture(side)) == PINS["inputs"][str(side)]


@pytest.mark.parametrize("name", PINS["original"])
def test_the_result_is_the_original_s(name: str, tables: Path):
    try:
        result = replayed(name, tables)
    except AssetError as error:
        pytest.skip(f"without the original's pictures of frost nothing can be compared: {error}")

    assert digest(result) == PINS["original"][name], (
        f"{name} is no longer equal to the original; `python scripts/parity.py` says by how much"
    )


@pytest.mark.parametrize("variant", PRESETS)
@pytest.mark.parametrize("level", LEVELS)
def test_jpeg_compression_is_that_of_the_installed_pillow(variant: str, level: int, tables: Path):
    quality = catalog.preset(PRESETS[variant]).cell("jpeg_compression", level).parameters["quality"]
    buffer = io.BytesIO()
    Image.fromarray(picture(SIDES[variant])).save(buffer, "JPEG", quality=quality)

    result = replayed(f"{variant}/jpeg_compression/{level}", tables)

    assert np.array_equal(result, np.asarray(Image.open(buffer)))


def test_the_one_tie_of_pixelate_is_that_of_the_installed_pillow(tables: Path):
    clean = Image.fromarray(picture(299))
    pixelated = clean.resize((74, 74), Image.Resampling.BOX).resize((299, 299), Image.Resampling.BOX)

    result = replayed(TIE, tables)

    assert np.array_equal(result, np.asarray(pixelated))


def test_nothing_else_is_left_out():
    library = {TIE, *(f"{variant}/jpeg_compression/{level}" for variant in PRESETS for level in LEVELS)}

    assert PINS["original"].keys() | library == set(names())
    assert PINS["own"].keys() == library


def digest(samples: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(samples).tobytes()).hexdigest()
