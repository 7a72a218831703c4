"""The page about speed: its commands are those that the scripts take, and its tables can be written."""

import json
import re
import shlex
import subprocess
import sys
from functools import lru_cache

import pytest

import corruptgen
from tests.photographs import ROOT

TEXT = (ROOT / "docs/speed.md").read_text("utf-8")
from benchmark_families import BEGIN, END, beside_originals  # noqa: E402
from benchmark_history import compared, latest, record  # noqa: E402
from benchmark_originals import ORIGINALS  # noqa: E402
from benchmark_report import markdown, replaced  # noqa: E402


def commands():
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.strip().splitlines()]


@lru_cache
def explained(script):
    done = subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_options_of_every_command_exist(command):
    _, script, *options = command

    assert all(option in explained(script) for option in options if option.startswith("--"))


def measured(ours):
    """Return what the rows part writes, for a row at one size."""
    severities = [str(severity) for severity in range(1, 6)]
    candidates = {
        "imagecorruptions": dict.fromkeys(severities, 8.0),
        "corruptgen imagecorruptions": dict.fromkeys(severities, ours),
        "albumentations": {"3": 0.25},
        "calibration": dict.fromkeys(severities, 2.0),
    }
    facts = {"left_out": {"imgaug": "AttributeError: gone"}, "versions": {"corruptgen": "0.2.0"}}
    return {"tuned": {"rows": {"224": {"fog": candidates}}, **facts}}


def test_the_tables_say_how_many_times_faster_we_are():
    text = markdown({"rows": measured(0.5), "equivalents": measured(0.5)})

    assert "| fog | 8.000 | 0.500 | 16.0 |" in text
    assert "| geometric mean, 15 common |  |  | **16.0** |" in text
    assert "albumentations, 0.50" in text
    assert "- imgaug: `AttributeError: gone`" in text
    assert text in replaced(TEXT, text)
    assert replaced(replaced(TEXT, "old"), text) == replaced(TEXT, text)


def test_a_row_that_became_slower_is_named(tmp_path):
    record(measured(0.5), tmp_path)
    before = json.loads(latest(tmp_path).read_text())

    assert latest(tmp_path).name == "0.2.0.json"
    assert compared(measured(0.7), before) == []
    assert compared(measured(1.0), before) == ["tuned/224/imagecorruptions/fog: 2.00 times slower than in 0.2.0"]


def test_the_table_of_originals_has_the_geometric_mean_and_the_least_row():
    rows = {"haze": {"original": 8.0, "ours": 2.0}, "dusk": {"original": 9.0, "ours": 1.0}}
    found = {"one": {"rows": rows, "left_out": {"wind": "TypeError: no"}}, "other": {"missing": "there is no clone"}}

    text = beside_originals(found)

    assert "| `one` | 2 | **6.0** | haze, 4.0 |" in text
    assert "| `one` | dusk | 9.00 | 1.00 | 9.0 |" in text
    assert "- one, wind: TypeError: no" in text
    assert "- other: there is no clone" in text
    assert text in replaced(TEXT, text, BEGIN, END)


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda original: original.table)
def test_what_is_timed_beside_an_original_is_in_its_table_and_in_the_help(original):
    told = explained("scripts/benchmark_families.py")

    assert original.url in told
    assert original.commit in told
    if original.table in corruptgen.presets():
        assert {*original.rows, *original.left_out} == set(corruptgen.rows(original.table))


def test_an_original_that_is_not_there_is_left_out_by_name(tmp_path):
    command = [
        "scripts/benchmark_families.py",
        "--originals",
        tmp_path,
        "--only",
        "imagenet-c-bar",
        "--json",
        tmp_path / "x.json",
    ]

    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (
        "imagenet-c-bar: there is no clone of https://github.com/facebookresearch/augmentation-corruption"
        in done.stdout
    )
