"""Augmentation: each row and nothing at all equally often, parameters between their ends, the same for the same key."""

import collections
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from corruptgen.errors import AssetError, ImageError, UnknownName
from corruptgen.randomness import rng_for
from corruptgen.tables import augmentation, catalog
from corruptgen.transforms import AugMedMNISTC, Draw
from tests.medical import DATASETS, colour_pictures, grey_pictures

DRAWS = 3000


def cells(preset, count=DRAWS, rows=None):
    return [augmentation.draw(preset, rng_for(7, augmentation.NAME, None, str(k)), rows) for k in range(count)]


def test_each_row_and_identity_come_equally_often():
    preset = catalog.preset("medmnist-c/dermamnist")

    counts = collections.Counter(cell.row for cell in cells(preset))

    assert counts.keys() == {*preset.rows, "identity"}
    expected = DRAWS / (len(preset.rows) + 1)
    # Chi-squared with 15 degrees of freedom: 44 is passed once in 10 000 times.
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 44


@pytest.mark.parametrize("dataset", DATASETS)
def test_parameters_lie_between_first_and_last_level_or_the_ends_that_the_table_gives(dataset):
    preset = catalog.preset(f"medmnist-c/{dataset}")
    seen = collections.defaultdict(list)
    for cell in cells(preset, 1000):
        for name, value in cell.parameters.items():
            seen[cell.row, name].append(value)

    for (row, name), values in seen.items():
        line = preset.rows[row]
        ends = line.augment.get(name) or [line.levels[end].parameters[name] for end in (0, -1)]
        if ends[0] == ends[1] or isinstance(ends[0], str):
            assert set(values) == {ends[0]}
            continue
        assert all(min(ends) <= value <= max(ends) for value in values), (row, name)
        assert {type(value) for value in values} == {type(ends[0])}
        # Over the whole range, not at its ends only.
        if isinstance(ends[0], float):
            assert np.mean(values) == pytest.approx(np.mean(ends), abs=0.2 * abs(ends[1] - ends[0]))


def test_whole_numbers_are_cut_off_so_that_the_larger_end_is_hardly_ever_drawn():
    preset = catalog.preset("medmnist-c/chestmnist")
    drawn = cells(preset, 4000, ["gaussian_blur", "jpeg_compression"])

    taps = {cell.parameters["taps"] for cell in drawn if cell.row == "gaussian_blur"}
    qualities = {cell.parameters["quality"] for cell in drawn if cell.row == "jpeg_compression"}

    # The sixth value of the original, 13, is beyond the five levels.
    assert taps == set(range(3, 13))
    assert qualities == set(range(7, 50))


def test_all_that_is_drawn_can_be_applied():
    for dataset in ("pathmnist", "dermamnist"):
        preset = catalog.preset(f"medmnist-c/{dataset}")
        for side in (28, 224):
            image = colour_pictures(side)[0]
            for number, cell in enumerate(cells(preset, 40)):
                try:
                    result = cell.apply(image, rng_for(7, cell.row, None, str(number)))
                except AssetError as error:
                    pytest.skip(str(error))

                assert (result.shape, result.dtype) == (image.shape, image.dtype)
                assert cell.corruption is not None or np.array_equal(result, image)


def test_the_same_key_gives_the_same_pixels_and_another_one_others():
    image = colour_pictures(224)[0]

    def augmented(key, seed=0):
        rows = ["digital", "blur", "color"]
        return augmentation.augment(image, "medmnist-c/pathmnist", seed=seed, key=key, rows=rows).tobytes()

    keys = [f"{epoch}/{index}" for epoch in range(2) for index in range(6)]
    assert [augmented(key) for key in keys] == [augmented(key) for key in reversed(keys)][::-1]
    assert len({augmented(key) for key in keys}) > 8
    assert [augmented(key, seed=1) for key in keys] != [augmented(key) for key in keys]


def test_images_are_taken_and_given_back_as_by_corrupt():
    grey = grey_pictures(28)[0]

    for key in map(str, range(9)):
        flat, deep, pil = (
            augmentation.augment(image, "medmnist-c/chestmnist", seed=0, key=key)
            for image in (grey, grey[..., None], Image.fromarray(grey))
        )
        assert (flat.shape, deep.shape, pil.mode) == (grey.shape, (28, 28, 1), "L")
        assert np.array_equal(deep[..., 0], flat)
        assert np.array_equal(np.asarray(pil), flat)
    with pytest.raises(ImageError, match="samples of type uint16"):
        augmentation.augment(grey.astype(np.uint16), "medmnist-c/chestmnist", seed=0, key="0")


def test_a_choice_of_rows_and_groups_is_kept_and_a_wrong_one_is_refused():
    preset = catalog.preset("medmnist-c/pathmnist")

    assert {cell.row for cell in cells(preset, 200, ["blur", "pixelate"])} == {
        "defocus_blur", "motion_blur", "pixelate", "identity",
    }  # fmt: skip
    with pytest.raises(UnknownName, match="did you mean 'pixelate'"):
        cells(preset, 1, ["pixelat"])


def test_rows_of_several_functions_take_the_range_of_the_first(tmp_path):
    table = tmp_path / "mine.toml"
    table.write_text(
        '[preset]\n[spatter]\nuse = ["gaussian_noise", "gaussian_noise", "brightness", "brightness", "brightness"]\n'
        'interpolation = "nearest"\nsigma = [0.1, 0.2]\noffset = [0.1, 0.2, 0.3]\n',
        "utf-8",
    )

    found = [cell for cell in cells(catalog.preset(str(table)), 60) if cell.corruption]

    assert {cell.corruption.name for cell in found} == {"gaussian_noise"}
    assert all(0.1 <= cell.parameters["sigma"] <= 0.2 for cell in found)
    assert all(math.isnan(cell.severity) for cell in found)


ROWS = ["digital", "blur", "color"]


def test_a_transform_gives_the_pixels_of_the_function():
    image = colour_pictures(28)[0]
    transform = AugMedMNISTC("medmnist-c/pathmnist", ROWS, seed=5)

    for key in map(str, range(12)):
        expected = augmentation.augment(image, "medmnist-c/pathmnist", seed=5, key=key, rows=ROWS)
        assert np.array_equal(transform(image, key=key), expected)


def test_a_draw_names_what_is_done_to_all_that_share_it():
    images = colour_pictures(28)[:2]
    transform = AugMedMNISTC("medmnist-c/octmnist", ["speckle_noise"], seed=5)
    draws: list[Any] = [transform.draw(k) for k in range(40)]

    changed = [draw for draw in draws if draw.row != "identity"]
    once, twice = (transform.apply(np.stack([images[0], images[0]]), draw) for draw in (changed[0], changed[0]))

    assert {draw.row for draw in draws} == {"identity", "speckle_noise"}
    assert all(draw.severity == (draw.row != "identity") for draw in draws)
    assert len({dict(draw.parameters)["sigma"] for draw in changed}) == len(changed)
    assert np.array_equal(once, twice)
    assert not np.array_equal(once[0], once[1])
    assert not transform.moves(draws[0])


def test_a_share_of_the_pictures_is_augmented_and_a_draw_of_another_transform_is_refused():
    transform = AugMedMNISTC("medmnist-c/octmnist", p=0.25, seed=5)

    severities = [transform.draw(k).severity for k in range(2000)]

    # One of seven draws is the identity: 0.25 * 6 / 7 of the pictures change.
    assert np.mean(severities) == pytest.approx(0.214, abs=0.04)
    with pytest.raises(ImageError, match="has no parameters"):
        transform.apply(colour_pictures(28)[0], Draw("speckle_noise", 1.0, "a"))
