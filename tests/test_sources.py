"""Sources: each kind gives the items and pixels that its own library sees, and refuses what it must not read."""

import gc
import io
import json
import pickle
import re
import shutil
import tarfile
import tomllib
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import resources
from pathlib import Path

import datasets
import fsspec
import huggingface_hub
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import webdataset
from PIL import Image

import corruptgen
from corruptgen.codecs.images import decode_lossless_file, decoded, encode_image
from corruptgen.engine.plan import make_plan
from corruptgen.errors import CorruptgenError, RecipeError, Rejected, SourceError
from corruptgen.recipe.recipe import load, read_recipe
from corruptgen.records import Decoding, Encoding, Item
from corruptgen.sources import keep_wanted, open_source, source_digest
from corruptgen.verification.verdict import verify
from tests.photographs import ROOT, TABLE, command, pixels_of, real_pixels, tree, write_cifar, write_photographs
from tests.pictures import photograph

SHIPPED = Path(str(resources.files("skimage") / "data"))


def recipe(folder, source, *, corrupt='rows = ["brightness", "gaussian_noise"]', output="clean = true", top=""):
    """Write a recipe with this [source] section."""
    (folder / "three.toml").write_text(TABLE, "utf-8")
    path = folder / "recipe.toml"
    path.write_text(
        f'name = "small-c"\nversion = "1.0.0"\n{top}\n[source]\n{source}\n'
        f'[corrupt]\npreset = "three.toml"\n{corrupt}\n[output]\n{output}\n',
        "utf-8",
    )
    return path


def listing(folder, source, **options):
    """List what a recipe with this [source] section wants."""
    asked = load(recipe(folder, source, **options))
    return keep_wanted(open_source(asked).listing(), asked)


def labels(found):
    return {item.id: item.label for item in found.items}


def reasons(found):
    return {rejection.id: rejection.reason for rejection in found.rejected}


def saved(image, form="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, form)
    return buffer.getvalue()


def write_tar(path, members):
    """Write a tar of (name, bytes) or whole headers."""
    with tarfile.open(path, "w") as archive:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            if content is not None:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))


def check_build(folder, source, expected, **options):
    """Generate, and compare every image with what `corrupt` makes of the expected pixels; verify it from the source."""
    path = recipe(folder, source, **options)
    outcome = corruptgen.generate(path, output=folder / "out", workers=1)

    assert outcome.items == len(expected)
    assert not outcome.rejected
    for item, (place, clean) in expected.items():
        assert np.array_equal(pixels_of(folder / "out/clean/0" / place), clean)
        layers = clean if clean.ndim == 3 else clean[..., None]
        noisy = corruptgen.corrupt(layers, "gaussian_noise", 2, preset=str(folder / "three.toml"), key=item)
        assert np.array_equal(pixels_of(folder / "out/gaussian_noise/2" / place), noisy.squeeze())
    checked = verify(folder / "out", depth="full", workers=1)
    assert not checked.problems
    return outcome


