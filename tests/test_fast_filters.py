"""The fast paths of the filters give the pixels of the formulas on pictures that are hard for them."""

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from corruptgen import catalog, corrupt
from corruptgen.corruptions.common.digital import jpeg_compression
from corruptgen.declare import fused_path_of
from corruptgen.imaging.doubts import flat_places
from corruptgen.randomness import rng_for
from tests.pictures import Plain, photograph

ROWS = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur", "snow", "elastic_transform")
SEVERITIES = (1, 2, 3, 4, 5, 0.4, 2.5, 4.9)
SEED = 1843956201


def pictures(height, width):
    """Give what decides on last bits: flat areas, hard edges, nothing but noise; grey and colour."""
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


@pytest.mark.parametrize("quality", [1, 7, 10, 18, 25, 50, 80, 92, 100])
@pytest.mark.parametrize("shape", [(224, 224, 3), (33, 47, 3), (33, 47, 1), (8, 17, 3), (1, 1, 1)], ids=str)
def test_jpeg_compression_gives_the_pixels_of_pillow(quality, shape):
    noise = np.random.RandomState(SEED).randint(-20, 20, shape)
    image = np.clip(photograph(*shape).reshape(shape) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(image if shape[2] == 3 else image[..., 0]).save(buffer, "JPEG", quality=quality)

    result = jpeg_compression(image, quality=quality)

    assert np.array_equal(result, np.asarray(Image.open(buffer)).reshape(shape))


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
