"""Estimates stay within their bounds, and what is uncertain is found: the protocol that all fast paths follow."""

import threading

import numpy as np
import pytest

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.common.blur import defocus_blur, gaussian_blur
from corruptgen.corruptions.common.motion import motion_blur_unnormalised, zoom_blur
from corruptgen.declare import fused_path_of
from corruptgen.fast import defocus, gaussian, trails, zoom
from corruptgen.fast.bounds import byte_of, next_uncertain, store_certain
from corruptgen.fast.scratch import ALIGNMENT, scratch_array
from corruptgen.fast.sums import PAIRS, SWEEP, fill_sweeps, weigh, weigh_pairs, weigh_pairs_of_bytes
from corruptgen.randomness import rng_for
from tests.pictures import photograph

SEED = 1843956201
# Of a bound, by kernel: more than the largest error that was found, as docs/error_bounds.md has it.
LARGEST = {"trails": 0.25, "gaussian": 0.22, "defocus": 0.22, "zoom": 0.15}


def hard_pictures(height, width):
    """Return pictures of bytes whose sums are as large, as uneven or as close to whole numbers as can be."""
    draws = np.random.RandomState(SEED)
    shape = (height, width, 3)
    checks = (np.indices((height, width)).sum(0) % 2 * 255).astype(np.uint8)
    return [
        draws.randint(0, 256, shape).astype(np.uint8),
        (255 * draws.randint(0, 2, shape)).astype(np.uint8),
        draws.randint(253, 256, shape).astype(np.uint8),
        np.full(shape, 255, np.uint8),
        np.repeat(checks[..., None], 3, axis=2),
        np.resize(np.arange(256, dtype=np.uint8), shape),
        np.array(photograph(*shape)),
    ]


@pytest.fixture
def estimated(monkeypatch):
    """Return a function that runs a fast path in Python, and returns the levels that it estimates and their bound."""

    def run(module, kernel, function, image, *arguments, **parameters):
        rows, limits = [], []

        def record(result, levels, half, bound):
            rows.append(levels.copy())
            limits.append(float(bound))
            return False

        with monkeypatch.context() as patch:
            patch.setattr(module, "store_certain", record)
            patch.setattr(module, kernel, getattr(module, kernel).py_func)
            assert fused_path_of(function)(image, *arguments, **parameters) is not None
        return np.array(rows).reshape(image.shape), limits[0]

    return run


def ratio(estimate, exact, bound):
    return float(np.abs(estimate.astype(np.float64) - exact).max() / bound)


FLOAT64, FLOAT32 = Arithmetic("float64", "truncate"), Arithmetic("float32", "truncate")


def ratios_of_trails(estimated, image):
    for radius, sigma in ((3.0, 1.0), (10.0, 3.0), (15.0, 12.0), (20.0, 15.0)):
        parameters = {"radius": radius, "sigma": sigma}
        exact = motion_blur_unnormalised(image.astype(np.float64), rng_for(SEED, "row", 1, "a"), **parameters)
        stream = rng_for(SEED, "row", 1, "a")
        found = estimated(trails, "_fill", motion_blur_unnormalised, image, stream, FLOAT64, **parameters)
        yield ratio(found[0], exact, found[1])


def ratios_of_gaussian(estimated, image):
    for sigma in (0.4, 1.0, 2.5, 6.0):
        exact = gaussian_blur(FLOAT64.units[image], sigma=sigma) * 255
        yield ratio(*interleaved(estimated(gaussian, "_fill", gaussian_blur, image, FLOAT64, sigma=sigma), exact))


def ratios_of_defocus(estimated, image):
    for radius, alias_blur, unit_gain in ((2.5, 0.5, False), (8.0, 0.5, False), (10.0, 0.5, True), (4.0, 0.6, True)):
        parameters = {"radius": radius, "alias_blur": alias_blur, "unit_gain": unit_gain}
        exact = defocus_blur(FLOAT64.units[image], **parameters) * 255
        yield ratio(*interleaved(estimated(defocus, "_estimate", defocus_blur, image, FLOAT64, **parameters), exact))


def ratios_of_zoom(estimated, image):
    for end, step in ((1.04, 0.01), (1.11, 0.01), (1.31, 0.03)):
        exact = zoom_blur(FLOAT32.units[image], end=end, step=step).astype(np.float64) * 255
        found = estimated(zoom, "_estimate", zoom_blur, image, FLOAT32, end=end, step=step)
        yield ratio(*interleaved(found, exact))


def interleaved(found, exact):
    return found[0], exact, found[1]


