"""Datasets of sequences: built in every format, resumed, sharded, verified, grown, published, and loaded again."""

import gc
import json
import shutil
import sys
import tarfile
import tracemalloc
import warnings
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app
from corruptgen.declare import ByteFrames, Scene, corruption
from corruptgen.engine.estimate import estimate_size
from corruptgen.engine.plan import make_plan
from corruptgen.engine.shard_merge import merge
from corruptgen.errors import ImageError, Interrupted, OutputError, RecipeError
from corruptgen.gallery import gallery_of_dataset, gallery_of_table, write_page
from corruptgen.gallery.photographs import Photograph, shipped_photograph
from corruptgen.publishing.card import write_card
from corruptgen.publishing.croissant import write_croissant
from corruptgen.publishing.difference import compare_datasets, measure_change
from corruptgen.publishing.picture import draw_picture
from corruptgen.tables import catalog
from corruptgen.transforms import Corrupt, Corrupted, all_cells, hf
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.builds import FORMATS, begun, kill, wait_for
from tests.hub.client import Session
from tests.hub.server import Hub
from tests.photographs import tree, write_photographs

# Two rows make sequences, of which one draws and one acts before the crop; one row makes an image.
TABLE = """
[preset]
title = "Turns, noise and an image"
levels = 2
sizes = [[24, 24]]
prepared = { resize = 32 }
view = { crop = 24 }
[turn]
use = "rotate_frames"
frames = 3
first = [-15.0, -30.0]
[noise]
use = "shot_noise_frames"
frames = [2, 4]
photons = [60.0, 20.0]
[brightness]
offset = [0.1, 0.2]
"""
FRAMES = {("turn", 1): 3, ("turn", 2): 3, ("noise", 1): 2, ("noise", 2): 4}
CELLS = (("clean", 0), ("turn", 1), ("turn", 2), ("noise", 1), ("noise", 2), ("brightness", 1), ("brightness", 2))
PER_ITEM = sum(FRAMES.values()) + 3


def write_build(place, form="folder", *, rows="", severities="", output="", top="", decode="", table=TABLE):
    """Write a table of sequences, and a recipe over it."""
    (place / "turns.toml").write_text(table, "utf-8")
    recipe = place / "recipe.toml"
    chosen = (f"rows = {rows}\n" if rows else "") + (f"severities = {severities}\n" if severities else "")
    recipe.write_text(
        f'name = "turns-p"\nversion = "1.0.0"\n{top}\n[source]\nkind = "folder"\npath = "photographs"\n'
        f'license = "cc0-1.0"\n[decode]\n{decode}\n[corrupt]\npreset = "turns.toml"\n{chosen}'
        f'[output]\nformat = "{form}"\nclean = true\nitems_per_shard = 2\n{output}\n[publish]\nallow_rejected = true\n',
        "utf-8",
    )
    return recipe


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs", 5, size=(40, 48))
    (tmp_path / "photographs/coffee/broken.png").write_bytes(b"no image")
    return tmp_path


@pytest.fixture(scope="module", params=FORMATS)
def built(request, tmp_path_factory):
    """A finished dataset in each format, beside its source; tests read it alone."""
    place = tmp_path_factory.mktemp(request.param)
    write_photographs(place / "photographs", 5, size=(40, 48))
    (place / "photographs/coffee/broken.png").write_bytes(b"no image")
    outcome = corruptgen.generate(write_build(place, request.param), output=place / "out", workers=1)
    return place, request.param, outcome


def source(place, name):
    with Image.open(place / "photographs" / name) as image:
        return np.asarray(image)


def frames_of(place, row, severity, name):
    options = {"preset": str(place / "turns.toml"), "key": name}
    return np.stack(list(corruptgen.frames(source(place, name), row, severity, **options)))


def twin_of(place, name):
    picture = Image.fromarray(source(place, name))
    return np.asarray(picture.resize((int(32 * 48 / 40), 32), Image.Resampling.BILINEAR).crop((7, 4, 31, 28)))


