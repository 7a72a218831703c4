"""The document of the formats: its recipe makes what its snippets read."""

import re
import shutil
import subprocess
import sys

import pytest

import corruptgen
from corruptgen.recipe.declarations import FORMATS
from tests.photographs import ROOT, write_photographs

TEXT = (ROOT / "docs/formats.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


SNIPPETS = {"parquet": '"fog", split=', "npy": "np.load", "webdataset": "Features"}


@pytest.mark.parametrize("form", SNIPPETS)
def test_the_recipe_makes_what_the_snippets_read(tmp_path, form):
    pytest.importorskip("datasets")
    write_photographs(tmp_path / "photographs", 2)
    for number in range(6 if form == "webdataset" else 0):
        # `datasets` looks at the first five items, and these have no label.
        shutil.copy(next((tmp_path / "photographs").rglob("*.png")), tmp_path / f"photographs/a{number}.png")
    recipe = blocks("toml")[0].replace('format = "parquet"', f'format = "{form}"')
    if form == "npy":
        recipe = re.sub("encoding = .*", "", recipe)
    (tmp_path / "recipe.toml").write_text(recipe, "utf-8")
    corruptgen.generate(tmp_path / "recipe.toml", output=tmp_path / "photographs-c", workers=1)
    snippet = next(block for block in blocks("python") if SNIPPETS[form] in block)
    environment = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}

    done = subprocess.run(
        [sys.executable, "-c", f"{snippet}\nif 'fog' in dir(): print('rows', len(fog))"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert form == "npy" or f"rows {8 if form == 'webdataset' else 2}\n" in done.stdout


def test_every_format_has_its_section():
    assert set(FORMATS.names()) <= set(re.findall(r"^## (\w+)$", TEXT, re.MULTILINE))
