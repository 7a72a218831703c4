"""MedMNIST-C: pixels proven against medmnistc, files as its dataset classes read them, builds that keep promises."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import corruptgen
from corruptgen.assets.inks import ink_masks
from corruptgen.assets.textures import read_registry
from corruptgen.errors import AssetError, ImageError, Interrupted, PresetError
from corruptgen.randomness import rng_for
from corruptgen.randomness.turns import batched_integers, integer_between
from corruptgen.recipe import recipe
from corruptgen.tables import catalog
from tests.medical import (
    DATASETS,
    MULTI_LABEL,
    colour_pictures,
    grey_pictures,
    labels_of,
    made_like_medmnistc,
    pictures_of,
    write_archive,
)
from tests.photographs import ROOT, command, executed, tree
from tests.pictures import Plain

# Written by scripts/compare_medmnistc.py, which takes in only pixels that are within its promise. A row has a second
# digest where CPUs differ in a last bit.
GOLDEN = json.loads((Path(__file__).parent / "golden" / "medmnist_c.json").read_text())["sha256"]
DOCUMENT = (ROOT / "docs" / "medmnist-c.md").read_text("utf-8")


def has_ink():
    try:
        return ink_masks(24) is not None
    except AssetError:
        return False


needs_ink = pytest.mark.skipif(not has_ink(), reason="the pictures of ink are not installed")


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_pixels_are_those_that_were_proven_against_medmnistc(dataset):
    # One image under the original's streams, which go on from row to row: a draw too many moves all that follow.
    if "stain_deposit" in catalog.preset(f"medmnist-c/{dataset}").rows and not has_ink():
        pytest.skip("the pictures of ink are not installed")

    for row, pixels in made_like_medmnistc(dataset, pictures_of(dataset, 224, count=1)):
        assert hashlib.sha256(pixels.tobytes()).hexdigest() in GOLDEN[f"{dataset}/{row}"], row


def test_every_row_of_every_dataset_is_proven():
    rows = [f"{dataset}/{row}" for dataset in DATASETS for row in catalog.preset(f"medmnist-c/{dataset}").rows]

    assert len(rows) == 131
    assert sorted(GOLDEN) == sorted(rows)


def test_the_ink_is_registered_and_has_five_sizes():
    [archive] = read_registry("inks")

    assert archive.distributions == ("medmnistc",)
    assert archive.url.endswith("/inks.npz")


@needs_ink
def test_ink_comes_in_five_sizes_and_in_no_other():
    shapes = [ink_masks(side).shape for side in (12, 16, 24, 32, 42)]

    assert shapes == [(10, side, side) for side in (12, 16, 24, 32, 42)]
    with pytest.raises(AssetError, match=r"no masks of 13 pixels; it has those of 12, 16, 24, 32, 42"):
        ink_masks(13)


def test_noise_of_grey_images_is_drawn_in_three_channels_and_averaged():
    grey = np.full((224, 224, 1), 128, np.uint8)

    averaged = corruptgen.corrupt(grey, "gaussian_noise", 1, preset="medmnist-c/chestmnist", key="a")
    plain = corruptgen.corrupt(grey, "gaussian_noise", 1, preset="medmnist-c/retinamnist", key="a")

    assert averaged.std() / plain.std() == pytest.approx(np.sqrt(0.299**2 + 0.587**2 + 0.114**2), rel=0.03)


def test_a_table_says_which_sizes_it_takes_and_what_to_use_instead():
    with pytest.raises(ImageError, match=r"224×224 or 128×128 or 64×64 or 28×28 pixels, found 100×100.*medical"):
        corruptgen.corrupt(np.zeros((100, 100, 3), np.uint8), "pixelate", 1, preset="medmnist-c/pathmnist")


@pytest.mark.parametrize(
    "row", ["defocus_blur", "motion_blur", "bubble", pytest.param("stain_deposit", marks=needs_ink)]
)
def test_a_small_image_gets_what_the_large_one_gets_made_smaller(row):
    large = colour_pictures(224)[0]
    small = shrunk(large, 8)

    for key in "abc":
        arguments = {"preset": "medmnist-c/pathmnist", "key": key}
        wanted = shrunk(corruptgen.corrupt(large, row, 5, **arguments), 8)
        found = corruptgen.corrupt(small, row, 5, **arguments)

        # Nearer to it than the clean image is: the same drops and bubbles in the same places.
        assert distance(found, wanted) < 0.5 * distance(small, wanted), key


def shrunk(image, factor):
    """Return the mean of each square of pixels."""
    side = image.shape[0] // factor
    blocks = image.reshape(side, factor, side, factor, 3).mean(axis=(1, 3))
    return np.floor(blocks + 0.5).astype(np.uint8)


def distance(one, other):
    return np.abs(one.astype(int) - other).mean()


def test_numbers_drawn_in_turn_are_those_drawn_one_by_one():
    ranges = [(3, 9), (0, 0), (5, 2), (10, 200)]

    at_once, after = drawn(rng_for(0, "row", 1, "a"), ranges)
    one_by_one, after_too = drawn(Plain(rng_for(0, "row", 1, "a")), ranges)

    assert at_once == one_by_one
    assert at_once[1:3] == [0, 5]
    assert after == after_too


def drawn(rng, ranges):
    turn = batched_integers(rng, len(ranges))
    return [turn(*ends) for ends in ranges], integer_between(rng, 0, 10**6)


def generate(place, dataset, side, **options):
    """Make a dataset from its archive by its shipped recipe; return the output."""
    archive = write_archive(place, dataset, side)
    output = place / f"{dataset}-{side}"
    corruptgen.generate(f"medmnist-c/{dataset}", source=archive, output=output, workers=1, **options)
    return output


@pytest.mark.parametrize(("dataset", "side"), [("chestmnist", 28), ("dermamnist", 28), ("octmnist", 224)])
def test_a_generated_dataset_has_the_layout_of_medmnist_c(tmp_path, dataset, side):
    # scripts/compare_medmnistc.py lets the classes of medmnist and medmnistc read such files.
    images = pictures_of(dataset, side)
    preset = catalog.preset(f"medmnist-c/{dataset}")

    output = generate(tmp_path, dataset, side)

    assert sorted(path.stem for path in output.glob("*.npz")) == sorted(preset.rows)
    for row in preset.rows:
        with np.load(output / f"{row}.npz") as arrays:
            assert arrays.files == ["test_images", "test_labels"]
            pixels, labels = arrays["test_images"], arrays["test_labels"]
        assert (pixels.dtype, pixels.shape) == (np.uint8, (5 * len(images), *images.shape[1:]))
        assert np.array_equal(labels, np.tile(labels_of(dataset, len(images)), (5, 1)))
        assert labels.dtype == np.uint8
        assert labels.shape[1] == (14 if dataset in MULTI_LABEL else 1)
        for level in (1, 5):
            slice_of_level = pixels[(level - 1) * len(images) : level * len(images)]
            cell = preset.cell(row, level)
            for number, image in enumerate(images):
                draws = rng_for(0, row, level, f"test/{number}")
                wanted = cell.apply(image.reshape(side, side, -1), draws).reshape(image.shape)
                assert np.array_equal(slice_of_level[number], wanted), (row, level, number)


def test_a_build_goes_on_where_it_stopped_and_shards_make_the_same_bytes(tmp_path):
    mine = tmp_path / "mine.toml"
    text = (ROOT / "recipes" / "medmnist-c" / "breastmnist.toml").read_text("utf-8")
    mine.write_text(text + "items_per_shard = 2\n", "utf-8")
    archive = write_archive(tmp_path, "breastmnist", 28)
    whole, resumed, sharded = (tmp_path / name for name in ("whole", "resumed", "sharded"))

    corruptgen.generate(mine, source=archive, output=whole, workers=1)
    done = []
    with pytest.raises(Interrupted):
        corruptgen.generate(
            mine,
            source=archive,
            output=resumed,
            workers=1,
            progress=lambda files, _: done.append(files),
            stop=lambda: len(done) > 1,
        )
    assert not (resumed / "manifest.json").exists()
    corruptgen.generate(mine, source=archive, output=resumed, workers=1)
    for part in ("2/2", "1/2"):
        corruptgen.generate(mine, source=archive, output=sharded, workers=1, shard=part)
    corruptgen.merge(sharded)

    assert tree(resumed) == tree(whole)
    assert tree(sharded) == tree(whole)
    assert command("verify", whole, "--source", archive, "--depth", "full", cwd=tmp_path).returncode == 0


def test_every_dataset_has_a_recipe_of_the_name_of_its_table():
    names = [name for name in recipe.shipped_names() if name.startswith("medmnist-c/")]

    assert names == [name for name in catalog.preset_names() if name.startswith("medmnist-c/")]
    for name in names:
        found = recipe.load(name)
        assert (found.corrupt.preset, found.source.kind, found.source.get("split"), found.output.format) == (
            name, "npz", "test", "npz",
        )  # fmt: skip
        assert found.name == name.removeprefix("medmnist-c/") + "-c"


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ("{ ofset = [0.1, 0.2] }", "augment: .* called 'ofset'; did you mean 'offset'"),
        ("{ offset = [0.1] }", r"augment offset: found \[0.1\], allowed are two of float"),
        ("{ offset = 0.1 }", "augment offset: found 0.1, allowed are two of float"),
        ("3", "augment: found 3, allowed is a table of parameters"),
        ('{ offset = ["a", 1.0] }', "allowed are two of float"),
    ],
)
def test_a_wrong_range_for_augmentation_is_refused_with_its_place(tmp_path, augment, message):
    table = tmp_path / "mine.toml"
    table.write_text(f"[preset]\nlevels = 1\n[brightness]\noffset = 0.1\naugment = {augment}\n", "utf-8")

    with pytest.raises(PresetError, match=message):
        catalog.preset(str(table))


def test_requires_rgb_is_true_or_false(tmp_path):
    table = tmp_path / "mine.toml"
    table.write_text('[preset]\nlevels = 1\n[brightness]\noffset = 0.1\nrequires_rgb = "no"\n', "utf-8")

    with pytest.raises(PresetError, match=r"mine \[brightness\] requires_rgb: found 'no', allowed are true and false"):
        catalog.preset(str(table))


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def test_every_snippet_and_command_of_the_document_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(write_archive(tmp_path / "archives", "breastmnist", 224), tmp_path)
    (tmp_path / "mine.toml").write_text(blocks("toml")[0], "utf-8")

    for snippet in blocks("python"):
        Path("snippet.py").write_text(snippet, "utf-8")
        done = executed("snippet.py", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    for line in blocks("bash")[0].strip().splitlines():
        done = command(*line.removeprefix("corruptgen ").split(), cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    assert recipe.load("mine.toml").output.format == "parquet"
    assert "corruptgen generate medmnist-c/breastmnist" in DOCUMENT


def test_the_results_in_the_document_are_within_the_promise():
    table = DOCUMENT.split("<!-- results -->")[1].split("<!-- end of results -->")[0]
    rows = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("| ")}
    results = [cell.strip() for name, line in rows.items() if name != "row" for cell in line.split("|")[2:-1]]

    assert set(rows) - {"row"} == {key.partition("/")[2] for key in GOLDEN}
    assert sum(result == "equal" for result in results) + rows["gaussian_blur"].count("±1") == len(GOLDEN)
    assert "all read back unchanged" in table


def test_pictures_for_the_tests_are_real_and_grey_or_colour():
    assert [picture.shape for picture in colour_pictures(64)] == [(64, 64, 3)] * 5
    assert [picture.shape for picture in grey_pictures(64)] == [(64, 64)] * 5
    assert all(picture.std() > 3 for picture in (*colour_pictures(64), *grey_pictures(64)))