def test_every_format_holds_the_frames_of_corruptgen_frames_and_the_images_of_corrupt(built):
    place, _, outcome = built
    dataset = corruptgen.open(place / "out")

    assert (outcome.items, len(outcome.rejected), outcome.files) == (5, 1, 5 * PER_ITEM)
    assert dataset.cells == tuple((row, float(severity)) for row, severity in CELLS)
    for row, severity in CELLS:
        for item, pixels in dataset.images(row, severity):
            if (row, severity) in FRAMES:
                assert pixels.shape == (FRAMES[row, severity], 24, 24, 3)
                assert np.array_equal(pixels, frames_of(place, row, severity, item.id))
            elif row == "clean":
                assert np.array_equal(pixels, twin_of(place, item.id))
            else:
                whole = corruptgen.corrupt(
                    twin_of(place, item.id), row, severity, preset=str(place / "turns.toml"), key=item.id
                )
                assert np.array_equal(pixels, whole)
            assert np.array_equal(dataset.image(row, severity, item), pixels)


def test_the_manifest_records_how_many_frames_a_cell_has(built):
    place, _, _ = built
    manifest = json.loads((place / "out/manifest.json").read_text("utf-8"))

    assert manifest["frames"] == {f"{row}/{severity}": count for (row, severity), count in FRAMES.items()}
    assert manifest["counts"]["files"] == 5 * PER_ITEM
    dataset = corruptgen.open(place / "out")
    assert (dataset.frames_of("noise"), dataset.frames_of("noise", 2), dataset.frames_of("brightness")) == (2, 4, 0)


@pytest.mark.parametrize("depth", ["files", "sample", "full"])
def test_sequences_are_verified_at_every_depth(built, depth):
    place, _, _ = built

    verdict = verify(place / "out", depth=depth, source=place / "photographs", workers=1)

    assert verdict.problems == ()
    assert verdict.files == 5 * PER_ITEM
    assert verdict.pixels == {"files": 0, "full": 5 * PER_ITEM}.get(depth, verdict.pixels)
    assert depth == "files" or verdict.pixels >= 20


def test_a_table_without_staging_is_verified_from_its_clean_twin(place):
    recipe = write_build(place, table=TABLE.replace("prepared = { resize = 32 }\nview = { crop = 24 }\n", ""))
    recipe.write_text(recipe.read_text("utf-8").replace("[decode]", "[decode]\nresize = [24, 24]"), "utf-8")
    corruptgen.generate(recipe, output=place / "out", workers=1)

    verdict = verify(place / "out", depth="full", workers=1)

    assert (verdict.problems, verdict.pixels) == ((), 5 * PER_ITEM)


def test_pictures_cannot_be_recomputed_from_the_clean_twin_of_a_table_that_crops(place):
    corruptgen.generate(write_build(place), output=place / "out", workers=1)

    with pytest.raises(RecipeError, match=r"the clean twin is cropped, and turns acts on whole pictures; .* --source"):
        verify(place / "out", depth="full", workers=1)


@pytest.mark.parametrize("form", FORMATS)
def test_an_interrupted_build_resumes_and_shards_merge_to_the_same_bytes(place, form):
    recipe = write_build(place, form)
    corruptgen.generate(recipe, output=place / "whole", workers=1)
    asked = iter([False, True, True])
    with pytest.raises(Interrupted):
        corruptgen.generate(recipe, output=place / "out", workers=1, stop=lambda: next(asked))

    corruptgen.generate(recipe, output=place / "out", workers=1)
    for shard in ("1/2", "2/2"):
        corruptgen.generate(recipe, output=place / "shards", workers=1, shard=shard)
    merged = merge(place / "shards")

    assert tree(place / "out") == tree(place / "shards") == tree(place / "whole")
    assert merged.files == 5 * PER_ITEM
    assert corruptgen.generate(recipe, output=place / "out", workers=1).was_finished


def test_a_killed_build_resumes(place):
    recipe = write_build(place)
    corruptgen.generate(recipe, output=place / "whole", workers=1)
    child = begun(place, "--output", "out", "--workers", 1)
    wait_for(child, place / "out", 20)
    kill(child, "group")

    corruptgen.generate(recipe, output=place / "out", workers=1)

    assert tree(place / "out") == tree(place / "whole")


