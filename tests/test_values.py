"""Severity, seed, key and every other argument: one form for one value, and a clear error for what is none."""

from functools import partial

import datasets
import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen import Corrupt, corrupt, generate, merge
from corruptgen.engine.plan import make_plan
from corruptgen.errors import ArgumentError, AssetError, CorruptgenError, RecipeError, SeverityError
from corruptgen.metrics.grid import Grid
from corruptgen.randomness import rng_for
from corruptgen.tables import augmentation
from corruptgen.transforms import (
    PRIME,
    AugMedMNISTC,
    AugMix,
    CorruptDetectionAugmentation,
    Corrupted,
    GaussianNoise,
    Keyed,
    PatchGaussian,
    all_cells,
)
from corruptgen.transforms.hf import corrupt as corrupt_dataset
from corruptgen.values.arguments import normalise_key, normalise_seed, normalise_severity, severity_text
from tests.photographs import write_photographs, write_recipe
from tests.pictures import photograph

IMAGE = photograph(40, 48)
ITEMS = [(IMAGE, 0), (photograph(40, 48, 1), 1)]
SAME = [(0.3, 0.1 + 0.2), (2.1, np.float32(2.1)), (3, np.int8(3)), (1 / 3, np.float32(1 / 3)), (2, 2 + 1e-9)]


NO_SEEDS = [True, np.True_, "1", "a", 1.5, float("nan"), float("inf"), 2**128, 10**5000, None, [1]]


def dataset():
    whole = datasets.Dataset.from_dict({"image": [Image.fromarray(IMAGE)] * 2, "label": [0, 1]}, split="test")
    return whole.cast_column("image", datasets.Image())


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_severity_is_one_however_it_was_computed(one, other):
    both = [corrupt(IMAGE, "gaussian_noise", s, preset="natural", key="a") for s in (one, other)]
    views = [Corrupted(ITEMS, "natural", "gaussian_noise", s)[0][0] for s in (one, other)]
    drawn = [Corrupt("natural", "gaussian_noise", s, seed=1)(IMAGE, key="a") for s in (one, other)]
    names = [corrupt_dataset(dataset(), "natural", "fog", s, lazy=False)._fingerprint for s in (one, other)]

    assert all(np.array_equal(*pair) for pair in (both, views, drawn))
    assert names[0] == names[1]
    assert severity_text(one) == severity_text(other)
    assert rng_for(0, "fog", one, "a").random() == rng_for(0, "fog", other, "a").random()


def test_the_steps_of_a_range_are_the_severities_that_a_reader_would_write():
    written = [round(0.1 * step, 1) for step in range(51)]

    for steps in (np.linspace(0, 5, 51), np.arange(51) * 0.1, np.linspace(0, 5, 51, dtype=np.float32)):
        assert [normalise_severity(step) for step in steps] == written
        assert list(map(severity_text, steps)) == [f"{value:g}" for value in written]
    assert severity_text(0.00002) == "0.00002"


def test_a_recipe_a_grid_and_a_build_have_each_severity_once(tmp_path):
    write_photographs(tmp_path / "photographs", 2)
    severities = "severities = [0.30000000000000004, 0.3, 2.0999999046325684, 2.1, 1]"
    recipe = write_recipe(tmp_path, corrupt=f'rows = ["brightness"]\n{severities}', preset="natural")

    plan = make_plan(recipe, tmp_path / "photographs")
    grid = Grid.of({("fog", 0.1 + 0.2): 1.0, ("fog", np.float32(2.1)): 2.0})

    assert plan.folders == ["brightness/0.3", "brightness/1", "brightness/2.1"]
    assert plan.recipe.content()["corrupt"]["severities"] == [0.3, 1, 2.1]
    assert grid.severities == (0.3, 2.1)
    assert grid.selected(severities=[0.3, 2.1000001]).severities == (0.3, 2.1)


