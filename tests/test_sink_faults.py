"""Sinks under fire: workers, kills, damage; the bytes are always those of an undisturbed build."""

import os
import shutil
import time
from contextlib import suppress

import pytest

import corruptgen
from corruptgen.errors import Interrupted, OutputError
from corruptgen.store.output_directory import UNFINISHED, OutputDirectory
from corruptgen.verification.verdict import verify
from tests.builds import begun
from tests.photographs import tree, write_photographs, write_recipe

SHARDED = ("parquet", "npy", "npz", "webdataset")
FORMATS = ("folder", *SHARDED)
CLEAN = "clean = true\nitems_per_shard = 5"


def recipe_of(place, form, output=CLEAN):
    return write_recipe(place, output=f'format = "{form}"\n{output}')


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("built")
    write_photographs(place / "photographs", 12)
    (place / "photographs/coffee/02.png").write_bytes(b"no image")
    for form in FORMATS:
        corruptgen.generate(recipe_of(place, form), output=place / form, workers=1)
    return place


@pytest.fixture
def place(built, tmp_path):
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return tmp_path


def shards(output):
    """Return the files of a build that hold images."""
    return sorted(p for p in output.rglob("*") if p.suffix in (".parquet", ".npy", ".npz", ".tar"))


def flip(path, where):
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("form", SHARDED)
def test_two_workers_write_the_bytes_of_one(built, tmp_path, form):
    corruptgen.generate(recipe_of(built, form), output=tmp_path / "two", workers=2)

    assert tree(tmp_path / "two") == tree(built / form)
    assert not [path for path in (tmp_path / "two").rglob("*") if path.is_dir() and not any(path.iterdir())]


@pytest.mark.parametrize("form", SHARDED)
def test_a_killed_build_goes_on_to_the_same_bytes(tmp_path, form):
    write_photographs(tmp_path / "photographs", 24, size=(64, 64))
    recipe = recipe_of(tmp_path, form)
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    whole = tree(tmp_path / "whole")
    for attempt, files in enumerate((3, 20)):
        output = tmp_path / f"killed{attempt}"
        child = begun(tmp_path, "--output", output, "--workers", 1)
        while child.poll() is None and sum(1 for p in output.rglob("*") if p.is_file()) < files:
            time.sleep(0.001)
        child.kill()
        child.wait()

        corruptgen.generate(recipe, output=output, workers=1)

        assert tree(output) == whole


@pytest.mark.smoke
@pytest.mark.parametrize("form", FORMATS)
def test_a_build_that_was_stopped_goes_on_to_a_whole_that_verifies(tmp_path, form):
    write_photographs(tmp_path / "photographs", 9, size=(32, 32))
    recipe = recipe_of(tmp_path, form)
    done = []
    with pytest.raises(Interrupted, match="of 9 items are done"):
        corruptgen.generate(
            recipe,
            output=tmp_path / "out",
            workers=1,
            progress=lambda items, total: done.append(items),
            stop=lambda: max(done, default=0) > 0,
        )

    assert corruptgen.generate(recipe, output=tmp_path / "out", workers=1).items == 9

    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert verify(tmp_path / "out", source=tmp_path / "photographs", depth="full", workers=1).problems == ()


class Stopped(BaseException):
    """What a kill looks like from inside."""


def stopping(monkeypatch, output, left):
    """Stop the build before the `left`-th file that is written, renamed or removed after the last table."""
    before = {name: getattr(OutputDirectory, name) for name in ("whole", "remove")}

    def counted(function):
        def call(folder, name):
            if (output / "items/00002.jsonl").exists():
                left[0] -= 1
                if left[0] < 0:
                    raise Stopped
            return function(folder, name)

        return call

    for name, function in before.items():
        monkeypatch.setattr(OutputDirectory, name, counted(function))


@pytest.mark.parametrize("form", ["npy", pytest.param("npz", marks=pytest.mark.long), "parquet"])
def test_the_end_of_a_build_can_be_interrupted_at_every_step(built, tmp_path, monkeypatch, form):
    whole, recipe, stops = tree(built / form), recipe_of(built, form), 0
    for step in (*range(8), *range(8, 80, 9)):
        output, left = tmp_path / f"out{step}", [step]
        stopping(monkeypatch, output, left)
        with suppress(Stopped):
            corruptgen.generate(recipe, output=output, workers=1)
        monkeypatch.undo()
        stops += left[0] < 0

        corruptgen.generate(recipe, output=output, workers=1)

        assert tree(output) == whole
        shutil.rmtree(output)
        if left[0] >= 0:
            break
    assert left[0] >= 0
    assert stops >= 2