class TestFolder:
    def test_labels_come_from_folders_a_list_or_nothing(self, tmp_path):
        write_photographs(tmp_path / "images", 4)
        (tmp_path / "labels.csv").write_text(
            "path,class,more\nastronaut/00.png,person,1\n./chelsea/01.png,animal,1\ncoffee/02,thing,1\nabsent.png,x,1\n"
        )
        place = 'kind = "folder"\npath = "images"\n'
        columns = 'columns = { file = "path", label = "class" }'

        assert labels(listing(tmp_path, place))["chelsea/01.png"] == "chelsea"
        assert set(labels(listing(tmp_path, place + 'labels = "none"')).values()) == {""}
        listed = listing(tmp_path, place + f'labels = "labels.csv"\n{columns}')

        assert labels(listed) == {"astronaut/00.png": "person", "chelsea/01.png": "animal", "coffee/02.png": "thing"}
        assert reasons(listed) == {
            "absent.png": "is named in labels.csv and does not exist",
            "rocket/03.png": "has no label in labels.csv",
        }

    @pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
    def test_metadata_gives_the_labels_that_datasets_reads(self, tmp_path, form):
        ids = list(write_photographs(tmp_path / "images", 4))
        rows = [(name, number % 2) for number, name in enumerate(ids)]
        if form == "csv":
            text = "file_name,label\n" + "".join(f"{name},{label}\n" for name, label in rows)
        else:
            text = "".join(json.dumps({"file_name": name, "label": label}) + "\n" for name, label in rows)
        if form == "parquet":
            table = pa.table({"file_name": ids, "label": [label for _, label in rows]})
            pyarrow.parquet.write_table(table, tmp_path / "images/metadata.parquet")
        else:
            (tmp_path / f"images/metadata.{form}").write_text(text)
        with warnings.catch_warnings():
            # That library leaves its table open.
            warnings.simplefilter("ignore", ResourceWarning)
            theirs = datasets.load_dataset(
                "imagefolder", data_dir=str(tmp_path / "images"), split="train", cache_dir=str(tmp_path / "cache")
            )
            gc.collect()

        found = listing(tmp_path, 'kind = "folder"\npath = "images"\nlabels = "metadata"')

        assert labels(found) == {name: str(label) for name, label in rows}
        inside = {Path(image["path"]).name: label for image, label in zip(
            theirs.cast_column("image", datasets.Image(decode=False))["image"], theirs["label"], strict=True
        )}  # fmt: skip
        assert inside == {item.id.rpartition("/")[2]: int(item.label) for item in found.items}

    def test_classes_in_a_table_of_datasets_have_their_names(self, tmp_path):
        ids = list(write_photographs(tmp_path / "images", 4))
        features = datasets.Features(file_name=datasets.Value("string"), label=datasets.ClassLabel(names=["no", "yes"]))
        table = datasets.Dataset.from_dict({"file_name": ids, "label": [1, 0, 1, 1]}, features=features)
        table.to_parquet(tmp_path / "images/metadata.parquet")

        found = listing(tmp_path, 'kind = "folder"\npath = "images"\nlabels = "metadata"')

        assert [item.label for item in found.items] == ["yes", "no", "yes", "yes"]

    def test_a_damaged_table_of_labels_is_an_error(self, tmp_path):
        ids = list(write_photographs(tmp_path / "images", 4))
        pyarrow.parquet.write_table(pa.table({"file_name": ids, "label": ids}), tmp_path / "metadata.parquet")
        content, draws = (tmp_path / "metadata.parquet").read_bytes(), np.random.RandomState(977)
        for number in range(40):
            at = draws.randint(len(content))
            changed = content[:at] + bytes([draws.randint(256)]) + content[at + number % 3 :]
            (tmp_path / "images/metadata.parquet").write_bytes(changed)

            with suppress(SourceError):
                listing(tmp_path, 'kind = "folder"\npath = "images"\nlabels = "metadata"')

    def test_metadata_lies_in_any_folder(self, tmp_path):
        ids = list(write_photographs(tmp_path / "images", 2))
        for name in ids:
            folder, base = name.split("/")
            (tmp_path / f"images/{folder}/metadata.csv").write_text(f"file_name,label\n{base},{folder[0]}\n")

        found = listing(tmp_path, 'kind = "folder"\npath = "images"\nlabels = "metadata"')

        assert labels(found) == {"astronaut/00.png": "a", "chelsea/01.png": "c"}

    def test_imagenets_flat_validation_folder_becomes_class_folders(self, tmp_path):
        (tmp_path / "val").mkdir()
        names = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 5)]
        for name, pixels in zip(names, real_pixels(4), strict=True):
            (tmp_path / "val" / name).write_bytes(saved(pixels, "JPEG"))
        (tmp_path / "truth.txt").write_text("2\n1\n2\n3\n")
        (tmp_path / "synsets.txt").write_text("1 n02119789\n2 n02100735\n3 n02110185\n")
        (tmp_path / "val.txt").write_text("".join(f"{n} {k}\n" for n, k in zip(names, (1, 0, 1, 2), strict=True)))
        (tmp_path / "names.txt").write_text("n02119789\nn02100735\nn02110185\n")
        place = 'kind = "folder"\npath = "val"\n'

        numbers = listing(tmp_path, place + 'labels = "truth.txt"\nclasses = "synsets.txt"')
        pairs = listing(tmp_path, place + 'labels = "val.txt"\nclasses = "names.txt"')

        assert numbers == pairs
        assert [item.label for item in numbers.items] == ["n02100735", "n02119789", "n02100735", "n02110185"]
        assert numbers.classes.names == ("n02119789", "n02100735", "n02110185")
        corruptgen.generate(
            recipe(tmp_path, place + 'labels = "val.txt"\nclasses = "names.txt"', output='encoding = "jpeg"'),
            output=tmp_path / "out",
            workers=1,
        )
        assert (tmp_path / "out/brightness/1/n02100735/ILSVRC2012_val_00000001.JPEG").exists()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"1\n2\n", "has 2 labels without names for 4 images"),
            (b"\xff\xfe", "not text in UTF-8"),
            (b"a.png 7\n", "is named in list.txt and does not exist"),
            (b"astronaut/00.png a\nwhat is this line\n", "list.txt line 2: 'what is this line' is not understood"),
            (b"astronaut/00.png a\nastronaut/00.png b\n", "has two labels"),
            (b"../evil.png a\n", "leads out of the source"),
        ],
    )
    def test_a_wrong_list_is_refused_or_its_lines_are(self, tmp_path, text, message):
        write_photographs(tmp_path / "images", 4)
        (tmp_path / "list.txt").write_bytes(text)
        said = []
        try:
            found = listing(tmp_path, 'kind = "folder"\npath = "images"\nlabels = "list.txt"')
            said += reasons(found).values()
        except SourceError as error:
            said.append(str(error))

        assert any(message in reason for reason in said)

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("metadata.csv", "file,label\n", "has no column 'file_name', only file, label"),
            ("metadata.csv", 'file_name,label\n"a', "cannot be read as CSV"),
            ("metadata.csv", "file_name,label\na.png\n", "line 2: has fewer columns"),
            ("metadata.jsonl", "{", "line 1 cannot be read"),
            ("metadata.jsonl", "[1]", "line 1 cannot be read"),
            ("metadata.parquet", "PAR1", "metadata.parquet cannot be read"),
            ("other.csv", "", "holds none of metadata.csv, metadata.jsonl, metadata.parquet"),
        ],
    )
    def test_wrong_metadata_is_named(self, tmp_path, name, text, message):
        write_photographs(tmp_path / "images", 2)
        (tmp_path / "images" / name).write_text(text)

        with pytest.raises(SourceError, match=message):
            listing(tmp_path, 'kind = "folder"\npath = "images"\nlabels = "metadata"')


def write_npz(path, **arrays):
    np.savez_compressed(path, **arrays)


