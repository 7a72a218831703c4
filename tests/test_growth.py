"""Growth: rows and severities are added to a finished output, and what it has is not regenerated."""

import json
import shutil
import signal
from functools import partial

import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.engine.generation import check
from corruptgen.engine.plan import make_plan
from corruptgen.engine.source_check import choose_sample
from corruptgen.errors import Interrupted, OutputError, RecipeError, SourceError
from corruptgen.verification.verdict import verify
from tests.builds import FORMATS
from tests.photographs import executed, pixels_of, tree, write_photographs, write_recipe
from tests.test_targets import COCO, write_coco
from tests.test_targets import write_recipe as write_target_recipe

SMALL = 'rows = ["brightness"]\nseverities = [1]'
# By what is added, as the choice of rows and severities, and whether there is a clean twin.
LARGER = {
    "a row": ('rows = ["gaussian_noise", "brightness"]\nseverities = [1]', True),
    "a severity between levels": ('rows = ["brightness"]\nseverities = [0.5, 1, 1.5]', True),
    "both": ('rows = ["jpeg_compression", "brightness", "gaussian_noise"]\nseverities = [1, 2]', True),
    "the clean twin": (SMALL, True),
}
# What speaks of the whole output, or of all cells of a block.
RECORDS = (".corruptgen.json", "manifest.json", "README.md", "items/", "labels.npy")


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs", 10, size=(32, 32))
    (tmp_path / "photographs/astronaut/broken.png").write_bytes(b"no image")
    return tmp_path


def recipe_of(place, form, corrupt=SMALL, *, clean=True, version="1.0.0"):
    output = f'format = "{form}"\nclean = {str(clean).lower()}\nitems_per_shard = 4'
    recipe = write_recipe(place, corrupt=corrupt, output=output)
    recipe.write_text(recipe.read_text("utf-8").replace('"1.0.0"', f'"{version}"'), "utf-8")
    return recipe


def states(output):
    """Return what tells whether a file was written again, for all files of an output."""
    files = {path: path.stat() for path in output.rglob("*") if path.is_file()}
    return {str(path.relative_to(output)): (stat.st_ino, stat.st_mtime_ns) for path, stat in files.items()}


def rewritten(before, after):
    """Name the files with images that were there before and are not the same files now."""
    return {name for name, state in before.items() if after.get(name) != state and not name.startswith(RECORDS)}


@pytest.mark.parametrize("added", LARGER)
@pytest.mark.parametrize("form", FORMATS)
def test_what_a_finished_output_has_is_not_made_again_when_cells_are_added(place, form, added):
    corrupt, clean = LARGER[added]
    small = recipe_of(place, form, clean=added != "the clean twin")
    corruptgen.generate(small, output=place / "out", workers=1)
    before = states(place / "out")
    larger = recipe_of(place, form, corrupt, clean=clean)

    outcome = corruptgen.generate(larger, output=place / "out", workers=1)

    # Severities of a row are stacked in one array, which is put together again then.
    joined = (
        {f"brightness.{form}"} if form in ("npy", "npz") and added in ("a severity between levels", "both") else set()
    )
    assert rewritten(before, states(place / "out")) == joined
    assert not outcome.was_finished
    assert len(outcome.rejected) == 1
    corruptgen.generate(larger, output=place / "once", workers=1)
    assert tree(place / "out") == tree(place / "once")
    report = verify(place / "out", depth="full", source=place / "photographs", workers=1)
    assert report.problems == ()
    assert corruptgen.generate(larger, output=place / "out", workers=1).was_finished


@pytest.mark.parametrize("form", FORMATS)
def test_pixels_of_existing_cells_are_not_computed_again(place, form, monkeypatch):
    corruptgen.generate(recipe_of(place, form), output=place / "out", workers=1)
    made, apply = [], corruptgen.engine.block.Cells.apply

    def counted(cells, name, image, key):
        made.append((name, key))
        return apply(cells, name, image, key)

    monkeypatch.setattr("corruptgen.engine.block.Cells.apply", counted)
    corruptgen.generate(recipe_of(place, form, LARGER["both"][0]), output=place / "out", workers=1)

    images = [name for name, key in made if key != "probe"]
    assert set(images) == {
        (row, level)
        for row in ("jpeg_compression", "brightness", "gaussian_noise")
        for level in (1.0, 2.0)
        if (row, level) != ("brightness", 1.0)
    }
    assert len(images) == 5 * 10


