"""The pixels of every cell under its own keyed draws stay what they are; `pytest --update-goldens` rewrites them."""

from pathlib import Path

import numpy as np
import pytest

from corruptgen import corrupt
from corruptgen.errors import AssetError, MissingPackage
from corruptgen.tables import catalog
from tests.inputs import planes_for
from tests.pictures import photograph

GOLDEN = Path(__file__).parent / "golden" / "cells"
SIZE = (48, 64)
PATCH = 16
SEED = 290017


def patches(name):
    """Return the middle of every cell over one photograph, by row: (levels, PATCH, PATCH, 3)."""
    preset = catalog.preset(name)
    image = photograph(*(preset.sizes.allowed or [SIZE])[0])
    found = {}
    for row in preset.rows:
        levels = preset.rows[row].severities
        try:
            inputs = planes_for(name, row, image)
            results = [
                corrupt(image, row, level, preset=name, seed=SEED, key="golden", inputs=inputs) for level in levels
            ]
        except (AssetError, MissingPackage):
            continue
        found[row] = np.stack([middle(result) for result in results])
    return found


def middle(image):
    """Return the middle of an image."""
    top, left = ((side - PATCH) // 2 for side in image.shape[:2])
    return image[top : top + PATCH, left : left + PATCH]


# The 20 levels of `ccc` take as long as all other tables, and an eidolon takes a second.
MARKS = {"ccc": [], "geirhos-2018-eidolon": pytest.mark.long}
NAMES = [
    pytest.param(name, marks=MARKS.get(name, pytest.mark.smoke))
    for name in catalog.preset_names()
    if not catalog.preset(name).is_sequential
]


@pytest.mark.parametrize("name", NAMES)
def test_the_pixels_of_every_cell_stay_what_they_are(name, update_goldens):
    path = GOLDEN / f"{name}.npz"
    now = patches(name)
    if update_goldens:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **now)

    with np.load(path) as before:
        assert set(now) <= set(before.files)
        for row, patch in now.items():
            # Another CPU family may move a pixel by one level where a library's filter or exponential is used.
            difference = np.abs(patch.astype(int) - before[row])
            assert difference.max() <= 1, row
            assert np.mean(difference > 0) <= 0.01, row
