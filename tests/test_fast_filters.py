"""The fast paths of the filters give the pixels of the formulas on pictures that are hard for them."""

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from corruptgen import corrupt
from corruptgen.codecs.pixels import BYTE, Arithmetic, quantize
from corruptgen.corruptions.common.digital import jpeg_compression, pixelate, pixelate_nearest
from corruptgen.declare import Pixels, fused_path_of
from corruptgen.fast import elastic
from corruptgen.fast.bounds import flat_places
from corruptgen.fast.elastic import LONGEST, smooth_and_scale
from corruptgen.fast.gaussian import smooth_bytes
from corruptgen.fast.trails import blur_motion
from corruptgen.ops.gaussian import smooth
from corruptgen.ops.motion import motion_blurred, smear, trail_offsets, trail_weights
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from tests.pictures import Plain, photograph

ROWS = (
    "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur", "snow", "elastic_transform", "pixelate",
)  # fmt: skip
SEVERITIES = (1, 2, 3, 4, 5, 0.4, 2.5, 4.9)
SEED = 1843956201


def pictures(height, width):
    """Return what decides on last bits: flat areas, hard edges, nothing but noise; grey and colour."""
    draws = np.random.RandomState(SEED)
    astronaut = photograph(height, width).astype(int)
    edges = np.zeros((height, width, 3), np.uint8)
    edges[:, width // 2 :] = 255
    edges[height // 3 : height // 2] = (255, 0, 17)
    return {
        "photograph": photograph(height, width),
        "another": photograph(height, width, name="coffee"),
        "grey": photograph(height, width, 1, name="chelsea"),
        "saturated": np.clip((astronaut - 100) * 3, 0, 255).astype(np.uint8),
        "posterised": (astronaut // 64 * 64).astype(np.uint8),
        "edges": edges,
        "noise": draws.randint(0, 256, (height, width, 3)).astype(np.uint8),
        "binary": (draws.randint(0, 2, (height, width, 1)) * 255).astype(np.uint8),
        "white": np.full((height, width, 3), 255, np.uint8),
        "level": np.full((height, width, 3), (1, 200, 254), np.uint8),
    }


def assert_paths_agree(preset, row, size, names, severities):
    found = pictures(*size)
    for name, severity in itertools.product(names or found, severities):
        plain = Plain(rng_for(SEED, row, severity, "a"))

        fast = corrupt(found[name], row, severity, preset=preset, seed=SEED, key="a")

        assert np.array_equal(fast, corrupt(found[name], row, severity, preset=preset, rng=plain)), (name, severity)


@pytest.mark.parametrize("size", [(61, 83), (32, 47)], ids=str)
@pytest.mark.parametrize("row", ROWS)
def test_hard_pictures_have_the_pixels_of_the_formula(row, size):
    assert_paths_agree("imagecorruptions", row, size, (), SEVERITIES)


@pytest.mark.parametrize("row", ROWS)
def test_pictures_of_the_usual_size_have_the_pixels_of_the_formula(row):
    assert_paths_agree("imagecorruptions", row, (224, 224), ("photograph", "saturated", "level"), (1, 3, 4.9))


@pytest.mark.long
@pytest.mark.parametrize("size", [(224, 224), (97, 131), (301, 451), (32, 500)], ids=str)
@pytest.mark.parametrize("row", ROWS)
def test_all_pictures_have_the_pixels_of_the_formula_at_all_severities(row, size):
    assert_paths_agree("imagecorruptions", row, size, (), (*SEVERITIES, 0.05, 1.3, 3.7))


@pytest.mark.parametrize(
    ("row", "level"), [(row, level) for row in ("defocus_blur", "zoom_blur") for level in (1, 2, 3, 4, 5)]
)
def test_a_photograph_and_a_flat_picture_need_no_second_go(row, level):
    cell = catalog.preset("imagecorruptions").cell(row, level)
    fast = fused_path_of(cell.corruption.function)

    for name in ("photograph", "grey", "white"):
        image = pictures(224, 224)[name]
        assert fast(image, cell.arithmetic, **cell.parameters_for(224, 224)) is not None, name


@pytest.mark.parametrize("channels", [1, 3])
def test_flat_places_are_those_whose_whole_window_is_flat(channels):
    image = (np.random.RandomState(SEED).rand(23, 31, channels) < 0.02).astype(np.uint8)
    reach = 2
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1), axis=(0, 1))
    expected = (windows.max(axis=(3, 4)) == windows.min(axis=(3, 4))).ravel()

    rough, flat = flat_places(image, np.arange(image.size), reach)

    assert 0 < flat.size < image.size
    assert np.array_equal(flat, np.flatnonzero(expected))
    assert np.array_equal(rough, np.flatnonzero(~expected))


def ramps(height, width):
    """Return pictures of which most means are whole numbers, though hardly a window is flat."""
    across = np.resize(np.arange(256, dtype=np.uint8), (height, width))
    down = np.resize(np.arange(256, dtype=np.uint8), (width, height)).T
    return across[..., None], np.stack([across, down, 255 - 2 * across], axis=2)


@pytest.mark.parametrize("rounding", ["truncate", "round"])
@pytest.mark.parametrize("sigma", [0.05, 0.15, 0.4, 1.0, 2.6, 6.0])
def test_smooth_bytes_are_those_of_the_formula(sigma, rounding):
    arithmetic = Arithmetic("float64", rounding)
    for image in (*pictures(45, 31).values(), *ramps(40, 40)):
        expected = quantize(smooth(arithmetic.units[image], sigma), Pixels.UNIT, BYTE, rounding)

        assert np.array_equal(smooth_bytes(image, sigma, arithmetic), expected)


def assert_smooth_and_scaled_exactly(field, sigma, scale):
    expected = (smooth(field, sigma, truncate=3.0, border="reflect") * scale).astype(np.float32)

    found = smooth_and_scale(field, sigma, scale, truncate=3.0)

    # The bits: two zeros of different sign are equal, too.
    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32)), (field.shape, sigma, scale)


