"""What the parent of a build keeps in memory for each item."""

import shutil
import tracemalloc

import numpy as np
import pytest

import corruptgen
from corruptgen.engine.inventory import scan_output
from corruptgen.engine.shard_merge import merge
from corruptgen.sinks import OutputDirectory
from corruptgen.sinks.owner import Owner
from corruptgen.store.output_directory import item_name
from corruptgen.verification.verdict import verify

FEW, MANY = 256, 1024
# A million items add that many MB at most to the 190 MB of Python and the libraries.
MOST_BYTES = 110
RECIPE = """
name = "memory-c"
version = "1.0.0"
[source]
kind = "npy"
path = "images.npy"
labels = "labels.npy"
[corrupt]
preset = "natural"
rows = ["brightness"]
severities = [1]
[output]
format = "{form}"
items_per_shard = 50
"""


def write_recipe(place, count, form):
    np.save(place / "images.npy", np.zeros((count, 8, 8), np.uint8))
    np.save(place / "labels.npy", np.arange(count) % 10)
    (place / "recipe.toml").write_text(RECIPE.format(form=form), "utf-8")
    return place / "recipe.toml"


def peak(step):
    """Return how many bytes more than before are in use at most while something is done."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", [pytest.param("folder", marks=pytest.mark.long), "webdataset"])
def test_a_million_items_fit_into_the_memory_of_whoever_merges_resumes_checks_and_verifies(tmp_path, monkeypatch, form):
    # The names of the last few items stay in a cache of constant size, which these are too few to fill.
    for module in ("verification.recompute", "sinks.image_folder", "targets.targets"):
        monkeypatch.setattr(f"corruptgen.{module}.item_name", item_name.__wrapped__)
    places = [tmp_path / "few", tmp_path / "many"]
    for place, count in zip(places, (FEW, MANY), strict=True):
        place.mkdir()
        corruptgen.generate(write_recipe(place, count, form), output=place / "shards", workers=1, shard="1/1")
        shutil.copytree(place / "shards", place / "output")
        merge(place / "output")

    def merge_again(place):
        shutil.copytree(place / "shards", place / "merged")
        merge(place / "merged")
        shutil.rmtree(place / "merged")

    def resume(place, **options):
        assert corruptgen.generate(place / "recipe.toml", output=place / "output", workers=1, **options).was_finished

    def check(place):
        resume(place, check=True)

    def verify_files(place):
        assert verify(place / "output", workers=1).problems == ()

    def growth(step):
        few, many = (peak(lambda place=place: step(place)) for place in places)
        return (many - few) / (MANY - FEW)

    for step in (merge_again, resume, check, verify_files):
        # What is allocated once in a process, whenever that is, is not allocated again.
        assert any(growth(step) <= MOST_BYTES for _ in range(3)), step


def test_an_output_is_looked_through_in_some_bytes_for_each_unit(tmp_path):
    names = [f"{'x' * 200}/{number:06d}.png" for number in range(5000)]

    def look():
        assert scan_output(OutputDirectory(tmp_path), [Owner(iter(names))], ()).count(names[0]) == (0, 0)

    look()
    assert peak(look) < 50 * len(names)


def test_an_owner_knows_its_units_and_no_others():
    owner = Owner((f"{number}.png" for number in range(1000)), lambda name: name.partition("/")[2] or None)

    places = [owner(f"brightness/{number}.png") for number in range(1000)]

    assert sorted(places) == list(range(len(owner)))
    assert [owner.place(f"{number}.png") for number in range(1000)] == places
    assert [owner(name) for name in ("brightness/1000.png", "7.png", "", "brightness/")] == [None] * 4
    assert Owner(()).place("7.png") is None


@pytest.mark.parametrize("files", [4, 14])
def test_an_output_whose_removal_was_stopped_is_removed_by_the_same_command(tmp_path, monkeypatch, files):
    recipe = write_recipe(tmp_path, 12, "folder")
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text("utf-8").replace("brightness", "snow"), "utf-8")
    corruptgen.generate(other, output=tmp_path / "output", workers=1)
    remove, left = OutputDirectory.remove, iter(range(files))

    def stop(folder, name):
        if next(left, None) is None:
            raise KeyboardInterrupt
        remove(folder, name)

    monkeypatch.setattr(OutputDirectory, "remove", stop)
    with pytest.raises(KeyboardInterrupt):
        corruptgen.generate(recipe, output=tmp_path / "output", workers=1, overwrite=True)
    monkeypatch.undo()

    corruptgen.generate(recipe, output=tmp_path / "output", workers=1, overwrite=True)
    assert verify(tmp_path / "output", workers=1).problems == ()
    assert not (tmp_path / "output/snow").exists()


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("folder", "brightness/1/brightness/1/metadata.jsonl"),
        ("folder", "brightness/1/nobody.png"),
        ("folder", "brightness/2/0/0.png"),
        ("npy", "brightness#0"),
        ("npy", ".parts/brightness/1/00009"),
        ("webdataset", "0"),
        ("webdataset", "any block"),
        ("webdataset", "brightness/severity_1-00009.tar"),
        ("webdataset", "brightness/severity_1-000000.tar"),
        ("webdataset", "brightness/severity_2-00000.tar"),
        ("parquet", "data/brightness/severity_1-00000-of-00002.parquet"),
        ("parquet", "data/brightness/severity_1-00001-of-00001.parquet"),
    ],
)
def test_a_file_that_only_resembles_those_of_a_build_is_found(tmp_path, form, name):
    corruptgen.generate(write_recipe(tmp_path, 3, form), output=tmp_path / "output", workers=1)
    (tmp_path / "output" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "output" / name).write_bytes(b"")

    assert verify(tmp_path / "output", workers=1).problems == (f"{name} is not part of this build",)
