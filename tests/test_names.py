"""Names: those that a user cannot download, check out or load are found, and can be escaped; ids stay."""

import json
import tarfile
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from corruptgen.cli.app import app
from corruptgen.engine import generation
from corruptgen.engine import shard_merge as merging
from corruptgen.engine.plan import make_plan
from corruptgen.errors import PublishError, RecipeError
from corruptgen.publishing.readiness import check_names
from corruptgen.scoring.ground_truth import read_ground_truth as read_truth
from corruptgen.store.names import ESCAPES, LONGEST_COMPONENT, escape_name, have_twins, portability_problems
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import tree, write_recipe
from tests.pictures import photograph

NFC, NFD = "café", unicodedata.normalize("NFD", "café")
BAD = {
    "a/C:x.png": "holds ':'",
    "a\\b.png": r"holds '\\'",
    "what?.png": "holds '?'",
    'q"uote.png': "holds '\"'",
    "star*.png": r"holds '\*'",
    "bell\x07.png": "holds",
    "right\u202eleft.png": "holds",
    "CON": "is what Windows calls a device",
    "nul.txt.png": "is what Windows calls a device",
    "Aux .png": "is what Windows calls a device",
    "com1.png": "is what Windows calls a device",
    "lpt\u00b2/a.png": "is what Windows calls a device",
    "cls./a.png": "ends with a dot or a blank",
    "cls /a.png": "ends with a dot or a blank",
    ".git/a.png": "begins with a dot",
    ".hidden.png": "begins with a dot",
    "a/__pycache__/b.png": "begins with a dot or two underscores",
    "x" * 252 + ".png": "is longer than 255 bytes",
}


@pytest.mark.parametrize("name", BAD)
def test_names_that_somebody_cannot_use_are_found(name):
    assert [(found, BAD[name].replace("\\*", "*") in why) for found, why in portability_problems([name])] == [
        (name, True)
    ]
    for how in ESCAPES[1:]:
        assert not list(portability_problems([escape_name(name, how)]))


def test_names_that_everybody_can_use_are_not():
    names = [
        "a b.png",
        "n01440764/ILSVRC2012_val_00000001.JPEG",
        "_a.png",
        "console.png",
        "com10.png",
        "é/甲.png",
        "a~1",
    ]

    assert not list(portability_problems(names))
    assert [escape_name(name, "names") for name in names] == names
    assert [escape_name(name, "") for name in BAD] == list(BAD)


@pytest.mark.parametrize(
    ("one", "other"), [("Cat/a.png", "cat/b.png"), ("a/B.png", "a/b.png"), (NFC, NFD), ("ß", "SS"), ("a/É", "a/é")]
)
def test_twins_are_found_and_told_apart(one, other):
    (found,) = portability_problems(["x", one, "y/z", other])
    apart = [escape_name(name, "twins") for name in (one, other)]

    assert found[0] == other
    assert "differs from" in found[1]
    assert not have_twins(apart)
    assert not have_twins([one, one, "x", "x/y", "x/z"])


PARTS = st.text(st.sampled_from('aAbé\u0301ß.%_ ~:"\u202econ1'), min_size=1, max_size=6).filter(
    lambda part: part not in (".", "..")
)


@settings(max_examples=300, deadline=None)
@given(st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=6), st.sampled_from(ESCAPES[1:]))
def test_escaped_names_are_usable_and_different(names, how):
    escaped = [escape_name(name, how) for name in names]

    assert len(set(escaped)) == len(names)
    reasons = [why for _, why in portability_problems(escaped)]
    assert all("differs from" in why for why in reasons)
    assert how == "names" or not reasons
    assert all(len(part.encode()) <= LONGEST_COMPONENT for name in escaped for part in name.split("/"))


IDS = [
    "a:b/x.png",
    "Cat/one.png",
    "cat/two.png",
    "con/nul.png",
    f"c/{NFC}.png",
    f"c/{NFD}.png",
    "d/%41.png",
    "e/__x.png",
]


