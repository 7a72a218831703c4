"""Pairs: the clean image beside every corrupted one, under one name, in every format that can hold both."""

import gc
import io
import json
import tarfile
import warnings

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.engine.plan import make_plan
from corruptgen.engine.shard_merge import merge
from corruptgen.errors import Interrupted, RecipeError
from corruptgen.publishing.card import write_card
from corruptgen.publishing.croissant import write_croissant
from corruptgen.publishing.difference import compare_datasets
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.hub.client import Session
from tests.hub.server import Hub
from tests.photographs import pixels_of, tree, write_photographs, write_recipe
from tests.test_sequence_builds import write_build

FORMS = ("folder", "parquet", "webdataset")
ROWS = 'rows = ["gaussian_noise", "brightness"]\nseverities = [1, 2]'
ITEMS = ("astronaut/00", "chelsea/01", "coffee/02")


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs", 3, size=(24, 32))
    return tmp_path


def write_pairs(place, form, corrupt=ROWS, more=""):
    recipe = write_recipe(
        place, corrupt=corrupt, output=f'format = "{form}"\npairs = true\nitems_per_shard = 2\n{more}'
    )
    text = recipe.read_text("utf-8").replace('path = "photographs"', 'path = "photographs"\nlicense = "cc0-1.0"')
    recipe.write_text(text, "utf-8")
    return recipe


def source(place, item):
    return pixels_of(place / f"photographs/{item}.png")


def corrupted(place, row, severity, item):
    return corruptgen.corrupt(source(place, item), row, severity, preset=str(place / "three.toml"), key=f"{item}.png")


def test_a_folder_has_clean_and_corrupted_images_of_one_name(place):
    corruptgen.generate(write_pairs(place, "folder"), output=place / "out", workers=1)

    names = {name for name in tree(place / "out") if name.endswith(".png")}
    cells = [(row, severity) for row in ("gaussian_noise", "brightness") for severity in (1, 2)]
    assert names == {f"clean/{item}.png" for item in ITEMS} | {
        f"corrupted/{row}/{severity}/{item}.png" for row, severity in cells for item in ITEMS
    }
    for item in ITEMS:
        assert np.array_equal(pixels_of(place / f"out/clean/{item}.png"), source(place, item))
        for row, severity in cells:
            found = pixels_of(place / f"out/corrupted/{row}/{severity}/{item}.png")
            assert np.array_equal(found, corrupted(place, row, severity, item))


def test_datasets_loads_both_images_of_a_pair(place):
    datasets = pytest.importorskip("datasets")
    corruptgen.generate(write_pairs(place, "parquet"), output=place / "out", workers=1)

    rows = datasets.load_dataset(
        str(place / "out"), "gaussian_noise", split="severity_2", cache_dir=str(place / "cache")
    )

    assert rows.features["clean"] == rows.features["image"] == datasets.Image()
    for row, item in zip(rows, ITEMS, strict=True):
        assert np.array_equal(np.asarray(row["clean"]), source(place, item))
        assert np.array_equal(np.asarray(row["image"]), corrupted(place, "gaussian_noise", 2, item))


def test_webdataset_reads_both_images_of_a_sample(place):
    webdataset = pytest.importorskip("webdataset")
    corruptgen.generate(write_pairs(place, "webdataset"), output=place / "out", workers=1)
    shard = place / "out/gaussian_noise/severity_1-00000.tar"

    with tarfile.open(shard) as archive:
        names = archive.getnames()
        stored = archive.extractfile(names[0]).read()
    with warnings.catch_warnings():
        # It leaves closing its files to the interpreter.
        warnings.simplefilter("ignore")
        samples = list(webdataset.WebDataset(str(shard), shardshuffle=False).decode("rgb8"))
        gc.collect()

    assert names[:4] == [f"astronaut/00%2Epng.{ending}" for ending in ("clean.png", "png", "cls", "json")]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(stored))), source(place, ITEMS[0]))
    for sample, item in zip(samples, ITEMS, strict=False):
        assert np.array_equal(sample["clean.png"], source(place, item))
        assert np.array_equal(sample["png"], corrupted(place, "gaussian_noise", 1, item))


