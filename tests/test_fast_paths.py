"""The fast paths on pictures that are hard for them, and the facts about rounding that they rest on, for all values."""

import itertools

import numpy as np
import pytest

from corruptgen import corrupt
from corruptgen.assets.textures import frost_picture
from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize, to_float
from corruptgen.compilation import njit
from corruptgen.corruptions.common.exposure import brightness, contrast, saturate
from corruptgen.corruptions.common.noise import shot_noise
from corruptgen.declare import Pixels, fused_path_of
from corruptgen.errors import AssetError
from corruptgen.fast.contrast import add_up_channels
from corruptgen.fast.fractions import parts_of_a_level
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from tests.pictures import Plain, photograph

SEED = 1843956201
SEVERITIES = (0.3, 1, 2, 2.4, 3, 3.7, 4, 5)
SMALL, COMMON = (33, 47), (224, 224)
ARITHMETICS = [Arithmetic(*both) for both in itertools.product(("float32", "float64"), ("truncate", "round"))]


def pictures(height, width, channels):
    """Return pictures whose values sit where rounding, clipping and special cases are."""
    shape = (height, width, channels)
    rng = np.random.RandomState(SEED)
    return {
        "photograph": photograph(*shape, name="coffee"),
        "upside down": photograph(*shape, name="chelsea")[::-1, ::-1],
        "noise": rng.randint(0, 256, shape).astype(np.uint8),
        "ramp": np.resize(np.arange(256, dtype=np.uint8), shape),
        "black": np.zeros(shape, np.uint8),
        "grey": np.full(shape, 127, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "saturated": (255 * rng.randint(0, 2, shape)).astype(np.uint8),
        "dark": rng.randint(0, 4, shape).astype(np.uint8),
    }


FAST_ROWS = [
    (name, row)
    for name in ("imagecorruptions", "natural", "imagenet-3dcc")
    for row in catalog.preset(name).rows
    if all(fused_path_of(level.corruption.function) for level in catalog.preset(name).rows[row].levels)
]


def assert_equal_by_both_paths(image, preset, row, severity):
    plain = Plain(rng_for(SEED, row, severity, "a"))

    fast = corrupt(image, row, severity, preset=preset, seed=SEED, key="a")

    assert np.array_equal(fast, corrupt(image, row, severity, preset=preset, rng=plain)), severity


@pytest.fixture
def _frost():
    try:
        frost_picture(0, 1.0)
    except AssetError as error:
        pytest.skip(str(error))


def levels_of(preset, row):
    return [s for s in SEVERITIES if s >= 1 or catalog.preset(preset).rows[row].at_zero]


@pytest.mark.usefixtures("_frost")
@pytest.mark.parametrize(("preset", "row"), FAST_ROWS)
def test_hard_pictures_have_the_same_pixels_by_both_paths(preset, row):
    small = [*pictures(*SMALL, 3).values(), *pictures(*SMALL, 1).values()]
    for image, severity in itertools.product(small, levels_of(preset, row)):
        assert_equal_by_both_paths(image, preset, row, severity)
    for severity in (1, 3, 5):
        assert_equal_by_both_paths(photograph(*COMMON), preset, row, severity)


@pytest.mark.long
@pytest.mark.usefixtures("_frost")
@pytest.mark.parametrize(("preset", "row"), FAST_ROWS)
@pytest.mark.parametrize("size", [COMMON, (97, 131), (301, 451), (500, 32)])
def test_large_hard_pictures_have_the_same_pixels_by_both_paths(preset, row, size):
    large = [*pictures(size[0], size[1], 3).values(), *pictures(size[0], size[1], 1).values()]
    for image, severity in itertools.product(large, levels_of(preset, row)):
        assert_equal_by_both_paths(image, preset, row, severity)


@pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=str)
def test_an_untouched_sample_keeps_its_byte(arithmetic):
    every = np.arange(256, dtype=np.uint8)

    assert np.array_equal(quantize(arithmetic.units, Pixels.UNIT, BYTE, arithmetic.rounding), every)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_byte_is_divided_by_255_to_the_last_bit_by_two_products(precision):
    first, second = parts_of_a_level(precision)
    values = np.arange(256).astype(precision)

    assert np.array_equal(values * first + values * second, Arithmetic(precision, "truncate").units)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_no_summand_lies_in_the_middle_between_two_multiples_of_a_large_sum_s_last_bit(precision):
    units = Arithmetic(precision, "truncate").units
    for exponent in range(9, 24):
        last_bit = np.spacing(units.dtype.type(2.0**exponent))

        assert not np.any(units.astype(np.float64) / float(last_bit) % 1 == 0.5)


