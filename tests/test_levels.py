"""Rows of one table with different numbers of levels, from the table to the scores."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.engine.plan import read_preset, spell_out
from corruptgen.errors import PresetError, RecipeError, ScoreError, SeverityError
from corruptgen.gallery import Photograph, gallery_of_table
from corruptgen.metrics import Grid
from corruptgen.metrics.trajectory import accuracy_drops, area_under_severity
from corruptgen.publishing.card import write_card
from corruptgen.publishing.difference import compare_datasets
from corruptgen.publishing.picture import draw_picture
from corruptgen.recipe.recipe import load
from corruptgen.scoring.evaluation import ScoreOptions
from corruptgen.scoring.evaluation import score_dataset as score
from corruptgen.scoring.plot import figure_of
from corruptgen.tables import catalog
from corruptgen.transforms import Corrupt
from corruptgen.transforms.view import all_cells
from corruptgen.verification.verdict import verify
from tests.builds import FORMATS
from tests.photographs import write_photographs

TABLE = """
[preset]
title = "Ladders of different lengths"
levels = 2
groups = { tones = ["brightness", "contrast"] }

[brightness]
levels = 4
offset = [0.1, 0.2, 0.3, 0.4]

[gaussian_noise]
sigma = [0.1, 0.2]

[contrast]
levels = 1
factor = 0.5
"""
LADDERS = {"brightness": (1.0, 2.0, 3.0, 4.0), "gaussian_noise": (1.0, 2.0), "contrast": (1.0,)}
CELLS = [(row, severity) for row, severities in LADDERS.items() for severity in severities]


def write_ladders(place, corrupt="", output="", version="1.0.0", table=TABLE):
    """Write a recipe over the table of ladders, and its photographs."""
    if not (place / "photographs").is_dir():
        write_photographs(place / "photographs", 4, size=(16, 16))
    (place / "ladders.toml").write_text(table, "utf-8")
    recipe = place / "recipe.toml"
    recipe.write_text(
        f'name = "ladders-c"\nversion = "{version}"\n[source]\nkind = "folder"\npath = "photographs"\n'
        f'[corrupt]\npreset = "ladders.toml"\n{corrupt}\n[output]\n{output}\n',
        "utf-8",
    )
    return recipe


def table_at(place, text=TABLE):
    (place / "ladders.toml").write_text(text, "utf-8")
    return str(place / "ladders.toml")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The dataset of all levels of all rows, with the clean twin, as arrays."""
    place = tmp_path_factory.mktemp("ladders")
    recipe = write_ladders(place, output='format = "npy"\nclean = true')
    corruptgen.generate(recipe, output=place / "out", workers=1)
    return place / "out"


def choice(recipe):
    """Return the section of a recipe as manifests record it."""
    found = load(recipe)
    return spell_out(found, read_preset(found)).corrupt.content()


# Tables


def test_a_row_states_its_own_number_of_levels(tmp_path):
    table = catalog.preset(table_at(tmp_path))

    assert {name: row.severities for name, row in table.rows.items()} == LADDERS
    assert table.levels == 4
    assert table.cell("brightness", 4).parameters == {"offset": 0.4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TABLE.replace("levels = 4", "levels = 3"), r"\[brightness\] offset: 4 values for 3 severities"),
        (TABLE.replace("levels = 4\n", ""), r"\[brightness\] offset: 4 values for 2 severities"),
        (TABLE.replace("levels = 4", "levels = 0"), r"\[brightness\] levels: found 0, allowed is a whole number"),
        (TABLE + "[two]\nsteps = [{ row = 'contrast' }, { row = 'brightness' }]\n", "contrast has 1 levels, and the"),
        (TABLE + "region = { side = [4, 5], where = 'centre' }\n", "region side: found .4, 5., allowed is"),
    ],
)
def test_numbers_of_values_are_those_of_the_row(tmp_path, text, message):
    with pytest.raises(PresetError, match=message):
        catalog.preset(table_at(tmp_path, text))


