"""What every command owes its user: short options, completion, no traceback, streams that may be closed, JSON."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import corruptgen
import corruptgen.transforms
from corruptgen.cli import app
from corruptgen.cli.terminal import exit_codes
from corruptgen.declare import docstring_in_source
from corruptgen.recipe.recipe import load, shipped_text
from corruptgen.tables.catalog import corruptions, find_corruption
from tests.photographs import ROOT, command, pixels_of, tree, write_photographs, write_recipe

# Long enough that the reader may be gone before the end.
COMMANDS = {
    "list": ["list"],
    "functions": ["functions"],
    "plan": ["plan", "recipe.toml"],
    "generate": ["generate", "recipe.toml", "-o", "out", "-j", "2"],
    "generate --json": ["generate", "recipe.toml", "-o", "out", "-j", "1", "--json"],
    "verify": ["verify", "out"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("line")
    write_photographs(place / "photographs", 3, size=(16, 16))
    write_recipe(place)
    corruptgen.generate(place / "recipe.toml", source=place / "photographs", output=place / "out", workers=1)
    return place


def run(*arguments, place, monkeypatch):
    monkeypatch.chdir(place)
    return CliRunner().invoke(app, [*map(str, arguments)], prog_name="corruptgen")


def shell(line, place, *arguments):
    """Run a line of the shell in which `cg` is the command line."""
    return subprocess.run(
        ["bash", "-c", f'cg() {{ "{sys.executable}" -m corruptgen.cli "$@"; }}; {line}', "bash", *arguments],
        cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


class TestPublicNames:
    @pytest.mark.parametrize("module", [corruptgen, corruptgen.transforms])
    def test_dir_shows_the_public_names_and_they_are_there(self, module):
        assert dir(module) == sorted(module.__all__)
        assert all(hasattr(module, name) for name in dir(module))

    @pytest.mark.smoke
    @pytest.mark.parametrize("name", [[], *[[command.name] for command in app.registered_commands if command.name]])
    def test_h_is_help(self, name):
        short, long = (CliRunner().invoke(app, [*name, option]) for option in ("-h", "--help"))

        assert short.exit_code == 0
        assert short.stdout == long.stdout

    def test_short_options_do_what_the_long_ones_do(self, place, monkeypatch):
        done = run("generate", "recipe.toml", "-o", "short", "-j", 1, "-q", place=place, monkeypatch=monkeypatch)

        assert (done.exit_code, done.stdout) == (0, "")
        assert tree(place / "short") == tree(place / "out")


class TestCompletion:
    def complete(self, words, place):
        """Ask what bash would offer for the last word."""
        asked = {"COMP_WORDS": f"corruptgen {words}", "COMP_CWORD": str(len(words.split(" ")))}
        done = command(cwd=place, _CORRUPTGEN_COMPLETE="complete_bash", **asked)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def test_a_shell_completes_recipes_tables_and_the_last_of_several_rows(self, place):
        assert "imagenet-c-299" in self.complete("generate imagenet-", place)
        assert self.complete("list imagenet-c-2", place) == ["imagenet-c-299"]
        assert "brightness,gaussian_noise" in self.complete("plan recipe.toml --rows brightness,gaus", place)

    def test_a_shell_completes_the_rows_of_the_table_that_is_named(self, monkeypatch):
        from corruptgen.cli.completion import complete_functions, complete_rows, rows_of  # noqa: PLC0415

        class Line:
            def __init__(self, **params):
                self.params = params

        assert complete_rows(Line(preset="cifar-c"), "gaussian_b") == ["gaussian_blur"]
        assert rows_of(Line(preset="imagenet-c"), "fog,com") == ["fog,common"]
        assert complete_rows(Line(preset="no-such-table"), "contrast_u") == ["contrast_up"]
        assert complete_functions("air_b") == ["air_bubbles"]


class TestWhatGoesWrong:
    def test_what_nobody_has_foreseen_is_one_line_that_says_how_to_see_more(self, monkeypatch, capsys):
        monkeypatch.delenv("CORRUPTGEN_DEBUG")

        with pytest.raises(typer.Exit) as ended, exit_codes():
            raise ZeroDivisionError("division\nby zero")

        said = capsys.readouterr().err
        assert ended.value.exit_code == 1
        assert "unexpected ZeroDivisionError: division by zero" in said
        assert "CORRUPTGEN_DEBUG=1" in said
        assert said.count("\n") == 1

    def test_with_debug_it_is_the_traceback(self):
        with pytest.raises(ZeroDivisionError), exit_codes():
            raise ZeroDivisionError

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["generate", "nothing", "--json"], 2),
            (["generate", "recipe.toml", "--backend", "nothing", "--json"], 2),
            (["generate", "recipe.toml", "--workers", "0", "--json"], 2),
            (["generate", "recipe.toml", "--nothing", "--json"], 2),
            (["generate", "--json"], 2),
            (["generate", "recipe.toml", "-o", "recipe.toml", "--json"], 1),
            (["generate", "recipe.toml", "--source", "empty", "--json"], 1),
            (["merge", "empty", "--json"], 1),
            (["merge", "nowhere", "--json"], 1),
        ],
    )
    def test_json_says_the_exit_code_of_the_process(self, place, arguments, code, monkeypatch):
        (place / "empty").mkdir(exist_ok=True)

        done = run(*arguments, place=place, monkeypatch=monkeypatch)

        assert done.exit_code == code
        said = json.loads(done.stdout.splitlines()[-1])
        assert (said["event"], said["exit_code"]) == ("failed", code)
        assert said["message"]

    def test_json_says_so_if_items_were_rejected(self, place, monkeypatch):
        write_photographs(place / "some", 1, size=(16, 16))
        (place / "some/bad.png").write_bytes(b"bad")

        done = run(
            "generate", "recipe.toml", "--source", "some", "-o", "rejected", "-j", 1, "--json",
            place=place, monkeypatch=monkeypatch,
        )  # fmt: skip

        assert done.exit_code == 3
        assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 3


class TestStreams:
    @pytest.mark.parametrize(
        "name", ["list", *[pytest.param(name, marks=pytest.mark.long) for name in COMMANDS if name != "list"]]
    )
    def test_closed_streams_and_readers_that_go_end_nothing_with_a_traceback(self, place, name):
        lines = ('cg "$@" >&-', 'cg "$@" 2>&-', 'cg "$@" | head -c 1; exit ${PIPESTATUS[0]}', 'cg "$@" > /dev/full')
        done = shell(
            "; ".join(f"( {line} ); echo code $? >&3" for line in lines).replace(">&3", ">> codes"),
            place, *COMMANDS[name],
        )  # fmt: skip
        codes = (place / "codes").read_text().split()[1::2]
        (place / "codes").unlink()

        assert codes[:2] == ["0", "0"], done.stderr
        assert codes[2] in ("0", "1")
        assert codes[3] == "1"
        assert "Traceback" not in done.stdout + done.stderr
        assert "Exception" not in done.stdout + done.stderr
        # What is buffered is written at the end, when it is known to be the output; see PYTHONUNBUFFERED.
        assert re.search("corruptgen: error: (stdout: )?No space left on device", done.stderr)

    def test_a_build_works_with_all_streams_closed(self, place):
        done = shell("cg generate recipe.toml -o closed -j 2 <&- >&- 2>&-", place)

        assert done.returncode == 0
        assert tree(place / "closed") == tree(place / "out")


def test_every_docstring_is_found_in_the_source_as_well():
    for declared in corruptions().values():
        assert docstring_in_source(declared.function) == declared.docstring


@pytest.mark.long
def test_without_docstrings_python_makes_the_same_images(place):
    done = shell("export PYTHONOPTIMIZE=2; cg generate recipe.toml -o plain -j 2 && cg show fog", place)

    assert done.returncode == 0, done.stderr
    assert find_corruption("fog").docstring in done.stdout
    assert tree(place / "plain") == tree(place / "out")


class TestPlan:
    def test_options_take_the_place_of_the_recipe_and_are_recorded(self, place, monkeypatch):
        options = ["--rows", "brightness,jpeg_compression", "--severities", "1,1.5", "--limit", 2, "--seed", 4]
        options += ["--set", "output.clean=true", "--set", "seed=9"]

        planned = run("plan", "recipe.toml", *options, "-o", "changed", place=place, monkeypatch=monkeypatch)
        done = run("generate", "recipe.toml", *options, "-o", "changed", "-j", 1, place=place, monkeypatch=monkeypatch)

        assert "items   2 " in planned.stdout
        assert "cells   5 (2 rows × 2 severities + the clean twin)" in planned.stdout
        assert done.exit_code == 0, done.stderr
        recipe = json.loads((place / "changed/manifest.json").read_text("utf-8"))["recipe"]
        assert recipe["seed"] == 4
        assert recipe["corrupt"]["severities"] == [1, 1.5]
        assert recipe["source"]["limit"] == 2
        assert run("verify", "changed", "--depth", "full", place=place, monkeypatch=monkeypatch).exit_code == 0

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--set", "output.fromat=npy"], "no key is called 'fromat'; did you mean 'format'"),
            (["--rows", "brightnes"], "did you mean 'brightness'"),
            (["--severities", "1,x"], "found [1, 'x'], allowed is a list of at least one number above 0"),
            (["--severities", "3"], "outside of 0..2"),
            (["--set", "name"], "write section.key=value"),
        ],
    )
    @pytest.mark.parametrize("name", ["plan", "generate"])
    def test_wrong_values_are_refused_as_in_a_recipe(self, place, name, options, message, monkeypatch):
        done = run(name, "recipe.toml", *options, place=place, monkeypatch=monkeypatch)

        assert done.exit_code == 2
        assert message in done.stderr

    def test_plan_says_what_would_stop_generate_with_its_exit_code(self, place, monkeypatch):
        (place / "foreign").mkdir()
        (place / "foreign/mine.txt").write_text("mine")
        write_photographs(place / "damaged", 2, size=(16, 16))
        (place / "damaged/bad.png").write_bytes(b"bad")
        lines = [
            (["-o", "foreign"], 1, "holds what is not part of this build: mine.txt"),
            (["-o", "photographs/in"], 1, "within each other"),
            (["-o", "out", "--seed", "3"], 1, "its recipe is not the same: seed (0 there, 3 now)"),
            (["-o", "new", "--source", "damaged"], 3, "rejected bad.png: it cannot be decoded"),
        ]
        before = tree(place)

        for arguments, code, message in lines:
            planned = run("plan", "recipe.toml", *arguments, place=place, monkeypatch=monkeypatch)

            assert planned.exit_code == code, arguments
            assert message in planned.stderr
        assert tree(place) == before
        for arguments, code, message in lines:
            done = run("generate", "recipe.toml", *arguments, "-j", 1, place=place, monkeypatch=monkeypatch)

            assert done.exit_code == code, arguments
            assert message in done.stderr

    def test_plan_refuses_to_resume_what_generate_refuses_and_leaves_a_finished_output_alone(self, place, monkeypatch):
        shutil.copytree(place / "out", place / "older")
        marker = place / "older/.corruptgen.json"
        other = json.loads(marker.read_text())
        other["environment"]["numpy"] = "1.0"
        marker.write_text(json.dumps(other))

        for name in ("plan", "generate"):
            assert run(name, "recipe.toml", "-o", "older", place=place, monkeypatch=monkeypatch).exit_code == 0
        next((place / "older/items").iterdir()).unlink()
        for name in ("plan", "generate"):
            done = run(name, "recipe.toml", "-o", "older", place=place, monkeypatch=monkeypatch)

            assert done.exit_code == 1
            assert "was begun with other versions (numpy 1.0, now" in done.stderr

    def test_plan_names_missing_pictures(self, place, monkeypatch, tmp_path):
        monkeypatch.setattr("corruptgen.assets.textures._places", lambda texture, reasons: iter(()))
        options = ["--set", "corrupt.preset=imagenet-c-64", "--set", "decode.resize=[64,64]", "--rows", "frost"]

        done = run("plan", "recipe.toml", *options, "-o", tmp_path / "new", place=place, monkeypatch=monkeypatch)

        assert done.exit_code == 1
        assert "5 of 5 pictures were not found" in done.stderr
        assert "pip install --no-deps imagecorruptions" in done.stderr

    def test_plan_says_if_images_have_another_size_than_the_table_is_for(self, place, monkeypatch, tmp_path):
        options = ["--set", "corrupt.preset=imagenet-c-64", "--rows", "contrast"]

        done = run("plan", "recipe.toml", *options, "-o", tmp_path / "new", place=place, monkeypatch=monkeypatch)
        made = run("generate", "recipe.toml", *options, "-o", "all", "-j", 1, place=place, monkeypatch=monkeypatch)

        assert done.exit_code == made.exit_code == 1, done.stderr
        assert all("no item is left for a dataset" in each.stderr for each in (done, made))
        assert "3 of the 3 items that were read would be rejected" in done.stderr
        assert "has a size that the table does not hold for" in done.stderr


class TestInit:
    def test_init_writes_a_shipped_recipe_and_never_over_a_file(self, tmp_path, monkeypatch):
        first = run("init", "medmnist-c/pathmnist", place=tmp_path, monkeypatch=monkeypatch)
        named = run("init", "demo", "-o", "deep/mine.toml", place=tmp_path, monkeypatch=monkeypatch)
        before = tree(tmp_path)
        again = run("init", "demo", "-o", "deep/mine.toml", place=tmp_path, monkeypatch=monkeypatch)

        assert (first.exit_code, named.exit_code, again.exit_code) == (0, 0, 1)
        assert (tmp_path / "pathmnist.toml").read_text("utf-8") == shipped_text("medmnist-c/pathmnist")
        assert load(tmp_path / "deep/mine.toml") == load("demo")
        assert "exists, and is not replaced" in again.stderr
        assert tree(tmp_path) == before

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [(["nothing"], "no recipe is called 'nothing'"), (["demo", "-o", "a.txt"], "a recipe is a .toml")],
    )
    def test_init_says_what_is_wrong(self, tmp_path, arguments, message, monkeypatch):
        done = run("init", *arguments, place=tmp_path, monkeypatch=monkeypatch)

        assert done.exit_code == 2
        assert message in done.stderr
        assert not list(tmp_path.iterdir())


class TestApply:
    def test_apply_makes_the_pixels_of_generate(self, place, monkeypatch):
        options = ["-o", "one.png", "--preset", "three.toml", "--key", "chelsea/01.png"]

        done = run(
            "apply", "photographs/chelsea/01.png", "gaussian_noise", 2, *options, place=place, monkeypatch=monkeypatch
        )

        assert done.exit_code == 0, done.stderr
        assert np.array_equal(pixels_of(place / "one.png"), pixels_of(place / "out/gaussian_noise/2/chelsea/01.png"))

    def test_the_key_is_the_name_of_the_file_unless_it_is_given(self, place, monkeypatch):
        pixels = pixels_of(place / "photographs/chelsea/01.png")

        done = run(
            "apply", "photographs/chelsea/01.png", "fog", 2.5, "-o", "fog.tif", "--seed", 3,
            place=place, monkeypatch=monkeypatch,
        )  # fmt: skip

        assert "seed 3, key '01.png'" in done.stdout
        expected = corruptgen.corrupt(pixels, "fog", 2.5, preset="natural", seed=3, key="01.png")
        assert np.array_equal(pixels_of(place / "fog.tif"), expected)

    def test_grey_stays_grey_and_upright(self, place, monkeypatch):
        grey = Image.fromarray(pixels_of(place / "photographs/chelsea/01.png")[:8]).convert("L")
        exif = Image.Exif()
        exif[0x0112] = 6
        grey.save(place / "grey.png", exif=exif)

        done = run("apply", "grey.png", "brightness", 0, "-o", "same.png", place=place, monkeypatch=monkeypatch)

        assert done.exit_code == 0, done.stderr
        assert np.array_equal(pixels_of(place / "same.png"), np.rot90(np.asarray(grey), -1))

    @pytest.mark.parametrize(("preset", "channels"), [("natural", 1), ("imagecorruptions", 3)])
    def test_a_grey_file_becomes_what_generate_makes_of_it(self, place, tmp_path, preset, channels, monkeypatch):
        (tmp_path / "clean").mkdir()
        grey = Image.fromarray(pixels_of(place / "photographs/chelsea/01.png")).convert("L").resize((40, 40))
        grey.save(tmp_path / "clean/grey.png")
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(
            f'name = "grey"\nversion = "1.0.0"\n[source]\nkind = "folder"\npath = "clean"\n'
            f'[corrupt]\npreset = "{preset}"\nrows = ["gaussian_noise"]\nseverities = [2]\n'
        )
        corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

        options = ["--preset", preset, "-o", "one.png"]
        done = run("apply", "clean/grey.png", "gaussian_noise", 2, *options, place=tmp_path, monkeypatch=monkeypatch)

        assert done.exit_code == 0, done.stderr
        with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "out/gaussian_noise/2/grey.png") as other:
            assert len(one.getbands()) == len(other.getbands()) == channels
            assert np.array_equal(np.asarray(one), np.asarray(other))

    def test_sixteen_bits_stay_with_a_window(self, place, monkeypatch):
        deep = (np.arange(256, dtype=np.uint16) * 16).reshape(16, 16)
        Image.fromarray(deep).save(place / "deep.png")
        options = ["--preset", "medical", "--window", "0,4080"]

        without = run("apply", "deep.png", "fog", 0, "-o", "no.png", place=place, monkeypatch=monkeypatch)
        lost = run(
            "apply", "deep.png", "contrast_up", 0, "-o", "no.jpg", *options, place=place, monkeypatch=monkeypatch
        )
        done = run("apply", "deep.png", "contrast_up", 0, "-o", "d.tif", *options, place=place, monkeypatch=monkeypatch)

        assert (without.exit_code, lost.exit_code, done.exit_code) == (1, 2, 0), done.stderr
        assert "--window" in without.stderr
        assert "would lose its depth" in lost.stderr
        assert np.array_equal(pixels_of(place / "d.tif"), deep)
        assert not (place / "no.png").exists()

    def test_a_jpeg_is_said_to_lose_detail(self, place, monkeypatch):
        done = run("apply", "photographs/chelsea/01.png", "fog", 1, "-o", "a.JPG", place=place, monkeypatch=monkeypatch)

        assert "stored as JPEG of quality 95, which loses some detail" in done.stdout
        assert (place / "a.JPG").read_bytes().startswith(b"\xff\xd8")

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["photographs/chelsea/01.png", "fog", 1, "-o", "a.gif"], 2, "allowed are .png, .jpg"),
            (["one-more.png", "fog", 1, "-o", "one-more.png"], 2, "this is the image itself"),
            (["photographs/chelsea/01.png", "fgo", 1, "-o", "a.png"], 2, "did you mean 'fog'"),
            (["photographs/chelsea/01.png", "fog", 9, "-o", "a.png"], 2, "outside of 0..5"),
            (["nothing.png", "fog", 1, "-o", "a.png"], 1, "nothing.png: No such file"),
            (["recipe.toml", "fog", 1, "-o", "a.png"], 1, "cannot be decoded"),
            (["one-more.png", "contrast", 1, "--preset", "cifar-c", "-o", "a.png"], 1, "32"),
        ],
    )
    def test_apply_says_what_is_wrong_and_writes_nothing(self, place, arguments, code, message, monkeypatch):
        (place / "one-more.png").write_bytes((place / "photographs/chelsea/01.png").read_bytes())
        before = tree(place)

        done = run("apply", *arguments, place=place, monkeypatch=monkeypatch)

        assert done.exit_code == code, done.stderr
        assert message in done.stderr
        assert tree(place) == before


class TestFunctions:
    def test_functions_are_listed_with_parameters_and_the_tables_that_use_them(self, place, monkeypatch):
        listed = run("functions", place=place, monkeypatch=monkeypatch).stdout
        one = run("functions", "gaussian_noise", place=place, monkeypatch=monkeypatch).stdout
        wrong = run("functions", "gaussian_noize", place=place, monkeypatch=monkeypatch)

        assert "gaussian_noise  (common, noise)  sigma: float\n" in listed
        assert "imagenet-c" in listed
        assert find_corruption("gaussian_noise").docstring in one
        assert "ImageNet-C: cifar-c, imagecorruptions, imagenet-c" in one
        assert "AVRobustBench: avrobust (gaussian)" in one
        assert "draws: yes" in one
        assert wrong.exit_code == 2
        assert "did you mean 'gaussian_noise'" in wrong.stderr
