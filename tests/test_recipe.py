"""Recipes: defaults, every wrong key or value with its place and what is allowed, and those that are shipped."""

import json
import tomllib
from pathlib import Path

import pytest

from corruptgen.engine.plan import make_plan
from corruptgen.errors import RecipeError, SourceError
from corruptgen.metrics.baselines import baseline
from corruptgen.recipe.overrides import read_settings
from corruptgen.recipe.recipe import load, read_recipe, shipped_names
from corruptgen.records import DEFAULT_TOLERATE
from corruptgen.tables import catalog
from tests.medical import write_archive
from tests.photographs import ROOT, write_cifar, write_photographs, write_recipe

SMALLEST = """
name = "a"
version = "1.0.0"
[source]
kind = "folder"
[corrupt]
preset = "natural"
"""


def recipe(addition="", **replacements):
    text = SMALLEST
    for old, new in replacements.items():
        text = text.replace(f"{old} = ", f"{new} = ")
    return read_recipe(tomllib.loads(text + addition), "mine.toml")


def test_everything_but_name_version_source_and_preset_has_a_default():
    tolerate = list(DEFAULT_TOLERATE)
    assert recipe().content() == {
        "name": "a",
        "version": "1.0.0",
        "seed": 0,
        "source": {"kind": "folder"},
        "decode": {"order": "resize-crop", "interpolation": "bilinear", "exif": "apply", "tolerate": tolerate},
        "corrupt": {"preset": "natural", "paired": False},
        "output": {"format": "folder", "encoding": "png", "compression": "fast", "clean": False},
    }


def write_smallest(folder):
    (folder / "mine.toml").write_text(SMALLEST, "utf-8")
    return folder / "mine.toml"


def test_overrides_take_the_place_of_what_the_file_says_and_are_recorded(tmp_path):
    settings = ["seed=7", "corrupt.severities = [1, 2.5]", "output.format=npy", "source.limit=3", "seed=8"]

    changed = load(write_smallest(tmp_path), read_settings(settings)).content()

    assert changed["seed"] == 8
    assert changed["corrupt"]["severities"] == [1, 2.5]
    assert changed["output"]["format"] == "npy"
    assert changed["source"]["limit"] == 3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("corrupt.row=['fog']", r"mine.toml \[corrupt\] row: no key is called 'row'; did you mean 'rows'"),
        ("corrupt.severities=3", r"mine.toml \[corrupt\] severities: found 3, allowed is a list"),
        ("corrupt.severities=[1", r"severities: found '\[1', allowed is a list"),
        ("corrupts.rows=['fog']", "no key is called 'corrupts'; did you mean 'corrupt'"),
        ("name.first=1", "name.first: name is not a section; it holds 'a'"),
        ("output.clean=1\nformat='npy'", "clean: found \"1.*format='npy'\", allowed is true or false"),
        ("seed", r"--set seed: write section.key=value"),
        ("=3", r"--set =3: write section.key=value"),
    ],
)
def test_an_override_is_checked_as_the_recipe_is(tmp_path, setting, message):
    with pytest.raises(RecipeError, match=message):
        load(write_smallest(tmp_path), read_settings([setting]))


def test_what_a_manifest_records_is_the_same_recipe_again():
    addition = """
    rows = ["fog", "snow"]
    severities = [3, 1, 2.5, 1.0]
    paired = true
    [decode]
    resize = [64, 48]
    crop = 0.5
    order = "crop-resize"
    [output]
    encoding = "jpeg"
    clean = true
    """
    first = recipe(addition)

    again = read_recipe(first.content(), "manifest.json")

    assert again == first
    assert first.corrupt.severities == (1.0, 2.5, 3.0)
    assert first.output.quality == 85


