"""Patches: ImageNet-C within one cell of a grid, and how often that fools a classifier."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
import parity_originals as parity
from corruptgen.cli import app
from corruptgen.errors import AssetError, ScoreError
from corruptgen.metrics import patches
from corruptgen.scoring.measure import MEASURES
from corruptgen.tables import catalog
from originals import replay
from originals.patches import compare_patches
from tests.photographs import write_photographs
from tests.pictures import photograph
from tests.test_sequence_builds import write_build

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
        return replay.Kept("cpatch", content["pictures"], dict(arrays), tmp_path_factory.mktemp("tables"))


@pytest.mark.parametrize("name", [name for name, described in ENTRIES.items() if "error" not in described])
def test_all_cells_are_those_of_the_original(name, kept):
    assert compare_patches(kept, name, ENTRIES[name]) == (replay.EQUAL, "")


def test_what_the_original_cannot_do_is_left_out_with_its_reason(kept):
    outcome, reason = compare_patches(kept, "snow/5/49/s224a", ENTRIES["snow/5/49/s224a"])

    assert outcome == replay.LEFT_OUT
    assert "NameError" in reason


@pytest.mark.parametrize("falsified", FALSIFIED)
def test_a_falsified_entry_is_found(falsified, kept):
    described = dict(ENTRIES["fog/5/196/s224a"])
    value = described[falsified]
    described[falsified] = value[::-1] if isinstance(value, str) else value + 1

    assert compare_patches(kept, "fog/5/196/s224a", described)[0] == replay.DIFFERS


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

    assert found.outcomes == {replay.DIFFERS: 1}


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


SMALL = """
[preset]
title = "Cells of 8 pixels"
levels = 2
region = { side = 8, where = "every cell" }
[brightness]
offset = [0.2, 0.4]
[contrast]
factor = [0.4, 0.1]
"""
CELLS = [(row, severity) for row in ("brightness", "contrast") for severity in (1, 2)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A dataset of four cells for each of six items, and what a model says of all and of the clean images."""
    place = tmp_path_factory.mktemp("patches")
    write_photographs(place / "photographs", 6, size=(16, 16))
    corruptgen.generate(write_build(place, table=SMALL), output=place / "out", workers=1)
    items = list(corruptgen.open(place / "out"))
    names = sorted({item.label for item in items})
    labels = np.array([names.index(item.label) for item in items])
    draws = np.random.RandomState(1843956201)
    clean = np.where(draws.random_sample(6) < 0.7, labels, (labels + 1) % len(names))
    said = {cell: np.where(draws.random_sample((6, 4)) < 0.5, labels[:, None], 0) for cell in CELLS}
    return place, [item.id for item in items], names, labels, clean, said


def write_answers(form, built):
    place, ids, names, _, clean, said = built
    if form == "npz":
        stems = {cell: cell[0] + ("" if cell[1] == 1 else "_2") for cell in CELLS}
        scores = {stems[cell]: np.eye(len(names))[classes] for cell, classes in said.items()}
        np.savez(place / "answers.npz", clean=np.eye(len(names))[clean], **scores)
        return place / "answers.npz"
    order = names[::-1]
    columns = [f"score_{name}" for name in order] if form == "columns" else ["prediction"]

    def answer(number):
        if form == "columns":
            return [int(name == names[number]) for name in order]
        return [names[number] if form == "words" else number]

    with (place / f"{form}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "row", "severity", *columns])
        writer.writerows([name, "clean", 0, *answer(number)] for name, number in zip(ids, clean, strict=True))
        for (row, severity), classes in said.items():
            for name, numbers in zip(ids, classes, strict=True):
                writer.writerows([f"{name}/{k}", row, severity, *answer(n)] for k, n in enumerate(numbers))
    return place / f"{form}.csv"


@pytest.mark.parametrize("form", ["npz", "words", "class numbers", "columns"])
def test_the_fooling_rate_of_a_dataset_is_that_of_its_predictions(form, built):
    place, _, _, labels, clean, said = built

    report = corruptgen.score(write_answers(form, built), place / "out", metrics=["fooling_rate"], resamples=20)

    rates = {cell: patches.evaluate_patches(classes.T, clean, labels)["fooling rate"] for cell, classes in said.items()}
    assert report.scores["fooling_rate"].value == pytest.approx(np.mean(list(rates.values())))
    assert report.by_row["fooling_rate"]["contrast"].value == pytest.approx(
        np.mean([rates["contrast", severity] for severity in (1, 2)])
    )
    assert 0 < report.scores["fooling_rate"].low < report.scores["fooling_rate"].high


def test_the_fooling_rate_needs_all_clean_images_once(built):
    place = built[0]
    lines = write_answers("words", built).read_text("utf-8").splitlines(keepends=True)
    for number, (kept, message) in enumerate(
        [
            ([lines[0], *lines[7:]], "needs predictions of the clean images"),
            ([lines[0], *lines[2:]], "1 of 6 predictions of clean images are missing"),
            ([*lines, lines[3]], "the clean image .* occurs twice"),
        ]
    ):
        path = place / f"wrong-{number}.csv"
        path.write_text("".join(kept), "utf-8")
        with pytest.raises(ScoreError, match=message):
            corruptgen.score(path, place / "out", metrics=["fooling_rate"], resamples=0)


def test_the_tables_of_patches_are_scored_by_their_fooling_rate():
    assert [MEASURES["fooling_rate"].fits(table) for table in (*TABLES, "imagenet-c")] == [True, True, False]


def test_a_picture_of_another_size_is_previewed_by_its_centre(tmp_path):
    Image.fromarray(photograph(300, 400)).save(tmp_path / "a.png")
    options = ["--preset", "imagenet-c-patch", "--rows", "brightness", "--severities", "5"]

    done = CliRunner().invoke(app, ["preview", str(tmp_path / "a.png"), *options, "--output", str(tmp_path / "b.png")])

    assert done.exit_code == 0, done.output
    assert "imagenet-c-patch is for 224×224 pixels: this is the centre of the image in that size" in done.stderr
    with Image.open(tmp_path / "b.png") as sheet:
        assert sheet.width > 224
