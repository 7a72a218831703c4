"""Plug-ins: a package outside adds a source, a format, a measure and tables, each in one module, and they are used."""

import importlib
import json
import pickle
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.engine.plan import make_plan
from corruptgen.errors import DeclarationError, OutputError, RecipeError, UnknownName
from corruptgen.recipe.declarations import FORMATS, KINDS
from corruptgen.recipe.recipe import load
from corruptgen.scoring.measure import MEASURES
from corruptgen.store.output_directory import OutputDirectory
from corruptgen.tables import catalog
from corruptgen.tables.files import forget_tables
from tests.hub.client import Session
from tests.hub.server import Hub
from tests.photographs import ROOT

PAGE = (ROOT / "docs/extending.md").read_text("utf-8")
SHEETS, GRADIENTS, WORST = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TABLE = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[-1]
ENTRIES = """
[corruptgen.sinks]
sheet = {name}.sheet
[corruptgen.sources]
gradient = {name}.gradient:KIND
[corruptgen.measures]
worst_error = {name}.worst
[corruptgen.tables]
{name} = {name}.tables
"""
RECIPE = """
name = "proofs"
version = "1.0.0"
[source]
kind = "gradient"
path = "gradients.txt"
side = 36
paper = "/somewhere/else"
inks = "deep/inks.txt"
license = "cc0-1.0"
[corrupt]
preset = "proofs"
[output]
format = "sheet"
margin = 3
clean = true
items_per_shard = 2
"""


def install(site, name, version="1.2", entries=ENTRIES):
    """Write what an installer writes of a package with one of each kind of plug-in."""
    package = site / name
    (package / "tables").mkdir(parents=True)
    for file, text in (("__init__.py", ""), ("sheet.py", SHEETS), ("gradient.py", GRADIENTS), ("worst.py", WORST)):
        (package / file).write_text(text, "utf-8")
    (package / "tables/__init__.py").write_text("", "utf-8")
    (package / "tables/proofs.toml").write_text(TABLE, "utf-8")
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    (info / "entry_points.txt").write_text(entries.format(name=name), "utf-8")


def forget(path=None):
    """Forget what was found of plug-ins, as if the process had just begun."""
    sys.path[:] = [entry for entry in sys.path if path is None or entry != str(path)]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("prints", "posters", "ruins")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    for registry in (FORMATS, KINDS, MEASURES):
        registry.forget()
    forget_tables()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages, with one in it; what is written there later counts after `forget`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    place = tmp_path / "site"
    install(place, "prints")
    (tmp_path / "recipe.toml").write_text(RECIPE, "utf-8")
    lines = [f"image-{number} {number * 20} {'ab'[number % 2]}" for number in range(5)]
    (tmp_path / "gradients.txt").write_text("\n".join(lines), "utf-8")
    forget()
    sys.path.insert(0, str(place))
    yield place
    forget(place)


