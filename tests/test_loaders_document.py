"""The document about loaders: every snippet in it runs as it stands there."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.photographs import ROOT, executed
from tests.pictures import photograph

TEXT = (ROOT / "docs/loaders.md").read_text("utf-8")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working directory with the picture that the document speaks of."""
    monkeypatch.chdir(tmp_path)
    Path("photographs/animal").mkdir(parents=True)
    Image.fromarray(photograph(260, 280)).save("photographs/animal/a.png")
    return tmp_path


def run(snippet):
    Path("snippet.py").write_text(snippet, "utf-8")
    done = executed("snippet.py", cwd=Path.cwd(), NO_ALBUMENTATIONS_UPDATE="1")
    assert done.returncode == 0, done.stderr


def test_every_snippet_runs(elsewhere):
    snippets = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(snippets) == 8

    # In one process, because each of them loads torch.
    run("\n".join(snippets))


def test_the_document_names_every_transform():
    from corruptgen import transforms  # noqa: PLC0415

    for name in transforms.__all__:
        assert name in TEXT
