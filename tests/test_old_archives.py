"""Archives of the first benchmarks: CIFAR's pickles, of which nothing is run, and MNIST's idx files."""

import gzip
import io
import os
import pickle
import struct
import tarfile
from contextlib import suppress

import numpy as np
import pytest

from corruptgen.containers.pickles import load_pickle
from corruptgen.errors import SourceError
from corruptgen.recipe.recipe import read_recipe
from corruptgen.sources import open_source
from tests.photographs import real_pixels, write_cifar
from tests.pictures import photograph

PIXELS = real_pixels(12)
ROWS = PIXELS.transpose(0, 3, 1, 2).reshape(12, -1)


def opened(kind, place, **keys):
    content = {"name": "a", "version": "1.0.0", "source": {"kind": kind, "path": str(place)} | keys}
    return open_source(read_recipe(content | {"corrupt": {"preset": "cifar-c"}}, "recipe"))


def contents(kind, place, **keys):
    """Return label and pixels of every item."""
    source = opened(kind, place, **keys)
    listing = source.listing()
    return {item.id: (item.label, source.read(item)) for item in listing.items}


def same(found, expected):
    assert found.keys() == expected.keys()
    for key, (label, pixels) in expected.items():
        assert found[key][0] == label
        assert np.array_equal(found[key][1], pixels)


def python_2(text):
    """Write bytes as Python 2 did, whose texts and bytes are one."""
    kind = b"U" + bytes([len(text)]) if len(text) < 256 else b"T" + struct.pack("<I", len(text))
    return kind + text


def old_array(rows):
    """Write an array as numpy did under Python 2."""
    return (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01(cnumpy\nndarray\nq\x02K\x00\x85"
        + python_2(b"b")
        + b"tR(K\x01J"
        + struct.pack("<i", len(rows))
        + b"M"
        + struct.pack("<H", rows.shape[1])
        + b"\x86cnumpy\ndtype\nq\x03("
        + python_2(b"u1")
        + b"K\x00K\x01tR(K\x03"
        + python_2(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + python_2(rows.tobytes())
        + b"tb"
    )


def old_pickle(rows, **lists):
    """Write a batch as CIFAR's authors did, in Python 2."""
    parts = [python_2(b"data") + old_array(rows) + b"s"]
    for key, values in lists.items():
        numbers = b"".join(b"K" + bytes([value]) if isinstance(value, int) else python_2(value) for value in values)
        parts.append(python_2(key.encode()) + b"](" + numbers + b"es")
    return b"\x80\x02}" + b"".join(parts) + b"."


def write_pickles(folder, *, hundred=False, form="old"):
    """Write CIFAR's Python files."""
    folder.mkdir(parents=True)
    protocol = {"protocol": form} if isinstance(form, int) else {}
    files = ("train", "test") if hundred else ("data_batch_1", "data_batch_2", "test_batch")
    for number, name in enumerate(files):
        rows = ROWS[4 * number : 4 * number + 4]
        fine, coarse = list(range(4)), [k % 2 for k in range(4)]
        lists = {"fine_labels": fine, "coarse_labels": coarse} if hundred else {"labels": fine}
        lists["filenames"] = [b"a.png"] * 4
        batch = {key.encode(): value for key, value in lists.items()} | {b"data": np.ascontiguousarray(rows)}
        content = old_pickle(rows, **lists) if form == "old" else pickle.dumps(batch, **protocol)
        (folder / name).write_bytes(content)
    names = {b"fine_label_names": [b"a", b"b", b"c", b"d"], b"coarse_label_names": [b"even", b"odd"]}
    meta = names if hundred else {b"label_names": [b"airplane", b"automobile", b"bird", b"cat"], b"num_vis": 3072}
    (folder / ("meta" if hundred else "batches.meta")).write_bytes(pickle.dumps(meta, protocol=2))


@pytest.mark.parametrize("form", ["old", 2, 4, 5])
@pytest.mark.parametrize("hundred", [False, True])
def test_cifars_pickles_hold_what_the_binary_files_hold(tmp_path, form, hundred):
    write_cifar(tmp_path / "binary", hundred=hundred)
    write_pickles(tmp_path / "pickled", hundred=hundred, form=form)
    with tarfile.open(tmp_path / "pickled.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "pickled", "cifar-py")

    for split in ("train", "test"):
        for labels in ({"labels": "fine"}, {"labels": "coarse"}) if hundred else ({},):
            expected = contents("cifar", tmp_path / "binary", split=split, **labels)
            assert expected
            for place in ("pickled", "pickled.tar.gz"):
                same(contents("cifar", tmp_path / place, split=split, **labels), expected)


class Evil:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("call", "arguments"),
    [(os.system, ("touch ran",)), (eval, ("open('ran', 'w')",)), (np.memmap, ("ran", "u1", "w+", 0, (9,)))],
)
def test_a_pickle_that_asks_for_anything_else_is_refused_by_name(tmp_path, monkeypatch, protocol, call, arguments):
    monkeypatch.chdir(tmp_path)
    write_pickles(tmp_path / "c")
    evil = pickle.dumps({b"data": Evil(call, *arguments), b"labels": []}, protocol=protocol)
    (tmp_path / "c/test_batch").write_bytes(evil)

    with pytest.raises(SourceError, match=r"test_batch is a pickle that asks for .*; it is refused"):
        contents("cifar", tmp_path / "c")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x80\x02cos\nsystem\n.", "asks for os.system"),
        (
            b"\x80\x02ccorruptgen.containers.pickles\nload_pickle\n.",
            "asks for corruptgen.containers.pickles.load_pickle",
        ),
        (b"\x80\x02\x82\x01.", "more than plain values"),
        (b"Pname\n.", "more than plain values"),
        (b"(ios\nsystem\n.", "more than plain values"),
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "it notes value 2147483647"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\x00\x00\x00abc.", "no whole pickle"),
        (b"\x80\x02X\xff\xff\xff\x7fabc.", "no whole pickle"),
        (b"", "no whole pickle"),
        (b"\x80\x02]", "no whole pickle"),
        (old_pickle(ROWS[:4], labels=[1] * 4)[:-900], "no whole pickle"),
    ],
)
def test_damaged_and_greedy_pickles_are_refused(content, reason):
    with pytest.raises(SourceError, match=reason):
        load_pickle(content, "test_batch")


