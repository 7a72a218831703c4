"""Identity: what pixels are computed by is written down, and parts made by other code are not put together."""

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.declare import fused_path_of
from corruptgen.engine.identity import check_identity, describe, identify, marks
from corruptgen.errors import DeclarationError, OutputError, RecipeError, ScoreError
from corruptgen.publishing.card import write_card
from corruptgen.publishing.difference import compare_datasets
from corruptgen.publishing.presentation import present
from corruptgen.runtime.interactive import code_digest
from corruptgen.runtime.provenance import LOADED, Sources
from corruptgen.scoring.evaluation import score
from corruptgen.tables import catalog
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import ROOT

PLUG_IN = '''"""Tints."""

from prints.inks import BROWN

from corruptgen.declare import UnitColour, corruption


@corruption
def sepia(image: UnitColour, *, strength: float) -> UnitColour:
    """Tint the image brown."""
    return (1 - strength) * image + strength * image.mean(axis=2, keepdims=True) * BROWN
'''
INKS = "BROWN = [1.0, 0.8, 0.6]\n"
TABLE = '[preset]\ntitle = "Prints"\nlevels = 2\n[sepia]\nstrength = [0.5, 1.0]\n[brightness]\noffset = [0.1, 0.2]\n'
RECIPE = """
name = "old"
version = "1.0.0"
[source]
kind = "folder"
[corrupt]
preset = "prints.toml"
[output]
items_per_shard = 1
"""


def install(place, name="prints", version="1.2", module="prints.tint"):
    """Write what an installer writes about a package with corruptions."""
    info = place / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[corruptgen.corruptions]\n{name} = {module}\n", "utf-8")