@pytest.mark.parametrize("form", FORMS)
def test_pairs_are_verified_resumed_sharded_and_grown(place, form):
    recipe = write_pairs(place, form)
    corruptgen.generate(recipe, output=place / "whole", workers=1)
    asked = iter([False, True, True])
    with pytest.raises(Interrupted):
        corruptgen.generate(recipe, output=place / "out", workers=1, stop=lambda: next(asked))
    corruptgen.generate(recipe, output=place / "out", workers=1)
    for shard in ("1/2", "2/2"):
        corruptgen.generate(recipe, output=place / "shards", workers=1, shard=shard)
    merge(place / "shards")
    small = write_pairs(place, form, 'rows = ["brightness"]\nseverities = [1]')
    corruptgen.generate(small, output=place / "grown", workers=1)
    corruptgen.generate(write_pairs(place, form), output=place / "grown", workers=1)

    verdict = verify(place / "whole", depth="full", source=place / "photographs", workers=1)

    assert verdict.problems == ()
    assert tree(place / "out") == tree(place / "shards") == tree(place / "whole") == tree(place / "grown")
    opened = corruptgen.open(place / "whole")
    assert np.array_equal(
        opened.image("brightness", 2, "coffee/02.png"), corrupted(place, "brightness", 2, "coffee/02")
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_clean_image_is_named_and_repaired(place, form):
    recipe = write_pairs(place, form)
    corruptgen.generate(recipe, output=place / "out", workers=1)
    before = tree(place / "out")
    name = {
        "folder": "clean/chelsea/01.png",
        "parquet": "data/brightness/severity_1-00000-of-00002.parquet",
        "webdataset": "brightness/severity_1-00000.tar",
    }[form]
    content = bytearray((place / "out" / name).read_bytes())
    content[len(content) // 2] ^= 1
    (place / "out" / name).write_bytes(bytes(content))

    problems = verify(place / "out", workers=1).problems
    corruptgen.generate(recipe, output=place / "out", workers=1, check=True)

    assert any(name in problem for problem in problems)
    assert tree(place / "out") == before


LOADING = """
import numpy as np
from datasets import load_dataset
result = {}
for repo, column in REPOS:
    found = load_dataset(repo, "brightness", split="severity_2", revision="v1.0.0")
    result[repo] = [sorted(found.features), np.asarray(found[0][column]).tolist()]
clean = load_dataset("ns/folder", "clean", split="severity_0", revision="v1.0.0")
result["twin"] = [sorted(clean.features), np.asarray(clean[0]["image"]).tolist()]
"""


@pytest.mark.long
def test_published_pairs_are_loaded_by_datasets(place):
    for form in FORMS:
        corruptgen.generate(write_pairs(place, form), output=place / form, workers=1)
    hub = Hub()
    session = Session(hub.url, place, hub)
    try:
        for form in FORMS:
            done = session.run("publish", place / form, f"ns/{form}", "--workers", 1)
            assert done.returncode == 0, done.stderr
        repos = [("ns/parquet", "clean"), ("ns/webdataset", "clean.png"), ("ns/folder", "image")]
        found = session.python(LOADING.replace("REPOS", repr(repos)))
    finally:
        session.close()
        hub.close()

    clean = source(place, ITEMS[0])
    assert {"clean", "image", "label"} <= set(found["ns/parquet"][0])
    assert {"clean.png", "png", "cls"} <= set(found["ns/webdataset"][0])
    assert found["twin"][0] == found["ns/folder"][0] == ["image", "label"]
    for repo in ("ns/parquet", "ns/webdataset", "twin"):
        assert np.array_equal(found[repo][1], clean)
    assert np.array_equal(found["ns/folder"][1], corrupted(place, "brightness", 2, ITEMS[0]))


def test_cards_and_croissant_say_where_both_images_are(place):
    for form in FORMS:
        corruptgen.generate(write_pairs(place, form), output=place / form, workers=1)
    datasets = {form: open_dataset(place / form) for form in FORMS}

    described = {form: json.loads(write_croissant(dataset)) for form, dataset in datasets.items()}

    assert all("Each corrupted image has the clean one beside it." in write_card(found) for found in datasets.values())
    sets = {one["name"]: one["includes"] for one in described["folder"]["distribution"][1:]}
    assert sets == {
        "files-clean": "clean/**",
        "files-gaussian_noise": ["corrupted/gaussian_noise/1/**", "corrupted/gaussian_noise/2/**"],
        "files-brightness": ["corrupted/brightness/1/**", "corrupted/brightness/2/**"],
    }
    fields = {one["name"]: one["dataType"] for one in described["parquet"]["recordSet"][0]["field"]}
    assert (fields["clean"], fields["image"]) == ("sc:ImageObject", "sc:ImageObject")


def test_a_sequence_has_one_clean_image_beside_its_frames(place):
    for form in FORMS:
        recipe = write_build(place, form, rows='["turn"]', severities="[1]", output="pairs = true")
        text = recipe.read_text("utf-8")
        recipe.write_text(text if form == "folder" else text.replace("clean = true\n", ""), "utf-8")
        corruptgen.generate(recipe, output=place / form, workers=1)

    twin = pixels_of(place / "folder/clean/astronaut/00.png")
    assert twin.shape == (24, 24, 3)
    assert (place / "folder/corrupted/turn/1/astronaut/00/002.png").is_file()
    with tarfile.open(place / "webdataset/turn/severity_1-00000.tar") as archive:
        names = archive.getnames()
        clean = np.asarray(Image.open(io.BytesIO(archive.extractfile(names[0]).read())))
    assert names[:3] == [f"astronaut/00%2Epng.{ending}" for ending in ("clean.png", "000.png", "001.png")]
    assert np.array_equal(clean, twin)
    parquet = pytest.importorskip("pyarrow.parquet")
    row = parquet.read_table(place / "parquet/data/turn/severity_1-00000-of-00002.parquet").to_pylist()[0]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(row["clean"]["bytes"]))), twin)
    assert len(row["images"]) == 3


