"""Cards: what a dataset says about itself, in the words that people, the Hub and Croissant's own validator want."""

import io
import re
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.engine.manifest import manifest_bytes
from corruptgen.errors import PublishError, RecipeError
from corruptgen.publishing.card import write_card
from corruptgen.publishing.leaks import PATHS
from corruptgen.publishing.licenses import known
from corruptgen.publishing.presentation import present
from corruptgen.publishing.wording import meanings, quirks
from corruptgen.recipe.recipe import read_recipe
from corruptgen.store.digests import image_digest
from corruptgen.tables import catalog
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import tree, write_photographs, write_recipe
from tests.scans import scan

pytest.importorskip("datasets")
yaml = pytest.importorskip("yaml")

FORMATS = ("parquet", "folder", "webdataset", "npz", "npy")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The same images in every format."""
    place = tmp_path_factory.mktemp("built")
    write_photographs(place / "photographs", 4)
    for form in FORMATS:
        path = write_recipe(place, output=f'format = "{form}"\nclean = true')
        corruptgen.generate(path, output=place / form, workers=1)
    return place


def metadata(text):
    return yaml.safe_load(re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)[1])


def test_croissants_own_validator_takes_every_format(built, tmp_path):
    for form in FORMATS:
        content = present(open_dataset(built / form), "ns/small-c").files["croissant.json"]
        (tmp_path / f"{form}.json").write_bytes(content)
    code = (
        "import sys, mlcroissant\n"
        "for name in sys.argv[1:]:\n"
        "    found = mlcroissant.Dataset(jsonld=name).metadata\n"
        "    print(name, sorted(found.issues.errors), [r.uuid for r in found.record_sets])"
    )

    # In one process, because the validator takes seconds to load.
    done = subprocess.run(
        [sys.executable, "-c", code, *(f"{form}.json" for form in FORMATS)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    rows = {"parquet": ["clean", "gaussian_noise", "brightness", "jpeg_compression"]}
    assert done.stdout.splitlines() == [f"{form}.json [] {rows.get(form, [])}" for form in FORMATS], done.stderr


@pytest.mark.parametrize("form", FORMATS)
def test_the_clients_own_classes_take_the_metadata(built, form):
    from datasets import DatasetInfo  # noqa: PLC0415
    from datasets.utils.metadata import MetadataConfigs  # noqa: PLC0415
    from huggingface_hub import DatasetCard  # noqa: PLC0415

    found = DatasetCard(write_card(open_dataset(built / form), "ns/small-c"))

    configs = MetadataConfigs.from_dataset_card_data(found.data)
    loadable = form in ("parquet", "folder", "webdataset")
    assert list(configs) == (["clean", "gaussian_noise", "brightness", "jpeg_compression"] if loadable else [])
    said = found.data.to_dict()
    assert said["license"] == "unknown"
    assert said["license"] in known()
    assert said["task_categories"] == ["image-classification"]
    assert said["size_categories"] == ["n<1K"]
    for entry in metadata(found.content).get("dataset_info", []):
        info = DatasetInfo._from_yaml_dict(entry)
        # Tar files hold no counts.
        assert {split.num_examples for split in (info.splits or {}).values()} == ({4} if form == "parquet" else set())
        column = {"parquet": "label", "webdataset": "cls"}[form]
        assert info.features[column].names == ["astronaut", "chelsea", "coffee", "rocket"]


@pytest.mark.parametrize("form", ["folder", "webdataset", "parquet"])
def test_what_the_card_says_is_what_loads(built, tmp_path, monkeypatch, form):
    from datasets import load_dataset  # noqa: PLC0415

    shutil.copytree(built / form, tmp_path / form)
    dataset = open_dataset(tmp_path / form)
    present(dataset, "ns/small-c").write(dataset)

    found = load_dataset(str(tmp_path / form), "brightness", split="severity_2", cache_dir=str(tmp_path / "cache"))

    column = next(name for name in ("image", "png") if name in found.column_names)
    assert [found[i][column].size for i in range(len(found))] == [(48, 40)] * 4


@pytest.mark.parametrize("form", ["parquet without a card", "parquet", "webdataset", "folder"])
def test_a_dataset_that_was_made_anew_is_what_loads(tmp_path, form):
    from datasets import load_dataset  # noqa: PLC0415

    kind, _, without = form.partition(" ")
    write_photographs(tmp_path / "photographs", 2)
    loaded = []
    for seed in (1, 2):
        output = f'format = "{kind}"\nencoding = "png"'
        recipe = write_recipe(
            tmp_path, top=f"seed = {seed}", corrupt='rows = ["gaussian_noise"]\nseverities = [2]', output=output
        )
        corruptgen.generate(recipe, output=tmp_path / "out", workers=1, overwrite=True)
        dataset = open_dataset(tmp_path / "out")
        if not without:
            present(dataset, "ns/small-c").write(dataset)

        rows = load_dataset(
            str(tmp_path / "out"), "gaussian_noise", split="severity_2", cache_dir=str(tmp_path / "cache")
        )

        column = next(name for name in ("image", "png") if name in rows.column_names)
        found = {np.asarray(row[column]).tobytes() for row in rows}
        assert {image_digest(np.asarray(row[column])) for row in rows} == {r.pixels for r in dataset}
        loaded.append(found)
    assert not loaded[0] & loaded[1]


def test_the_same_manifest_gives_the_same_bytes_and_writing_them_changes_nothing_more(built, tmp_path):
    shutil.copytree(built / "parquet", tmp_path / "a")
    shutil.copytree(built / "parquet", tmp_path / "b")

    for place in (tmp_path / "a", tmp_path / "b", tmp_path / "b"):
        dataset = open_dataset(place)
        present(dataset, "ns/small-c").write(dataset)

    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert verify(tmp_path / "a", depth="full", workers=1).problems == ()
    assert corruptgen.generate(built / "recipe.toml", source=built / "photographs", output=tmp_path / "new").items == 4


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda place: (place / "README.md").write_text("mine"), "README.md is damaged: checksum mismatch"),
        (lambda place: (place / "card.jpg").unlink(), "card.jpg is missing"),
    ],
)
def test_a_changed_card_is_found(built, tmp_path, change, problem):
    shutil.copytree(built / "parquet", tmp_path / "out")
    dataset = open_dataset(tmp_path / "out")
    present(dataset).write(dataset)

    change(tmp_path / "out")

    assert verify(tmp_path / "out", workers=1).problems == (problem,)


def test_a_card_that_nothing_lists_is_a_stranger(built, tmp_path):
    shutil.copytree(built / "folder", tmp_path / "out")
    (tmp_path / "out/croissant.json").write_text("{}")

    assert verify(tmp_path / "out", workers=1).problems == ("croissant.json is not part of this build",)


def test_a_card_shows_recipe_rows_parameters_versions_and_how_to_verify(built):
    text = write_card(open_dataset(built / "parquet"), "ns/small-c")

    shown = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])
    assert read_recipe(shown, "card").content() == open_dataset(built / "parquet").recipe.content()
    assert "| `brightness` | `offset` | 0.1 | 0.2 |" in text
    assert "added to the value, as a fraction of full scale" in text
    assert "corruptgen verify hf://datasets/ns/small-c@v1.0.0 --depth sample" in text
    assert 'load_dataset("ns/small-c", "gaussian_noise", split="severity_2", revision="v1.0.0")' in text
    assert f"corruptgen {corruptgen.__version__}" in text
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Load it", "## Rows and severities", "## How images were read and stored", "## How it was made",
        "## Verify it", "## Known quirks", "## Licence", "## Citation",
    ]  # fmt: skip


def test_terms_and_words_of_the_recipe_are_on_the_card(built, tmp_path):
    dataset = open_dataset(built / "parquet")
    content = dataset.recipe.content()
    terms = {
        "license": "other",
        "license_name": "ours",
        "license_link": "https://example.org/terms",
        "citation": "@article{x}",
    }
    content["source"] |= terms
    content["publish"] = {
        "title": "Small: a set",
        "description": "Words.",
        "tags": ["tiny"],
        "tasks": ["image-to-image"],
    }
    shutil.copytree(built / "parquet", tmp_path / "out")
    changed = manifest_bytes({**dataset.manifest, "recipe": read_recipe(content, "test").content()})
    (tmp_path / "out/manifest.json").write_bytes(changed)

    text = write_card(open_dataset(tmp_path / "out"))

    found = metadata(text)
    assert (found["license"], found["license_name"], found["license_link"]) == (
        "other",
        "ours",
        "https://example.org/terms",
    )
    assert found["pretty_name"] == "Small: a set"
    assert found["task_categories"] == ["image-to-image"]
    assert "tiny" in found["tags"]
    assert "# Small: a set\n\nWords.\n" in text
    assert "[ours](https://example.org/terms)" in text
    assert "```bibtex\n@article{x}\n```" in text


@pytest.mark.parametrize(
    ("source", "publish", "message"),
    [
        ({"license": "other"}, {}, 'license: "other" needs license_name, and license_link'),
        ({"license": "mit", "license_name": "x"}, {}, 'license_name: goes with license = "other"'),
        ({}, {"tasks": ["a b"]}, r"tasks: found \['a b'\], allowed is a list of words"),
        ({}, {"titel": "x"}, "did you mean 'title'"),
    ],
)
def test_wrong_terms_and_words_are_refused(source, publish, message):
    content = {
        "name": "a",
        "version": "1.0.0",
        "source": {"kind": "folder", **source},
        "corrupt": {"preset": "natural"},
        "publish": publish,
    }

    with pytest.raises(RecipeError, match=message):
        read_recipe(content, "mine.toml")


def test_a_licence_that_the_hub_does_not_know_is_refused(built, tmp_path):
    shutil.copytree(built / "folder", tmp_path / "out")
    dataset = open_dataset(built / "folder")
    content = dataset.recipe.content()
    content["source"]["license"] = "cc0"
    (tmp_path / "out/manifest.json").write_bytes(manifest_bytes({**dataset.manifest, "recipe": content}))

    with pytest.raises(PublishError, match="no license of the Hub is called 'cc0'; did you mean"):
        write_card(open_dataset(tmp_path / "out"))


def test_the_quirks_of_a_frozen_table_are_told(tmp_path):
    write_photographs(tmp_path / "photographs", 2)
    path = write_recipe(tmp_path, preset="imagecorruptions", corrupt='rows = ["glass_blur", "contrast"]')
    corruptgen.generate(path, output=tmp_path / "out", workers=1)

    found = list(quirks(open_dataset(tmp_path / "out")))

    assert found[0].startswith("`imagecorruptions` is a frozen table")
    assert any("cut off, not rounded" in quirk for quirk in found)
    assert any(quirk.startswith("`glass_blur`: level 2 is not worse") for quirk in found)
    assert any("`exchange` is off (whether two pixels change places" in quirk for quirk in found)
    assert "None that are known" not in write_card(open_dataset(tmp_path / "out"))


def test_the_picture_is_small_and_shows_every_row(built):
    dataset = open_dataset(built / "parquet")
    files = present(dataset).files

    (built / "card.jpg").write_bytes(files["card.jpg"])
    with Image.open(built / "card.jpg") as picture:
        width, height = picture.size
    assert height > 3 * 80
    assert width > 3 * 96
    assert len(files["card.jpg"]) < 300_000


@pytest.mark.parametrize("form", FORMATS)
def test_scans_that_keep_their_depth_have_a_card(tmp_path, form):
    (tmp_path / "photographs/ct").mkdir(parents=True)
    (tmp_path / "photographs/ct/head.dcm").write_bytes(scan("CT_small"))
    encoding = "" if form in ("npy", "npz") else 'encoding = "tiff"\n'
    path = write_recipe(tmp_path, decode='window = "range"', output=f'{encoding}format = "{form}"\nclean = true')
    corruptgen.generate(path, output=tmp_path / "out", workers=1)

    files = present(open_dataset(tmp_path / "out"), "ns/scans-c").files

    how = "plain arrays of pixels" if form in ("npy", "npz") else "TIFF"
    assert f"stored as {how}, without loss" in files["README.md"].decode()
    assert "with its own depth, what lies beyond its window (`range`) clipped" in files["README.md"].decode()
    shades = np.asarray(Image.open(io.BytesIO(files["card.jpg"])).convert("L"))
    # The slice fills its window: it is neither black nor cut off.
    assert np.ptp(shades[30:60, -100:]) > 100


def test_every_licence_says_whether_changed_images_may_be_passed_on():
    assert {entry.sharing for entry in known().values()} == {"yes", "same", "noncommercial", "no", "read"}
    assert known()["cc-by-nd-4.0"].sharing == "no"
    assert known()["unknown"].sharing == "read"


def test_what_the_tables_say_is_never_taken_for_a_path_of_a_machine():
    for name in catalog.preset_names():
        preset = catalog.preset(name)
        said = [
            *preset.content["preset"].get("references", ()),
            preset.content["preset"].get("notes", ""),
            preset.title,
        ]
        for row in preset.rows.values():
            said += [*(level.corruption.summary for level in row.uses), *meanings(row).values()]

        assert [text for text in said if PATHS.search(text)] == []
