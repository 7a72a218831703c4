"""Chains, places, inputs, channels and samples beyond black and white: what holds for every row of every table."""

import contextlib
import json
from functools import lru_cache

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.cli.listing import list_rows, show
from corruptgen.declare import Bytes, Channels, Plane, Scene, Unit, corruption
from corruptgen.errors import (
    ArgumentError,
    AssetError,
    CorruptgenError,
    DeclarationError,
    ImageError,
    PresetError,
    RecipeError,
    SeverityError,
)
from corruptgen.gallery import Photograph, gallery_of_table, write_page
from corruptgen.ops.warp import Succession
from corruptgen.publishing.difference import compare_datasets
from corruptgen.randomness import Draws, Streams
from corruptgen.tables import catalog
from corruptgen.tables.extension import extend
from corruptgen.transforms.hf import corrupt as corrupt_dataset
from tests.hub.client import Session
from tests.hub.server import Hub
from tests.pictures import photograph

TABLES = [preset for name in catalog.preset_names() if not (preset := catalog.preset(name)).is_sequential]
# Of the tables of MedMNIST-C, which have most rows in common, one.
SHOWN = [table for table in TABLES if not table.name.startswith("medmnist-c/") or table.name == "medmnist-c/pathmnist"]
ROWS = [
    pytest.param(table.name, row, id=f"{table.name}-{row}")
    for table in SHOWN
    for row, line in table.rows.items()
    if not (line.is_chain or line.inputs or line.is_sequence or line.takes_scene)
]
TOML = """
[preset]
title = "For tests"
levels = 3

[noise]
use = "gaussian_noise"
sigma = [0.1, 0.2, 0.3]
at_zero = { sigma = 0.0 }

[dim]
use = "brightness"
offset = [0.1, 0.2, 0.3]
"""


def written(folder, text=""):
    """Write the table of these tests with more rows."""
    path = folder / "shapes.toml"
    path.write_text(TOML + text, "utf-8")
    return str(path)


@lru_cache
def extended(name):
    """Return a table with a chain of one for each of its rows."""
    table = catalog.preset(name)
    ones = [{"name": f"only_{row}", "steps": [{"row": row}]} for row, line in table.rows.items() if not line.is_chain]
    return extend(table, ones, None)


@lru_cache
def in_places(name, side, where):
    """Return a table all of whose rows act in a square."""
    return extend(catalog.preset(name), (), {"side": side, "where": where if isinstance(where, str) else list(where)})


def image_for(table):
    """Return the smallest image that a table takes, or a small one."""
    height, width = min(
        table.sizes.allowed, default=(max(64, table.sizes.smallest[0]), max(75, table.sizes.smallest[1]))
    )
    return photograph(height, width)


def applied(cell, image, key="a"):
    """Apply a cell; skip rows whose pictures are missing."""
    try:
        return cell.apply(image, Streams(7, key))
    except AssetError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_a_chain_of_one_step_is_its_row_and_a_place_leaves_all_else_alone(name, row):
    table = catalog.preset(name)
    image, severity = image_for(table), table.rows[row].level_count
    whole = applied(table.cell(row, severity), image)
    assert np.array_equal(applied(extended(name).cell(f"only_{row}", severity), image), whole)

    assert np.array_equal(applied(in_places(name, 20_000, "centre").cell(row, severity), image), whole)
    some = applied(in_places(name, 9, (3, 5)).cell(row, severity), image)
    assert np.array_equal(some[3:12, 5:14], whole[3:12, 5:14])
    some[3:12, 5:14] = image[3:12, 5:14]
    assert np.array_equal(some, image)


def test_steps_have_draws_of_their_own_which_are_those_of_their_rows(tmp_path):
    table = written(
        tmp_path,
        '[both]\nsteps = [{ row = "noise", level = 1 }, { row = "dim" }]\n'
        '[twice]\nsteps = [{ row = "noise", level = 1 }, { row = "noise", level = 1 }]\n',
    )
    image = photograph(48, 48)
    noisy = corruptgen.corrupt(image, "noise", 1, preset=table, key="a")
    then = corruptgen.corrupt(noisy, "dim", 2, preset=table, key="a")
    assert np.array_equal(corruptgen.corrupt(image, "both", 2, preset=table, key="a"), then)

    # The second time it is another noise: else it would be twice as strong instead of the root of two.
    once, twice = (
        noisy.astype(float) - image,
        corruptgen.corrupt(image, "twice", 1, preset=table, key="a") - image.astype(float),
    )
    middle = (image > 80) & (image < 170)
    assert 1.3 < twice[middle].std() / once[middle].std() < 1.5


