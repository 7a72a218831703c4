"""Generation: the promised pixels and layout, the same bytes whoever works and however often it was interrupted."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.codecs.images import decoded
from corruptgen.engine.manifest import BlockTable
from corruptgen.errors import AssetError, OutputError, SourceError
from corruptgen.records import Decoding
from tests.builds import begun, wait_for
from tests.photographs import ROOT, command, pixels_of, tree, write_photographs, write_recipe


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs")
    return tmp_path


def digests(output):
    """Return the pixel digests of every item."""
    tables = [BlockTable.from_bytes(path.read_bytes()) for path in sorted((output / "items").iterdir())]
    return {record.id: record.pixels for table in tables for record in table.made}


def test_the_pixels_are_those_of_corrupt_with_the_items_id_as_key(tmp_path):
    pixels = write_photographs(tmp_path / "photographs", 3)
    recipe = write_recipe(tmp_path, top="seed = 7", corrupt="severities = [1, 1.5]", output="clean = true")

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    table = str(tmp_path / "three.toml")
    assert outcome.files == 3 * 7
    for item, clean in pixels.items():
        assert np.array_equal(pixels_of(tmp_path / "out/clean/0" / item), clean)
        for row in corruptgen.rows(table):
            for severity in (1, 1.5):
                expected = corruptgen.corrupt(clean, row, severity, preset=table, seed=7, key=item)
                assert np.array_equal(pixels_of(tmp_path / f"out/{row}/{severity}" / item), expected)


def test_paired_levels_share_their_draws(tmp_path):
    clean = np.full((40, 48, 3), 128, np.uint8)
    (tmp_path / "photographs").mkdir()
    Image.fromarray(clean).save(tmp_path / "photographs/grey.png")
    recipe = write_recipe(tmp_path, corrupt='rows = ["gaussian_noise"]\npaired = true')

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    weak, strong = (pixels_of(tmp_path / f"out/gaussian_noise/{k}/grey.png").astype(float) - 128 for k in (1, 2))
    inside = abs(strong) < 120
    assert np.corrcoef(weak[inside], strong[inside])[0, 1] > 0.99


def test_decoding_is_that_of_the_recipe_and_jpeg_is_named_as_in_imagenet_c(tmp_path):
    write_photographs(tmp_path / "photographs", 1, size=(60, 90))
    source = (tmp_path / "photographs/astronaut/00.png").read_bytes()
    recipe = write_recipe(
        tmp_path, decode="resize = 48\ncrop = 32", output='encoding = "jpeg"\nquality = 70\nclean = true'
    )

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    written = tmp_path / "out/clean/0/astronaut/00.JPEG"
    expected = Image.fromarray(decoded(source, Decoding(resize=48, crop=32)))
    assert expected.size == (32, 32)
    expected.save(tmp_path / "expected.jpg", quality=70, optimize=True)
    assert written.read_bytes() == (tmp_path / "expected.jpg").read_bytes()


@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_workers_writes_the_same_bytes(place, workers):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "one", workers=1)

    corruptgen.generate(recipe, output=place / "many", workers=workers)

    assert tree(place / "many") == tree(place / "one")


def test_the_order_of_the_files_on_disk_does_not_matter(place, monkeypatch):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "one", workers=1)
    forwards = os.scandir

    class Backwards:
        def __init__(self, path):
            self.entries = forwards(path)

        def __enter__(self):
            return reversed(list(self.entries))

        def __exit__(self, *error):
            self.entries.close()

    monkeypatch.setattr(os, "scandir", Backwards)
    corruptgen.generate(recipe, output=place / "two", workers=1)
    monkeypatch.undo()

    assert tree(place / "two") == tree(place / "one")


def test_a_subset_in_another_process_has_the_pixels_of_the_whole(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "whole", workers=1)
    for number in range(0, 12, 3):
        next((place / "photographs").glob(f"*/{number:02d}.png")).unlink()

    done = command("generate", recipe, "--output", "part", "--workers", 2, cwd=place)

    assert done.returncode == 0, done.stderr
    whole, part = digests(place / "whole"), digests(place / "part")
    assert len(part) == 8
    assert part == {item: whole[item] for item in part}


def test_another_process_writes_the_same_bytes_and_nothing_of_this_machine(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "here", workers=1)
    shutil.copytree(place, place / "elsewhere", ignore=shutil.ignore_patterns("here"))

    done = subprocess.run(
        [sys.executable, "-m", "corruptgen.cli", "generate", "recipe.toml", "--workers", "1"],
        cwd=place / "elsewhere", env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert tree(place / "elsewhere/small-c-1.0.0") == tree(place / "here")
    written = b"".join(path.read_bytes() for path in (place / "here").rglob("*.json*"))
    assert str(place).encode() not in written


def test_a_finished_output_is_left_alone(place):
    recipe = write_recipe(place)
    first = corruptgen.generate(recipe, output=place / "out", workers=1)
    before = {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")}

    second = corruptgen.generate(recipe, output=place / "out", workers=1)

    assert not first.was_finished
    assert second.was_finished
    assert (second.items, second.files) == (first.items, first.files)
    assert {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")} == before


@pytest.mark.parametrize("damage", ["missing", "shorter", "table", "manifest", "half a manifest", "leftover"])
def test_what_is_missing_is_made_again(place, damage):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "out", workers=1)
    whole = tree(place / "out")
    image = place / "out/brightness/2/chelsea/01.png"
    match damage:
        case "missing":
            image.unlink()
        case "shorter":
            image.write_bytes(image.read_bytes()[:-7])
        case "table":
            (place / "out/items/00001.jsonl").write_bytes(b'{"block":1')
        case "manifest":
            (place / "out/manifest.json").unlink()
        case "half a manifest":
            (place / "out/manifest.json").write_bytes((place / "out/manifest.json").read_bytes()[:300])
        case "leftover":
            (place / "out/manifest.json").unlink()
            image.with_name(".0123.corruptgen-part").write_bytes(b"half")

    outcome = corruptgen.generate(recipe, output=place / "out", workers=1)

    assert not outcome.was_finished
    assert tree(place / "out") == whole


def test_a_killed_build_goes_on_to_the_same_bytes(tmp_path):
    write_photographs(tmp_path / "photographs", 30, size=(96, 96))
    recipe = write_recipe(tmp_path)
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    whole = tree(tmp_path / "whole")
    interrupted = 0

    for attempt, files in enumerate((1, 40, 90)):
        output = tmp_path / f"killed{attempt}"
        child = begun(tmp_path, "--output", output, "--workers", 1 + attempt % 2)
        wait_for(child, output, files)
        child.kill()
        child.wait()
        interrupted += not (output / "manifest.json").exists()

        corruptgen.generate(recipe, output=output, workers=1)

        assert tree(output) == whole
    assert interrupted >= 2


def test_a_source_that_changed_since_is_named_and_nothing_is_overwritten(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "out", workers=1)
    (place / "out/brightness/2/astronaut/00.png").unlink()
    before = tree(place / "out")
    Image.new("RGB", (48, 40)).save(place / "photographs/astronaut/00.png")

    with pytest.raises(SourceError, match=r"astronaut/00\.png has changed"):
        corruptgen.generate(recipe, output=place / "out", workers=1)

    assert tree(place / "out") == before


def test_another_builds_output_is_refused_until_it_is_to_be_overwritten(place):
    corruptgen.generate(write_recipe(place), output=place / "out", workers=1)
    before = tree(place / "out")
    other = write_recipe(place, top="seed = 1", corrupt="severities = [2]", output='encoding = "jpeg"')

    with pytest.raises(OutputError, match="another build: its recipe is not the same") as caught:
        corruptgen.generate(other, output=place / "out", workers=1)
    assert tree(place / "out") == before
    assert "seed (0 there, 1 now), corrupt.severities ([1, 2] there, [2] now)" in str(caught.value)
    assert 'output.encoding ("png" there, "jpeg" now)' in str(caught.value)

    corruptgen.generate(other, output=place / "out", workers=1, overwrite=True)
    corruptgen.generate(other, output=place / "fresh", workers=1)
    assert tree(place / "out") == tree(place / "fresh")
    assert not (place / "out/brightness/1").exists()


def test_new_items_are_another_build(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "out", workers=1)
    Image.new("RGB", (48, 40)).save(place / "photographs/new.png")

    with pytest.raises(OutputError, match="its source is not the same"):
        corruptgen.generate(recipe, output=place / "out", workers=1)


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_not_ours_is_never_touched(place, overwrite):
    recipe = write_recipe(place)
    (place / "out/brightness/1").mkdir(parents=True)
    (place / "out/brightness/1/mine.png").write_bytes(b"mine")
    (place / "out/thesis.txt").write_bytes(b"mine")
    before = tree(place / "out")

    with pytest.raises(OutputError, match="not part of this build"):
        corruptgen.generate(recipe, output=place / "out", workers=1, overwrite=overwrite)

    assert tree(place / "out") == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["brightness/1/astronaut/00.png", "manifest.json", "items/00000.jsonl"])
def test_what_only_has_our_names_is_never_touched(place, name, overwrite):
    recipe = write_recipe(place)
    (place / "out" / name).parent.mkdir(parents=True)
    (place / "out" / name).write_bytes(b"from elsewhere")
    before = tree(place / "out")

    with pytest.raises(OutputError, match="choose another directory"):
        corruptgen.generate(recipe, output=place / "out", workers=1, overwrite=overwrite)

    assert tree(place / "out") == before


def test_foreign_files_in_our_own_output_stop_overwriting(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "out", workers=1)
    (place / "out/notes.txt").write_text("mine")
    before = tree(place / "out")

    with pytest.raises(OutputError, match=r"notes\.txt"):
        corruptgen.generate(recipe, output=place / "out", workers=1, overwrite=True)

    assert tree(place / "out") == before


def test_a_link_in_the_output_is_not_followed_out_of_it(place):
    recipe = write_recipe(place)
    (place / "out").mkdir()
    (place / "elsewhere").mkdir()
    (place / "out/brightness").symlink_to(place / "elsewhere")

    with pytest.raises(OutputError, match="not part of this build: brightness"):
        corruptgen.generate(recipe, output=place / "out", workers=1)

    assert not list((place / "elsewhere").iterdir())


@pytest.mark.parametrize("output", ["photographs/out", "photographs", "."])
def test_output_and_source_lie_apart(place, output):
    with pytest.raises(OutputError, match="within each other"):
        corruptgen.generate(write_recipe(place), output=place / output, workers=1)


def test_a_missing_picture_is_reported_before_anything_is_written(place, monkeypatch):
    def missing(*arguments):
        raise AssetError("no frost")

    monkeypatch.setattr("corruptgen.assets.textures.texture_bytes", missing)
    recipe = write_recipe(
        place, preset="imagenet-c-64", decode="resize = [64, 64]", corrupt='rows = ["brightness", "frost"]'
    )

    from corruptgen.assets.textures import frost_picture  # noqa: PLC0415

    frost_picture.cache_clear()
    with pytest.raises(AssetError, match="no frost"):
        corruptgen.generate(recipe, output=place / "out", workers=1)
    assert not (place / "out").exists()


def test_progress_counts_items(place):
    seen = []

    corruptgen.generate(
        write_recipe(place), output=place / "out", workers=1, progress=lambda done, total: seen.append((done, total))
    )

    assert seen[0] == (0, 12)
    assert seen[-1] == (12, 12)


def test_the_manifest_says_what_was_made_and_with_what(place):
    corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    manifest = json.loads((place / "out/manifest.json").read_text("utf-8"))

    assert manifest["counts"] == {"items": 12, "rejected": 0, "ignored": 0, "cells": 6, "files": 72}
    assert manifest["recipe"]["source"] == {"kind": "folder"}
    assert manifest["recipe"]["corrupt"]["severities"] == [1, 2]
    assert manifest["preset"]["table"]["gaussian_noise"]["sigma"] == [0.1, 0.3]
    assert {"corruptgen", "numpy", "opencv", "pillow", "numba", "python", "stream"} <= manifest["environment"].keys()
    assert list(manifest["tables"]) == ["items/00000.jsonl", "items/00001.jsonl"]


def test_the_tables_take_at_most_two_kilobytes_per_item_for_95_cells(tmp_path):
    write_photographs(tmp_path / "photographs", 9, size=(16, 16))
    recipe = write_recipe(tmp_path, preset="natural", corrupt='rows = ["common", "extra"]')

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    assert outcome.cells == 95
    assert sum(path.stat().st_size for path in (tmp_path / "out/items").iterdir()) <= 2000 * 9