@pytest.mark.parametrize("seed", [1, 1.0, np.int64(1), np.uint8(1), np.float32(1)])
def test_a_seed_is_a_whole_number_whatever_its_type(seed):
    assert normalise_seed(seed) == 1
    assert type(Corrupt("natural", "fog", seed=seed).seed) is int
    wanted = corrupt(IMAGE, "gaussian_noise", 3, seed=1, key="a")
    assert np.array_equal(corrupt(IMAGE, "gaussian_noise", 3, seed=seed, key="a"), wanted)
    assert np.array_equal(
        Corrupted(ITEMS, "natural", "fog", 3, seed)[0][0], Corrupted(ITEMS, "natural", "fog", 3, 1)[0][0]
    )


@pytest.mark.parametrize("seed", NO_SEEDS, ids=range(len(NO_SEEDS)))
def test_what_is_no_seed_is_an_error_at_every_entrance(seed):
    entrances = [
        partial(corrupt, IMAGE, "gaussian_noise", 3, key="a"),
        partial(Corrupted, ITEMS, "natural", "fog", 3),
        partial(corrupt_dataset, dataset(), "natural", "fog", 3),
        partial(augmentation.augment, IMAGE, "medical", key="a"),
        *([] if seed is None else [partial(Corrupt, "natural", "fog"), AugMix, PRIME, GaussianNoise]),
    ]
    for entrance in entrances:
        with pytest.raises(ArgumentError, match=r"seed is .*; it must be a whole number of at most 128 bits"):
            entrance(seed=seed)


def test_negative_and_large_seeds_are_seeds_of_their_own():
    noise = [corrupt(IMAGE, "gaussian_noise", 3, seed=s, key="a").tobytes() for s in (0, -1, 1, 2**63, 2**128 - 1)]

    assert len(set(noise)) == 5


def test_a_key_is_a_text_or_a_whole_number():
    assert [normalise_key(key) for key in ("a/b.png", 17, np.int64(17), np.str_("17"), -1)] == [
        *("a/b.png", "17", "17", "17", "-1")
    ]
    for key in (True, 1.0, np.float64(1), b"a", None, ("a",), "\udcff", 2**200):
        with pytest.raises(ArgumentError, match="key is "):
            normalise_key(key)
        if key is not None:
            with pytest.raises(ArgumentError, match="key is "):
                corrupt(IMAGE, "fog", 1, key=key)
            with pytest.raises(ArgumentError, match="key is "):
                Corrupt("natural", "fog", seed=1).draw(key)
            with pytest.raises(ArgumentError, match="key is "):
                Corrupted(ITEMS, "natural", "fog", 1, key=lambda index, key=key: key)[0]


def test_a_recipe_refuses_seeds_and_severities_that_are_none(tmp_path):
    write_photographs(tmp_path / "photographs", 1)
    for top, severities in ((f"seed = {2**128}", "[1]"), ("seed = true", "[1]"), ("", "[0.000001]"), ("", "[true]")):
        recipe = write_recipe(tmp_path, top=top, corrupt=f"severities = {severities}", preset="natural")
        with pytest.raises(RecipeError, match=r"found .*, allowed is"):
            make_plan(recipe, tmp_path / "photographs")