def test_steps_may_have_parameters_of_their_own_levels_of_their_own_and_rows_of_other_tables(tmp_path):
    table = written(
        tmp_path,
        '[own]\nsteps = [{ row = "noise", parameters = { sigma = 0.2 } }]\n'
        '[other]\nsteps = [{ row = "fog", preset = "natural", level = 2 }]\n'
        '[by_level]\nsteps = [[{ row = "noise" }], [{ row = "dim" }], [{ row = "noise" }, { row = "dim" }]]\n',
    )
    image = photograph(48, 48)

    def made(row, severity, preset=table):
        return corruptgen.corrupt(image, row, severity, preset=preset, key="a")

    assert np.array_equal(made("own", 1), made("own", 3)) is False  # the draws are those of the severity
    assert np.array_equal(made("other", 1), made("fog", 2, "natural"))
    assert np.array_equal(made("by_level", 1), made("noise", 1))
    assert np.array_equal(made("by_level", 1.4), made("noise", 1.4))
    assert np.array_equal(made("by_level", 2), made("dim", 2))
    # The table says all that decides pixels: it is rebuilt from what manifests record.
    content = json.loads(json.dumps(catalog.preset(table).content))
    again = catalog.preset_from("again", content)
    assert again.digest == catalog.preset(table).digest
    assert np.array_equal(again.cell("other", 1).apply(image, Streams(0, "a")), made("other", 1))


def test_a_chain_may_leave_samples_unrounded_and_unclipped_between_its_steps(tmp_path):
    steps = '[{ row = "lighter" }, { row = "darker" }]'
    table = written(
        tmp_path,
        f"[kept]\nrounded_steps = false\nsteps = {steps}\n[cut]\nsteps = {steps}\n"
        '[lighter]\nuse = "add_light"\ndelta = 0.9\n[darker]\nuse = "add_light"\ndelta = -0.9\n',
    )
    image = photograph(40, 40)
    assert np.array_equal(corruptgen.corrupt(image, "kept", 1, preset=table), image)
    assert corruptgen.corrupt(image, "cut", 1, preset=table).max() < 30


@pytest.fixture(autouse=True, scope="module")
def _corruptions():
    """Declare corruptions for these tests."""

    @catalog.register
    def add_light(image: Unit, *, delta: float) -> Unit:
        """Add the same to every sample."""
        return image + image.dtype.type(delta)

    @catalog.register
    def veil(image: Unit, rng: Draws, depth: Plane, donor: Unit, *, strength: float) -> Unit:
        """Let another image shine through where it is far."""
        weight = strength * depth[..., None] + 0 * rng.random()
        return image * (1 - weight) + donor * weight

    @catalog.register
    def shift(scene: Scene, *, right: int) -> Bytes:
        """Move the picture to the right before it is cropped."""
        return scene.view(np.roll(scene.picture, right, axis=1))


def test_severities_of_chains_are_as_those_of_their_steps(tmp_path):
    table = written(tmp_path, '[free]\nsteps = [{ row = "noise" }]\n[fixed]\nsteps = [{ row = "noise", level = 1 }]\n')
    image = photograph(32, 32)
    for severity in (0, 0.5, 1.5, 3):
        one, row = (corruptgen.corrupt(image, name, severity, preset=table, key=1) for name in ("free", "noise"))
        assert np.array_equal(one, row)
    with pytest.raises(SeverityError, match="the severity of this step is fixed"):
        corruptgen.corrupt(image, "fixed", 0.5, preset=table)
    with pytest.raises(SeverityError, match=r"free: severity 4 is outside of 0\.\.3"):
        corruptgen.corrupt(image, "free", 4, preset=table)


