"""The command line: what it says, where it says it, and its exit codes."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.recipe.recipe import shipped_names
from corruptgen.tables import catalog
from tests.builds import begun, wait_for
from tests.photographs import ROOT, command, pixels_of, tree, write_photographs, write_recipe


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs")
    write_recipe(tmp_path)
    return tmp_path


def test_help_names_the_commands_and_imports_none_of_the_libraries_that_they_need(tmp_path):
    heavy = {"numpy", "scipy", "cv2", "numba", "PIL", "joblib", "pyarrow", "datasets", "torch"}
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from corruptgen.cli import main\nmain()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "corruptgen.cli" in done.stderr.split()
    assert not heavy & set(done.stderr.split())
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("generate", "plan", "verify", "list", "show", "preview"))
    assert "3 done, but some input items were rejected" in " ".join(done.stdout.split())


def test_no_command_loads_the_library_before_it_runs(tmp_path):
    heavy = ("numpy", "cv2", "numba", "PIL", "joblib", "tqdm", "rich")
    code = f"import sys, corruptgen.cli; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_generate_says_what_it_made_and_that_it_is_there_already(place):
    first = command("generate", "recipe.toml", "--workers", 2, cwd=place)
    second = command("generate", "recipe.toml", "--workers", 2, cwd=place)
    quiet = command("generate", "recipe.toml", "--quiet", cwd=place)

    assert (first.returncode, first.stderr) == (0, "")
    classes = "classes 4 (astronaut, chelsea, coffee, rocket)\n"
    assert first.stdout == classes + "small-c-1.0.0 is finished: 12 items × 6 cells = 72 images\n"
    assert second.stdout == classes + "small-c-1.0.0 is finished already: 12 items × 6 cells = 72 images\n"
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert (place / "small-c-1.0.0/gaussian_noise/2/chelsea/01.png").exists()


def test_the_source_and_the_output_can_be_given(place):
    (place / "photographs").rename(place / "elsewhere")

    without = command("generate", "recipe.toml", cwd=place)
    done = command(
        "generate", "recipe.toml", "--source", "elsewhere", "--output", "deep/er/out", "--workers", 1, cwd=place
    )

    assert without.returncode == 2
    assert "--source" in without.stderr
    assert done.returncode == 0, done.stderr
    assert (place / "deep/er/out/manifest.json").exists()


def test_rejected_items_are_listed_and_the_exit_code_is_3(place):
    (place / "photographs/bad\x1b[2J.png").write_bytes(b"")

    first = command("generate", "recipe.toml", "--workers", 1, "--quiet", cwd=place)
    second = command("generate", "recipe.toml", "--workers", 1, cwd=place)

    for done in (first, second):
        assert done.returncode == 3
        assert "rejected bad\\x1b[2J.png: it is empty" in done.stderr
    assert "Traceback" not in first.stderr + second.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["generate", "nothing"], 2, "no recipe is called 'nothing'"),
        (["generate", "nothing.toml"], 2, "nothing.toml: cannot read this recipe: No such file or directory"),
        (["generate", "recipe.toml", "--workers", "0"], 2, "--workers"),
        (["generate", "recipe.toml", "--wrong"], 2, "--wrong"),
        (["generate"], 2, "RECIPE"),
        (["generate", "recipe.toml", "--source", "nowhere"], 2, "'nowhere' does not exist"),
        (["generate", "recipe.toml", "--source", "empty"], 1, "holds no images"),
        (["generate", "recipe.toml", "--output", "three.toml"], 1, "three.toml is a file"),
        (["generate", "recipe.toml", "--output", "photographs"], 1, "within each other"),
        (["verify", "nowhere"], 1, "manifest.json"),
        (["verify", "photographs", "--depth", "deep"], 2, "allowed are files, sample, full"),
        (["list", "imagenet_c"], 2, "did you mean 'imagenet-c'"),
        (["show", "snwo"], 2, "did you mean 'snow'"),
        (["show", "snow", "--preset", "natura"], 2, "did you mean 'natural'"),
        (["preview", "nothing.png", "--preset", "natural"], 1, "nothing.png: No such file or directory"),
        (["preview", "three.toml", "--preset", "natural"], 1, "three.toml cannot be decoded"),
        (["preview", "three.toml", "--rows", "snwo"], 2, "did you mean 'snow'"),
        (["preview", "three.toml", "--severities", "1,x"], 2, "not numbers"),
        (["preview", "three.toml", "--severities", "9"], 2, "outside of 0..5"),
        (["preview", "three.toml", "--output", "a.jpg"], 2, "a contact sheet is a .png"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_what_goes_wrong_is_one_line_with_its_exit_code(place, arguments, code, message, monkeypatch):
    (place / "empty").mkdir()
    monkeypatch.chdir(place)
    before = tree(place)

    done = CliRunner().invoke(app, arguments, prog_name="corruptgen")

    assert done.exit_code == code, done.stderr
    assert message in done.stderr
    # What is wrong with the output is found after the source was read, and its classes said.
    assert done.stdout in ("", "classes 4 (astronaut, chelsea, coffee, rocket)\n")
    assert isinstance(done.exception, SystemExit)
    assert str(place) not in done.stderr
    assert tree(place) == before


def test_plan_counts_and_writes_nothing(place):
    (place / "photographs/note.txt").write_text("ignored")
    before = tree(place)

    done = command("plan", "recipe.toml", cwd=place)

    assert done.returncode == 0, done.stderr
    assert "items   12 (0 rejected, 1 other files ignored)" in done.stdout
    assert "cells   6 (3 rows × 2 severities)" in done.stdout
    assert "images  72" in done.stdout
    assert "MB, measured on 18 images" in done.stdout
    assert tree(place) == before


def test_list_and_show_say_what_there_is(place):
    tables = command("list", cwd=place).stdout
    rows = command("list", "natural", cwd=place).stdout
    row = command("show", "fog", cwd=place).stdout
    own = command("list", "three.toml", cwd=place).stdout

    assert "imagenet-c-299" in tables
    assert "shipped recipes: antialiasing, " in tables
    assert set(shipped_names()) <= set(re.split(r"[,\s]+", tables))
    assert "jpeg_compression   common" in rows
    assert "Koschmieder" in row
    assert "imagenet-c-64: ImageNet-C at 64x64" in row
    assert all("(version 1.2, 5 levels)" in text for text in (rows, row))
    assert "brightness" in own


def test_tables_are_listed_by_family_in_eighty_columns(place):
    listed = command("list", cwd=place, COLUMNS="200").stdout.splitlines()
    empty = listed.index("")

    assert max(map(len, listed)) <= 80
    found, family = {}, ""
    for line in listed[:empty]:
        if not line.startswith(" "):
            family = line
        elif line[2] != " ":
            found[line.split()[0]] = family
    assert list(found) != sorted(found)
    assert set(found) == set(corruptgen.presets())
    assert found == {name: catalog.preset(name).family for name in found}
    assert "" not in found.values()


def test_show_names_the_tables_that_use_a_function_by_family(place):
    shown = command("show", "gaussian_noise", cwd=place).stdout
    function = command("functions", "salt_and_pepper", cwd=place).stdout

    users = shown[shown.index("gaussian_noise is used by") :].split("\n\n")[0]
    assert re.search(r"^  ImageNet-C: cifar-c, .*\n.* natural$", users, re.MULTILINE)
    assert re.search(r"^  noise: smoothing-noise$", users, re.MULTILINE)
    assert re.search(r"^  ImageNet-C: natural \(impulse_noise\)", function, re.MULTILINE)
    assert max(map(len, users.splitlines())) <= 80


@pytest.mark.parametrize("preset", ["natural", "imagenet-c-64", "three.toml"])
def test_preview_draws_a_sheet_for_any_image_and_table(place, preset):
    Image.fromarray(pixels_of(place / "photographs/chelsea/01.png")).convert("L").save(place / "grey.png")

    done = command(
        "preview", "grey.png", "--preset", preset, "--rows", "brightness", "--severities", "1,1.5", "--output", "s.png",
        cwd=place,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert np.ptp(pixels_of(place / "s.png")) > 100


def test_preview_leaves_out_rows_whose_pictures_are_missing(place):
    done = command(
        "preview", "photographs/chelsea/01.png", "--preset", "cifar-c", "--severities", "1", "--output", "s.png",
        cwd=place, CORRUPTGEN_TEXTURES=str(place),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "rows × 1 severities of cifar-c" in done.stdout


def test_a_terminal_shows_a_bar_and_a_pipe_does_not(place):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    child = subprocess.Popen(
        [sys.executable, "-m", "corruptgen", "generate", "recipe.toml", "--workers", "1"],
        cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=theirs, stdout=subprocess.PIPE,
    )  # fmt: skip
    child.communicate()
    os.set_blocking(ours, False)
    shown = os.read(ours, 100_000)
    os.close(theirs)
    os.close(ours)

    assert b"0/12" in shown


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_says_how_to_go_on(tmp_path, workers):
    write_photographs(tmp_path / "photographs", 24, size=(128, 128))
    write_recipe(tmp_path)
    child = begun(tmp_path, "--workers", workers)
    wait_for(child, tmp_path / "small-c-1.0.0", 20)
    os.killpg(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=60)

    done = command("generate", "recipe.toml", "--workers", 1, cwd=tmp_path)

    assert child.returncode == 130
    assert said == "corruptgen: error: interrupted; run the same command again to resume\n"
    assert done.returncode == 0, done.stderr
    assert "24 items × 6 cells = 144 images" in done.stdout
