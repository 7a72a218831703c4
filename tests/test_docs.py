"""The documents: every command and snippet in them works as it stands there."""

import re
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from corruptgen.recipe import recipe
from corruptgen.tables import catalog
from tests.photographs import command, executed
from tests.pictures import photograph

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands():
    return [line.partition("  #")[0] for block in blocks("bash") for line in block.strip().splitlines()]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working directory with the pictures that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photograph(240, 300)).save("photograph.png")
    for folder in ("val/n01440764", "photographs/animal"):
        Path(folder).mkdir(parents=True)
        Image.fromarray(photograph(260, 280)).save(f"{folder}/a.png")
    return tmp_path


def test_every_snippet_of_the_readme_runs(elsewhere):
    for snippet in blocks("python"):
        Path("snippet.py").write_text(snippet, "utf-8")

        done = executed("snippet.py", cwd=elsewhere)

        assert done.returncode == 0, done.stderr


def test_every_command_of_the_readme_runs(elsewhere):
    ours = [shlex.split(command) for command in commands() if command.startswith("corruptgen ")]
    assert len(ours) >= 8

    for _, *arguments in ours:
        done = command(*arguments, cwd=elsewhere)

        assert done.returncode == 0, f"{arguments}: {done.stderr}"


def test_the_readme_names_targets_that_the_makefile_has():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    named = {command.split()[1] for command in commands() if command.startswith("make ")}

    assert named == {"demo", "smoke", "test"}
    assert named <= targets
    assert all(command.startswith(("make ", "corruptgen ")) for command in commands())


def test_the_recipe_in_the_readme_is_read_and_shows_the_defaults(tmp_path):
    text = next(block for block in blocks("toml") if "[source]" in block)
    shown, least = tmp_path / "shown.toml", tmp_path / "least.toml"
    shown.write_text(text, "utf-8")
    least.write_text(
        'name = "demo-c"\nversion = "1.0.0"\n[source]\nkind = "folder"\npath = "photographs"\n'
        '[corrupt]\npreset = "imagenet-c"\nrows = ["fog", "snow"]\nseverities = [1, 2, 3, 4, 5]\n'
        "[decode]\nresize = 256\ncrop = 224\n",
        "utf-8",
    )

    found = recipe.load(str(least))
    # What becomes of grey files is the table's default, which a recipe need not repeat.
    spelled = replace(found, decode=replace(found.decode, colour=catalog.preset("imagenet-c").colour))
    assert recipe.load(str(shown)) == spelled


def test_a_document_lists_every_table_and_every_recipe():
    document = (ROOT / "docs/benchmarks.md").read_text("utf-8")
    for name in catalog.preset_names():
        # Tables in a folder are those of one benchmark, and are listed together.
        folder, slash, _ = name.rpartition("/")
        assert f"`{folder}/<dataset>`" in document if slash else f"`{name}`" in document
    opened = document.partition("The open ones (")[2].partition(")")[0]
    found = {name for name in catalog.preset_names() if not catalog.preset(name).frozen}
    assert set(re.findall(r"`([\w-]+)`", opened)) == found
    assert "(../recipes/medmnist-c)" in document
    for path in sorted((ROOT / "recipes").glob("*.toml")):
        assert f"(../recipes/{path.name})" in document
        assert tomllib.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_between_documents_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text("utf-8")):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