def test_masks_and_boxes_of_a_chain_move_through_all_of_its_steps():
    row = {"row": "elastic_transform"}
    chains = [{"name": "two", "steps": [row, {"row": "fog"}, row]}, {"name": "moved", "steps": [row, row]}]
    table = extend(catalog.preset("imagecorruptions"), chains, None)
    image = photograph(80, 80)
    cell = table.cell("two", 3)
    warp = cell.warp(image, Streams(0, "a"))
    assert isinstance(warp, Succession)
    first, second = warp.warps
    positions = np.array([[40.0, 40.0], [10.0, 60.0]])
    assert cell.is_geometric
    assert np.array_equal(warp.origins(positions), first.origins(second.origins(positions)))
    assert np.array_equal(warp.arrivals(positions), second.arrivals(first.arrivals(positions)))
    # What the image becomes is what the warp makes of it, but for the rounding between the steps.
    moved = table.cell("moved", 3).warp(image, Streams(0, "a")).moved(image / np.float32(255))
    result = table.cell("moved", 3).apply(image, Streams(0, "a"))
    assert np.abs(moved * 255 - result).max() < 2
    with pytest.raises(ImageError, match="moves pixels in places alone"):
        in_places("imagecorruptions", 9, "centre").cell("elastic_transform", 3).warp(image, Streams(0, "a"))


