"""The document of the formats: its recipe makes what its snippets read."""

import re
import subprocess
import sys

import pytest

import corruptgen
from corruptgen.output_choice import FORMATS
from tests.photographs import ROOT, write_photographs

TEXT = (ROOT / "docs/formats.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("form", ["parquet", "npy"])
def test_the_recipe_makes_what_the_snippets_read(tmp_path, form):
    pytest.importorskip("datasets")
    write_photographs(tmp_path / "photographs", 2)
    recipe = blocks("toml")[0]
    if form == "npy":
        recipe = re.sub("encoding = .*", "", recipe.replace('format = "parquet"', 'format = "npy"'))
    (tmp_path / "recipe.toml").write_text(recipe, "utf-8")
    corruptgen.generate(tmp_path / "recipe.toml", output=tmp_path / "photographs-c", workers=1)
    snippet = next(block for block in blocks("python") if {"parquet": "load_dataset", "npy": "np.load"}[form] in block)
    environment = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}

    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_every_format_has_its_section():
    assert set(FORMATS) <= set(re.findall(r"^## (\w+)$", TEXT, re.MULTILINE))
