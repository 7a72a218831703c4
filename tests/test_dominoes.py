"""Dominoes, and other rows whose images have another size than the clean ones: where they go."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.declare import Unit, UnitOfOtherSize, corruption
from corruptgen.errors import ArgumentError, CorruptgenError, DeclarationError, ImageError, RecipeError, Rejected
from corruptgen.records import Item, Items
from corruptgen.tables import catalog
from corruptgen.targets.inputs import Donors
from corruptgen.transforms import Corrupt
from tests.pictures import photograph

IMAGE = photograph(40, 48)
OTHER = IMAGE[::-1].copy()
NAMES = ("a/one", "a/two", "a/three", "b/four", "b/five", "b/six")
RECIPE = """
name = "dominoes"
version = "1.0.0"
seed = 3

[source]
kind = "folder"
{source}

[corrupt]
preset = "{preset}"
{corrupt}

[output]
{output}
"""
HALVES = """
[preset]
title = "Halves"
levels = 1

[half]
use = "{use}"
"""


@pytest.fixture(autouse=True)
def _halves():
    @corruptgen.register
    @corruption
    def declared_half(image: Unit) -> UnitOfOtherSize:
        """Keep every other row and column."""
        return image[::2, ::2]

    @corruptgen.register
    @corruption
    def silent_half(image: Unit) -> Unit:
        """Keep every other row and column and say nothing of it."""
        return image[::2, ::2]


def images(folder):
    """Write six images in two classes; return their pixels by id."""
    found = {}
    for number, name in enumerate(NAMES):
        path = folder / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        found[f"{name}.png"] = np.roll(IMAGE, 7 * number, axis=1)
        Image.fromarray(found[f"{name}.png"]).save(path)
    return found


def recipe(folder, source='donors = "any"', output="", preset="dominoes", corrupt=""):
    """Write a recipe and return its path."""
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(source=source, output=output, preset=preset, corrupt=corrupt))
    return path


def build(folder, path, output):
    """Make what a recipe asks for of the images of this test."""
    corruptgen.generate(path, source=folder / "images", output=output, workers=1)


def is_whole(folder, output):
    """Check an output against the images of this test, every pixel of it."""
    verdict = corruptgen.verify(output, depth="full", source=folder / "images", workers=1)
    return not verdict.problems and verdict.pixels > 0


def table(folder, use, more=""):
    """Write a table of one row; return its path."""
    path = folder / "halves.toml"
    path.write_text(HALVES.format(use=use) + more)
    return str(path)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("of_donor", [1, 3])
def test_a_domino_is_the_image_on_one_half_and_the_other_image_on_the_other(channels, of_donor):
    image, donor = photograph(40, 48, channels), photograph(40, 48, of_donor)[::-1].copy()
    lower, upper = (
        corruptgen.corrupt(image, row, 1, preset="dominoes", inputs={"donor": donor})
        for row in ("lower_redrawn", "upper_redrawn")
    )
    assert lower.shape == upper.shape == (80, 48, channels)
    assert np.array_equal(lower[:40], image)
    assert np.array_equal(upper[40:], image)
    assert np.array_equal(lower[40:], upper[:40])
    if channels == of_donor:
        assert np.array_equal(upper[:40], donor)
    elif channels == 3:
        assert (upper[:40] == donor).all()
    else:
        # In one channel the donor has the luma of its colours.
        luma = np.asarray(Image.fromarray(donor).convert("L")).astype(int)
        assert np.abs(upper[:40, :, 0] - luma).max() <= 1


def test_a_donor_of_other_channels_than_grey_or_colour_is_refused():
    with pytest.raises(ArgumentError, match="the input 'donor' has 4 channels, and the image has 3"):
        corruptgen.corrupt(
            IMAGE, "lower_redrawn", 1, preset="dominoes", inputs={"donor": np.zeros((40, 48, 4), np.uint8)}
        )


@pytest.mark.parametrize(("donors", "classes"), [("same class", {True}), ("other class", {False}), ("any", None)])
def test_the_other_half_has_the_label_or_another_or_any_and_is_recorded(tmp_path, donors, classes):
    found, output = images(tmp_path), tmp_path / "out"
    build(tmp_path, recipe(tmp_path, f'donors = "{donors}"'), output)
    lines = [line for path in sorted((output / "items").iterdir()) for line in path.read_text("utf-8").splitlines()[1:]]
    records = list(map(json.loads, lines))
    assert len(records) == len(found)
    for record in records:
        item, donor = record["id"], record["donor"]
        assert item != donor
        assert classes is None or (item[0] == donor[0]) in classes
        for row, halves in {"lower_redrawn": (item, donor), "upper_redrawn": (donor, item)}.items():
            stored = np.asarray(Image.open(output / row / "1" / item))
            assert np.array_equal(stored, np.concatenate([found[half] for half in halves]))
    assert is_whole(tmp_path, output)


def test_formats_that_hold_images_of_several_sizes_hold_dominoes_and_arrays_refuse_them(tmp_path):
    images(tmp_path)
    build(tmp_path, recipe(tmp_path, output='format = "parquet"'), tmp_path / "parquet")
    assert is_whole(tmp_path, tmp_path / "parquet")
    for kind in ("npy", "npz"):
        with pytest.raises(RecipeError, match=r"lower_redrawn of dominoes makes 80×48 at severity 1 where .* 40×48"):
            build(tmp_path, recipe(tmp_path, output=f'format = "{kind}"'), tmp_path / kind)


def test_masks_cannot_go_with_images_of_another_size(tmp_path):
    images(tmp_path)
    written = recipe(tmp_path, 'masks = "masks"', preset=table(tmp_path, "declared_half"))
    with pytest.raises(RecipeError, match=r"half of halves.* makes images of another size, which masks"):
        build(tmp_path, written, tmp_path / "out")


def test_boxes_cannot_go_through_a_transform_that_changes_the_size(tmp_path):
    change = Corrupt(table(tmp_path, "declared_half"), seed=1)
    assert change(IMAGE).shape == (20, 24, 3)
    with pytest.raises(ImageError, match="half crops or resizes pictures: 'boxes'"):
        change(IMAGE, {"boxes": [1, 2, 3, 4]})


def test_places_of_the_clean_image_cannot_have_pixels_of_an_image_of_another_size(tmp_path):
    region = 'region = { side = 8, where = "centre" }\n'
    with pytest.raises(CorruptgenError, match="half region: the row makes images of another size"):
        catalog.preset(table(tmp_path, "declared_half", region))
    images(tmp_path)
    written = recipe(tmp_path, corrupt='[corrupt.local]\nside = 8\nwhere = "centre"')
    with pytest.raises(RecipeError, match="lower_redrawn region: the row makes images of another size"):
        build(tmp_path, written, tmp_path / "out")


def test_a_corruption_that_changes_the_size_and_does_not_say_so_is_refused(tmp_path):
    made = corruptgen.corrupt(IMAGE, "half", 1, preset=table(tmp_path, "declared_half"))
    assert np.array_equal(made, IMAGE[::2, ::2])
    with pytest.raises(DeclarationError, match=r"silent_half has made 20×24 of an image of 40×48; .* UnitOfOtherSize"):
        corruptgen.corrupt(IMAGE, "half", 1, preset=table(tmp_path, "silent_half"))


def test_a_chain_may_go_on_with_an_image_of_another_size_but_not_with_what_lies_beside_the_clean_one(tmp_path):
    chain = '\n[inverted]\nsteps = [{ row = "half" }, { row = "declared_half" }]\n\n[declared_half]\n'
    made = corruptgen.corrupt(IMAGE, "inverted", 1, preset=table(tmp_path, "declared_half", chain))
    assert np.array_equal(made, IMAGE[::4, ::4])
    late = '\n[domino]\ndonor_above = true\n\n[late]\nsteps = [{ row = "half" }, { row = "domino" }]\n'
    with pytest.raises(CorruptgenError, match=r"half makes images of another size, .* let domino come first"):
        catalog.preset(table(tmp_path, "declared_half", late))


def test_the_shipped_recipe_makes_dominoes_of_32_pixels(tmp_path):
    images(tmp_path)
    shipped = Path(__file__).parents[1] / "recipes" / "dominoes.toml"
    assert tomllib.loads(shipped.read_text())["source"]["donors"] == "any"
    build(tmp_path, shipped, tmp_path / "out")
    with Image.open(tmp_path / "out" / "upper_redrawn" / "1" / "b" / "six.png") as made:
        assert made.size == (32, 64)


def test_the_next_class_is_that_whose_name_follows_and_after_the_last_the_first():
    labels = ["a", "a", "b", "b", "c", "c", ""]
    items = Items.of([Item(f"{label}/{number}", label) for number, label in enumerate(labels)])
    donors = Donors(items, "next class", 5)
    for item in list(items)[:-1]:
        assert {donor.label for donor in donors.of(item)} == {{"a": "b", "b": "c", "c": "a"}[item.label]}
    with pytest.raises(Rejected, match="has no label"):
        donors.of(items[6])
    alone = Items.of([Item("a/0", "a"), Item("a/1", "a")])
    with pytest.raises(Rejected, match="has no items of a next class"):
        Donors(alone, "next class", 5).of(alone[0])
