"""Accuracies of a reference model on pairs of rows, by which a walk is found: read from a file of one's own.

Those of CCC are published as a pickle whose licence is not stated; they do not come with this package.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import SourceError, describe_error
from corruptgen.streams.walk import LEVELS

Accuracies = dict[tuple[str, str], NDArray[np.float64]]
"""By the first row and the second: accuracies in percent, by the level of the first and that of the second, from 0."""

AND = "__"
COLUMNS = ("first_row", "second_row", "first_level", "second_level", "accuracy")


def read_accuracies(path: str | Path) -> Accuracies:
    """Read the accuracies of a reference model on pairs of rows.

    Parameters
    ----------
    path : str or Path
        An .npz with an array of (21, 21) for each ordered pair, called like `fog__snow`; or a .csv with the columns
        first_row, second_row, first_level, second_level and accuracy, and one line for each pair and both levels.

    Returns
    -------
    dict of (str, str) to ndarray
        As `ccc_walk` takes them.

    Raises
    ------
    SourceError
        If the file cannot be read, lacks levels of a pair, has one twice or accuracies outside of 0 to 100.

    Examples
    --------
    >>> import numpy as np
    >>> write_accuracies("reference.npz", {("fog", "snow"): np.full((21, 21), 60.0)})
    >>> read_accuracies("reference.npz")["fog", "snow"].shape
    (21, 21)
    """
    place = Path(path)
    readers = {".npz": _read_arrays, ".csv": _read_lines}
    if place.suffix not in readers:
        raise SourceError(
            f"{place.name}: accuracies are read from .npz or .csv; convert a pickle once, in a process that may run "
            "what is in it"
        )
    try:
        found = readers[place.suffix](place.name, place.read_bytes())
    except (OSError, ValueError, BadZipFile) as error:
        raise SourceError(f"{place.name}: cannot read these accuracies: {describe_error(error)}") from error
    for pair, table in found.items():
        where = f"{place.name} {AND.join(pair)}"
        if table.shape != (LEVELS + 1, LEVELS + 1):
            raise SourceError(f"{where}: found shape {table.shape}, allowed is (21, 21)")
        if not ((table >= 0) & (table <= 100)).all():
            raise SourceError(f"{where}: accuracies are percent, from 0 to 100, for all levels")
    return found


def write_accuracies(path: str | Path, accuracies: Mapping[tuple[str, str], ArrayLike]) -> None:
    """Write accuracies as `read_accuracies` reads them from an .npz.

    Parameters
    ----------
    path : str or Path
        The file.
    accuracies : mapping of (str, str) to array_like
        A table of (21, 21) for each ordered pair of rows, in percent.

    Examples
    --------
    >>> import numpy as np
    >>> write_accuracies("reference.npz", {("fog", "snow"): np.full((21, 21), 60.0)})
    """
    arrays: dict[str, Any] = {
        f"{first}{AND}{second}": np.asarray(table, np.float64) for (first, second), table in accuracies.items()
    }
    np.savez_compressed(Path(path), **arrays)


def _read_arrays(name: str, content: bytes) -> Accuracies:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = {}
        for pair in arrays.files:
            first, _, second = pair.partition(AND)
            if not first or not second:
                raise SourceError(f"{name}: found an array {pair!r}, allowed are two rows, such as fog{AND}snow")
            found[first, second] = np.asarray(arrays[pair], np.float64)
    return found


def _read_lines(name: str, content: bytes) -> Accuracies:
    lines = csv.DictReader(io.StringIO(content.decode("utf-8")))
    if set(COLUMNS) - set(lines.fieldnames or ()):
        raise SourceError(f"{name}: found the columns {lines.fieldnames}, needed are {', '.join(COLUMNS)}")
    found: Accuracies = {}
    for line in lines:
        pair, levels = (line["first_row"], line["second_row"]), (int(line["first_level"]), int(line["second_level"]))
        table = found.setdefault(pair, np.full((LEVELS + 1, LEVELS + 1), np.nan))
        if not all(0 <= level <= LEVELS for level in levels):
            raise SourceError(f"{name} line {lines.line_num}: found the levels {levels}, allowed are 0 to {LEVELS}")
        if not np.isnan(table[levels]):
            raise SourceError(f"{name} line {lines.line_num}: this pair has these levels twice; keep one line")
        table[levels] = float(line["accuracy"])
    return found