@pytest.mark.parametrize(
    "size", [(64, 64), (224, 224), (31, 97), (130, 20), (1, 40), (7, 1), (3, LONGEST + 1)], ids=str
)
@pytest.mark.parametrize("spread", [0.01, 0.16, 0.17, 0.4, 0.76, 3.0])
def test_a_field_that_is_smoothed_widely_is_that_of_the_formula_in_float32(size, spread):
    draws = np.random.RandomState(SEED)
    for scale in (488.0, -3.2):
        assert_smooth_and_scaled_exactly(draws.uniform(-1, 1, size), spread * max(size), scale)


@pytest.mark.parametrize("size", [(48, 48), (20, 33), (65, 129)], ids=str)
def test_a_field_that_is_smoothed_widely_is_that_of_the_formula_where_float32_is_in_doubt(size):
    # Halfway between two neighbours in float32; the smallest number, and numbers that add up to nothing.
    halfway, tiny = 1 + 2.0**-24, np.full(size, 5e-324)
    checks = np.indices(size).sum(0) % 2 * 2.0 - 1
    one_row = np.zeros(size)
    one_row[size[0] // 2] = halfway
    for field, scale in itertools.product(
        (np.full(size, halfway), np.full(size, 1.0), np.zeros(size), tiny, checks, one_row), (1.0, 488.0, 0.0, -1e-300)
    ):
        assert_smooth_and_scaled_exactly(field, 0.6 * max(size), scale)


def test_the_estimate_of_a_wide_smoothing_stays_within_its_margin_which_is_small(monkeypatch):
    field = np.random.RandomState(SEED).uniform(-1, 1, (224, 224))
    expected = smooth_and_scale(field, 170.8, 488.0, truncate=3.0)
    margins = []
    decide = elastic._decide

    def with_margin(result, estimate, field, limits, *others):
        margins.append((np.abs(estimate - exact).max(), limits[0], np.abs(estimate).max()))
        decide(result, estimate, field, limits, *others)

    exact = smooth(field, 170.8, truncate=3.0, border="reflect") * 488.0
    monkeypatch.setattr(elastic, "_decide", with_margin)

    assert np.array_equal(smooth_and_scale(field, 170.8, 488.0, truncate=3.0), expected)
    ((error, margin, largest),) = margins
    assert 0 < error < margin < 1e-9 * largest


@pytest.mark.parametrize("quantum", ["rounded", "truncated"])
@pytest.mark.parametrize(("radius", "sigma", "angle"), [(0, 0, 10.0), (6, 1, -40.0), (15, 8, 44.0), (20, 15, 0.0)])
def test_smeared_bytes_are_those_of_sums_in_16_bits(radius, sigma, angle, quantum):
    weights = trail_weights(radius, sigma)
    for image in (*pictures(45, 31).values(), *ramps(40, 40)):
        sums = smear(image.astype(float), weights * 257, trail_offsets(weights.size, angle))
        quanta = np.clip(sums + 0.5, 0, 65535).astype(int)
        # ImageMagick's ScaleQuantumToChar.
        rounded = (quanta + 128 - ((quanta + 128) >> 8)) >> 8

        for blur in (motion_blurred, blur_motion):
            result = blur(image, radius=radius, sigma=sigma, angle=angle, quantum=quantum)

            assert np.array_equal(result, rounded if quantum == "rounded" else quanta // 257)


@pytest.mark.parametrize("quality", [1, 7, 10, 18, 25, 50, 80, 92, 100])
@pytest.mark.parametrize("shape", [(224, 224, 3), (33, 47, 3), (33, 47, 1), (8, 17, 3), (1, 1, 1)], ids=str)
def test_jpeg_compression_gives_the_pixels_of_pillow(quality, shape):
    noise = np.random.RandomState(SEED).randint(-20, 20, shape)
    image = np.clip(photograph(*shape).reshape(shape) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(image if shape[2] == 3 else image[..., 0]).save(buffer, "JPEG", quality=quality)

    result = jpeg_compression(image, quality=quality)

    assert np.array_equal(result, np.asarray(Image.open(buffer)).reshape(shape))


@pytest.mark.parametrize("function", [pixelate, pixelate_nearest], ids=lambda function: function.__name__)
def test_large_pixels_are_those_of_pillow_whatever_the_size_and_the_scale(function):
    draws = np.random.RandomState(SEED)
    arithmetic = Arithmetic("float32", "truncate")
    taken = 0
    for _ in range(400):
        height, width = (int(side) for side in draws.randint(1, 90, 2))
        scale = float(draws.choice([0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.65, 0.75, 0.85, 0.95, 1.0, draws.rand()]))
        image = draws.randint(0, 256, (height, width, int(draws.choice([1, 3])))).astype(np.uint8)

        fast = fused_path_of(function)(image, arithmetic, scale=scale)

        taken += fast is not None
        assert fast is None or np.array_equal(fast, function(image, scale=scale)), (image.shape, scale)
    # Grey images are left to Pillow.
    assert taken > 100


def test_opencv_uses_one_thread_or_more_and_the_pixels_are_the_same():
    image = photograph(96, 128)
    threads = cv2.getNumThreads()
    results = []
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            results.append([corrupt(image, row, 3, preset="imagecorruptions", key="a").tobytes() for row in ROWS])
    finally:
        cv2.setNumThreads(threads)

    assert results[0] == results[1]
