"""Places: the squares of an image inside of which a row acts, and where they lie."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corruptgen.errors import ImageError, PresetError
from corruptgen.randomness import Draws

GRID, ANYWHERE, CENTRE, EVERY_CELL = "grid", "anywhere", "centre", "every cell"
WHERE = (GRID, ANYWHERE, CENTRE, EVERY_CELL)
KEYS = ("side", "where", "count", "shared_place")
LARGEST = 20_000  # pixels, and squares

Square = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class Region:
    """Where in an image a row acts; all else is left alone."""

    side: int
    """Pixels of a square; one that is larger than the image covers it."""
    where: str | tuple[int, int]
    """One of `WHERE`, or row and column of the top left pixel."""
    count: int = 1
    """Number of squares."""
    shared_place: bool = False
    """Whether all rows and levels have their squares in the same place of an image."""

    @property
    def draws(self) -> bool:
        """Whether chance decides where the squares lie."""
        return self.where in (GRID, ANYWHERE)

    def squares(self, size: Sequence[int], rng: Draws) -> list[Square]:
        """Return the squares in an image of (height, width) `size`.

        Squares of a grid do not overlap; what is left of the image at its right and lower border belongs to no cell.

        Raises
        ------
        ImageError
            If the grid has fewer cells than there are squares, or the image no such pixel.
        """
        height, width = size
        if isinstance(self.where, tuple):
            row, column = self.where
            if row >= height or column >= width:
                raise ImageError(f"the region begins at row {row}, column {column} of an image of {height}×{width}")
            return [self._square(row, column)]
        if self.where == CENTRE:
            return [self._square(max(0, height - self.side) // 2, max(0, width - self.side) // 2)]
        if self.where == ANYWHERE:
            # Fractions of the way, so that squares of several sizes lie about the same place.
            return [
                self._square(
                    math.floor(rng.random() * max(1, height - self.side + 1)),
                    math.floor(rng.random() * max(1, width - self.side + 1)),
                )
                for _ in range(self.count)
            ]
        down, across = max(1, height // self.side), max(1, width // self.side)
        cells = range(down * across)
        if self.where == GRID:
            if self.count > len(cells):
                raise ImageError(
                    f"the region has {self.count} squares, and a grid of {self.side} pixels in an image of "
                    f"{height}×{width} has {len(cells)} cells"
                )
            cells = rng.permutation(len(cells))[: self.count].tolist()
        return [self._square(cell // across * self.side, cell % across * self.side) for cell in cells]

    def _square(self, row: int, column: int) -> Square:
        return slice(row, row + self.side), slice(column, column + self.side)


@dataclass(frozen=True)
class RegionColumn:
    """The regions of the levels of a row."""

    sides: tuple[int, ...]
    """By level."""
    where: str | tuple[int, int]
    count: int
    shared_place: bool

    @property
    def is_every_cell(self) -> bool:
        """Whether it makes one image for each cell of the grid."""
        return self.where == EVERY_CELL

    @property
    def sentence(self) -> str:
        """Where that is, in words."""
        low, high = min(self.sides), max(self.sides)
        side = f"{low} pixels" if low == high else f"{low} to {high} pixels"
        if self.is_every_cell:
            return f"Only within one cell of a grid of {side}: an image for each cell."
        squares = f"a square of {side}" if self.count == 1 else f"{self.count} squares of {side}"
        if isinstance(self.where, tuple):
            return f"Only within {squares} from row {self.where[0]}, column {self.where[1]}."
        places = {GRID: "of a grid", ANYWHERE: "anywhere", CENTRE: "in the centre"}
        return f"Only within {squares} {places[self.where]}."

    def at(self, severity: float) -> Region:
        """Return the region at a severity above 0; between two levels its side lies between theirs."""
        # What is drawn for augmentation has no severity.
        level = 1.0 if math.isnan(severity) else min(max(severity, 1), len(self.sides))
        low, high = self.sides[int(level) - 1], self.sides[min(int(level), len(self.sides) - 1)]
        side = math.floor(low + (high - low) * (level % 1) + 0.5)
        return Region(side, self.where, self.count, self.shared_place)


def read_region(place: str, content: Any, levels: int) -> RegionColumn | None:
    """Read where a row acts from the plain values of a table; None: on the whole image.

    Raises
    ------
    PresetError
        If a key is unknown or missing, or has a wrong value.
    """
    if content is None:
        return None
    if not isinstance(content, Mapping) or not {"side", "where"} <= set(content) <= set(KEYS):
        raise PresetError(f"{place}: found {content!r}, allowed is a table of {', '.join(KEYS)} with side and where")
    side, where = content["side"], content["where"]
    sides = side if isinstance(side, list) else [side] * levels
    if len(sides) != levels or not all(type(one) is int and 0 < one <= LARGEST for one in sides):
        raise PresetError(f"{place} side: found {side!r}, allowed is a number of pixels, or one for each severity")
    if isinstance(where, list) and len(where) == 2 and all(type(at) is int and at >= 0 for at in where):
        where = (where[0], where[1])
    elif where not in WHERE:
        raise PresetError(f"{place} where: found {where!r}, allowed are {', '.join(WHERE)} and [row, column]")
    count, shared_place = content.get("count", 1), content.get("shared_place", False)
    if type(count) is not int or not 0 < count <= LARGEST or (count > 1 and where not in (GRID, ANYWHERE)):
        raise PresetError(f"{place} count: found {count!r}, allowed is 1, and more with where grid or anywhere")
    if type(shared_place) is not bool:
        raise PresetError(f"{place} shared_place: found {shared_place!r}, allowed is true or false")
    return RegionColumn(tuple(sides), where, count, shared_place)
