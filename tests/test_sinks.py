"""Sinks: each format is read back by the library it is for, and has the pixels of `corruptgen.corrupt`."""

import io
import json
import shutil
import tarfile
import warnings
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.errors import MissingPackage, RecipeError, SourceError
from corruptgen.records import Item
from corruptgen.sinks.array_files import open_array_file
from corruptgen.sinks.webdataset import sample_key
from corruptgen.values.class_labels import Classes
from tests.photographs import NAMES, pixels_of, write_photographs, write_recipe

ROWS = ("gaussian_noise", "brightness", "jpeg_compression")
SEVERITIES = (1, 1.5, 2)
FORMATS = ("folder", "parquet", "npy", "npz", "webdataset")
CLASSES = sorted(NAMES)


def recipe_of(place, form, *, output="clean = true\nitems_per_shard = 5", corrupt="severities = [1, 1.5, 2]"):
    return write_recipe(place, top="seed = 7", corrupt=corrupt, output=f'format = "{form}"\n{output}')


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build real photographs, and one file that is none, in every format."""
    place = tmp_path_factory.mktemp("built")
    pixels = write_photographs(place / "photographs", 12)
    (place / "photographs/chelsea/05.png").write_bytes(b"no image")
    del pixels["chelsea/05.png"]
    for form in FORMATS:
        corruptgen.generate(recipe_of(place, form), output=place / form, workers=1)
    return place, dict(sorted(pixels.items()))


def expected(built, row, severity):
    """Return id, class number and pixels of every item in a cell, by the front door."""
    place, pixels = built
    for item, clean in pixels.items():
        image = clean
        if row != "clean":
            image = corruptgen.corrupt(clean, row, severity, preset=str(place / "three.toml"), seed=7, key=item)
        yield item, CLASSES.index(item.split("/")[0]), image


def cells():
    return [("clean", 0), *((row, severity) for row in ROWS for severity in SEVERITIES)]


def decoded(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_folder_is_what_torchvisions_image_folder_reads(built):
    for row, severity in cells():
        root = built[0] / "folder" / row / str(severity)
        classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        files = [(path, name) for name in classes for path in sorted((root / name).rglob("*")) if path.is_file()]
        samples = [(path, classes.index(name)) for path, name in files]

        wanted = list(expected(built, row, severity))

        assert classes == CLASSES
        assert [(str(path.relative_to(root)), number) for path, number in samples] == [(i, n) for i, n, _ in wanted]
        for (path, _), (_, _, image) in zip(samples, wanted, strict=True):
            assert np.array_equal(pixels_of(path), image)


@pytest.fixture
def load_dataset(tmp_path, monkeypatch):
    """Return `datasets.load_dataset` with a cache of its own."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()

    def load(*arguments, **options):
        with warnings.catch_warnings():
            # What `datasets` and what it uses warn about is not ours.
            warnings.simplefilter("ignore")
            return datasets.load_dataset(*arguments, cache_dir=str(tmp_path / "cache"), **options)

    return load


@pytest.mark.parametrize("streaming", [False, True])
def test_parquet_is_what_datasets_loads_and_streams(built, load_dataset, streaming):
    folder = str(built[0] / "parquet")
    for row, severity in cells() if streaming else [("clean", 0), ("gaussian_noise", 1.5)]:
        loaded = load_dataset(folder, row, split=f"severity_{severity}", streaming=streaming)

        assert loaded.features["label"].names == CLASSES
        for record, (item, number, image) in zip(loaded, expected(built, row, severity), strict=True):
            assert (record["image_id"], record["label"]) == (item, number)
            assert (record["corruption"], record["severity"]) == (row, severity)
            assert np.array_equal(np.asarray(record["image"]), image)


