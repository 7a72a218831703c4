"""The docstrings of what users call: numpydoc's form, and examples that run."""

import doctest
import importlib
import inspect
import re

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen import gallery, metrics, transforms

METRICS = ("accuracy_trend", "baselines", "calibration", "class_balance", "conformal", "corruption_error", "detection",
           "grid", "resampling", "resolution", "sequences", "trajectory")  # fmt: skip
# Two images, two rows at two severities each, a block for each image.
RECIPE = """
name = "small-c"
version = "1.0.0"

[source]
kind = "folder"
path = "photographs"

[corrupt]
preset = "natural"
rows = ["brightness", "gaussian_noise"]
severities = [1, 3]

[output]
items_per_shard = 1
"""
# What a function or method needs no example for: values that others return, and checks that are parts of others.
BARE = {"Draw", "Transform", "Gallery", "Photograph", "gallery_of_dataset", "write_page", "WeakDenominator",
        "read_baseline", "check_complete", "check_fractions", "cell_name", "fractions"}  # fmt: skip
SECTION = re.compile(r"^(\w[\w ]+)\n(-{3,})$", re.MULTILINE)
ORDER = ("Parameters", "Returns", "Yields", "Raises", "References", "Examples")


def public_things():
    """Return what `__all__` of the front and of the rooms for users names, and the functions of the metrics."""
    found = {}
    for room in (corruptgen, transforms, gallery):
        found |= {f"{room.__name__}.{name}": getattr(room, name) for name in room.__all__ if name != "__version__"}
    for name in METRICS:
        module = importlib.import_module(f"{metrics.__name__}.{name}")
        found |= {
            f"{module.__name__}.{called}": thing
            for called, thing in vars(module).items()
            if not called.startswith("_") and callable(thing) and getattr(thing, "__module__", "") == module.__name__
        }
    found["corruptgen.transforms.hf.corrupt"] = importlib.import_module("corruptgen.transforms.hf").corrupt
    return dict(sorted(found.items()))


PUBLIC = public_things()


def sections(thing):
    """Return the text of each section of a docstring, the summary under ""."""
    parts = SECTION.split(inspect.getdoc(thing) or "")
    for title, line in zip(parts[1::3], parts[2::3], strict=True):
        assert len(line) == len(title), f"the line below {title} is as long as the word"
    return {"": parts[0].strip()} | {
        title: text.strip("\n") for title, text in zip(parts[1::3], parts[3::3], strict=True)
    }


def entries(text):
    """Return the entries of a section: what begins each of them, and the indented lines below it."""
    return [
        (head, [line.strip() for line in below.split("\n") if line.strip()])
        for head, below in re.findall(r"^(\S.*)((?:\n(?: {4}.*)?)*)", text, re.MULTILINE)
    ]


@pytest.fixture
def working_folder(tmp_path, monkeypatch):
    """A folder with the photographs and the recipe that examples use."""
    (tmp_path / "photographs/a").mkdir(parents=True)
    for name in ("one", "two"):
        ramp = np.linspace(0, 255, 240).astype(np.uint8)
        Image.fromarray(np.tile(ramp[:, None, None], (1, 240, 3))).save(tmp_path / f"photographs/a/{name}.png")
    (tmp_path / "small.toml").write_text(RECIPE, "utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_docstring_has_the_form_that_numpydoc_reads(name):
    thing = PUBLIC[name]
    found = sections(thing)

    summary = found[""].split("\n")[0]
    assert summary.endswith(".")
    assert summary[0].isupper()
    titles = [title for title in found if title]
    assert titles == sorted(titles, key=ORDER.index)
    described = entries(found.get("Parameters", ""))
    for head, below in described:
        assert re.fullmatch(r"\*{0,2}\w+(, \*{0,2}\w+)* : \S.*", head), f"{head!r} is a name, a colon and a type"
        assert below or " of " in head or "shape" in head, f"{head!r}: the lines below it say what it means"
    for title in ("Returns", "Yields", "Raises"):
        for head, below in entries(found.get(title, "")):
            assert below, f"{title}: {head!r} is the type; its meaning is below it"


@pytest.mark.parametrize("name", PUBLIC)
def test_a_docstring_describes_the_parameters_that_there_are_and_what_is_returned(name):
    thing = PUBLIC[name]
    found = sections(thing)
    heads = [head.partition(" : ")[0] for head, _ in entries(found.get("Parameters", ""))]
    described = {part.lstrip("*") for head in heads for part in head.split(", ")}
    signature = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing)
    known = signature.parameters.keys() - {"self"}

    assert described <= known
    if not inspect.isclass(thing):
        assert described == known, f"not described: {known - described}"
        assert signature.return_annotation is None or {"Returns", "Yields"} & found.keys()


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.rpartition(".")[2] not in BARE])
@pytest.mark.usefixtures("working_folder")
@pytest.mark.filterwarnings("ignore:.*albumentations.*")
def test_what_users_call_has_an_example_that_runs(name):
    thing = PUBLIC[name]
    [test] = doctest.DocTestFinder(recurse=False).find(thing, name, globs=dict(vars(inspect.getmodule(thing))))
    assert test.examples, "a section Examples shows how it is called"
    report = []

    failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=report.append)

    assert not failed, "".join(report)
