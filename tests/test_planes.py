"""Planes and donors: what rows of a recipe take beside the image, from files, from a function, or from the source."""

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.declare import Unit, corruption
from corruptgen.engine.block import Work
from corruptgen.engine.plan import make_plan
from corruptgen.errors import OutputError, RecipeError, SourceError
from corruptgen.sources.planes import read_values
from corruptgen.store.output_directory import OutputDirectory
from tests.pictures import photograph

RECIPE = """
name = "planes"
version = "1.0.0"
seed = 3

[source]
kind = "folder"
{source}

[corrupt]
{corrupt}

[output]
{output}
"""
FOG = 'preset = "imagenet-3dcc"\nrows = ["fog_3d", "color_quant"]\nseverities = [1, 3]'
TABLE = """
[preset]
title = "With another image"
levels = 2

[half]
use = "halved_with_another"
share = [0.25, 0.5]
"""
NAMES = ("a/one", "a/two", "b/three", "b/four")


@pytest.fixture(autouse=True)
def _another():
    @corruptgen.register
    @corruption
    def halved_with_another(image: Unit, donor: Unit, *, share: float) -> Unit:
        """Mix the image with another one."""
        return image * (1 - share) + donor * share


def images(folder, size=(40, 48)):
    """Write four images in two classes; return their pixels by name."""
    found = {}
    for number, name in enumerate(NAMES):
        path = folder / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        found[name] = np.roll(photograph(*size), 7 * number, axis=1)
        Image.fromarray(found[name]).save(path)
    return found


def depth_of(number, size=(40, 48)):
    """Return stored depths of 16 bits."""
    return (np.mgrid[: size[0], : size[1]][0] * 90 + 400 + 50 * number).astype(np.uint16)


def depths(folder, size=(40, 48)):
    """Write depths of these images."""
    for number, name in enumerate(NAMES):
        path = folder / "depth" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(depth_of(number, size)).save(path)


def build(folder, source, corrupt=FOG, output="", name="output", **options):
    """Make a dataset of the images."""
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(source=source, corrupt=corrupt, output=output), "utf-8")
    target = folder / name
    made = corruptgen.generate(path, source=folder / "images", output=target, workers=1, **options)
    return target, made


def records(output):
    """Return the records of the items, by id."""
    lines = [line for path in sorted((output / "items").iterdir()) for line in path.read_text("utf-8").splitlines()[1:]]
    return {entry["id"]: entry for entry in map(json.loads, lines)}


SCALED = 'depth = { folder = "depth", values = "stored / 8000" }'


def test_planes_are_files_of_the_same_stem_and_their_values_are_scaled(tmp_path):
    pixels = images(tmp_path)
    depths(tmp_path)
    output, made = build(tmp_path, SCALED)
    assert (made.items, made.rejected) == (4, ())
    for number, name in enumerate(NAMES):
        plane = (depth_of(number) / 8000).astype(np.float32)
        wanted = corruptgen.corrupt(
            pixels[name], "fog_3d", 3, preset="imagenet-3dcc", seed=3, key=f"{name}.png", inputs={"depth": plane}
        )
        assert np.array_equal(np.asarray(Image.open(output / f"fog_3d/3/{name}.png")), wanted)
        digest = hashlib.sha256((tmp_path / f"depth/{name}.png").read_bytes()).hexdigest()
        assert records(output)[f"{name}.png"]["inputs"] == {"depth": digest}
    assert str(tmp_path) not in (output / "manifest.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("values", "stored", "expected"),
    [
        ("unit", np.uint8(51), 0.2),
        ("unit", np.uint16(13107), 0.2),
        ("unit", np.float32(0.7), 0.7),
        ("stored", np.uint8(3), 3),
        ("stored / 8000", np.uint16(2000), 0.25),
        ("512 / stored", np.uint16(2048), 1 / (4 + 1e-6)),
        ("label 3", np.uint8(3), 1),
        ("label 4", np.uint8(3), 0),
    ],
)
def test_the_reading_rule_makes_values_of_samples(values, stored, expected):
    array = np.full((5, 7), stored)
    saved = io.BytesIO()
    np.save(saved, array)
    contents = {"x.npy": saved.getvalue()}
    if array.dtype.kind == "u":
        for ending, form in ((".png", "PNG"), (".tif", "TIFF")):
            saved = io.BytesIO()
            Image.fromarray(array).save(saved, form)
            contents["x" + ending] = saved.getvalue()
    for name, content in contents.items():
        assert np.allclose(read_values(name, content, values), expected, rtol=1e-6)