WRONG = [
    5,
    -1.5,
    float("nan"),
    True,
    "x",
    "",
    b"x",
    [],
    [1],
    {"a": 1},
    (),
    (2, 1),
    object(),
    np.arange(3),
    10**400,
    "a\0b",
]
CALLS = {
    corrupt: ({"image": IMAGE, "row": "fog", "severity": 1}, "image row severity preset seed key rng window"),
    corruptgen.rows: ({}, "preset"),
    augmentation.augment: ({"image": IMAGE, "preset": "medical", "seed": 1, "key": "a"}, "image preset seed key rows"),
    Corrupt: ({"preset": "natural", "rows": "fog"}, "preset rows severity p seed eight_bits"),
    AugMedMNISTC: ({"preset": "medical"}, "preset rows p seed eight_bits"),
    AugMix: ({}, "severity views all_operations width depth alpha p seed"),
    PRIME: ({}, "setting corner p seed"),
    GaussianNoise: ({}, "sigma p seed eight_bits"),
    PatchGaussian: ({}, "width sigma any_width p seed"),
    CorruptDetectionAugmentation: ({}, "preset rows severity p seed"),
    Corrupted: (
        {"dataset": ITEMS, "preset": "natural", "row": "fog", "severity": 1},
        "dataset preset row severity seed key decode image paired transform",
    ),
    all_cells: ({"dataset": ITEMS, "preset": "natural"}, "dataset preset rows severities seed clean"),
    Keyed: ({"dataset": ITEMS, "transform": Corrupt("natural", "fog", seed=1)}, "dataset transform key image"),
    corrupt_dataset: (
        {"preset": "natural", "row": "fog", "severity": 1},
        "ds preset row severity seed image key decode paired lazy num_proc",
    ),
    generate: (
        {"recipe": "nothing.toml"},
        "recipe source output workers backend address shard check overwrite progress stop",
    ),
    merge: ({}, "directory"),
}


@pytest.mark.parametrize("function", CALLS, ids=lambda function: f"{function.__module__}.{function.__name__}")
def test_an_argument_of_a_wrong_kind_is_an_error_of_ours(function, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    right, names = CALLS[function]
    if function is corrupt_dataset:
        right = {**right, "ds": dataset()}
    messages = []
    for name in names.split():
        for value in WRONG:
            try:
                made = function(**{**right, name: value})
                if function in (all_cells,):
                    next(made, None)
                if function in (Corrupted, Keyed, corrupt_dataset) and name != "transform" and len(made):
                    made[0]
            except CorruptgenError as error:
                messages.append(str(error))
    assert min(map(len, messages)) > 20


def test_arguments_of_draws_calls_and_masks_are_checked():
    transform, messages = Corrupt("natural", "elastic_transform", 3, seed=1), []
    for value in WRONG:
        for act in (
            lambda v: transform.apply(IMAGE, v),
            lambda v: transform.apply_to_mask(IMAGE[..., 0], v),
            transform.set_epoch,
            transform.draw,
            lambda v: transform(IMAGE, key=v),
        ):
            try:
                act(value)
            except CorruptgenError as error:
                messages.append(str(error))
    assert min(map(len, messages)) > 20


def test_a_window_that_is_none_and_a_source_of_draws_without_its_methods_are_named():
    deep = IMAGE.astype(np.uint16)
    for window in (5, "range", (1,), (3, 2), (0, float("inf")), (True, 5), ("a", "b")):
        with pytest.raises(ArgumentError, match=r"window is .*; pass \(low, high\)"):
            corrupt(deep, "fog", 1, preset="natural", window=window)
    with pytest.raises(ArgumentError, match=r"rng is .*, which has no integers\(\); pass numpy.random.default_rng"):
        corrupt(IMAGE, "fog", 1, rng=np.random.RandomState(1))


def test_pipelines_fail_when_they_are_made_if_a_picture_of_frost_or_ink_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("corruptgen.assets.textures.read_registry", lambda collection: _nowhere(collection, tmp_path))

    for preset, row in (
        ("imagecorruptions", "frost"),
        ("imagenet-c-64", "frost"),
        ("medmnist-c/pathmnist", "stain_deposit"),
    ):
        with pytest.raises(AssetError, match="not found"):
            Corrupt(preset)
        others = [name for name in corruptgen.rows(preset) if name != row]
        assert Corrupt(preset, others).rows == tuple(others)


def _nowhere(collection, place):
    from corruptgen.assets.textures import Texture  # noqa: PLC0415

    return tuple(
        Texture(f"{collection}{n}.png", "0" * 64, f"http://127.0.0.1:9/{place.name}", ("none",)) for n in range(6)
    )


def test_messages_write_a_severity_out():
    with pytest.raises(SeverityError, match=r"severity 5\.00001 is outside of 0\.\.5"):
        corrupt(IMAGE, "fog", 5.00001)