KERNELS = {
    "trails": ratios_of_trails,
    "gaussian": ratios_of_gaussian,
    "defocus": ratios_of_defocus,
    "zoom": ratios_of_zoom,
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_estimate_is_further_from_the_formula_than_its_bound(estimated, kernel):
    found = [one for image in hard_pictures(6, 7)[::2] for one in KERNELS[kernel](estimated, image)]

    assert 0 < max(found) < LARGEST[kernel]


@pytest.mark.long
@pytest.mark.parametrize("kernel", KERNELS)
def test_no_estimate_of_a_larger_picture_is_further_from_the_formula_than_its_bound(estimated, kernel):
    found = [one for image in hard_pictures(24, 31) for one in KERNELS[kernel](estimated, image)]

    assert max(found) < LARGEST[kernel]


@njit(nogil=True)
def stored_and_uncertain(result, levels, half, bound):
    some = store_certain(result, levels, half, bound)
    marks = np.zeros(levels.size, np.bool_)
    x = next_uncertain(levels, 0, half, bound)
    while x < levels.size:
        marks[x] = True
        x = next_uncertain(levels, x + 1, half, bound)
    return some, marks


@pytest.mark.parametrize("half", [0.0, 0.5])
@pytest.mark.parametrize("uncertain", [[], [13], [0, 63, 64, 199]])
def test_levels_near_an_edge_between_two_bytes_are_uncertain_and_no_others(half, uncertain):
    levels = (np.linspace(-3.75, 258.25, 200) // 1 + 0.25).astype(np.float32)
    levels[uncertain] = np.clip(np.rint(levels[uncertain]), 1, 255) - np.float32(half) + np.float32(5e-4)
    result = np.empty(levels.size, np.uint8)

    some, marks = stored_and_uncertain(result, levels, np.float32(half), np.float32(1e-3))

    assert some == bool(uncertain)
    assert np.flatnonzero(marks).tolist() == uncertain
    expected = (np.clip(levels.astype(np.float64), 0, 255) + half).astype(np.uint8)
    assert np.array_equal(result[~marks], expected[~marks])


def test_beyond_black_and_white_nothing_is_uncertain():
    levels = np.array([-300, -1, 0, 255.7, 256, 1000], np.float32)
    result = np.empty(levels.size, np.uint8)

    some, _ = stored_and_uncertain(result, levels, np.float32(0), np.float32(0.25))

    assert not some
    assert result.tolist() == [0, 0, 0, 255, 255, 255]


def test_a_level_becomes_the_byte_that_the_formula_stores():
    for half in (0.0, 0.5):
        for level in (-1e9, -1.0, -0.25, 0.0, 0.49, 0.5, 1.0, 254.49, 254.5, 255.0, 255.99, 300.0, 1e9):
            assert byte_of(level, half) == int(min(max(level, 0.0), 255.0) + half)


@njit(nogil=True)
def weighed(total, samples, places, weights):
    weigh(total, samples, 2, places, weights)


@njit(nogil=True)
def weighed_in_pairs(total, samples, places, weights):
    weigh_pairs(total, samples, 2, places, weights)


@njit(nogil=True)
def bytes_weighed_in_pairs(total, samples, places, weights):
    weigh_pairs_of_bytes(total, samples, 2, places, weights)


def windows(samples, places, size):
    return np.array([samples[2 + place : 2 + place + size] for place in places], np.float64)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_samples_and_pairs_of_them_are_weighed_wherever_they_lie(dtype):
    samples = np.random.RandomState(SEED).randint(0, 256, 200).astype(dtype)
    total, weights = np.empty(77, np.float32), fill_sweeps(np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]))
    places = np.array([0, 0, 3, 0, 17, 40, 5, 99])

    weighed(total, samples, places, weights)

    assert weights.size % SWEEP == 0
    assert np.array_equal(total, weights @ windows(samples, places, 77))

    pairs, weights = np.array([[3, 99], [0, 17], [40, 40], [5, 8]]), fill_sweeps(np.array([1.0, 2.0, 4.0]), PAIRS)
    kernel = bytes_weighed_in_pairs if dtype == "uint8" else weighed_in_pairs
    kernel(total, samples, pairs, weights)
    sums = windows(samples, pairs[:, 0], 77) + windows(samples, pairs[:, 1], 77)
    assert np.array_equal(total, weights @ sums)


def test_scratch_is_kept_grows_and_belongs_to_one_thread():
    first = scratch_array("float32", 100)
    assert first.ctypes.data % ALIGNMENT == 0
    assert scratch_array("float32", 50) is first
    assert scratch_array("float32", 10**6).size >= 10**6
    others = []
    thread = threading.Thread(target=lambda: others.append(scratch_array("float32", 100)))
    thread.start()
    thread.join()

    assert not np.shares_memory(others[0], scratch_array("float32", 100))
