"""Formulas stand alone: pixels are the same without fast paths, without their folder and without machine code."""

import dataclasses
import hashlib
import os
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from skimage import data

import corruptgen
from corruptgen.corruptions.common.exposure import brightness
from corruptgen.declare import UnitColour, corruption, declaration_of, fused, fused_path_of
from corruptgen.errors import ArgumentError, AssetError
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from corruptgen.tables.formulas import formulas_only
from corruptgen.verification.verdict import verify
from tests.inputs import planes_for
from tests.photographs import ROOT, write_photographs, write_recipe

TABLES = ("imagecorruptions", "natural")
TINY = (12, 15)

DIGESTS = """
import sys
import numba
from tests.test_formulas import digests

for line in digests(sys.argv[1].split(","), [int(level) for level in sys.argv[2].split(",")]):
    print(*line)
"""


def digests(tables, levels, size=TINY):
    """Return a digest of the pixels of every row of some tables on a small photograph, of what needs no pictures."""
    for table in tables:
        preset = catalog.preset(table)
        if preset.is_sequential:
            continue
        smallest = (tuple(max(both) for both in zip(size, preset.sizes.smallest, strict=False)),)
        height, width = (preset.sizes.allowed or smallest)[0]
        image = cv2.resize(data.astronaut(), (width, height), interpolation=cv2.INTER_AREA)
        for row in corruptgen.rows(table):
            inputs = planes_for(table, row, image)
            for level in (level for level in levels if level <= preset.rows[row].level_count):
                try:
                    pixels = corruptgen.corrupt(image, row, level, preset=table, seed=1, key="a", inputs=inputs)
                except AssetError:
                    continue
                yield table, row, str(level), hashlib.sha256(pixels.tobytes()).hexdigest()


def digests_of_process(place, tables, levels, **variables):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DIGESTS, ",".join(tables), ",".join(map(str, levels))],
        env=os.environ | {"PYTHONPATH": f"{place}{os.pathsep}{ROOT}"} | variables,
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(line.split()) for line in done.stdout.splitlines()]


@pytest.fixture
def bare(tmp_path):
    """Return a place where the package lies without its fast paths."""
    ignored = shutil.ignore_patterns("__pycache__", "fast")
    shutil.copytree(ROOT / "corruptgen", tmp_path / "corruptgen", ignore=ignored)
    assert (ROOT / "corruptgen/fast").is_dir()
    assert not (tmp_path / "corruptgen/fast").exists()
    return tmp_path


def test_without_the_folder_of_fast_paths_and_without_machine_code_all_rows_have_the_same_pixels(bare):
    found = digests_of_process(bare, TABLES[:1], [3], NUMBA_DISABLE_JIT="1")

    assert found == list(digests(TABLES[:1], [3]))
    assert len({row for _, row, *_ in found}) >= 18


@pytest.mark.long
def test_without_machine_code_all_rows_have_the_same_pixels():
    found = digests_of_process(ROOT, TABLES, [3], NUMBA_DISABLE_JIT="1")

    assert found == list(digests(TABLES, [3]))


@pytest.mark.long
def test_without_the_folder_of_fast_paths_all_rows_of_all_tables_have_the_same_pixels(bare):
    tables, levels = corruptgen.presets(), [1, 2, 3, 4, 5]

    assert digests_of_process(bare, tables, levels) == list(digests(tables, levels))


@pytest.mark.long
def test_without_machine_code_all_rows_of_small_tables_have_the_same_pixels():
    tables = [name for name in corruptgen.presets() if not catalog.preset(name).sizes.allowed or "cifar" in name]

    assert digests_of_process(ROOT, tables, [1, 5], NUMBA_DISABLE_JIT="1") == list(digests(tables, [1, 5]))


@pytest.mark.long
def test_formulas_alone_give_the_same_pixels_of_every_row_of_every_other_table():
    tables = [name for name in corruptgen.presets() if name not in TABLES]
    fast = list(digests(tables, [2]))

    with formulas_only():
        assert list(digests(tables, [2])) == fast


