"""Addresses: a URL never becomes a directory, `~` is a home, and nothing secret of a URL is shown or recorded."""

import os
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.models import ArgumentInfo, OptionInfo
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli.app import app
from corruptgen.engine import backends, generation
from corruptgen.engine import shard_merge as merging
from corruptgen.errors import CorruptgenError, OutputError, RecipeError, Rejected, ScoreError, without_secrets
from corruptgen.recipe.recipe import load, read_recipe
from corruptgen.scoring.evaluation import score
from corruptgen.sources.arrays import NpySource, NpzSource
from corruptgen.sources.cifar import CifarSource
from corruptgen.sources.register import Naming
from corruptgen.sources.remote import RemoteFolder
from corruptgen.sources.webdataset import TarSource
from corruptgen.values.addresses import is_url, last_part, local_path
from corruptgen.verification.verdict import verify
from tests.photographs import write_photographs, write_recipe

SECRETS = ("hunter2", "5ec4e7")
URL = "s3://user:hunter2@bucket/deep/x.toml?X-Amz-Signature=5ec4e7#5ec4e7"
# A value of each argument that a command cannot do without; what is missing here has to be added.
NEEDED = {
    "recipe": "recipe.toml",
    "directory": "out",
    "row": "brightness",
    "image": "photographs/astronaut/00.png",
    "what": "natural",
    "predictions": "predictions.csv",
    "manifest": "out",
    "repo": "owner/name",
    "old": "out",
    "new": "out",
    "name": "demo",
    "severity": "1",
    "output": "made.png",
}


@dataclass(frozen=True)
class Parameter:
    """An option or argument as its command declares it."""

    name: str
    option: str
    """Empty: an argument."""
    is_required: bool
    is_text: bool
    is_path: bool


def commands(tree):
    """List the parameters of every command by its name."""
    found = {}
    for one in tree.registered_commands:
        hints = get_type_hints(one.callback, include_extras=True)
        found[one.name] = [
            parameter(name, hints[name], value.default is value.empty)
            for name, value in signature(one.callback).parameters.items()
        ]
    for group in tree.registered_groups:
        found |= commands(group.typer_instance)
    return found


def parameter(name, hint, is_required):
    base, *notes = get_args(hint)
    kinds = {base, *get_args(base)}
    declared = next(note for note in notes if isinstance(note, OptionInfo | ArgumentInfo))
    written = [word for word in declared.param_decls or () if word.startswith("--")]
    option = (written or [f"--{name.replace('_', '-')}"])[0] if isinstance(declared, OptionInfo) else ""
    return Parameter(name, option, is_required, bool(kinds & {str, list[str], Path}), Path in kinds)