def test_a_severity_beyond_the_levels_of_its_row_is_refused_whatever_others_have(tmp_path):
    image = np.full((8, 8, 3), 100, np.uint8)

    with pytest.raises(SeverityError, match=r"contrast: severity 2 is outside of 0\.\.1"):
        corruptgen.corrupt(image, "contrast", 2, preset=table_at(tmp_path))

    assert corruptgen.corrupt(image, "brightness", 3.5, preset=table_at(tmp_path)).shape == (8, 8, 3)


def test_a_chain_states_its_levels_and_one_of_a_recipe_has_those_of_its_shortest_step(tmp_path):
    text = TABLE + "[both]\nlevels = 2\nsteps = [{ row = 'brightness' }, { row = 'gaussian_noise' }]\n"
    table = catalog.preset(table_at(tmp_path, text))
    found = load(write_ladders(tmp_path, 'chains = [{ pairs = "unordered" }]'))

    extended = read_preset(found)

    assert table.rows["both"].level_count == 2
    pairs = {name: row.level_count for name, row in extended.rows.items() if row.is_chain}
    assert pairs == {"brightness__gaussian_noise": 2, "brightness__contrast": 1, "gaussian_noise__contrast": 1}


def test_places_of_a_whole_table_hold_for_ladders_of_every_length(tmp_path):
    text = TABLE.replace("levels = 2\n", "levels = 2\nregion = { side = 4, where = 'centre' }\n", 1)
    image = np.full((8, 8, 3), 100, np.uint8)

    for row, severity in CELLS:
        changed = corruptgen.corrupt(image, row, severity, preset=table_at(tmp_path, text)) != image
        assert not changed[0].any()


def test_list_and_show_state_the_levels(tmp_path):
    listed = CliRunner().invoke(app, ["list", table_at(tmp_path)]).stdout
    shown = CliRunner().invoke(app, ["show", "brightness", "--preset", table_at(tmp_path)]).stdout

    assert "1 to 4 levels" in listed.splitlines()[0]
    assert [line.split()[:2] for line in listed.splitlines()[2:]] == [
        ["brightness", "4"],
        ["gaussian_noise", "2"],
        ["contrast", "1"],
    ]
    assert "severity  1    2    3    4" in shown


# Recipes


@pytest.mark.parametrize("corrupt", ["", 'severities = "all"'])
def test_all_severities_are_all_levels_of_each_row(tmp_path, corrupt):
    stated = choice(write_ladders(tmp_path, corrupt))["severities"]

    assert stated == {"brightness": [1, 2, 3, 4], "gaussian_noise": [1, 2], "contrast": [1]}


def test_severities_of_rows_and_groups_are_stated_by_name_and_others_have_all(tmp_path):
    corrupt = "[corrupt.severities]\ntones = [1]\nbrightness = [4, 2.5]"

    stated = choice(write_ladders(tmp_path, corrupt))["severities"]

    assert stated == {"brightness": [2.5, 4], "gaussian_noise": [1, 2], "contrast": [1]}


def test_rows_that_have_the_same_severities_are_recorded_with_one_list(tmp_path):
    assert choice(write_ladders(tmp_path, "severities = [1]"))["severities"] == [1]
    assert choice(write_ladders(tmp_path, 'rows = ["gaussian_noise"]'))["severities"] == [1, 2]


@pytest.mark.parametrize(
    ("corrupt", "message"),
    [
        ("severities = [1, 2]", r"contrast: severity 2 is outside of 0\.\.1; leave severities out .* = \[1\]"),
        ("severities = [3]", r"gaussian_noise: severity 3 is outside of 0\.\.2; contrast: severity 3 is outside"),
        ("severities = { contrast = [2] }", r"contrast: severity 2 is outside of 0\.\.1"),
        ("severities = { contrats = [1] }", "did you mean 'contrast'"),
        ('rows = ["contrast"]\nseverities = { brightness = [1] }', "no row of the recipe is called 'brightness'"),
        ("severities = { contrast = 1 }", 'a table with such a list for rows by their names, or "all"'),
        ('severities = "some"', 'or "all"'),
    ],
)
def test_severities_that_a_row_does_not_have_are_refused_by_name(tmp_path, corrupt, message):
    with pytest.raises(RecipeError, match=message):
        choice(write_ladders(tmp_path, corrupt))


