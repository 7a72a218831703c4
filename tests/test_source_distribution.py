"""The source distribution holds all that `make demo` and `make test` need."""

import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from tests.photographs import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    place = tmp_path_factory.mktemp("sdist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", place],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [archive] = place.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(place, filter="data")
    return place / archive.name.removesuffix(".tar.gz")


@pytest.mark.parametrize("folder", ["corruptgen", "docs", "recipes", "scripts", "tests"])
def test_every_file_of_a_folder_is_in_it(unpacked, folder):
    def files(root):
        places = (path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {str(path.relative_to(root)) for path in places}

    assert files(ROOT) == files(unpacked)


def test_every_file_that_tests_and_the_makefile_name_is_in_it(unpacked):
    read = {
        place
        for path in (ROOT / "tests").glob("*.py")
        for place in re.findall(r'ROOT / "([\w./]+)"', path.read_text("utf-8"))
    }
    named = set(re.findall(r"[\w/]+\.(?:py|txt|toml)\b", (ROOT / "Makefile").read_text("utf-8")))
    wanted = {place for place in read | named if (ROOT / place).exists() and not place.startswith(".")}

    assert {"constraints.txt", "pyproject.toml", "Makefile", "scripts/photographs.py"} <= wanted
    assert [place for place in sorted(wanted) if not (unpacked / place).exists()] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize(("command", "extra"), [("demo", "demo"), ("test", "test")])
def test_both_commands_can_begin_and_install_what_they_need(unpacked, command, extra):
    done = subprocess.run(["make", "-n", command], cwd=unpacked, capture_output=True, text=True, check=False)

    installs = re.findall(r'-e "\.\[(\w+)\]"', done.stdout)
    assert done.returncode == 0, done.stderr
    assert installs[-1] == extra
    assert ("test" in installs) == (command == "test")
