"""Tables and lists that state what class the files of a folder belong to: CSV, JSON lines, Parquet, plain text."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from corruptgen.codecs.images import EXTENSIONS
from corruptgen.containers.places import reporting
from corruptgen.errors import SourceError
from corruptgen.runtime.extras import need
from corruptgen.sources.register import NAMELESS, Naming
from corruptgen.values.class_labels import MISSING

SEPARATORS = {".csv": ",\t;", ".tsv": "\t"}
# What the first line of a list calls its first column, if it names its columns.
HEADINGS = {"file", "file_name", "filename", "id", "image", "image_id", "image_name", "img", "name", "path"}
# What may separate the columns of a list.
MARKS = {"\t": "a tab", ",": "a comma", " ": "a blank"}
SHOWN = 60  # characters of a line in a message


@dataclass(frozen=True)
class LabelTable:
    """What a table or list states."""

    lines: Iterable[tuple[str, Any]]
    """The name of a file and its label; read once."""
    naming: Naming = NAMELESS


def read_label_table(content: bytes, place: str, file: str, label: str) -> LabelTable:
    """Read a table with named columns; how its name ends says which kind.

    Parameters
    ----------
    content : bytes
        The whole of it.
    place : str
        Its name.
    file, label : str
        The columns.

    Raises
    ------
    SourceError
        If it cannot be read, or lacks a column; also from the lines, with the number of the one that is wrong.
    """
    match PurePosixPath(place).suffix.lower():
        case ".jsonl":
            return LabelTable(_json_lines(text_of(content, place), place, file, label))
        case ".parquet":
            return _parquet(content, place, file, label)
    return LabelTable(_separated(text_of(content, place), place, file, label))


def read_list(content: bytes, place: str, names: Sequence[str], file: str, label: str) -> LabelTable:
    """Read a file that states labels: a table, lines of a name and a label, or a label in each line.

    Parameters
    ----------
    content : bytes
        The whole of it.
    place : str
        Its name.
    names : sequence of str
        The images, in the order of their names.
    file, label : str
        The columns of a table.

    Raises
    ------
    SourceError
        If it cannot be read, or a line of it is not understood; the message has the number of the line.
    """
    ending = PurePosixPath(place).suffix.lower()
    if ending in (".jsonl", ".parquet"):
        return read_label_table(content, place, file, label)
    text, known = text_of(content, place), _spellings(names)
    if ending in SEPARATORS:
        first = text.partition("\n")[0].strip()
        is_list = any(cell in known for mark in SEPARATORS[ending] for cell in _cells(first, mark))
        if not is_list or _separator(text, place, file, label):
            return read_label_table(content, place, file, label)
    return LabelTable(_listed(text.removesuffix("\n").split("\n"), place, names, known))


def text_of(content: bytes, place: str) -> str:
    """Decode a list or table."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{place} is not text in UTF-8") from error


def class_names(feature: Any) -> tuple[tuple[str, ...], bool]:
    """Return the names of the classes in a column of `datasets`, from its own description, and whether it has lists."""
    is_list = False
    while True:
        if isinstance(feature, list) and len(feature) == 1:
            feature, is_list = feature[0], True
        elif isinstance(feature, Mapping) and "feature" in feature:
            feature, is_list = feature["feature"], True
        else:
            break
    names = feature.get("names") if isinstance(feature, Mapping) else None
    return tuple(map(str, names)) if isinstance(names, list) else (), is_list


def _separator(text: str, place: str, file: str, label: str) -> str:
    """Find what separates the columns of a table: what makes both of its names of one line; "" if nothing does."""
    first = text.partition("\n")[0].strip("\r")
    marks = SEPARATORS.get(PurePosixPath(place).suffix.lower(), ",")
    return next((mark for mark in marks if {file, label} <= set(_cells(first, mark))), "")


def _separated(text: str, place: str, file: str, label: str) -> Iterator[tuple[str, str]]:
    mark = _separator(text, place, file, label) or SEPARATORS.get(PurePosixPath(place).suffix.lower(), ",")[0]
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=mark, skipinitialspace=True)
        columns = [column.strip() for column in rows.fieldnames or ()]
        rows.fieldnames = columns
        _check_columns(columns, place, file, label)
        for row in rows:
            if row[file] is None or row[label] is None:
                raise SourceError(f"{place} line {rows.line_num}: has fewer columns than the first line")
            if None in row:
                raise SourceError(
                    f"{place} line {rows.line_num}: has more columns than the first line; put quotes around a text "
                    f"with {mark!r} in it"
                )
            yield row[file], row[label].strip()
    except csv.Error as error:
        raise SourceError(f"{place} cannot be read as CSV: {error}") from error


def _json_lines(text: str, place: str, file: str, label: str) -> Iterator[tuple[str, Any]]:
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
            yield row[file], row[label]
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{place} line {number} cannot be read: {str(error)[:160]}") from error