def test_a_dataset_that_becomes_one_of_pairs_is_another_layout(place):
    corruptgen.generate(write_pairs(place, "parquet"), output=place / "pairs", workers=1)
    plain = write_pairs(place, "parquet")
    plain.write_text(plain.read_text("utf-8").replace("pairs = true\n", ""), "utf-8")
    corruptgen.generate(plain, output=place / "plain", workers=1)

    found = compare_datasets(open_dataset(place / "plain"), open_dataset(place / "pairs"))

    assert "clean images lie beside the corrupted ones now" in found.breaks
    assert found.pixels == {}


@pytest.mark.parametrize(
    ("form", "more", "message"),
    [
        (
            "npy",
            "",
            r"pairs: format = 'npy' has an array for each row; write clean = true, and image n of the",
        ),
        ("npz", "", r"pairs: format = 'npz' has an array for each row"),
        (
            "folder",
            "clean = false",
            r"clean: false, and pairs = true has a folder of clean images; leave one",
        ),
    ],
)
def test_formats_that_cannot_have_pairs_say_why(place, form, more, message):
    with pytest.raises(RecipeError, match=message):
        make_plan(write_pairs(place, form, more=more))


def test_masks_are_refused_beside_pairs(place):
    recipe = write_pairs(place, "folder")
    text = recipe.read_text("utf-8").replace("[decode]", 'masks = "photographs"\n[decode]')
    recipe.write_text(text, "utf-8")

    with pytest.raises(RecipeError, match=r"\[output\] pairs: masks and annotations go with single images alone"):
        make_plan(recipe)