@pytest.fixture
def place(tmp_path):
    package = tmp_path / "site/prints"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", "utf-8")
    (package / "tint.py").write_text(PLUG_IN, "utf-8")
    (package / "inks.py").write_text(INKS, "utf-8")
    install(tmp_path / "site")
    (tmp_path / "prints.toml").write_text(TABLE, "utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, "utf-8")
    (tmp_path / "photographs").mkdir()
    draws = np.random.RandomState(1843956201)
    for name in "ab":
        Image.fromarray(draws.randint(0, 256, (12, 12, 3)).astype(np.uint8)).save(tmp_path / f"photographs/{name}.png")
    return tmp_path


@pytest.fixture
def process(place, monkeypatch):
    """Return what starts a new process: with the plug-in on its path or without, and nothing loaded of it."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def begin(plug_in=True):
        sys.path[:] = [entry for entry in sys.path if entry != str(place / "site")]
        if plug_in:
            sys.path.insert(0, str(place / "site"))
        for kept in (sys.modules, LOADED.read):
            for name in [name for name in kept if name.partition(".")[0] == "prints"]:
                del kept[name]
        importlib.invalidate_caches()
        catalog._installed.cache_clear()
        catalog._origin.cache_clear()
        catalog._state["generation"] += 1

    begin()
    yield begin
    begin(plug_in=False)


def generate(output="out", **options):
    return corruptgen.generate("recipe.toml", source="photographs", output=output, workers=1, **options)


def test_a_plug_in_that_is_edited_between_two_shards_is_named_and_not_merged(place, process):
    differs = "corruption sepia of prints 1.2: its source differs"
    generate(shard="1/2")
    (place / "site/prints/inks.py").write_text(INKS.replace("0.6", "0.5"), "utf-8")
    process()

    with pytest.raises(OutputError, match=differs):
        generate(shard="2/2")
    generate("other", shard="2/2")
    shutil.copytree("other", "out", dirs_exist_ok=True)
    with pytest.raises(OutputError, match=f"shards 1/2 and 2/2 do not belong together.*{differs}"):
        corruptgen.merge("out")
    assert not Path("out/manifest.json").exists()


def test_shards_of_one_plug_in_are_merged_and_a_block_of_another_is_refused(place, process):
    for number in (1, 2):
        generate(shard=f"{number}/2")
    table = Path("out/items/00001.jsonl")
    whole = table.read_text("utf-8")
    head, _, rest = whole.partition("\n")
    made_by = json.loads(head)["made_by"]
    table.write_text(json.dumps(json.loads(head) | {"made_by": made_by | {"corruption sepia": "0"}}) + "\n" + rest)

    with pytest.raises(OutputError, match=r"00001\.jsonl was made with other code .* \(corruption sepia\)"):
        corruptgen.merge("out")
    table.write_text(whole, "utf-8")
    process(plug_in=False)
    with pytest.raises(OutputError, match=r"merged here: the corruption sepia of prints 1\.2 is not installed"):
        corruptgen.merge("out")
    process()

    assert corruptgen.merge("out").items == 2
    assert json.loads(Path("out/manifest.json").read_text("utf-8"))["identity"]["corruptions"]["sepia"]


def test_a_finished_output_says_what_made_it_and_is_verified_without_its_plug_in(place, process):
    generate()
    said = json.loads(Path("out/manifest.json").read_text("utf-8"))["identity"]
    marker = json.loads(Path("out/.corruptgen.json").read_text("utf-8"))["identity"]
    heads = [json.loads(path.read_text("utf-8").split("\n")[0]) for path in sorted(Path("out/items").iterdir())]
    process(plug_in=False)
    files = verify("out", workers=1)
    with pytest.raises(RecipeError, match=r"the corruption sepia of prints 1\.2 is not installed") as refused:
        verify("out", depth="full", source="photographs", workers=1)

    assert said["corruptions"].keys() == {"sepia", "brightness"}
    assert said["corruptions"]["sepia"]["distribution"] == "prints"
    assert said["corruptions"]["sepia"]["version"] == "1.2"
    assert said["libraries"].keys() >= {"opencv", "numpy", "pillow", "simplejpeg"}
    assert said["libraries"]["opencv"]["dispatch"]
    assert marker == said
    assert {json.dumps(head["made_by"], sort_keys=True) for head in heads} == {json.dumps(marks(said), sort_keys=True)}
    assert files.problems == ()
    assert "not installed" in files.notes[0]
    assert "damaged" not in str(refused.value)


def test_a_finished_output_stays_when_its_plug_in_is_edited_and_is_not_repaired_by_other_code(place, process):
    generate()
    (place / "site/prints/tint.py").write_text(PLUG_IN + "\n", "utf-8")
    process()

    assert generate().was_finished
    next(Path("out/sepia").rglob("*.png")).unlink()
    with pytest.raises(OutputError, match=r"corruption sepia of prints 1\.2: its source differs"):
        generate(check=True)
    noted = verify("out", depth="sample", source="photographs", workers=1).notes
    assert "its source differs" in noted[0]


def test_a_plug_in_that_cannot_be_loaded_is_named_when_it_is_needed_and_stops_nothing_else(place, process):
    for broken in ("import nothing_of_this_name\n", "raise SystemExit(3)\n", "def (\n", "1 / 0\n"):
        (place / "site/prints/tint.py").write_text(broken, "utf-8")
        process()

        assert catalog.find_corruption("fog").name == "fog"
        assert "natural" in corruptgen.presets()
        with pytest.raises(RecipeError, match=r"the plug-in prints of prints 1\.2 cannot be loaded \(\w+"):
            generate()


def test_corruptions_with_one_name_are_told_apart_by_their_packages(place, process):
    renamed = (place / "prints.toml").read_text("utf-8").replace("[sepia]", '[sepia]\nuse = "prints:brightness"')
    (place / "prints.toml").write_text(renamed, "utf-8")
    (place / "site/prints/tint.py").write_text(PLUG_IN.replace("def sepia", "def brightness"), "utf-8")
    process()

    assert catalog.find_corruption("brightness").function.__module__ == "corruptgen.corruptions.common.exposure"
    assert catalog.find_corruption("prints:brightness").function.__module__ == "prints.tint"
    assert catalog.origin("prints:brightness").distribution == "prints"
    generate()
    assert "prints:brightness" in Path("out/manifest.json").read_text("utf-8")
    assert verify("out", depth="full", source="photographs", workers=1).problems == ()


def test_of_two_packages_that_use_one_name_neither_is_chosen(place, process):
    (place / "site/posters.py").write_text(PLUG_IN, "utf-8")
    install(place / "site", "posters", "2.0", "posters")
    process()

    assert catalog.find_corruption("fog").name == "fog"
    with pytest.raises(DeclarationError, match='\'sepia\'; write "posters:sepia" or "prints:sepia"'):
        catalog.find_corruption("sepia")
    for package in ("prints", "posters"):
        assert catalog.origin(f"{package}:sepia").distribution == package


def test_data_and_compiled_parts_of_a_plug_in_are_part_of_its_source(place, process):
    before = catalog.origin("sepia").source
    (place / "site/prints/weights.bin").write_bytes(b"1")
    process()
    data = catalog.origin("sepia").source
    (place / "site/prints/unused.py").write_text("1", "utf-8")
    process()

    assert data != before
    assert catalog.origin("sepia").source == data, "a module that nothing imports decides nothing"


TYPED = '''
from corruptgen.declare import Unit

FACTOR = 0.5

def weighted(image, by):
    return FACTOR * by * image

def dim(image: Unit, *, by: float) -> Unit:
    """Multiply every value."""
    return weighted(image, by)
'''
DIM = '[preset]\ntitle = "x"\nlevels = 1\n[dim]\nby = [0.5]\n'


def typed(tmp_path, text, name="typed_in_a_notebook"):
    """Define what a cell of a notebook defines: its text can be read, and its module has no file."""
    path = tmp_path / f"cell{len(list(tmp_path.iterdir()))}.py"
    path.write_text(text, "utf-8")
    found = {"__name__": name}
    exec(compile(text, str(path), "exec"), found)
    return found


def test_a_corruption_of_a_notebook_is_registered_and_recorded_by_its_source(tmp_path):
    table = tmp_path / "dim.toml"
    table.write_text(DIM, "utf-8")
    image = np.full((4, 4, 3), 200, np.uint8)
    digests, pixels = [], []
    for before, after in (("", ""), ("0.5", "1.0"), ("by * image", "by * by * image"), ("", "")):
        found = typed(tmp_path, TYPED.replace(before, after) if before else TYPED)
        corruptgen.register(found["dim"])
        digests.append(catalog.origin("dim").source)
        pixels.append(int(corruptgen.corrupt(image, "dim", 1, preset=str(table))[0, 0, 0]))

    assert pixels == [50, 100, 25, 50]
    assert len(set(digests)) == 3, "the function, what it calls and the values that it uses are its source"
    assert digests[3] == digests[0]
    assert catalog.origin("dim").distribution == ""


def test_whatever_a_function_of_a_notebook_uses_is_part_of_its_source(tmp_path):
    text = """
import numpy as np
WEIGHTS = np.arange(3)
class Curve:
    GAMMA = 2.0
    def bend(self, image):
        return image ** self.GAMMA + WEIGHTS[0]
CURVE = Curve()
def outer(image):
    inner = lambda: Curve().bend(image)
    return inner()
"""
    changes = {
        "": "",
        "GAMMA = 2.0": "GAMMA = 2.5",
        "** self": "* self",
        "arange(3)": "ones(3)",
        "inner()\n": "inner() \n",
    }

    digests = [code_digest(typed(tmp_path, text.replace(a, b) if a else text)["outer"]) for a, b in changes.items()]
    unused = code_digest(typed(tmp_path, text.replace("CURVE = Curve()", "CURVE = None"))["outer"])

    assert len(set(digests)) == len(changes)
    assert unused == digests[0]


def test_what_cannot_be_registered_says_why(tmp_path):
    found = typed(tmp_path, TYPED.replace("def dim", "def fog"))
    with pytest.raises(DeclarationError, match="an installed package has a corruption 'fog' already"):
        corruptgen.register(found["fog"])

    with pytest.raises(DeclarationError, match="has no docstring"):
        corruptgen.register(lambda image: image)
    hidden = {"__name__": "hidden"}
    exec(TYPED, hidden)
    with pytest.raises(DeclarationError, match="the source of dim cannot be read"):
        corruptgen.register(hidden["dim"])


def test_workers_know_what_was_registered(place):
    (place / "script.py").write_text(
        TYPED + "import corruptgen\nif __name__ == '__main__':\n"
        "    corruptgen.register(dim)\n"
        "    corruptgen.generate('recipe.toml', source='photographs', output='out', workers=2)\n",
        "utf-8",
    )
    (place / "prints.toml").write_text(DIM, "utf-8")

    done = subprocess.run([sys.executable, "script.py"], cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=False)  # fmt: skip

    assert done.returncode == 0, done.stderr
    said = json.loads((place / "out/manifest.json").read_text("utf-8"))["identity"]["corruptions"]["dim"]
    assert said["distribution"] == ""
    assert len(said["source"]) == 64
    assert verify(place / "out", workers=1).notes == ("the corruption dim is not registered here",)


@pytest.mark.parametrize("in_a_notebook", [False, True])
def test_loaders_that_are_spawned_know_what_was_registered(place, in_a_notebook):
    (place / "prints.toml").write_text(DIM, "utf-8")
    script = (
        TYPED + "import multiprocessing, pickle, sys\nimport numpy as np\nimport corruptgen\n"
        "from corruptgen.transforms import Corrupt, Corrupted\n"
        "if __name__ == '__main__':\n"
        "    corruptgen.register(dim)\n"
        f"    if {in_a_notebook}: del sys.modules['__main__'].__file__\n"
        "    image = np.full((4, 4, 3), 200, np.uint8)\n"
        "    transform = Corrupt('prints.toml', ['dim'], severity=1, seed=0)\n"
        "    dataset = Corrupted([image], 'prints.toml', 'dim', 1)\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        made = pool.map(transform, [image]) + pool.map(dataset.__getitem__, [0])\n"
        "    print([int(one.max()) for one in made])\n"
    )
    (place / "script.py").write_text(script, "utf-8")

    done = subprocess.run([sys.executable, "script.py"], cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=False)  # fmt: skip

    assert done.stdout == "[50, 50]\n", done.stderr[-2000:]


def test_a_difference_names_the_code_that_computed_the_pixels(place, process):
    generate()
    (place / "site/prints/tint.py").write_text(PLUG_IN + "\n", "utf-8")
    process()
    generate("other")

    found = compare_datasets(open_dataset("out"), open_dataset("other"))
    same = compare_datasets(open_dataset("out"), open_dataset("out"))

    assert found.others == (
        "the code that computed the pixels differs: corruption sepia of prints 1.2: its source differs",
    )
    assert not found.breaks
    assert not same.is_any


def test_a_dataset_without_its_plug_in_is_neither_scored_nor_published(place, process):
    generate()
    process(plug_in=False)
    (place / "answers.csv").write_text("image_id,corruption,severity,prediction\n", "utf-8")

    with pytest.raises(ScoreError, match=r"the corruption sepia of prints 1\.2 is not installed; install it first"):
        score("answers.csv", "out")
    with pytest.raises(OutputError, match=r"the corruption sepia of prints 1\.2 is not installed; install it first"):
        write_card(open_dataset("out"))
    with pytest.raises(OutputError, match=r"the corruption sepia of prints 1\.2 is not installed; install it first"):
        present(open_dataset("out"), "owner/old")


def test_an_edited_table_of_ones_own_gives_the_new_pixels_in_the_same_process(tmp_path, monkeypatch):
    table = tmp_path / "own.toml"
    image = np.full((4, 4, 3), 100, np.uint8)
    found = []
    for shift in ("0.1", "0.2"):
        table.write_text(f'[preset]\ntitle = "x"\nlevels = 1\n[brightness]\noffset = [{shift}]\n', "utf-8")
        os.utime(table, (1, 1))
        found.append(corruptgen.corrupt(image, "brightness", 1, preset=str(table)).mean())

    assert found[0] < found[1]


def test_what_differs_between_two_identities_is_named():
    preset = catalog.preset("imagenet-c")
    now = identify(preset, ["fog", "snow"])
    other = json.loads(json.dumps(now))
    other["corruptions"]["fog"]["source"] = "0"
    other["libraries"]["opencv"]["dispatch"] = "SSE2"
    other["libraries"]["opencv"]["build"] = "0"
    del other["corruptions"]["snow"]

    text = describe(other, now)

    assert f"corruption fog of corruptgen {corruptgen.__version__}: its source differs" in text
    assert "library opencv: build 0 before" in text
    assert "dispatch SSE2 before" in text
    assert "corruption snow only now" in text
    with pytest.raises(OutputError, match="its source differs"):
        check_identity(other, now, "it was begun")
    for old in (None, {}, [], "x", {"corruptions": 3}):
        with pytest.raises(OutputError, match="does not state what code made it"):
            check_identity(old, now, "it was begun")


def test_an_edit_of_our_own_changes_the_corruptions_that_depend_on_it_and_no_others():
    def digests(sources):
        def modules(function):
            fast = fused_path_of(function)
            return {found.__module__ for found in (function, fast) if found is not None}

        found = {name: modules(declared.function) for name, declared in catalog.corruptions().items()}
        return {name: sources.digest(*some, within={"corruptgen"}) for name, some in found.items()}

    now = Sources()
    before = digests(now)
    edited = "corruptgen.fast.fog"
    after = digests(Sources({**now.read, edited: replace(now.read[edited], digest=b"another")}))

    assert before == {name: catalog.origin(name).source for name in before}
    changed = {name for name in before if before[name] != after[name]}
    assert "fog" in changed
    assert "jpeg_compression" not in changed


def test_every_import_of_the_package_is_followed():
    sources = Sources()
    found = sources.modules(*(m for m in sys.modules if m.startswith("corruptgen.")), within={"corruptgen"})
    assert len(found) > 50
    for name, module in found.items():
        tree = (
            ast.parse(Path(sys.modules[name].__file__).read_text("utf-8"))
            if name in sys.modules
            else ast.Module([], [])
        )
        seen = {place for place, _ in module.imports}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                assert node.module in seen, name
            elif isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= seen, name


def test_imports_of_every_form_are_followed(tmp_path, monkeypatch):
    package = tmp_path / "forms"
    package.mkdir()
    texts = {
        "__init__": "", "a": "import forms.b, forms.c\nfrom . import (  # why\n    d,\n    e as f,\n)\n"
        "from .g import \\\n    thing\ndef late():\n    from forms import h; import forms.i\n",
        **dict.fromkeys("bcdefghij", "thing = 1\n"), "b": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from forms import j\n",
    }  # fmt: skip
    for name, text in texts.items():
        (package / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    found = Sources().modules("forms.a", within={"forms"})

    assert found.keys() == {"forms", *(f"forms.{name}" for name in "abcdeghi")}


def test_an_output_of_an_earlier_version_is_read_verified_and_left_alone(place, process):
    generate()
    for path in (Path("out/manifest.json"), Path("out/.corruptgen.json")):
        content = json.loads(path.read_text("utf-8"))
        del content["identity"]
        content.pop("digest", None)
        path.write_text(json.dumps(content, indent=2), "utf-8")

    assert verify("out", workers=1).problems == ()
    assert verify("out", depth="full", source="photographs", workers=1).problems == ()
    assert generate().was_finished
    next(Path("out/sepia").rglob("*.png")).unlink()
    with pytest.raises(OutputError, match="does not state what code made it"):
        generate(check=True)
    process(plug_in=False)
    with pytest.raises(RecipeError, match="the corruption sepia is not installed"):
        verify("out", depth="full", source="photographs", workers=1)