@pytest.mark.parametrize("form", FORMATS)
def test_an_output_of_images_grows_by_sequences_and_by_their_severities(place, form):
    steps = [('["brightness"]', "[1]"), ('["brightness", "noise"]', "[1]"), ('["brightness", "noise"]', "[1, 2]")]
    for rows, severities in steps:
        recipe = write_build(place, form, rows=rows, severities=severities)
        corruptgen.generate(recipe, output=place / "out", workers=1)
    corruptgen.generate(recipe, output=place / "once", workers=1)

    assert tree(place / "out") == tree(place / "once")


def test_severities_between_levels_and_paired_draws_are_those_of_frames(place):
    recipe = write_build(place, rows='["noise"]', severities="[1, 1.5]", top="")
    text = recipe.read_text("utf-8").replace("[corrupt]", "[corrupt]\npaired = true")
    recipe.write_text(text, "utf-8")

    corruptgen.generate(recipe, output=place / "out", workers=1)

    dataset, item = corruptgen.open(place / "out"), "astronaut/00.png"
    assert [dataset.image("noise", severity, item).shape[0] for severity in (1, 1.5)] == [2, 3]
    assert verify(place / "out", depth="full", source=place / "photographs", workers=1).problems == ()


@pytest.mark.parametrize("form", FORMATS)
def test_damage_is_named_and_repaired(place, form):
    recipe = write_build(place, form)
    corruptgen.generate(recipe, output=place / "out", workers=1)
    before = tree(place / "out")
    files = [name for name in before if "turn" in name and not name.endswith((".json", ".jsonl"))]
    for name in files[-1:]:
        content = bytearray((place / "out" / name).read_bytes())
        content[len(content) // 2] ^= 1
        (place / "out" / name).write_bytes(bytes(content))

    problems = verify(place / "out", workers=1).problems
    corruptgen.generate(recipe, output=place / "out", workers=1, check=True)

    assert len(problems) == 1
    assert "damaged" in problems[0]
    assert files[-1].split("/")[0].split(".")[0] in problems[0]
    assert tree(place / "out") == before


def test_a_frame_that_is_missing_or_not_of_the_build_is_named(place):
    recipe = write_build(place)
    corruptgen.generate(recipe, output=place / "out", workers=1)
    folder = place / "out/turn/1/astronaut/00"
    shutil.copy(folder / "000.png", folder / "003.png")
    (folder / "001.png").unlink()

    problems = verify(place / "out", workers=1).problems

    assert problems == (
        "turn/1/astronaut/00/001.png is missing",
        "turn/1/astronaut/00/003.png is not part of this build",
    )
    with pytest.raises(OutputError, match=r"not part of this build: turn/1/astronaut/00/003\.png"):
        corruptgen.generate(recipe, output=place / "out", workers=1)


def test_overwriting_removes_the_frames_of_another_build(place):
    corruptgen.generate(write_build(place), output=place / "out", workers=1)
    recipe = write_build(place, rows='["brightness"]')

    corruptgen.generate(recipe, output=place / "out", workers=1, overwrite=True)

    assert {name.partition("/")[0] for name in tree(place / "out")} == {
        *("brightness", "clean", "items", "manifest.json", ".corruptgen.json")
    }


def test_arrays_are_laid_out_as_cifar_10_p(place):
    corruptgen.generate(write_build(place, "npy"), output=place / "out", workers=1)

    shapes = {path.name: np.load(path).shape for path in (place / "out").glob("*.npy")}

    assert shapes == {
        "turn.npy": (5, 3, 24, 24, 3),
        "turn_2.npy": (5, 3, 24, 24, 3),
        "noise.npy": (5, 2, 24, 24, 3),
        "noise_2.npy": (5, 4, 24, 24, 3),
        "brightness.npy": (10, 24, 24, 3),
        "clean.npy": (5, 24, 24, 3),
        "labels.npy": (10,),
    }


def test_a_folder_has_one_png_for_each_frame_and_a_record_of_its_label(place):
    corruptgen.generate(write_build(place), output=place / "out", workers=1)

    names = sorted(path.name for path in (place / "out/noise/2/chelsea/01").iterdir())
    lines = (place / "out/noise/2/metadata.jsonl").read_text("utf-8").splitlines()

    assert names == ["000.png", "001.png", "002.png", "003.png"]
    wanted = {"file_name": "astronaut/00/000.png", "label": 0, "image_id": "astronaut/00.png", "frame": 0}
    assert (len(lines), json.loads(lines[0])) == (5 * 4, wanted)


def test_a_sample_of_a_tar_file_has_all_frames(place):
    corruptgen.generate(write_build(place, "webdataset"), output=place / "out", workers=1)

    with tarfile.open(place / "out/noise/severity_1-00000.tar") as archive:
        names = archive.getnames()

    key = "astronaut/00%2Epng"
    assert names[:4] == [f"{key}.000.png", f"{key}.001.png", f"{key}.cls", f"{key}.json"]


def test_webdataset_reads_the_frames_of_a_sample(place):
    webdataset = pytest.importorskip("webdataset")
    corruptgen.generate(write_build(place, "webdataset"), output=place / "out", workers=1)

    shards = str(place / "out/turn/severity_1-00000.tar")
    with warnings.catch_warnings():
        # It leaves closing its files to the interpreter.
        warnings.simplefilter("ignore")
        samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
        gc.collect()

    assert len(samples) == 2
    whole = frames_of(place, "turn", 1, "astronaut/00.png")
    assert np.array_equal(np.stack([samples[0][f"{frame:03d}.png"] for frame in range(3)]), whole)


def test_datasets_loads_a_list_of_images_with_the_features_of_the_card(place):
    datasets = pytest.importorskip("datasets")
    corruptgen.generate(write_build(place, "parquet"), output=place / "out", workers=1)

    found = datasets.load_dataset(str(place / "out"), "noise", split="severity_2", cache_dir=str(place / "cache"))

    assert found.features["images"] == datasets.List(datasets.Image())
    frames = np.stack([np.asarray(frame) for frame in found[1]["images"]])
    assert np.array_equal(frames, frames_of(place, "noise", 2, found[1]["image_id"]))
    assert (found[1]["frames"], found[1]["severity"], found.features["label"].names[found[1]["label"]]) == (
        *(4.0, 2.0),
        found[1]["image_id"].partition("/")[0],
    )
    plain = datasets.load_dataset(str(place / "out"), "brightness", split="severity_2", cache_dir=str(place / "cache"))
    assert plain.features["image"] == datasets.Image()


LOADING = """
import numpy as np
from datasets import load_dataset
result = {}
for repo, column in REPOS:
    found = load_dataset(repo, "noise", split="severity_2", revision="v1.0.0")
    rows = sorted(found, key=lambda row: row.get("image_id") or row["json"]["image_id"])
    result[repo] = [len(rows), sorted(found.features), [len(row[column]) for row in rows] if column == "images" else 0]
"""


def test_published_sequences_are_loaded_by_datasets_in_three_formats(place):
    forms = {"parquet": "images", "folder": "image", "webdataset": "000.png"}
    for form in forms:
        corruptgen.generate(write_build(place, form), output=place / form, workers=1)
    hub = Hub()
    session = Session(hub.url, place, hub)
    try:
        for form in forms:
            done = session.run("publish", place / form, f"ns/{form}", "--workers", 1)
            assert done.returncode == 0, done.stderr
        repos = repr([(f"ns/{form}", column) for form, column in forms.items()])
        found = session.python(LOADING.replace("REPOS", repos))
    finally:
        session.close()
        hub.close()

    assert found["ns/parquet"][::2] == [5, [4] * 5]
    assert found["ns/folder"] == [20, ["frame", "image", "image_id", "label"], 0]
    assert found["ns/webdataset"][0] == 5
    assert {"000.png", "001.png", "002.png", "003.png", "cls", "json"} <= set(found["ns/webdataset"][1])


def test_cards_croissant_and_pictures_speak_of_sequences(built):
    place, form, _ = built
    dataset = open_dataset(place / "out")

    card = write_card(dataset, "ns/turns")
    described = json.loads(write_croissant(dataset, "ns/turns"))

    assert "`turn`, `noise` make sequences" in card
    assert "| `noise` | `frames` | 2 | 4 |" in card
    if form == "npy":
        patterns = {one["name"]: one["includes"] for one in described["distribution"][1:]}
        assert patterns["files-noise"] == ["noise.npy", "noise_2.npy"]
    if form == "parquet":
        fields = {one["name"]: one for record in described["recordSet"][1:2] for one in record["field"]}
        assert (fields["images"]["dataType"], fields["images"]["repeated"]) == ("sc:ImageObject", True)
    assert draw_picture(dataset)[:2] == b"\xff\xd8"


def test_a_gallery_shows_film_strips_of_a_dataset_and_of_a_table(built):
    place, _, _ = built
    made = gallery_of_dataset(place / "out")
    table = gallery_of_table(str(place / "turns.toml"), [Photograph("one", source(place, "astronaut/00.png"))], steps=1)

    for gallery in (made, table):
        pictures = {
            (row.row.name, frame.severity): frame.picture for row in gallery.rows for frame in row.images[0].frames
        }
        assert pictures["turn", 1].is_film
        assert (pictures["noise", 2].width, pictures["noise", 2].height) == (4 * 26 - 2, 24)
        assert (pictures["brightness", 1].width, pictures["brightness", 1].is_lossless) == (24, True)
        assert 'class="pixels film"' in write_page(gallery)


def test_a_table_of_sequences_has_a_gallery_and_a_preview_on_a_whole_photograph(tmp_path):
    photograph = shipped_photograph(catalog.preset("tiny-imagenet-p"))

    made = gallery_of_table("tiny-imagenet-p", [photograph], rows=["translate"], steps=1)

    assert photograph.pixels.shape == (300, 451, 3)
    assert made.rows[0].images[0].clean.width == 64
    assert made.rows[0].images[0].frames[0].picture.width == 5 * 66 - 2


def test_a_preview_of_a_mixed_table_draws_strips_and_images(place):
    write_build(place)
    arguments = ["preview", str(place / "photographs/astronaut/00.png"), "--preset", str(place / "turns.toml")]

    done = CliRunner().invoke(app, [*arguments, "--output", str(place / "sheet.png")])

    assert done.exit_code == 0, done.output
    assert "3 rows" in done.output


def test_versions_of_sequences_are_compared(place):
    corruptgen.generate(write_build(place), output=place / "old", workers=1)
    corruptgen.generate(write_build(place, top="seed = 3"), output=place / "new", workers=1)
    old, new = open_dataset(place / "old"), open_dataset(place / "new")

    found = compare_datasets(old, new, change=measure_change(old, new))

    assert found.pixels == {"noise/1": 5, "noise/2": 5}
    assert 0 < found.change.samples < 1


def test_a_view_has_the_frames_that_generate_writes(built):
    place, form, _ = built
    if form != "folder":
        return
    dataset, names = corruptgen.open(place / "out"), [item.id for item in corruptgen.open(place / "out")]
    arrays = [(source(place, name), name) for name in names]

    for view in all_cells(arrays, str(place / "turns.toml"), clean=True, key=names.__getitem__):
        pixels, name = view[1]
        assert np.array_equal(pixels, dataset.image(view.row, view.severity, name))
    pictures = Corrupted([Image.fromarray(arrays[0][0])], str(place / "turns.toml"), "turn", 1, key=names.__getitem__)
    assert np.array_equal(np.stack(pictures[0]), dataset.image("turn", 1, names[0]))


@pytest.mark.parametrize("lazy", [True, False])
def test_a_dataset_of_datasets_gets_lists_of_images(place, lazy, monkeypatch):
    datasets = pytest.importorskip("datasets")
    write_build(place)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", place / "cache")
    name = "astronaut/00.png"
    rows = {"image": [Image.fromarray(source(place, name))], "image_id": [name]}
    ds = datasets.Dataset.from_dict(
        rows, features=datasets.Features({"image": datasets.Image(), "image_id": datasets.Value("string")})
    )

    made = hf.corrupt(ds, str(place / "turns.toml"), "turn", 2, lazy=lazy)

    assert np.array_equal(
        np.stack([np.asarray(frame) for frame in made[0]["image"]]), frames_of(place, "turn", 2, name)
    )
    assert lazy or made.features["image"] == datasets.List(datasets.Image())


def test_a_transform_of_single_pictures_refuses_sequences_by_name(place):
    write_build(place)

    with pytest.raises(ImageError, match=r"turn, noise of turns make sequences of frames, and a transform makes one"):
        Corrupt(str(place / "turns.toml"))
    assert Corrupt(str(place / "turns.toml"), ["brightness"]).rows == ("brightness",)


def test_boxes_and_masks_beside_a_picture_of_a_sequence_are_refused(monkeypatch):
    # No torchvision fits the torch of the tests; tests/test_interop.py has the same with the real one.
    module = ModuleType("torchvision.tv_tensors")
    boxes = type("BoundingBoxes", (), {"__module__": module.__name__})()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    view = Corrupted([(np.zeros((32, 32, 3), np.uint8), boxes)], "cifar-p", "rotate", 1)

    with pytest.raises(ImageError, match=r"rotate makes many frames of a picture, .* boxes, points and masks fit one"):
        view[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decode": "crop = 24"}, r"\[decode\] resize, crop: turns makes its images of whole pictures itself"),
        ({"decode": 'window = "bits"'}, r"\[decode\] window: turn, noise of turns make frames of images of 8 bits"),
        (
            {"table": TABLE + '[noise_2]\nuse = "rotate_frames"\nframes = 2\nfirst = 1.0\n', "form": "npy"},
            r"two rows or severities would be written to noise_2\.npy; rename a row",
        ),
    ],
)
def test_recipes_that_do_not_fit_sequences_say_why(place, changes, message):
    with pytest.raises(RecipeError, match=message):
        make_plan(write_build(place, **changes))