# Datasets


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_holds_the_levels_that_rows_have(tmp_path, form):
    recipe = write_ladders(tmp_path, output=f'format = "{form}"\nitems_per_shard = 3')

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    made = corruptgen.open(tmp_path / "out")
    assert made.cells == tuple(CELLS)
    assert made.configs == {row: list(severities) for row, severities in LADDERS.items()}
    assert (outcome.files, made.image_count) == (4 * 7, 4 * 7)
    item = next(iter(made))
    clean = np.asarray(Image.open(tmp_path / "photographs" / item.id))
    for row, severity in CELLS:
        expected = corruptgen.corrupt(clean, row, severity, preset=str(tmp_path / "ladders.toml"), key=item.id)
        assert np.array_equal(made.image(row, severity, item), expected)
    with pytest.raises(SeverityError, match="contrast has no severity 2 in this dataset, which has 1"):
        made.image("contrast", 2, item)
    assert verify(tmp_path / "out", depth="full", source=tmp_path / "photographs", workers=1).problems == ()


def test_arrays_stack_the_levels_of_their_row_and_labels_fit_the_longest(built):
    shapes = {row: np.load(built / f"{row}.npy").shape for row in LADDERS}

    assert shapes == {row: (4 * len(severities), 16, 16, 3) for row, severities in LADDERS.items()}
    assert len(np.load(built / "labels.npy")) == 4 * 4
    card = write_card(corruptgen.open(built))
    assert 'np.load(f"{folder}/labels.npy")[: len(images)]' in card


def test_a_card_states_the_severities_of_each_row(built):
    made = corruptgen.open(built)

    card = write_card(made)

    assert "at severities 1, 2, 3, 4 (`brightness`); 1, 2 (`gaussian_noise`); 1 (`contrast`)" in card
    assert "| `brightness` | `offset` | 0.1 | 0.2 | 0.3 | 0.4 |" in card
    assert "| `contrast` | `factor` | 0.5 |  |  |  |" in card
    assert "severities = { brightness = [1, 2, 3, 4], gaussian_noise = [1, 2], contrast = [1] }" in card
    assert len(draw_picture(made)) > 0