def test_columns_that_a_severity_adds_make_its_row_again_and_no_other(tmp_path):
    write_photographs(tmp_path / "photographs", 4, size=(64, 64))
    layout = 'format = "parquet"\nitems_per_shard = 4\nencoding = "jpeg"'

    def recipe(severities):
        corrupt = f'rows = ["spatter", "brightness"]\nseverities = {severities}'
        return write_recipe(tmp_path, preset="imagenet-c-64", corrupt=corrupt, output=layout)

    corruptgen.generate(recipe("[1]"), output=tmp_path / "out", workers=1)
    before = states(tmp_path / "out")
    # Level 4 of spatter is mud, which has other parameters than water.
    corruptgen.generate(recipe("[1, 4]"), output=tmp_path / "out", workers=1)
    corruptgen.generate(tmp_path / "recipe.toml", output=tmp_path / "once", workers=1)

    assert rewritten(before, states(tmp_path / "out")) == {"data/spatter/severity_1-00000-of-00001.parquet"}
    assert tree(tmp_path / "out") == tree(tmp_path / "once")


# Within a block, between files that are for the whole output, and before the manifest.
KILLED_AFTER = {
    "folder": (1, 30, 55),
    "parquet": (4, 13, 21),
    "npy": (8, 24, 27),
    "npz": (12, 23, 26),
    "webdataset": (4, 13, 20),
}
# Each build is killed as soon as it has written n files.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import corruptgen

corruptgen.presets()
place, replace = Path(sys.argv[1]), os.replace
for number in map(int, sys.argv[2:]):
    output = place / f"out-{number}"
    shutil.copytree(place / "small", output)
    child = os.fork()
    if not child:
        written = 0

        def counted(*names):
            global written
            replace(*names)
            written += 1
            if written == number:
                os.kill(os.getpid(), signal.SIGKILL)

        os.replace = counted
        corruptgen.generate(place / "recipe.toml", output=output, workers=1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=() if form in ("folder", "npy") else pytest.mark.long) for form in FORMATS]
)
def test_a_growing_output_that_is_killed_grows_on_to_the_same_bytes(place, form):
    corruptgen.generate(recipe_of(place, form), output=place / "small", workers=1)
    small = tree(place / "small")
    larger = recipe_of(place, form, LARGER["both"][0])
    corruptgen.generate(larger, output=place / "once", workers=1)
    whole = tree(place / "once")
    moments = KILLED_AFTER[form]
    (place / "killed.py").write_text(KILLED, "utf-8")
    done = executed("killed.py", place, *moments, cwd=place)
    assert done.stdout.split() == [str(-signal.SIGKILL)] * len(moments), done.stderr

    for moment in moments:
        output = place / f"out-{moment}"
        before = states(output)
        corruptgen.generate(larger, output=output, workers=1)
        assert tree(output) == whole
        kept = {name: state for name, state in before.items() if name in small and name != f"brightness.{form}"}
        assert rewritten(kept, states(output)) == set()


@pytest.mark.parametrize("form", FORMATS)
def test_growth_may_stop_before_any_block_and_after_every_one(place, form):
    corruptgen.generate(recipe_of(place, form), output=place / "out", workers=1)
    before = states(place / "out")
    larger = recipe_of(place, form, LARGER["both"][0])
    for blocks in (0, 1, 1):
        left = iter([False] * blocks)
        with pytest.raises(Interrupted):
            corruptgen.generate(larger, output=place / "out", workers=1, stop=partial(next, left, True))
        assert not (place / "out/manifest.json").exists()

    corruptgen.generate(larger, output=place / "out", workers=2)
    corruptgen.generate(larger, output=place / "once", workers=1)

    assert tree(place / "out") == tree(place / "once")
    joined = {f"brightness.{form}"} if form in ("npy", "npz") else set()
    assert rewritten(before, states(place / "out")) == joined


@pytest.mark.parametrize("form", FORMATS)
def test_shards_add_cells_and_are_merged(place, form):
    corruptgen.generate(recipe_of(place, form), output=place / "out", workers=1)
    before = states(place / "out")
    larger = recipe_of(place, form, LARGER["both"][0])

    corruptgen.generate(larger, output=place / "out", workers=1, shard="2/2")
    with pytest.raises(OutputError, match=r"blocks 0, 2 are missing or not whole; run generate with --shard 1/2"):
        corruptgen.merge(place / "out")
    corruptgen.generate(larger, output=place / "out", workers=1, shard="1/2")
    corruptgen.merge(place / "out")

    corruptgen.generate(larger, output=place / "once", workers=1)
    assert tree(place / "out") == tree(place / "once")
    joined = {f"brightness.{form}"} if form in ("npy", "npz") else set()
    assert rewritten(before, states(place / "out")) == joined


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_damaged_in_an_output_that_grows_is_made_again(place, form):
    corruptgen.generate(recipe_of(place, form), output=place / "out", workers=1)
    file = next(path for path in sorted(place.glob("out/**/*")) if path.is_file() and "brightness" in str(path))
    content = file.read_bytes()
    file.write_bytes(content[:-40] + bytes(byte ^ 1 for byte in content[-40:]))
    larger = recipe_of(place, form, LARGER["both"][0])

    corruptgen.generate(larger, output=place / "out", workers=1)

    corruptgen.generate(larger, output=place / "once", workers=1)
    assert tree(place / "out") == tree(place / "once")


