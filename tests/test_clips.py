"""The rows of `natural` that AVRobustBench has beside those of ImageNet-C: right at any size, in equal steps."""

import itertools

import cv2
import numpy as np
import pytest

import corruptgen
from corruptgen.tables import catalog
from tests.legacy import LegacyDraws
from tests.pictures import photograph

ROWS = catalog.preset("natural").groups["clips"]
LEVELS = range(1, 6)


def corrupt(image, row, level, seed=7):
    return corruptgen.corrupt(image, row, level, preset="natural", rng=LegacyDraws(seed))


@pytest.mark.parametrize("row", ROWS)
def test_levels_go_away_from_the_clean_image_in_equal_steps(row):
    image = photograph(72, 96)
    seeds = range(12)
    distances = [
        np.mean([np.abs(corrupt(image, row, level, seed).astype(int) - image).mean() for seed in seeds])
        for level in LEVELS
    ]
    steps = np.diff([0, *distances])
    assert steps.min() > 0.5 * steps.mean()
    assert steps.max() < 1.7 * steps.mean()


# Drops of rain are as many as their area asks for, which is another number at another size.
@pytest.mark.parametrize("row", [row for row in ROWS if row != "rain"])
def test_a_large_image_made_smaller_is_what_the_small_one_becomes(row):
    large = photograph(384, 384)
    small = cv2.resize(large, (96, 96), interpolation=cv2.INTER_AREA)
    made = cv2.resize(corrupt(large, row, 3), (96, 96), interpolation=cv2.INTER_AREA)
    changed = np.abs(made.astype(int) - small).mean()
    assert np.abs(made.astype(int) - corrupt(small, row, 3)).mean() < 0.12 * changed


def test_water_takes_red_before_green_and_blue_and_nothing_is_exchanged():
    white = np.full((40, 40, 3), 255, np.uint8)
    for level in LEVELS:
        red, green, blue = corrupt(white, "underwater", level)[20, 20]
        assert red < green < blue
    red_things = corrupt(np.full((40, 40, 3), (255, 0, 0), np.uint8), "underwater", 1)[20, 20]
    assert red_things.argmax() == 0


def test_the_same_people_stand_up_from_the_lower_border_and_the_rest_is_left_alone():
    image = photograph(160, 120)
    heights = catalog.preset("natural").content["crowd"]["height"]
    hidden = []
    for level in LEVELS:
        changed = (corrupt(image, "crowd", level) != image).any(axis=-1)
        assert not changed[: int(160 * (1 - heights[level - 1]))].any()
        assert changed[-1].mean() > 0.25
        hidden.append(changed)
    for lower, higher in itertools.pairwise(hidden):
        assert (lower & ~higher).mean() < 0.02


def test_stage_lights_dim_the_room_and_have_several_colours():
    grey = np.full((120, 160, 3), 100, np.uint8)
    made = corrupt(grey, "concert", 5).astype(int)
    assert made.max(axis=-1).min() < 45
    assert made.max() > 160
    bright = made[made.max(axis=-1) > 140]
    assert {0, 1, 2} <= set(bright.argmax(axis=-1).tolist()) | set(made.argmax(axis=-1).ravel().tolist())


def test_wind_blurs_sideways_more_than_upwards():
    bars = np.zeros((96, 96, 3), np.uint8)
    bars[:, ::8] = bars[:, 1::8] = 255
    across = np.mean([corrupt(bars, "wind", 4, seed).std() for seed in range(8)])
    along = np.mean([corrupt(bars.swapaxes(0, 1).copy(), "wind", 4, seed).std() for seed in range(8)])
    assert across < 0.6 * along


def test_the_camera_is_crooked_to_both_sides_and_leaves_no_black_corners():
    white = np.full((80, 60, 3), 255, np.uint8)
    dot = np.zeros((81, 81, 3), np.uint8)
    dot[8:13, 38:43] = 255
    sides = set()
    for seed in range(12):
        assert corrupt(white, "interference", 5, seed).min() == 255
        columns = np.nonzero(corrupt(dot, "interference", 5, seed)[:40, :, 0] > 60)[1]
        sides.add(bool(columns.mean() > 40))
    assert sides == {True, False}
    assert catalog.preset("natural").cell("interference", 3).is_geometric


def test_smoke_is_dark_and_patchy():
    white = np.full((96, 96, 3), 255, np.uint8)
    made = corrupt(white, "smoke", 3)
    assert made.min() < 140
    assert made.std() > 10
    assert np.ptp(made, axis=-1).max() == 0
