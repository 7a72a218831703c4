"""With shared draws (`paired = true`) the levels of an image are the same accident, more or less of it."""

import itertools

import numpy as np
import pytest

from corruptgen import corrupt
from corruptgen.patterns.scattering import even_steps, scatter_things
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from corruptgen.tables.cell import Cell
from tests.pictures import photograph

IMAGE = photograph(96, 128)
ROWS = [
    (preset, row)
    for preset in ("natural", "medical")
    for row, line in catalog.preset(preset).rows.items()
    if all(level.corruption.draws for level in line.levels)
]
# Takes the nearest level, since nothing lies between water and mud; counts in whole photons, of which there are few.
STEPPED = {"spatter", "shot_noise"}


def change(preset, row, severity, key="a", image=IMAGE):
    result = corrupt(image, row, severity, preset=preset, rng=rng_for(3, row, None, key))
    return result.astype(float) - image


def likeness(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.parametrize(("preset", "row"), ROWS)
def test_a_level_does_to_an_image_what_the_next_one_does_more_of(preset, row):
    levels = [change(preset, row, level) for level in range(1, 6)]

    like = [likeness(one, other) for one, other in itertools.pairwise(levels)]

    assert min(like) > 0.2
    assert np.mean(like) > likeness(levels[2], change(preset, row, 4, "b")) + 0.05


@pytest.mark.parametrize(("preset", "row"), [(p, r) for p, r in ROWS if r not in STEPPED])
def test_severities_between_two_levels_move_in_small_steps(preset, row):
    steps = [change(preset, row, severity) for severity in np.linspace(2, 3, 11)]

    largest = max(np.abs(one - other).mean() for one, other in itertools.pairwise(steps))

    assert largest < 0.4 * np.abs(steps[0] - steps[-1]).mean()


@pytest.mark.parametrize(
    ("preset", "row"), [("medical", "stain_deposit"), ("medical", "impulse_noise"), ("natural", "impulse_noise")]
)
@pytest.mark.parametrize("size", [(96, 128), (32, 32), (180, 40)])
def test_what_a_level_has_hit_every_worse_one_has_hit_too(preset, row, size):
    image = photograph(*size)
    for key in "abc":
        hit = [change(preset, row, severity, key, image) != 0 for severity in (0.5, 1, 1.7, 2, 3, 4, 4.3, 5)]

        for less, more in itertools.pairwise(hit):
            assert not (less & ~more).any()
        assert hit[0].sum() < hit[-1].sum()


def test_bubbles_stay_where_they_are_while_more_come():
    flat = np.zeros((120, 120, 3), np.uint8)
    for key in "abc":
        hit = [change("medical", "bubble", level, key, flat)[..., 0] > 0 for level in (1, 2, 3, 4, 5)]

        for less, more in itertools.pairwise(hit):
            assert not (less & ~more).any()


def test_water_and_mud_hit_the_same_places():
    flat = np.full((128, 128, 3), 128, np.uint8)
    table = catalog.preset("natural")
    for key in "abcdef":
        middles = []
        for level, few in ((3, 0.0018), (4, 0.02)):
            found = table.rows["spatter"].levels[level - 1]
            few_hits = {**found.parameters, "coverage": few, "radius": 10.5}
            cell: Cell = table.rows["spatter"].cell_with(few_hits, float(level), table.sizes, found.corruption)
            changed = cell.apply(flat, rng_for(3, "spatter", None, key)) != flat
            middles.append(np.argwhere(changed.any(axis=-1)))
        nearest = np.linalg.norm(middles[0].mean(axis=0) - middles[1], axis=1).min()
        assert nearest < 8


def test_of_scattered_things_the_first_are_the_same_however_many_there_are():
    few, shares = scatter_things(rng_for(1, "a", None, "b"), 2.25, 5)
    many, whole = scatter_things(rng_for(1, "a", None, "b"), 7, 5)
    more, _ = scatter_things(rng_for(1, "a", None, "b"), 3, 5, most=9)
    none, nothing = scatter_things(rng_for(1, "a", None, "b"), 0, 5)

    assert np.array_equal(few, many[:3])
    assert np.array_equal(more, many[:3])
    assert shares.tolist() == [1, 1, 0.25]
    assert whole.tolist() == [1] * 7
    assert none.shape == (0, 5)
    assert nothing.shape == (0,)
    for count in (5, 50, 500):
        gaps = np.diff(np.sort(even_steps(count)))
        assert gaps.max() < 3 / count


def test_a_new_version_of_a_table_has_another_digest():
    for name, version in {"natural": "1.2", "medical": "1.1"}.items():
        table = catalog.preset(name)
        header = {**table.content["preset"], "version": "1.0"}
        older = catalog.preset_from(name, {**table.content, "preset": header})

        assert (older.version, table.version) == ("1.0", version)
        assert older.digest != table.digest
    assert catalog.preset("imagenet-c").version == "1.0"
