"""Patches: ImageNet-C within one cell of a grid, and how often that fools a classifier."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import corruptgen
from corruptgen.errors import AssetError, ScoreError
from corruptgen.metrics import patches
from corruptgen.tables import catalog
from tests.photographs import ROOT
from tests.pictures import photograph

sys.path.insert(0, str(ROOT / "scripts"))

import parity_originals as parity

ORIGINALS = Path(__file__).parent / "golden" / "originals"
ENTRIES = json.loads((ORIGINALS / "cpatch.json").read_text("utf-8"))["entries"]
FALSIFIED = ["sha256", "sha256_of_all_cells", "next_random_sample", "changed_outside", "seed"]
TABLES = {"imagenet-c-patch": 7, "imagenet-c-patch-196": 14}
# Rows that the authors' copy of ImageNet-C has in another way.
CHANGED = {"fog", "frost", "elastic_transform"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The results of the original."""
    content = json.loads((ORIGINALS / "cpatch.json").read_text("utf-8"))
    with np.load(ORIGINALS / "cpatch.npz") as arrays:
        return parity.Kept("cpatch", content["pictures"], dict(arrays), tmp_path_factory.mktemp("tables"))


@pytest.mark.parametrize("name", [name for name, described in ENTRIES.items() if "error" not in described])
def test_all_cells_are_those_of_the_original(name, kept):
    assert parity.compare_patches(kept, name, ENTRIES[name]) == (parity.EQUAL, "")


def test_what_the_original_cannot_do_is_left_out_with_its_reason(kept):
    outcome, reason = parity.compare_patches(kept, "snow/5/49/s224a", ENTRIES["snow/5/49/s224a"])

    assert outcome == parity.LEFT_OUT
    assert "NameError" in reason


@pytest.mark.parametrize("falsified", FALSIFIED)
def test_a_falsified_entry_is_found(falsified, kept):
    described = dict(ENTRIES["fog/5/196/s224a"])
    value = described[falsified]
    described[falsified] = value[::-1] if isinstance(value, str) else value + 1

    assert parity.compare_patches(kept, "fog/5/196/s224a", described)[0] == parity.DIFFERS


def test_a_falsified_array_is_found(tmp_path):
    for ending in ("json", "npz"):
        shutil.copy(ORIGINALS / f"cpatch.{ending}", tmp_path)
    with np.load(tmp_path / "cpatch.npz") as arrays:
        changed = {name: array.copy() for name, array in arrays.items() if name == "contrast/5/49/s224a"}
    changed["contrast/5/49/s224a"][0, 0, 0, 0] ^= 1
    content = json.loads((tmp_path / "cpatch.json").read_text("utf-8"))
    content["entries"] = {name: content["entries"][name] for name in changed}
    (tmp_path / "cpatch.json").write_text(json.dumps(content), "utf-8")
    np.savez(tmp_path / "cpatch.npz", **changed)

    found = parity.compare_file(tmp_path, "cpatch")

    assert found.outcomes == {parity.DIFFERS: 1}


@pytest.mark.parametrize("table", ["imagenet-c-patch", pytest.param("imagenet-c-patch-196", marks=pytest.mark.long)])
@pytest.mark.parametrize("row", corruptgen.rows("imagenet-c-patch"))
def test_each_image_is_corrupted_in_one_cell_and_all_cells_together_are_the_corrupted_image(row, table):
    image, across = photograph(224, 224), TABLES[table]
    side = 224 // across
    try:
        frames = list(corruptgen.frames(image, row, 4, preset=table, key="a"))
    except AssetError as error:
        pytest.skip(str(error))

    together = np.zeros_like(image)
    for number, frame in enumerate(frames):
        rows, columns = (slice(start * side, (start + 1) * side) for start in divmod(number, across))
        together[rows, columns] = frame[rows, columns]
        outside = frame.copy()
        outside[rows, columns] = image[rows, columns]
        assert np.array_equal(outside, image)
    assert len(frames) == across**2
    assert not np.array_equal(together, image)
    if row not in CHANGED:
        assert np.array_equal(together, corruptgen.corrupt(image, row, 4, preset="imagenet-c", key="a"))


def test_both_tables_have_the_rows_and_values_of_each_other():
    one, other = (dict(catalog.preset(table).content) for table in TABLES)
    headers = [one.pop("preset"), other.pop("preset")]

    assert one == other
    assert [header["region"]["side"] for header in headers] == [32, 16]


def test_fog_comes_from_a_map_of_512_pixels_and_frost_from_pictures_enlarged_by_half():
    asked = []

    class Asking:
        """Draws that take note of what whole numbers and fields are drawn."""

        def __init__(self):
            self.draws = np.random.RandomState(1843956201)

        def integers(self, low, high=None):
            asked.append(high)
            return 0 if high is None else low

        def uniform(self, low, high, size):
            asked.append(size)
            return self.draws.uniform(low, high, size)

        random = standard_normal = normal = poisson = choice = permutation = integers

    image = photograph(224, 224)
    list(corruptgen.frames(image, "fog", 1, preset="imagenet-c-patch", rng=Asking()))
    assert asked[-1] == (256, 256)  # every other sample of both sides

    asked.clear()
    try:
        list(corruptgen.frames(image, "frost", 1, preset="imagenet-c-patch", rng=Asking()))
    except AssetError as error:
        pytest.skip(str(error))
    assert asked == [None, 900 - 224, 1350 - 224]


def test_the_fooling_rate_counts_images_that_were_right_and_are_wrong():
    labels, clean = np.array([0, 1, 2, 3, 4]), np.array([0, 1, 2, 0, 0])
    predictions = np.array([[0, 1, 2, 3, 4], [5, 1, 2, 3, 0], [5, 5, 2, 0, 0]])

    rates = patches.fooling_rate(predictions == labels, clean == labels)

    assert rates == pytest.approx([0, 1 / 3, 2 / 3])
    assert patches.evaluate_patches(predictions, clean, labels) == {
        "fooling rate": pytest.approx(1 / 3),
        "worst cell": pytest.approx(2 / 3),
        "any cell": pytest.approx(2 / 3),
    }


def test_the_fooling_rate_of_a_resample_is_that_of_its_images():
    draws = np.random.RandomState(1843956201)
    correct, clean = draws.random_sample((3, 2, 9)) < 0.5, draws.random_sample(9) < 0.6
    chosen = draws.randint(0, 9, (5, 9))
    weights = np.stack([np.bincount(one, minlength=9) for one in chosen]).astype(float)

    rates = patches.fooling_rate(correct, clean, weights)

    for rate, one in zip(rates, chosen, strict=True):
        assert rate == pytest.approx(patches.fooling_rate(correct[..., one], clean[one]))


def test_the_fooling_rate_of_no_image_is_undefined_and_shapes_must_fit():
    assert np.isnan(patches.fooling_rate([True, False], [False, False]))
    with pytest.raises(ScoreError, match=r"\(2, 3\) answers do not fit \(2,\) clean ones"):
        patches.fooling_rate(np.zeros((2, 3)), [True, True])
    with pytest.raises(ScoreError, match=r"pass \(cells, items\), \(items,\) and \(items,\)"):
        patches.evaluate_patches([1, 2], [1, 2], [1, 2])