def test_masks_are_refused_beside_sequences(place):
    recipe = write_build(place)
    text = recipe.read_text("utf-8").replace("[decode]", 'masks = "photographs"\n[decode]')
    recipe.write_text(text, "utf-8")

    with pytest.raises(RecipeError, match="turn, noise of turns make many frames of an image, in some of which it has"):
        make_plan(recipe)


def test_a_picture_that_cannot_be_cropped_is_rejected(place):
    Image.fromarray(np.zeros((8, 400, 3), np.uint8)).save(place / "photographs/coffee/flat.png")
    table = TABLE.replace("prepared = { resize = 32 }\n", "")

    outcome = corruptgen.generate(write_build(place, table=table), output=place / "out", workers=1)

    assert [rejection.id for rejection in outcome.rejected] == ["coffee/broken.png", "coffee/flat.png"]
    assert "has a size that the table does not hold for" in outcome.rejected[1].reason


def test_a_picture_of_the_tables_size_is_prepared_like_all_others(place):
    Image.fromarray(source(place, "astronaut/00.png")[:24, :24]).save(place / "photographs/coffee/small.png")
    corruptgen.generate(write_build(place), output=place / "out", workers=1)

    dataset = corruptgen.open(place / "out")

    clean = dataset.image("clean", 0, "coffee/small.png")
    assert np.array_equal(dataset.image("noise", 1, "coffee/small.png")[0], clean)
    assert not np.array_equal(clean, source(place, "coffee/small.png"))


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[] if form in ("folder", "parquet") else [pytest.mark.long]) for form in FORMATS]
)
def test_the_frames_of_one_item_are_in_memory_at_a_time(tmp_path, form):
    table = (
        TABLE.replace("[[24, 24]]", "[[96, 96]]")
        .replace("resize = 32", "resize = 96")
        .replace("crop = 24", "crop = 96")
    )
    table = table.replace("frames = 3", "frames = 40")
    peaks = {}
    for count in (1, 1, 8):
        place = tmp_path / f"{count}"
        shutil.rmtree(place, ignore_errors=True)
        write_photographs(place / "photographs", count, size=(96, 96))
        recipe = write_build(place, form, rows='["turn"]', severities="[1]", table=table)
        recipe.write_text(recipe.read_text("utf-8").replace("items_per_shard = 2", "items_per_shard = 8"), "utf-8")
        plan = make_plan(recipe)
        tracemalloc.start()
        corruptgen.generate(plan, output=place / "out", workers=1)
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    sequence = 40 * 96 * 96 * 3
    assert peaks[8] - peaks[1] < sequence


