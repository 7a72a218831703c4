"""The public API: what the page lists, `__all__` has and can be imported, and nothing else is offered."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

import numpy as np
import pytest

import corruptgen
from corruptgen.errors import OutputError, SeverityError, UnknownName
from corruptgen.recipe.recipe import read_recipe
from tests.photographs import ROOT

PAGE = (ROOT / "docs/api.md").read_text("utf-8")
FRONT = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
MODULES = dict(re.findall(r"^\| `(corruptgen\.[\w.]+)` \| [^|]* \| ([^|]*) \|", PAGE, re.MULTILINE))


def test_the_page_and_the_package_offer_the_same_names():
    assert sorted(FRONT) == sorted(corruptgen.__all__)
    assert sorted(FRONT) == sorted(dir(corruptgen))
    for name in FRONT:
        assert getattr(corruptgen, name) is not None


@pytest.mark.parametrize("module", MODULES)
def test_the_page_and_every_other_public_module_offer_the_same_names(module):
    found = importlib.import_module(module)

    assert sorted(re.findall(r"`(\w+)`", MODULES[module])) == sorted(found.__all__)
    for name in found.__all__:
        assert hasattr(found, name)


def test_functions_of_the_front_say_their_parameters_and_what_they_are():
    for name in set(FRONT) - {"__version__"}:
        thing = getattr(corruptgen, name)

        assert inspect.getdoc(thing)
        assert not any(
            parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            for parameter in inspect.signature(thing).parameters.values()
        )


def test_no_module_of_the_package_has_a_name_of_the_front_which_importing_it_would_replace():
    modules = {module.name for module in pkgutil.iter_modules(corruptgen.__path__)}

    assert not modules & set(FRONT)


def test_importing_the_package_loads_nothing_of_it():
    script = "import sys, corruptgen; print(sorted(n for n in sys.modules if 'corruptgen.' in n))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['corruptgen.runtime', 'corruptgen.runtime.renamed']", "but for the old import paths"


RECIPE = {
    "name": "small",
    "version": "1.0.0",
    "source": {"kind": "npy", "labels": "labels.npy"},
    "corrupt": {"preset": "imagecorruptions", "rows": ["contrast", "brightness"], "severities": [1, 3]},
}


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Five images of the source, which lie in the current directory."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.RandomState(1843956201).randint(0, 256, (5, 40, 40, 3)).astype(np.uint8)
    np.save("images.npy", pixels)
    np.save("labels.npy", np.array([2, 0, 1, 2, 1]))
    return pixels


@pytest.mark.parametrize("form", ["folder", "parquet", "npy", "npz", "webdataset"])
def test_a_finished_dataset_of_every_format_is_opened_and_read_back_by_row_severity_and_item(images, form):
    output = {"format": form, "clean": True, "items_per_shard": 2}
    corruptgen.generate(read_recipe({**RECIPE, "output": output}, "r"), source="images.npy", output="out", workers=1)

    dataset = corruptgen.open("out")
    ids = [f"test/{number}" for number in range(5)]

    assert len(dataset) == 5
    assert dataset.image_count == 25
    assert dataset.cells == (("clean", 0), ("contrast", 1), ("contrast", 3), ("brightness", 1), ("brightness", 3))
    assert [item.id for item in dataset] == ids
    assert [dataset.label(item) for item in dataset] == [2, 0, 1, 2, 1]
    assert dataset.classes.count == 3
    assert all(len(item.source) == 64 for item in dataset)
    assert dataset.rejected == ()
    assert dataset.recipe.corrupt.rows == ("contrast", "brightness")
    for item, pixels in zip(dataset, images, strict=True):
        expected = corruptgen.corrupt(pixels, "contrast", 3, key=item.id)
        assert np.array_equal(dataset.image("contrast", 3, item.id), expected)
        assert np.array_equal(dataset.image("clean", 0, item), pixels)
    found = list(dataset.images("brightness", 1))
    assert [item.id for item, _ in found] == ids
    assert np.array_equal(found[4][1], dataset.image("brightness", 1, ids[4]))


def test_a_reader_names_what_is_not_in_a_dataset_or_damaged(images, tmp_path):
    corruptgen.generate(read_recipe(RECIPE, "r"), source="images.npy", output="out", workers=1)
    dataset = corruptgen.open("out")

    with pytest.raises(UnknownName, match="no row of the dataset is called 'contrasd'; did you mean 'contrast'"):
        dataset.image("contrasd", 3, "test/1")
    with pytest.raises(SeverityError, match="contrast has no severity 2 in this dataset, which has 1, 3"):
        dataset.image("contrast", 2, "test/1")
    with pytest.raises(UnknownName, match="no item is called 'test/9'; did you mean"):
        dataset.image("contrast", 3, "test/9")
    file = next(path for path in (tmp_path / "out/contrast/3").rglob("*.png") if path.stem == "1")
    file.write_bytes(b"no picture")
    with pytest.raises(OutputError, match=r"cannot be decoded.*corruptgen verify"):
        dataset.image("contrast", 3, "test/1")
    file.unlink()
    with pytest.raises(OutputError, match="is missing; `corruptgen verify`"):
        list(dataset.images("contrast", 3))
    with pytest.raises(OutputError, match=r"nothing has no manifest\.json: give the directory that generate"):
        corruptgen.open("nothing")


def test_samples_of_more_than_eight_bits_are_read_back_with_their_depth(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    deep = np.random.RandomState(1843956201).randint(0, 4096, (2, 40, 40)).astype(np.uint16)
    np.save("images.npy", deep)
    more = {"source": {"kind": "npy"}, "decode": {"window": [0, 4095]}, "output": {"format": "npy", "clean": True}}
    corruptgen.generate(read_recipe(RECIPE | more, "r"), source="images.npy", output="out", workers=1)

    dataset = corruptgen.open("out")

    assert dataset.image("clean", 0, "test/1").dtype == np.uint16
    assert np.array_equal(dataset.image("clean", 0, "test/1")[..., 0], deep[1])
    assert dataset.picture("clean", 0, "test/1").form.full_scale == 4095
    assert dataset.label(next(iter(dataset))) is None


@pytest.mark.parametrize(
    "module",
    ["errors", "values.choice", "values.toml_text", "codecs.orientations"],
)
def test_examples_in_docstrings_are_right(module):
    found = doctest.testmod(importlib.import_module(f"corruptgen.{module}"))

    assert found.attempted > 0
    assert found.failed == 0