def test_plan_and_preview_state_how_many_severities_there_are(tmp_path):
    recipe = write_ladders(tmp_path)
    picture = next((tmp_path / "photographs").rglob("*.png"))

    planned = CliRunner().invoke(app, ["plan", str(recipe)]).stdout
    drawn = CliRunner().invoke(
        app, ["preview", str(picture), "--preset", table_at(tmp_path), "--output", str(tmp_path / "sheet.png")]
    )

    assert "3 rows × 1 to 4 severities" in planned
    assert "3 rows × 1 to 4 severities" in drawn.stdout
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    # The last column has a picture in the first line alone.
    last = sheet[:, -200:].reshape(len(sheet), -1).min(axis=1) < 255
    assert last[: len(sheet) // 3].any()
    assert not last[len(sheet) // 2 :].any()


def test_a_gallery_shows_the_levels_that_rows_have(tmp_path):
    photographs = [Photograph("grey", np.full((16, 16, 3), 128, np.uint8))]

    made = gallery_of_table(table_at(tmp_path), photographs, steps=1)

    assert {row.row.name: row.levels for row in made.rows} == LADDERS
    assert made.frames == 7


def test_an_output_grows_by_levels_that_one_of_its_rows_has(tmp_path):
    small = write_ladders(tmp_path, "severities = [1]", 'format = "npy"')
    corruptgen.generate(small, output=tmp_path / "out", workers=1)
    larger = write_ladders(tmp_path, "", 'format = "npy"')

    outcome = corruptgen.generate(larger, output=tmp_path / "out", workers=1)

    assert not outcome.was_finished
    assert corruptgen.open(tmp_path / "out").cells == tuple(CELLS)
    assert verify(tmp_path / "out", depth="full", source=tmp_path / "photographs", workers=1).problems == ()
    further = write_ladders(tmp_path, "", 'format = "npy"', table=TABLE)
    assert corruptgen.generate(further, output=tmp_path / "out", workers=1).was_finished


def test_datasets_with_more_levels_of_a_row_differ_in_these(tmp_path, built):
    corruptgen.generate(
        write_ladders(tmp_path, "severities = { brightness = [1, 2] }", 'format = "npy"\nclean = true'),
        output=tmp_path / "out",
        workers=1,
    )

    found = compare_datasets(corruptgen.open(tmp_path / "out"), corruptgen.open(built))

    assert found.breaks == ()
    assert found.added == ("the severity 3 of brightness was added", "the severity 4 of brightness was added")


# Transforms


def test_a_transform_draws_from_the_levels_of_the_row_that_it_has_drawn(tmp_path):
    transform = Corrupt(table_at(tmp_path), seed=3)

    drawn = {(draw.row, draw.severity) for draw in map(transform.draw, map(str, range(200)))}

    assert drawn == set(CELLS)
    with pytest.raises(SeverityError, match="contrast: severity 2"):
        Corrupt(table_at(tmp_path), severity=(1, 2))


def test_views_of_all_cells_are_those_of_the_levels_that_rows_have(tmp_path):
    views = all_cells([np.zeros((8, 8, 3), np.uint8)], table_at(tmp_path))

    assert [(view.row, view.severity) for view in views] == CELLS


# Scores


def write_predictions(place, dataset, wrong=()):
    """Predict every image right, but the first items of some cells."""
    made = corruptgen.open(dataset)
    lines = ["id,row,severity,prediction"]
    for row, severity in made.cells:
        for number, record in enumerate(made):
            is_wrong = number < dict(wrong).get((row, severity), 0)
            label = "wrong" if is_wrong else record.label
            other = next(name for name in made.classes.names if name != record.label)
            lines.append(f"{record.id},{row},{severity:g},{other if label == 'wrong' else label}")
    (place / "predictions.csv").write_text("\n".join(lines) + "\n")
    return place / "predictions.csv"


WRONG = ((("brightness", 3.0), 2), (("brightness", 4.0), 4), (("contrast", 1.0), 1))


def test_scores_are_over_the_cells_that_there_are_and_each_row_counts_the_same(built, tmp_path):
    report = score(write_predictions(tmp_path, built, WRONG), built, ScoreOptions(resamples=20))

    brightness, contrast = (0 + 0 + 0.5 + 1) / 4, 0.25
    assert set(report.cells) == set(CELLS)
    assert report.scores["mean_error"].value == pytest.approx((brightness + 0 + contrast) / 3)
    assert report.by_severity["mean_error"][1.0].value == pytest.approx(0.25 / 3)
    assert report.by_severity["mean_error"][4.0].value == 1
    assert report.by_row["area"]["contrast"].value == pytest.approx(0.125)
    # The images of contrast that never fail count as far as one level beyond its own.
    assert report.scores["failure_margin"].value == pytest.approx((2 * 2 + 2 * 1 + 1 * 1) / 12)
    lines = {line[0]: line for line in report.row_lines()}
    assert lines["contrast"][1:6] == ("25.00 %", "", "", "", "25.00 %")
    assert len(figure_of(report).axes[2].lines[0].get_xdata()) == 1
    assert report.cells["contrast", 1.0].low is not None
    assert list(json.loads(report.to_json())["cells"]["contrast"]) == ["1"]


def test_scores_of_probabilities_know_nothing_of_cells_that_there_are_not(built, tmp_path):
    made = corruptgen.open(built)
    labels = np.array([made.label(record) for record in made])
    arrays = {"clean": np.eye(4)[labels]}
    for row, severities in LADDERS.items():
        arrays[row] = np.tile(0.9 * np.eye(4)[labels] + 0.025, (len(severities), 1))
    np.savez(tmp_path / "predictions.npz", **arrays)

    report = score(tmp_path / "predictions.npz", built, ScoreOptions(resamples=0))

    assert report.scores["mean_error"].value == 0
    assert report.scores["ece"].value == pytest.approx(1 - 0.925)
    assert report.by_row["coverage"]["contrast"].value == report.by_severity["coverage"][4.0].value == 1
    arrays["contrast"] = np.tile(arrays["contrast"], (2, 1))
    np.savez(tmp_path / "predictions.npz", **arrays)
    with pytest.raises(ScoreError, match=r"contrast: its shape is \(8, 4\), allowed are 4 entries"):
        score(tmp_path / "predictions.npz", built)


def test_predictions_of_a_level_that_a_row_does_not_have_are_refused(built, tmp_path):
    file = write_predictions(tmp_path, built)
    file.write_text(file.read_text().replace("contrast,1,", "contrast,2,", 1))

    with pytest.raises(ScoreError, match="contrast has no severity 2 in this dataset; it has 1"):
        score(file, built)


def test_a_score_is_a_baseline_of_itself_whatever_the_levels_of_its_rows(built, tmp_path):
    wrong = (*WRONG, (("gaussian_noise", 1.0), 1))
    file = write_predictions(tmp_path, built, wrong)
    (tmp_path / "baseline.json").write_text(score(file, built).to_json())

    report = score(file, built, ScoreOptions(baseline=str(tmp_path / "baseline.json"), resamples=0))

    assert report.scores["mce"].value == pytest.approx(100)
    assert report.by_row["relative_mce"]["contrast"].value == pytest.approx(100)


def test_a_table_of_results_has_a_number_for_each_cell_that_there_is(built, tmp_path):
    lines = ["row,severity,error", "clean,0,0", *(f"{row},{severity:g},0.5" for row, severity in CELLS)]
    (tmp_path / "results.csv").write_text("\n".join(lines) + "\n")

    assert score(tmp_path / "results.csv", built).scores["mean_error"].value == 0.5

    (tmp_path / "results.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(ScoreError, match="contrast/1"):
        score(tmp_path / "results.csv", built)


def test_a_grid_of_rows_with_different_severities_keeps_them_apart():
    cells = {("short", 1): 0.2, ("long", 1): 0.4, ("long", 2): 0.8}
    with pytest.raises(ScoreError, match="1 of 4 cells are missing: short/2"):
        Grid.of(cells)

    grid = Grid.of(cells, 0.1, {"short": [1], "long": [1, 2]})

    assert (grid.severities_of("short"), grid.severities_of("long")) == ((1.0,), (1.0, 2.0))
    assert grid.by_row.tolist() == pytest.approx([0.2, 0.6])
    assert grid.by_severity.tolist() == pytest.approx([0.3, 0.8])
    assert grid.mean == pytest.approx(0.4)
    assert grid.complement.mean == pytest.approx(0.6)
    assert accuracy_drops(grid).by_row.tolist() == pytest.approx([0.1, 0.5])
    assert area_under_severity(grid).tolist() == pytest.approx([0.15, (0.25 + 0.6) / 2])
    assert grid.selected(["short"]).severities == (1.0,)
    with pytest.raises(ScoreError, match="short/2"):
        grid.selected(severities=[1, 2])


def test_sequences_of_rows_with_different_levels_are_scored_over_the_cells_that_there_are(tmp_path):
    table = (
        '[preset]\ntitle = "Patches"\nregion = { side = 8, where = "every cell" }\n'
        "[brightness]\nlevels = 2\noffset = [0.1, 0.2]\n[contrast]\nlevels = 1\nfactor = 0.5\n"
    )
    corruptgen.generate(
        write_ladders(tmp_path, output='format = "npy"', table=table), output=tmp_path / "out", workers=1
    )
    arrays = {"brightness": np.zeros((4, 4), int), "brightness_2": np.tile([0, 1, 0, 1], (4, 1))}
    np.savez(tmp_path / "predictions.npz", **arrays, contrast=np.tile([0, 0, 1, 1], (4, 1)))

    report = score(tmp_path / "predictions.npz", tmp_path / "out", ScoreOptions(resamples=5))

    assert set(report.cells) == {("brightness", 1.0), ("brightness", 2.0), ("contrast", 1.0)}
    assert report.by_row["flip_probability"]["brightness"].value == pytest.approx(0.5)
    assert report.by_row["flip_probability"]["contrast"].value == pytest.approx(1 / 3)
    assert report.scores["flip_probability"].value == pytest.approx((1 / 2 + 1 / 3) / 2)