def test_sequences_of_your_own_may_do_without_a_parameter_that_counts_them(tmp_path):
    write_photographs(tmp_path / "photographs", 2, size=(16, 16))
    corruptgen.register(_panned())
    table = '[preset]\ntitle = "x"\nlevels = 1\n[pan_uncounted]\nshifts = 4\nstop_at = STOP\n'

    recipe = write_build(tmp_path, table=table.replace("STOP", "99.0"))
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    assert json.loads((tmp_path / "out/manifest.json").read_text("utf-8"))["frames"] == {"pan_uncounted/1": 5}
    # The grey picture whose frames are counted is nowhere dark; these photographs are.
    wrong = write_build(tmp_path, table=table.replace("STOP", "0.5"))
    with pytest.raises(ImageError, match=r"pan_uncounted .* made 1 frames of this picture, and 5 are expected"):
        corruptgen.generate(wrong, output=tmp_path / "wrong", workers=1)


def _panned():
    """Declare a sequence that says nothing of how many frames it has."""

    @corruption
    def pan_uncounted(scene: Scene, *, shifts: int, stop_at: float) -> ByteFrames:
        """Move the picture to the left, until a picture that is dark somewhere is shown once."""
        for shift in range(shifts + 1):
            yield scene.view(np.roll(scene.picture, -shift, axis=1))
            if scene.picture.min() < 128 * stop_at and stop_at < 1:
                return

    return pan_uncounted