def test_rows_and_severities_can_be_added_from_the_command_line(place):
    recipe = recipe_of(place, "folder")
    corruptgen.generate(recipe, output=place / "out", workers=1)
    before = states(place / "out")
    options = ["--rows", "brightness,jpeg_compression", "--severities", "1,2", "--workers", "1", "--quiet"]

    done = CliRunner().invoke(app, ["generate", str(recipe), "--output", str(place / "out"), *options])

    assert done.exit_code == 3, done.output
    assert rewritten(before, states(place / "out")) == set()
    assert (place / "out/jpeg_compression/2/astronaut/00.png").exists()


def test_a_larger_dataset_is_a_minor_version(place):
    corruptgen.generate(recipe_of(place, "parquet"), output=place / "out", workers=1)
    shutil.copytree(place / "out", place / "before")
    larger = recipe_of(place, "parquet", LARGER["a row"][0], version="1.1.0")
    corruptgen.generate(larger, output=place / "out", workers=1)

    done = CliRunner().invoke(app, ["diff", str(place / "before"), str(place / "out")])

    assert "minor" in done.output


@pytest.mark.parametrize(
    ("corrupt", "top", "difference"),
    [
        ('rows = ["jpeg_compression"]\nseverities = [1]', "", "corrupt.rows"),
        ('rows = ["brightness"]\nseverities = [2]', "", "corrupt.severities"),
        (LARGER["a row"][0], "seed = 1", "seed"),
        (LARGER["a row"][0] + "\npaired = true", "", "corrupt.paired"),
    ],
)
def test_recipes_that_remove_or_change_something_are_refused(place, corrupt, top, difference):
    corruptgen.generate(recipe_of(place, "folder"), output=place / "out", workers=1)
    before = tree(place / "out")
    other = recipe_of(place, "folder", corrupt)
    other.write_text(top + "\n" + other.read_text("utf-8"), "utf-8")

    with pytest.raises(OutputError, match=f"holds another build: its recipe is not the same: .*{difference}"):
        corruptgen.generate(other, output=place / "out", workers=1)

    assert tree(place / "out") == before


def test_an_output_of_other_versions_or_code_is_not_added_to(place, monkeypatch):
    corruptgen.generate(recipe_of(place, "folder"), output=place / "out", workers=1)
    before = tree(place / "out")
    larger = recipe_of(place, "folder", LARGER["a row"][0])
    marker = json.loads((place / "out/.corruptgen.json").read_bytes())

    for key, message in (("environment", "other versions"), ("identity", "corruption brightness.*its source differs")):
        changed = json.loads(json.dumps(marker))
        if key == "environment":
            changed[key]["numpy"] = "1.0"
        else:
            changed[key]["corruptions"]["brightness"]["source"] = "0" * 64
        (place / "out/.corruptgen.json").write_text(json.dumps(changed), "utf-8")
        with pytest.raises(OutputError, match=f"to be added to was made with {message}|{message}"):
            corruptgen.generate(larger, output=place / "out", workers=1)
        (place / "out/.corruptgen.json").write_text(json.dumps(marker, indent=2, ensure_ascii=False) + "\n", "utf-8")
        assert tree(place / "out") == before


def test_an_output_that_is_not_finished_is_finished_first(place):
    small = recipe_of(place, "folder")
    corruptgen.generate(small, output=place / "out", workers=1)
    (place / "out/manifest.json").unlink()
    before = tree(place / "out")

    with pytest.raises(OutputError, match="finish it with the recipe that it was begun with"):
        corruptgen.generate(recipe_of(place, "folder", LARGER["a row"][0]), output=place / "out", workers=1)

    assert tree(place / "out") == before


def test_other_images_of_the_source_are_noticed_before_anything_is_changed(place):
    corruptgen.generate(recipe_of(place, "folder"), output=place / "out", workers=1)
    before = tree(place / "out")
    larger = recipe_of(place, "folder", LARGER["a row"][0])
    Image.fromarray(pixels_of(place / "photographs/chelsea/01.png")[::-1]).save(place / "photographs/astronaut/00.png")

    with pytest.raises(SourceError, match="are not those that this output was begun with"):
        corruptgen.generate(larger, output=place / "out", workers=1)

    assert tree(place / "out") == before


