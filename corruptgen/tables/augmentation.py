"""Augmentation as MedMNIST-C defines it: one row of a table or none, with parameters between its mildest and strongest.

What chance decides is drawn first, as a cell; applying it comes after, so that one draw can serve several pictures.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from corruptgen.errors import PresetError
from corruptgen.randomness import Draws, rng_for
from corruptgen.tables import catalog
from corruptgen.tables.api import ArrayOrImage, check_image, like_input
from corruptgen.tables.cell import Cell
from corruptgen.tables.interpolation import Value
from corruptgen.tables.row import Row
from corruptgen.tables.table import Preset
from corruptgen.values.arguments import normalise_key, normalise_seed, preset_name, row_names

# The name under which augmentation draws; no row is called so.
NAME = "augmentation"


def draw(preset: Preset, rng: Draws, rows: Sequence[str] | None = None) -> Cell:
    """Draw what happens to an image: each row, and nothing at all, with the same probability.

    Numbers are drawn uniformly between the first and the last level of the row, or within the range that the table
    has for augmentation, each by itself and in the order of the function; whole numbers are cut off, so that the
    larger end is hardly ever reached. All else is that of the first level.

    Parameters
    ----------
    preset : Preset
        The severity table.
    rng : Draws
        What chance is drawn from.
    rows : sequence of str or None
        Rows and groups of rows to choose from; None: all.

    Returns
    -------
    Cell
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
        return identity(preset)
    row = preset.rows[names[number]]
    if row.is_chain or row.is_sequence:
        raise PresetError(f"{row.name} of {preset.name} is several steps or images, whose parameters cannot be drawn")
    return cell_of(preset, row.name, {name: _drawn(row, name, rng) for name in row.levels[0].corruption.parameters})


def cell_of(preset: Preset, row: str, parameters: Mapping[str, Value]) -> Cell:
    """Return a row with parameters that were drawn for it; its severity is not a number."""
    line = preset.row(row)
    return line.cell_with(MappingProxyType(dict(parameters)), math.nan, preset.sizes)


def identity(preset: Preset) -> Cell:
    """Return the cell that leaves an image alone."""
    row = next(iter(preset.rows.values()))
    return Cell("identity", 0.0, None, MappingProxyType({}), row.arithmetic, frozenset(), preset.sizes)


def augment(
    image: ArrayOrImage, preset: str, *, seed: int, key: str | int, rows: str | Sequence[str] | None = None
) -> ArrayOrImage:
    """Augment an image by one row of a table, or not at all.

    `corruptgen.transforms.AugMedMNISTC` does the same in a pipeline, with the same pixels for the same seed and key.

    Parameters
    ----------
    image : ArrayOrImage
        uint8 array of shape (H, W), (H, W, 1) or (H, W, 3), or a PIL image of mode L or RGB; it is not changed.
    preset : str
        A built-in severity table, or the path of a .toml of your own.
    seed : int
        Another seed produces other draws.
    key : str or int
        The name of this use of the image, such as "epoch/index": equal names produce equal pixels in every worker and
        in any order.
    rows : str or sequence of str or None
        Rows and groups of rows to choose from; None: all.

    Returns
    -------
    ArrayOrImage
        A new image of the same kind and shape.

    Raises
    ------
    UnknownName
        If there is no such preset, row or group.
    ArgumentError
        If another argument is of a kind that is not allowed.
    ImageError
        If the image is of another kind or type, or of a size that the table does not hold for.

    References
    ----------
    Di Salvo, Doerrich & Ledig 2024, https://arxiv.org/abs/2406.17536
    """
    seed, name = normalise_seed(seed), normalise_key(key)
    pixels, form = check_image(image)
    cell = draw(catalog.preset(preset_name(preset)), rng_for(seed, NAME, None, name), row_names(rows))
    return like_input(cell.apply(pixels, rng_for(seed, cell.row, None, name), form), image)


def _drawn(row: Row, name: str, rng: Draws) -> Value:
    # Levels of another function than the first have parameters of their own.
    alike = [level for level in row.levels if level.corruption is row.levels[0].corruption]
    low, high = row.augment.get(name, (alike[0].parameters[name], alike[-1].parameters[name]))
    if isinstance(low, bool | str) or isinstance(high, bool | str) or low == high:
        return low
    number = float(rng.uniform(low, high))
    return int(number) if isinstance(low, int) else number
