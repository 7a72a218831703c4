"""Damaged input: whatever is flipped, cut off or spliced, good items stay as they are and nothing else goes wrong."""

import io
import tarfile

import datasets
import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.codecs.images import decoded
from corruptgen.engine.manifest import BlockTable
from corruptgen.errors import CorruptgenError
from corruptgen.recipe.recipe import load
from corruptgen.records import Decoding
from corruptgen.sources import open_source
from corruptgen.store.digests import image_digest
from tests.fuzzing import FILES, SOURCES, check_kind, check_sources
from tests.photographs import TABLE, real_pixels, tree

FORMS = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP"}
CONTAINERS = ("npz", "stored.npz", "npy", "tar", "parquet")
GOOD = 6


def images(count=GOOD):
    """Return real photographs in every form, by name."""
    files = {}
    for number, pixels in enumerate(real_pixels(count)):
        ending, form = list(FORMS.items())[number % len(FORMS)]
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, form)
        files[f"{number:02d}{ending}"] = buffer.getvalue()
    return files


def damaged(content, draws, others):
    """Flip, cut, fill or splice some bytes."""
    changed = bytearray(content)
    at = int(draws.randint(len(changed)))
    match draws.randint(6):
        case 0:
            changed[at] ^= 1 << int(draws.randint(8))
        case 1:
            for _ in range(8):
                changed[int(draws.randint(len(changed)))] = int(draws.randint(256))
        case 2:
            del changed[at:]
        case 3:
            del changed[at : at + int(draws.randint(1, 64))]
        case 4:
            other = others[int(draws.randint(len(others)))]
            cut = int(draws.randint(len(other)))
            changed[at : at + 64] = other[cut : cut + 64]
        case 5:
            changed[at : at + 16] = bytes([255 * int(draws.randint(2))]) * 16
    return bytes(changed)


def write_recipe(folder, source):
    (folder / "three.toml").write_text(TABLE, "utf-8")
    path = folder / "recipe.toml"
    path.write_text(
        f'name = "a"\nversion = "1.0.0"\n[source]\n{source}\n[corrupt]\npreset = "three.toml"\n'
        'rows = ["brightness"]\nseverities = [1]\n',
        "utf-8",
    )
    return path


def pixels_by_id(output):
    tables = [BlockTable.from_bytes(path.read_bytes()) for path in sorted((output / "items").iterdir())]
    return {record.id: record.pixels for table in tables for record in table.made}


def check_images(folder, count, seed):
    """Put damaged files among good ones, make all, and compare with the good ones alone."""
    draws = np.random.RandomState(seed)
    good = images()
    for place in ("alone", "among"):
        (folder / place).mkdir(parents=True)
        for name, content in good.items():
            (folder / place / name).write_bytes(content)
    contents = list(good.values())
    bad = []
    for number in range(count):
        form = number % len(contents)
        bad.append(f"bad{number:04d}{list(FORMS)[form % len(FORMS)]}")
        (folder / "among" / bad[-1]).write_bytes(damaged(contents[form], draws, contents))
    outside = tree(folder / "among")

    recipe = write_recipe(folder, 'kind = "folder"')
    corruptgen.generate(recipe, source=folder / "alone", output=folder / "one", workers=1)
    outcome = corruptgen.generate(recipe, source=folder / "among", output=folder / "two", workers=1)

    made, rejected = pixels_by_id(folder / "two"), {rejection.id: rejection.reason for rejection in outcome.rejected}
    assert {name: made[name] for name in good} == pixels_by_id(folder / "one")
    assert made.keys() | rejected.keys() == {*good, *bad}
    assert not made.keys() & rejected.keys()
    assert all(rejected.values())
    assert tree(folder / "among") == outside
    assert {path.name for path in folder.iterdir()} == {"alone", "among", "one", "two", "three.toml", "recipe.toml"}