@pytest.mark.parametrize(
    ("addition", "message"),
    [
        ("[decode]\nresise = 3", r"mine.toml \[decode\] resise: no key is called 'resise'; did you mean 'resize'\?"),
        ("[decode]\nresize = 0", r"\[decode\] resize: found 0, allowed is a whole number from 1"),
        ("[decode]\nresize = true", r"\[decode\] resize: found True, allowed is"),
        ("[decode]\nresize = [1, 2, 3]", r"allowed is a number of pixels, or \[height, width\]"),
        ("[decode]\ncrop = 1.5", r"crop: found 1.5, allowed is .* fraction above 0 and up to 1.0"),
        ("[decode]\ncrop = nan", r"crop: found nan"),
        ("[decode]\norder = 'crop'", r'order: found \'crop\', allowed is "resize-crop" or "crop-resize"'),
        ("[decode]\ninterpolation = 'cubic'", r"interpolation: found 'cubic', allowed is .*bicubic"),
        ("[decode]\nexif = true", r'exif: found True, allowed is "apply" or "ignore"'),
        ("severities = []", r"severities: found \[\], allowed is a list of at least one number above 0"),
        ("severities = [0]", r"for the clean images write clean = true"),
        ("severities = [inf]", r"severities: found \[inf\]"),
        ("severities = ['1']", r"severities: found \['1'\]"),
        ("rows = 'fog'", r"rows: found 'fog', allowed is a list"),
        ("rows = []", r"rows: found \[\]"),
        ("paired = 1", r"paired: found 1, allowed is true or false"),
        ("[output]\nencoding = 'jpg'", r'encoding: found \'jpg\', allowed is "png" or "jpeg"'),
        ("[output]\nencoding = 'jpeg'\ncompression = 'small'", r'compression: only for encoding = "png"'),
        ("[output]\ncompression = 'best'", r"compression: found 'best', allowed is \"stored\""),
        ("[output]\nquality = 90", r'quality: only for encoding = "jpeg"'),
        ("[output]\nencoding = 'jpeg'\nquality = 101", r"quality: found 101, allowed is a whole number from 1 to 100"),
        ("[publish]\nrepo = 'a/b'", r"no key is called 'repo'"),
        ("[outptu]\nclean = true", r"did you mean 'output'"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(addition, message):
    with pytest.raises(RecipeError, match=message):
        recipe(addition)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "a"', 'name = "../a"', "name: found '../a', allowed is a text of letters"),
        ('name = "a"', 'name = ".a"', "name: found"),
        ('name = "a"', "", "the key 'name' is missing"),
        ('version = "1.0.0"', 'version = "1"', "version: found '1', allowed is a version of three numbers"),
        ('version = "1.0.0"', "", "the key 'version' is missing"),
        ('kind = "folder"', "", r"\[source\]: the key 'kind' is missing"),
        ('kind = "folder"', 'kind = "zip"', r'kind: found \'zip\', allowed is "folder"'),
        ('preset = "natural"', "", r"\[corrupt\]: the key 'preset' is missing"),
        ('version = "1.0.0"', 'version = "1.0.0"\nseed = 1.5', "seed: found 1.5, allowed is a whole number"),
        ('version = "1.0.0"', 'version = "1.0.0"\ndecode = 5', r"\[decode\]: found 5, allowed is a section"),
    ],
)
def test_a_wrong_header_says_what_to_write(old, new, message):
    with pytest.raises(RecipeError, match=message):
        read_recipe(tomllib.loads(SMALLEST.replace(old, new)), "mine.toml")


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_a_recipe_error(tmp_path, content):
    if content is not None:
        (tmp_path / "broken.toml").write_bytes(content)

    with pytest.raises(RecipeError, match=r"broken\.toml"):
        load(tmp_path / "broken.toml")


def test_a_recipe_that_is_not_shipped_is_answered_with_the_nearest():
    with pytest.raises(RecipeError, match="no recipe is called 'imagenet'; did you mean 'imagenet-p'"):
        load("imagenet")


@pytest.mark.parametrize(
    ("corrupt", "message"),
    [
        ('rows = ["brightnes"]', "no row of three is called 'brightnes'; did you mean 'brightness'"),
        ("severities = [3]", "severity 3 is outside of 0..2"),
        ("severities = [0.5]", "jpeg_compression: severity 0.5 lies between"),
    ],
)
def test_a_plan_checks_every_cell(tmp_path, corrupt, message):
    write_photographs(tmp_path / "photographs", 1)

    with pytest.raises(RecipeError, match=message):
        make_plan(write_recipe(tmp_path, corrupt=corrupt))


def test_a_plan_spells_out_groups_and_defaults(tmp_path):
    write_photographs(tmp_path / "photographs", 1)
    recipe = write_recipe(tmp_path, corrupt='rows = ["jpeg_compression", "common"]', output="clean = true")

    plan = make_plan(recipe)

    assert plan.folders == [
        "clean/0",
        *("jpeg_compression/1", "jpeg_compression/2", "gaussian_noise/1", "gaussian_noise/2"),
        *("brightness/1", "brightness/2"),
    ]


def test_a_row_whose_name_is_not_that_of_a_folder_is_refused(tmp_path):
    write_photographs(tmp_path / "photographs", 1)
    recipe = write_recipe(tmp_path)
    table = '[preset]\ntitle = "t"\nlevels = 1\n["../out"]\nuse = "brightness"\noffset = [0.1]\n'
    (tmp_path / "three.toml").write_text(table, "utf-8")

    with pytest.raises(RecipeError, match="cannot name a folder"):
        make_plan(recipe)


def test_a_recipe_without_a_source_asks_for_one(tmp_path):
    with pytest.raises(RecipeError, match="--source"):
        make_plan("imagenet-c")
    with pytest.raises(RecipeError, match="does not exist"):
        make_plan("imagenet-c", tmp_path / "nowhere")
    with pytest.raises(SourceError, match="holds no images"):
        make_plan("imagenet-c", tmp_path)


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_recipe_says_what_it_reproduces_and_can_be_planned(tmp_path, name):
    if load(name).source.kind == "cifar":
        write_cifar(tmp_path / "cifar", hundred="100" in name)
    if load(name).source.kind == "npz":
        write_archive(tmp_path, name.rpartition("/")[2], 28).rename(tmp_path / "npz")
    images = [
        {"file_name": file, "id": number, "height": 40, "width": 48}
        for number, file in enumerate(write_photographs(tmp_path / "photographs", 2))
    ]
    (tmp_path / "annotations").mkdir()
    for _, plane in load(name).source.planes:
        (tmp_path / plane.folder).mkdir(exist_ok=True)
    listed = json.dumps({"images": images, "annotations": [], "categories": []})
    (tmp_path / "annotations/instances_val2017.json").write_text(listed, "utf-8")
    text = (ROOT / "recipes" / f"{name}.toml").read_text("utf-8")

    kind = load(name).source.kind
    plan = make_plan(name, tmp_path / (kind if kind in ("cifar", "npz") else "photographs"))

    assert text.startswith("# ")
    # Of sequences, the published difficulty is the first.
    severities = [1 if plan.frames else plan.preset.rows[row].level_count for row in plan.recipe.corrupt.rows]
    assert len(plan.cells) == sum(severities) + plan.recipe.output.clean
    assert plan.preset.name in catalog.preset_names()
    assert Path(plan.recipe.name).name == plan.recipe.name


def test_the_shipped_recipes_are_those_of_the_published_benchmarks():
    imagenet = load("imagenet-c")

    assert {"demo", "imagenet-c", "imagenet-c-extra", "tiny-imagenet-c", "coco-c"} <= set(shipped_names())
    assert (imagenet.decode.resize, imagenet.decode.crop, imagenet.decode.exif) == (256, 224, "ignore")
    assert (imagenet.output.encoding, imagenet.output.quality) == ("jpeg", 85)
    assert load("imagenet-c-299").decode.order == "crop-resize"
    assert load("tiny-imagenet-c").decode.resize == (64, 64)


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_a_recipe_a_table_and_a_baseline_may_begin_with_a_byte_order_mark(tmp_path, mark):
    write_photographs(tmp_path / "photographs", 1)
    recipe = write_recipe(tmp_path)
    for file in (recipe, tmp_path / "three.toml"):
        file.write_bytes(mark + file.read_bytes())
    (tmp_path / "own.toml").write_bytes(mark + b'[baseline]\ntitle = "x"\n[error]\nfog = [0.1, 0.2, 0.3, 0.4, 0.5]\n')

    assert len(make_plan(recipe).cells) == 6
    assert baseline(str(tmp_path / "own.toml")).title == "x"


def test_a_recipe_in_another_encoding_says_how_to_save_it(tmp_path):
    recipe = write_recipe(tmp_path)
    text = recipe.read_text("utf-8")

    for encoding in ("utf-16", "utf-16-le", "latin-1"):
        recipe.write_bytes(("# ä\n" + text).encode(encoding))
        with pytest.raises(RecipeError, match="save it as UTF-8" if encoding != "utf-16-le" else "UTF-8|TOML"):
            load(recipe)


@pytest.mark.parametrize("path", [r"C:\Users\me", r"C:\me", r"C:\data\new", r"C:\temp\a", r"\\server\x"])
@pytest.mark.parametrize("key", ["path", "labels", "preset"])
def test_a_backslash_in_a_path_says_what_to_write(tmp_path, key, path):
    recipe = write_recipe(tmp_path, preset=path if key == "preset" else "three.toml")
    text = recipe.read_text("utf-8")
    if key == "labels":
        text = text.replace("[decode]", f'labels = "{path}"\n[decode]')
    recipe.write_text(text.replace('"photographs"', f'"{path}"') if key == "path" else text, "utf-8")

    with pytest.raises(RecipeError, match=r"write a path between '\.\.\.', or with /"):
        load(recipe)
    recipe.write_text(recipe.read_text("utf-8").replace(f'"{path}"', f"'{path}'"), "utf-8")
    load(recipe)


def test_a_home_directory_in_a_recipe_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "deep").mkdir()
    write_photographs(tmp_path / "photographs", 1)
    write_recipe(tmp_path)
    recipe = write_recipe(tmp_path / "deep", preset="~/three.toml")
    (tmp_path / "deep" / "three.toml").unlink()
    text = recipe.read_text("utf-8").replace('path = "', 'classes = "~/names.txt"\npath = "~/')
    recipe.write_text(text, "utf-8")
    (tmp_path / "names.txt").write_text("astronaut\n", "utf-8")

    plan = make_plan(recipe)

    assert (plan.preset.name, plan.listing.classes.names, len(plan.listing.items)) == ("three", ("astronaut",), 1)


def test_recipes_are_recorded_byte_for_byte_as_before_sources_and_formats_declared_themselves():
    known = json.loads((Path(__file__).parent / "golden/recipe_contents.json").read_text("utf-8"))

    for written, expected in known["recipes"]:
        content = read_recipe(written, "recipe").content()
        assert json.dumps(content) == expected
        assert read_recipe(content, "manifest").content() == content
