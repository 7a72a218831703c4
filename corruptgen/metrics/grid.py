"""A grid: one number for each cell of a dataset, and beside it the number of the clean images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError
from corruptgen.values.arguments import normalise_severity, severity_text

Numbers = NDArray[np.float64]
MOST_NAMED = 5  # missing cells in one message


@dataclass(frozen=True, eq=False)
class Grid:
    """One number per cell: the error, accuracy or performance of one model, as a fraction.

    Raises
    ------
    ScoreError
        If shapes do not fit, a name occurs twice, or a number is not finite.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> errors = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.5, ("snow", 1): 0.4, ("snow", 2): 0.8}, clean=0.2)
    >>> errors.rows, errors.severities, errors.cell("fog", 2).item()
    (('fog', 'snow'), (1.0, 2.0), 0.5)
    """

    rows: tuple[str, ...]
    severities: tuple[float, ...]
    """Ascending."""
    values: Numbers
    """(..., rows, severities); leading axes are repetitions, such as the resamples of a bootstrap."""
    clean: Numbers | None = None
    """(...): the same number for the clean images; None: it is not known."""
    absent: NDArray[np.bool_] | None = None
    """(rows, severities): the cells that there are not, as rows may have different severities; None: there are all.

    Their values are no numbers. Means are over the cells that there are, those over rows and severities over the means
    of the rows: each row counts the same, however many severities it has.
    """

    def __post_init__(self) -> None:
        shape = (len(self.rows), len(self.severities))
        if self.values.shape[-2:] != shape or 0 in shape:
            raise ScoreError(
                f"a grid of {shape[0]} rows × {shape[1]} severities has values of shape {self.values.shape}"
            )
        if len(set(self.rows)) < len(self.rows) or sorted(set(self.severities)) != list(self.severities):
            raise ScoreError("a grid has every row once, and its severities ascend; a row or severity occurs twice")
        if self.clean is not None and self.clean.shape != self.values.shape[:-2]:
            raise ScoreError(f"the clean values have shape {self.clean.shape}, allowed is {self.values.shape[:-2]}")
        if self.absent is not None:
            if self.absent.shape != shape or self.absent.all(axis=-1).any() or self.absent.all(axis=-2).any():
                raise ScoreError("a grid has a cell in each of its rows and at each of its severities")
            object.__setattr__(self, "values", np.where(self.absent, np.nan, self.values))
        for row, severity in self._not_finite():
            raise ScoreError(f"{cell_name(row, severity)} has no finite value; pass a number for every cell")
        if self.clean is not None and not np.isfinite(self.clean).all():
            raise ScoreError("the clean images have no finite value; pass a number, or leave clean out")

    @classmethod
    def of(
        cls,
        cells: Mapping[tuple[str, float], float],
        clean: float | None = None,
        severities_of: Mapping[str, Sequence[float]] | None = None,
    ) -> "Grid":
        """Make a grid of single numbers.

        Parameters
        ----------
        cells : mapping of (str, float) to float
            A number for each row and severity; rows keep their order.
        clean : float or None
            The number of the clean images.
        severities_of : mapping of str to sequence of float or None
            The severities of each row, where rows have different ones; None: each row has all of them.

        Raises
        ------
        ScoreError
            If a row lacks a severity that it should have; the message names the cells.
        """
        rows = tuple(dict.fromkeys(row for row, _ in cells))
        severities = tuple(sorted({normalise_severity(severity) for _, severity in cells}))
        known = {(row, normalise_severity(severity)): value for (row, severity), value in cells.items()}
        own = dict.fromkeys(rows, severities) | {row: own for row, own in (severities_of or {}).items() if row in rows}
        check_complete(known, own)
        values = np.array([[known.get((row, severity), np.nan) for severity in severities] for row in rows], float)
        shaped = values.reshape(len(rows), len(severities))
        absent = np.array([[(row, severity) not in known for severity in severities] for row in rows])
        clean_value = None if clean is None else np.asarray(clean, float)
        return cls(rows, severities, shaped, clean_value, absent if absent.any() else None)

    def selected(
        self,
        rows: Iterable[str] | None = None,
        severities: Iterable[float] | Mapping[str, Iterable[float]] | None = None,
    ) -> "Grid":
        """Return some rows and severities, in the order of `rows`; `ScoreError` names the cells that are missing.

        Severities are those of all rows, or those of each row by its name; None: all that a row has.
        """
        wanted = tuple(rows) if rows is not None else self.rows
        if severities is None:
            own = {row: self.severities_of(row) if row in self.rows else self.severities for row in wanted}
        else:
            by_row = severities if isinstance(severities, Mapping) else dict.fromkeys(wanted, tuple(severities))
            own = {row: tuple(sorted(map(normalise_severity, by_row[row]))) for row in wanted}
        check_complete({(row, s) for row in self.rows for s in self.severities_of(row)}, own)
        levels = tuple(sorted({severity for chosen in own.values() for severity in chosen}))
        across, along = np.ix_([self.rows.index(row) for row in wanted], [self.severities.index(s) for s in levels])
        absent = np.array([[severity not in own[row] for severity in levels] for row in wanted])
        return Grid(wanted, levels, self.values[..., across, along], self.clean, absent if absent.any() else None)

    def severities_of(self, row: str) -> tuple[float, ...]:
        """Return the severities that a row has."""
        if self.absent is None:
            return self.severities
        left = ~self.absent[self.rows.index(row)]
        return tuple(severity for severity, is_there in zip(self.severities, left, strict=True) if is_there)

    def cell(self, row: str, severity: float) -> Numbers:
        """Return the number of one cell, (...)."""
        return self.selected([row], [severity]).values[..., 0, 0]

    @cached_property
    def by_row(self) -> Numbers:
        """The mean over the severities, (..., rows)."""
        return self._mean(axis=-1)

    @cached_property
    def by_severity(self) -> Numbers:
        """The mean over the rows, (..., severities)."""
        return self._mean(axis=-2)

    @cached_property
    def mean(self) -> Numbers:
        """The mean over all cells, each row counting the same, (...)."""
        return self.values.mean(axis=(-2, -1)) if self.absent is None else self.by_row.mean(axis=-1)

    @property
    def known_clean(self) -> Numbers:
        """The clean number; `ScoreError` if it is not known."""
        if self.clean is None:
            raise ScoreError(
                "this metric compares with the clean images, of which nothing is known; pass clean as well"
            )
        return self.clean

    @property
    def complement(self) -> "Grid":
        """One minus every number: accuracies of errors, and errors of accuracies."""
        clean = None if self.clean is None else 1 - self.clean
        return Grid(self.rows, self.severities, 1 - self.values, clean, self.absent)

    def _mean(self, axis: int) -> Numbers:
        """Return the mean of the cells that there are along an axis."""
        if self.absent is None:
            return self.values.mean(axis=axis)
        total = np.where(self.absent, 0, self.values).sum(axis=axis)
        return np.asarray(total / (~self.absent).sum(axis=axis))

    def _not_finite(self) -> list[tuple[str, float]]:
        bad = ~np.isfinite(self.values).reshape(-1, *self.values.shape[-2:]).all(axis=0)
        if self.absent is not None:
            bad &= ~self.absent
        return [(self.rows[row], self.severities[severity]) for row, severity in np.argwhere(bad)]


def check_complete(known: Iterable[tuple[str, float]], wanted: Mapping[str, Sequence[float]]) -> None:
    """Raise `ScoreError` with the names of the cells that are missing, if any is.

    Parameters
    ----------
    known : iterable of (str, float)
        The cells that have a value.
    wanted : mapping of str to sequence of float
        The severities that are needed of each row.
    """
    there = set(known)
    cells = [(row, severity) for row, severities in wanted.items() for severity in severities]
    missing = [cell for cell in cells if cell not in there]
    if missing:
        named = ", ".join(cell_name(*cell) for cell in missing[:MOST_NAMED])
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        raise ScoreError(
            f"{len(missing)} of {len(cells)} cells are missing: {named}{more}; "
            "a mean over the existing values would be another number, so pass them all"
        )


def check_fractions(grid: Grid, what: str = "errors") -> None:
    """Raise `ScoreError` if numbers do not lie in [0, 1]; percentages are the usual mistake.

    Parameters
    ----------
    grid : Grid
        The numbers.
    what : str, default "errors"
        What they are, for the message.
    """
    for name, values in (("", grid.values), (" of the clean images", grid.clean)):
        if values is None:
            continue
        low, high = np.nanmin(values, initial=0), np.nanmax(values, initial=0)
        if low < 0 or high > 1:
            found = f"{np.nanmin(values):g}..{np.nanmax(values):g}"
            raise ScoreError(
                f"the {what}{name} are {found}, allowed are fractions from 0 to 1; divide percentages by 100"
            )


def group_means(grid: Grid, groups: Mapping[str, Sequence[str]]) -> dict[str, Numbers]:
    """Return the mean over the cells of each group of rows, (...) each.

    Parameters
    ----------
    grid : Grid
        Errors or accuracies.
    groups : mapping of str to sequence of str
        Rows by the group's name, such as noise, blur, weather and digital.

    Returns
    -------
    dict of str to float or ndarray
        The mean of each group, (...).

    Raises
    ------
    ScoreError
        If the grid lacks a row of a group.

    Examples
    --------
    >>> from corruptgen.metrics import Grid
    >>> errors = Grid.of({("fog", 1): 0.3, ("fog", 2): 0.5, ("snow", 1): 0.4, ("snow", 2): 0.8}, clean=0.2)
    >>> {name: round(mean.item(), 3) for name, mean in group_means(errors, {"weather": ["fog", "snow"]}).items()}
    {'weather': 0.5}
    """
    return {name: grid.selected(rows).mean for name, rows in groups.items()}


def cell_name(row: str, severity: float) -> str:
    """Name a cell in messages as folders of outputs do.

    Parameters
    ----------
    row : str
        Name of a row.
    severity : float
        A severity.

    Returns
    -------
    str
        Both, with a slash between them.
    """
    return f"{row}/{severity_text(severity)}"


def fractions(values: ArrayLike, what: str) -> Numbers:
    """Take numbers that are fractions; raise `ScoreError` with what they are if they are none.

    Parameters
    ----------
    values : array_like, shape (...)
        Fractions in [0, 1].
    what : str
        What they are, for the message.

    Returns
    -------
    float or ndarray
        The numbers as an array.
    """
    taken = np.asarray(values, float)
    if not (np.isfinite(taken).all() and taken.min(initial=0) >= 0 and taken.max(initial=0) <= 1):
        raise ScoreError(f"{what}: found {values!r}, allowed are fractions from 0 to 1; divide percentages by 100")
    return taken