def write_container(folder, form):
    """Write the photographs into a container, and return its path and its [source] section."""
    place = folder / f"whole.{form}"
    pixels = real_pixels(GOOD)
    if form in ("npz", "stored.npz"):
        save = np.savez if form == "stored.npz" else np.savez_compressed
        save(place, test_images=pixels, test_labels=np.arange(GOOD) % 3)
        return place, 'kind = "npz"'
    if form == "npy":
        np.save(place, pixels)
        return place, 'kind = "npy"'
    encoded = list(images().items())
    if form == "tar":
        with tarfile.open(place, "w") as archive:
            for name, content in encoded:
                if name.endswith(".tif"):
                    continue
                for member, data in ((name, content), (f"{name[:2]}.cls", b"1")):
                    info = tarfile.TarInfo(member)
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
        return place, 'kind = "webdataset"'
    rows = {"image": [{"bytes": content, "path": None} for _, content in encoded], "label": [0, 1] * (GOOD // 2)}
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["a", "b"]))
    datasets.Dataset.from_dict(rows, features=features).to_parquet(place)
    return place, 'kind = "hub"'


def check_container(folder, form, count, seed):
    """Damage a container, list it, read all that it lists: nothing but our own errors, and nothing written."""
    draws = np.random.RandomState(seed)
    folder.mkdir(parents=True)
    place, section = write_container(folder, form)
    recipe = load(write_recipe(folder, section))
    content = place.read_bytes()
    whole, _ = read_all(recipe, place)
    outcomes = []
    for number in range(count):
        bad = folder / f"bad{number}.{form}"
        bad.write_bytes(damaged(content, draws, [content]))
        before = sorted(path.name for path in folder.iterdir())
        found, reasons = read_all(recipe, bad)
        outcomes.append(len(reasons))
        assert all(reasons)
        assert not any(str(folder) in reason for reason in reasons)
        if form.endswith("npz"):
            # Its checksums cover all: what is given is what was saved.
            assert found in ({}, whole)
        assert sorted(path.name for path in folder.iterdir()) == before
        bad.unlink()
    assert any(outcomes)


def read_all(recipe, place):
    """Return the digests of the items of a container by id, and the reasons of what cannot be used."""
    digests, reasons = {}, []
    try:
        source = open_source(recipe, place)
        found = source.listing()
        reasons += [rejection.reason for rejection in found.rejected]
        for item in found.items:
            try:
                digests[item.id] = image_digest(decoded(source.read(item), Decoding()))
            except CorruptgenError as error:
                reasons.append(str(error))
    except CorruptgenError as error:
        reasons.append(str(error))
    return digests, reasons


# A tenth of the ten thousand inputs of the long test.
SHORT, LONG = (count // (len(FILES) + len(SOURCES)) + 1 for count in (1000, 10_000))


@pytest.mark.parametrize("kind", FILES)
def test_damaged_files_are_refused_or_read_as_other_decoders_read_them(kind):
    check_kind(kind, SHORT, 290411)


@pytest.mark.parametrize("kind", SOURCES)
def test_damaged_sources_are_refused_or_read_as_others_read_them(kind, tmp_path):
    check_sources(kind, tmp_path, SHORT, 55013)


@pytest.mark.long
@pytest.mark.parametrize("kind", FILES)
def test_ten_thousand_damaged_files_and_sources(kind):
    assert check_kind(kind, LONG, 1843956201) < LONG


@pytest.mark.long
@pytest.mark.parametrize("kind", SOURCES)
def test_ten_thousand_damaged_sources_and_files(kind, tmp_path):
    assert check_sources(kind, tmp_path, LONG, 770245913)["refused"]


def test_damaged_images_are_listed_and_the_good_ones_are_whole(tmp_path):
    check_images(tmp_path, 60, 1843956201)


@pytest.mark.parametrize("form", CONTAINERS)
def test_damaged_containers_are_refused_or_read(tmp_path, form):
    check_container(tmp_path / "short", form, 20, 770245913)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_a_thousand_damaged_images(tmp_path, part):
    check_images(tmp_path, 250, 290411 + 2 * part)


@pytest.mark.long
@pytest.mark.parametrize("form", CONTAINERS)
def test_a_thousand_damaged_containers(tmp_path, form):
    check_container(tmp_path / "long", form, 200, 55013)