@pytest.mark.parametrize(
    ("where", "count"), [("grid", 1), ("grid", 5), ("anywhere", 1), ("anywhere", 4), ("centre", 1)]
)
def test_places_are_squares_of_a_side_within_the_image(tmp_path, where, count):
    region = f'region = {{ side = [8, 12, 16], where = "{where}", count = {count} }}'
    table = written(tmp_path, f'[local]\nuse = "gaussian_noise"\nsigma = [0.3, 0.3, 0.3]\n{region}\n')
    image = np.full((70, 90, 3), 128, np.uint8)
    for severity, side in ((1, 8), (1.5, 10), (3, 16)):
        for key in range(5):
            changed = (corruptgen.corrupt(image, "local", severity, preset=table, key=key) != image).any(axis=2)
            rows, columns = np.nonzero(changed.any(axis=1))[0], np.nonzero(changed.any(axis=0))[0]
            assert 0.9 * side**2 < changed.sum() <= count * side**2
            if where == "centre":
                assert (rows[0], columns[0]) == ((70 - side) // 2, (90 - side) // 2)
            if where == "grid":
                cells = changed[: 70 // side * side, : 90 // side * side].reshape(70 // side, side, 90 // side, side)
                assert np.count_nonzero(cells.any(axis=(1, 3))) == count
                assert changed.sum() == cells.sum()


def test_places_are_shared_by_rows_and_levels_if_the_table_says_so(tmp_path):
    def squares(shared, row, severity, key):
        region = f'region = {{ side = 8, where = "anywhere", shared_place = {str(shared).lower()} }}'
        text = "".join(f'[{name}]\nuse = "gaussian_noise"\nsigma = 0.4\n{region}\n' for name in ("one", "two"))
        image = np.full((64, 64, 3), 128, np.uint8)
        changed = corruptgen.corrupt(image, row, severity, preset=written(tmp_path, text), key=key) != image
        return tuple(np.argwhere(changed.any(axis=2)).min(axis=0))

    for key in ("a", "b"):
        shared = {squares(True, row, severity, key) for row in ("one", "two") for severity in (1, 2)}
        assert len(shared) == 1
    assert squares(True, "one", 1, "a") != squares(True, "one", 1, "b")
    assert len({squares(False, row, severity, "a") for row in ("one", "two") for severity in (1, 2)}) == 4


def test_every_cell_makes_one_image_for_each_cell_of_the_grid(tmp_path):
    region = 'region = { side = 16, where = "every cell" }'
    table = written(tmp_path, f'[cells]\nuse = "gaussian_noise"\nsigma = 0.4\n{region}\n')
    image = photograph(40, 50)
    found = list(corruptgen.frames(image, "cells", 1, preset=table, key="a"))
    assert len(found) == 2 * 3
    whole = extend(catalog.preset(table), (), None).row("cells")
    assert whole.is_sequence
    together = image.copy()
    for number, frame in enumerate(found):
        rows = slice(number // 3 * 16, number // 3 * 16 + 16), slice(number % 3 * 16, number % 3 * 16 + 16)
        outside = frame.copy()
        outside[rows] = image[rows]
        assert np.array_equal(outside, image)
        together[rows] = frame[rows]
    plain = written(tmp_path, '[cells]\nuse = "gaussian_noise"\nsigma = 0.4\n')
    noisy = corruptgen.corrupt(image, "cells", 1, preset=plain, key="a")
    assert np.array_equal(together[:32, :48], noisy[:32, :48])
    with pytest.raises(ImageError, match="is a sequence of frames"):
        corruptgen.corrupt(
            image, "cells", 1, preset=written(tmp_path, f'[cells]\nuse = "gaussian_noise"\nsigma = 0.4\n{region}\n')
        )


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("{ side = 8 }", "with side and where"),
        ('{ side = 0, where = "grid" }', "side: found 0"),
        ('{ side = [8, 8], where = "grid" }', r"side: found \[8, 8\]"),
        ('{ side = 8, where = "left" }', "where: found 'left'"),
        ('{ side = 8, where = "centre", count = 2 }', "count: found 2"),
        ('{ side = 8, where = "grid", shared_place = 1 }', "shared_place: found 1"),
        ('{ side = 8, where = "grid", shape = "disk" }', "shape"),
    ],
)
def test_regions_that_are_none_are_refused(tmp_path, region, message):
    table = written(tmp_path, f'[local]\nuse = "gaussian_noise"\nsigma = 0.3\nregion = {region}\n')
    with pytest.raises(PresetError, match=message):
        catalog.preset(table)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[]", "a list of steps"),
        ('[{ row = "nois" }]', "Did you mean 'noise'|nois"),
        ('[{ row = "noise", level = 0 }]', "level: found 0"),
        ('[{ row = "noise", level = 1, parameters = { sigma = 0.1 } }]', "both a level and parameters"),
        ('[{ row = "noise", parameters = { sigma = "x" } }]', "sigma: found 'x'"),
        ('[{ row = "noise", parameters = { } }]', "all of them"),
        ('[{ row = "noise", strength = 1 }]', "strength"),
        ('[{ row = "fog", preset = "natura" }]', "natura"),
        ('[{ row = "rotate", preset = "imagenet-p" }]', "makes a sequence"),
        ('[[{ row = "noise" }], [{ row = "noise" }]]', "2 lists of steps for 3 severities"),
        ('[{ row = "chained" }]', "no row that is no chain|chained"),
    ],
)
def test_steps_that_are_none_are_refused(tmp_path, steps, message):
    table = written(tmp_path, f"[chained]\nsteps = {steps}\n")
    with pytest.raises(PresetError, match=message):
        catalog.preset(table)


def test_inputs_are_passed_by_name_and_looked_at(tmp_path):
    table = written(
        tmp_path,
        '[far]\nuse = "veil"\nstrength = [0.2, 0.5, 1.0]\n[both]\nsteps = [{ row = "far" }, { row = "dim" }]\n',
    )
    image, donor = photograph(40, 40), photograph(40, 40, name="coffee")
    depth = np.zeros((40, 40), np.float32)
    depth[:, 20:] = 1
    inputs = {"depth": depth, "donor": donor}
    result = corruptgen.corrupt(image, "far", 3, preset=table, inputs=inputs)
    assert np.array_equal(result[:, :20], image[:, :20])
    assert np.array_equal(result[:, 20:], donor[:, 20:])
    assert corruptgen.corrupt(image, "both", 3, preset=table, inputs=inputs).shape == image.shape
    with pytest.raises(ArgumentError, match="needs the input 'depth'"):
        corruptgen.corrupt(image, "far", 3, preset=table, inputs={"donor": donor})
    with pytest.raises(ArgumentError, match="takes no input 'mask'; its inputs are: depth, donor"):
        corruptgen.corrupt(image, "far", 3, preset=table, inputs={**inputs, "mask": depth})
    with pytest.raises(ArgumentError, match=r"'depth' has shape \(4, 4\)"):
        corruptgen.corrupt(image, "far", 3, preset=table, inputs={**inputs, "depth": depth[:4, :4]})
    with pytest.raises(ArgumentError, match="its inputs are: none"):
        corruptgen.corrupt(image, "noise", 3, preset=table, inputs=inputs)