@pytest.mark.parametrize("form", FORMATS)
def test_a_plan_counts_frames_and_estimates_their_size(place, form):
    recipe = write_build(place, form)
    expected = estimate_size(make_plan(recipe))

    done = CliRunner().invoke(app, ["plan", str(recipe), "--output", str(place / "out")])
    corruptgen.generate(recipe, output=place / "out", workers=1)

    endings = {"folder": ".png", "npy": ".npy", "npz": ".npz"}
    made = sum(path.stat().st_size for path in (place / "out").rglob(f"*{endings.get(form, '.none')}"))
    # All six items are counted, of which one turns out to be broken.
    assert expected.files == 6 * PER_ITEM
    assert f"images  {6 * PER_ITEM}" in done.output
    # Around images as small as these, shards have more bytes than in them.
    assert form not in endings or 0.8 * made < expected.size * 5 / 6 < 1.2 * made


def test_commands_about_a_finished_dataset_know_sequences(place):
    write_build(place)
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)
    corruptgen.generate(write_build(place, top="seed = 3"), output=place / "other", workers=1)
    runner, out = CliRunner(), str(place / "out")

    photographs = str(place / "photographs")
    verified = runner.invoke(app, ["verify", out, "--depth", "sample", "--source", photographs, "--workers", "1"])
    compared = runner.invoke(app, ["diff", out, str(place / "other")])
    drawn = runner.invoke(app, ["gallery", out, "--output", str(place / "page.html")])
    written = runner.invoke(app, ["card", out])

    assert verified.exit_code == 0, verified.output
    assert "noise/2" in compared.output
    assert drawn.exit_code == 0, drawn.output
    assert written.exit_code == 0, written.output


@pytest.mark.parametrize("form", ["folder", "npy"])
def test_a_place_in_every_cell_of_a_grid_is_a_sequence_with_a_frame_for_each(tmp_path, form):
    write_photographs(tmp_path / "photographs", 2, size=(32, 48))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "cells"\nversion = "1.0.0"\n[source]\nkind = "folder"\npath = "photographs"\n[corrupt]\n'
        'preset = "natural"\nrows = ["fog"]\nseverities = [2]\n[corrupt.local]\nside = 16\nwhere = "every cell"\n'
        f'[output]\nformat = "{form}"\nclean = true\n',
        "utf-8",
    )

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    dataset = corruptgen.open(tmp_path / "out")
    # How many there are, no parameter says: they are counted on the first picture.
    assert dataset.frames_of("fog") == 6
    for item, frames in dataset.images("fog", 2):
        changed = (frames != dataset.image("clean", 0, item)).any(axis=(0, 3))
        assert frames.shape == (6, 32, 48, 3)
        assert changed.mean() > 0.9
    assert verify(tmp_path / "out", depth="full", workers=1).problems == ()
