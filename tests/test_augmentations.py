"""The operations of AugMix and the primitives of PRIME as rows: the pixels of the originals under their own draws."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data

import corruptgen
from corruptgen.corruptions.augmentation.primitives import random_kernel, sine_warp
from corruptgen.ops.sines import add_sines
from corruptgen.tables import catalog
from corruptgen.transforms import PRIME, AugMix
from corruptgen.transforms.augmix import DISJOINT, OPERATIONS, OVERLAPPING
from tests.legacy import LegacyDraws
from tests.pictures import photograph

GOLDEN = Path(__file__).parent / "golden"
AUGMIX = json.loads((GOLDEN / "augmix.json").read_text("utf-8"))
PRIMITIVES = json.loads((GOLDEN / "prime.json").read_text("utf-8"))
# The pictures of the batches, and what the functions that are compared here are called there.
BATCH = (lambda: skimage.data.astronaut()[::16, ::16], lambda: skimage.data.coffee()[8:392:12, 100:484:12])
FUNCTIONS = {"random_kernel": random_kernel, "sine_warp": sine_warp}
MOVEMENTS = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
STEADY = ("autocontrast", "equalize")
MEAN, DEVIATION = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2023, 0.1994, 0.2010])


class Handed:
    """Normal numbers that were drawn before."""

    def __init__(self, *arrays):
        self.arrays = list(arrays)

    def standard_normal(self, size):
        drawn = self.arrays.pop(0)
        assert drawn.shape == tuple(size)
        return drawn


def picture_of(name):
    return np.ascontiguousarray(eval(AUGMIX["pictures"][name], {"skimage": SimpleNamespace(data=skimage.data)}))


@pytest.mark.parametrize("name", [name for name in AUGMIX["entries"] if name.startswith("op/")])
def test_an_operation_has_the_pixels_of_augmix(name):
    _, row, severity, picture = name.split("/")
    seed, expected, following = AUGMIX["entries"][name]
    draws, table = LegacyDraws(seed), catalog.preset("augmix-operations")
    # The original draws the level of each use.
    parameters = {} if row in STEADY else {"level": draws.uniform(0.1, int(severity))}

    made = table.row(row).cell_with(parameters, 1.0, table.sizes).apply(picture_of(picture), draws)

    assert hashlib.sha256(made.tobytes()).hexdigest() == expected
    assert draws.random() == following


@pytest.mark.parametrize("name", [name for name in AUGMIX["entries"] if name.startswith("mix/")])
def test_the_operations_of_the_transform_mixed_as_the_original_does_have_its_pixels(name):
    _, what, _, picture = name.split("/")
    seed, expected, following = AUGMIX["entries"][name]
    severity, width, depth = (int("".join(c for c in part if c in "-0123456789")) for part in what.split("_"))
    state, clean = np.random.RandomState(seed), (picture_of(picture) / 255).astype(np.float32)
    weights, share = state.dirichlet([1.0] * width).astype(np.float32), np.float32(state.beta(1.0, 1.0))

    mixture = np.zeros_like(clean)
    for weight in weights:
        image = clean
        for _ in range(depth if depth > 0 else state.randint(1, 4)):
            operation = tuple(DISJOINT)[state.randint(0, 9)]
            level = 0.0 if operation in STEADY else state.uniform(0.1, severity)
            sign = -1 if operation in MOVEMENTS and state.uniform() > 0.5 else 1
            image = OPERATIONS[operation](np.clip(image * 255.0, 0, 255).astype(np.uint8), level, sign) / 255.0
        mixture += (weight * (image - MEAN) / DEVIATION).astype(np.float32)
    mixed = (1 - share) * ((clean - MEAN) / DEVIATION) + share * mixture

    made = np.rint(255 * (mixed * DEVIATION + MEAN)).astype(np.uint8)
    assert hashlib.sha256(made.tobytes()).hexdigest() == expected
    assert state.random_sample() == following


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_primitive_has_the_pixels_of_prime(name):
    function, options, expected = PRIMITIVES[name]
    image = BATCH[int(name[-1])]().astype(np.float32) / np.float32(255)
    with np.load(GOLDEN / "prime.npz") as arrays:
        drawn = [arrays[key] for key in sorted(arrays.files) if key.startswith(f"{name}/")]

    if function == "add_sines":
        made = add_sines(image, *drawn, **options)
    else:
        made = FUNCTIONS[function](image, Handed(*drawn), **options)
    made = made.moved(image) if function == "sine_warp" else made

    stored = np.rint(255 * made.clip(0, 1)).astype(np.uint8)
    assert hashlib.sha256(stored.tobytes()).hexdigest() == expected


def test_the_rows_are_the_operations_of_the_transforms_by_their_names():
    table = catalog.preset("augmix-operations")

    assert set(table.rows) == set(OPERATIONS)
    assert table.groups == {
        "disjoint": tuple(DISJOINT),
        "overlapping": ("color", "contrast", "brightness", "sharpness"),
    }
    assert set(table.groups["overlapping"]) == set(OVERLAPPING)
    assert {row for row in table.rows if table.row(row).level_count == 1} == set(STEADY)
    assert {table.row(row).level_count for row in table.rows if row not in STEADY} == {10}


@pytest.mark.parametrize("row", [row for row in OPERATIONS if row not in MOVEMENTS])
def test_a_row_has_the_pixels_of_the_transform_at_its_level(row):
    image, level = photograph(40, 48), 1 if row in STEADY else 7

    made = corruptgen.corrupt(image, row, level, preset="augmix-operations", key="a")

    assert np.array_equal(made, OPERATIONS[row](image, float(level), 1))


@pytest.mark.parametrize("row", MOVEMENTS)
def test_a_movement_goes_either_way_by_key_and_masks_follow_it(row):
    image = photograph(40, 48)
    both = [OPERATIONS[row](image, 7.0, sign) for sign in (1, -1)]
    keys = [str(number) for number in range(12)]

    made = [corruptgen.corrupt(image, row, 7, preset="augmix-operations", key=key) for key in keys]

    assert all(any(np.array_equal(one, way) for way in both) for one in made)
    assert len({one.tobytes() for one in made}) == 2
    cell = catalog.cell("augmix-operations", row, 7)
    grid = np.moveaxis(np.indices((40, 48), float), 0, -1).reshape(-1, 2)
    warp = cell.warp(image, LegacyDraws(1))
    assert np.allclose(warp.arrivals(warp.origins(grid)), grid)
    # Where all four neighbours lie within the image, it is what is seen at the place that the warp names.
    places = np.rint(warp.origins(grid)).astype(int)
    inside = ((places >= 2) & (places < np.array([38, 46]))).all(axis=1)
    seen = warp.moved(image).reshape(-1, 3)[inside].astype(int)
    assert np.median(np.abs(seen - image[tuple(places[inside].T)]).max(axis=1)) < 12


def test_filters_are_centred_in_the_table_and_the_original_moves_the_image():
    image = photograph(32, 32).astype(np.float32) / 255
    nothing = Handed(np.zeros((3, 3)), np.zeros((3, 3)))

    still, moved = (random_kernel(image, nothing, sigma=1.0, side=3, centred=centred) for centred in (True, False))

    assert np.array_equal(still, image)
    assert np.array_equal(moved[:-1, :-1], image[1:, 1:])


@pytest.mark.parametrize("transform", [AugMix, PRIME])
def test_the_transforms_still_mix_a_picture_with_what_the_rows_do(transform):
    image = photograph(48, 40)

    results = [transform(seed=1)(image, key=key) for key in "aab"]

    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    assert np.abs(results[0].astype(int) - image).mean() > 0.5