def test_a_declaration_with_inputs_that_are_neither_planes_nor_images_is_refused():
    def strange(image: Unit, depth: float, *, strength: float) -> Unit:
        """Do nothing."""
        return image

    with pytest.raises(DeclarationError, match="annotate the input 'depth' as Plane"):
        corruption(strange)


def test_a_row_that_acts_before_the_crop_brings_in_real_content(tmp_path):
    header = 'title = "Scenes"\nlevels = 2\nsizes = [[32, 32]]\n'
    path = tmp_path / "scenes.toml"
    path.write_text(
        f"[preset]\n{header}prepared = {{ resize = 48 }}\nview = {{ crop = 32 }}\n"
        '[shift]\nright = [0, 4]\n[noise]\nuse = "gaussian_noise"\nsigma = 0.1\n'
        '[then]\nsteps = [{ row = "shift" }, { row = "noise" }]\n',
        "utf-8",
    )
    picture = photograph(96, 96)
    clean = corruptgen.corrupt(picture, "shift", 0, preset=path)
    assert clean.shape == (32, 32, 3)
    assert np.array_equal(corruptgen.corrupt(picture, "shift", 1, preset=path), clean)
    moved = corruptgen.corrupt(picture, "shift", 2, preset=path)
    assert np.array_equal(moved[:, 4:], clean[:, :-4])
    assert not np.array_equal(moved[:, :4], moved[:, 4:8])
    noisy = corruptgen.corrupt(picture, "noise", 1, preset=path, key="a")
    assert np.array_equal(noisy, corruptgen.corrupt(clean, "noise", 1, preset=path, key="a"))
    assert corruptgen.corrupt(picture, "then", 2, preset=path, key="a").shape == (32, 32, 3)


def test_results_beyond_black_and_white_stay_as_they_are_if_asked_for():
    image = (photograph(64, 64) / 255).astype(np.float32)
    options = {"preset": "natural", "key": "a", "window": (0, 1)}
    clipped = corruptgen.corrupt(image, "gaussian_noise", 5, **options)
    whole = corruptgen.corrupt(image, "gaussian_noise", 5, clip=False, **options)
    assert whole.min() < 0
    assert whole.max() > 1
    assert np.array_equal(np.clip(whole, 0, 1), clipped)
    with pytest.raises(ArgumentError, match="clip=False is for images of float32"):
        corruptgen.corrupt(photograph(64, 64), "gaussian_noise", 5, preset="natural", clip=False)


ANY_CHANNELS = [
    pytest.param(table.name, row, id=f"{table.name}-{row}")
    for table in SHOWN
    if table.name in ("natural", "medical", "imagenet-c", "imagecorruptions", "medmnist-c/pathmnist")
    for row in table.rows
]


@pytest.mark.parametrize("channels", [2, 4, 16])
@pytest.mark.parametrize(("name", "row"), ANY_CHANNELS)
def test_rows_take_any_number_of_channels_or_refuse_it_by_name(name, row, channels):
    table = catalog.preset(name)
    image = image_for(table)
    many = np.concatenate([image] * 6, axis=2)[..., :channels]
    cell = table.cell(row, 2)
    if cell.requires_rgb or cell.corruption.channels is not Channels.ANY:
        with pytest.raises(ImageError, match=f"{row} of {name} is for grey and colour images, found {channels} ch"):
            cell.apply(many, Streams(7, "a"))
        return
    result = applied(cell, many)
    assert result.shape == many.shape
    assert result.dtype == many.dtype
    assert not np.array_equal(result, many)


FLOATS = ["folder-tiff", "npy", "npz", "webdataset-npy", "webdataset-tiff"]


