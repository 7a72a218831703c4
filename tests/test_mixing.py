"""AugMix, PRIME and patches of noise: what their papers say of them, in numbers."""

import numpy as np
import pytest

from corruptgen.ops.sines import sine_field
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from corruptgen.transforms import PRIME, AugMix, Draw, PatchGaussian
from corruptgen.transforms.augmix import OPERATIONS, OVERLAPPING
from corruptgen.transforms.mixture import mixing, symmetric_beta
from corruptgen.transforms.prime import (
    folds,
    random_colours,
    random_filter,
    random_warp,
    unfolded_warp,
)
from tests.pictures import photograph

PHOTOGRAPH = photograph(64, 64)
RAMP = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


def rng(number):
    return rng_for(1843956201, "mixing", None, str(number))


def test_weights_and_shares_have_the_moments_of_their_distributions():
    drawn = [mixing(rng(n), 3, 1.0) for n in range(4000)]
    weights, shares = np.array([w for w, _ in drawn]), np.array([s for _, s in drawn])

    assert np.allclose(weights.sum(axis=1), 1)
    assert np.allclose(weights.mean(axis=0), 1 / 3, atol=0.02)
    assert np.allclose(weights.var(axis=0), 1 / 18, atol=0.005)
    assert np.all(np.abs(np.histogram(shares, 10, (0, 1))[0] - 400) < 100)


def test_the_beta_distribution_of_a_half_prefers_the_ends():
    drawn = np.array([symmetric_beta(rng(n), 0.5) for n in range(4000)])

    # The arcsine distribution: a third of it lies below 1/4.
    assert abs(np.mean(drawn < 0.25) - 1 / 3) < 0.03
    assert abs(drawn.var() - 1 / 8) < 0.01


def test_augmix_leaves_out_what_overlaps_with_imagenet_c():
    assert set(AugMix().operations) == {
        "autocontrast", "equalize", "posterize", "rotate", "solarize", "shear_x", "shear_y", "translate_x",
        "translate_y",
    }  # fmt: skip
    assert set(AugMix(all_operations=True).operations) - set(AugMix().operations) == {
        "brightness", "color", "contrast", "sharpness",
    }  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_at_the_lowest_level_does_little_and_at_the_highest_more(name):
    operation = OPERATIONS[name]

    def change(level):
        return np.abs(operation(PHOTOGRAPH, level, 1) - PHOTOGRAPH.astype(float)).mean()

    if name in ("autocontrast", "equalize"):
        assert change(1) == change(10)
    elif name in OVERLAPPING:
        # A factor of 1 leaves the picture alone.
        assert change(5) < 1 < change(0.1)
    else:
        assert change(0.1) < 20
        assert change(0.1) < change(3) < change(10)


def test_augmix_moves_at_most_as_far_as_its_severity_says():
    bright = np.full((30, 30, 1), 255, np.uint8)

    for level, pixels in ((3, 3), (10, 10)):
        moved = OPERATIONS["translate_x"](bright, level, 1)[..., 0]
        assert np.array_equal(moved[0] == 0, np.arange(30) >= 30 - pixels)
        assert np.array_equal(OPERATIONS["translate_x"](bright, level, -1)[..., 0], moved[:, ::-1])


def test_three_views_are_the_picture_and_two_mixtures():
    transform = AugMix(views=3, seed=1)

    (clean, one, other), label = transform(PHOTOGRAPH, 7, key="a")

    assert label == 7
    assert np.array_equal(clean, PHOTOGRAPH)
    assert not np.shares_memory(clean, PHOTOGRAPH)
    assert len({view.tobytes() for view in (clean, one, other)}) == 3
    assert all(np.array_equal(a, b) for a, b in zip(transform(PHOTOGRAPH, key="a"), (clean, one, other), strict=True))


def test_a_filter_without_weights_is_the_picture_and_the_original_one_moves_it():
    assert np.array_equal(random_filter(PHOTOGRAPH, rng(0), sigma=0), PHOTOGRAPH)
    moved = random_filter(PHOTOGRAPH, rng(0), sigma=0, corner=True)
    assert np.array_equal(moved[:-1, :-1], PHOTOGRAPH[1:, 1:])


@pytest.mark.parametrize(
    ("frequencies", "strength", "bandwidth", "expected"), [(100, 0.01, None, 0.19), (500, 0.05, 20, 0.24)]
)
def test_colours_move_as_far_as_in_the_paper_and_leave_black_and_white(frequencies, strength, bandwidth, expected):
    options = {"frequencies": frequencies, "strength": strength, "bandwidth": bandwidth}

    maps = np.array([random_colours(RAMP, rng(n), **options)[0] for n in range(400)]).astype(float)

    assert np.all(maps[:, 0] == 0)
    assert np.all(maps[:, 255] == 255)
    assert np.abs(maps - RAMP[0]).mean() / 255 == pytest.approx(expected, abs=0.02)


def test_fields_are_as_strong_as_in_the_paper_and_zero_at_the_border():
    side, cut = 224, 10
    temperature = 4 / (np.pi**3 * cut**2 * np.log(cut))

    fields = [
        np.sqrt(temperature) * side * sine_field(side, side, rng(n).standard_normal((cut, cut))) for n in range(100)
    ]

    # Two such fields, down and right.
    assert np.sqrt(2 * np.mean(np.square(fields))) == pytest.approx(6.2, rel=0.05)
    assert (
        max(np.abs(f[edge]).max() for f in fields for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1])) < 1e-4
    )


