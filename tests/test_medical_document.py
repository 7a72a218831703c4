"""The document of medical images: its commands, recipe and snippets work as they stand there."""

import re
import shlex

import pytest

import corruptgen
from corruptgen.recipe.recipe import load
from corruptgen.tables import catalog
from corruptgen.verification.verdict import verify
from tests.photographs import ROOT, command, executed
from tests.scans import scan

TEXT = (ROOT / "docs/medical.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def place(tmp_path):
    """A folder with the scans that the document speaks of, small ones."""
    (tmp_path / "scans/head").mkdir(parents=True)
    for path in (tmp_path / "head.dcm", tmp_path / "scans/head/slice.dcm"):
        path.write_bytes(scan("CT_small"))
    return tmp_path


def test_the_commands_and_snippets_run(place):
    for line in blocks("bash")[0].strip().splitlines():
        done = command(*shlex.split(line)[1:], cwd=place)

        assert done.returncode == 0, f"{line}: {done.stderr}"
    for snippet in blocks("python"):
        (place / "snippet.py").write_text(snippet, "utf-8")
        done = executed("snippet.py", cwd=place)

        assert done.returncode == 0, done.stderr


def test_the_recipe_is_made(place):
    (place / "recipe.toml").write_text(blocks("toml")[0], "utf-8")

    outcome = corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)

    assert (outcome.items, outcome.rejected) == (1, ())
    assert verify(place / "out", depth="sample", workers=1).problems == ()


def test_every_row_and_group_is_named():
    table = catalog.preset("medical")

    named = set(re.findall(r"\w+", TEXT))

    assert set(table.rows) <= named
    assert {"grey", "histology", "dermoscopy", "retina"} <= named & set(table.groups)
    assert load("ct-c").decode.window == (-160.0, 240.0)