@pytest.mark.parametrize("form", SHARDED)
@pytest.mark.parametrize("source", [None, "photographs"])
def test_a_good_output_has_no_problems(built, form, source):
    verdict = verify(built / form, source=source and built / source, depth="full", workers=1)

    assert verdict.problems == ()
    assert (verdict.files, verdict.pixels) == (11 * 7, 11 * 7)


@pytest.mark.parametrize("form", SHARDED)
def test_a_sample_and_two_workers_find_no_problems_either(built, form):
    verdict = verify(built / form, depth="sample", workers=2)

    assert verdict.problems == ()
    assert 10 <= verdict.pixels <= 20


@pytest.mark.parametrize("form", SHARDED)
@pytest.mark.parametrize("where", [0, 0.5, 1])
def test_one_flipped_bit_in_any_shard_is_found_and_named(place, form, where):
    for path in shards(place / form)[::3]:
        content = path.read_bytes()
        flip(path, int((len(content) - 1) * where))

        problems = verify(place / form, workers=1).problems

        assert problems, path
        assert all(problem.startswith(str(path.relative_to(place / form))) for problem in problems)
        path.write_bytes(content)


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_the_damaged_piece_of_an_array_is_named(place, form):
    path = place / form / f"brightness.{form}"
    flip(path, len(path.read_bytes()) - (40 * 48 * 3 + 1000))

    assert verify(place / form, workers=1).problems == (
        f"brightness.{form}: items 9 to 10 at severity 2 is damaged: checksum mismatch",
    )


@pytest.mark.parametrize("form", SHARDED)
@pytest.mark.parametrize("damage", ["truncated", "missing", "stray", "readme"])
def test_other_damage_is_found(place, form, damage):
    path = shards(place / form)[-1]
    name = str(path.relative_to(place / form))
    match damage:
        case "truncated":
            path.write_bytes(path.read_bytes()[:-100])
        case "missing":
            path.unlink()
        case "stray":
            name = str(path.with_name("zz" + path.name).relative_to(place / form))
            shutil.copy(path, place / form / name)
        case "readme":
            name = {"parquet": "README.md", "npy": "labels.npy"}.get(form, name)
            flip(place / form / name, -2)

    problems = verify(place / form, workers=1).problems

    assert problems
    assert all(problem.startswith(name) for problem in problems)


@pytest.mark.parametrize("form", SHARDED)
@pytest.mark.parametrize("damage", ["truncated", "missing", "table", "manifest", "leftover", "extras"])
def test_what_is_missing_is_made_again(place, form, damage):
    output = place / form
    whole, path = tree(output), shards(output)[1]
    match damage:
        case "truncated":
            path.write_bytes(path.read_bytes()[:-7])
        case "missing":
            path.unlink()
        case "table":
            (output / "items/00001.jsonl").unlink()
        case "manifest":
            (output / "manifest.json").unlink()
        case "leftover":
            (output / "manifest.json").unlink()
            path.with_name(f".0123{UNFINISHED}").write_bytes(b"half")
        case "extras":
            (output / {"parquet": "README.md", "npy": "labels.npy"}.get(form, "manifest.json")).unlink()

    outcome = corruptgen.generate(recipe_of(place, form), output=output, workers=1)

    assert not outcome.was_finished
    assert tree(output) == whole


@pytest.mark.parametrize("form", SHARDED)
def test_a_block_that_is_made_again_mends_its_part_of_the_output(place, form):
    """What `verify` finds damaged is repaired by forgetting the table of its block."""
    output = place / form
    whole, array = tree(output), form in ("npy", "npz")
    flip(output / f"brightness.{form}" if array else shards(output)[-1], -3000 if array else 50)
    assert verify(output, workers=1).problems
    (output / "items/00002.jsonl").unlink()

    corruptgen.generate(recipe_of(place, form), output=output, workers=1)

    assert tree(output) == whole