def test_a_card_and_files_of_others(place):
    corruptgen.generate(recipe_of(place, "folder"), output=place / "out", workers=1)
    (place / "out/README.md").write_text("of the smaller dataset", "utf-8")
    (place / "out/notes.txt").write_text("mine", "utf-8")
    before = tree(place / "out")
    larger = recipe_of(place, "folder", LARGER["a row"][0])

    with pytest.raises(OutputError, match=r"not part of this build: notes\.txt"):
        corruptgen.generate(larger, output=place / "out", workers=1)
    assert tree(place / "out") == before
    (place / "out/notes.txt").unlink()
    corruptgen.generate(larger, output=place / "out", workers=1)

    assert not (place / "out/README.md").exists()


def test_annotations_go_with_rows_that_are_added_and_rows_that_move_them_are_refused(tmp_path):
    write_coco(tmp_path)
    small = write_target_recipe(tmp_path, COCO, corrupt='rows = ["brightness"]\nseverities = [1]\ntargets = "move"')
    corruptgen.generate(small, output=tmp_path / "out", workers=1)
    before = states(tmp_path / "out")
    text = small.read_text("utf-8")

    small.write_text(text.replace('["brightness"]', '["brightness", "elastic_transform"]'), "utf-8")
    whole = tree(tmp_path / "out")
    with pytest.raises(RecipeError, match="elastic_transform cannot be added to a finished output"):
        corruptgen.generate(small, output=tmp_path / "out", workers=1)
    assert tree(tmp_path / "out") == whole

    small.write_text(text.replace("severities = [1]", "severities = [1, 2]"), "utf-8")
    corruptgen.generate(small, output=tmp_path / "out", workers=1)
    corruptgen.generate(small, output=tmp_path / "once", workers=1)
    assert tree(tmp_path / "out") == tree(tmp_path / "once")
    assert rewritten(before, states(tmp_path / "out")) <= {"annotations.json"}


def test_an_item_that_was_rejected_and_can_be_used_now_is_named(tmp_path):
    write_photographs(tmp_path / "photographs", 140, size=(16, 16))
    ids = sorted(f"{path.parent.name}/{path.name}" for path in tmp_path.glob("photographs/*/*.png"))
    # Most items are recognised when a build begins; this one is not among them.
    other = next(iter(set(ids) - set(choose_sample(ids))))
    file = tmp_path / "photographs" / other
    good = file.read_bytes()
    file.write_bytes(bytes(len(good)))
    corruptgen.generate(recipe_of(tmp_path, "parquet"), output=tmp_path / "out", workers=1)
    larger = recipe_of(tmp_path, "parquet", LARGER["a row"][0])
    file.write_bytes(good)

    with pytest.raises(SourceError, match=f"{other} was rejected when this output was made"):
        corruptgen.generate(larger, output=tmp_path / "out", workers=1)

    file.write_bytes(bytes(len(good)))
    corruptgen.generate(larger, output=tmp_path / "out", workers=1)
    corruptgen.generate(larger, output=tmp_path / "once", workers=1)
    assert tree(tmp_path / "out") == tree(tmp_path / "once")


@pytest.mark.parametrize("rows", ["brightness", [{}], [["brightness"]], 7, None])
def test_a_damaged_marker_is_refused_without_a_traceback(place, rows):
    corruptgen.generate(recipe_of(place, "folder"), output=place / "out", workers=1)
    marker = json.loads((place / "out/.corruptgen.json").read_bytes())
    marker["recipe"]["corrupt"]["rows"] = rows
    (place / "out/.corruptgen.json").write_text(json.dumps(marker), "utf-8")
    before = tree(place / "out")

    with pytest.raises(OutputError, match=r"holds another build: its recipe is not the same: .*corrupt\.rows"):
        corruptgen.generate(recipe_of(place, "folder", LARGER["a row"][0]), output=place / "out", workers=1)

    assert tree(place / "out") == before


def test_what_would_stop_growth_is_found_before_it_and_nothing_is_changed(place):
    corruptgen.generate(recipe_of(place, "folder"), output=place / "out", workers=1)
    before = states(place / "out")
    plan = make_plan(recipe_of(place, "folder", LARGER["both"][0]))

    check(plan, place / "out")
    (place / "out/manifest.json").unlink()
    with pytest.raises(OutputError, match="finish it with the recipe that it was begun with"):
        check(plan, place / "out")

    del before["manifest.json"]
    assert states(place / "out") == before