# What the commands write by default.
MADE = {"sheet.png", "gallery.html", "small-c-1.0.0", "made.png", "demo.toml"}
COMMANDS = commands(app)
TEXTS = [
    pytest.param(name, one, id=f"{name}-{one.name}") for name, found in COMMANDS.items() for one in found if one.is_text
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Make a folder with a source, a recipe and what was made of it."""
    folder = tmp_path_factory.mktemp("addresses")
    write_photographs(folder / "photographs", 2)
    recipe = write_recipe(folder, corrupt='rows = ["brightness"]', output="clean = true")
    generation.generate(recipe, output=folder / "out", workers=1)
    (folder / "predictions.csv").write_text("id,row,severity,prediction\n")
    return folder


@pytest.fixture
def place(built, monkeypatch):
    """Go there."""
    monkeypatch.chdir(built)
    return built


@pytest.mark.parametrize(("name", "parameter"), TEXTS)
def test_no_option_or_argument_makes_a_directory_of_a_url_or_repeats_its_secrets(place, name, parameter):
    before = set(os.listdir(place))
    words = [name]
    for other in COMMANDS[name]:
        value = URL if other == parameter else NEEDED.get(other.name) if other.is_required else None
        assert value or not other.is_required, f"give a value of {other.name} in NEEDED"
        if value:
            words += [other.option, value] if other.option else [value]

    done = CliRunner().invoke(app, words)

    assert not [path for path in place.rglob("*") if path.name.startswith("s3")]
    assert set(os.listdir(place)) - before <= MADE
    assert not any(secret in done.output for secret in SECRETS)
    if parameter.is_path:
        assert done.exit_code == 2, done.output
        assert "URL" in done.output


@pytest.mark.parametrize(
    "call",
    [
        lambda url: generation.generate("recipe.toml", output=url),
        merging.merge,
        verify,
        lambda url: score("predictions.csv", url),
        lambda url: score(url, "out"),
        lambda url: score("predictions.csv", "out", classes=url),
        load,
        lambda url: corruptgen.corrupt(Image.new("RGB", (32, 32)), "brightness", 1, preset=url),
    ],
)
@pytest.mark.parametrize("url", [URL, "s3:/bucket/x.toml", "gs://b/x.npz", Path("https://h/x.toml")])
def test_no_function_makes_a_directory_of_a_url(place, call, url):
    before = sorted(os.listdir(place))

    with pytest.raises(CorruptgenError, match=r"(?i)url|no recipe is called|predictions are read from|no preset"):
        call(url)

    assert sorted(os.listdir(place)) == before


@pytest.mark.parametrize(
    "written", ["s3://b/x", "hf://datasets/a/b@v1.0.0", "gs:/b", "memory://x", "https://h", "a.b+c:/x"]
)
def test_urls_are_told_from_paths(written):
    assert is_url(written)
    with pytest.raises(OutputError, match="the output is"):
        local_path(written, "the output")


@pytest.mark.parametrize("written", ["a", "./a:b", "C:/x", r"C:\x", "a/s3://b", "/a", "..", "10:/x"])
def test_paths_are_told_from_urls(written):
    assert not is_url(written)
    assert local_path(written, "the output") == Path(written)


def test_a_path_may_begin_with_a_home_directory_or_file(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert local_path("~/a", "the output") == tmp_path / "a"
    assert local_path(f"file://{tmp_path}/a%20b", "the output") == tmp_path / "a b"
    with pytest.raises(OutputError, match="no such home directory"):
        local_path("~nobody-of-this-name/a", "the output")
    for empty in ("", "\0"):
        with pytest.raises(ScoreError, match="a path is needed"):
            local_path(empty, "the file", ScoreError)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("cannot read https://h/a/b.csv?sig=SECRET&x=1: gone", "cannot read https://h/a/b.csv gone"),
        ("s3://key:SECRET@bucket/a", "s3://bucket/a"),
        ("s3://SECRET@bucket/a", "s3://bucket/a"),
        ("'abfs://c@h/a#SECRET'", "'abfs://h/a'"),
        ("s3:/key:SECRET@bucket/a", "s3:/bucket/a"),
        ("with url: /a?X-Amz-Signature=SECRET&y", "with url: /a?X-Amz-Signature=...&y"),
        ("AccountName=me;AccountKey=SECRET==;x", "AccountName=me;AccountKey=...;x"),
        ("token=SECRET", "token=..."),
        ("hf://datasets/a/b@v1.0.0", "hf://datasets/a/b@v1.0.0"),
        ("C:/a@b?c", "C:/a@b?c"),
        ("a #12 and b@c.d", "a #12 and b@c.d"),
    ],
)
def test_messages_keep_the_address_and_lose_the_secret(text, left):
    assert without_secrets(text) == left
    assert str(Rejected(text)) == left
    assert "SECRET" not in without_secrets(text)


@given(st.text("abc:@/?#=&%.", max_size=12), st.text("abc:/?#=&%.", max_size=8))
def test_no_user_name_query_or_fragment_is_left_of_any_url(password, rest):
    url = f"https://u:{password.replace('/', '').replace('?', '').replace('#', '')}SECRET@h/{rest}"

    left = without_secrets(url)

    assert "SECRET" not in left
    assert "?" not in left
    assert "#" not in left
    assert without_secrets(left) == left


def test_the_name_of_a_list_behind_a_signed_url_is_recorded_without_the_signature():
    source = {"kind": "folder", "labels": "https://u:p@h/labels.csv?sig=a/SECRET", "classes": "lists\\names.txt"}
    recipe = read_recipe({"name": "x", "version": "1.0.0", "source": source, "corrupt": {"preset": "natural"}}, "x")

    assert recipe.content()["source"] == {"kind": "folder", "labels": "labels.csv", "classes": "names.txt"}
    assert last_part("s3://b/a.tar?x=/y") == "a.tar"


@pytest.mark.parametrize(
    "source",
    [
        RemoteFolder(URL),
        TarSource(URL),
        NpzSource(URL, "1", "test", "x", None, Naming()),
        NpySource(URL, "1", "test", None, Naming()),
        CifarSource(URL, "1", "test", None),
    ],
    ids=lambda source: type(source).__name__,
)
def test_a_source_does_not_show_its_url(source):
    assert not any(secret in repr(source) for secret in SECRETS)


def test_a_source_that_is_no_text_is_an_error(place):
    done = CliRunner().invoke(app, ["plan", "recipe.toml", "--source", ""])

    assert done.exit_code == 2
    assert "the source is ''" in done.output


def test_files_of_a_recipe_are_not_taken_from_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    write_photographs(tmp_path / "deep" / "photographs", 1)
    recipe = write_recipe(tmp_path / "deep")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("astronaut\n")
    recipe.write_text(recipe.read_text("utf-8").replace('path = "', 'classes = "names.txt"\npath = "'), "utf-8")

    with pytest.raises(RecipeError, match=r"there is one in the current directory.*write '\.\./names\.txt'"):
        generation.make_plan(recipe)
    recipe.write_text(recipe.read_text("utf-8").replace('"names.txt"', '"../names.txt"'), "utf-8")

    assert generation.make_plan(recipe).listing.classes.names == ("astronaut",)


def test_more_workers_than_blocks_do_not_start():
    worker_config = backends.WorkerConfig(64)

    assert worker_config.at_most(3).count == 3
    assert worker_config.at_most(0).count == 1
    assert worker_config.at_most(1).kind == "sequential"
    assert backends.WorkerConfig(None, "dask", "host:1").at_most(1).workers is None
    assert backends.WorkerConfig(2).at_most(9).count == 2


def test_nothing_secret_of_a_url_reaches_the_events_of_a_build(place):
    done = CliRunner().invoke(app, ["generate", "recipe.toml", "--json", "--source", URL, "--output", "none"])

    assert '"event": "failed"' in done.stdout
    assert not any(secret in done.output for secret in SECRETS)
