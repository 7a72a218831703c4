"""Tables and lists that say what class the files of a folder belong to: CSV, JSON lines, Parquet, plain text."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from corruptgen.errors import SourceError
from corruptgen.extras import need
from corruptgen.sources.places import reporting

Line = tuple[str, str]
"""The name of a file and its label."""


def lines_of(content: bytes, place: str, names: Sequence[str], file: str, label: str) -> Iterator[Line]:
    """Read a table or list; how its name ends says which.

    Parameters
    ----------
    content : the whole of it
    place : its name
    names : the images in the order of their names, for a list of labels alone
    file, label : the columns of a table

    Raises
    ------
    SourceError
        If it cannot be read, or lacks a column.
    """
    match PurePosixPath(place).suffix.lower():
        case ".csv":
            return _csv(text_of(content, place), place, file, label)
        case ".jsonl":
            return _json_lines(text_of(content, place), place, file, label)
        case ".parquet":
            return _parquet(content, place, file, label)
    return _listed(text_of(content, place), place, names)


def label_text(value: Any) -> str:
    """Write a label: a text as it is, a whole number in decimals, several of them with spaces between, nothing as "".

    Raises
    ------
    ValueError
        If it is something else.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case int():
            return str(int(value))
        case list() | tuple() if value and all(isinstance(number, int) for number in value):
            return " ".join(str(int(number)) for number in value)
    raise ValueError(f"{value!r} is no label; taken are texts, whole numbers and lists of these numbers")


def text_of(content: bytes, place: str) -> str:
    """Decode a list or table."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{place} is not text in UTF-8") from error


def _csv(text: str, place: str, file: str, label: str) -> Iterator[Line]:
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        _check_columns(rows.fieldnames or (), place, file, label)
        for row in rows:
            if row[file] is None or row[label] is None:
                raise SourceError(f"{place} line {rows.line_num}: has fewer columns than the first line")
            yield row[file], row[label]
    except csv.Error as error:
        raise SourceError(f"{place} cannot be read as CSV: {error}") from error


def _json_lines(text: str, place: str, file: str, label: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("it is no object")
            _check_columns(row, f"{place} line {number}", file, label)
            if not isinstance(row[file], str):
                raise ValueError(f"{file} is no text")
            yield row[file], label_text(row[label])
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{place} line {number} cannot be read: {str(error)[:160]}") from error


def _check_columns(found: Any, place: str, *needed: str) -> None:
    for column in needed:
        if column not in found:
            names = ", ".join(map(str, found)) or "none"
            raise SourceError(f"{place} has no column {column!r}, only {names}; say which with columns in [source]")


def _listed(text: str, place: str, names: Sequence[str]) -> Iterator[Line]:
    """Read lines of a name and a label, or a label in each line for the images in the order of their names."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if any(len(line.split()) > 1 for line in lines):
        for line in lines:
            name, label = line.rsplit(None, 1) if len(line.split()) > 1 else (line, "")
            yield name, label
        return
    if len(lines) != len(names):
        raise SourceError(
            f"{place} has {len(lines)} labels without names for {len(names)} images; "
            "write the name of the image and its label in each line"
        )
    yield from zip(names, lines, strict=True)


def _parquet(content: bytes, place: str, file: str, label: str) -> Iterator[Line]:
    """Read a table that `datasets` may have written: then the numbers of its classes have names."""
    parquet = need("pyarrow.parquet", f"{place}: Parquet", "write a .csv")
    with reporting(place):
        table = parquet.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
        schema = table.schema_arrow
        _check_columns(schema.names, place, file, label)
        noted = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        named = noted.get("info", {}).get("features", {}).get(label, {}).get("names")
        columns = table.read(columns=[file, label])
        rows = zip(columns.column(file).to_pylist(), columns.column(label).to_pylist(), strict=True)
    for number, (name, value) in enumerate(rows):
        try:
            if not isinstance(name, str):
                raise ValueError(f"{file} is no text")
            is_number = isinstance(named, list) and type(value) is int and 0 <= value < len(named)
            yield name, str(named[value]) if is_number else label_text(value)
        except ValueError as error:
            raise SourceError(f"{place} row {number} cannot be read: {str(error)[:160]}") from error