@njit(cache=True)
def fill_sums(sums, image, units, parts):
    add_up_channels(sums, image, units, parts)


@pytest.mark.parametrize("arithmetic", ARITHMETICS[::2], ids=lambda arithmetic: arithmetic.precision)
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 7), (7, 1), (33, 47), pytest.param((224, 224), marks=pytest.mark.long), (768, 1024)]
)
def test_channels_are_added_up_as_numpy_does_it(arithmetic, size):
    for image in pictures(size[0], size[1], 3).values():
        image = np.ascontiguousarray(image)  # noqa: PLW2901
        expected = to_float(image, Pixels.UNIT, BYTE, arithmetic).sum(axis=(0, 1))
        sums = np.zeros(3, arithmetic.precision)

        fill_sums(sums, image.ravel(), arithmetic.units, parts_of_a_level(arithmetic.precision))

        assert np.array_equal(sums, expected)


@pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=str)
def test_contrast_of_every_value_about_many_means(arithmetic):
    every = np.arange(256, dtype=np.uint8)
    rng = np.random.RandomState(SEED)
    for factor in (0.4, 0.3, 0.2, 0.1, 0.05, 0.123):
        rest = rng.randint(0, 256, (256, 3)) // rng.randint(1, 9, 3)
        image = np.stack([np.repeat(every[:, None], 3, axis=1), rest.astype(np.uint8)])

        plain = contrast(to_float(image, Pixels.UNIT, BYTE, arithmetic), factor=factor)

        assert np.array_equal(
            fused_path_of(contrast)(image, arithmetic, factor=factor),
            quantize(plain, Pixels.UNIT, BYTE, arithmetic.rounding),
        )


def colours(values):
    return np.stack(np.meshgrid(values, values, values), axis=-1).reshape(values.size, -1, 3).astype(np.uint8)


HSV_CELLS = [
    (brightness, {"offset": 0.2}),
    (brightness, {"offset": 0.37}),
    (saturate, {"factor": 2.0, "offset": 0.0}),
    (saturate, {"factor": 5.0, "offset": 0.1}),
    (saturate, {"factor": 0.3, "offset": 0.0}),
]


def assert_colours_go_both_ways(function, parameters, image, arithmetic):
    plain = function(to_float(image, Pixels.UNIT, BYTE, arithmetic), **parameters)

    fast = fused_path_of(function)(image, arithmetic, **parameters)

    assert np.array_equal(fast, quantize(plain, Pixels.UNIT, BYTE, arithmetic.rounding))


@pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=str)
@pytest.mark.parametrize(("function", "parameters"), HSV_CELLS)
def test_colours_from_every_part_of_the_cube_have_the_same_pixels_by_both_paths(function, parameters, arithmetic):
    steps = np.unique(np.r_[0:256:6, 1, 51, 85, 127, 128, 170, 204, 254, 255])
    assert_colours_go_both_ways(function, parameters, colours(steps), arithmetic)


@pytest.mark.long
@pytest.mark.parametrize(("function", "parameters"), HSV_CELLS)
def test_all_colours_have_the_same_pixels_by_both_paths(function, parameters):
    for slab in np.split(colours(np.arange(256)), 16):
        assert_colours_go_both_ways(function, parameters, slab, Arithmetic("float64", "truncate"))


@pytest.mark.parametrize("photons", [0.4, 3.0, 60.0, 511.0])
def test_every_level_is_counted_as_without_tables(photons):
    image = np.repeat(np.arange(256, dtype=np.uint8), 64).reshape(128, 128, 1)
    for arithmetic in ARITHMETICS:
        unit = to_float(image, Pixels.UNIT, BYTE, arithmetic)
        counts = rng_for(SEED, "row", 1, "a").poisson(unit * photons)

        assert np.array_equal(
            fused_path_of(shot_noise)(image, rng_for(SEED, "row", 1, "a"), arithmetic, photons=photons),
            quantize(counts / photons, Pixels.UNIT, BYTE, arithmetic.rounding),
        )