def test_parquet_has_the_parameters_and_no_path_of_this_machine(built, load_dataset):
    loaded = load_dataset(str(built[0] / "parquet"), "gaussian_noise", split="severity_1.5")
    import datasets  # noqa: PLC0415

    raw = loaded.cast_column("image", datasets.Image(decode=False))[0]["image"]

    assert loaded[0]["sigma"] == pytest.approx(0.2)
    assert raw["path"] == "00.png"
    assert raw["bytes"].startswith(b"\x89PNG")
    for path in (built[0] / "parquet").rglob("*.*"):
        assert path.is_dir() or str(built[0]).encode() not in path.read_bytes()


def test_parquet_lies_as_the_hub_wants_it(built):
    pq = pytest.importorskip("pyarrow.parquet")
    data = built[0] / "parquet/data"

    names = sorted(str(path.relative_to(data)) for path in data.glob("brightness/severity_1.5-*"))
    file = pq.ParquetFile(data / names[0])
    group = file.metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}

    assert names == [f"brightness/severity_1.5-{block:05d}-of-00003.parquet" for block in range(3)]
    assert [pq.ParquetFile(data / name).metadata.num_rows for name in names] == [4, 5, 2]
    assert columns["image.bytes"].compression == "UNCOMPRESSED"
    assert columns["image_id"].compression == "SNAPPY"
    assert columns["image_id"].has_offset_index


def test_npy_is_what_robustbench_loads_as_cifar_10_c(built):
    """Follow `load_corruptions_cifar`: one file per row, severities stacked, labels of the first n."""
    folder, count = built[0] / "npy", 11
    labels = np.load(folder / "labels.npy")
    assert labels.shape == (3 * count,)
    for row in ROWS:
        every = np.load(folder / f"{row}.npy", mmap_mode="r")
        assert (every.shape, every.dtype) == ((3 * count, 40, 48, 3), np.uint8)
        for level, severity in enumerate(SEVERITIES, 1):
            images = every[(level - 1) * count : level * count]
            wanted = list(expected(built, row, severity))
            assert np.array_equal(images, [image for _, _, image in wanted])
            assert labels[:count].tolist() == [number for _, number, _ in wanted]
    assert np.array_equal(np.load(folder / "clean.npy"), [image for _, _, image in expected(built, "clean", 0)])
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["classes"] == CLASSES


def test_npz_is_laid_out_as_medmnist_c(built):
    for row in ROWS:
        with np.load(built[0] / f"npz/{row}.npz") as arrays:
            assert arrays.files == ["test_images", "test_labels"]
            images, labels = arrays["test_images"], arrays["test_labels"]
        wanted = [line for severity in SEVERITIES for line in expected(built, row, severity)]
        assert (labels.dtype, labels.shape) == (np.uint8, (33, 1))
        assert labels[:, 0].tolist() == [number for _, number, _ in wanted]
        assert np.array_equal(images, [image for _, _, image in wanted])


def test_a_tar_shard_is_what_webdataset_reads(built):
    webdataset = pytest.importorskip("webdataset")
    for row, severity in cells():
        shards = sorted(str(path) for path in (built[0] / "webdataset" / row).glob(f"severity_{severity}-*.tar"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))

        for sample, (item, number, image) in zip(samples, expected(built, row, severity), strict=True):
            assert unquote(sample["__key__"]) == sample["json"]["image_id"] == item
            assert (sample["json"]["corruption"], sample["json"]["severity"]) == (row, severity)
            assert (sample["cls"], sample["json"]["label"]) == (number, item.split("/")[0])
            assert np.array_equal(sample["png"], image)


def test_datasets_reads_the_tar_shards_too(built, load_dataset):
    shards = sorted(str(path) for path in (built[0] / "webdataset/brightness").glob("severity_2-*.tar"))

    loaded = load_dataset("webdataset", data_files={"test": shards}, split="test", streaming=True)

    for record, (_, number, image) in zip(loaded, expected(built, "brightness", 2), strict=True):
        assert record["cls"] == number
        assert np.array_equal(np.asarray(record["png"]), image)