def checked(place, form):
    """Run `generate --check`, and return the number of items that it has regenerated."""
    seen = []
    corruptgen.generate(
        recipe_of(place, form), output=place / form, workers=1, check=True, progress=lambda *done: seen.append(done)
    )
    read = seen[0][1]
    begun = seen[seen.index((read, read)) + 1 :]
    return 12 - begun[0][0] if begun else 0


@pytest.mark.parametrize(
    ("form", "where", "items"),
    [
        ("npy", -1, 2),
        ("npy", 40 * 48 * 3 // 2, 5),
        ("npz", -3000, 2),
        pytest.param("npz", -1, 0, id="npz, the comment's length at its end"),
        pytest.param("npz", -150, 0, id="npz, the list of its members"),
    ],
)
def test_check_makes_only_the_damaged_blocks_of_an_array_again(place, form, where, items):
    whole = tree(place / form)
    flip(place / form / f"brightness.{form}", where)
    assert tree(place / form) != whole

    assert checked(place, form) == items

    assert tree(place / form) == whole
    assert checked(place, form) == 0


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_check_makes_the_block_of_a_lost_table_of_an_array_again(place, form):
    whole = tree(place / form)
    (place / form / "items/00000.jsonl").write_bytes(b"lost")

    assert checked(place, form) == 5

    assert tree(place / form) == whole


@pytest.mark.parametrize("form", ["npy", pytest.param("npz", marks=pytest.mark.long)])
def test_the_mending_of_an_array_can_be_interrupted_at_every_step(place, monkeypatch, form):
    whole, output, image = tree(place / form), place / form, 40 * 48 * 3
    for path in sorted(output.glob(f"[bg]*.{form}")):
        flip(path, image // 2)
        flip(path, -2 * image)
    damaged_files = {name: (output / name).read_bytes() for name in whole}
    for step in range(0, 60, 7):
        left = [step]
        stopping(monkeypatch, output, left)
        with suppress(Stopped):
            checked(place, form)
        monkeypatch.undo()
        # Without --check, damage is passed over or named, and never taken for intact.
        with suppress(OutputError):
            corruptgen.generate(recipe_of(place, form), output=output, workers=1)
        listed = (output / "manifest.json").read_bytes()

        checked(place, form)

        assert tree(output) == whole
        assert listed == (output / "manifest.json").read_bytes()
        if left[0] >= 0:
            break
        for name, content in damaged_files.items():
            (output / name).write_bytes(content)
    assert step > 7


@pytest.mark.parametrize("form", SHARDED)
def test_a_finished_output_is_left_alone(place, form):
    before = {path: path.stat().st_mtime_ns for path in (place / form).rglob("*")}

    assert corruptgen.generate(recipe_of(place, form), output=place / form, workers=1).was_finished
    assert {path: path.stat().st_mtime_ns for path in (place / form).rglob("*")} == before


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("before", FORMATS)
def test_a_build_in_another_format_is_overwritten_without_a_trace(place, form, before):
    recipe = recipe_of(place, form, output="items_per_shard = 7")
    with pytest.raises(OutputError, match="another build"):
        corruptgen.generate(recipe, output=place / before, workers=1)

    corruptgen.generate(recipe, output=place / before, workers=1, overwrite=True)

    corruptgen.generate(recipe, output=place / "fresh", workers=1)
    assert tree(place / before) == tree(place / "fresh")


@pytest.mark.parametrize("form", SHARDED)
def test_what_is_not_ours_stops_a_build(place, form):
    (place / "new").mkdir()
    (place / "new/thesis.npy").write_bytes(b"mine")

    with pytest.raises(OutputError, match=r"thesis\.npy"):
        corruptgen.generate(recipe_of(place, form), output=place / "new", workers=1)


@pytest.mark.parametrize("form", SHARDED)
def test_a_full_disk_is_an_error_that_the_same_command_goes_on_from(place, tmp_path, monkeypatch, form):
    real = os.fsync
    calls = [0]

    def failing(descriptor):
        calls[0] += 1
        if calls[0] == 3:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OutputError, match="No space left on device"):
        corruptgen.generate(recipe_of(place, form), output=tmp_path / "out", workers=1)
    monkeypatch.undo()
    assert not list((tmp_path / "out").rglob(f"*{UNFINISHED}"))

    corruptgen.generate(recipe_of(place, form), output=tmp_path / "out", workers=1)

    assert tree(tmp_path / "out") == tree(place / form)
