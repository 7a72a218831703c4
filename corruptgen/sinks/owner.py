"""Owners: which files of an output are a build's, and which unit each of them is a piece of, for millions of files."""

from bisect import bisect_left
from collections.abc import Callable, Iterable

import numpy as np


class Owner:
    """Knows the units of a build, such as its items or blocks, in 8 bytes for each, however long their names are.

    Of a unit it keeps a hash of 64 bits: a file that is not the build's is taken for one of a million once in 10**13.

    Parameters
    ----------
    units : iterable of str
        The names of all units.
    unit : callable of str to str or None
        Returns which unit a file, named relative to the output, would be a piece of; None if it is one of none.
    """

    def __init__(self, units: Iterable[str], unit: Callable[[str], str | None] = str) -> None:
        self._unit = unit
        keys = np.fromiter(map(hash, units), np.int64)
        keys.sort()
        # A search among the numbers of numpy takes several times as long as among plain ones.
        self._keys = keys.data

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self._keys)

    def __call__(self, name: str) -> int | None:
        """Return the place of the unit that a file is a piece of; None if it is not this build's."""
        unit = self._unit(name)
        return None if unit is None else self.place(unit)

    def place(self, unit: str) -> int | None:
        """Return the place of a unit among all of them; None if there is no such unit."""
        key = hash(unit)
        place = bisect_left(self._keys, key)
        return place if place < len(self._keys) and self._keys[place] == key else None