@pytest.mark.parametrize(("height", "width", "cut"), [(9, 14, 6), (9, 9, 40), (3, 5, 50), (2, 8, 4), (1, 1, 3)])
def test_a_field_is_the_sum_of_its_waves_also_of_those_shorter_than_two_pixels(height, width, cut):
    down, right = (np.linspace(0, 1, size)[:, None] for size in (height, width))
    amplitudes = rng(5).standard_normal((cut, cut))
    waves = [(i, j) for i in range(1, cut + 1) for j in range(1, cut + 1) if np.hypot(i, j) < cut + 0.5]
    expected = sum(
        amplitudes[i - 1, j - 1] / np.hypot(i, j) * np.sin(np.pi * j * down) * np.sin(np.pi * i * right.T)
        for i, j in waves
    )

    # Arguments of short waves are rounded to float32.
    assert np.allclose(sine_field(height, width, amplitudes), expected, atol=1e-4)


@pytest.mark.parametrize(("height", "width", "highest"), [(32, 32, 100), (64, 64, 3), (96, 61, 500), (224, 224, 20)])
def test_warps_never_fold_the_picture(height, width, highest):
    warps = [unfolded_warp(height, width, rng(n), lowest=2, highest=highest) for n in range(60)]

    assert not any(folds(-warp.down, -warp.right) for warp in warps)
    furthest = [np.hypot(warp.down, warp.right).max() for warp in warps]
    assert max(furthest) > 0.5
    # Every pixel is taken from inside of the picture.
    rows, columns = np.mgrid[:height, :width]
    for warp in warps:
        assert (rows + warp.down).min() > -1e-4
        assert (columns + warp.right).max() < width - 1 + 1e-4


def test_a_field_that_folds_is_known_as_such():
    strong = 40 * sine_field(64, 64, rng(1).standard_normal((6, 6)))

    assert folds(strong, strong)
    assert not folds(0 * strong, 0 * strong)


def test_a_warp_leaves_a_flat_picture_and_the_corners_of_any():
    flat = np.full((40, 40, 3), 99, np.uint8)

    assert np.array_equal(random_warp(flat, rng(2), lowest=2, highest=9), flat)
    moved = random_warp(PHOTOGRAPH, rng(3), lowest=2, highest=9)
    assert np.array_equal(moved[[0, 0, -1, -1], [0, -1, 0, -1]], PHOTOGRAPH[[0, 0, -1, -1], [0, -1, 0, -1]])


def test_prime_draws_for_each_picture_of_a_batch():
    batch = np.stack([PHOTOGRAPH] * 6)

    results = PRIME("cifar", seed=1)(batch, key=range(6))

    assert len({result.tobytes() for result in results}) == 6


@pytest.mark.parametrize(("side", "width", "expected"), [(32, 25, 20.125), (224, 64, 59.43), (224, 250, 180.25)])
def test_patches_are_cut_off_at_the_border_and_not_moved(side, width, expected):
    transform = PatchGaussian(width, seed=1)

    sides = []
    for n in range(3000):
        patch = transform.patch(side, side, transform.draw(n))
        sides += [len(range(*part.indices(side))) for part in patch]

    assert np.mean(sides) == pytest.approx(expected, rel=0.01)


def test_noise_stays_in_its_patch_and_has_the_drawn_strength():
    grey = np.full((64, 64, 3), 128, np.uint8)
    transform = PatchGaussian(30, 0.2, seed=1)

    for n in range(20):
        draw = transform.draw(n)
        patch = np.zeros(grey.shape, bool)
        patch[transform.patch(64, 64, draw)] = True

        result = transform.apply(grey, draw)

        assert np.array_equal(result[~patch], grey[~patch])
        assert 0 <= draw.severity < 0.2
        assert np.std(result[patch] / 255.0) == pytest.approx(draw.severity, rel=0.2, abs=0.002)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [1, 3, 5])
def test_the_row_of_patches_is_the_transform_of_fixed_side_and_strength(level, channels):
    image, cell = PHOTOGRAPH[..., :channels], catalog.cell("patch-gaussian", "patch_gaussian", level)
    parameters = cell.parameters_for(*image.shape[:2])
    draw = Draw("patch_gaussian", parameters["sigma"], "a", seed=3)
    transform = PatchGaussian(parameters["width"])
    inside = np.zeros(image.shape, bool)
    height, width = image.shape[:2]
    inside[transform.patch(height, width, draw)] = True

    row = cell.apply(image, rng_for(3, draw.row, draw.severity, "a"))

    assert np.array_equal(row, transform.apply(image, draw))
    assert np.array_equal(row[~inside], image[~inside])
    assert np.mean(row[inside] != image[inside]) > 0.4


def test_paired_levels_share_the_middle_of_their_squares_and_their_noise():
    grey = np.full((224, 224, 3), 128, np.uint8)
    mild, strong = (
        catalog.cell("patch-gaussian", "patch_gaussian", level).apply(grey, rng_for(1, "row", None, "a")).astype(int)
        - 128
        for level in (1, 2)
    )

    assert np.mean((mild != 0) & (strong == 0)) < 0.001
    hit = (np.abs(strong) < 120) & (mild != 0)
    assert np.abs(mild[hit] * 2 - strong[hit]).max() <= 2
