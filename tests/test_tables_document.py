"""The document of severity tables: its example works, and it names every key that the reader knows."""

import re
import tomllib

import pytest

import corruptgen
from corruptgen.declare import RESERVED
from corruptgen.errors import PresetError
from corruptgen.tables.catalog import find_corruption
from corruptgen.tables.interpolation import INTERPOLATIONS
from corruptgen.tables.table import HEADER, PRECISIONS, ROUNDINGS, read_table
from tests.photographs import ROOT, executed

TEXT = (ROOT / "docs/tables.md").read_text("utf-8")


def example(language):
    [block] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return block


def keys_of(section):
    """Return the keys in the first column of the table of a section."""
    part = TEXT.split(f"## {section}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def test_the_example_is_a_table_whose_rows_can_be_drawn(tmp_path):
    (tmp_path / "dusk.toml").write_text(example("toml"), "utf-8")

    (tmp_path / "snippet.py").write_text(example("python"), "utf-8")
    done = executed("snippet.py", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert corruptgen.rows(str(tmp_path / "dusk.toml")) == ["fog", "defocus", "noise"]


def test_every_key_of_the_header_is_documented_and_no_other():
    assert keys_of("The header") == HEADER


def test_every_key_of_a_row_is_documented_and_no_other():
    assert keys_of("A row") == RESERVED


@pytest.mark.parametrize("word", [*INTERPOLATIONS, *PRECISIONS, *ROUNDINGS])
def test_every_word_that_is_allowed_is_named(word):
    assert f'`"{word}"`' in TEXT


def test_the_defaults_are_those_of_the_reader():
    content = tomllib.loads("[preset]\n[gaussian_noise]\nsigma = [0.1, 0.2, 0.3, 0.4, 0.5]\n")

    table = read_table("mine", content, find_corruption)

    row = table.rows["gaussian_noise"]
    assert (table.title, table.levels, table.frozen) == ("mine", 5, False)
    assert (table.sizes.allowed, table.sizes.smallest, table.sizes.reference_side) == ((), (1, 1), None)
    assert (row.interpolation, row.arithmetic.precision, row.arithmetic.rounding) == ("linear", "float64", "round")
    assert (row.at_zero, row.scaled, row.requires_rgb, row.non_monotone_levels, row.augment) == (
        {},
        set(),
        False,
        set(),
        {},
    )


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("sizes = 3", "", r"\[preset\] sizes: found 3, allowed is a list of \[height, width\]"),
        ("sizes = [[3]]", "", r"\[preset\] sizes: found"),
        ("groups = 1", "", r"\[preset\] groups: found 1, allowed is lists of rows by name"),
        ("groups = { a = 3 }", "", r"\[preset\] groups: found"),
        ('smallest = "a"', "", r"\[preset\] smallest: found 'a', allowed is \[height, width\]"),
        ("title = 3", "", r"\[preset\] title: found 3, allowed is a text"),
        ("other_sizes = 3", "", r"\[preset\] other_sizes: found 3, allowed is a text"),
        ('references = "x"', "", r"\[preset\] references: found 'x', allowed is a list of texts"),
        ('frozen = "x"', "", r"\[preset\] frozen: found 'x', allowed is true or false"),
        ('reference_side = "a"', "", r"\[preset\] reference_side: found 'a', allowed is a number of pixels above 0"),
        ("", "use = 5", r"\[gaussian_noise\] use: found 5, allowed is the name of a function, or a list of names"),
        ("", "use = [1, 2, 3, 4, 5]", r"\[gaussian_noise\] use: found"),
        ("", "scaled = 3", r"\[gaussian_noise\] scaled: found 3, allowed is a list of names of parameters"),
        (
            "",
            "non_monotone_levels = 3",
            r"\[gaussian_noise\] non_monotone_levels: found 3, allowed is a list of levels",
        ),
        ("", 'at_zero = { sigma = "x" }', r"\[gaussian_noise\] at_zero sigma: found 'x', allowed is float"),
    ],
)
def test_a_key_of_another_type_is_named_with_what_is_allowed(header, row, message):
    content = tomllib.loads(f"[preset]\n{header}\n[gaussian_noise]\nsigma = [0.1, 0.2, 0.3, 0.4, 0.5]\n{row}\n")

    with pytest.raises(PresetError, match=message):
        read_table("mine", content, find_corruption)