RECIPE = """
name = "shapes"
version = "1.0.0"
[source]
kind = "folder"
[corrupt]
preset = "natural"
severities = [2]
{corrupt}
[output]
format = "{format}"
clean = true
{output}
"""


def recipe(folder, corrupt, form="folder", output=""):
    """Write a recipe and its photographs."""
    source = folder / "source" / "things"
    source.mkdir(parents=True, exist_ok=True)
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(photograph(48, 56, name=name)).save(source / f"{name}.png")
    path = folder / "shapes.toml"
    path.write_text(RECIPE.format(corrupt=corrupt, format=form, output=output), "utf-8")
    return path, folder / "source"


CHAINS = """
rows = ["fog", "dark_fog"]
[[corrupt.chains]]
name = "dark_fog"
steps = [{ row = "fog" }, { row = "contrast", level = 1 }]
"""
LOCAL = """
rows = ["fog", "gaussian_noise"]
[corrupt.local]
side = 16
where = "grid"
count = 2
shared_place = true
"""


@pytest.mark.parametrize("form", ["folder", "npz", "parquet", "webdataset"])
@pytest.mark.parametrize("corrupt", [CHAINS, LOCAL], ids=["chains", "local"])
def test_recipes_make_chains_and_places_in_every_format(tmp_path, corrupt, form):
    path, source = recipe(tmp_path, corrupt, form)
    output = tmp_path / "output"
    corruptgen.generate(path, source=source, output=output, workers=1)
    verdict = corruptgen.verify(output, depth="full", source=source, workers=1)
    assert verdict.problems == ()
    assert verdict.pixels == 3 * 2 + 3
    opened = corruptgen.open(output)
    row = "dark_fog" if corrupt is CHAINS else "fog"
    cell = opened.preset.cell(row, 2)
    found = {item.id: image for item, image in opened.images(row, 2)}
    for name, image in found.items():
        clean = photograph(48, 56, name=name.rpartition("/")[2].partition(".")[0])
        assert np.array_equal(image, cell.apply(clean, Streams(0, name)))


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("form", FLOATS)
def test_floats_are_stored_and_kept_beyond_black_and_white_if_asked_for(tmp_path, form, clip):
    form, _, encoding = form.partition("-")
    keys = f'dtype = "float32"\nclip = {str(clip).lower()}\n' + (f'encoding = "{encoding}"\n' if encoding else "")
    path, source = recipe(tmp_path, 'rows = ["gaussian_noise"]', form, keys)
    output = tmp_path / "output"
    corruptgen.generate(path, source=source, output=output, workers=1)
    for clean in (source, None):
        assert corruptgen.verify(output, depth="full", source=clean, workers=1).problems == ()
    for item, image in corruptgen.open(output).images("gaussian_noise", 2):
        clean = (photograph(48, 56, name=item.id.rpartition("/")[2].partition(".")[0]) / 255).astype(np.float32)
        options = {"preset": "natural", "key": item.id, "window": (0, 1), "clip": clip}
        assert image.dtype == np.float32
        assert np.array_equal(image, corruptgen.corrupt(clean, "gaussian_noise", 2, **options))
        assert (image.min() < 0) != clip