def _check_columns(found: Any, place: str, *needed: str) -> None:
    for column in needed:
        if column not in found:
            names = ", ".join(map(str, found)) or "none"
            raise SourceError(f"{place} has no column {column!r}, only {names}; choose which with columns in [source]")


def _parquet(content: bytes, place: str, file: str, label: str) -> LabelTable:
    """Read a table that `datasets` may have written: then the numbers of its classes have names."""
    parquet = need("pyarrow.parquet", f"{place}: Parquet", "write a .csv")
    with reporting(place):
        table = parquet.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
        schema = table.schema_arrow
        _check_columns(schema.names, place, file, label)
        noted = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        names, _ = class_names(noted.get("info", {}).get("features", {}).get(label, {}))
        columns = table.read(columns=[file, label])
        files, labels = columns.column(file).to_pylist(), columns.column(label).to_pylist()
    for number, name in enumerate(files):
        if not isinstance(name, str):
            raise SourceError(f"{place} row {number} cannot be read: {file} is no text")
    return LabelTable(zip(files, labels, strict=True), Naming(names, place=place, is_coded=True) if names else NAMELESS)


def _spellings(names: Iterable[str]) -> Set[str]:
    """Return what a list may call these files: their names, also without endings."""
    return {spelling for name in names for spelling in (name, name.rpartition(".")[0])}


def _listed(lines: Sequence[str], place: str, names: Sequence[str], known: Set[str]) -> Iterator[tuple[str, str]]:
    """Read lines of a name and a label, or a label in each line for the images in the order of their names.

    The columns are separated by what makes known names of the first ones: a tab, a comma, or blanks, which then may be
    in names and labels as well.
    """
    filled = [(number, line.strip("\r\n")) for number, line in enumerate(lines, start=1) if line.strip()]
    hits = {mark: sum(_names_one(line, mark, known) for _, line in filled) for mark in MARKS}
    mark = max(hits, key=lambda name: hits[name])
    if not hits[mark]:
        mark = next((mark for mark in hits if any(_is_image(_name(line, mark, known)) for _, line in filled)), "")
    if not mark:
        yield from zip(names, _labels_alone(lines, filled, place, len(names)), strict=True)
        return
    width = len(_cells(filled[0][1], mark))
    for count, (number, line) in enumerate(filled):
        name = _name(line, mark, known)
        is_known = name.removeprefix("./") in known
        if count == 0 and not is_known and name.lower() in HEADINGS:
            continue
        label = _label(line, mark, name)
        if label is None and is_known and mark == " ":
            label = MISSING
        is_odd = (
            len(_cells(line, mark)) != width
            if mark != " "
            else not is_known and not _is_image(name) and (" " in (label or ""))
        )
        if not name or label is None or is_odd:
            raise SourceError(
                f"{place} line {number}: {line[:SHOWN]!r} is not understood; write the name of an image, "
                f"{MARKS[mark]} and its label in each line, and quotes around what has {MARKS[mark]} in it"
            )
        yield name, label


def _names_one(line: str, mark: str, known: Set[str]) -> bool:
    """Check whether a line is the name of an image and a label."""
    name = _name(line, mark, known)
    return name.removeprefix("./") in known and _label(line, mark, name) is not None


def _labels_alone(lines: Sequence[str], filled: Sequence[tuple[int, str]], place: str, count: int) -> list[str]:
    """Return the label in each line; an empty line is a missing label where there is a line for each image."""
    whole = [line.strip() for line in lines]
    found = whole if len(whole) == count else [line.strip() for _, line in filled]
    if len(found) != count:
        raise SourceError(
            f"{place} has {len(found)} labels without names for {count} images; "
            "write the name of the image and its label in each line"
        )
    return found


def _name(line: str, mark: str, known: Set[str]) -> str:
    """Return the first column of a line; where blanks separate, the longest known name, or up to an image's ending."""
    if mark != " ":
        cells = _cells(line, mark)
        return cells[0] if len(cells) > 1 else ""
    words = line.split(" ")
    ends = [len(" ".join(words[:count])) for count in range(1, len(words) + 1)]
    starts = [line[:end].strip() for end in ends]
    spelled = [start for start in starts if start.removeprefix("./") in known]
    images = [start for start in starts if _is_image(start)]
    return max(spelled, key=len) if spelled else images[0] if images else line.strip().partition(" ")[0]


def _label(line: str, mark: str, name: str) -> str | None:
    """Return the label in a line, or None if there is none."""
    if mark != " ":
        cells = _cells(line, mark)
        return cells[1] if len(cells) > 1 else None
    return line.strip()[len(name) :].strip() or None


def _cells(line: str, mark: str) -> list[str]:
    """Take a line apart, with quotes as in CSV."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])]
    except csv.Error:
        return []


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS
