"""Labels: what a source says about the class of an image is what every output says about it."""

import hashlib
import io
import json
import pickle
import shutil
import tarfile
from dataclasses import replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.engine.block import Packed, Work, unpack_work
from corruptgen.engine.plan import make_plan
from corruptgen.engine.shard_merge import merge
from corruptgen.engine.shards import listing_header, restore_listing
from corruptgen.errors import CorruptgenError, OutputError, ScoreError, SourceError
from corruptgen.publishing.presentation import present
from corruptgen.recipe.recipe import load
from corruptgen.records import Item, Items, Listing
from corruptgen.scoring.evaluation import ScoreOptions
from corruptgen.scoring.evaluation import score_dataset as score
from corruptgen.scoring.ground_truth import read_ground_truth
from corruptgen.sinks import OutputDirectory
from corruptgen.sinks.parquet import _schema
from corruptgen.sources import for_reading, keep_wanted, open_source
from corruptgen.values.class_labels import Classes
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify

FORMATS = ("folder", "parquet", "npy", "npz", "webdataset")
# What people write for an image without a label.
MISSING = (-1, None, float("nan"))


@pytest.fixture
def load_dataset(tmp_path):
    """Return `datasets.load_dataset` with a cache of its own."""
    datasets.disable_progress_bars()
    yield lambda *arguments, **options: datasets.load_dataset(*arguments, cache_dir=str(tmp_path / "cache"), **options)
    datasets.enable_progress_bars()


def recipe(place, source, *, form="parquet", more="", top="", rows='rows = ["brightness"]\nseverities = [1]'):
    path = place / "recipe.toml"
    path.write_text(
        f'name = "labels-c"\nversion = "1.0.0"\n{top}\n[source]\n{source}\nlicense = "cc0-1.0"\n'
        f'[corrupt]\npreset = "natural"\n{rows}\n[output]\nformat = "{form}"\n{more}\n',
        "utf-8",
    )
    return path


def listing(place, source, **options):
    asked = load(recipe(place, source, **options))
    return keep_wanted(open_source(asked).listing(), asked)


def values(found):
    """Return the number of every item's class, by id."""
    return {item.id: found.classes.value(item.label) for item in found.items}


def reasons(found):
    return {rejection.id: rejection.reason for rejection in found.rejected}


def picture(path, level=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (level % 256, 90, 60)).save(path)
    return path


def pictures(place, names):
    for level, name in enumerate(names):
        picture(place / name, 20 * level)


def table(place, labels, feature=None):
    """Write a parquet file of `datasets` with these labels."""
    images = [Image.new("RGB", (16, 16), (20 * number % 256, 9, 9)) for number in range(len(labels))]
    features = datasets.Features({"image": datasets.Image(), "label": feature or datasets.Value("int64")})
    datasets.Dataset.from_dict({"image": images, "label": labels}, features=features).to_parquet(place / "d.parquet")
    return 'kind = "hub"\npath = "d.parquet"\nsplit = "test"'


def archive(place, labels):
    labels = np.array(labels)
    np.savez(place / "a.npz", test_images=np.zeros((len(labels), 16, 16, 3), np.uint8), test_labels=labels)
    return 'kind = "npz"\npath = "a.npz"'


def tar(place, labels):
    with tarfile.open(place / "a.tar", "w") as file:
        for number, label in enumerate(labels):
            content = io.BytesIO()
            Image.new("RGB", (16, 16), (number, 9, 9)).save(content, "PNG")
            for name, data in ((f"{number}.png", content.getvalue()), (f"{number}.json", json.dumps(label).encode())):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                file.addfile(member, io.BytesIO(data))
    return 'kind = "webdataset"\npath = "a.tar"'


def metadata(place, labels):
    pictures(place / "s", [f"{number}.png" for number in range(len(labels))])
    lines = [json.dumps({"file_name": f"{number}.png", "label": label}) for number, label in enumerate(labels)]
    (place / "s/metadata.jsonl").write_text("\n".join(lines))
    return 'kind = "folder"\npath = "s"\nlabels = "metadata"'


class TestOddLabels:
    @pytest.mark.parametrize("odd", MISSING)
    @pytest.mark.parametrize("write", [table, tar, metadata])
    def test_a_missing_label_leaves_numbers_what_they_are(self, tmp_path, write, odd):
        column = [datasets.Value("float64")] if write is table else []
        source = write(tmp_path, [odd, *range(12)], *column)

        found = listing(tmp_path, source)

        assert list(values(found).values())[:1] in ([None], [0])
        assert sorted(values(found).values(), key=lambda number: -1 if number is None else number) == [None, *range(12)]
        assert (found.classes.kind, found.classes.count) == ("numbers", 12)

    @pytest.mark.parametrize(
        "labels",
        [
            [-1, *range(12)],
            [np.nan, *map(float, range(12))],
            np.array([-1, *range(12)], np.int8),
            np.array(["", *map(str, range(12))]),
            np.array(["-1", *map(str, range(12))], "S"),
            np.array(["nan", *(f"{number}.0" for number in range(12))]),
        ],
    )
    def test_an_array_of_any_type_has_the_numbers_that_are_in_it(self, tmp_path, labels):
        found = listing(tmp_path, archive(tmp_path, labels))

        assert list(values(found).values()) == [None, *range(12)]
        assert found.classes.count == 12

    def test_truths_are_numbers(self, tmp_path):
        assert list(values(listing(tmp_path, archive(tmp_path, [True, False]))).values()) == [1, 0]

    @pytest.mark.parametrize("missing", [-1, None])
    def test_classes_of_a_dataset_keep_names_and_order(self, tmp_path, missing):
        source = table(tmp_path, [0, 1, missing, 2], datasets.ClassLabel(names=["zebra", "ant", "bee"]))

        found = listing(tmp_path, source)

        assert found.classes.names == ("zebra", "ant", "bee")
        assert list(values(found).values()) == [0, 1, None, 2]

    def test_a_number_without_a_class_rejects_its_item_alone(self, tmp_path):
        # `datasets` writes no such table, other programs do.
        source = table(tmp_path, [0, 1, 2], datasets.ClassLabel(names=["zebra", "ant", "bee"]))
        old = pyarrow.parquet.read_table(tmp_path / "d.parquet")
        odd = old.set_column(1, "label", pa.array([0, 7, 2])).replace_schema_metadata(old.schema.metadata)
        pyarrow.parquet.write_table(odd, tmp_path / "d.parquet")

        found = listing(tmp_path, source)

        assert reasons(found) == {"test/1": "has the label '7', which the dataset does not name"}
        assert values(found) == {"test/0": 0, "test/2": 2}

    @pytest.mark.parametrize("odd", ["cat", 1.5, -7, [3], {"a": 1}, True])
    def test_what_is_neither_a_number_nor_missing_rejects_its_item_by_name(self, tmp_path, odd):
        found = listing(tmp_path, metadata(tmp_path, [*range(3), odd]))

        assert list(values(found).values())[:3] == [0, 1, 2]
        if odd is True:
            assert values(found)["3.png"] == 1
        else:
            assert list(reasons(found)) == ["3.png"]
            assert "label" in reasons(found)["3.png"]

    def test_a_class_whose_name_is_a_number_is_named_by_it(self, tmp_path):
        names = datasets.ClassLabel(names=["1", "2", "12"])
        pictures(tmp_path / "s", ["a.png", "b.png", "c.png"])
        (tmp_path / "l.csv").write_text("file_name,label\na.png,1\nb.png,2\nc.png,12\n")
        (tmp_path / "classes.txt").write_text("1\n2\n12\n")

        by_place = listing(tmp_path, table(tmp_path, [1, 2, 1], names))
        by_name = listing(tmp_path, 'kind = "folder"\npath = "s"\nlabels = "l.csv"\nclasses = "classes.txt"')

        assert [item.label for item in by_place.items] == ["2", "12", "2"]
        assert [item.label for item in by_name.items] == ["1", "2", "12"]
        assert list(values(by_name).values()) == [0, 1, 2]

    @pytest.mark.parametrize(
        ("folders", "names", "numbers"),
        [
            (["b", "a", "a/.ipynb_checkpoints", ".git"], ("a", "b"), [0, 1]),
            ([".", "b", "a"], ("a", "b"), [None, 0, 1]),
            ([str(number) for number in range(12)], (), [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]),
            ([".", *map(str, range(12))], (), [None, 0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]),
            (["10", "2", "other"], ("2", "10", "other"), [1, 0, 2]),
            (["01", "02", "10"], ("01", "02", "10"), [0, 1, 2]),
            (["nan", "None"], ("None", "nan"), [0, 1]),
        ],
    )
    def test_folders_are_classes_whatever_lies_beside_them(self, tmp_path, folders, names, numbers):
        pictures(tmp_path / "s", [f"{folder}/x.png" for folder in folders])

        found = listing(tmp_path, 'kind = "folder"\npath = "s"')

        shown = sorted(values(found).items())
        top = [value for key, value in shown if key == "x.png"]
        assert [*top, *(value for key, value in shown if key != "x.png")] == numbers
        assert found.classes.names == names


class TestLists:
    def test_lists_of_any_length_stay_lists(self, tmp_path):
        feature = datasets.List(datasets.ClassLabel(names=["a", "b", "c"]))

        found = listing(tmp_path, table(tmp_path, [[0, 1], [2], [], None], feature))

        assert list(values(found).values()) == [[0, 1], [2], [], None]
        assert (found.classes.kind, found.classes.names) == ("lists", ("a", "b", "c"))

    def test_a_row_of_zeros_and_ones_is_not_a_list_of_classes(self, tmp_path):
        rows = listing(tmp_path, archive(tmp_path, [[0, 1, 0], [1, 1, 0], [-1, -1, -1]]))
        column = listing(tmp_path, table(tmp_path, [[0, 1, 0], [1, 1, 0], [1]], datasets.List(datasets.Value("int64"))))

        assert list(values(rows).values()) == [[0, 1, 0], [1, 1, 0], None]
        assert rows.classes.width == column.classes.width == 3
        assert reasons(column) == {"test/2": "has the label '1', of 1 numbers, and labels of this source have 3"}

    def test_lists_are_written_as_lists_or_filled(self, tmp_path):
        source = table(tmp_path, [[0, 11], [2], []], datasets.List(datasets.Value("int64")))
        for form in FORMATS:
            corruptgen.generate(recipe(tmp_path, source, form=form), output=tmp_path / form, workers=1)

        filled = [[0, 11], [2, -1], [-1, -1]]
        assert np.load(tmp_path / "npy/labels.npy").tolist() == filled
        assert np.load(tmp_path / "npz/brightness.npz")["test_labels"].tolist() == filled
        stored = pyarrow.parquet.read_table(next((tmp_path / "parquet/data").rglob("*.parquet")))
        assert stored["label"].to_pylist() == [[0, 11], [2], []]
        lines = (tmp_path / "folder/brightness/1/metadata.jsonl").read_text().splitlines()
        assert [json.loads(line)["label"] for line in lines] == [[0, 11], [2], []]


class TestOneNumberEverywhere:
    """Class numbers are equal in all formats, in the manifest and in what `load_dataset` makes of the card."""

    @pytest.mark.parametrize(
        ("names", "wanted"),
        [
            (["a/b/x.png", "a/c/y.png", "d/z.png"], [0, 1, 2]),
            (["train/cat/x.png", "val/cat/y.png"], [0, 1]),
            (["c/x.png", "c/y.png"], [0, 0]),
            (["x.png", "y.png"], None),
            (["x.png", "1/a.png", "0/a.png"], {"x.png": None, "1/a.png": 1, "0/a.png": 0}),
            ([f"{number}/{number}.png" for number in range(12)], {f"{n}/{n}.png": n for n in range(12)}),
        ],
    )
    def test_formats_card_and_manifest_agree(self, tmp_path, names, wanted, load_dataset):
        place = tmp_path
        pictures(place / "s", names)
        ids = sorted(names)
        numbers = wanted if isinstance(wanted, dict) else dict(zip(ids, wanted or [None] * len(ids), strict=True))

        for form in FORMATS:
            path = recipe(place, 'kind = "folder"\npath = "s"', form=form)
            corruptgen.generate(path, output=place / form, workers=1)
            present(open_dataset(place / form)).write(open_dataset(place / form))
            assert not verify(place / form).problems
            assert corruptgen.generate(path, output=place / form, workers=1).was_finished
            if form in ("folder", "parquet", "webdataset"):
                loaded = load_dataset(str(place / form), "brightness", split="severity_1")
                column = {"webdataset": "cls"}.get(form, "label")
                found = [None if label == -1 else label for label in loaded[column]] if wanted else [None] * len(ids)
                assert wanted or column not in loaded.features
                assert sorted(map(str, found)) == sorted(map(str, numbers.values()))
                if form != "folder" or "image_id" in loaded.features:
                    keys = loaded["image_id"] if form != "webdataset" else [row["image_id"] for row in loaded["json"]]
                    assert dict(zip(keys, found, strict=True)) == numbers
                kind = loaded.features.get(column)
                manifest = json.loads((place / form / "manifest.json").read_text())
                assert kind is None or kind.names == manifest.get("classes", list(map(str, range(kind.num_classes))))

        if wanted:
            expected = [-1 if numbers[key] is None else numbers[key] for key in ids]
            assert np.load(place / "npy/labels.npy").tolist() == expected
            assert np.load(place / "npz/brightness.npz")["test_labels"][:, 0].tolist() == expected

    @pytest.mark.parametrize("form", FORMATS)
    def test_a_part_has_the_classes_of_the_whole(self, tmp_path, form):
        pictures(tmp_path / "s", ["a/x.png", "b/x.png", "c/x.png", "c/y.png"])
        (tmp_path / "s/b/x.png").write_bytes(b"broken")
        (tmp_path / "ids.txt").write_text("c/x.png\nb/x.png\n")

        for part in ('subset = "ids.txt"', 'sample = 1\nper = "class"', "limit = 3"):
            source = f'kind = "folder"\npath = "s"\n{part}'
            corruptgen.generate(recipe(tmp_path, source, form=form), output=tmp_path / "out", workers=1, overwrite=True)
            manifest = json.loads((tmp_path / "out/manifest.json").read_text())
            assert manifest["classes"] == ["a", "b", "c"]
            assert {read_ground_truth(tmp_path / "out").labels[-1, 0]} == {2}

    def test_a_class_whose_only_image_is_rejected_keeps_its_number(self, tmp_path):
        pictures(tmp_path / "s", ["a/x.png", "c/x.png"])
        (tmp_path / "s/b").mkdir()
        (tmp_path / "s/b/x.png").symlink_to(picture(tmp_path / "elsewhere.png"))
        (tmp_path / "l.csv").write_text("file_name,label\na/x.png,ant\ngone.png,bee\nc/x.png,cat\n")

        by_folder = listing(tmp_path, 'kind = "folder"\npath = "s"')
        by_list = listing(tmp_path, 'kind = "folder"\npath = "s"\nlabels = "l.csv"')

        assert by_folder.classes.names == ("a", "b", "c")
        assert by_list.classes.names == ("ant", "bee", "cat")
        assert len(by_folder.items) == len(by_list.items) == 2

    def test_cifar_has_all_its_classes_without_their_names(self, tmp_path):
        (tmp_path / "test_batch.bin").write_bytes(bytes([3]) + bytes(3072))

        found = listing(tmp_path, f'kind = "cifar"\npath = "{tmp_path.as_posix()}"')

        assert found.classes == Classes("numbers", (), 10)

    def test_shards_are_merged_with_the_classes_of_the_whole(self, tmp_path):
        source = table(tmp_path, [2, 1, -1, 2], datasets.ClassLabel(names=["zebra", "ant", "bee"]))
        path = recipe(tmp_path, source, form="npy", more="items_per_shard = 2")
        for shard in ("1/2", "2/2"):
            corruptgen.generate(path, output=tmp_path / "out", workers=1, shard=shard)

        merge(tmp_path / "out")

        assert np.load(tmp_path / "out/labels.npy").tolist() == [2, 1, -1, 2]
        assert json.loads((tmp_path / "out/manifest.json").read_text())["classes"] == ["zebra", "ant", "bee"]

    def test_a_record_of_a_listing_gives_it_back(self):
        whole = Listing(Items.of([Item("a", "x"), Item("b", "")]), (), 3, Classes.named(["x", "y"]), "d")

        assert restore_listing(json.loads(json.dumps(listing_header(whole))), whole.items) == whole

    def test_an_output_with_other_classes_is_another_build(self, tmp_path):
        source = table(tmp_path, [0, 1], datasets.ClassLabel(names=["ant", "bee", "cat"]))
        corruptgen.generate(recipe(tmp_path, source), output=tmp_path / "out", workers=1)
        table(tmp_path, [0, 1], datasets.ClassLabel(names=["ant", "bee", "dog"]))

        with pytest.raises(OutputError, match="source"):
            corruptgen.generate(recipe(tmp_path, source), output=tmp_path / "out", workers=1)


class TestLabelFiles:
    @pytest.mark.parametrize(
        ("name", "text", "expected"),
        [
            ("l.txt", "0.png\tn01\t0\t32\n1.png\tn00\t0\t1\n2.png\tn01\t9\t9\n", [1, 0, 1]),
            ("l.txt", "0.png\tgolden retriever\n1.png\ttabby cat\n2.png\t\n", [0, 1, None]),
            ("l.txt", "0.png golden retriever\n1.png tabby cat\n2.png golden retriever\n", [0, 1, 0]),
            ("l.txt", "0.png, tabby cat\n1.png,7 up\n2.png, tabby cat\n", [1, 0, 1]),
            ("l.txt", '0.png,"up, or down"\n1.png,b\n2.png,b\n', [1, 0, 0]),
            ("l.txt", "image,class\n0.png,3\n1.png,-1\n2.png,2.0\n", [3, None, 2]),
            ("l.txt", "0 3\n1 4\n2 5\n", [3, 4, 5]),
            ("l.txt", "b\n\na\n", [1, None, 0]),
            ("l.txt", "golden retriever\ntabby cat\ngolden retriever\n", [0, 1, 0]),
            ("l.csv", "file_name,label\n0.png,10\n1.png,\n2.png, 9\n", [10, None, 9]),
            ("l.csv", "file_name;label\r\n0.png;b\r\n1.png;a\r\n2.png;a\r\n", [1, 0, 0]),
            ("l.csv", '0.png,b\n1.png,"a, or c"\n2.png,b\n', [1, 0, 1]),
            ("l.tsv", "\ufefffile_name\tlabel\n0.png\tb\n1.png\ta\n2.png\ta\n", [1, 0, 0]),
            ("l.jsonl", '{"file_name": "0.png", "label": [1, 2]}\n{"file_name": "1.png", "label": []}\n'
             '{"file_name": "2.png", "label": null}\n', [[1, 2], [], None]),
        ],
    )  # fmt: skip
    def test_lists_are_read_as_people_write_them(self, tmp_path, name, text, expected):
        pictures(tmp_path / "s", ["0.png", "1.png", "2.png"])
        (tmp_path / name).write_text(text, "utf-8", newline="")

        found = listing(tmp_path, f'kind = "folder"\npath = "s"\nlabels = "{name}"')

        assert list(values(found).values()) == expected
        assert not found.rejected

    def test_names_with_blanks_are_found(self, tmp_path):
        pictures(tmp_path / "s", ["my cat.png", "my dog.png", "my dog.png.png"])
        (tmp_path / "l.txt").write_text("my cat.png a cat\nmy dog.png 7\n./my dog.png.png a cat\n")

        found = listing(tmp_path, 'kind = "folder"\npath = "s"\nlabels = "l.txt"')

        assert [item.label for item in found.items] == ["a cat", "7", "a cat"]

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("l.txt", "0.png\ta\n1.png a\n2.png\tb\n", "l.txt line 2: '1.png a' is not understood"),
            ("l.txt", "0.png\ta\n1.png\tb\n\n2.png\tb\tc\n", r"l.txt line 4: '2.png\\tb\\tc' is not understood"),
            ("l.txt", "0.png,a\n1.png,b, or c\n2.png,b\n", "l.txt line 2: '1.png,b, or c' is not understood"),
            ("l.txt", "# names and classes\n0.png a\n1.png b\n2.png b\n", "l.txt line 1"),
            ("l.csv", "file_name,label\n0.png,a, or b\n", "l.csv line 2: has more columns"),
            ("l.csv", "file_name,label\n0.png\n", "l.csv line 2: has fewer columns"),
            ("l.txt", "a\nb\n", "has 2 labels without names for 3 images"),
        ],
    )
    def test_a_line_that_is_not_understood_is_named(self, tmp_path, name, text, message):
        pictures(tmp_path / "s", ["0.png", "1.png", "2.png"])
        (tmp_path / name).write_text(text)

        with pytest.raises(SourceError) as caught:
            listing(tmp_path, f'kind = "folder"\npath = "s"\nlabels = "{name}"')

        assert message.replace("\\\\", "\\") in str(caught.value)

    def test_lines_of_other_files_are_named(self, tmp_path):
        pictures(tmp_path / "s", ["0.png", ".cache/1.png"])
        (tmp_path / "l.txt").write_text("0.png a\nval_00001 b\n.cache/1.png b\n")

        found = reasons(listing(tmp_path, 'kind = "folder"\npath = "s"\nlabels = "l.txt"'))

        assert found["val_00001"].startswith("is named in l.txt and does not exist")
        assert "begins with a dot" in found[".cache/1.png"]