def test_a_webdataset_of_arrays_is_loaded_by_datasets(tmp_path):
    datasets = pytest.importorskip("datasets")
    keys = 'dtype = "float32"\nclip = false\nencoding = "npy"\n'
    path, source = recipe(tmp_path, 'rows = ["gaussian_noise"]', "webdataset", keys)
    corruptgen.generate(path, source=source, output=tmp_path / "output", workers=1)
    files = str(tmp_path / "output/gaussian_noise/severity_2-*.tar")
    loaded = datasets.load_dataset("webdataset", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    first = np.asarray(loaded[0]["npy"], np.float32)
    assert first.shape == (48, 56, 3)
    assert first.min() < 0


@pytest.mark.parametrize(
    ("form", "keys", "message"),
    [
        ("folder", 'dtype = "float32"', "'png' holds samples of uint8 and uint16"),
        ("folder", 'encoding = "npy"', "'folder' holds images"),
        ("parquet", 'encoding = "npy"', "'parquet' holds images"),
        ("npz", "clip = false", 'false is for dtype = "float32"'),
        ("npz", 'dtype = "float16"', 'allowed is "float32"'),
    ],
)
def test_floats_are_refused_where_they_cannot_be_stored(tmp_path, form, keys, message):
    path, source = recipe(tmp_path, 'rows = ["fog"]', form, keys)
    with pytest.raises(RecipeError, match=message):
        corruptgen.generate(path, source=source, output=tmp_path / "output", workers=1)


@pytest.mark.parametrize(
    ("corrupt", "message"),
    [
        ('rows = ["far"]\npreset = "shapes.toml"', 'needs depth beside the image: write depth = "FOLDER"'),
        ('[[corrupt.chains]]\nname = "fog"\nsteps = [{ row = "fog" }]', "called like a row"),
        ('[[corrupt.chains]]\nname = "x"\nsteps = [{ row = "fo" }]', "no row that is no chain is called 'fo'|fo"),
        ('[[corrupt.chains]]\npairs = "some"', "pairs"),
        ("[corrupt.local]\nside = 8", "with side and where"),
    ],
)
def test_chains_places_and_inputs_that_cannot_be_made_are_refused(tmp_path, corrupt, message):
    written(tmp_path, '[far]\nuse = "veil"\nstrength = [0.2, 0.5, 1.0]\n')
    path, source = recipe(tmp_path, corrupt)
    if "preset" in corrupt:
        written(tmp_path, '[far]\nuse = "veil"\nstrength = [0.2, 0.5, 1.0]\n').replace("shapes", "tables")
        (tmp_path / "shapes.toml").rename(tmp_path / "mine.toml")
        path, source = recipe(tmp_path, corrupt.replace("shapes.toml", "mine.toml"))
        path.write_text(path.read_text("utf-8").replace('preset = "natural"\n', ""), "utf-8")
    with pytest.raises(RecipeError, match=message):
        corruptgen.generate(path, source=source, output=tmp_path / "output", workers=1)


def test_pairs_are_chains_of_two_different_rows(tmp_path):
    table = catalog.preset("natural")
    names = ["fog", "contrast", "gaussian_noise"]
    both = extend(table, [{"pairs": "all", "rows": names}], None)
    once = extend(table, [{"pairs": "unordered", "rows": names}], None)
    assert len(both.groups["chains"]) == 6
    assert once.groups["chains"] == ("fog__contrast", "fog__gaussian_noise", "contrast__gaussian_noise")
    image = photograph(48, 48)
    foggy = corruptgen.corrupt(image, "fog", 2, preset="natural", key="a")
    then = corruptgen.corrupt(foggy, "contrast", 2, preset="natural", key="a")
    assert np.array_equal(both.cell("fog__contrast", 2).apply(image, Streams(0, "a")), then)
    assert both.digest != table.digest
    assert not both.frozen


def test_chains_and_places_are_stopped_resumed_sharded_and_merged(tmp_path):
    path, source = recipe(tmp_path, CHAINS + LOCAL.split("\n", 2)[2], "folder")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    corruptgen.generate(path, source=source, output=whole, workers=1)
    seen = []

    def stop():
        seen.append(1)
        return len(seen) > 1

    stopped = tmp_path / "stopped"
    with contextlib.suppress(CorruptgenError, KeyboardInterrupt):
        corruptgen.generate(path, source=source, output=stopped, workers=1, stop=stop)
    corruptgen.generate(path, source=source, output=stopped, workers=1)
    for shard in ("1/2", "2/2"):
        corruptgen.generate(path, source=source, output=parts, workers=1, shard=shard)
    corruptgen.merge(parts)
    files = sorted(file.relative_to(whole) for file in whole.rglob("*.png"))
    assert len(files) == 9
    for other in (stopped, parts):
        assert all((other / file).read_bytes() == (whole / file).read_bytes() for file in files)


def test_chains_and_places_are_published_and_verified_on_the_hub(tmp_path):
    path, source = recipe(tmp_path, CHAINS + LOCAL.split("\n", 2)[2], "parquet")
    corruptgen.generate(path, source=source, output=tmp_path / "output", workers=1)
    hub = Hub()
    session = Session(hub.url, tmp_path)
    try:
        done = session.run("publish", tmp_path / "output", "ns/shapes", "--i-may-publish", "--workers", 1)
        checked = session.run("verify", "hf://datasets/ns/shapes@v1.0.0", "--depth", "full", "--workers", 1)
    finally:
        session.close()
        hub.close()
    card = (tmp_path / "output/README.md").read_text("utf-8")
    assert done.returncode == 0, done.stderr
    assert checked.returncode == 0, checked.stdout
    assert (
        "| `dark_fog` | `fog` at the severity of the chain, then `contrast` at severity 1. "
        "Only within 2 squares of 16 pixels of a grid. |"
    ) in card


SHAPES = """
[foggy_noise]
steps = [{ row = "fog", preset = "natural", level = 2 }, { row = "noise" }]
[local_noise]
use = "gaussian_noise"
sigma = 0.4
region = { side = 8, where = "grid" }
[turned]
steps = [{ row = "elastic_transform", preset = "imagecorruptions", level = 3 }, { row = "noise" }]
"""


@pytest.mark.parametrize("row", ["foggy_noise", "local_noise"])
def test_transforms_views_and_datasets_have_the_pixels_of_chains_and_places(tmp_path, row):
    datasets = pytest.importorskip("datasets")
    table, image = written(tmp_path, SHAPES), photograph(48, 48)
    expected = corruptgen.corrupt(image, row, 2, preset=table, key="0")
    assert np.array_equal(corruptgen.Corrupt(table, row, severity=2, seed=0)(image, key="0"), expected)
    view = corruptgen.Corrupted([(image, 5)], table, row, 2)
    assert np.array_equal(view[0][0], expected)
    rows = datasets.Dataset.from_dict({"image": [Image.fromarray(image)]}).cast_column("image", datasets.Image())
    rows = rows.add_column("name", ["0"])
    [pixels] = [np.asarray(entry["image"]) for entry in corrupt_dataset(rows, table, row, 2, key="name")]
    assert np.array_equal(pixels, expected)


def test_transforms_move_masks_through_a_chain_and_draw_severities_between_levels(tmp_path):
    table, image = written(tmp_path, SHAPES), photograph(48, 48)
    mask = (photograph(48, 48)[..., 0] > 127).astype(np.uint8)
    transform = corruptgen.Corrupt(table, "turned", severity=2, seed=0)
    moved = transform.apply_to_mask(mask, transform.draw("0"))
    assert not np.array_equal(moved, mask)
    assert set(np.unique(moved)) == {0, 1}
    with pytest.raises(SeverityError, match="cannot be weaker than level 1"):
        corruptgen.Corrupt(table, "turned", severity=(0.5, 2))
    assert corruptgen.Corrupt(table, "local_noise", severity=(1, 3))(image, key="0").shape == image.shape


def test_galleries_and_lists_show_chains_and_places(tmp_path, capsys):
    table = written(tmp_path, SHAPES)
    page = write_page(gallery_of_table(table, [Photograph("cat", photograph(48, 48, name="chelsea"))], steps=1))
    assert "`fog` at severity 2, then `noise` at the severity of the chain." in page
    assert "Only within a square of 8 pixels of a grid." in page
    list_rows(table)
    show("foggy_noise", table)
    show("local_noise", table)
    told = capsys.readouterr().out
    assert "between steps: clipped and rounded" in told
    assert "Only within a square of 8 pixels of a grid." in told


def test_a_chain_that_is_added_is_a_difference_of_two_datasets(tmp_path):
    path, source = recipe(tmp_path, 'rows = ["fog"]')
    corruptgen.generate(path, source=source, output=tmp_path / "one", workers=1)
    path, source = recipe(tmp_path, CHAINS)
    corruptgen.generate(path, source=source, output=tmp_path / "two", workers=1)
    found = compare_datasets(corruptgen.open(tmp_path / "one"), corruptgen.open(tmp_path / "two"))
    assert any("dark_fog" in line for line in (*found.breaks, *found.added, *found.others)), found