class TestArrays:
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    @pytest.mark.parametrize("grey", [False, True])
    def test_medmnist_archives_give_their_pixels_in_numeric_order(self, tmp_path, save, grey):
        pixels = real_pixels(12)
        pixels = pixels[..., 1] if grey else pixels
        save(tmp_path / "m.npz", test_images=pixels, test_labels=np.arange(12)[:, None] % 3, train_images=pixels[:1])

        found = listing(tmp_path, 'kind = "npz"\npath = "m.npz"')

        assert [item.id for item in found.items] == [f"test/{number}" for number in range(12)]
        expected = {f"test/{n}": (f"{n % 3}/{n}.png", pixels[n]) for n in range(12)}
        check_build(tmp_path, 'kind = "npz"\npath = "m.npz"', expected)

    def test_items_are_read_in_any_order(self, tmp_path):
        pixels = real_pixels(30)
        write_npz(tmp_path / "m.npz", val_images=pixels)
        source = open_source(load(recipe(tmp_path, 'kind = "npz"\npath = "m.npz"\ncolumns = { image = "val_images" }')))

        for number in (29, 3, 4, 17, 0, 28):
            assert np.array_equal(source.read(Item(f"test/{number}", "")), pixels[number])
        assert pickle.loads(pickle.dumps(source)) == source
        assert len(pickle.dumps(source)) < 1000

    def test_several_labels_are_joined(self, tmp_path):
        write_npz(tmp_path / "m.npz", train_images=real_pixels(2), train_labels=np.array([[0, 1, 0], [1, 1, 0]]))

        assert labels(listing(tmp_path, 'kind = "npz"\npath = "m.npz"\nsplit = "train"')) == {
            "train/0": "0 1 0",
            "train/1": "1 1 0",
        }

    def test_npy_files_with_class_names(self, tmp_path):
        np.save(tmp_path / "images.npy", real_pixels(3))
        np.save(tmp_path / "labels.npy", np.array([1, 0, 1], np.uint8))
        (tmp_path / "names.txt").write_text("cat\ndog\n")
        source = 'kind = "npy"\npath = "images.npy"\nlabels = "labels.npy"\nclasses = "names.txt"\nsplit = "val"'

        found = listing(tmp_path, source)

        assert labels(found) == {"val/0": "dog", "val/1": "cat", "val/2": "dog"}
        assert found.classes.names == ("cat", "dog")
        check_build(
            tmp_path,
            source,
            {f"val/{n}": (f"{'dog' if n != 1 else 'cat'}/{n}.png", real_pixels(3)[n]) for n in range(3)},
        )

    def test_workers_write_the_same_bytes(self, tmp_path):
        write_npz(tmp_path / "m.npz", test_images=real_pixels(20), test_labels=np.arange(20) % 2)
        asked = recipe(tmp_path, 'kind = "npz"\npath = "m.npz"')

        corruptgen.generate(asked, output=tmp_path / "one", workers=1)
        corruptgen.generate(asked, output=tmp_path / "two", workers=2)

        assert tree(tmp_path / "one") == tree(tmp_path / "two")

    def test_a_changed_archive_is_read_anew_and_named(self, tmp_path):
        write_npz(tmp_path / "m.npz", test_images=real_pixels(4), test_labels=np.arange(4))
        asked = recipe(tmp_path, 'kind = "npz"\npath = "m.npz"')
        corruptgen.generate(asked, output=tmp_path / "out", workers=1)
        (tmp_path / "out/brightness/1/0/0.png").unlink()
        write_npz(tmp_path / "m.npz", test_images=255 - real_pixels(4), test_labels=np.arange(4))

        with pytest.raises(SourceError, match="test/0 has changed"):
            corruptgen.generate(asked, output=tmp_path / "out", workers=1)

    def test_the_digest_of_an_array_is_of_its_type_shape_and_samples(self):
        grey = np.zeros((4, 6), np.uint8)

        assert (
            len({source_digest(grey), source_digest(grey[..., None]), source_digest(grey.T), source_digest(b"")}) == 4
        )

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (np.array([{"a": 1}], object), "holds Python objects"),
            (np.full((3, 8, 8), np.nan, np.float32), "floating point has no agreed range and may hold NaN"),
            (np.zeros((3, 8, 8), np.uint16), "is uint16 of shape 3×8×8"),
            (np.zeros((3, 8, 8), bool), "scale to 0..255"),
            (np.zeros((3, 3, 8, 8), np.uint8), "move the channels to the end"),
            (np.zeros((3, 8, 8, 8, 3), np.uint8), "taken are uint8 arrays of shape"),
            (np.zeros((3, 8, 8, 4), np.uint8), "taken are uint8 arrays of shape"),
            (np.zeros((3, 0, 8), np.uint8), "at least 1"),
            (np.zeros((), np.uint8), "taken are uint8 arrays of shape"),
            (np.asfortranarray(real_pixels(3)), "is in Fortran order"),
        ],
    )
    def test_wrong_arrays_are_refused_with_a_reason(self, tmp_path, images, message):
        np.savez(tmp_path / "m.npz", test_images=images, test_labels=np.arange(3))
        np.save(tmp_path / "m.npy", images)

        for source in ('kind = "npz"\npath = "m.npz"', 'kind = "npy"\npath = "m.npy"'):
            with pytest.raises(SourceError, match=message):
                listing(tmp_path, source)

    @pytest.mark.parametrize(
        "found", [np.arange(4), np.zeros((3, 2, 2), int), np.ones(3, complex), np.array([None] * 3), np.array(3)]
    )
    def test_wrong_labels_are_refused(self, tmp_path, found):
        np.savez(tmp_path / "m.npz", test_images=real_pixels(3), test_labels=found)

        with pytest.raises(SourceError, match=r"m.npz: test_labels (is|holds)"):
            listing(tmp_path, 'kind = "npz"\npath = "m.npz"')

    def test_unknown_splits_and_arrays_are_named(self, tmp_path):
        write_npz(tmp_path / "m.npz", test_images=real_pixels(3))

        with pytest.raises(SourceError, match="no array 'val_images', but test_images"):
            listing(tmp_path, 'kind = "npz"\npath = "m.npz"\nsplit = "val"')

    def test_a_bomb_is_refused_before_it_is_unpacked(self, tmp_path):
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": (10**7, 224, 224, 3)}
        )
        for claimed in (10**7 * 224 * 224 * 3 + len(header.getvalue()), 2**40):
            with zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("test_images.npy", header.getvalue() + b"\0" * 10**6)
                info = archive.infolist()[0]
                info.file_size = claimed
            with pytest.raises(SourceError, match="no archive of this size can hold that"):
                listing(tmp_path, 'kind = "npz"\npath = "m.npz"')

    def test_a_header_that_claims_more_than_there_is_is_damage(self, tmp_path):
        np.save(tmp_path / "m.npy", real_pixels(3))
        (tmp_path / "m.npy").write_bytes((tmp_path / "m.npy").read_bytes()[:-1])

        with pytest.raises(SourceError, match="header claims 9216 bytes of samples, there are 9215"):
            listing(tmp_path, 'kind = "npy"\npath = "m.npy"')

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_a_flipped_or_truncated_archive_is_found_before_anything_is_made(self, tmp_path, save):
        save(tmp_path / "m.npz", test_images=real_pixels(9), test_labels=np.arange(9))
        content = (tmp_path / "m.npz").read_bytes()
        flipped = bytearray(content)
        flipped[len(content) // 3] ^= 4

        for damaged in (bytes(flipped), content[:-40], content[: len(content) // 2], b"", b"PK"):
            (tmp_path / "m.npz").write_bytes(damaged)
            with pytest.raises(SourceError, match=r"m\.npz"):
                listing(tmp_path, 'kind = "npz"\npath = "m.npz"')


def test_grey_arrays_are_resized_and_stored_as_grey():
    grey = photograph(40, 60)[..., 0]

    made = decoded(grey, Decoding(resize=20, crop=16))

    expected = Image.fromarray(grey).resize((30, 20), Image.Resampling.BILINEAR).crop((7, 2, 23, 18))
    assert np.array_equal(made[..., 0], np.asarray(expected))
    assert np.array_equal(decode_lossless_file(encode_image(made, Encoding())), made)
    with Image.open(io.BytesIO(encode_image(made, Encoding("jpeg", 90)))) as picture:
        assert picture.mode == "L"
    for wrong in (grey.astype(np.float32), grey[None, None], np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(Rejected):
            decoded(wrong, Decoding())


class TestCifar:
    @pytest.mark.parametrize("packed", [False, True])
    def test_cifar_10s_binary_archive(self, tmp_path, packed):
        pixels = write_cifar(tmp_path / "cifar-10-batches-bin")
        path = "cifar-10-batches-bin"
        if packed:
            path = "cifar-10-binary.tar.gz"
            with tarfile.open(tmp_path / path, "w:gz") as archive:
                archive.add(tmp_path / "cifar-10-batches-bin", "cifar-10-batches-bin")
        source = f'kind = "cifar"\npath = "{path}"'

        found = listing(tmp_path, source)
        train = listing(tmp_path, source + '\nsplit = "train"')

        assert labels(found) == {"test/0": "airplane", "test/1": "automobile", "test/2": "bird", "test/3": "cat"}
        assert [item.id for item in train.items] == [f"train/{number}" for number in range(8)]
        places = ("airplane/0.png", "automobile/1.png", "bird/2.png", "cat/3.png")
        check_build(tmp_path, source, {f"test/{n}": (places[n], pixels[8 + n]) for n in range(4)})

    def test_cifar_100s_labels_are_fine_or_coarse(self, tmp_path):
        write_cifar(tmp_path / "cifar-100-binary", hundred=True)
        source = 'kind = "cifar"\npath = "cifar-100-binary"\n'

        assert [item.label for item in listing(tmp_path, source).items] == ["a", "b", "c", "d"]
        coarse = listing(tmp_path, source + 'labels = "coarse"')
        assert [item.label for item in coarse.items] == ["even", "odd", "even", "odd"]

    def test_damage_is_named(self, tmp_path):
        write_cifar(tmp_path / "c")
        (tmp_path / "c/test_batch.bin").write_bytes(b"1234")

        with pytest.raises(SourceError, match=r"test_batch\.bin is damaged"):
            listing(tmp_path, 'kind = "cifar"\npath = "c"')


@pytest.fixture
def table():
    """A dataset in memory as users of `datasets` have it: encoded images, class labels, names."""
    pixels = real_pixels(8)
    features = datasets.Features(
        image=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"]), name=datasets.Value("string")
    )
    rows = {
        "image": [{"bytes": saved(image), "path": f"{number}.png"} for number, image in enumerate(pixels)],
        "label": [number % 2 for number in range(8)],
        "name": [f"photo-{number}.png" for number in range(8)],
    }
    return datasets.Dataset.from_dict(rows, features=features, split="test")


class TestHub:
    def test_a_dataset_that_datasets_saved(self, tmp_path, table):
        table.save_to_disk(tmp_path / "saved")
        source = 'kind = "hub"\npath = "saved"\nsplit = "test"'

        found = listing(tmp_path, source)

        assert labels(found) == {f"test/{n}": ("cat", "dog")[n % 2] for n in range(8)}
        assert found.classes.names == ("cat", "dog")
        asked = load(recipe(tmp_path, source))
        opened = open_source(asked)
        assert (
            opened.read(found.items[3]) == table.cast_column("image", datasets.Image(decode=False))[3]["image"]["bytes"]
        )
        assert len(pickle.dumps(opened)) < 1000
        pixels = real_pixels(8)
        check_build(tmp_path, source, {f"test/{n}": (f"{('cat', 'dog')[n % 2]}/{n}.png", pixels[n]) for n in range(8)})

    def test_a_dictionary_of_splits_needs_a_split(self, tmp_path, table):
        datasets.DatasetDict({"train": table, "test": table.select([1, 2])}).save_to_disk(tmp_path / "saved")

        assert len(listing(tmp_path, 'kind = "hub"\npath = "saved"\nsplit = "test"').items) == 2
        with pytest.raises(SourceError, match="holds the splits 'train', 'test'; choose which"):
            listing(tmp_path, 'kind = "hub"\npath = "saved"')

    @pytest.mark.parametrize("place", ["data", "data/test-00000-of-00001.parquet"])
    def test_parquet_files_that_datasets_wrote(self, tmp_path, table, place):
        (tmp_path / "data").mkdir()
        table.to_parquet(tmp_path / "data/test-00000-of-00001.parquet", batch_size=3)
        source = f'kind = "hub"\npath = "{place}"\nsplit = "test"\ncolumns = {{ id = "name" }}'

        found = listing(tmp_path, source)

        assert labels(found)["photo-3.png"] == "dog"
        assert found.classes.names == ("cat", "dog")
        pixels = real_pixels(8)
        places = {f"photo-{n}.png": (f"{('cat', 'dog')[n % 2]}/photo-{n}.png", pixels[n]) for n in range(8)}
        check_build(tmp_path, source, places)

    def test_splits_and_configurations_of_a_folder(self, tmp_path, table):
        for place in ("fog/test-00000-of-00002", "fog/test-00001-of-00002", "snow/test", "snow/train"):
            (tmp_path / "data" / place).parent.mkdir(parents=True, exist_ok=True)
            table.to_parquet(tmp_path / "data" / f"{place}.parquet")
        place = 'kind = "hub"\npath = "data"\n'

        fog = listing(tmp_path, place + 'split = "test"\nconfig = "fog"')
        assert [item.id for item in fog.items] == [f"test/{n}" for n in range(16)]
        assert len(listing(tmp_path, place + 'split = "train"').items) == 8
        with pytest.raises(SourceError, match="holds nothing of split 'val'"):
            listing(tmp_path, place + 'split = "val"')
        (tmp_path / "data/fog/test-00000-of-00002.parquet").unlink()
        with pytest.raises(SourceError, match=r"test-00000-of-00002\.parquet does not; fetch all shards"):
            listing(tmp_path, place + 'split = "test"\nconfig = "fog"')

    @pytest.mark.parametrize("form", ["saved", "data.parquet"])
    def test_columns_of_arrays(self, tmp_path, form):
        pixels = real_pixels(3)
        features = datasets.Features(image=datasets.Array3D((32, 32, 3), "uint8"), label=datasets.Value("int64"))
        rows = datasets.Dataset.from_dict({"image": list(pixels), "label": [3, 4, 5]}, features=features)
        rows.save_to_disk(tmp_path / form) if form == "saved" else rows.to_parquet(tmp_path / form)

        check_build(
            tmp_path,
            f'kind = "hub"\npath = "{form}"',
            {f"all/{n}": (f"{3 + n}/{n}.png", pixels[n]) for n in range(3)},
        )

    def test_rows_without_images_or_names_are_rejected_by_themselves(self, tmp_path, table):
        changed = table.cast_column("image", datasets.Image(decode=False)).to_list()
        changed[1]["image"] = {"bytes": None, "path": "/etc/passwd"}
        changed[2]["image"] = {"bytes": b"nothing", "path": None}
        changed[3]["name"] = changed[4]["name"]
        changed[5]["name"] = "../evil"
        datasets.Dataset.from_list(changed, features=table.features).to_parquet(tmp_path / "a.parquet")
        source = 'kind = "hub"\npath = "a.parquet"\ncolumns = { id = "name" }'

        outcome = corruptgen.generate(recipe(tmp_path, source), output=tmp_path / "out", workers=1)

        assert {r.id: r.reason[:24] for r in outcome.rejected} == {
            "photo-1.png": "holds no image, only the",
            "photo-2.png": "cannot be decoded: it is",
            "photo-4.png": "is the id of several row",
            "../evil": "has an id that is empty ",
        }
        assert outcome.items == 3

    @pytest.mark.parametrize("cut", [0, 4, 500, -5])
    def test_damaged_parquet_is_a_source_error(self, tmp_path, table, cut):
        table.to_parquet(tmp_path / "a.parquet")
        (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:cut])

        with pytest.raises(SourceError, match=r"a\.parquet cannot be read"):
            listing(tmp_path, 'kind = "hub"\npath = "a.parquet"')

    @pytest.mark.parametrize(
        ("columns", "message"),
        [('image = "photo"', "no column 'photo', only image, label, name"), ('id = "key"', "no column 'key'")],
    )
    def test_unknown_columns_are_named(self, tmp_path, table, columns, message):
        table.to_parquet(tmp_path / "a.parquet")

        with pytest.raises(SourceError, match=message):
            listing(tmp_path, f'kind = "hub"\npath = "a.parquet"\ncolumns = {{ {columns} }}')

    def test_a_repository_is_loaded_at_its_revision(self, tmp_path, table, monkeypatch):
        asked = {}

        def load_dataset(*arguments, **options):
            asked["all"] = arguments, options
            return table

        monkeypatch.setattr(datasets, "load_dataset", load_dataset)
        revision = "a" * 40
        found = listing(
            tmp_path, f'kind = "hub"\nrepo = "who/what"\nrevision = "{revision}"\nsplit = "test"\nconfig = "plain"'
        )

        assert asked["all"] == (("who/what", "plain"), {"split": "test", "revision": revision})
        assert len(found.items) == 8

    def test_files_that_the_library_fetched_are_read_and_no_others(self, tmp_path, table, monkeypatch):
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache/a.png").write_bytes(b"fetched")
        (tmp_path / "private.png").write_bytes(b"private")
        rows = table.cast_column("image", datasets.Image(decode=False)).to_list()[:2]
        rows[0]["image"] = {"bytes": None, "path": str(tmp_path / "cache/a.png")}
        rows[1]["image"] = {"bytes": None, "path": str(tmp_path / "cache/../private.png")}
        pointing = datasets.Dataset.from_list(rows, features=table.features)
        monkeypatch.setattr(datasets, "load_dataset", lambda *arguments, **options: pointing)
        source = open_source(load(recipe(tmp_path, 'kind = "hub"\nrepo = "who/else"\nrevision = "v1"\nsplit = "test"')))

        assert source.read(Item("test/0", "")) == b"fetched"
        with pytest.raises(Rejected, match="does not come from the dataset"):
            source.read(Item("test/1", ""))

    def test_a_repository_that_cannot_be_had_is_an_error(self, tmp_path, monkeypatch):
        def load_dataset(*arguments, **options):
            raise ConnectionError("no network")

        monkeypatch.setattr(datasets, "load_dataset", load_dataset)
        with pytest.raises(SourceError, match="who/nobody, split 'test', at v1 cannot be loaded: no network"):
            listing(tmp_path, 'kind = "hub"\nrepo = "who/nobody"\nrevision = "v1"\nsplit = "test"')

    def test_workers_open_datasets_and_shards_themselves(self, tmp_path, table):
        table.save_to_disk(tmp_path / "saved")
        table.to_parquet(tmp_path / "test.parquet")
        write_tar(tmp_path / "a.tar", list(TestTar().members(20)))

        for kind, path in (("hub", "saved"), ("hub", "test.parquet"), ("webdataset", "a.tar")):
            asked = recipe(tmp_path, f'kind = "{kind}"\npath = "{path}"', corrupt='rows = ["brightness"]')
            corruptgen.generate(asked, output=tmp_path / f"one-{path}", workers=1)
            corruptgen.generate(asked, output=tmp_path / f"two-{path}", workers=2)
            assert tree(tmp_path / f"one-{path}") == tree(tmp_path / f"two-{path}")


class TestTar:
    def members(self, count=4, first=0):
        for number, pixels in enumerate(real_pixels(first + count)[first:], start=first):
            yield f"{number:04d}.png", saved(pixels)
            yield f"{number:04d}.cls", str(number % 2).encode()

    def test_shards_that_webdataset_wrote(self, tmp_path):
        pixels = real_pixels(8)
        (tmp_path / "shards").mkdir()
        for shard in range(2):
            with webdataset.TarWriter(str(tmp_path / f"shards/part-{shard}.tar")) as writer:
                for number in range(4 * shard, 4 * shard + 4):
                    writer.write({"__key__": f"k{number}", "png": pixels[number], "cls": number % 3})
        source = 'kind = "webdataset"\npath = "shards"'
        with warnings.catch_warnings():
            # That library leaves its shards open.
            warnings.simplefilter("ignore", ResourceWarning)
            places = [str(tmp_path / f"shards/part-{n}.tar") for n in range(2)]
            samples = list(webdataset.WebDataset(places, shardshuffle=False))
            gc.collect()
        theirs = {sample["__key__"]: (sample["png"], sample["cls"]) for sample in samples}

        found = listing(tmp_path, source)
        opened = open_source(load(recipe(tmp_path, source)))

        assert len(found.items) == 8
        for item in found.items:
            content, label = theirs[item.id.partition("/")[2]]
            assert opened.read(item) == content
            assert item.label == label.decode()
        assert listing(tmp_path, 'kind = "webdataset"\npath = "shards/*-1.tar"').items == found.items[4:]
        check_build(tmp_path, source, {f"part-{n // 4}/k{n}": (f"{n % 3}/k{n}.png", pixels[n]) for n in range(8)})

    def test_labels_are_json_or_text_and_classes_have_names(self, tmp_path):
        image = saved(real_pixels(1)[0])
        write_tar(
            tmp_path / "a.tar",
            [
                ("x/1.jpg", image), ("x/1.json", b'{"label": 1, "kind": "dog"}'),
                ("x/2.png", image), ("x/2.txt", b" cat\n"),
                ("x/3.png", image),
            ],
        )  # fmt: skip
        (tmp_path / "names.txt").write_text("cat\ndog\n")
        source = 'kind = "webdataset"\npath = "a.tar"\n'

        assert labels(listing(tmp_path, source + 'classes = "names.txt"')) == {
            "a/x/1": "dog",
            "a/x/2": "cat",
            "a/x/3": "",
        }
        assert labels(listing(tmp_path, source + 'columns = { label = "json.kind" }'))["a/x/1"] == "dog"

    def test_what_could_lead_elsewhere_is_rejected_and_nothing_is_extracted(self, tmp_path):
        image = saved(real_pixels(1)[0])
        link, hard, device = tarfile.TarInfo("link.png"), tarfile.TarInfo("hard.png"), tarfile.TarInfo("device.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        hard.type, hard.linkname = tarfile.LNKTYPE, "good.png"
        device.type = tarfile.CHRTYPE
        write_tar(
            tmp_path / "a.tar",
            [
                ("../evil.png", image),
                ("/absolute.png", image),
                ("x/../../evil.png", image),
                (link, None),
                (hard, None),
                (device, None),
                ("twice.png", image),
                ("twice.png", image),
                ("both.png", image),
                ("both.jpg", image),
                ("notes.md", b"hello"),
                ("bad.png", image),
                ("bad.json", b"{"),
                ("evil.png", image),
                ("evil.cls", b"../../up"),
                ("./good.png", image),
                ("good.cls", b"7"),
            ],
        )

        outcome = corruptgen.generate(
            recipe(tmp_path, 'kind = "webdataset"\npath = "a.tar"'), output=tmp_path / "out", workers=1
        )

        found = {rejection.id: rejection.reason for rejection in outcome.rejected}
        assert {key: " ".join(reason.split()[:4]) for key, reason in found.items()} == {
            "a/../evil": "has a name that",
            "a//absolute": "has a name that",
            "a/x/../../evil": "has a name that",
            "a/link": "is a link; store",
            "a/hard": "is a link; store",
            "a/device": "is not a regular",
            "a/twice": "occurs twice: twice.png",
            "a/both": "holds several images; name",
            "a/bad": "has no label in",
            "a/evil": "has the label '../../up',",
        }
        assert outcome.items == 1
        assert (tmp_path / "out/clean/0/7/good.png").exists()
        assert {path.name for path in tmp_path.iterdir()} == {"a.tar", "out", "recipe.toml", "three.toml"}

    def test_a_truncated_shard_keeps_the_samples_before_the_damage(self, tmp_path):
        write_tar(tmp_path / "a.tar", list(self.members(8)))
        whole = listing(tmp_path, 'kind = "webdataset"\npath = "a.tar"')
        content = (tmp_path / "a.tar").read_bytes()

        (tmp_path / "a.tar").write_bytes(content[: len(content) // 2])
        found = listing(tmp_path, 'kind = "webdataset"\npath = "a.tar"')

        assert 2 <= len(found.items) <= 4
        assert found.items == whole.items[: len(found.items)]
        assert "is damaged or cut off after byte" in reasons(found)["a"]

    def test_a_flipped_header_ends_a_shard_and_is_named(self, tmp_path):
        write_tar(tmp_path / "a.tar", list(self.members(8)))
        content = bytearray((tmp_path / "a.tar").read_bytes())
        content[content.index(b"0005.png") + 120] ^= 1
        (tmp_path / "a.tar").write_bytes(content)

        found = listing(tmp_path, 'kind = "webdataset"\npath = "a.tar"')

        assert [item.id for item in found.items] == [f"a/{n:04d}" for n in range(4)]
        assert reasons(found).keys() == {"a", "a/0004"}

    @pytest.mark.parametrize("content", [b"", b"no tar" * 200, b"\x1f\x8b" + b"0" * 999])
    def test_what_is_no_tar_is_a_source_error(self, tmp_path, content):
        (tmp_path / "a.tar").write_bytes(content)

        with pytest.raises(SourceError, match=r"a\.tar"):
            listing(tmp_path, 'kind = "webdataset"\npath = "a.tar"')

    def test_packed_or_absent_shards_are_named(self, tmp_path):
        (tmp_path / "a.tar.gz").write_bytes(b"")
        (tmp_path / "empty").mkdir()

        with pytest.raises(SourceError, match=r"a\.tar\.gz does not end in \.tar"):
            listing(tmp_path, 'kind = "webdataset"\npath = "a.tar.gz"')
        with pytest.raises(SourceError, match="holds no shard"):
            listing(tmp_path, 'kind = "webdataset"\npath = "empty"')


class TestSelection:
    SOURCE = 'kind = "npz"\npath = "m.npz"\n'

    @pytest.fixture
    def place(self, tmp_path):
        write_npz(tmp_path / "m.npz", test_images=real_pixels(40, 8), test_labels=np.arange(40) % 4)
        return tmp_path

    def test_limit_takes_the_first(self, place):
        assert [item.id for item in listing(place, self.SOURCE + "limit = 3").items] == ["test/0", "test/1", "test/2"]

    def test_a_subset_keeps_its_ids_and_pixels_and_they_are_all_in_the_tables(self, place):
        (place / "ids.txt").write_text("test/30\ntest/7\n\ntest/11\n")
        corruptgen.generate(recipe(place, self.SOURCE), output=place / "whole", workers=1)

        part = corruptgen.generate(recipe(place, self.SOURCE + 'subset = "ids.txt"'), output=place / "part", workers=1)

        assert part.items == 3
        whole = tree(place / "whole")
        images = {name: digest for name, digest in tree(place / "part").items() if name.endswith(".png")}
        assert images.items() <= whole.items()
        lines = (place / "part/items/00000.jsonl").read_text().splitlines()[1:]
        assert [json.loads(line)["id"] for line in lines] == ["test/7", "test/11", "test/30"]
        assert json.loads((place / "part/manifest.json").read_text())["recipe"]["source"] == {
            "kind": "npz",
            "subset": "ids.txt",
        }

    def test_the_manifest_lists_the_ids_of_a_part_of_a_source_in_shards_as_well(self, place):
        whole = recipe(place, self.SOURCE)
        corruptgen.generate(whole, output=place / "whole", workers=1)
        part = recipe(place, self.SOURCE + 'sample = 3\nper = "class"\nlimit = 10')
        corruptgen.generate(part, output=place / "part", workers=1)
        for number in (1, 2):
            corruptgen.generate(part, output=place / "shards", workers=1, shard=f"{number}/2")
        corruptgen.merge(place / "shards")

        assert json.loads((place / "part/manifest.json").read_text())["ids"] == PINNED[:10]
        assert "ids" not in json.loads((place / "whole/manifest.json").read_text())
        assert tree(place / "shards") == tree(place / "part")

    def test_unknown_ids_are_named(self, place):
        (place / "ids.txt").write_text("test/3\n" + "".join(f"val/{n}\n" for n in range(9)))

        with pytest.raises(SourceError, match=r"ids.txt names 9 ids .*: val/0, val/1, val/2, val/3, val/4 \.\.\."):
            listing(place, self.SOURCE + 'subset = "ids.txt"')

    def test_a_sample_depends_on_the_seed_and_the_ids_only(self, place):
        def ids(addition, seed=0):
            return [item.id for item in listing(place, self.SOURCE + addition, top=f"seed = {seed}").items]

        per_class = ids('sample = 3\nper = "class"')
        found = listing(place, self.SOURCE + 'sample = 3\nper = "class"')

        assert sorted(item.label for item in found.items) == sorted("0123" * 3)
        assert ids('sample = 3\nper = "class"') == per_class
        assert ids('sample = 3\nper = "class"', seed=1) != per_class
        assert set(per_class) < set(ids('sample = 5\nper = "class"'))
        assert len(ids("sample = 7")) == 7
        assert len(ids("sample = 700")) == 40
        # Pinned: published subsets must never change.
        assert per_class == PINNED


PINNED = [f"test/{number}" for number in (0, 2, 10, 12, 14, 15, 17, 25, 28, 35, 37, 39)]


@pytest.fixture
def memory():
    """An empty bucket in memory."""
    system = fsspec.filesystem("memory")
    for place in system.ls("/", detail=False):
        system.rm(place, recursive=True)
    return system


class TestRemote:
    def test_a_folder_behind_a_url_is_the_folder(self, tmp_path, memory):
        write_photographs(tmp_path / "images", 6)
        (tmp_path / "images/broken.png").write_bytes(b"broken")
        memory.put(str(tmp_path / "images"), "/bucket", recursive=True)
        near, far = 'kind = "folder"\npath = "images"', 'kind = "folder"\npath = "memory://bucket"'

        assert listing(tmp_path, near) == listing(tmp_path, far)
        corruptgen.generate(recipe(tmp_path, near), output=tmp_path / "near", workers=1)
        outcome = corruptgen.generate(recipe(tmp_path, far), output=tmp_path / "far", workers=1)
        assert [rejection.id for rejection in outcome.rejected] == ["broken.png"]
        assert tree(tmp_path / "near") == tree(tmp_path / "far")
        source = verify(tmp_path / "far", source="memory://bucket", depth="full", workers=1)
        assert not source.problems

    def test_archives_arrays_and_shards_behind_urls(self, tmp_path, memory):
        pixels = real_pixels(5)
        write_npz(tmp_path / "m.npz", test_images=pixels, test_labels=np.arange(5))
        np.save(tmp_path / "m.npy", pixels)
        np.save(tmp_path / "labels.npy", np.arange(5))
        write_tar(tmp_path / "a.tar", list(TestTar().members(5)))
        for name in ("m.npz", "m.npy", "labels.npy", "a.tar"):
            memory.put(str(tmp_path / name), f"/data/{name}")

        for kind, name, more in (
            ("npz", "m.npz", ""),
            ("npy", "m.npy", 'labels = "{}labels.npy"'),
            ("webdataset", "a.tar", ""),
            ("webdataset", "*.tar", ""),
        ):
            near = load(recipe(tmp_path, f'kind = "{kind}"\npath = "{name}"\n' + more.format("")))
            local = open_source(near)
            remote = open_source(
                load(
                    recipe(
                        tmp_path, f'kind = "{kind}"\npath = "memory://data/{name}"\n' + more.format("memory://data/")
                    )
                )
            )
            assert local.listing() == remote.listing()
            for item in local.listing().items:
                assert source_digest(local.read(item)) == source_digest(remote.read(item))

    def test_threads_share_an_archive(self, tmp_path, memory):
        pixels = real_pixels(40)
        write_npz(tmp_path / "m.npz", test_images=pixels, test_labels=np.arange(40))
        memory.put(str(tmp_path / "m.npz"), "/data/m.npz")
        source = open_source(load(recipe(tmp_path, 'kind = "npz"\npath = "memory://data/m.npz"')))

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(source.read, source.listing().items))

        assert np.array_equal(np.stack(found), pixels)

    def test_file_urls_are_paths(self, tmp_path):
        write_photographs(tmp_path / "images", 2)

        found = listing(tmp_path, f'kind = "folder"\npath = "{(tmp_path / "images").as_uri()}"')

        assert len(found.items) == 2

    def test_the_command_line_takes_a_url(self, tmp_path):
        write_photographs(tmp_path / "images", 1)
        recipe(tmp_path, 'kind = "folder"')

        done = command("plan", "recipe.toml", "--source", (tmp_path / "images").as_uri(), cwd=tmp_path)

        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("url", ["memory://nothing/here", "nonsense://a/b"])
    def test_a_url_that_leads_nowhere_is_an_error(self, tmp_path, memory, url):
        for kind in ("folder", "npz", "webdataset"):
            with pytest.raises(CorruptgenError):
                make_plan(recipe(tmp_path, f'kind = "{kind}"\npath = "{url}"'))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            'kind = "npz"\nrevision = "x"',
            r'\[source\] revision: is a key of kind = "hub"; the keys of kind = "npz" are',
        ),
        ('kind = "npz"\nlimits = 3', "no key is called 'limits'; did you mean 'limit'"),
        ('kind = "folder"\nper = "class"', "per: needs sample = N"),
        ('kind = "folder"\nsample = 3\nper = "folder"', "per: found 'folder', allowed is \"class\""),
        ('kind = "folder"\nlimit = 0', "limit: found 0, allowed is a whole number from 1"),
        ('kind = "folder"\ncolumns = { id = "a" }', "allowed is a table such as"),
        ('kind = "hub"\nrepo = "a/b"\nsplit = "test"', "revision: is missing; pin the repository"),
        ('kind = "hub"\nrepo = "a/b"\nrevision = "v1"', "split: is missing"),
        ('kind = "hub"\nrepo = "a/b"\nrevision = "v1"\npath = "c"', "both repo and path"),
        ('kind = "cifar"\nlabels = "rough"', 'labels: found \'rough\', allowed is "fine" or "coarse"'),
        ("path = 3", "the key 'kind' is missing"),
    ],
)
def test_a_key_that_does_not_fit_the_kind_is_named(section, message):
    text = f'name = "a"\nversion = "1.0.0"\n[source]\n{section}\n[corrupt]\npreset = "natural"\n'

    with pytest.raises(RecipeError, match=message):
        read_recipe(tomllib.loads(text), "mine.toml")


def test_a_recipe_is_read_again_from_what_a_manifest_says():
    text = (
        'name = "a"\nversion = "1.0.0"\n[source]\nkind = "hub"\nrepo = "a/b"\nrevision = "v1.0"\nsplit = "test"\n'
        'columns = { image = "img", id = "name" }\nsample = 5\nper = "class"\n[corrupt]\npreset = "natural"\n'
    )
    first = read_recipe(tomllib.loads(text), "mine.toml")

    assert read_recipe(first.content(), "manifest.json") == first


RECIPES = ("cifar10-c", "cifar100-c", "imagenet-c-parquet", "cityscapes-c", "pascal-c")


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipes_of_published_benchmarks_are_read(name):
    assert load(name).content() == load(str(ROOT / f"recipes/{name}.toml")).content()


def test_real_photographs_keep_their_pixels_through_every_kind(tmp_path):
    """The same pictures as a folder, an archive, a dataset and a shard give the same pixels under the same ids."""
    shutil.copy(SHIPPED / "astronaut.png", tmp_path / "astronaut.png")
    pixels = pixels_of(tmp_path / "astronaut.png")
    write_npz(tmp_path / "m.npz", test_images=pixels[None], test_labels=np.array([0]))
    write_tar(tmp_path / "test.tar", [("0.png", (tmp_path / "astronaut.png").read_bytes()), ("0.cls", b"0")])
    datasets.Dataset.from_dict(
        {"image": [{"bytes": (tmp_path / "astronaut.png").read_bytes(), "path": None}], "label": [0]},
        features=datasets.Features(image=datasets.Image(), label=datasets.Value("int64")),
    ).to_parquet(tmp_path / "test.parquet")
    trees = []

    for kind, path in (("npz", "m.npz"), ("webdataset", "test.tar"), ("hub", "test.parquet")):
        split = "" if kind == "webdataset" else 'split = "test"\n'
        corruptgen.generate(
            recipe(tmp_path, f'kind = "{kind}"\npath = "{path}"\n{split}'), output=tmp_path / kind, workers=1
        )
        trees.append({name: digest for name, digest in tree(tmp_path / kind).items() if name.endswith(".png")})

    assert trees[0] == trees[1] == trees[2]
    assert len(trees[0]) == 5


def test_every_section_in_the_document_is_read():
    sections = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/sources.md").read_text("utf-8"), re.DOTALL)

    for section in sections:
        text = f'name = "a"\nversion = "1.0.0"\n{section}\n[corrupt]\npreset = "natural"\n'
        assert read_recipe(tomllib.loads(text), "sources.md").source.kind

    assert len(sections) >= 10
