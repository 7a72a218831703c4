"""Augmentation as MedMNIST-C defines it: one row of a table or none, with parameters between its mildest and strongest.

What chance decides is drawn first, as a cell; applying it comes after, so that one draw can serve several pictures.
"""

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from corruptgen import catalog
from corruptgen.cell import Cell
from corruptgen.interpolation import Value
from corruptgen.randomness import Draws, rng_for
from corruptgen.table import Preset, Row

# The name under which augmentation draws; no row is called so.
NAME = "augmentation"


def draw(preset: Preset, rng: Draws, rows: Sequence[str] | None = None) -> Cell:
    """Draw what happens to an image: each row, and nothing at all, with the same probability.

    Numbers are drawn uniformly between the first and the last level of the row, or within the range that the table
    gives for augmentation, each by itself and in the order of the function; whole numbers are cut off, so that the
    larger end is hardly ever reached. All else is that of the first level.

    Parameters
    ----------
    preset : the severity table
    rng : what chance is drawn from
    rows : rows and groups of rows to choose from; None: all

    Returns
    -------
    A cell that takes images of the sizes of its table; its row is "identity" and its corruption None where nothing
    happens.

    Raises
    ------
    UnknownName
        If the table has no such row or group.
    """
    names = list(preset.rows) if rows is None else preset.named_rows(rows)
    number = int(rng.integers(len(names) + 1))
    if number == len(names):
        return _identity(preset)
    row = preset.rows[names[number]]
    first = row.levels[0].corruption
    parameters = {name: _drawn(row, name, rng) for name in first.parameters}
    return preset.cell_of(row, math.nan, first, MappingProxyType(parameters))


def augment(
    image: NDArray[Any], preset: str, *, seed: int, key: str, rows: Sequence[str] | None = None
) -> NDArray[Any]:
    """Augment an image by one row of a table, or not at all.

    Parameters
    ----------
    image : (H, W, 1) or (H, W, 3) uint8; it is not changed
    preset : a built-in severity table, or the path of a .toml of your own
    seed : another seed gives other draws
    key : the name of this use of the image, such as "epoch/index": the same name gives the same pixels in every worker
        and in any order
    rows : rows and groups of rows to choose from; None: all

    Returns
    -------
    A new array of the same shape and type.

    References
    ----------
    Di Salvo, Doerrich & Ledig 2024, https://arxiv.org/abs/2406.17536
    """
    rng = rng_for(seed, NAME, None, key)
    return draw(catalog.preset(preset), rng, rows).apply(image, rng)


def _identity(preset: Preset) -> Cell:
    row = next(iter(preset.rows.values()))
    return Cell("identity", 0.0, None, MappingProxyType({}), row.arithmetic, frozenset(), preset.sizes)


def _drawn(row: Row, name: str, rng: Draws) -> Value:
    # Levels of another function than the first have parameters of their own.
    alike = [level for level in row.levels if level.corruption is row.levels[0].corruption]
    low, high = row.augment.get(name, (alike[0].parameters[name], alike[-1].parameters[name]))
    if isinstance(low, bool | str) or isinstance(high, bool | str) or low == high:
        return low
    number = float(rng.uniform(low, high))
    return int(number) if isinstance(low, int) else number