def test_a_tar_shard_says_nothing_about_when_where_and_by_whom(built):
    with tarfile.open(built[0] / "webdataset/brightness/severity_2-00000.tar") as archive:
        members = archive.getmembers()

    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}


@pytest.mark.parametrize(
    "item_id", ["a/b.c.png", "a.b/c", "100%.png", "ä/x y.png", "__name__/x.png", "test/17", "~x", "a" * 300 + "/b"]
)
def test_a_key_gives_the_id_back_and_has_no_dot(item_id):
    key = sample_key(item_id)

    assert unquote(key) == item_id
    assert "." not in key
    assert not key.startswith("__")


@pytest.mark.parametrize(
    ("labels", "names", "kind", "numbers"),
    [
        (["", ""], (), "none", [None, None]),
        (["dog", "cat"], (), "names", [1, 0]),
        (["dog", "cat"], ("dog", "cat", "eel"), "names", [0, 1]),
        (["10", "9"], (), "numbers", [10, 9]),
        (["1", "0"], ("dog", "cat"), "numbers", [1, 0]),
        (["0 1 0", "1 1 0"], (), "lists", [[0, 1, 0], [1, 1, 0]]),
        (["01", "1"], (), "names", [0, 1]),
    ],
)
def test_labels_that_were_recorded_without_their_kind_become_numbers_as_before(labels, names, kind, numbers):
    classes = Classes.guess(labels, names)

    assert classes.kind == kind
    assert [classes.value(label) for label in labels] == numbers


