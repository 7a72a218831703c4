"""Files of predictions: CSV, Parquet and npz, read in batches of one shape."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import ScoreError, describe_error, unknown
from corruptgen.runtime.extras import need
from corruptgen.values.addresses import local_path
from corruptgen.values.arguments import DECIMALS, severity_text

KINDS = (".csv", ".parquet", ".npz")
BATCH = 65_536  # entries of a batch
# The first name is ours; the second is that of the columns in datasets which `generate` writes as Parquet.
NAMES = {"id": ("id", "image_id"), "row": ("row", "corruption"), "severity": ("severity",)}
PREDICTION, SCORES, FRAME = "prediction", "scores", "frame"
SCORE = re.compile(r"score_(.+)")
# Columns of a table of results instead of predictions: one number for each cell.
RESULTS = ("error", "accuracy", "performance")


@dataclass(frozen=True, eq=False)
class Batch:
    """Some entries of a file: what was predicted of which image in which cell."""

    place: str
    """The file and what its entries are called: "a.csv line", "a.npz entry"."""
    first: int
    """The number of the first entry."""
    ids: Sequence[str]
    rows: Sequence[str]
    severities: NDArray[np.float64]
    answers: NDArray[Any]
    """(entries,) class numbers or names, or (entries, classes) scores."""
    names: tuple[str, ...] = ()
    """What the columns of scores are called, where they have names."""
    frames: Sequence[int] | None = None
    """The number of the frame of each entry; None: there is no column of them."""


@dataclass(frozen=True, eq=False)
class Stacked:
    """One array for each row, the severities one after the other, as .npy and .npz datasets have their images."""

    place: str
    arrays: dict[str, NDArray[Any]]


Content = Iterator[Batch] | Stacked | dict[tuple[str, float], float]


def read_predictions(path: str | Path) -> tuple[str, Content]:
    """Read a file of predictions or results.

    Parameters
    ----------
    path : str or Path
        A .csv, .parquet or .npz file; nothing in it is unpickled.

    Returns
    -------
    (str, Content)
        What it holds: "predictions" with batches or stacked arrays, or "error", "accuracy" or "performance" with one
        number for each cell.

    Raises
    ------
    ScoreError
        If the file cannot be read, or lacks a column.
    """
    file = local_path(path, "the file of predictions", ScoreError)
    if file.suffix.lower() not in KINDS:
        raise ScoreError(f"{file.name}: predictions are read from {', '.join(KINDS)}; write one of these")
    if not file.is_file():
        raise ScoreError(f"{file.name}: there is no such file; name the file that holds the predictions")
    if file.suffix.lower() == ".npz":
        return _npz(file)
    columns, batches = _csv(file) if file.suffix.lower() == ".csv" else _parquet(file)
    found = [name for name in RESULTS if name in columns]
    if found and not any(name in columns for name in NAMES["id"]):
        return found[0], _results(file, found[0], batches)
    wanted = _wanted(file.name, columns)
    return "predictions", (_batch(file, wanted, first, taken) for first, taken in batches)


Columns = dict[str, Any]


def _csv(file: Path) -> tuple[tuple[str, ...], Iterator[tuple[int, Columns]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            header = tuple(next(csv.reader(opened), ()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScoreError(f"{file.name}: cannot be read as UTF-8 text with commas: {describe_error(error)}") from error
    if len(set(header)) < len(header):
        raise ScoreError(f"{file.name} line 1: a column occurs twice among {', '.join(header)}; name each once")
    return header, _csv_batches(file, header)


def _csv_batches(file: Path, header: tuple[str, ...]) -> Iterator[tuple[int, Columns]]:
    # Line ends are those of records: a quoted name may hold one.
    lines: list[list[str]] = []
    first = 2
    with file.open(newline="", encoding="utf-8-sig") as opened:
        reader = csv.reader(opened)
        next(reader)
        try:
            for line in reader:
                if not line:
                    continue
                if len(line) != len(header):
                    place = f"{file.name} line {reader.line_num}"
                    raise ScoreError(f"{place}: {len(line)} values for {len(header)} columns; is the file cut off?")
                lines.append(line)
                if len(lines) == BATCH:
                    yield first, dict(zip(header, zip(*lines, strict=True), strict=True))
                    first, lines = first + BATCH, []
        except (UnicodeDecodeError, csv.Error) as error:
            raise ScoreError(
                f"{file.name} line {reader.line_num + 1}: cannot be read: {describe_error(error)}"
            ) from error
    if lines:
        yield first, dict(zip(header, zip(*lines, strict=True), strict=True))


def _parquet(file: Path) -> tuple[tuple[str, ...], Iterator[tuple[int, Columns]]]:
    parquet = need("pyarrow.parquet", f"{file.name}: Parquet", "write a .csv")
    try:
        opened = parquet.ParquetFile(file)
    except (OSError, ValueError) as error:
        raise ScoreError(f"{file.name}: cannot be read as Parquet: {type(error).__name__}") from error
    return tuple(opened.schema_arrow.names), _parquet_batches(file, opened)


def _parquet_batches(file: Path, opened: Any) -> Iterator[tuple[int, Columns]]:
    first = 0
    try:
        for batch in opened.iter_batches(batch_size=BATCH):
            yield first, {name: _plain(batch.column(name)) for name in batch.schema.names}
            first += batch.num_rows
    except (OSError, ValueError) as error:
        raise ScoreError(f"{file.name}: is damaged after entry {first}: {type(error).__name__}") from error


def _plain(column: Any) -> Any:
    """Return a column as an array or a list; a list of scores as (entries, classes)."""
    if "list" in str(column.type):
        lengths = {len(value) if value is not None else -1 for value in column.to_pylist()}
        if len(lengths) == 1 and -1 not in lengths:
            return np.asarray(column.flatten()).reshape(len(column), -1)
        return column.to_pylist()
    return np.asarray(column) if "string" not in str(column.type) else column.to_pylist()


def _npz(file: Path) -> tuple[str, Content]:
    try:
        with np.load(file, allow_pickle=False) as opened:
            arrays = {name: np.asarray(opened[name]) for name in opened.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ScoreError(f"{file.name}: cannot be read as an .npz of plain arrays: {describe_error(error)}") from error
    if not any(name in arrays for name in NAMES["id"]):
        return "predictions", Stacked(file.name, arrays)
    lengths = {name: len(array) if array.ndim else -1 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ScoreError(f"{file.name}: its arrays have different lengths ({found}); pass one value for each entry")
    wanted = _wanted(file.name, tuple(arrays))
    return "predictions", iter([_batch(file, wanted, 0, arrays)])


@dataclass(frozen=True)
class _Wanted:
    """Which columns hold what."""

    id: str
    row: str
    severity: str
    answer: tuple[str, ...]
    """One column of predictions, or of lists of scores, or a column of scores for each class."""
    frame: tuple[str, ...] = ()
    """The column of the numbers of frames, where there is one."""


def _wanted(file: str, columns: tuple[str, ...]) -> _Wanted:
    named = {}
    for role, names in NAMES.items():
        found = [name for name in names if name in columns]
        if not found:
            raise ScoreError(f"{file}: " + unknown("column", role, columns) + f"; a column {role!r} is needed")
        named[role] = found[0]
    scores = tuple(name for name in columns if SCORE.fullmatch(name))
    answer = (SCORES,) if SCORES in columns else scores or ((PREDICTION,) if PREDICTION in columns else ())
    if not answer:
        raise ScoreError(
            f"{file}: what was predicted is missing; write a column {PREDICTION!r} of class numbers or names, or scores"
            f": a column 'score_<class>' for each class, or in .npz and .parquet one column {SCORES!r}"
        )
    return _Wanted(**named, answer=answer, frame=(FRAME,) if FRAME in columns else ())


def _batch(file: Path, wanted: _Wanted, first: int, columns: Columns) -> Batch:
    place = f"{file.name} {'line' if file.suffix.lower() == '.csv' else 'entry'}"
    is_score = wanted.answer != (PREDICTION,)
    if not is_score:
        answers = np.asarray(columns[PREDICTION])
    elif wanted.answer == (SCORES,):
        answers = np.asarray(_numbers(columns[SCORES], place, first, SCORES))
        if answers.ndim != 2:
            raise ScoreError(f"{file.name}: scores have shape {answers.shape}; pass (entries, classes)")
    else:
        answers = np.stack([_numbers(columns[name], place, first, name) for name in wanted.answer], axis=1)
    return Batch(
        place=place,
        first=first,
        ids=[str(name) for name in columns[wanted.id]],
        rows=[str(name) for name in columns[wanted.row]],
        severities=_numbers(columns[wanted.severity], place, first, "severity"),
        answers=answers,
        names=tuple(name[len("score_") :] for name in wanted.answer)
        if SCORES not in wanted.answer and is_score
        else (),
        frames=[int(number) for name in wanted.frame for number in _numbers(columns[name], place, first, name)]
        if wanted.frame
        else None,
    )


def _numbers(values: Any, place: str, first: int, column: str) -> NDArray[Any]:
    """Take a column of numbers; those in text files are texts."""
    if isinstance(values, np.ndarray) and np.issubdtype(values.dtype, np.number):
        return values
    try:
        return np.asarray(values, float)
    except (ValueError, TypeError):
        for number, value in enumerate(values):
            try:
                np.asarray(value, float)
            except (ValueError, TypeError):
                raise ScoreError(f"{place} {first + number}: {column} is {value!r}, allowed are numbers") from None
        raise ScoreError(f"{place} {first}: {column} has entries of unequal length; pass one per class") from None


def _results(file: Path, measure: str, batches: Iterator[tuple[int, Columns]]) -> dict[tuple[str, float], float]:
    place = f"{file.name} line" if file.suffix.lower() == ".csv" else f"{file.name} entry"
    cells: dict[tuple[str, float], float] = {}
    for first, columns in batches:
        row_column = next((name for name in NAMES["row"] if name in columns), None)
        if row_column is None or "severity" not in columns:
            raise ScoreError(f"{file.name}: a table of results has the columns row, severity and {measure}")
        severities = _numbers(columns["severity"], place, first, "severity")
        values = _numbers(columns[measure], place, first, measure)
        entries = zip(columns[row_column], severities, values, strict=True)
        for number, (row, severity, value) in enumerate(entries, first):
            cell = (str(row), round(float(severity), DECIMALS))
            if cell in cells:
                raise ScoreError(
                    f"{place} {number}: {row} at severity {severity_text(severity)} occurs twice; pass each cell once"
                )
            if not np.isfinite(value):
                raise ScoreError(f"{place} {number}: {measure} is {value}, allowed are finite numbers")
            cells[cell] = float(value)
    return cells
