"""The walk of CCC: which two corruptions an image has, and how severe they are, from one step to the next."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from corruptgen.errors import ArgumentError
from corruptgen.values.arguments import normalise_seed

LEVELS = 20
"""The most severe level of the table `ccc`."""
STEPS_PER_SEVERITY = 4
"""Levels of the table `ccc` for one severity of ImageNet-C."""
# The rows that images are changed by, in the order in which they are drawn from. Brightness is none of them.
ROWS = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "contrast",
    "elastic",
    "pixelate",
    "jpeg",
)
EASY, MEDIUM = 40, 20
HARD_ROWS = ("gaussian_noise", "shot_noise", "impulse_noise", "contrast")

Place = tuple[int, int]
"""The levels of two rows."""


@dataclass(frozen=True)
class Step:
    """One step of a stream: two rows of the table `ccc`, one after the other."""

    number: int
    """From 0."""
    rows: tuple[str, str]
    levels: Place
    """Of the table, 0 to 20; 0 leaves the image alone."""
    walk: int = 0
    """The number of the walk, from 0: two rows are exchanged for two others between walks."""

    @property
    def as_in_the_original(self) -> tuple[str, str, float, float]:
        """Both rows and both severities, in quarters."""
        first, second = self.levels
        return (*self.rows, first / STEPS_PER_SEVERITY, second / STEPS_PER_SEVERITY)


def ccc_rows(target: float) -> tuple[str, ...]:
    """Return the rows that a stream changes between, in the order in which they are drawn from.

    Parameters
    ----------
    target : float
        The accuracy that is aimed at, in percent.

    Returns
    -------
    tuple of str
        14 from 40 percent on (CCC-Easy), 13 from 20 on (CCC-Medium), 4 below (CCC-Hard).

    Examples
    --------
    >>> ccc_rows(0)
    ('gaussian_noise', 'shot_noise', 'impulse_noise', 'contrast')
    """
    if target >= EASY:
        return ROWS
    return ROWS[:-1] if target >= MEDIUM else HARD_ROWS


def find_path(accuracies: ArrayLike, target: float) -> list[Place]:
    """Find a way from the first of two rows to the second whose mean accuracy is near to a target.

    Each step takes the first row one level down or the second one level up; the way begins at level 0 of the second row
    and ends at level 0 of the first. From its end backwards the better of both continuations is taken, so that it is
    near to the target and seldom the nearest.

    Parameters
    ----------
    accuracies : array_like, shape (levels, levels)
        In percent, by the level of the first row and that of the second, from 0.
    target : float
        The accuracy that is aimed at, in percent.

    Returns
    -------
    list of (int, int)
        The levels of both rows at each step.

    Raises
    ------
    ArgumentError
        If the accuracies are not such a table.

    References
    ----------
    Press et al. 2023, https://arxiv.org/abs/2306.05401

    Examples
    --------
    >>> find_path([[90, 50, 10], [60, 40, 5], [20, 10, 0]], 50)
    [(1, 0), (1, 1), (0, 1)]
    """
    table = _checked(accuracies)
    levels, others = len(table), len(table[0])
    # The best way from each place on, and the sum of its accuracies.
    ways = {(0, j): (table[0][j], [(0, j)]) for j in range(others)}
    for i in range(1, levels):
        for j in reversed(range(others)):
            nexts = [ways[i, j + 1], ways[i - 1, j]] if j + 1 < others else [ways[i - 1, j]]
            longer = [(table[i][j] + total, [(i, j), *way]) for total, way in nexts]
            # Of two that are as near the first, which goes up in the second row.
            ways[i, j] = min(longer, key=lambda way: _distance(way, target))
    return min((ways[i, 0] for i in range(1, levels)), key=lambda way: _distance(way, target))[1]


def ccc_walk(accuracies: Mapping[tuple[str, str], ArrayLike], *, target: float, seed: int) -> Iterator[Step]:
    """Return the steps of a stream of CCC, without an end.

    Parameters
    ----------
    accuracies : mapping of (str, str) to array_like
        For each ordered pair of rows a table as `find_path` takes it, of 21 by 21 levels; `read_accuracies` reads them.
    target : float
        The accuracy that is aimed at, in percent: 40, 20 and 0 in CCC-Easy, -Medium and -Hard. It decides which rows
        there are, as `ccc_rows` has it.
    seed : int
        Which rows follow each other: 43, 44 and 45 in CCC.

    Returns
    -------
    iterator of Step
        The first of them at level 0 of its second row. The order is that of the original, whatever the speed.

    Raises
    ------
    ArgumentError
        If the table of a pair is missing, or is none.

    References
    ----------
    Press et al. 2023, https://arxiv.org/abs/2306.05401

    Examples
    --------
    >>> import numpy as np
    >>> rows = ccc_rows(0)
    >>> tables = {(one, other): np.full((21, 21), 20.0) for one in rows for other in rows if one != other}
    >>> next(ccc_walk(tables, target=0, seed=45)).as_in_the_original
    ('impulse_noise', 'contrast', 0.25, 0.0)
    """
    rows, seed = ccc_rows(target), normalise_seed(seed)
    ways: dict[tuple[str, str], list[Place]] = {}
    for one in rows:
        for other in rows:
            if one != other:
                ways[one, other] = find_path(_of_pair(accuracies, one, other), target)
    return _steps(rows, ways, seed)


def _steps(rows: tuple[str, ...], ways: Mapping[tuple[str, str], list[Place]], seed: int) -> Iterator[Step]:
    # The order of published streams is that of Python's own generator.
    draws = random.Random(seed)  # noqa: S311 - nothing is secret
    first = draws.choice(rows)
    number = walk = 0
    while True:
        second = draws.choice(rows)
        while second == first:
            second = draws.choice(rows)
        for levels in ways[first, second]:
            yield Step(number, (first, second), levels, walk)
            number += 1
        first = second
        walk += 1


def _distance(way: tuple[float, list[Place]], target: float) -> float:
    """Return how far the mean of a way's accuracies is from the target."""
    total, places = way
    return abs(total / len(places) - target)


def _of_pair(accuracies: Mapping[tuple[str, str], ArrayLike], one: str, other: str) -> ArrayLike:
    if (one, other) not in accuracies:
        raise ArgumentError(f"the accuracies have no table for {one} followed by {other}; measure all ordered pairs")
    table = np.shape(accuracies[one, other])
    if table != (LEVELS + 1, LEVELS + 1):
        raise ArgumentError(f"the accuracies of {one} followed by {other} have shape {table}; pass (21, 21)")
    return accuracies[one, other]


def _checked(accuracies: ArrayLike) -> list[list[float]]:
    table = np.asarray(accuracies, np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or not np.isfinite(table).all():
        raise ArgumentError(f"accuracies have shape {table.shape}; pass finite numbers of (levels, levels)")
    return cast(list[list[float]], table.tolist())