def test_a_missing_or_broken_plane_rejects_its_item_alone(tmp_path):
    images(tmp_path)
    depths(tmp_path)
    (tmp_path / "depth/a/one.png").write_bytes(b"no picture")
    (tmp_path / "depth/b/four.png").unlink()
    Image.fromarray(depth_of(0, (9, 9))).save(tmp_path / "depth/a/two.png")
    output, made = build(tmp_path, SCALED)
    reasons = {rejection.id: rejection.reason for rejection in made.rejected}
    assert list(records(output)) == [f"{name}.png" for name in sorted(NAMES)]
    assert reasons.keys() == {"a/one.png", "a/two.png", "b/four.png"}
    assert "has a plane depth in a/one.png that" in reasons["a/one.png"]
    assert "has a plane depth of 9×9, and is 40×48" in reasons["a/two.png"]
    assert "has no plane b/four.npy" in reasons["b/four.png"]
    assert made.items == 1


def test_planes_are_resized_and_cropped_as_images_are_and_masks_without_mixing(tmp_path):
    images(tmp_path, (60, 90))
    depths(tmp_path, (60, 90))
    for name in NAMES:
        (tmp_path / "mask" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((np.arange(90) % 2 * np.ones((60, 1)) * 255).astype(np.uint8)).save(
            tmp_path / f"mask/{name}.png"
        )
    path = tmp_path / "cut.toml"
    decode = "\n[decode]\nresize = 40\ncrop = 32\n"
    text = RECIPE.format(source=SCALED + '\nmask = "mask"', corrupt='preset = "cdd-11"\nrows = ["rain"]', output="")
    path.write_text(text + decode, "utf-8")
    plan = make_plan(path, tmp_path / "images")
    work = Work.of(plan, OutputDirectory(tmp_path / "none"))
    item = plan.listing.items[0]
    content = work.content(item)
    image, digests, _ = work.inputs.add(item, content, work.decoded(item, content), work.content)
    assert image.inputs["mask"].shape == (32, 32) == image.pixels.shape[:2]
    assert set(np.unique(image.inputs["mask"])) == {0, 1}
    # Those of no row that is made are not read.
    assert set(digests) == {"mask"}


def mean_plane(image):
    """Compute a plane for tests: how bright each pixel is."""
    assert image.dtype == np.uint8
    return image.mean(axis=2) / 255


def wrong_plane(image):
    """Compute a plane of another size."""
    return image[:3, :3, 0]


def test_a_function_may_compute_a_plane_and_its_name_and_source_are_recorded(tmp_path):
    pixels = images(tmp_path)
    output, _ = build(tmp_path, 'depth = "tests.test_planes:mean_plane"')
    name = NAMES[0]
    wanted = corruptgen.corrupt(
        *(pixels[name], "fog_3d", 1), preset="imagenet-3dcc", seed=3, inputs={"depth": mean_plane(pixels[name])}
    )
    assert np.array_equal(np.asarray(Image.open(output / f"fog_3d/1/{name}.png")), wanted)
    manifest = json.loads((output / "manifest.json").read_text("utf-8"))
    assert manifest["recipe"]["source"]["planes"] == {"depth": {"function": "tests.test_planes:mean_plane"}}
    plain, _ = build(tmp_path, "", FOG.replace('"fog_3d", ', ""), name="plain")
    other = json.loads((plain / "manifest.json").read_text("utf-8"))
    assert manifest["identity"]["shared"]["source"] != other["identity"]["shared"]["source"]
    with pytest.raises(SourceError, match=r"wrong_plane of shape \(3, 3\)"):
        build(tmp_path, 'depth = "tests.test_planes:wrong_plane"', name="wrong")


@pytest.mark.parametrize(
    ("source", "corrupt", "message"),
    [
        ("", FOG, 'needs depth beside the image: write depth = "FOLDER" in .source., a folder'),
        ('depth = "nowhere"', FOG, "there is no folder 'nowhere' next to the recipe or beside the source"),
        ('depth = "images/a"', FOG, "lies among the images; put it beside them"),
        ('depth = "tests.test_planes:nothing"', FOG, "cannot be imported"),
        ('depth = { folder = "depth", values = "stored * 2" }', FOG, 'values are "unit", "stored"'),
        ("", 'preset = "table.toml"', 'needs another image beside the image: write donors = "any"'),
        ('donors = "all"', 'preset = "table.toml"', '"same class" or "other class" or "any"'),
    ],
)
def test_what_is_missing_is_refused_with_what_to_write(tmp_path, source, corrupt, message):
    images(tmp_path)
    depths(tmp_path)
    (tmp_path / "table.toml").write_text(TABLE, "utf-8")
    with pytest.raises(RecipeError, match=message):
        build(tmp_path, source, corrupt)


@pytest.mark.parametrize("which", ["same class", "other class", "next class", "any"])
def test_donors_are_chosen_by_key_and_recorded(tmp_path, which):
    pixels = images(tmp_path)
    (tmp_path / "table.toml").write_text(TABLE, "utf-8")
    output, _ = build(tmp_path, f'donors = "{which}"', 'preset = "table.toml"')
    found = records(output)
    for name in NAMES:
        donor = found[f"{name}.png"]["donor"].removesuffix(".png")
        assert donor != name
        assert which == "any" or (donor[0] == name[0]) == (which == "same class")
        expected = corruptgen.corrupt(
            *(pixels[name], "half", 2), preset=str(tmp_path / "table.toml"), inputs={"donor": pixels[donor]}
        )
        assert np.array_equal(np.asarray(Image.open(output / f"half/2/{name}.png")), expected)
    # Of fewer items each has the donor that it has among all.
    few, _ = build(tmp_path, f'donors = "{which}"\nlimit = 2', 'preset = "table.toml"', name="few")
    assert {key: entry["donor"] for key, entry in records(few).items()} == {
        key: found[key]["donor"] for key in records(few)
    }


def test_a_broken_image_is_nobodys_donor_and_rejects_itself_alone(tmp_path):
    images(tmp_path)
    (tmp_path / "images/b/three.png").write_bytes(b"broken")
    (tmp_path / "table.toml").write_text(TABLE, "utf-8")
    output, made = build(tmp_path, 'donors = "any"', 'preset = "table.toml"')
    assert [rejection.id for rejection in made.rejected] == ["b/three.png"]
    donors = {entry["donor"] for entry in records(output).values() if "donor" in entry}
    assert "b/three.png" not in donors


@pytest.mark.parametrize(
    "form", ["folder", *(pytest.param(other, marks=pytest.mark.long) for other in ("parquet", "npz", "webdataset"))]
)
def test_builds_with_planes_and_donors_are_sharded_merged_resumed_and_verified(tmp_path, form):
    images(tmp_path)
    depths(tmp_path)
    (tmp_path / "table.toml").write_text(
        TABLE + '\n[fog]\nuse = "depth_fog"\ndensity = [4.0, 8.0]\nprecision = "float32"\n', "utf-8"
    )
    source, corrupt, output = SCALED + '\ndonors = "any"', 'preset = "table.toml"', f'format = "{form}"'
    if form == "folder":
        output = 'encoding = "png"'
    whole, _ = build(tmp_path, source, corrupt, output)
    parts = tmp_path / "parts"
    for shard in ("1/2", "2/2"):
        corruptgen.generate(tmp_path / "output.toml", source=tmp_path / "images", output=parts, workers=1, shard=shard)
    corruptgen.merge(parts)
    assert (parts / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()
    assert corruptgen.verify(whole, depth="full", source=tmp_path / "images").problems == ()


def test_planes_that_have_changed_are_found_by_resuming_and_by_verifying(tmp_path):
    images(tmp_path)
    depths(tmp_path)
    output, _ = build(tmp_path, SCALED)
    Image.fromarray(depth_of(9)).save(tmp_path / "depth/a/one.png")
    problems = corruptgen.verify(output, depth="full", source=tmp_path / "images").problems
    assert any("a/one.png has another depth beside it" in problem for problem in problems)
    (output / "manifest.json").unlink()
    with pytest.raises((SourceError, OutputError), match=r"not those that this output was begun with|changed"):
        build(tmp_path, SCALED)


def test_the_shipped_recipes_run_with_their_planes(tmp_path):
    images(tmp_path, (64, 64))
    for name in ("light", "depth", "mask"):
        for item in NAMES:
            (tmp_path / name / item).parent.mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / name / f"{item}.npy", np.mgrid[:64, :64][0] / 80 + 0.2)
    made = corruptgen.generate("cdd-11", source=tmp_path / "images", output=tmp_path / "cdd", workers=1)
    assert (made.items, made.cells) == (4, 11)
