"""Crashes: whatever breaks, whenever it does, the same command afterwards produces the same bytes."""

import os
import random
import shutil
import subprocess
import time

import pytest
from PIL import Image

import corruptgen
from tests.builds import FORMATS, begun, gone, kill, made, wait_for
from tests.photographs import command, tree, write_photographs, write_recipe

WHOM = ("parent", "workers", "group")
PER_SHARD = 5
# The others are killed by `make check`.
SHORT = [form if form == "folder" else pytest.param(form, marks=pytest.mark.long) for form in FORMATS]


def layout(form):
    """Return the lines of a recipe that choose a format."""
    return f'format = "{form}"\nclean = true\nitems_per_shard = {PER_SHARD}'


def pieces(whole, cells):
    """Return how many files a build writes one after the other, parts of arrays that are joined in the end included."""
    blocks = sum(name.startswith("items/") for name in whole)
    return max(len(whole), blocks * (cells + 1))


def survived(place, rng, whole, whom, *, cells, late, last=False, workers=1):
    """Kill a build at a random moment, go on with it, and report whether it was cut short."""
    shutil.rmtree(place / "out", ignore_errors=True)
    child = begun(place, "--output", "out", "--workers", 2)
    if last:
        # The parts of arrays are joined row by row at the very end.
        while child.poll() is None and not list((place / "out").glob("*.np[yz]")):
            time.sleep(0.001)
    else:
        wait_for(child, place / "out", int(rng.uniform(*((0.6, 1.0) if late else (0.0, 0.4))) * pieces(whole, cells)))
    time.sleep(rng.uniform(0, 0.05))
    kill(child, whom, rng)
    child.communicate(timeout=120)
    assert gone(child)
    cut = "manifest.json" not in tree(place / "out")

    done = command("generate", "recipe.toml", "--output", "out", "--workers", workers, cwd=place)

    assert done.returncode == 0, done.stderr
    assert tree(place / "out") == whole
    return cut


@pytest.mark.parametrize("form", SHORT)
def test_killed_builds_go_on_to_the_same_bytes(tmp_path, form):
    write_photographs(tmp_path / "photographs", 40, size=(64, 64))
    recipe = write_recipe(tmp_path, output=layout(form))
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    whole, rng = tree(tmp_path / "whole"), random.Random(f"short {form}")

    cut = [survived(tmp_path, rng, whole, whom, cells=7, late=whom == "group") for whom in WHOM]

    assert any(cut)


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
def test_thirty_kills_of_a_large_build(tmp_path, form):
    write_photographs(tmp_path / "photographs", 200, size=(48, 48))
    rows = '["gaussian_noise", "fog", "brightness", "jpeg_compression"]'
    recipe = write_recipe(tmp_path, preset="natural", corrupt=f"rows = {rows}", output=layout(form))
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=2)
    whole, rng = tree(tmp_path / "whole"), random.Random(f"long {form}")

    last = {1, 5, 9, 15, 27} if form in ("npy", "npz") else ()
    cut = [
        survived(
            tmp_path,
            rng,
            whole,
            WHOM[number % 3],
            cells=21,
            late=number % 2 == 1,
            last=number in last,
            workers=1 + number % 2,
        )
        for number in range(30)
    ]

    assert sum(cut) >= 20


@pytest.mark.parametrize("form", SHORT)
def test_killed_shards_go_on_to_the_same_bytes(tmp_path, form):
    write_photographs(tmp_path / "photographs", 40, size=(64, 64))
    recipe = write_recipe(tmp_path, output=layout(form))
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    first, second = (begun(tmp_path, "--output", "out", "--shard", f"{n}/2", "--workers", 1) for n in (1, 2))
    wait_for(first, tmp_path / "out", 60 if form == "folder" else 12)
    kill(first, "group")
    first.communicate()
    second.communicate(timeout=60)
    refused = command("merge", "out", cwd=tmp_path)

    again = command("generate", "recipe.toml", "--output", "out", "--shard", "1/2", cwd=tmp_path)
    done = command("merge", "out", cwd=tmp_path)

    assert second.returncode == 0
    assert refused.returncode == 1
    assert "--shard 1/2 again" in refused.stderr
    assert (again.returncode, done.returncode) == (0, 0), again.stderr + done.stderr
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