@pytest.mark.parametrize("form", FORMATS)
def test_images_without_classes_have_no_label(tmp_path, form):
    pixels = write_photographs(tmp_path / "classes", 2)
    (tmp_path / "photographs").mkdir()
    for number, image in enumerate(pixels.values()):
        Image.fromarray(image).save(tmp_path / f"photographs/{number}.png")

    corruptgen.generate(recipe_of(tmp_path, form, output=""), output=tmp_path / "out", workers=1)

    out = tmp_path / "out"
    match form:
        case "parquet":
            pq = pytest.importorskip("pyarrow.parquet")
            path = out / "data/brightness/severity_1-00000-of-00001.parquet"
            assert pq.ParquetFile(path).schema_arrow.names[:2] == ["image", "image_id"]
        case "npy":
            assert not (out / "labels.npy").exists()
        case "npz":
            assert np.load(out / "brightness.npz").files == ["test_images"]
        case "webdataset":
            with tarfile.open(out / "brightness/severity_1-00000.tar") as archive:
                assert archive.getnames() == ["0%2Epng.png", "0%2Epng.json", "1%2Epng.png", "1%2Epng.json"]


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_an_array_holds_images_of_the_first_ones_shape(tmp_path, form):
    pixels = write_photographs(tmp_path / "photographs", 5)
    (tmp_path / "photographs/astronaut/00.png").write_bytes(b"broken")
    Image.new("RGB", (20, 20)).save(tmp_path / "photographs/coffee/02.png")

    outcome = corruptgen.generate(recipe_of(tmp_path, form), output=tmp_path / "out", workers=1)

    reasons = {rejection.id: rejection.reason for rejection in outcome.rejected}
    assert outcome.items == len(pixels) - 2
    assert set(reasons) == {"astronaut/00.png", "coffee/02.png"}
    assert "has the shape 20×20×3, and the first image 40×48×3" in reasons["coffee/02.png"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_block_of_nothing_but_broken_images_is_no_obstacle(tmp_path, form, load_dataset):
    pixels = write_photographs(tmp_path / "photographs", 4)
    for item in sorted(pixels)[:2]:
        (tmp_path / "photographs" / item).write_bytes(b"broken")
    recipe = recipe_of(tmp_path, form, output="items_per_shard = 2", corrupt="")

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    assert outcome.items == 2
    assert corruptgen.generate(recipe, output=tmp_path / "out", workers=1).was_finished
    if form == "parquet":
        loaded = load_dataset(str(tmp_path / "out"), "brightness", split="severity_1")
        assert loaded["image_id"][:] == sorted(pixels)[2:]


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_but_broken_images_is_no_dataset(tmp_path, form):
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs/a.png").write_bytes(b"broken")

    for _ in range(2):
        with pytest.raises(SourceError, match=r"no item is left for a dataset, all 1 were rejected: a\.png cannot be"):
            corruptgen.generate(recipe_of(tmp_path, form), output=tmp_path / "out", workers=1)

    assert not (tmp_path / "out/manifest.json").exists()


def test_jpeg_is_stored_in_shards_as_in_folders(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    assert webdataset
    write_photographs(tmp_path / "photographs", 3)
    for form in ("folder", "webdataset"):
        recipe = recipe_of(tmp_path, form, output='encoding = "jpeg"\nquality = 70')
        corruptgen.generate(recipe, output=tmp_path / form, workers=1)

    with tarfile.open(tmp_path / "webdataset/brightness/severity_1-00000.tar") as archive:
        content = archive.extractfile("astronaut/00%2Epng.jpg").read()

    assert content == (tmp_path / "folder/brightness/1/astronaut/00.JPEG").read_bytes()


@pytest.mark.parametrize("key", ['encoding = "png"', "quality = 90"])
@pytest.mark.parametrize("form", ["npy", "npz"])
def test_an_encoding_of_arrays_is_an_error(tmp_path, form, key):
    with pytest.raises(RecipeError, match="stores pixels; leave it out"):
        corruptgen.generate(recipe_of(tmp_path, form, output=key), output=tmp_path / "out")


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    write_photographs(tmp_path / "photographs", 1)
    monkeypatch.setattr("corruptgen.runtime.extras.find_spec", lambda name: None)

    with pytest.raises(MissingPackage, match=r"needs datasets and pyarrow: .*corruptgen\[hub\]"):
        corruptgen.generate(recipe_of(tmp_path, "parquet"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_row_cannot_take_the_name_of_the_labels(tmp_path):
    write_photographs(tmp_path / "photographs", 1)
    recipe = recipe_of(tmp_path, "npy")
    (tmp_path / "three.toml").write_text(
        '[preset]\ntitle = "x"\nlevels = 2\n[labels]\nuse = "brightness"\noffset = [0.1, 0.2]\n', "utf-8"
    )

    with pytest.raises(RecipeError, match="'labels'"):
        corruptgen.generate(recipe, output=tmp_path / "out")


def test_an_array_that_is_not_whole_is_none(built, tmp_path):
    for form in ("npy", "npz"):
        whole = built[0] / form / f"brightness.{form}"
        short = tmp_path / whole.name
        shutil.copy(whole, short)
        with short.open("r+b") as file:
            file.truncate(whole.stat().st_size - 1)

        assert open_array_file(whole).shape == (33, 40, 48, 3)
        assert open_array_file(short) is None
    assert open_array_file(tmp_path / "absent.npy") is None


def test_the_ids_of_arrays_are_ordered_by_number(tmp_path, monkeypatch):
    from corruptgen.engine.plan import make_plan  # noqa: PLC0415
    from corruptgen.records import Items, Listing  # noqa: PLC0415
    from corruptgen.sources.folder import FolderSource  # noqa: PLC0415

    (tmp_path / "photographs").mkdir()
    ids = sorted(f"test/{number}" for number in range(12))
    monkeypatch.setattr(FolderSource, "listing", lambda self: Listing(Items.of(Item(name, "0") for name in ids)))

    plan = make_plan(recipe_of(tmp_path, "npy"))

    assert [item.id for item in plan.listing.items] == [f"test/{number}" for number in range(12)]
    assert [len(block.items) for block in plan.blocks] == [5, 5, 2]
    assert Path(plan.blocks[0].table).name == "00000.jsonl"
