"""Scoring: predictions in every format against a real manifest, and every way in which they can be wrong."""

import csv
import importlib
import json
import math
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.errors import ScoreError
from corruptgen.metrics import Grid, baseline, baseline_names, families
from corruptgen.metrics.class_balance import decisions, mean_balanced_error
from corruptgen.scoring import plot
from corruptgen.scoring.evaluation import ScoreOptions, evaluate
from corruptgen.scoring.evaluation import score_dataset as score
from corruptgen.scoring.ground_truth import GroundTruth, read_ground_truth
from corruptgen.scoring.measure import MEASURES
from corruptgen.scoring.predictions import Predictions
from corruptgen.scoring.report import Estimate, Report
from corruptgen.scoring.scored_items import ScoringInput
from corruptgen.tables import catalog
from corruptgen.values.class_labels import Classes
from tests.photographs import ROOT, executed, real_pixels, write_photographs, write_recipe

ROWS, LEVELS = ("gaussian_noise", "brightness", "jpeg_compression"), (1.0, 2.0)
CELLS = [("clean", 0.0), *((row, level) for row in ROWS for level in LEVELS)]
CLASSES = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Twelve photographs of four classes, in three rows at two severities."""
    place = tmp_path_factory.mktemp("scored")
    write_photographs(place / "photographs")
    recipe = write_recipe(place, output='format = "npy"\nclean = true')
    corruptgen.generate(recipe, source=place / "photographs", output=place / "small-c", workers=1)
    return place / "small-c"


@pytest.fixture(scope="module")
def probabilities(dataset):
    """What a model might say: (cells, items, classes), worse as the severity rises."""
    labels = read_ground_truth(dataset).labels[:, 0]
    rng = np.random.RandomState(1843956201)
    logits = np.stack([3 * np.eye(4)[labels] + (0.5 + level) * rng.standard_normal((12, 4)) for _, level in CELLS])
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


@pytest.fixture
def entries(dataset, probabilities):
    """The same as lines: id, row, severity, class."""
    ids = read_ground_truth(dataset).ids
    predicted = probabilities.argmax(axis=-1)
    return [
        [name, row, f"{level:g}", str(predicted[cell, item])]
        for cell, (row, level) in enumerate(CELLS)
        for item, name in enumerate(ids)
    ]


def write_csv(path, entries, header=("id", "row", "severity", "prediction")):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *entries])
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


QUICK = ScoreOptions(resamples=0)


def test_perfect_predictions_make_no_errors(dataset, entries, tmp_path):
    labels = read_ground_truth(dataset).labels[:, 0]
    right = [[*entry[:3], CLASSES[labels[number % 12]]] for number, entry in enumerate(entries)]

    done = run(write_csv(tmp_path / "a.csv", right), "--manifest", dataset, "--output", tmp_path / "out/score")

    assert done.exit_code == 0, done.output
    assert re.search(r"mean_error +0\.00 % +\[0\.00 %, 0\.00 %\] +lower is better", done.stdout)
    assert re.search(r"gaussian_noise +0\.00 % +0\.00 % +0\.00 %", done.stdout)
    written = json.loads((tmp_path / "out/score.json").read_text("utf-8"))
    assert written["scores"]["mean_accuracy"]["value"] == 1
    assert written["scores"]["failure_point"]["value"] is None
    lines = list(csv.DictReader((tmp_path / "out/score.csv").read_text("utf-8").splitlines()))
    assert {line["value"] for line in lines if line["metric"] == "error"} == {"0.0"}
    with Image.open(tmp_path / "out/score.png") as drawn:
        assert drawn.width > 300
    assert "undefined" in done.stdout
    assert "ece" in done.stderr


def test_every_format_says_the_same(dataset, probabilities, entries, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    ids, rows, severities, predicted = (list(column) for column in zip(*entries, strict=True))
    levels, scores = [float(severity) for severity in severities], probabilities.reshape(-1, 4)
    mixed = entries[::-1]
    by_name = [[*entry[:3], CLASSES[int(entry[3])]] for entry in entries]
    with_scores = [[*entry[:3], *row] for entry, row in zip(entries, scores.tolist(), strict=True)]
    order = (2, 0, 3, 1)
    named = [[*entry[:3], *(row[k] for k in order)] for entry, row in zip(entries, scores.tolist(), strict=True)]
    write_csv(tmp_path / "numbers.csv", entries)
    write_csv(tmp_path / "mixed.csv", mixed)
    write_csv(tmp_path / "names.csv", by_name)
    write_csv(tmp_path / "aliases.csv", entries, ("image_id", "corruption", "severity", "prediction"))
    write_csv(tmp_path / "scores.csv", with_scores, ("id", "row", "severity", *(f"score_{name}" for name in CLASSES)))
    write_csv(tmp_path / "order.csv", named, ("id", "row", "severity", *(f"score_{CLASSES[k]}" for k in order)))
    table = {"id": ids, "row": rows, "severity": levels}
    numbers = [int(number) for number in predicted]
    parquet.write_table(pyarrow.table(table | {"prediction": numbers}), tmp_path / "numbers.parquet")
    parquet.write_table(pyarrow.table(table | {"scores": scores.tolist()}), tmp_path / "scores.parquet")
    np.savez(tmp_path / "numbers.npz", **table, prediction=numbers)
    np.savez(tmp_path / "scores.npz", **table, scores=scores)
    stacked = {
        row: np.concatenate([probabilities[c] for c, cell in enumerate(CELLS) if cell[0] == row]) for row in rows
    }
    np.savez(tmp_path / "stacked.npz", **stacked)
    np.savez(tmp_path / "stacked_numbers.npz", **{row: array.argmax(axis=1) for row, array in stacked.items()})

    found = {path.name: score(path, dataset, QUICK) for path in sorted(tmp_path.iterdir())}

    assert len(found) == 12
    first = found["numbers.csv"]
    assert 0 < first.scores["mean_error"].value < 1
    for name, report in found.items():
        assert report.cells == first.cells, name
        assert report.clean == first.clean, name
        assert ("ece" in report.scores) == ("scores" in name or name in ("order.csv", "stacked.npz")), name
    assert len({round(report.scores["ece"].value, 9) for report in found.values() if "ece" in report.scores}) == 1


def test_the_numbers_are_those_of_the_arrays(dataset, probabilities, entries, tmp_path):
    labels = read_ground_truth(dataset).labels[:, 0]
    wrong = (probabilities.argmax(axis=-1) != labels).mean(axis=1)

    report = score(write_csv(tmp_path / "a.csv", entries), dataset, ScoreOptions(resamples=200))

    assert [report.cells[cell].value for cell in CELLS[1:]] == pytest.approx(wrong[1:])
    assert report.clean.value == pytest.approx(wrong[0])
    assert report.scores["mean_error"].value == pytest.approx(wrong[1:].mean())
    assert report.scores["accuracy_drop"].value == pytest.approx(wrong[1:].mean() - wrong[0])
    assert report.by_row["mean_error"]["brightness"].value == pytest.approx(wrong[3:5].mean())
    assert report.by_severity["mean_error"][2.0].value == pytest.approx(wrong[2::2].mean())
    assert report.groups["common"].value == pytest.approx(wrong[1:5].mean())
    assert all(e.low <= e.value <= e.high for e in report.cells.values())
    assert report.cells == score(tmp_path / "a.csv", dataset, ScoreOptions(resamples=200)).cells
    other = score(tmp_path / "a.csv", dataset, ScoreOptions(resamples=200, seed=1))
    assert [e.value for e in other.scores.values()] == [e.value for e in report.scores.values()]
    assert other.scores != report.scores


def test_rows_can_be_chosen_and_the_others_left_out(dataset, entries, tmp_path):
    kept = [entry for entry in entries if entry[1] in ("gaussian_noise", "brightness")]

    report = score(write_csv(tmp_path / "a.csv", kept), dataset, ScoreOptions(rows=("common",), resamples=0))
    whole = score(write_csv(tmp_path / "b.csv", entries), dataset, ScoreOptions(rows=("common",), resamples=0))

    assert report.rows == ("gaussian_noise", "brightness")
    assert report.cells == whole.cells
    assert report.clean is None
    assert [name for name in report.scores if "clean" in name or "drop" in name] == []
    assert any("left out clean_error, accuracy_drop" in note and "pass clean" in note for note in report.notes)


def change(entries, number, column, value):
    return [[*entry[:column], value, *entry[column + 1 :]] if n == number else entry for n, entry in enumerate(entries)]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda e: [*e, e[3]], r"a.csv line 86: chelsea/01.png in clean at severity 0 occurs twice"),
        (lambda e: change(e, 20, 0, "coffee/2.png"), r"line 22: no item .* 'coffee/2.png'; .* such as 'coffee/02.png'"),
        (lambda e: e[:-1], r"1 of 84 predictions are missing, the first of them for rocket/11.png in jpeg_compre"),
        (lambda e: e[:-12], r"nothing at all for the cells jpeg_compression/2\)"),
        (lambda e: change(e, 30, 1, "brigthness"), r"line 32: no row of the dataset is called .* mean 'brightness'"),
        (lambda e: change(e, 30, 2, "3"), r"line 32: gaussian_noise has no severity 3 in this dataset; it has 1, 2"),
        (lambda e: change(e, 30, 2, "nan"), r"has no severity nan"),
        (lambda e: change(e, 30, 2, "high"), r"line 32: severity is 'high', allowed are numbers"),
        (lambda e: change(e, 30, 3, "4"), r"line 32: the prediction is 4, allowed are .* from 0 to 3; .*--classes"),
        (lambda e: change(e, 30, 3, "chelsae"), r"line 32: .* did you mean 'chelsea'"),
        (lambda e: change(e, 30, 3, "1.5"), r"line 32: the prediction is '1.5', allowed is a class number or"),
        (lambda e: change(e, 30, 3, "-1"), r"the prediction is '-1'"),
        (lambda e: change(e, 30, 3, ""), r"line 32: the prediction is ''"),
        (lambda e: [*e[:-1], e[-1][:2]], r"line 85: 2 values for 4 columns; is the file cut off"),
        (lambda e: [], r"72 of 72 predictions are missing"),
    ],
)  # fmt: skip
def test_wrong_predictions_are_refused_with_their_place(dataset, entries, tmp_path, spoil, message):
    with pytest.raises(ScoreError, match=message):
        score(write_csv(tmp_path / "a.csv", spoil(entries)), dataset, QUICK)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: a | {"fog": a["brightness"]}, "no row of the dataset is called 'fog'"),
        (lambda a: a | {"brightness": a["brightness"][:-1]}, r"its shape is \(23, 4\), allowed are 24 entries"),
        (lambda a: a | {"brightness": a["brightness"][:, :3]}, "3 scores for 4 classes"),
        (lambda a: a | {"brightness": np.where(a["brightness"] > 0.9, np.nan, a["brightness"])}, "a score is nan"),
        (lambda a: a | {"brightness": a["brightness"].argmax(axis=1)}, "predicted classes and scores are mixed"),
        (lambda a: {k: v for k, v in a.items() if k != "brightness"}, "nothing at all for the cells brightness/1"),
        (lambda a: a | {"brightness": a["brightness"].astype(object)}, "cannot be read as an .npz of plain arrays"),
        (lambda a: a | {"brightness": a["brightness"][None]}, "its shape is"),
    ],
)  # fmt: skip
def test_wrong_arrays_are_refused(dataset, probabilities, tmp_path, spoil, message):
    arrays = {
        row: np.concatenate([probabilities[c] for c, cell in enumerate(CELLS) if cell[0] == row])
        for row in ("clean", *ROWS)
    }
    np.savez(tmp_path / "a.npz", **spoil(arrays))

    with pytest.raises(ScoreError, match=message):
        score(tmp_path / "a.npz", dataset, QUICK)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "predictions are read from .csv, .parquet, .npz"),
        ("a.csv", b"id,row,prediction\n", "no column is called 'severity'"),
        ("a.csv", b"id,row,severity\n", "what was predicted is missing; write a column 'prediction'"),
        ("a.csv", b"id,row,severity,severity\n", "a column occurs twice"),
        ("a.csv", b"\xff\xfe\x00", "cannot be read as UTF-8"),
        ("a.csv", b"", "no column is called 'id'"),
        ("a.npz", b"PK", "cannot be read as an .npz"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
        ("a.csv", b"row,severity,error\nfog,1,0.1\n", "no row of the dataset is called 'fog'"),
        ("a.csv", b"row,severity,error\nbrightness,1,0.1\nbrightness,1,0.1\n", "severity 1 occurs twice"),
        ("a.csv", b"row,severity,error\nbrightness,1,10\nbrightness,2,20\n", "cells are missing"),
        ("a.csv", b"row,severity,error\nbrightness,1,nan\n", "error is nan"),
        ("a.csv", b"row,severity,error\nbrightness,9,0.1\n", "brightness has no severity 9"),
    ],
)  # fmt: skip
def test_files_that_are_none_are_refused(dataset, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ScoreError, match=message):
        score(tmp_path / name, dataset, QUICK)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--metrics", "mean_eror"], 2, "did you mean 'mean_error'"),
        (["--metrics", "ece"], 1, "ece: this metric needs the scores of all classes"),
        (["--metrics", "mce"], 1, "mce: this metric normalises by a baseline; name one with --baseline"),
        (["--metrics", "mce", "--baseline", "imagenet-c/alexnet"], 1, "mce: 69 of 75 cells are missing"),
        (["--baseline", "imagenet-c/alexnt"], 2, "did you mean 'imagenet-c/alexnet'"),
        (["--rows", "gausian_noise"], 2, "did you mean 'gaussian_noise'"),
        (["--threshold", "half"], 2, "these are not numbers with commas"),
        (["--classes", "names.txt"], 1, "names.txt: cannot read the names of the classes: No such file"),
        (["--manifest", "."], 1, "has no manifest.json"),
        (["--manifest", "nowhere"], 1, "nowhere has no manifest.json: give the directory that generate has finished"),
    ],
)  # fmt: skip
def test_wrong_wishes_are_one_line_with_an_exit_code(dataset, entries, tmp_path, arguments, code, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "a.csv", entries)
    where = [] if "--manifest" in arguments else ["--manifest", dataset]

    done = run("a.csv", *where, *arguments)

    assert done.exit_code == code, done.output
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_score_can_be_the_baseline_of_another(dataset, entries, tmp_path):
    predictions = write_csv(tmp_path / "a.csv", entries)
    run(predictions, "--manifest", dataset, "--output", tmp_path / "first", "--resamples", 0, "--no-plot")

    wishes = ScoreOptions(baseline=str(tmp_path / "first.json"), resamples=50)
    report = score(predictions, dataset, wishes)

    assert not (tmp_path / "first.png").exists()
    assert report.scores["mce"].value == pytest.approx(100)
    assert report.scores["relative_mce"].value == pytest.approx(100)
    assert [e.value for e in report.by_row["mce"].values()] == pytest.approx([100] * 3)


def test_a_table_of_results_is_scored_without_intervals(dataset, tmp_path):
    lines = [[row, f"{level:g}", f"{0.3 - 0.05 * level:g}"] for row, level in CELLS]
    header = ("row", "severity", "performance")

    done = run(write_csv(tmp_path / "a.csv", lines, header), "--manifest", dataset)
    as_errors = score(write_csv(tmp_path / "b.csv", lines, (*header[:2], "error")), dataset)
    as_accuracies = score(write_csv(tmp_path / "c.csv", lines, (*header[:2], "accuracy")), dataset)

    assert re.search(r"mpc +0\.2[23] .*higher is better", done.stdout)
    assert re.search(r"rpc +75\.00 %", done.stdout)
    assert "mean_error" not in done.stdout
    assert as_errors.scores["mean_error"].value == pytest.approx(0.225)
    assert as_accuracies.scores["mean_accuracy"].value == pytest.approx(0.225)
    assert as_errors.resamples == 0
    assert as_errors.scores["mean_error"].low is None


def test_classes_that_the_dataset_lacks_can_be_named(dataset, entries, tmp_path):
    known = ["zebra", *CLASSES, "yak"]
    (tmp_path / "names.txt").write_text("\n".join(known), "utf-8")
    (tmp_path / "few.txt").write_text("\n".join(CLASSES[:3]), "utf-8")
    shifted = [[*entry[:3], str(int(entry[3]) + 1)] for entry in entries]

    plain = score(write_csv(tmp_path / "a.csv", entries), dataset, QUICK)
    named = score(write_csv(tmp_path / "b.csv", shifted), dataset, QUICK, classes=tmp_path / "names.txt")

    assert named.cells == plain.cells
    with pytest.raises(ScoreError, match="3 names, and rocket of the dataset is not among them"):
        score(tmp_path / "a.csv", dataset, QUICK, classes=tmp_path / "few.txt")


def test_a_damaged_dataset_is_not_scored(dataset, entries, tmp_path):
    copied = tmp_path / "copied"
    (copied / "items").mkdir(parents=True)
    (copied / "manifest.json").write_bytes((dataset / "manifest.json").read_bytes())
    for table in (dataset / "items").iterdir():
        (copied / "items" / table.name).write_bytes(table.read_bytes().replace(b"chelsea", b"coffee1"))

    done = run(write_csv(tmp_path / "a.csv", entries), "--manifest", copied)

    assert done.exit_code == 1
    assert "items/00000.jsonl does not match the manifest; corruptgen verify names all that is wrong" in done.stderr


def test_items_without_labels_cannot_be_scored(tmp_path):
    write_photographs(tmp_path / "photographs", 2)
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text("utf-8").replace('kind = "folder"', 'kind = "folder"\nlabels = "none"'), "utf-8")
    corruptgen.generate(recipe, source=tmp_path / "photographs", output=tmp_path / "out", workers=1)

    with pytest.raises(ScoreError, match="have no labels, so nothing can be right or wrong"):
        read_ground_truth(tmp_path / "out")


def test_without_matplotlib_the_numbers_are_written_and_the_reason_is_said(dataset, entries, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    done = run(
        write_csv(tmp_path / "a.csv", entries), "--manifest", dataset, "--output", tmp_path / "s", "--resamples", 0
    )

    assert done.exit_code == 1
    assert "pip install 'corruptgen[plot]'" in done.stderr
    assert (tmp_path / "s.json").exists()


@pytest.mark.parametrize("main", ["error", "performance"])
@pytest.mark.parametrize("rows", [("low", "high", "gap"), ("high", "gap", "low")])
def test_the_plot_shows_the_values_of_all_rows_and_severities(rows, main):
    values = {"low": (0.02, 0.05), "high": (0.7, 0.95), "gap": (0.1, None)}
    cells = {
        (row, float(severity)): Estimate(value, value and value - 0.01, value and value + 0.04)
        for row in rows
        for severity, value in enumerate(values[row], 1)
    }
    report = Report(
        "name", "table", 5, rows, (1.0, 2.0), "", 10, 0.9, 0, main, cells, Estimate(0.01), {}, {}, {}, {}, {}, ()
    )

    figure = plot.figure_of(report)

    factor = 1 if main == "performance" else 100
    for row, panel in zip(rows, figure.axes, strict=True):
        low, high = panel.get_ylim()
        drawn = panel.lines[0].get_ydata()
        assert panel.get_title() == row
        assert low <= 0
        assert high > factor * 0.99
        assert [math.isnan(y) for y in drawn] == [value is None for value in values[row]]
        assert [y for y in drawn if not math.isnan(y)] == [factor * v for v in values[row] if v is not None]


def test_the_plot_of_the_same_numbers_is_the_same_file(dataset, entries, tmp_path):
    report = score(write_csv(tmp_path / "a.csv", entries), dataset, QUICK)

    assert plot.draw_png(report) == plot.draw_png(report)


# Benchmarks


def truth_of(preset, items=4):
    """A dataset of a whole frozen table, without its pictures."""
    table = catalog.preset(preset)
    levels = tuple(float(level) for level in range(1, table.levels + 1))
    ids = tuple(f"{number}.png" for number in range(items))
    labels = np.arange(items)[:, None] % 2
    rows = tuple(table.rows)
    return GroundTruth(
        table, ids, Classes.guess(map(str, labels[:, 0])), labels, rows, dict.fromkeys(rows, levels), rows, "x"
    )


def test_alexnets_results_on_imagenet_c_score_100():
    table, truth = baseline("imagenet-c/alexnet"), truth_of("imagenet-c")
    cells = {(row, s): (table.table("error")[row] * 5)[n] for row in truth.rows for n, s in enumerate(truth.severities)}
    source = ScoringInput(error=Grid.of(cells, table.clean), baseline=table, common=truth.preset.groups["common"])

    report = evaluate(source, truth, ScoreOptions())

    assert report.scores["mce"].value == pytest.approx(100)
    assert report.scores["relative_mce"].value == pytest.approx(100)
    expected = 1 - np.mean([table.mean("error", row) for row in table.main])
    assert report.scores["common_accuracy"].value == pytest.approx(expected)
    assert len(report.rows) == 19
    assert len(report.by_row["mce"]) == 15
    assert not report.notes


def test_low_resolutions_are_scored_by_what_is_left_of_the_full_accuracy():
    truth = truth_of("lr0-fm", items=10)
    right = np.zeros((1, 4, 10, 1), bool)
    for level, count in enumerate((8, 6, 4, 2)):
        right[0, level, :count] = True
    clean = np.arange(10)[:, None] < 8

    report = evaluate(ScoringInput(answers=Predictions(truth, right, clean, None, None)), truth, QUICK)

    assert report.scores["relative_robustness"].value == pytest.approx((1 + 0.75 + 0.5 + 0.25) / 4)
    discount = 1 - math.exp(-200 * (0.8 - 1 / 2) ** 2)
    assert report.scores["improved_robustness"].value == pytest.approx(0.625 * discount)
    by_severity = [estimate.value for estimate in report.by_severity["relative_robustness"].values()]
    assert by_severity == pytest.approx([1, 0.75, 0.5, 0.25])
    assert "relative_robustness" not in {name for name, measure in MEASURES.items() if measure.fits("natural")}


def test_families_have_the_means_of_their_rows():
    table, truth = baseline("imagenet-c/alexnet"), truth_of("imagenet-c")
    halved = families()["noise"]
    cells = {
        (row, s): (table.table("error")[row] * 5)[n] / (2 if row in halved else 1)
        for row in truth.rows
        for n, s in enumerate(truth.severities)
    }

    report = evaluate(ScoringInput(error=Grid.of(cells, table.clean), baseline=table), truth, ScoreOptions())

    rates = {group: estimate.value for group, estimate in report.by_group["mce"].items()}
    expected = {"noise": 50, "blur": 100, "weather": 100, "digital": 100, "common": 90}
    assert rates == pytest.approx(expected)
    assert report.groups["noise"].value == pytest.approx(np.mean([table.mean("error", row) for row in halved]) / 2)
    assert [line[-2] for line in report.row_lines() if line[0] in ("noise", "extra")] == ["50.00", "-"]
    assert "mce,group noise,,50" in report.to_csv()


@pytest.mark.parametrize(
    ("preset", "there", "not_there"),
    [
        ("imagenet-c", {"mce", "relative_mce", "common_accuracy"}, {"be", "mpc"}),
        ("cifar-c", {"common_accuracy", "mean_accuracy"}, {"mce", "be"}),
        ("medmnist-c/pathmnist", {"be", "rbe", "balanced_error"}, {"mce", "common_accuracy"}),
        ("medical", {"balanced_error"}, {"be", "mce"}),
        ("natural", {"mean_error", "ece", "coverage"}, {"mce", "be", "balanced_error"}),
    ],
)
def test_the_metrics_that_fit_are_read_off_the_table(preset, there, not_there):
    fitting = {name for name, measure in MEASURES.items() if measure.fits(preset)}

    assert there <= fitting
    assert not (not_there - {"mpc"}) & fitting


BREAST = baseline("medmnist-c/breastmnist")


def test_be_and_rbe_of_a_real_dataset_are_those_of_the_arrays(tmp_path):
    rng = np.random.RandomState(1843956201)
    images, labels = real_pixels(16, side=28)[..., 0], rng.randint(2, size=(16, 1)).astype(np.uint8)
    np.savez(tmp_path / "breastmnist.npz", test_images=images, test_labels=labels)
    rows = BREAST.rows("balanced_error")
    (tmp_path / "recipe.toml").write_text(
        'name = "breast-c"\nversion = "1.0.0"\n[source]\nkind = "npz"\npath = "breastmnist.npz"\nsplit = "test"\n'
        '[corrupt]\npreset = "medmnist-c/breastmnist"\n[output]\nformat = "npz"\n',
        "utf-8",
    )
    corruptgen.generate(tmp_path / "recipe.toml", output=tmp_path / "out", workers=1)
    drawn = {row: np.clip(np.tile(labels, (5, 1)) + rng.standard_normal((80, 1)), 0, 1) for row in ("clean", *rows)}
    drawn["clean"] = drawn["clean"][:16]
    np.savez(tmp_path / "predictions.npz", **{row: np.hstack([1 - a, a]) for row, a in drawn.items()})

    done = run(
        tmp_path / "predictions.npz", "--manifest", tmp_path / "out", "--threshold", "0.4", "--resamples", "20",
        "--output", tmp_path / "score", "--no-plot",
    )  # fmt: skip

    assert done.exit_code == 0, done.output
    correct = {row: (a.reshape(-1, 16, 1) > 0.4) == labels for row, a in drawn.items()}
    errors = {row: np.asarray(mean_balanced_error(flags, labels)) for row, flags in correct.items()}
    found = json.loads((tmp_path / "score.json").read_text("utf-8"))
    be = [100 * errors[row].mean() / BREAST.mean("balanced_error", row) for row in rows]
    assert found["scores"]["be"]["value"] == pytest.approx(np.mean(be))
    clean = errors["clean"][0]
    rbe = [100 * (errors[r].mean() - clean) / (BREAST.mean("balanced_error", r) - BREAST.clean) for r in rows]
    assert found["scores"]["rbe"]["value"] == pytest.approx(np.mean(rbe))
    color = [be[rows.index(row)] for row in ("brightness_up", "brightness_down", "contrast_down")]
    assert found["by_group"]["be"]["color"]["value"] == pytest.approx(np.mean(color))
    assert found["baseline"] == BREAST.name
    assert "next to nothing for contrast_down (+0.0133)" in done.stderr


def test_several_labels_are_scored_label_by_label(tmp_path):
    rng = np.random.RandomState(1843956201)
    labels = rng.randint(2, size=(10, 3)).astype(np.uint8)
    np.savez(tmp_path / "chest.npz", test_images=real_pixels(10), test_labels=labels)
    (tmp_path / "recipe.toml").write_text(
        'name = "chest-c"\nversion = "1.0.0"\n[source]\nkind = "npz"\npath = "chest.npz"\nsplit = "test"\n'
        '[corrupt]\npreset = "natural"\nrows = ["brightness"]\nseverities = [1, 2.5]\n[output]\nformat = "npz"\n',
        "utf-8",
    )
    corruptgen.generate(tmp_path / "recipe.toml", output=tmp_path / "out", workers=1)
    scores = rng.rand(20, 3)
    np.savez(tmp_path / "scores.npz", brightness=scores)
    ids = read_ground_truth(tmp_path / "out").ids
    decided = decisions(scores, "multi-label, binary-class")
    lines = [
        [ids[n % 10], "brightness", ("1", "2.5")[n // 10], " ".join(map(str, row))] for n, row in enumerate(decided)
    ]

    wishes = ScoreOptions(metrics=("mean_error", "balanced_error"), resamples=0)
    by_scores = score(tmp_path / "scores.npz", tmp_path / "out", wishes)
    by_words = score(write_csv(tmp_path / "a.csv", lines), tmp_path / "out", wishes)

    with pytest.raises(ScoreError, match="2 thresholds for 3 labels"):
        score(tmp_path / "scores.npz", tmp_path / "out", ScoreOptions(thresholds=(0.1, 0.2)))
    correct = decided.reshape(2, 10, 3) == labels
    assert by_scores.scores == by_words.scores
    assert by_scores.scores["mean_error"].value == pytest.approx(1 - correct.mean())
    assert by_scores.scores["balanced_error"].value == pytest.approx(mean_balanced_error(correct, labels).mean())


# The example and the document


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        pytest.param(
            ["--patches", "8", "--rows", "gaussian_noise", "motion_blur", "--severities", "1", "3", "5"],
            ["gaussian_noise", "motion_blur"],
            id="short",
        ),
        pytest.param(
            [],
            ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur"],
            id="whole",
            marks=pytest.mark.long,
        ),
    ],
)
def test_the_example_gets_worse_with_every_severity_of_noise_and_blur(tmp_path, arguments, rows):
    done = executed(ROOT / "scripts/patches.py", tmp_path, "--workers", "1", *arguments, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "score.json").read_text("utf-8"))
    assert written["clean"]["value"] < 0.35
    for row in rows:
        errors = [cell["value"] for cell in written["cells"][row].values()]
        assert errors == sorted(errors), row
        assert errors[0] > written["clean"]["value"]
    assert (tmp_path / "score.png").stat().st_size > 10_000


DOCUMENT = ROOT / "docs/metrics.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


def test_the_document_names_every_metric_and_every_baseline():
    text = DOCUMENT.read_text("utf-8")

    assert [name for name in MEASURES if f"`{name}`" not in text] == []
    assert [name for name in baseline_names() if name.split("/")[0] not in text] == []


def test_every_snippet_of_the_document_runs(tmp_path, dataset, entries):
    write_csv(tmp_path / "predictions.csv", entries)
    (tmp_path / "small-c").symlink_to(dataset)
    for number, snippet in enumerate(blocks("python")):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, (number, done.stderr)
    for text in blocks("toml"):
        assert tomllib.loads(text)


def test_every_command_of_the_document_runs(tmp_path, dataset, entries, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "predictions.csv", entries)
    (tmp_path / "small-c").symlink_to(dataset)
    (tmp_path / "mine.toml").write_text(next(b for b in blocks("toml") if "[error]" in b), "utf-8")
    commands = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("corruptgen score")]
    assert len(commands) >= 3

    for command in commands:
        done = run(*command.partition("  #")[0].split()[2:])

        assert done.exit_code == 0, (command, done.output)