@pytest.fixture
def mounted(tmp_path):
    """Return a function that mounts a small file system in memory."""
    places = []

    def mount(place, *options):
        place.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", *options, "tmpfs", str(place)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        places.append(place)

    if not shutil.which("mount"):
        pytest.skip("there is no mount command")
    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=False)


def remount(place, option):
    subprocess.run(["mount", "-o", f"remount,{option}", str(place)], check=True, capture_output=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_told_and_the_build_goes_on_when_there_is_room(tmp_path, mounted, workers):
    write_photographs(tmp_path / "photographs", 40, size=(64, 64))
    recipe = write_recipe(tmp_path)
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    mounted(tmp_path / "disk", "-o", "size=1m")

    full = command("generate", "recipe.toml", "--output", "disk/out", "--workers", workers, cwd=tmp_path)
    strays = list((tmp_path / "disk").rglob("*.corruptgen-part"))
    remount(tmp_path / "disk", "size=64m")
    done = command("generate", "recipe.toml", "--output", "disk/out", "--workers", workers, cwd=tmp_path)

    assert full.returncode == 1
    assert "No space left on device; fix that and run the same command to resume" in full.stderr
    assert full.stderr.count("\n") == 1
    assert not strays
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "disk/out") == tree(tmp_path / "whole")


def test_an_output_that_becomes_read_only_is_told(tmp_path, mounted):
    write_photographs(tmp_path / "photographs", 40, size=(64, 64))
    recipe = write_recipe(tmp_path)
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    mounted(tmp_path / "disk", "-o", "size=64m")

    child = begun(tmp_path, "--output", "disk/out", "--workers", 2)
    wait_for(child, tmp_path / "disk/out", 40)
    while child.poll() is None:
        done = subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], capture_output=True, check=False)
        if done.returncode == 0:
            break
    _, said = child.communicate(timeout=60)
    remount(tmp_path / "disk", "rw")
    done = command("generate", "recipe.toml", "--output", "disk/out", "--workers", 1, cwd=tmp_path)

    assert child.returncode == 1
    assert "Read-only file system" in said
    assert said.count("\n") == 1
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "disk/out") == tree(tmp_path / "whole")


def test_a_file_that_cannot_be_read_any_more_ends_the_build_and_costs_nothing(tmp_path):
    write_photographs(tmp_path / "photographs", 40, size=(64, 64))
    recipe = write_recipe(tmp_path)
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    last = sorted((tmp_path / "photographs").rglob("*.png"))[-1]

    child = begun(tmp_path, "--output", "out", "--workers", 1)
    wait_for(child, tmp_path / "out", 40)
    last.rename(tmp_path / "away.png")
    _, said = child.communicate(timeout=60)

    assert child.returncode == 1, said
    assert f"{last.parent.name}/{last.name} cannot be read: No such file or directory" in said
    (tmp_path / "away.png").rename(last)
    assert not corruptgen.generate(recipe, output=tmp_path / "out", workers=1).rejected
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_source_that_changed_between_two_runs_is_refused(tmp_path):
    write_photographs(tmp_path / "photographs", 40, size=(64, 64))
    write_recipe(tmp_path)
    child = begun(tmp_path, "--output", "out", "--workers", 1)
    wait_for(child, tmp_path / "out", 100)
    kill(child, "group")
    child.communicate()
    (made_path, *_) = sorted((tmp_path / "out/brightness/1").rglob("*.png"))
    made_path.unlink()
    name = str(made_path.relative_to(tmp_path / "out/brightness/1"))
    Image.new("RGB", (64, 64)).save(tmp_path / "photographs" / name)
    before = tree(tmp_path / "out")

    done = command("generate", "recipe.toml", "--output", "out", "--workers", 1, cwd=tmp_path)

    assert done.returncode == 1
    assert "the images of the source, or their masks, are not those that this output was begun with" in done.stderr
    after = tree(tmp_path / "out")
    assert {path: digest for path, digest in after.items() if path in before} == {
        path: digest for path, digest in before.items() if path in after
    }
    assert made(tmp_path / "out") > 0
    assert os.path.exists(tmp_path / "out/items/00000.jsonl")
