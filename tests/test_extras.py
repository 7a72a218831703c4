"""Each extra can be missing: whatever needs it says so in one line, with the command that installs it."""

import ast
import itertools
import json
import os
import subprocess
import sys
import tomllib

import nibabel
import numpy as np
import pytest
import tifffile

import corruptgen
from corruptgen.runtime.extras import DISTRIBUTIONS, EXTRAS
from tests.photographs import ROOT, write_photographs, write_recipe
from tests.test_sequence_builds import write_build

# Put in front of the path, this makes a process one in which the packages were never installed.
BLOCKER = """
import os
from importlib.machinery import PathFinder

_found = PathFinder.find_spec.__func__
_blocked = set(os.environ["BLOCKED"].split(","))


def _find_spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in _blocked else _found(cls, name, path, target)


PathFinder.find_spec = classmethod(_find_spec)
"""
# Runs each line of its input as a command and reports exit code and messages.
COMMANDS = """
import json, sys
from typer.testing import CliRunner
from corruptgen.cli import app
for line in sys.stdin:
    done = CliRunner().invoke(app, json.loads(line), prog_name="corruptgen")
    ended = done.exception is None or isinstance(done.exception, SystemExit)
    print(json.dumps([done.exit_code if ended else repr(done.exception), done.stdout + done.stderr]))
"""


def without(packages, code, place, given=""):
    """Run code where packages are missing."""
    (place / "blocker").mkdir(exist_ok=True)
    (place / "blocker/sitecustomize.py").write_text(BLOCKER, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place,
        env=os.environ | {"PYTHONPATH": f"{place / 'blocker'}{os.pathsep}{ROOT}", "BLOCKED": ",".join(packages)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(place, name, output):
    recipe = write_recipe(place, corrupt='rows = ["brightness"]\nseverities = [1]', output=output)
    recipe.rename(place / f"{name}.toml")
    corruptgen.generate(place / f"{name}.toml", output=place / name, workers=1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("extras")
    write_photographs(place / "photographs", 2, size=(16, 16))
    build(place, "parquet", 'format = "parquet"\nclean = true')
    build(place, "tiff", 'encoding = "tiff"\nclean = true')
    build(place, "png", "clean = true")
    write_build(place, severities="[1]", output='encoding = "video"').rename(place / "film.toml")
    corruptgen.generate(place / "film.toml", output=place / "film", workers=1)
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    tifffile.imwrite(place / "deep.tif", grey)
    nibabel.save(nibabel.Nifti1Image(grey.astype(np.int16)[..., None], np.eye(4)), place / "volume.nii")
    (place / "scan.dcm").write_bytes(bytes(128) + b"DICM" + bytes(64))
    (place / "labels.parquet").write_bytes(b"PAR1")
    (place / "predictions.parquet").write_bytes(b"PAR1")
    ids = ["astronaut/00.png", "chelsea/01.png"]
    rows = [f"{name},brightness,1,{name.split('/')[0]}" for name in ids]
    (place / "predictions.csv").write_text("id,row,severity,prediction\n" + "\n".join(rows) + "\n", "utf-8")
    recipe = (place / "png.toml").read_text("utf-8")
    labelled = recipe.replace('kind = "folder"', 'kind = "folder"\nlabels = "labels.parquet"')
    (place / "labelled.toml").write_text(labelled, "utf-8")
    hub = recipe.replace(
        'kind = "folder"\npath = "photographs"', 'kind = "hub"\nsplit = "severity_1"\nconfig = "brightness"'
    )
    (place / "hub.toml").write_text(hub, "utf-8")
    return place


NEEDING = {
    "hub": [
        ["generate", "parquet.toml", "--output", "parquet", "--check"],
        ["generate", "parquet.toml", "--output", "new"],
        ["plan", "parquet.toml"],
        ["verify", "parquet", "--depth", "sample"],
        ["score", "predictions.parquet", "--manifest", "png"],
        ["gallery", "parquet"],
        ["card", "parquet"],
        ["card", "png"],
        ["publish", "png", "a/b", "--dry-run"],
        ["verify", "hf://datasets/a/b@v1.0.0"],
        ["diff", "hf://datasets/a/b@v1.0.0", "png"],
        ["generate", "hub.toml", "--source", "parquet", "--output", "new"],
        ["generate", "labelled.toml", "--output", "new"],
    ],
    "medical": [
        ["generate", "tiff.toml", "--output", "tiff", "--check"],
        ["verify", "tiff", "--depth", "sample"],
        ["gallery", "tiff"],
        ["preview", "deep.tif", "--window", "range"],
        ["preview", "volume.nii", "--window", "range"],
        ["preview", "scan.dcm", "--window", "range"],
    ],
    "video": [
        ["generate", "film.toml", "--output", "film", "--check"],
        ["generate", "film.toml", "--output", "new"],
        ["gallery", "film"],
    ],
    "remote": [["plan", "png.toml", "--source", "https://example.invalid/a.zip"]],
    "plot": [["score", "predictions.csv", "--manifest", "png", "--output", "s", "--resamples", "0"]],
    "demo": [["gallery", "natural"]],
    "dask": [["generate", "png.toml", "--backend", "dask", "--output", "new"]],
    "ray": [["generate", "png.toml", "--backend", "ray", "--output", "new"]],
}


@pytest.fixture(scope="module")
def answers(place):
    """Exit code and messages of all of these commands where no extra is installed."""
    commands = [json.dumps(command) for command in itertools.chain(*NEEDING.values())]
    lines = without(EXTRAS, COMMANDS, place, "".join(f"{command}\n" for command in commands)).splitlines()
    return dict(zip(commands, map(json.loads, lines), strict=True))


@pytest.mark.parametrize("extra", NEEDING)
def test_a_command_names_the_extra_that_it_needs(answers, place, extra):
    for command in NEEDING[extra]:
        code, message = answers[json.dumps(command)]

        assert code == 1, (command, message)
        assert f"pip install 'corruptgen[{extra}]'" in message, (command, message)
        assert not (place / "new").exists()


@pytest.mark.parametrize(("extra", "name"), [("torch", "CorruptModule"), ("albumentations", "AlbumentationsCorrupt")])
def test_a_transform_names_the_extra_of_its_framework(place, extra, name):
    code = f"""
import corruptgen.transforms
try:
    corruptgen.transforms.{name}
except ImportError as error:
    print(error)
"""

    assert without([extra], code, place) == f"{name} needs {extra}: pip install 'corruptgen[{extra}]'\n"


def test_every_extra_that_is_named_brings_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]

    for package, extra in EXTRAS.items():
        assert any(line.startswith(DISTRIBUTIONS.get(package, package)) for line in extras[extra]), package


def test_optional_packages_are_imported_in_one_way():
    found = []
    for path in sorted((ROOT / "corruptgen").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found += [path.name for name in names if name.partition(".")[0] in EXTRAS]

    # Modules of classes that are derived from those of a framework; they are loaded where that was asked for.
    assert sorted(set(found)) == ["albumentations.py", "lazy_dataset.py", "module.py"]