def run(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout + done.stderr


def test_one_of_each_from_a_package_outside_is_listed_used_verified_scored_and_published(site, tmp_path):
    code, listed = run("list")
    made = corruptgen.generate("recipe.toml", output="out", workers=1)
    dataset = corruptgen.open("out")
    manifest = json.loads(Path("out/manifest.json").read_text("utf-8"))
    verdict = corruptgen.verify("out", depth="full", workers=1)
    rows = [(item, row, severity) for item in dataset for row, severity in dataset.cells]
    wrong = {("contrast", 2.0): 1}
    lines = [f"{i.id},{row},{s:g},{(dataset.label(i) + wrong.get((row, s), 0)) % 2}" for i, row, s in rows]
    Path("predictions.csv").write_text("\n".join(["id,row,severity,prediction", *lines]), "utf-8")
    report = corruptgen.score("predictions.csv", "out", metrics=["worst_error", "mean_error"], resamples=0)

    assert code == 0
    for words in (
        "proofs",
        "kinds of sources of other packages: gradient (prints 1.2)",
        "formats of other packages: sheet (prints 1.2)",
        "metrics of other packages: worst_error (prints 1.2)",
    ):
        assert words in listed
    assert (made.items, made.cells) == (5, 5)
    assert sorted(path.name for path in Path("out/contrast").iterdir()) == [
        f"{severity}-{block:05d}.sheet" for severity in (1, 2) for block in range(3)
    ]
    for item in dataset:
        clean = dataset.image("clean", 0, item)
        assert clean.shape == (36, 36, 3)
        expected = corruptgen.corrupt(clean, "contrast", 2, preset="proofs", key=item.id)
        assert np.array_equal(dataset.image("contrast", 2, item), expected)
    assert dataset.recipe.output.get("margin") == 3
    assert manifest["recipe"]["source"] == {"kind": "gradient", "side": 36, "inks": "inks.txt", "license": "cc0-1.0"}
    assert manifest["recipe"]["output"]["margin"] == 3
    assert manifest["plugins"] == {"kind of source gradient": "prints 1.2", "format sheet": "prints 1.2"}
    assert manifest["environment"]["prints"] == "1.2"
    assert (verdict.problems, verdict.notes, verdict.pixels) == ((), (), 25)
    assert report.scores["worst_error"].value == 0.5
    assert report.scores["mean_error"].value == 0.25


def test_what_a_plug_in_opens_and_writes_with_travels_to_other_processes(site):
    plan = make_plan("recipe.toml")

    source, sink = pickle.loads(pickle.dumps((plan.source, plan.sink(OutputDirectory(Path("out").resolve())))))

    assert (source, sink.cells, sink.margin) == (plan.source, plan.cells, 3)


def test_a_dataset_of_plug_ins_is_published_with_what_they_declare(site, tmp_path):
    corruptgen.generate("recipe.toml", output="out", workers=1)
    hub = Hub()
    session = Session(hub.url, tmp_path, PYTHONPATH=f"{site}:{ROOT}")
    try:
        done = session.run("publish", tmp_path / "out", "ns/proofs", "--workers", 1)
    finally:
        session.close()
        hub.close()
    card, croissant = (
        Path("out/README.md").read_text("utf-8"),
        json.loads(Path("out/croissant.json").read_text("utf-8")),
    )

    assert done.returncode == 0, done.stderr
    assert "contrast/2-00002.sheet" in hub.repositories["ns/proofs"].head.tree
    assert 'first = open(f"{folder}/contrast/1-00000.sheet", "rb").read()\n```\n\nSheets of images.' in card
    files = [entry for entry in croissant["distribution"] if entry["@type"] == "cr:FileSet"]
    assert {entry["encodingFormat"] for entry in files} == {"application/x-sheet"}
    assert files[-1]["includes"] == ["contrast/1-*.sheet", "contrast/2-*.sheet"]


def test_keys_of_a_plug_in_are_checked_like_all_others(site):
    wrong = [
        ({"output.margin": 10}, r"\[output\] margin: found 10, allowed is a whole number from 0 to 9"),
        ({"output.margins": 3}, r"\[output\] margins: no key is called 'margins'; did you mean 'margin'"),
        ({"source.side": "wide"}, r"\[source\] side: found 'wide', allowed is a whole number from 32 to 64"),
        ({"source.split": "test"}, r"\[source\] split: is a key of kind = .*; the keys of kind = \"gradient\" are"),
        ({"output.format": "shet"}, r"\[output\] format: found 'shet', allowed is \"folder\" or .* or \"sheet\""),
        ({"source.kind": "gradien"}, r"\[source\] kind: found 'gradien', allowed is \"folder\" or .* or \"gradient\""),
    ]
    for overrides, message in wrong:
        with pytest.raises(RecipeError, match=message):
            load("recipe.toml", overrides)
    assert load("recipe.toml", {"output.format": "prints:sheet"}).output.declared.name == "sheet"


@pytest.mark.parametrize("broken", ["import nothing_of_this_name\n", "raise SystemExit(3)\n", "def (\n", "KIND = 1\n"])
def test_a_broken_plug_in_is_named_with_its_package_when_it_is_needed_and_stops_nothing_else(site, broken):
    corruptgen.generate("recipe.toml", output="out", workers=1)
    for file in ("sheet.py", "gradient.py", "worst.py", "tables/__init__.py"):
        (site / "prints" / file).write_text(broken, "utf-8")
    forget()

    assert load("imagenet-c").output.format == "folder"
    assert "imagenet-c" in corruptgen.presets()
    assert run("list")[0] == 0
    for name, registry in (("sheet", FORMATS), ("gradient", KINDS), ("worst_error", MEASURES)):
        with pytest.raises(DeclarationError, match=rf"the plug-in {name} of prints 1\.2"):
            registry.find(name)
    with pytest.raises(RecipeError, match=r"\[source\] kind: the plug-in gradient of prints 1\.2"):
        corruptgen.generate("recipe.toml", output="other", workers=1)
    with pytest.raises(OutputError, match=r"out cannot be read here: the plug-in gradient of prints 1\.2"):
        corruptgen.verify("out", workers=1)
    if "KIND" not in broken:
        with pytest.raises(UnknownName, match=r"no preset is called 'proofs'.*the plug-in prints of prints 1\.2"):
            catalog.preset("proofs")


def test_a_dataset_whose_plug_in_is_not_installed_names_the_package(site):
    corruptgen.generate("recipe.toml", output="out", workers=1)
    corruptgen.generate("recipe.toml", output="shards", workers=1, shard="1/1")
    shutil.rmtree(site / "prints-1.2.dist-info")
    forget()

    lacking = (
        r"the kind of source gradient of prints 1\.2 is not installed; the format sheet of prints 1\.2 is not inst"
    )
    for call in (corruptgen.open, corruptgen.verify, lambda place: corruptgen.score("predictions.csv", place)):
        with pytest.raises(OutputError, match=lacking):
            call("out")
    with pytest.raises(OutputError, match=lacking):
        corruptgen.merge("shards")


def test_two_plug_ins_with_one_name_are_told_apart_by_their_packages(site):
    install(site, "posters", "0.3")
    forget()

    for registry, name, word in ((FORMATS, "sheet", "format"), (KINDS, "gradient", "kind of source")):
        names = f'several packages bring a {word} {name!r}; write "posters:{name}" or "prints:{name}"'
        with pytest.raises(DeclarationError, match=names):
            registry.find(name)
        assert registry.find(f"posters:{name}") is not registry.find(f"prints:{name}")
        assert {f"posters:{name}", f"prints:{name}"} <= set(registry)
    with pytest.raises(
        DeclarationError, match="several packages bring a severity table 'proofs'; write \"posters:proo"
    ):
        catalog.preset("proofs")
    assert {"posters:proofs", "prints:proofs"} <= set(corruptgen.presets())
    chosen = {"output.format": "posters:sheet", "source.kind": "prints:gradient", "corrupt.preset": "posters:proofs"}
    corruptgen.generate(load("recipe.toml", chosen), output="out", workers=1)
    manifest = json.loads(Path("out/manifest.json").read_text("utf-8"))
    assert manifest["plugins"] == {
        "kind of source prints:gradient": "prints 1.2",
        "format posters:sheet": "posters 0.3",
    }
    assert corruptgen.verify("out", depth="full", workers=1).problems == ()


def test_what_the_package_itself_declares_keeps_its_name(site):
    entries = (
        "[corruptgen.sinks]\nfolder = {name}.sheet:FOLDER\n[corruptgen.sources]\nfolder = {name}.gradient:FOLDER\n"
    )
    install(site, "ruins", entries=entries)
    for file, kind in (("sheet", "FORMAT"), ("gradient", "KIND")):
        with (site / f"ruins/{file}.py").open("a", encoding="utf-8") as module:
            module.write(f'\nfrom dataclasses import replace\nFOLDER = replace({kind}, name="folder")\n')
    forget()

    for registry in (FORMATS, KINDS):
        assert registry.find("folder") is registry.built_in["folder"]
        assert registry.find("ruins:folder") is not registry.built_in["folder"]
        assert "ruins:folder" in registry


def test_what_each_of_our_own_modules_declares_is_found_by_the_walk():
    assert set(FORMATS.built_in) == {"folder", "npy", "npz", "parquet", "webdataset"}
    assert set(KINDS.built_in) == {"folder", "coco", "npz", "npy", "cifar", "mnist", "hub", "webdataset"}
    assert list(MEASURES.built_in)[:3] == ["mean_error", "mean_accuracy", "common_accuracy"]
    for kind in KINDS.built_in.values():
        assert not set(kind.keys) & {"kind", "path", "limit", "subset", "sample", "per", "license", "citation"}
    for form in FORMATS.built_in.values():
        assert form.files("fog", 2.5).startswith(("fog", "data/fog"))
        assert not (form.stores_pixels and form.has_names)


def test_no_other_module_asks_for_the_name_of_a_format_or_of_a_kind_of_source():
    own = {"recipe/output_section.py", "recipe/source_section.py"}
    found = []
    for path in sorted((ROOT / "corruptgen").rglob("*.py")):
        place = path.relative_to(ROOT / "corruptgen").as_posix()
        text = path.read_text("utf-8")
        asks = ("output.format ==", "output.format !=", "output.format in", "source.kind ==", "source.kind !=")
        found += [place for words in asks if words in text and place not in own]

    assert found == []
