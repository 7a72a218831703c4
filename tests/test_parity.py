"""The ImageNet-C tables produce the pixels of the original code, its draws replayed."""

import hashlib
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corruptgen.errors import AssetError
from corruptgen.ops.colour import luma
from corruptgen.tables import catalog
from tests.originals import (
    GOLDEN,
    LEVELS,
    PHOTOGRAPH_PINS,
    PHOTOGRAPHS,
    PRESETS,
    SIDES,
    fused_luma,
    grey_photograph,
    names,
    photograph,
    photograph_digests,
    picture,
    replay_photograph,
    replayed,
    snow,
)

PAGE = Path(__file__).parent.parent / "docs" / "parity.md"
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


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("side", SIDES.values())
def test_the_photograph_is_the_one_that_the_original_was_run_on(name: str, side: int):
    stated = json.loads(PHOTOGRAPH_PINS.read_text())["sha256"]

    assert digest(photograph(name, side)) == stated[f"in/{name}/{side}"]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("variant", ["cifar", "64", pytest.param("224", marks=pytest.mark.long)])
def test_the_results_on_a_photograph_are_the_original_s(variant: str, name: str, tables: Path):
    differing = unequal(f"{variant}/{name}/", tables)

    assert not differing


def test_snow_on_a_large_photograph_with_grey_areas_is_the_original_s(tables: Path):
    assert not unequal("224/ihc/snow/", tables)


def test_another_last_bit_of_the_luma_moves_snow_by_one_level_and_on_few_samples():
    images = {name: grey_photograph(name, 64) for name in PHOTOGRAPHS}
    moved = 0
    for (_, image), level, order in itertools.product(images.items(), LEVELS, itertools.permutations(range(3))):
        steps = np.abs(snow(image, "64", level, luma).astype(int) - snow(image, "64", level, fused_luma(order)))
        moved += int(steps.sum())

        assert steps.max() <= 1
        assert (steps > 0).mean() < 0.02

    assert moved


def test_the_page_states_what_the_results_on_photographs_are():
    page = PAGE.read_text(encoding="utf-8")
    digests = photograph_digests()
    jpeg = sum("/jpeg_compression/" in name for name in digests)

    stated = re.search(r"(\d+) of\s(\d+) results are equal, sample by sample; per row", page)

    assert stated is not None
    assert [int(count) for count in stated.groups()] == [len(digests) - jpeg, len(digests)]


def unequal(beginning: str, tables: Path) -> list[str]:
    """Name the results that differ; the original's library decided about jpeg_compression, not its code."""
    differing = []
    for name, wanted in photograph_digests().items():
        if not name.startswith(beginning) or "/jpeg_compression/" in name:
            continue
        try:
            result = replay_photograph(name, tables)
        except AssetError:
            continue
        if digest(result) != wanted:
            differing.append(name)
    return differing


def digest(samples: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(samples).tobytes()).hexdigest()