@corruption
def whiten(image: UnitColour, *, amount: float) -> UnitColour:
    """Return white.

    Parameters
    ----------
    image : (H, W, 3) float in [0, 1]
    amount : nothing

    References
    ----------
    Ours.
    """
    return np.ones_like(image)


@fused(whiten)
def _blacken(image, arithmetic, *, amount):
    return np.zeros_like(image)


@pytest.fixture
def two_ways():
    """Return a cell whose fast path gives black and whose formula gives white."""
    cell = catalog.preset("imagecorruptions").cell("brightness", 1)
    return dataclasses.replace(cell, corruption=declaration_of(whiten), parameters={"amount": 1.0})


def test_the_formula_is_taken_within_the_context_and_the_fast_path_before_and_after(two_ways):
    image, stream = np.full((32, 32, 3), 90, np.uint8), rng_for(1, "row", 1, "a")

    assert two_ways.apply(image, stream).max() == 0
    with formulas_only():
        assert two_ways.apply(image, stream).min() == 255
    assert two_ways.apply(image, stream).max() == 0


WITHOUT = """
import corruptgen, numpy
from corruptgen.corruptions.common.exposure import brightness
from corruptgen.tables import catalog

corruptgen.rows("imagecorruptions")
brightness.fused = lambda *arguments, **parameters: numpy.zeros((32, 32, 3), "uint8")
print(corruptgen.corrupt(numpy.full((32, 32, 3), 90, "uint8"), "brightness", 3).max())
"""


@pytest.mark.parametrize(("value", "printed"), [("0", "1"), ("1", "0"), (None, "0")])
def test_an_environment_variable_ignores_fast_paths(value, printed):
    chosen = {} if value is None else {"CORRUPTGEN_FAST": value}
    kept = {name: text for name, text in os.environ.items() if name != "CORRUPTGEN_FAST"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], env=kept | chosen, cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert (done.stdout.strip() == "0") == (printed == "0")


def test_another_value_of_the_variable_is_refused_by_name():
    code = "import corruptgen, numpy; corruptgen.corrupt(numpy.zeros((32, 32, 3), 'uint8'), 'brightness', 3)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"CORRUPTGEN_FAST": "yes"}, cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert f"{ArgumentError.__name__}: CORRUPTGEN_FAST is 'yes'; set it to 0" in done.stderr


@pytest.fixture
def wrong_brightness():
    """Give brightness a fast path with other pixels; cells that were made meanwhile are forgotten."""
    catalog.preset("imagecorruptions")
    right = fused_path_of(brightness)

    def wrong(image, arithmetic, **parameters):
        return right(image, arithmetic, **parameters) ^ 1

    wrong.__module__ = right.__module__
    for path in (wrong, right):
        brightness.fused = path  # type: ignore[attr-defined]  # what `fused` notes on a corruption
        # Whatever keeps cells keeps those of one generation.
        catalog._state["generation"] += 1
        if path is wrong:
            yield


def test_verify_recomputes_by_the_formulas_and_finds_what_a_wrong_fast_path_has_made(tmp_path, wrong_brightness):
    write_photographs(tmp_path / "photographs", 2)
    recipe = write_recipe(tmp_path)

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    problems = verify(tmp_path / "out", source=tmp_path / "photographs", depth="full", workers=1).problems
    assert problems
    assert all(problem.startswith("brightness/") for problem in problems)


def test_no_formula_and_no_fast_path_builds_code_for_llvm_or_leans_on_what_numba_keeps_for_itself():
    internal = re.compile(r"numba\.(core|np)|llvmlite|no_c\w+_wrapper|\._cache\b|\bintrinsic")
    modules = [
        path
        for room in ("fast", "ops", "patterns", "randomness")
        for path in (ROOT / "corruptgen" / room).rglob("*.py")
    ]

    assert [path.name for path in modules if internal.search(path.read_text("utf-8"))] == []


def test_nothing_below_imports_the_fast_paths():
    others = [path for path in (ROOT / "corruptgen").rglob("*.py") if path.parent.name != "fast"]

    importing = [path.name for path in others if re.search(r"(from|import) corruptgen\.fast", path.read_text("utf-8"))]

    assert importing == []