class TestSaid:
    def run(self, *arguments):
        return CliRunner().invoke(app, list(map(str, arguments)))

    @pytest.mark.parametrize(
        ("names", "line", "warning"),
        [
            (["b/x.png", "a/x.png"], "classes 2 (a, b)", ""),
            ([f"{n}/x.png" for n in range(7)], "classes 7 (numbers 0 to 6)", ""),
            ([f"c{n}/x.png" for n in range(7)], "classes 7 (c0, c1, c2, c3, c4, ...)", ""),
            (["a/x.png", "a/y.png"], "classes 1 (a)", "one class only, 'a'"),
            (["x.png", "y.png"], "classes none", "no image lies in a folder of its class"),
            (["train/a/x.png", "val/a/x.png"], "classes 2 (train/a, val/a)", "class folders lie within each other"),
            (["a/x.png", "b/x.png", "x.png"], "classes 2 (a, b)", "1 of 3 items have no label"),
        ],
    )
    def test_plan_and_generate_say_the_classes_and_what_is_odd_about_them(self, tmp_path, names, line, warning):
        pictures(tmp_path / "s", names)
        path = recipe(tmp_path, 'kind = "folder"\npath = "s"', form="folder")

        for done in (self.run("plan", path), self.run("generate", path, "--output", tmp_path / "out", "--workers", 1)):
            assert done.exit_code == 0, done.output
            assert line in done.stdout
            assert ("warning: " in done.stderr) == bool(warning)
            assert warning in done.stderr

    @pytest.mark.parametrize("form", FORMATS)
    def test_a_build_that_is_left_with_nothing_fails(self, tmp_path, form):
        (tmp_path / "s").mkdir()
        (tmp_path / "s/a.png").write_bytes(b"broken")
        path = recipe(tmp_path, 'kind = "folder"\npath = "s"', form=form)

        done = self.run("generate", path, "--output", tmp_path / "out", "--workers", 1)

        assert done.exit_code == 1
        assert "no item is left for a dataset, all 1 were rejected: a.png" in done.stderr
        assert not (tmp_path / "out/manifest.json").exists()


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A dataset with three classes and an item without one."""
    place = tmp_path_factory.mktemp("scores")
    archive(place, [0, 1, -1, 2])
    corruptgen.generate(recipe(place, 'kind = "npz"\npath = "a.npz"', form="npy"), output=place / "out", workers=1)
    return place / "out"


class TestScores:
    def predict(self, output, predictions):
        np.savez(
            output.parent / "p.npz", id=[f"test/{n}" for n in range(4)], row=["brightness"] * 4, severity=[1.0] * 4,
            prediction=np.array(predictions),
        )  # fmt: skip
        return score(output.parent / "p.npz", output, ScoreOptions(resamples=0))

    def test_items_without_a_label_are_left_out(self, output):
        report = self.predict(output, [0, 1, 0, 0])

        assert report.items == 3
        assert report.cells["brightness", 1.0].value == pytest.approx(1 / 3)
        assert "left out 1 items without a label" in report.notes

    @pytest.mark.parametrize("wrong", [3, -1, 1000, np.nan, 0.5, np.inf, "3", "-1", "nan", "cat"])
    def test_predictions_outside_of_the_classes_are_refused(self, output, wrong):
        with pytest.raises(ScoreError, match="entry 1: the prediction is"):
            self.predict(output, [0, wrong, 0, 2] if not isinstance(wrong, str) else ["0", wrong, "0", "2"])

    @pytest.mark.parametrize("right", [[0.0, 1.0, 2.0, 2.0], ["0", "1.0", "2", "2"], np.array([0, 1, 0, 2], np.uint64)])
    def test_whole_numbers_of_any_type_are_taken(self, output, right):
        assert self.predict(output, right).cells["brightness", 1.0].value == 0

    def test_lists_of_classes_are_scored_as_several_labels(self, tmp_path):
        source = table(tmp_path, [[0, 2], [1], []], datasets.List(datasets.ClassLabel(names=["a", "b", "c"])))
        corruptgen.generate(recipe(tmp_path, source), output=tmp_path / "out", workers=1)

        assert read_ground_truth(tmp_path / "out").labels.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
        assert read_ground_truth(tmp_path / "out").is_multi_label

    def test_a_manifest_without_the_kind_of_labels_is_read_as_before(self, output, tmp_path):
        shutil.copytree(output, tmp_path / "old")
        manifest = json.loads((tmp_path / "old/manifest.json").read_text())
        labels = manifest.pop("labels")
        del manifest["digest"], manifest["identity"]  # which came later as well
        (tmp_path / "old/manifest.json").write_text(json.dumps(manifest))

        assert labels == {"kind": "numbers", "count": 3}
        with pytest.raises(CorruptgenError):
            read_ground_truth(tmp_path / "old" / "nowhere")
        assert read_ground_truth(tmp_path / "old").count >= 3


class TestMemory:
    def test_items_are_a_sequence_like_others(self):
        plain = [Item(f"ä/{number}", "ab"[number % 2]) for number in range(10)]
        items = Items.of(iter(plain))

        assert list(items) == plain
        assert items == plain
        assert (items[3], items[-1], len(items)) == (plain[3], plain[-1], 10)
        assert items[2:5] == plain[2:5]
        assert items[::-3] == plain[::-3]
        assert items[5:2] == []
        assert items.chosen([7, 1]) == [plain[7], plain[1]]
        assert items.chosen(np.array([True] + [False] * 9)) == plain[:1]
        assert items.count_labels() == {"a": 5, "b": 5}
        assert items.chosen([7, 1]).by_id() == [plain[1], plain[7]]
        with pytest.raises(IndexError):
            items[10]

    @pytest.mark.parametrize(
        ("classes", "feature"),
        [
            (Classes.named(["ant", "bee"]), datasets.ClassLabel(names=["ant", "bee"])),
            (Classes("numbers", (), 3), datasets.ClassLabel(names=["0", "1", "2"])),
            (Classes("numbers", (), 20_000), datasets.Value("int64")),
            (Classes("lists", ("ant",), 1), datasets.List(datasets.ClassLabel(names=["ant"]))),
            (Classes("lists", (), 2, 14), datasets.List(datasets.Value("int64"))),
            (Classes(), None),
        ],
    )
    def test_columns_are_those_of_datasets_without_its_memory(self, classes, feature):
        text, number = datasets.Value("string"), datasets.Value("float64")
        features = {
            "image": datasets.Image(), **({"label": feature} if feature else {}), "image_id": text, "corruption": text,
            "severity": number, "sigma": number, "kind": text, "grey": datasets.Value("bool"),
        }  # fmt: skip

        mine = _schema({"sigma": float, "kind": str, "grey": bool}, classes)

        assert mine.equals(datasets.Features(features).arrow_schema, check_metadata=True)

    def test_the_digest_of_a_listing_is_that_of_its_text(self):
        items = [Item(f"ä/{number}", "ab"[number % 2]) for number in range(5000)]
        text = json.dumps([[[item.id, item.label] for item in items], []])

        assert Listing(Items.of(items), classes=Classes.named("ab")).digest == hashlib.sha256(text.encode()).hexdigest()
        assert (
            Listing(Items.of(items), classes=Classes.named("abc")).digest != hashlib.sha256(text.encode()).hexdigest()
        )
        assert Listing(Items.of([])).digest == hashlib.sha256(b"[[], []]").hexdigest()

    def test_a_part_of_many_items_travels_alone(self):
        items = Items.of(Item(f"{number:07d}", str(number)) for number in range(10_000))

        part = pickle.dumps(items[5000:5010])

        assert pickle.loads(part) == items[5000:5010]
        assert len(part) < 1000

    def test_what_travels_with_a_block_does_not_grow_with_the_labels(self, tmp_path):
        sizes = []
        for count in (10, 1000):
            pictures(tmp_path / "s", [f"{number:04d}.png" for number in range(10)])
            lines = "".join(f"{number:04d}.png class {number}\n" for number in range(count))
            (tmp_path / "l.txt").write_text(lines)
            plan = make_plan(recipe(tmp_path, 'kind = "folder"\npath = "s"\nlabels = "l.txt"'))
            work = Work.of(plan, OutputDirectory(tmp_path / "out"))
            sizes.append(len(pickle.dumps(plan.blocks[0])))
            sink: Any = unpack_work(Packed.of(work)).sink
            assert sink.classes == plan.classes
            assert len(pickle.dumps(for_reading(plan.source))) < 500

        assert sizes[0] == sizes[1]
        assert len(plan.classes.names) == 1000

    def test_a_class_is_looked_up_without_a_search(self):
        class Counted(str):
            compared = 0

            def __eq__(self, other):
                Counted.compared += 1
                return str.__eq__(self, other)

            __hash__ = str.__hash__

        classes = Classes.named(Counted(f"c{number}") for number in range(1000))

        assert [classes.value(f"c{number}") for number in (0, 500, 999)] == [0, 500, 999]
        assert Counted.compared < 20
        assert replace(classes) == classes
