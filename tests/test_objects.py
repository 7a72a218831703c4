"""Objects and backgrounds by a mask, and motion by depth: what each of the rows keeps and what it changes."""

import numpy as np
import pytest

import corruptgen
from tests.pictures import photograph

IMAGE = photograph(64, 80)
MASK = np.zeros((64, 80))
MASK[20:40, 30:50] = 1
MASK[20:22, 30:32] = 0
OBJECT = MASK > 0


def corrupt(row, level=1, preset="backgrounds", mask=MASK, **options):
    """Corrupt the image of these tests."""
    inputs = {"mask": mask} | ({"donor": IMAGE[::-1]} if row == "mixed" else {})
    return corruptgen.corrupt(IMAGE, row, level, preset=preset, inputs=inputs, **options)


def test_an_object_alone_and_a_background_alone_are_the_image_and_black():
    assert np.array_equal(corrupt("only_fg"), IMAGE * OBJECT[..., None])
    assert np.array_equal(corrupt("no_fg"), IMAGE * ~OBJECT[..., None])
    boxed = IMAGE.copy()
    boxed[20:40, 30:50] = 0
    assert np.array_equal(corrupt("only_bg_b"), boxed)
    assert np.array_equal(corrupt("silhouette"), np.where(OBJECT[..., None], 0, np.full_like(IMAGE, 255)))
    assert np.array_equal(corrupt("mixed"), np.where(OBJECT[..., None], IMAGE, IMAGE[::-1]))


def test_the_box_is_tiled_with_the_largest_strip_beside_it():
    made = corrupt("only_bg_t")
    # Of 24×80 pixels below, and as many on the left and right, 64×30; those below come first.
    tiled = IMAGE.copy()
    tiled[20:40, 30:50] = IMAGE[40:60, :20]
    assert np.array_equal(made, tiled)
    assert not corrupt("only_bg_t", mask=np.ones((64, 80))).any()


def test_any_label_above_zero_is_the_object():
    assert np.array_equal(corrupt("only_fg", mask=MASK * 7), corrupt("only_fg"))
    assert np.array_equal(corrupt("only_fg", mask=MASK / 255), corrupt("only_fg"))


@pytest.mark.parametrize(("level", "rate"), [(1, 0.1), (2, 0.08), (3, 0.05)])
def test_an_object_is_resized_to_a_fraction_of_the_image(level, rate):
    image = np.full((200, 200, 3), 40, np.uint8)
    mask = np.zeros((200, 200))
    mask[50:150, 60:140] = 1
    image[50:150, 60:140] = 220
    made = corruptgen.corrupt(image, "object_scale", level, preset="object-edits", inputs={"mask": mask})
    assert abs((made[..., 0] > 130).mean() - rate) < 0.01
    assert made[0, 0, 0] == 40


def test_an_object_moves_within_the_image_and_leaves_background_behind():
    image = np.full((64, 80, 3), 40, np.uint8)
    image[OBJECT] = 220
    ways = []
    for key in "abcdefgh":
        for level in (1, 3):
            made = corruptgen.corrupt(
                *(image, "object_shift", level), preset="object-edits", key=key, inputs={"mask": MASK}
            )
            rows, columns = np.nonzero(made[..., 0] > 130)
            assert abs(len(rows) - OBJECT.sum()) < 60
            ways.append(abs(rows.mean() - 29.5) + abs(columns.mean() - 39.5))
    assert sum(ways[1::2]) > 2 * sum(ways[::2])
    turned = corruptgen.corrupt(image, "object_rotation", 2, preset="object-edits", key="a", inputs={"mask": MASK})
    assert (turned[40:44, 38:42] > 130).any()


@pytest.mark.parametrize("row", ["object_scale", "object_shift", "object_rotation"])
def test_an_image_without_an_object_is_left_alone(row):
    made = corrupt(row, 3, "object-edits", mask=np.zeros((64, 80)), key="a")
    assert np.array_equal(made, IMAGE)


@pytest.mark.parametrize("row", ["xy_motion_blur", "z_motion_blur"])
def test_what_is_near_is_blurred_more_than_what_is_far(row):
    grain = np.random.RandomState(3).randint(0, 256, (96, 120, 3)).astype(np.uint8)
    depth = np.where(np.arange(120) < 60, 1.0, 100.0) * np.ones((96, 1))
    made = corruptgen.corrupt(grain, row, 5, preset="3dcc-motion", key="b", inputs={"depth": depth})
    near, far = (made[:20, side].astype(float).std() for side in (slice(5, 40), slice(80, 118)))
    assert near < 0.6 * far
    assert far > 60


def test_one_step_of_a_motion_is_the_image():
    depth = np.linspace(1, 5, 80) * np.ones((64, 1))
    for row in ("xy_motion_blur", "z_motion_blur"):
        made = corruptgen.corrupt(IMAGE, row, 0.01, preset="3dcc-motion", key="a", inputs={"depth": depth})
        assert np.abs(made.astype(int) - IMAGE).max() <= 1
