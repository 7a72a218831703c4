"""Low resolutions, translations, restoration, noise of smoothing: as the originals make them, and as they are meant."""

import json
import re
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import corruptgen
import parity_originals
from corruptgen.errors import ArgumentError, ImageError, RecipeError
from corruptgen.ops.windows import move_window
from corruptgen.records import Decoding
from corruptgen.tables import catalog
from corruptgen.tables.chain import ChainRow
from corruptgen.tables.scene import Staging
from corruptgen.transforms import Corrupt, Corrupted, Draw
from originals import replay
from tests.inputs import planes_for
from tests.legacy import LegacyDraws
from tests.photographs import ROOT, executed, write_photographs
from tests.pictures import photograph

ORIGINALS = Path(__file__).parent / "golden/originals"
PICTURE = photograph(300, 340)
RADII = (1, 2, 4, 8, 16)
SHIFTS = (
    *("lr0-fm", "lr0-fm-squash", "lr0-fm-small", "translations", "translation-sets", "antialiasing"),
    *("ram", "cdd-11", "restoration", "smoothing-noise", "patch-gaussian"),
)


def compared(folder, name, content, **arrays):
    """Compare a file of originals that holds some content."""
    (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    np.savez(folder / f"{name}.npz", **arrays)
    return parity_originals.compare_file(folder, name)


@pytest.mark.parametrize("name", ["lr0fm", "translations", "restoration"])
def test_pixels_are_those_of_the_original(name, tmp_path):
    content = json.loads((ORIGINALS / f"{name}.json").read_text("utf-8"))

    found = compared(tmp_path, name, content)

    assert found.reasons == []
    assert dict(found.outcomes) == {replay.EQUAL: len(content["entries"])}


@pytest.mark.parametrize(
    ("name", "entry", "key", "value"),
    [
        ("lr0fm", "small/16/sfull", "sha256", "0" * 64),
        ("lr0fm", "small/16/sfull", "shape", [16, 17, 3]),
        ("lr0fm", "small/16/sfull", "stored", "full"),
        ("lr0fm", "small/16/sfull", "input_mode", "PIL convert('L')"),
        ("translations", "consistency/70/epoch0/sfull/1", "sha256", "0" * 64),
        ("translations", "consistency/70/epoch0/sfull/1", "offset", [[18, 25]]),
        ("translations", "diagonal/sfull", "sha256_of_all", "0" * 64),
        ("restoration", "ram/noise/s64a", "seed", 1501),
        ("restoration", "ram/jpeg_50/s64a", "parameters", {"quality": 51.0}),
        ("restoration", "cdd/low_haze_rain/s64a", "sha256", "0" * 64),
    ],
)
def test_a_falsified_entry_is_found(name, entry, key, value, tmp_path):
    content = json.loads((ORIGINALS / f"{name}.json").read_text("utf-8"))
    content["entries"] = {entry: {**content["entries"][entry], key: value}}
    found = compared(tmp_path, name, content)

    assert dict(found.outcomes) == {replay.DIFFERS: 1}


def test_a_falsified_array_is_found(tmp_path):
    content = json.loads((ORIGINALS / "lr0fm.json").read_text("utf-8"))
    entry = "small/32/sfull"
    described = content["entries"][entry]
    kept = replay.Kept("lr0fm", content["pictures"], {}, tmp_path)
    image = corruptgen.corrupt(kept.picture("sfull"), "small", 3, preset="lr0-fm-small")
    false = image.copy()
    false[10, 10, 0] ^= 1
    crop = np.s_[8:24, 8:24]

    for stored, array, outcome in [
        ("full", image, replay.EQUAL),
        ("full", false, replay.DIFFERS),
        ("[8:24, 8:24]", image[crop], replay.EQUAL),
        ("[8:24, 8:24]", false[crop], replay.DIFFERS),
    ]:
        content["entries"] = {entry: {**described, "stored": stored}}
        found = compared(tmp_path, "lr0fm", content, **{entry: array})
        assert dict(found.outcomes) == {outcome: 1}, stored


@pytest.mark.parametrize(("level", "side"), [(1, 128), (2, 64), (3, 32), (4, 16)])
def test_low_resolutions_are_two_resizings_and_a_crop(level, side):
    image = Image.fromarray(PICTURE)
    low = image.resize((int(side * 340 / 300), side), Image.Resampling.BICUBIC)
    width = int(224 * low.width / side)
    enlarged = low.resize((width, 224), Image.Resampling.BICUBIC)
    left = round((width - 224) / 2)
    kept = np.asarray(enlarged.crop((left, 0, left + 224, 224)))
    squashed = image.resize((side, side), Image.Resampling.BICUBIC).resize((224, 224), Image.Resampling.BICUBIC)
    offset = round((low.width - side) / 2)
    small = np.asarray(low.crop((offset, 0, offset + side, side)))

    assert np.array_equal(corruptgen.corrupt(PICTURE, "keep", level, preset="lr0-fm"), kept)
    assert np.array_equal(corruptgen.corrupt(PICTURE, "squash", level, preset="lr0-fm-squash"), np.asarray(squashed))
    assert np.array_equal(corruptgen.corrupt(PICTURE, "small", level, preset="lr0-fm-small"), small)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_a_realistic_translation_is_another_window_of_the_same_picture(level):
    resized = Image.fromarray(PICTURE).resize((int(256 * 340 / 300), 256), Image.Resampling.BILINEAR)
    whole, radius = np.asarray(resized), RADII[level - 1]
    top, left = 16, round((whole.shape[1] - 224) / 2)
    windows = {
        (down, right): whole[top + down : top + down + 224, left + right : left + right + 224].tobytes()
        for down, right in ((radius, 0), (-radius, 0), (0, radius), (0, -radius))
    }

    made = {
        key: corruptgen.corrupt(PICTURE, "realistic", level, preset="translations", key=key).tobytes()
        for key in range(40)
    }

    # All four directions are drawn, and no other.
    assert set(made.values()) == set(windows.values())


@pytest.mark.parametrize("level", [1, 3, 5])
def test_a_cyclic_translation_keeps_every_pixel(level):
    clean = corruptgen.corrupt(PICTURE, "cyclic", 0, preset="translations")
    rolled = {
        np.roll(clean, shift, axis=axis).tobytes() for axis in (0, 1) for shift in (RADII[level - 1], -RADII[level - 1])
    }

    made = {corruptgen.corrupt(PICTURE, "cyclic", level, preset="translations", key=key).tobytes() for key in range(40)}

    assert made == rolled


def test_the_clean_image_is_that_of_the_row_for_pictures_of_its_size_too():
    picture = photograph(224, 224)

    clean, first = (corruptgen.corrupt(picture, "cyclic", s, preset="translations", key="a") for s in (0, 1))

    assert not np.array_equal(clean, picture)
    assert any(np.array_equal(first, np.roll(clean, shift, axis)) for shift in (1, -1) for axis in (0, 1))


@pytest.mark.parametrize("radius", [1, 2])
def test_a_grid_has_every_offset_within_its_radius_once_and_the_picture_in_the_middle(radius):
    clean = corruptgen.corrupt(PICTURE, "realistic", 0, preset="translations")
    offsets = range(-radius, radius + 1)

    realistic = list(corruptgen.frames(PICTURE, "realistic_grid", radius, preset="translation-sets"))
    cyclic = list(corruptgen.frames(PICTURE, "cyclic_grid", radius, preset="translation-sets"))

    assert len(realistic) == len(cyclic) == (2 * radius + 1) ** 2
    assert len({frame.tobytes() for frame in realistic}) == len(realistic)
    assert np.array_equal(realistic[len(realistic) // 2], clean)
    places = [(down, right) for down in offsets for right in offsets]
    for (down, right), window, roll in zip(places, realistic, cyclic, strict=True):
        assert np.array_equal(roll, np.roll(clean, (-down, -right), (0, 1)))
        # Where both windows show the picture they show the same.
        inner = np.s_[radius:-radius, radius:-radius]
        assert np.array_equal(window[inner], roll[inner])


@pytest.mark.parametrize(
    ("preset", "row"),
    [(table, row) for table in ("antialiasing", "translation-sets") for row in corruptgen.rows(table)],
)
def test_a_window_alone_is_that_of_the_whole_set_and_only_its_key_decides(preset, row):
    options = {"preset": preset, "key": "a"}
    whole = list(corruptgen.frames(PICTURE, row, 1, **options))

    for number in (0, len(whole) // 2, len(whole) - 1):
        alone = next(islice(corruptgen.frames(PICTURE, row, 1, **options), number, None))
        assert np.array_equal(alone, whole[number])
    other = list(corruptgen.frames(PICTURE, row, 1, **options | {"key": "b"}))
    assert all(map(np.array_equal, whole, other)) != catalog.preset(preset).cell(row, 1).draws
    grey = next(corruptgen.frames(PICTURE[..., 0], row, 1, **options))
    assert np.array_equal(grey, whole[0][..., 0])


def test_the_grid_of_the_largest_radius_stays_within_the_picture():
    frames = corruptgen.frames(PICTURE, "realistic_grid", 5, preset="translation-sets")

    assert sum(1 for _ in frames) == 33**2


@pytest.mark.parametrize("row", ["realistic_sample", "cyclic_sample"])
def test_samples_are_windows_of_the_grid(row):
    grid = {
        frame.tobytes()
        for frame in corruptgen.frames(PICTURE, row.replace("sample", "grid"), 2, preset="translation-sets")
    }

    sampled = [frame.tobytes() for frame in corruptgen.frames(PICTURE, row, 2, preset="translation-sets", key="a")]

    assert len(sampled) == 10
    assert set(sampled) <= grid
    assert len(set(sampled)) > 3


def test_a_window_that_would_leave_the_picture_is_refused():
    scene = Staging(view=Decoding(crop=224)).scene(photograph(240, 230))

    assert move_window(scene, 8, -3).shape == (224, 224, 3)
    for down, right in ((9, 0), (-9, 0), (0, 4), (0, -4)):
        with pytest.raises(ImageError, match=f"moved by {down} rows and {right} columns in a picture of 240×230:"):
            move_window(scene, down, right)


def test_the_protocol_of_anti_aliasing_draws_rows_before_columns_for_each_of_two_windows():
    resized = Image.fromarray(PICTURE).resize((int(256 * 340 / 300), 256), Image.Resampling.BILINEAR)
    left = round((resized.width - 256) / 2)
    whole = np.asarray(resized)[:, left : left + 256]
    state = np.random.RandomState(11)
    expected = [whole[y : y + 224, x : x + 224] for y, x in (state.randint(32, size=2) for _ in range(2))]

    windows = corruptgen.frames(PICTURE, "consistency", preset="antialiasing", rng=LegacyDraws(11))

    assert all(map(np.array_equal, windows, expected))


def test_mixtures_of_cdd_put_low_light_first_then_rain_then_haze_and_round_once():
    image = np.ascontiguousarray(PICTURE[:64, :80])
    inputs = planes_for("cdd-11", "low_haze_rain", image)
    state, unit = np.random.RandomState(5), image / 255
    grey = unit @ (0.114, 0.587, 0.299)

    def mean(plane, side=3):
        return cv2.blur(plane, (side, side))

    light = inputs["light"]
    slope = (mean(light * grey) - mean(light) * mean(grey)) / (mean(light * light) - mean(light) ** 2 + 0.01)
    falling = (mean(slope) * light + mean(mean(grey) - slope * mean(light)))[..., None] + 1e-7
    noise, power = state.uniform(0.03, 0.08), state.uniform(2, 3)
    dark = np.clip(unit / falling * falling**power + state.normal(0, noise, unit.shape), 0, 1)
    rainy = dark + inputs["mask"][..., None]
    density, airlight = state.random_sample() + 1, 0.6 + 0.3 * state.random_sample()
    passed = np.exp(-density * np.minimum(1 - mean(inputs["depth"], 22), 0.7))[..., None]
    hazy = np.clip(rainy * passed + airlight * (1 - passed), 0, 1)

    made = corruptgen.corrupt(image, "low_haze_rain", 1, preset="cdd-11", rng=LegacyDraws(5), inputs=inputs)

    assert np.array_equal(made, np.rint(hazy * 255).astype(np.uint8))


def test_the_frozen_mixtures_are_the_eleven_folders_and_need_their_maps_by_name():
    table = catalog.preset("cdd-11")
    needs = {"low": "light", "haze": "depth", "rain": "mask", "snow": "mask"}

    assert set(table.rows) == {
        *("low", "haze", "rain", "snow", "low_haze", "low_rain", "low_snow", "haze_rain", "haze_snow"),
        *("low_haze_rain", "low_haze_snow"),
    }
    for name, row in table.rows.items():
        assert row.inputs == {needs[part] for part in name.split("_")}
        with pytest.raises(ArgumentError, match=f"{name} of cdd-11 needs the input"):
            corruptgen.corrupt(PICTURE, name, 1, preset="cdd-11")


def test_red_and_blue_change_places_with_the_weights_of_the_grey_picture():
    image = np.ascontiguousarray(PICTURE[:48, :48])
    inputs, results = planes_for("cdd-11", "low", image), {}
    function = catalog.find_corruption("relit_scene").function
    columns = dict(catalog.cell("cdd-11", "low", 1).parameters)

    for blue_first in (False, True):
        flipped = image[..., ::-1] if blue_first else image
        options = columns | {"blue_first": blue_first, "least_noise": 0.0, "most_noise": 0.0}
        made = function(flipped / 255, LegacyDraws(3), inputs["light"], **options)
        results[blue_first] = made[..., ::-1] if blue_first else made

    assert np.allclose(results[False], results[True], atol=1e-12)


def test_rain_and_haze_without_maps_are_light_that_is_added():
    image = np.ascontiguousarray(PICTURE[:128, :128])
    unit = image / 255

    for level in range(1, 6):
        rain = corruptgen.corrupt(image, "rain", level, preset="restoration", key="a")
        haze = corruptgen.corrupt(image, "haze", level, preset="restoration") / 255

        assert (rain >= image).all()
        # Between the image and the light of the haze, and nearer to that at the top.
        veil = np.abs(haze - unit) / np.maximum(np.abs(0.85 - unit), 0.2)
        assert (np.abs(haze - 0.85) <= np.abs(unit - 0.85) + 1 / 255).all()
        assert veil[:20].mean() > veil[-20:].mean() + 0.1


@pytest.mark.parametrize("preset", ["restoration", "cdd-11"])
@pytest.mark.parametrize("name", catalog.preset("restoration").groups["mixed"])
def test_mixtures_are_their_rows_in_physical_order_without_rounding(preset, name):
    low = "low_light" if preset == "restoration" else "low"
    ranks = [low, "rain", "snow", "haze"]

    row = catalog.preset(preset).rows[name]

    assert isinstance(row, ChainRow)
    steps = [step.row.name for step in row.steps[0]]
    assert sorted(steps) == sorted(low if part == "low" else part for part in name.split("_"))
    assert all(ranks.index(one) < ranks.index(other) for one, other in pairwise(steps))
    assert not row.rounds_steps


def test_rain_of_a_mask_is_added_and_snow_of_a_mask_covers():
    image = np.ascontiguousarray(PICTURE[:40, :40])
    mask = planes_for("cdd-11", "rain", image)["mask"] / 2
    unit = image / 255

    rain = corruptgen.corrupt(image, "rain", 1, preset="cdd-11", inputs={"mask": mask})
    snow = corruptgen.corrupt(image, "snow", 1, preset="cdd-11", inputs={"mask": mask})

    opacity = mask[..., None]
    # A mask of one half is a tie for every sample, which the table rounds up.
    assert np.array_equal(rain, np.floor(np.clip(unit + opacity, 0, 1) * 255 + 0.5))
    assert np.abs(snow - (unit * (1 - opacity) + opacity) * 255).max() <= 0.5 + 1e-9


def test_noise_of_smoothing_may_stay_unclipped_and_is_one_noise_for_all_levels_when_paired():
    image = np.zeros((64, 64, 3), np.float32)
    options = {"preset": "smoothing-noise", "key": "a", "window": (0, 1)}

    whole = corruptgen.corrupt(image, "gaussian_noise", 3, clip=False, **options)
    clipped = corruptgen.corrupt(image, "gaussian_noise", 3, **options)

    assert whole.dtype == np.float32
    assert abs(whole.mean()) < 0.02
    assert whole.std() == pytest.approx(0.5, rel=0.03)
    assert np.array_equal(clipped, np.clip(whole, 0, 1))
    assert [catalog.cell("smoothing-noise", "gaussian_noise", s).parameters["sigma"] for s in range(1, 5)] == [
        *(0.12, 0.25, 0.5, 1.0),
    ]


def test_the_snippets_of_the_document_run(tmp_path):
    sections = (ROOT / "docs/shifts.md").read_text("utf-8").split("\n## ")
    own = [text for text in sections if text.startswith(("Low", "Translations", "Restoration", "Noise", "Patch Gauss"))]
    snippets = re.findall(r"```python\n(.*?)```", "\n".join(own), re.DOTALL)
    (tmp_path / "snippets.py").write_text("\n".join(snippets), "utf-8")

    done = executed("snippets.py", cwd=tmp_path)

    assert len(snippets) == 4
    assert done.returncode == 0, done.stderr


def test_the_document_has_the_numbers_of_results_that_are_compared():
    text = (ROOT / "docs/shifts.md").read_text("utf-8")
    columns = [
        line.split("|")[2:5] for line in text.splitlines() if re.match(r"\| (LR0|anti|RAM and).*\| \d+ \|", line)
    ]

    counts = [
        len(json.loads((ORIGINALS / f"{name}.json").read_text("utf-8"))["entries"])
        for name in ("lr0fm", "translations", "restoration")
    ]

    assert [int(equal) for _, equal, _ in columns] == counts
    # The two of which the original raises an error are not among those that are compared.
    assert [int(entries) for entries, *_ in columns] == [*counts[:2], counts[2] + 2]


def test_the_document_names_every_table_and_row_of_its_kind():
    text = (ROOT / "docs/shifts.md").read_text("utf-8")

    for name in SHIFTS:
        assert f"`{name}`" in text
        if name not in ("ram", "cdd-11", "restoration"):
            assert all(f"`{row}`" in text for row in catalog.preset(name).rows), name
    assert all(f"`{row}`" in text for row in catalog.preset("restoration").groups["seven"])


def write_shift(place, preset, form, rows=""):
    """Write photographs, and a recipe over them by one of the tables."""
    write_photographs(place / "photographs", 3, size=(70, 90))
    recipe = place / "recipe.toml"
    recipe.write_text(
        f'name = "shift"\nversion = "1.0.0"\n[source]\nkind = "folder"\npath = "photographs"\n[corrupt]\n'
        f'preset = "{preset}"\nseverities = [1]\n{rows}[output]\nformat = "{form}"\nclean = true\n',
        "utf-8",
    )
    return recipe


@pytest.mark.parametrize(
    ("preset", "form", "row"),
    [
        ("lr0-fm", "npy", "keep"),
        ("lr0-fm-small", "folder", "small"),
        ("translations", "parquet", "realistic"),
        ("restoration", "webdataset", "low_haze_rain"),
    ],
)
def test_a_dataset_of_a_shift_has_the_pixels_of_its_pictures_and_is_verified(preset, form, row, tmp_path):
    recipe = write_shift(tmp_path, preset, form, f'rows = ["{row}"]\n')

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    made = corruptgen.open(tmp_path / "out")
    for item in made:
        [path] = (tmp_path / "photographs").rglob(item.id.rpartition("/")[2])
        picture = np.asarray(Image.open(path).convert("RGB"))
        for cell, severity in (("clean", 0), (row, 1)):
            expected = corruptgen.corrupt(picture, row, severity, preset=preset, key=item.id)
            assert np.array_equal(made.image(cell, severity, item.id), expected)
    assert corruptgen.verify(tmp_path / "out", depth="full", source=tmp_path / "photographs").problems == ()


@pytest.mark.parametrize(
    ("preset", "form", "message"),
    [
        ("lr0-fm-small", "npy", r"holds images of one size, and small of lr0-fm-small makes 128×128 at severity 1"),
        ("cdd-11", "folder", 'low of cdd-11 needs light beside the image: write light = "FOLDER"'),
    ],
)
def test_what_a_recipe_cannot_hold_is_refused_before_anything_is_written(preset, form, message, tmp_path):
    with pytest.raises(RecipeError, match=message):
        corruptgen.generate(write_shift(tmp_path, preset, form), output=tmp_path / "out", workers=1)


def test_transforms_make_images_of_the_tables_size_the_clean_ones_too():
    low = corruptgen.corrupt(PICTURE, "keep", 3, preset="lr0-fm")
    clean = corruptgen.corrupt(PICTURE, "keep", 0, preset="lr0-fm")
    transform = Corrupt("lr0-fm", severity=3, seed=1)

    assert np.array_equal(transform(PICTURE, key="a"), low)
    assert np.array_equal(np.asarray(transform(Image.fromarray(PICTURE), key="a")), low)
    assert np.array_equal(transform(np.stack([PICTURE] * 2), key=["a", "b"]), np.stack([low] * 2))
    assert transform(PICTURE[..., 0], key="a").shape == (224, 224)
    assert np.array_equal(Corrupt("lr0-fm", p=0.0, seed=1)(PICTURE, key="a"), clean)
    assert np.array_equal(Corrupted([(PICTURE, 1)], "lr0-fm", "keep", 3)[0][0], low)


def test_tensors_become_tensors_of_the_tables_size():
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(np.moveaxis(PICTURE, 2, 0).copy())

    low = Corrupt("lr0-fm", severity=3, seed=1)(tensor, key="a")

    assert np.array_equal(np.moveaxis(low.numpy(), 0, 2), corruptgen.corrupt(PICTURE, "keep", 3, preset="lr0-fm"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Corrupt("lr0-fm", seed=1)(PICTURE, {"boxes": [1, 2, 3, 4]}), "keep crops or resizes pictures"),
        (
            lambda: Corrupted([{"image": PICTURE, "mask": PICTURE[..., 0]}], "lr0-fm", "keep", 3)[0],
            "keep crops or resizes pictures",
        ),
        (lambda: Corrupt("lr0-fm", seed=1).apply_to_mask(PICTURE[..., 0], Draw("keep", 3.0, "a")), "do not follow"),
        (lambda: Corrupt("lr0-fm", seed=1).motion((300, 340), Draw("keep", 3.0, "a")), "do not follow"),
        (lambda: Corrupt("lr0-fm", seed=1)(Image.fromarray(PICTURE).convert("RGBA")), "alpha channel does not follow"),
        (
            lambda: Corrupt("lr0-fm-small", "small", (1, 4), seed=1)(np.stack([PICTURE] * 9), key=range(9)),
            "images of several sizes",
        ),
        (lambda: Corrupt("cdd-11", ["haze"]), "haze of cdd-11 needs depth beside the picture"),
        (lambda: Corrupted([(PICTURE, 1)], "cdd-11", "rain", 1), "rain of cdd-11 needs mask beside the picture"),
    ],
)
def test_loaders_refuse_what_cannot_go_with_the_picture(call, message):
    with pytest.raises(ImageError, match=message):
        call()
