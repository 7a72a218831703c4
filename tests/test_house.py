"""The house: light imports, one place per corruption, and declarations that say what is wrong with them."""

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import corruptgen
from corruptgen.declare import Bytes, Unit, corruption
from corruptgen.errors import DeclarationError
from corruptgen.randomness import Draws
from corruptgen.runtime.renamed import MOVED

ROOT = Path(__file__).parents[1]


def run(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.smoke
def test_importing_corruptgen_loads_nothing_heavy(tmp_path):
    heavy = ("torch", "datasets", "huggingface_hub", "numba", "cv2", "numpy", "PIL", "scipy", "joblib", "pydantic")

    done = run("-c", f"import sys, corruptgen; print([m for m in {heavy} if m in sys.modules])", cwd=tmp_path)

    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.smoke
def test_no_module_or_folder_of_the_package_takes_the_name_of_something_public():
    inside = {path.stem for path in (ROOT / "corruptgen").iterdir() if path.suffix == ".py" or path.is_dir()}

    assert inside.isdisjoint(corruptgen.__all__), "importing it would replace the public name"


def test_corrupting_an_image_loads_no_framework(tmp_path):
    code = (
        "import sys, numpy, corruptgen; corruptgen.corrupt(numpy.zeros((32, 32, 3), 'uint8'), 'contrast', 1);"
        "print([m for m in ('torch', 'datasets', 'huggingface_hub', 'joblib', 'skimage') if m in sys.modules])"
    )

    done = run("-c", code, cwd=tmp_path)

    assert done.stdout.strip() == "[]", done.stderr


NEW_CORRUPTION = '''"""Tints."""

from corruptgen.declare import UnitColour, corruption


@corruption
def sepia(image: UnitColour, *, strength: float) -> UnitColour:
    """Tint the image brown, as an old print.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    strength : float
        Weight of the tint; 0 leaves the image alone, 1 leaves nothing but brown.

    References
    ----------
    Ours.
    """
    brown = image.mean(axis=2, keepdims=True) * [1.0, 0.8, 0.6]
    return (1 - strength) * image + strength * brown
'''
NEW_TABLE = '[preset]\ntitle = "Old prints"\n[sepia]\nstrength = [0.2, 0.4, 0.6, 0.8, 1.0]\nclean = { strength = 0 }\n'
NEW_RECIPE = 'name = "old"\nversion = "1.0.0"\n[source]\nkind = "folder"\n[corrupt]\npreset = "prints"\n'


def test_adding_a_corruption_takes_one_function_and_one_table(tmp_path):
    shutil.copytree(ROOT / "corruptgen", tmp_path / "corruptgen", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    (tmp_path / "corruptgen/corruptions/natural/tint.py").write_text(NEW_CORRUPTION, "utf-8")
    (tmp_path / "corruptgen/tables/data/prints.toml").write_text(NEW_TABLE, "utf-8")
    (tmp_path / "old.toml").write_text(NEW_RECIPE, "utf-8")
    (tmp_path / "photographs").mkdir()
    run("-c", "import sys; from PIL import Image; Image.effect_mandelbrot((40, 40), (-2, -1, 1, 1), 50)"
              ".convert('RGB').save('photographs/a.png')", cwd=tmp_path)  # fmt: skip

    # All in one process of the copied package, which takes seconds to start.
    commands = [
        "list",
        "list prints",
        "show sepia",
        "preview photographs/a.png --preset prints --output sheet.png",
        "gallery prints --images photographs/a.png --output prints.html",
        "generate old.toml --source photographs --output out --workers 1",
    ]
    code = (
        "import sys; from typer.testing import CliRunner; from corruptgen.cli.app import app\n"
        "for command in sys.argv[1:]:\n"
        "    done = CliRunner().invoke(app, command.split(), catch_exceptions=False)\n"
        "    print(done.output)\n"
        "    assert done.exit_code == 0, command\n"
    )
    done = run("-c", code, *commands, cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    listed = done.stdout.partition("prints:")[0]
    assert "prints" in listed
    assert "sepia" in done.stdout.partition("prints:")[2]
    assert "Tint the image brown" in done.stdout
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    assert "Tint the image brown" in (tmp_path / "prints.html").read_text("utf-8")
    assert (tmp_path / "out/sepia/5/a.png").exists()


def test_a_package_of_its_own_brings_corruptions_through_an_entry_point(tmp_path):
    (tmp_path / "prints.py").write_text(NEW_CORRUPTION, "utf-8")
    (tmp_path / "prints.toml").write_text(NEW_TABLE, "utf-8")
    info = tmp_path / "prints-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: prints\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[corruptgen.corruptions]\nprints = prints\n", "utf-8")
    code = (
        "import numpy, corruptgen;"
        "print(corruptgen.corrupt(numpy.full((8, 8, 3), 200, 'uint8'), 'sepia', 5, preset='prints.toml')[0, 0])"
    )

    done = run("-c", code, cwd=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")

    assert done.stdout.strip() == "[200 160 120]", done.stderr


def undocumented(image: Unit) -> Unit:
    return image


def drawing_late(image: Unit, *, sigma: float, rng: Draws) -> Unit:
    """Draw."""
    return image


def with_a_default(image: Unit, *, sigma: float = 0.1) -> Unit:
    """Have a default."""
    return image


def without_pixels(image, *, sigma: float) -> Bytes:
    """Return nothing about pixels."""
    return image


def with_a_reserved_word(image: Unit, *, between: float) -> Unit:
    """Use a word of the tables."""
    return image


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (undocumented, "has no docstring"),
        (drawing_late, "'rng' must be annotated float, int, bool or str"),
        (with_a_default, "have no default"),
        (without_pixels, "annotate 'image' as Unit, Levels or Bytes"),
        (with_a_reserved_word, "rename the parameter"),
    ],
)
def test_a_wrong_declaration_says_what_to_write(function, message):
    with pytest.raises(DeclarationError, match=message):
        corruption(function)


@pytest.mark.parametrize("old", MOVED)
def test_a_module_that_has_moved_is_found_by_its_old_name_with_a_warning(old):
    sys.modules.pop(old, None)

    with pytest.warns(DeprecationWarning, match=re.escape(f"{old} is {MOVED[old]} now")) as warned:
        found = importlib.import_module(old)

    assert found is importlib.import_module(MOVED[old])
    assert found.__spec__.name == MOVED[old]
    assert warned


def test_a_module_that_has_moved_is_an_attribute_of_the_package_that_had_it():
    for name in ("corruptgen.imaging", "corruptgen.imaging.warp"):
        sys.modules.pop(name, None)

    with pytest.warns(DeprecationWarning, match="warp is corruptgen.ops.warp now"):
        from corruptgen.imaging import warp  # noqa: PLC0415

    assert warp is importlib.import_module("corruptgen.ops.warp")


# What is done in one place alone, and how it looks where it is done.
PLACES = {
    r"strerror or type\(error\)|isinstance\(error, OSError\) else str\(error\)": {"errors.py"},
    r"np\.rot90\(": {"codecs/orientations.py"},
    r"blake2": {"randomness/key.py"},
    r"blake3\(": {"store/digests.py", "sinks/arrays.py", "sinks/shards.py"},
    r"ImageDraw\.Draw": {"publishing/picture.py"},
    r"Resampling\.LANCZOS": {"publishing/picture.py", "gallery/photographs.py"},
    r"- 1\) // \(\w+ - 1\)": {"values/choice.py"},
    r'def toml_files|entry\.name\.\w+\("\.toml"\)': {"values/toml_text.py"},
    r"format_float_positional": {"values/arguments.py"},
}


@pytest.mark.parametrize("form", PLACES)
def test_each_of_these_is_done_in_one_place(form):
    package = ROOT / "corruptgen"
    outside = {"corruptions", "fast", "ops", "patterns"}  # what moves pixels there is the formula of a row
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in outside and re.search(form, path.read_text("utf-8"))
    }

    assert found == PLACES[form]


# Two doors to one thing: images, and datasets of `datasets`.
DOORS = {"corrupt"}


def test_no_public_function_or_class_means_two_things():
    found = Counter()
    for path in (ROOT / "corruptgen").rglob("*.py"):
        for thing in ast.parse(path.read_text("utf-8")).body:
            if isinstance(thing, ast.FunctionDef | ast.ClassDef) and not thing.name.startswith("_"):
                found[thing.name] += 1

    assert {name for name, places in found.items() if places > 1} == DOORS


def test_a_room_has_at_most_twenty_modules():
    rooms = Counter(path.parent for path in (ROOT / "corruptgen").rglob("*.py") if path.name != "__init__.py")

    assert {room.name: count for room, count in rooms.items() if count > 20} == {}
