"""Caching: arrays are kept up to a number of bytes, and nothing is kept by a name whose meaning can change."""

import os
import re
from dataclasses import dataclass

import numpy as np

from corruptgen import metrics
from corruptgen.runtime.caching import KeptArrays, bytes_of
from tests.photographs import ROOT


def test_arrays_are_kept_up_to_a_number_of_bytes():
    asked = []

    def zeros(size):
        asked.append(size)
        return np.zeros(size, np.uint8)

    kept = KeptArrays(zeros, most=100)
    for size in (40, 50, 40, 50, 30, 40, 50):
        assert kept(size).size == size

    # 30 pushes out 40, which was used before 50; 40 then pushes out 50.
    assert asked == [40, 50, 30, 40, 50]
    kept.cache_clear()
    kept(30)
    assert asked[-1] == 30


def test_the_latest_result_is_kept_however_large():
    asked = []

    def zeros(size):
        asked.append(size)
        return np.zeros(size, np.uint8)

    kept = KeptArrays(zeros, most=100)

    for size in (1000, 1000, 10, 1000):
        kept(size)

    assert asked == [1000, 10, 1000]


def test_bytes_are_counted_in_whatever_holds_the_arrays():
    @dataclass(frozen=True)
    class Pair:
        one: np.ndarray
        other: tuple

    array = np.zeros(1000)

    assert bytes_of(array) == 8000
    assert bytes_of(array[::2]) == 8000, "a view keeps the whole"
    assert 16000 <= bytes_of(Pair(array, (array, None))) < 16100
    assert 8000 <= bytes_of({"a": array}) < 8100


def test_no_pixel_code_keeps_arrays_by_their_number():
    few = {"parts_of_a_level": 2, "letter_dots": 1}
    found = [
        (path.name, name)
        for folder in ("assets", "corruptions", "fast", "ops", "patterns")
        for path in (ROOT / "corruptgen" / folder).rglob("*.py")
        for name in re.findall(r"@lru_cache.*\ndef _?(\w+)", path.read_text("utf-8"))
    ]

    assert {name for _, name in found} <= {*few, "read_registry", "downloaded"}, "write @keep_arrays"


def test_an_edited_baseline_of_ones_own_gives_the_new_numbers_in_the_same_process(tmp_path):
    file = tmp_path / "own.toml"
    found = []
    for error in ("0.1", "0.2"):
        file.write_text(f'[baseline]\ntitle = "x"\n[error]\nfog = {error}\n', "utf-8")
        os.utime(file, (1, 1))
        found.append(metrics.baseline(str(file)).mean("error", "fog"))

    assert found == [0.1, 0.2]