def write_odd(folder, output):
    for number, name in enumerate(IDS):
        path = folder / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(16, 16 + number)).save(path)
    return write_recipe(folder, corrupt='rows = ["brightness"]', output=f"clean = true\n{output}\n")


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_a_dataset_with_escaped_names_keeps_its_ids_and_is_verified_resumed_and_merged(tmp_path, layout):
    recipe = write_odd(tmp_path, f'format = "{layout}"')
    plain = generation.generate(recipe, output=tmp_path / "plain", workers=1)
    escaped = write_odd(tmp_path, f'format = "{layout}"\nescape_names = true')
    plan = make_plan(escaped)
    output = tmp_path / "out"

    outcome = generation.generate(escaped, output=output, workers=1)
    for shard in ("1/2", "2/2"):
        generation.generate(escaped, output=tmp_path / "parts", workers=1, shard=shard)
    merging.merge(tmp_path / "parts")

    assert not plain.rejected
    assert not outcome.rejected
    assert plan.recipe.output.escape_names == "twins"
    assert not list(plan.name_problems())
    assert not verify(output, depth="full", workers=1).problems
    assert generation.generate(escaped, output=output, workers=1, check=True).was_finished
    assert tree(tmp_path / "parts") == tree(output)
    dataset = open_dataset(output)
    assert sorted(record.id for record in dataset) == sorted(IDS)
    check_names(dataset, dataset.sizes)
    with pytest.raises(
        PublishError, match=r"names cannot be used everywhere: .*generate the dataset with --escape-names"
    ):
        check_names(open_dataset(tmp_path / "plain"), open_dataset(tmp_path / "plain").sizes)
    before = {record.id: record.pixels for record in open_dataset(tmp_path / "plain")}
    assert {record.id: record.pixels for record in dataset} == before
    assert set(read_truth(output).ids) == set(IDS)
    if layout == "webdataset":
        with tarfile.open(next((output / "brightness").glob("*.tar"))) as archive:
            records = [json.load(archive.extractfile(one)) for one in archive if one.name.endswith(".json")]
        assert {record["image_id"] for record in records} == set(IDS)


def test_plan_warns_and_generate_escapes_and_overwrites(tmp_path, monkeypatch):
    write_odd(tmp_path, "")
    monkeypatch.chdir(tmp_path)

    warned = CliRunner().invoke(app, ["plan", "recipe.toml"])
    done = CliRunner().invoke(app, ["generate", "recipe.toml", "--escape-names", "--workers", "1"])
    other = CliRunner().invoke(app, ["generate", "recipe.toml", "--workers", "1"])
    again = CliRunner().invoke(app, ["generate", "recipe.toml", "--workers", "1", "--overwrite"])

    assert "names cannot be used everywhere: a:b/x.png holds ':'" in warned.output
    assert "generate has --escape-names" in warned.output
    assert (warned.exit_code, done.exit_code, other.exit_code, again.exit_code) == (0, 0, 1, 0)
    assert not verify("small-c-1.0.0", workers=1).problems
    assert not any("%3A" in name for name in tree(tmp_path / "small-c-1.0.0"))


def test_masks_and_annotations_are_called_as_their_images(tmp_path):
    recipe = write_odd(tmp_path, "escape_names = true")
    for number, name in enumerate(IDS):
        path = tmp_path / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (16 + number, 16), 3).save(path)
    listed = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(IDS)],
        "annotations": [],
        "categories": [],
    }
    (tmp_path / "all.json").write_text(json.dumps(listed), "utf-8")
    text = recipe.read_text("utf-8")
    source = 'kind = "coco"\nannotations = "all.json"\nmasks = "masks"'
    recipe.write_text(text.replace('kind = "folder"', source), "utf-8")

    generation.generate(recipe, output=tmp_path / "out", workers=1)

    content = json.loads((tmp_path / "out/annotations.json").read_text("utf-8"))
    names = {image["file_name"] for image in content["images"]}
    assert len(names) == len(IDS)
    assert all((tmp_path / "out" / part / name).exists() for part in ("masks", "brightness/1") for name in names)
    assert not list(portability_problems(tree(tmp_path / "out").keys() - {".corruptgen.json"}))
    assert not verify(tmp_path / "out", depth="full", workers=1).problems


def test_formats_without_names_take_no_escapes(tmp_path):
    with pytest.raises(RecipeError, match="escape_names: not for format = 'npy'"):
        make_plan(write_odd(tmp_path, 'format = "npy"\nescape_names = true'))
    with pytest.raises(RecipeError, match="allowed is true or false"):
        make_plan(write_odd(tmp_path, "escape_names = 3"))
    assert not list(make_plan(write_odd(tmp_path, 'format = "parquet"')).name_problems())