def test_a_pickle_cannot_change_what_the_next_one_is_read_with():
    poison = b"\x80\x02cnumpy\ndtype\n(N}" + python_2(b"__init__") + b"Nstb."
    with suppress(SourceError):
        load_pickle(poison, "a")

    found = load_pickle(old_pickle(ROWS[:4], labels=[1, 2, 3, 4]), "b")

    assert np.array_equal(found["data"], ROWS[:4])


@pytest.mark.parametrize("where", ["claim", "kind", "labels"])
def test_batches_whose_parts_do_not_fit_are_refused(tmp_path, where):
    write_pickles(tmp_path / "c")
    labels = [0, 1, 2] if where == "labels" else [0, 1, 2, 3]
    content = old_pickle(ROWS[:4], labels=labels)
    if where == "claim":
        content = content.replace(b"J\x04\x00\x00\x00", b"J\x00\x00\x00\x40")
    if where == "kind":
        content = content.replace(python_2(b"u1"), python_2(b"O8"))
    (tmp_path / "c/test_batch").write_bytes(content)

    with pytest.raises(SourceError, match=r"test_batch (is damaged: an array|holds an array of another|holds no list)"):
        contents("cifar", tmp_path / "c")


def test_a_packed_archive_is_unpacked_as_far_as_cifar_needs(tmp_path):
    for number, (name, size) in enumerate((("test_batch", 1 << 38), ("readme.html", 1 << 38), ("meta", 1 << 20))):
        info = tarfile.TarInfo(f"c/{name}")
        info.size = size
        (tmp_path / f"{number}.tar.gz").write_bytes(gzip.compress(info.tobuf() + bytes(2048)))

        with pytest.raises(SourceError, match=rf"{name} claims {size} bytes; at most"):
            contents("cifar", tmp_path / f"{number}.tar.gz")


def test_a_damaged_archive_is_never_taken_for_a_shorter_one(tmp_path):
    write_cifar(tmp_path / "c")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("test_batch.bin", "data_batch_1.bin", "batches.meta.txt", "data_batch_2.bin"):
            archive.add(tmp_path / "c" / name, name)
    plain = buffer.getvalue()
    second = plain.index(b"data_batch_2.bin")
    bad = {
        "header": plain[:second] + b"\xff" * 200 + plain[second + 200 :],
        "end": plain[:second],
        "cut": plain[: second + 700],
    }

    for name, content in bad.items():
        for ending, packed in ((".tar", content), (".tar.gz", gzip.compress(content))):
            (tmp_path / (name + ending)).write_bytes(packed)
            with pytest.raises(SourceError, match=r"damaged|cut off"):
                contents("cifar", tmp_path / (name + ending), split="train")
    flipped = bytearray(gzip.compress(plain, 0))
    flipped[4000] ^= 1
    (tmp_path / "flip.tar.gz").write_bytes(flipped)
    with pytest.raises(SourceError, match="BadGzipFile"):
        contents("cifar", tmp_path / "flip.tar.gz")


