"""OpticsBench: the kernels of its generator, how they are applied, and those of a file of the user's."""

import hashlib
import importlib.resources
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

import corruptgen
from corruptgen.errors import AssetError
from corruptgen.ops.ordered_sums import correlate_in_order
from corruptgen.ops.wavefronts import POLYNOMIALS, aberration_kernels
from corruptgen.tables import catalog
from tests.legacy import LegacyDraws
from tests.pictures import photograph

PINS = json.loads((Path(__file__).parent / "golden/optics_bench.json").read_text("utf-8"))
TABLE = catalog.preset("optics-bench").content
PUBLISHED = {"iccvw": "optics-bench-iccvw", "rg_iccvw": "optics-bench-rg"}
IMAGE = photograph(224, 224)


def stack():
    """Return kernels in the shape of the data set's, which are those of the generator."""
    return np.stack([np.stack([aberration_kernels(t, waves) for waves in TABLE[t]["waves"]]) for t in POLYNOMIALS])


@pytest.fixture
def supplied(tmp_path, monkeypatch):
    """Return a table that names the generator's kernels by their digest, and the directory for files of users."""
    monkeypatch.setenv("CORRUPTGEN_TEXTURES", str(tmp_path))
    text = (importlib.resources.files("corruptgen") / "tables/data/optics-bench-iccvw.toml").read_text("utf-8")
    digest = hashlib.sha256(stack().tobytes()).hexdigest()
    table = tmp_path / "mine.toml"
    table.write_text(text.replace(PINS["stacks"]["iccvw"], digest), "utf-8")
    return str(table), tmp_path


def test_all_kernels_are_those_of_the_public_generator():
    assert hashlib.sha256(stack().tobytes()).hexdigest() == PINS["kernels_of_the_generator"]


@pytest.mark.parametrize("name", PINS["places"])
def test_which_of_two_aberrations_a_place_has_is_drawn_as_in_the_original(name):
    mode, _ = name.split("/")
    original, terms = random.Random(0), list(POLYNOMIALS)

    class Choices(LegacyDraws):
        def integers(self, low, high=None, size=None):
            return original.choice(range(low))

    both = [corruptgen.corrupt(IMAGE, TABLE[mode][which], 1, preset="optics-bench") for which in ("first", "second")]
    draws = Choices(0)
    for number in PINS["places"][name][:8]:
        made = corruptgen.corrupt(IMAGE, mode, 1, preset="optics-bench", rng=draws)
        expected = terms[int(number, 16) - 3]
        assert np.array_equal(made, both[expected == TABLE[mode]["second"]])


@pytest.mark.parametrize(("border", "mode"), [("zeros", "constant"), ("mirror", "mirror")])
def test_every_channel_is_correlated_with_its_kernel_as_it_is(border, mode):
    image = (photograph(41, 57) / 255).astype(np.float32)
    kernels = aberration_kernels("horizontal_coma", 2.2)
    made = correlate_in_order(image, kernels, border=border)
    for channel in range(3):
        exact = ndimage.correlate(
            image[..., channel].astype(np.float64), kernels[channel].astype(np.float64), mode=mode
        )
        assert np.abs(made[..., channel] - exact).max() < 5e-6


def test_fractions_of_a_level_are_cut_off_and_the_rim_is_dark():
    white = np.full((224, 224, 3), 255, np.uint8)
    made = corruptgen.corrupt(white, "vertical_trefoil", 5, preset="optics-bench")
    assert made[0, 0].max() < 128
    assert set(np.unique(made[40:-40, 40:-40])) <= {254, 255}


@pytest.mark.parametrize("ending", ["npy", "pt"])
def test_kernels_of_a_file_are_found_by_their_digest_whatever_it_is_called(supplied, ending):
    table, directory = supplied
    (directory / "broken.npy").write_bytes(b"not an array")
    if ending == "npy":
        np.save(directory / "any name.npy", stack())
    else:
        torch.save(torch.from_numpy(stack()), directory / "kernel_stack.pt")
    for row in ("spherical", "horizontal_coma"):
        made = corruptgen.corrupt(IMAGE, row, 4, preset=table)
        assert np.array_equal(made, corruptgen.corrupt(IMAGE, row, 4, preset="optics-bench"))
    made = {corruptgen.corrupt(IMAGE, "coma", 2, preset=table, key=key).tobytes() for key in "abcdefgh"}
    rows = ("horizontal_coma", "vertical_coma")
    assert made == {corruptgen.corrupt(IMAGE, row, 2, preset="optics-bench").tobytes() for row in rows}


def test_missing_kernels_are_an_error_that_says_what_to_do(supplied):
    table, directory = supplied
    np.save(directory / "other.npy", stack()[::-1])
    with pytest.raises(AssetError, match=r"kernel_stack_iccvw\.pt.*CORRUPTGEN_TEXTURES"):
        corruptgen.corrupt(IMAGE, "trefoil", 2, preset=table)


def test_the_published_tables_name_the_kernels_of_the_data_set():
    for stack_name, preset in PUBLISHED.items():
        rows = catalog.preset(preset).content
        assert {rows[row]["kernels"] for row in corruptgen.rows(preset)} == {PINS["stacks"][stack_name]}


def test_an_unknown_aberration_is_told_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"term is 'coma'; known: defocus, .*vertical_coma"):
        aberration_kernels("coma", 1.0)
