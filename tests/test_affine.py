"""Warps and tones that are computed here have the pixels of Pillow, which the originals call."""

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from corruptgen.corruptions.augmentation.tones import autocontrast, equalize, scale_sharpness
from corruptgen.ops.affine import turned_about_middle, warp_linearly, warp_nearest

CASES = 120


def pictures(rng):
    """Return small pictures of grey and colour, some with few values or one."""
    for case in range(CASES):
        height, width = rng.randint(1, 50, 2)
        low, high = (0, 256) if case % 3 else (rng.randint(0, 100), rng.randint(101, 257))
        yield rng.randint(low, high, (height, width, (1, 3)[case % 2])).astype(np.uint8)


def pillow(image):
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def warped(image, matrix, how):
    picture = pillow(image)
    return np.asarray(picture.transform(picture.size, Image.Transform.AFFINE, matrix, how)).reshape(image.shape)


@pytest.mark.parametrize("kind", ["any", "shear", "shift"])
def test_a_linear_warp_has_the_pixels_of_pillow(kind):
    rng = np.random.RandomState(1843956201)
    for image in pictures(rng):
        matrix = {
            "any": tuple(rng.uniform(-2, 2, 6) * (1, 1, 20, 1, 1, 20)),
            "shear": (1, rng.uniform(-0.5, 0.5), 0, 0, 1, 0),
            "shift": (1, 0, int(rng.randint(-60, 60)), 0, 1, int(rng.randint(-60, 60))),
        }[kind]

        assert np.array_equal(warp_linearly(image, matrix), warped(image, matrix, Image.Resampling.BILINEAR)), matrix


def test_a_turn_to_nearest_pixels_has_the_pixels_of_pillow():
    rng = np.random.RandomState(1843956201)
    for image in pictures(rng):
        degrees = int(rng.randint(1, 90)) * (-1) ** rng.randint(2)

        turned = warp_nearest(image, turned_about_middle(degrees, *image.shape[:2]))

        # A quarter turn is another call of Pillow's.
        if degrees % 90:
            assert np.array_equal(turned, np.asarray(pillow(image).rotate(degrees)).reshape(image.shape)), degrees


@pytest.mark.parametrize(
    ("function", "original"), [(autocontrast, ImageOps.autocontrast), (equalize, ImageOps.equalize)]
)
def test_tones_by_histograms_have_the_pixels_of_pillow(function, original):
    for image in pictures(np.random.RandomState(1843956201)):
        assert np.array_equal(function(image), np.asarray(original(pillow(image))).reshape(image.shape))


@pytest.mark.parametrize("level", [0.0, 3.0, 5.0, 10.0])
def test_sharpness_has_the_pixels_of_pillow(level):
    for image in pictures(np.random.RandomState(1843956201)):
        whole = pillow(image)

        expected = Image.blend(whole.filter(ImageFilter.SMOOTH), whole, level * 0.18 + 0.1)

        assert np.array_equal(scale_sharpness(image, level=level), np.asarray(expected).reshape(image.shape))