GREY = np.stack([photograph(28, 20, 1)[..., 0] + number for number in range(5)]).astype(np.uint8)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


def idx(values, kind=8):
    return bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def write_idx(folder, prefix="", part="t10k", packed=True, name="idx{}-ubyte", images=GREY, labels=LABELS):
    folder.mkdir(parents=True, exist_ok=True)
    for what, values in (("images", images), ("labels", labels)):
        if values is not None:
            path = folder / f"{prefix}{part}-{what}{'.' if '.' in name else '-'}{name.strip('.').format(values.ndim)}"
            content = idx(values)
            path.with_name(path.name + (".gz" if packed else "")).write_bytes(
                gzip.compress(content) if packed else content
            )


EXPECTED = {f"test/{n}": (str(LABELS[n]), GREY[n]) for n in range(5)}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["idx{}-ubyte", ".idx{}-ubyte"])
def test_mnists_files_are_read_where_torchvision_and_others_put_them(tmp_path, packed, name):
    write_idx(tmp_path / "MNIST/raw", packed=packed, name=name)
    write_idx(tmp_path / "MNIST/raw", part="train", packed=packed, name=name, images=GREY[::-1])

    same(contents("mnist", tmp_path), EXPECTED)
    same(contents("mnist", tmp_path / "MNIST/raw"), EXPECTED)
    assert np.array_equal(contents("mnist", tmp_path, split="train")["train/0"][1], GREY[4])


def test_an_unpacked_file_beside_its_archive_is_taken_once(tmp_path):
    write_idx(tmp_path)
    write_idx(tmp_path, packed=False)

    same(contents("mnist", tmp_path), EXPECTED)


def test_emnist_holds_several_data_sets_whose_images_lie_as_they_are_stored(tmp_path):
    write_idx(tmp_path, prefix="emnist-letters-", part="test", images=GREY.transpose(0, 2, 1))
    write_idx(tmp_path, prefix="emnist-digits-", part="test")

    same(contents("mnist", tmp_path, config="digits"), EXPECTED)
    for config in ("letters", "emnist-letters"):
        found = contents("mnist", tmp_path, config=config)
        assert np.array_equal(found["test/2"][1], GREY[2].T)
    with pytest.raises(SourceError, match=r"holds emnist-digits, emnist-letters; choose which with config"):
        contents("mnist", tmp_path)


def test_classes_name_the_numbers(tmp_path):
    write_idx(tmp_path)
    (tmp_path / "names.txt").write_text("zero\none\ntwo\nthree\nfour\nfive\n")

    found = contents("mnist", tmp_path, classes=str(tmp_path / "names.txt"))

    assert [label for label, _ in found.values()] == ["three", "one", "four", "one", "five"]


def test_images_without_labels_have_none(tmp_path):
    write_idx(tmp_path, labels=None)

    assert {label for label, _ in contents("mnist", tmp_path).values()} == {""}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (idx(GREY)[:-9], "claims 2800 bytes behind it"),
        (idx(GREY) + b"more", "claims 2800 bytes behind it"),
        (idx(GREY)[:7], "cut off in its header"),
        (b"PK" + idx(GREY)[2:], "no idx file"),
        (idx(GREY, kind=0x0D), "values of type 0x0d in 3 axes; taken are bytes in 3"),
        (idx(GREY[0]), "in 2 axes"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 4_000_000_000, 28, 28) + bytes(99), "claims 3136000000000 bytes"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 1, 0, 28), "claims images of 0×28"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_that_hold_something_else_than_they_claim_are_refused(tmp_path, content, reason, packed):
    write_idx(tmp_path, packed=False)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.unlink()
    path.with_name(path.name + (".gz" if packed else "")).write_bytes(gzip.compress(content) if packed else content)

    with pytest.raises(SourceError, match=reason):
        contents("mnist", tmp_path)


def test_a_packed_file_that_unpacks_to_more_than_it_claims_is_not_unpacked(tmp_path):
    write_idx(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(GREY) + bytes(1 << 26)))

    with pytest.raises(SourceError, match="there are more than 2800"):
        contents("mnist", tmp_path)
