"""Augmentation: each row and nothing at all equally often, parameters between their ends, the same for the same key."""

import collections
import math

import numpy as np
import pytest

from corruptgen import augmentation, catalog
from corruptgen.errors import AssetError, UnknownName
from corruptgen.randomness import rng_for
from tests.medical import DATASETS, colour_pictures

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
        'between = "nearest"\nsigma = [0.1, 0.2]\noffset = [0.1, 0.2, 0.3]\n',
        "utf-8",
    )

    found = [cell for cell in cells(catalog.preset(str(table)), 60) if cell.corruption]

    assert {cell.corruption.name for cell in found} == {"gaussian_noise"}
    assert all(0.1 <= cell.parameters["sigma"] <= 0.2 for cell in found)
    assert all(math.isnan(cell.severity) for cell in found)
