"""The mean amplitude of a source: found by a first pass, recorded, the same for any number of workers and shards."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.engine.plan import make_plan
from corruptgen.engine.shard_merge import merge
from corruptgen.errors import Interrupted, OutputError, RecipeError, SourceError
from corruptgen.ops.colour import luminance
from corruptgen.tables.first_pass import recorded_planes
from corruptgen.verification.verdict import verify
from tests.photographs import tree, write_photographs

ROW = "power_equalisation"


def write_recipe(place, rows=(ROW,), extra=""):
    recipe = place / "recipe.toml"
    recipe.write_text(
        'name = "power"\nversion = "1.0.0"\n[source]\nkind = "folder"\npath = "photographs"\nlicense = "cc0-1.0"\n'
        f'[corrupt]\npreset = "texture-shape"\nrows = {json.dumps(list(rows))}\nseverities = [1]\n'
        f"[output]\nclean = true\nitems_per_shard = 2\n{extra}\n",
        "utf-8",
    )
    return recipe


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs", 5, size=(24, 32))
    (tmp_path / "photographs/coffee/broken.png").write_bytes(b"no image")
    return tmp_path


def manifest_of(output):
    return json.loads((output / "manifest.json").read_text("utf-8"))


def pictures(place):
    """Return the good pictures in the order of their names."""
    names = sorted(path.relative_to(place / "photographs").as_posix() for path in place.glob("photographs/*/*.png"))
    return {name: np.asarray(Image.open(place / "photographs" / name)) for name in names if "broken" not in name}


def test_images_have_the_mean_amplitude_of_all_images_that_can_be_used(place):
    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    found = pictures(place)
    mean = np.mean([np.abs(np.fft.fftshift(np.fft.fft2(luminance(image / 255)))) for image in found.values()], axis=0)
    dataset = corruptgen.open(place / "out")
    assert (outcome.items, len(outcome.rejected)) == (5, 1)
    for item, pixels in dataset.images(ROW, 1):
        options = {"preset": "texture-shape", "inputs": {"mean_amplitude": mean.astype(np.float32)}}
        assert np.array_equal(pixels, corruptgen.corrupt(found[item.id], ROW, 1, **options))


def test_the_manifest_records_it_with_its_digest(place):
    corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    recorded = manifest_of(place / "out")["first_pass"]["mean_amplitude"]

    plane = recorded_planes(manifest_of(place / "out"))["mean_amplitude"]
    assert recorded["shape"] == [24, 32] == list(plane.shape)
    assert recorded["sha256"] == hashlib.sha256(b"(24, 32)" + plane.tobytes()).hexdigest()
    assert plane[12, 16] / plane.size == pytest.approx(
        np.mean([luminance(image / 255).mean() for image in pictures(place).values()]), rel=1e-5
    )
    damaged = {"first_pass": {"mean_amplitude": {**recorded, "sha256": "0" * 64}}}
    with pytest.raises(OutputError, match="is not what its digest states"):
        recorded_planes(damaged)


def test_shards_do_not_change_it(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "one", workers=1)
    for shard in ("1/2", "2/2"):
        corruptgen.generate(recipe, output=place / "shared", workers=1, shard=shard)
    merge(place / "shared")

    assert tree(place / "shared") == tree(place / "one")


@pytest.mark.long
def test_workers_do_not_change_it(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "one", workers=1)
    corruptgen.generate(recipe, output=place / "two", workers=2)

    assert tree(place / "two") == tree(place / "one")


@pytest.mark.parametrize("depth", ["files", "full"])
def test_verifying_needs_no_second_pass(place, depth):
    corruptgen.generate(write_recipe(place), output=place / "out", workers=1)
    shutil.rmtree(place / "photographs")

    assert verify(place / "out", depth=depth).problems == ()


def test_a_finished_output_is_left_as_it_is_and_a_row_is_added_to_one(place):
    corruptgen.generate(write_recipe(place, ["greyscale"]), output=place / "out", workers=1)
    assert "first_pass" not in manifest_of(place / "out")

    corruptgen.generate(write_recipe(place, ["greyscale", ROW]), output=place / "out", workers=1)
    again = corruptgen.generate(write_recipe(place, ["greyscale", ROW]), output=place / "out", workers=1)

    assert again.was_finished
    corruptgen.generate(write_recipe(place, ["greyscale", ROW]), output=place / "whole", workers=1)
    assert manifest_of(place / "out") == manifest_of(place / "whole")


def test_a_source_that_changes_meanwhile_is_not_mixed_with_what_it_was(place):
    recipe, calls = write_recipe(place), iter(range(10))
    with pytest.raises(Interrupted):
        corruptgen.generate(recipe, output=place / "out", workers=1, stop=lambda: next(calls) > 0)
    last = max((place / "photographs").glob("*/*.png"))
    Image.fromarray(255 - np.asarray(Image.open(last))).save(last)

    with pytest.raises(SourceError, match="not those that this output was begun with"):
        corruptgen.generate(recipe, output=place / "out", workers=1)


def test_images_of_several_sizes_have_no_mean_amplitude(place):
    Image.new("RGB", (40, 40)).save(place / "photographs/coffee/zz.png")

    with pytest.raises(RecipeError, match=r"images of one size, found 24×32 .* and 40×40 .*; write resize and crop"):
        corruptgen.generate(write_recipe(place), output=place / "out", workers=1)
    assert not (place / "out").exists() or not any((place / "out").glob("*/*"))


def test_other_rows_need_no_first_pass(place):
    assert make_plan(write_recipe(place, ["greyscale"])).planes == {}


def test_a_source_without_a_usable_image_has_none(tmp_path):
    (tmp_path / "photographs/a").mkdir(parents=True)
    (tmp_path / "photographs/a/broken.png").write_bytes(b"no image")

    with pytest.raises(SourceError, match="no image of the source can be used"):
        corruptgen.generate(write_recipe(tmp_path), output=tmp_path / "out", workers=1)
