"""Scores of sequences: flip probabilities and top-5 distances of generated datasets, from every form of predictions."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.errors import ScoreError
from corruptgen.metrics import baseline, sequences
from tests.photographs import write_photographs
from tests.test_sequence_builds import write_build

# Rows of the baseline's names; of all but the noise, severities have the same frames.
TABLE = """
[preset]
title = "Two rows"
levels = 3
[rotate]
use = "rotate_frames"
frames = 5
first = -15.0
[shot_noise]
use = "shot_noise_frames"
frames = 4
photons = [60.0, 20.0, 5.0]
"""
COUNTS = {"rotate": 5, "shot_noise": 4}
CELLS = [(row, severity) for row in COUNTS for severity in (1, 2, 3)]
BASELINE = """
[baseline]
title = "Another model"
[flip_probability]
rotate = 0.5
shot_noise = 0.25
[top5_distance]
rotate = 2.0
shot_noise = 4.0
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A dataset of three items, and the scores of a model that is not sure about any frame of it."""
    place = tmp_path_factory.mktemp("scored")
    write_photographs(place / "photographs", 3, size=(16, 16))
    corruptgen.generate(write_build(place, table=TABLE), output=place / "out", workers=1)
    (place / "other.toml").write_text(BASELINE, "utf-8")
    random = np.random.RandomState(720931)
    scores = {
        (row, severity): random.random_sample((3, COUNTS[row], 8)).argsort(axis=2).astype(float)
        for row, severity in CELLS
    }
    return place, [item.id for item in corruptgen.open(place / "out")], scores


def names(row, severity):
    return row if severity == 1 else f"{row}_{severity}"


def entries(built):
    _, ids, scores = built
    for (row, severity), values in scores.items():
        for item, frames in zip(ids, values, strict=True):
            for frame, found in enumerate(frames):
                yield item, row, severity, frame, found


def write_csv(path, built, *, with_scores, with_column):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        answer = [f"score_{number}" for number in range(8)] if with_scores else ["prediction"]
        writer.writerow(["id", "row", "severity", *answer, *(["frame"] if with_column else [])])
        for item, row, severity, frame, found in entries(built):
            name, last = (item, [frame]) if with_column else (f"{item}/{frame}", [])
            writer.writerow([name, row, severity, *(found if with_scores else [int(found.argmax())]), *last])
    return path


def written(form, built):
    place, _, scores = built
    path = place / f"predictions.{form.partition(' ')[2]}"
    match form:
        case "ids in csv":
            return write_csv(path.with_suffix(".csv"), built, with_scores=True, with_column=False)
        case "column in csv":
            return write_csv(path.with_suffix(".csv"), built, with_scores=True, with_column=True)
        case "arrays in npz":
            np.savez(path.with_suffix(".npz"), **{names(*cell): values for cell, values in scores.items()})
            return path.with_suffix(".npz")
    parquet, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    columns = list(zip(*entries(built), strict=True))
    table = dict(zip(("image_id", "corruption", "severity", "frame"), columns, strict=False))
    scores_of = [list(map(float, found)) for found in columns[4]]
    parquet.write_table(pa.table(table | {"scores": scores_of}), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def expected(built, measure):
    """Return the number of every cell, by the functions that are compared with the original ones."""
    found = {}
    for (row, severity), values in built[2].items():
        options = {"noise": sequences.is_noise(row), "difficulty": severity}
        given = values.argmax(axis=2) if measure is sequences.flips else values
        found[row, severity] = measure(given, **options).mean()
    return found


@pytest.mark.parametrize("form", ["ids in csv", "column in csv", "columns in parquet", "arrays in npz"])
def test_every_form_of_predictions_has_the_scores_of_the_functions(built, form):
    report = corruptgen.score(written(form, built), built[0] / "out", resamples=0)

    flips, distances = (expected(built, measure) for measure in (sequences.flips, sequences.top5_distances))
    assert {cell: report.cells[cell].value for cell in flips} == pytest.approx(flips)
    assert report.main == "flip_probability"
    assert report.scores["flip_probability"].value == pytest.approx(np.mean(list(flips.values())))
    assert report.scores["t5d"].value == pytest.approx(np.mean(list(distances.values())))
    assert report.by_row["t5d"]["rotate"].value == pytest.approx(np.mean([distances["rotate", s] for s in (1, 2, 3)]))


def test_mfr_and_mt5d_are_of_severity_1_in_percent_of_a_baseline(built):
    path = written("arrays in npz", built)

    report = corruptgen.score(path, built[0] / "out", baseline=built[0] / "other.toml", resamples=50)

    other = baseline(str(built[0] / "other.toml"))
    first = {row: expected(built, sequences.flips)[row, 1] for row in COUNTS}
    moved = {row: expected(built, sequences.top5_distances)[row, 1] for row in COUNTS}
    assert report.scores["mfr"].value == pytest.approx(sequences.mean_flip_rate(first, other))
    assert report.scores["mt5d"].value == pytest.approx(sequences.mean_top5_distance(moved, other))
    assert report.by_row["mfr"]["rotate"].value == pytest.approx(100 * first["rotate"] / 0.5)
    assert report.scores["mfr"].low < report.scores["mfr"].value < report.scores["mfr"].high


def test_windows_of_the_anti_aliasing_protocol_are_scored_by_their_agreement(tmp_path):
    write_photographs(tmp_path / "photographs", 3, size=(40, 50))
    recipe = write_build(tmp_path)
    recipe.write_text(recipe.read_text("utf-8").replace("turns.toml", "antialiasing"), "utf-8")
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    # The first picture is classified alike everywhere, the second one in the last window alone differently.
    diagonal = np.zeros((3, 33), int)
    diagonal[1, -1], diagonal[2, 11:22], diagonal[2, 22:] = 1, 1, 2
    answers = {"consistency": np.array([[1, 1], [2, 2], [0, 3]]), "diagonal": diagonal}
    scores = {row: np.eye(4)[classes] for row, classes in answers.items()}
    np.savez(tmp_path / "predictions.npz", **scores)

    report = corruptgen.score(tmp_path / "predictions.npz", tmp_path / "out", resamples=20)

    agreement = report.by_row["window_agreement"]
    assert agreement["consistency"].value == pytest.approx(2 / 3)
    assert agreement["diagonal"].value == pytest.approx((1 + 31 / 33 + 10 / 32) / 3)
    assert report.by_row["adversarial_robustness"]["diagonal"].value == pytest.approx(1 / 3)
    assert report.scores["adversarial_robustness"].value == pytest.approx(0.5)
    assert agreement["diagonal"].low <= agreement["diagonal"].value <= agreement["diagonal"].high


def test_the_report_is_a_baseline_of_others(built):
    path = written("arrays in npz", built)
    report = corruptgen.score(path, built[0] / "out", resamples=0)
    (built[0] / "own.json").write_text(report.to_json(), "utf-8")

    again = corruptgen.score(path, built[0] / "out", baseline=built[0] / "own.json", metrics=["mfr"], resamples=0)

    assert again.scores["mfr"].value == pytest.approx(100)


def test_predicted_classes_alone_have_flips_and_no_distances(built):
    path = write_csv(built[0] / "classes.csv", built, with_scores=False, with_column=False)

    report = corruptgen.score(path, built[0] / "out", resamples=0)

    assert report.scores["flip_probability"].value == pytest.approx(
        np.mean(list(expected(built, sequences.flips).values()))
    )
    assert "t5d" not in report.scores
    assert any("t5d: this metric needs the scores of all classes" in note for note in report.notes)


def test_the_command_prints_and_writes_scores_of_sequences(built, tmp_path):
    arguments = ["score", str(written("arrays in npz", built)), "--manifest", str(built[0] / "out"), "--resamples", "0"]

    done = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / "model")])

    assert done.exit_code == 0, done.output
    assert "mean flip probability over rows and severities" in done.output
    found = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert found["cells_hold"] == "flip_probability"
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")


def test_items_without_labels_are_scored_too(tmp_path, built):
    write_photographs(tmp_path / "photographs", 3, size=(16, 16))
    for path in sorted((tmp_path / "photographs").glob("*/*.png")):
        path.rename(tmp_path / "photographs" / path.name)
    corruptgen.generate(write_build(tmp_path, table=TABLE), output=tmp_path / "out", workers=1)
    np.savez(tmp_path / "p.npz", **{names(*cell): values for cell, values in built[2].items()})

    report = corruptgen.score(tmp_path / "p.npz", tmp_path / "out", resamples=0)

    assert report.items == 3
    assert report.scores["flip_probability"].value == pytest.approx(
        np.mean(list(expected(built, sequences.flips).values()))
    )


MIXED = TABLE + "[brightness]\noffset = [0.1, 0.2, 0.3]\n"


def test_rows_of_images_and_of_sequences_are_scored_apart(tmp_path, built):
    write_photographs(tmp_path / "photographs", 3, size=(16, 16))
    corruptgen.generate(write_build(tmp_path, table=MIXED), output=tmp_path / "out", workers=1)
    np.savez(tmp_path / "p.npz", **{names(*cell): values for cell, values in built[2].items()})

    with pytest.raises(ScoreError, match=r"rotate, shot_noise make sequences .* brightness single images; .* --rows"):
        corruptgen.score(tmp_path / "p.npz", tmp_path / "out")
    report = corruptgen.score(tmp_path / "p.npz", tmp_path / "out", rows=["rotate", "shot_noise"], resamples=0)
    assert report.rows == ("rotate", "shot_noise")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-1], r"1 of 81 predictions of frames are missing, the first of them for frame 3 of "),
        (lambda lines: [*lines, lines[-1]], r"line 83: coffee/02\.png/3 in shot_noise/3 occurs twice"),
        (
            lambda lines: [*lines[:-1], lines[-1].replace("/3,", "/4,")],
            r"names no frame of shot_noise/3, which has those",
        ),
        (lambda lines: [*lines[:-1], "tea.png/0,rotate,1,3\n"], r"line 82: .*no item .*'tea\.png'.* such as .*\.png/0"),
        (lambda lines: [*lines[:-1], lines[-1].replace(",3,", ",4,")], r"shot_noise has no severity 4 in this dataset"),
        (lambda lines: [*lines[:-1], lines[-1].replace("shot", "spot")], r"line 82: .*row of the dataset.*spot_noise"),
    ],
)
def test_predictions_that_do_not_fit_say_why(built, tmp_path, change, message):
    path = write_csv(tmp_path / "classes.csv", built, with_scores=False, with_column=False)
    with path.open(encoding="utf-8", newline="") as file:
        lines = file.read().replace("\r\n", "\n").splitlines(keepends=True)
    path.write_text("".join(change(lines)), "utf-8")

    with pytest.raises(ScoreError, match=message):
        corruptgen.score(path, built[0] / "out", resamples=0)


def test_arrays_of_another_shape_and_results_tables_say_why(built, tmp_path):
    np.savez(tmp_path / "p.npz", rotate=np.zeros((3, 4), int))
    with pytest.raises(ScoreError, match=r"p\.npz rotate: its shape is \(3, 4\), allowed are 3 items × 5 frames"):
        corruptgen.score(tmp_path / "p.npz", built[0] / "out")
    (tmp_path / "results.csv").write_text("row,severity,error\nrotate,1,0.3\n", "utf-8")
    with pytest.raises(ScoreError, match="a table of results is for rows of single images"):
        corruptgen.score(tmp_path / "results.csv", built[0] / "out")


def test_a_baseline_of_rows_that_are_missing_is_named(built):
    with pytest.raises(ScoreError, match=r"mfr: the baseline imagenet-p/alexnet is for 10 rows, and gaussian_noise, "):
        corruptgen.score(
            written("arrays in npz", built),
            built[0] / "out",
            baseline="imagenet-p/alexnet",
            metrics=["mfr"],
            resamples=0,
        )
