"""Compiled kernels: kept where something can be kept, recompiled where nothing can, and announced while one waits."""

import gc
import importlib.util
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from corruptgen.compilation import njit
from tests.photographs import ROOT

# A row whose kernels are few, so that recompiling them is quick.
CORRUPT = (
    "import logging, sys, numpy; logging.basicConfig(level=logging.INFO, format='%(message)s');"
    "import corruptgen; image = numpy.full((32, 32, 3), 90, 'uint8');"
    "print(corruptgen.__file__, corruptgen.corrupt(image, 'impulse_noise', 3, key='a').sum())"
)


@pytest.fixture
def bare(tmp_path):
    """Return a copy of the package without anything compiled, and an environment in which numba chooses its cache."""
    shutil.copytree(ROOT / "corruptgen", tmp_path / "site/corruptgen", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    moved = {"HOME": "home", "XDG_CACHE_HOME": "home/cache", "TMPDIR": "temporary"}
    environment = {name: str(tmp_path / place) for name, place in moved.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PYTHON"))}
    return tmp_path, kept | environment | {"PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}


def blocked(place, *folders):
    """Put a file where each cache folder would be made; no user can write there, not even root."""
    for module in {path.parent for path in (place / "site").rglob("*.py")}:
        (module / "__pycache__").write_text("")
    for folder in folders:
        shutil.rmtree(place / folder, ignore_errors=True)
        (place / folder).write_text("")


def corrupted(environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CORRUPT],
        cwd=environment["PYTHONPATH"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def kept(place):
    return sorted(path.name for path in place.rglob("*.nbc"))


def test_no_kernel_passes_by_what_keeps_them():
    others = [path for path in (ROOT / "corruptgen").rglob("*.py") if path.name != "compilation.py"]

    by_numba = [path.name for path in others if re.search(r"^from numba import|@numba", path.read_text("utf-8"), re.M)]

    assert by_numba == [], "write: from corruptgen.compilation import njit"


def test_kernels_are_kept_among_temporary_files_where_nothing_else_can_be_written(bare):
    place, environment = bare
    blocked(place, "home")

    first, said = corrupted(environment)
    second, nothing = corrupted(environment)

    (folder,) = (place / "temporary").iterdir()
    assert first == second
    assert "which is done once" in said
    assert nothing == ""
    assert folder.stat().st_mode & 0o077 == 0
    assert kept(folder)


def test_kernels_are_compiled_in_every_process_where_nothing_can_be_kept(bare):
    place, environment = bare
    blocked(place, "home")
    # A folder that others can write is not trusted.
    folder = place / f"temporary/corruptgen-kernels-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)

    _, said = corrupted(environment)

    assert "cannot be kept" in said
    assert said.count("\n") == 1
    assert kept(place) == []


@pytest.mark.parametrize("is_collected", [True, False])
def test_garbage_is_collected_after_compiling_if_it_was_before(is_collected):
    def doubled(number):
        return 2 * number

    doubled.__module__ = "corruptgen.numbers"
    (gc.enable if is_collected else gc.disable)()

    try:
        assert njit()(doubled)(21) == 42

        assert gc.isenabled() == is_collected
    finally:
        gc.enable()


def test_who_waits_at_a_terminal_is_told_why(bare):
    place, environment = bare
    shutil.copytree(ROOT / "recipes", place / "site/recipes")
    ours, theirs = pty.openpty()
    photograph = Path(place / "a.png")
    subprocess.run(
        [sys.executable, "-c", f"from PIL import Image; Image.new('RGB', (32, 32)).save({str(photograph)!r})"],
        check=True,
    )

    with open(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(
            [sys.executable, "-m", "corruptgen", "preview", str(photograph), "--rows", "impulse_noise"],
            cwd=place,
            env=environment,
            stderr=theirs,
            check=False,
        )
        os.close(theirs)
        said = terminal.read(4096).decode()

    assert done.returncode == 0, said
    assert "corruptgen: compiling kernels for this machine, which is done once" in said


def edited(place, module, before, after):
    path = place / "site/corruptgen" / module
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_a_kernel_is_compiled_again_when_a_part_from_another_module_is_edited(bare):
    place, environment = bare
    first, _ = corrupted(environment)

    edited(place, "randomness/philox.py", "0xD2511F53", "0xD2511F55")
    second, said = corrupted(environment)
    edited(place, "randomness/philox.py", "0xD2511F55", "0xD2511F53")
    third, nothing = corrupted(environment)

    assert second != first
    assert "which is done once" in said
    assert third == first
    assert nothing == "", "the code of the first sources is still kept"


SMALL = """
from corruptgen.compilation import njit

@njit(cache=True)
def times_seven(number):
    return 7 * number
"""


def loaded(path):
    """Load a module as a new process would."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def damaged_files(content, damage):
    middle = len(content) // 2
    match damage:
        case "half":
            return content[:middle]
        case "zeros":
            return bytes(len(content))
        case "garbage":
            return bytes(value ^ 0x5A for value in content)
    return content[:middle] + bytes(64) + content[middle + 64 :]


@pytest.mark.parametrize("damage", ["half", "zeros", "garbage", "hole"])
def test_kept_kernels_that_are_damaged_are_compiled_again(tmp_path, monkeypatch, damage):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "small.py"
    path.write_text(SMALL, "utf-8")
    assert loaded(path).times_seven(6) == 42
    files = list((tmp_path / "cache").rglob("*.nbc"))
    assert files
    for file in files:
        file.write_bytes(damaged_files(file.read_bytes(), damage))

    damaged, repaired = loaded(path), loaded(path)

    assert damaged.times_seven(6) == 42
    assert sum(damaged.times_seven.stats.cache_hits.values()) == 0
    assert repaired.times_seven(6) == 42
    assert sum(repaired.times_seven.stats.cache_hits.values()) == 1


def test_two_processes_that_compile_a_kernel_for_two_types_at_once_keep_both(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "small.py"
    path.write_text(SMALL, "utf-8")
    one, other, third = loaded(path), loaded(path), loaded(path)
    replace = os.replace

    def interrupted_by_the_other(source, target):
        if str(target).endswith(".nbc"):
            monkeypatch.setattr(os, "replace", replace)
            # It looked before the first one had written anything.
            with monkeypatch.context() as earlier:
                earlier.setattr(caching.IndexDataCacheFile, "_load_index", lambda self: {})
                assert other.times_seven(0.5) == 3.5
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted_by_the_other)
    assert one.times_seven(6) == 42

    assert third.times_seven(0.5) == 3.5
    assert third.times_seven(6) == 42
    assert sum(third.times_seven.stats.cache_hits.values()) == 2


def test_a_disk_that_takes_no_kernel_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "small.py"
    path.write_text(SMALL, "utf-8")
    kernel = loaded(path).times_seven
    # A file in the place of the kernel's folder; no user can write there, not even root.
    (folder,) = (tmp_path / "cache").rglob("kernels")
    shutil.rmtree(folder)
    folder.write_text("")

    assert kernel(6) == 42


def test_with_numbas_switch_for_debugging_kernels_stay_python_and_whole_numbers_wrap_around(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    (tmp_path / "small.py").write_text(SMALL.replace("7 *", "np.uint32(7) *").replace("\n@", "\nimport numpy as np\n@"))

    kernel = loaded(tmp_path / "small.py").times_seven

    assert not hasattr(kernel, "py_func")
    assert kernel(np.uint32(2**31)) == np.uint32(2**31)


def test_a_script_that_is_edited_has_its_kernels_compiled_again(tmp_path):
    script, part = tmp_path / "script.py", tmp_path / "part.py"
    script.write_text(SMALL.replace("7 *", "FACTOR *").replace("\n@", "from part import FACTOR\n@") +
                      "\nprint(times_seven(6))\n", "utf-8")  # fmt: skip
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}

    said = []
    for factor in (7, 8):
        part.write_text(f"FACTOR = {factor}\n", "utf-8")
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
        said.append(done.stdout)

    assert said == ["42\n", "48\n"]
