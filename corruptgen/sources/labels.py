"""Labels: what class an image belongs to, from its folder, from a table or a list beside it, or from nothing."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from corruptgen.errors import SourceError
from corruptgen.imaging.codec import EXTENSIONS
from corruptgen.names import is_below, is_text
from corruptgen.records import Item, Rejection
from corruptgen.source_choice import FOLDERS, METADATA, NONE

METADATA_NAMES = ("metadata.csv", "metadata.jsonl")

Line = tuple[str, str]


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


@dataclass(frozen=True)
class Classes:
    """The names of the classes and the numbers that stand for them."""

    names: tuple[str, ...] = ()
    """In the order of their numbers; empty: labels are taken as they are."""
    numbers: tuple[str, ...] = ()
    place: str = ""

    @classmethod
    def read(cls, content: bytes, place: str) -> "Classes":
        """Read a file with a name in each line, numbered from 0, or with a number and a name in each."""
        lines = [line.strip() for line in text_of(content, place).split("\n") if line.strip()]
        parts = [line.split(None, 1) for line in lines]
        if lines and all(len(part) == 2 and part[0].isdecimal() for part in parts):
            ordered = sorted((int(number), name) for number, name in parts)
            found = cls(tuple(name for _, name in ordered), tuple(str(number) for number, _ in ordered), place)
        else:
            found = cls(tuple(lines), tuple(map(str, range(len(lines)))), place)
        for values in (found.names, found.numbers):
            if len(set(values)) < len(values) or not values:
                raise SourceError(f"{place} names no classes, or one of them twice; write one in each line")
        return found

    def named(self, label: str) -> str:
        """Give the name of the class that a label means.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self.names or label in self.names or not label:
            return label
        if label not in self.numbers:
            raise ValueError(f"has the label {label!r}, which {self.place} does not name")
        return self.names[self.numbers.index(label)]


NUMBERED = Classes()
"""Classes without names."""


@dataclass(frozen=True)
class Labelling:
    """Where the labels of a folder come from."""

    origin: str = FOLDERS
    """`folders`, `metadata`, `none`, or the name of a list."""
    content: bytes = b""
    """The list."""
    file: str = "file_name"
    """The column with the file's name."""
    label: str = "label"
    classes: Classes = NUMBERED

    def labelled(
        self, names: Sequence[str], others: Sequence[str], read: Callable[[str], bytes]
    ) -> tuple[list[Item], list[Rejection]]:
        """Make items of files.

        Parameters
        ----------
        names : the images, sorted
        others : the other files of the source
        read : gives the bytes of one of these
        """
        if self.origin in (FOLDERS, NONE):
            labels = {name: {_folder(name) if self.origin == FOLDERS else ""} for name in names}
            return self._items(names, labels, "")
        if self.origin == METADATA:
            tables = sorted(name for name in others if name.rpartition("/")[2] in METADATA_NAMES)
            if not tables:
                raise SourceError(f"the source holds neither {' nor '.join(METADATA_NAMES)}; see labels in the recipe")
            lines = [line for name in tables for line in self._lines(name, read(name), _folder(name), names)]
            place = "the metadata"
        else:
            lines, place = list(self._lines(self.origin, self.content, "", names)), self.origin
        return self._joined(names, lines, place)

    def _lines(self, name: str, content: bytes, folder: str, names: Sequence[str]) -> Iterator[Line]:
        """Give the names, relative to the source, and labels that a table or list holds."""
        text = text_of(content, name)
        match PurePosixPath(name).suffix.lower():
            case ".csv":
                lines = _csv(text, name, self.file, self.label)
            case ".jsonl":
                lines = _json_lines(text, name, self.file, self.label)
            case _:
                lines = _listed(text, name, names)
        for file, label in lines:
            yield f"{folder}/{file}" if folder else file, label

    def _joined(self, names: Sequence[str], lines: Sequence[Line], place: str) -> tuple[list[Item], list[Rejection]]:
        """Find the file of every line."""
        known = set(names)
        stems = {name.rpartition(".")[0]: name for name in names}
        labels: dict[str, set[str]] = {name: set() for name in names}
        absent = []
        for file, label in lines:
            name = file.removeprefix("./")
            if name not in known and PurePosixPath(name).suffix.lower() not in EXTENSIONS:
                name = stems.get(name, name)
            if name in known:
                labels[name].add(label)
            elif not is_text(name):
                absent.append(Rejection(repr(file)[1:-1], f"is named in {place} and is no name"))
            elif not is_below(name):
                absent.append(Rejection(name, f"is named in {place} and leads out of the source"))
            elif PurePosixPath(name).suffix.lower() in EXTENSIONS:
                absent.append(Rejection(name, f"is named in {place} and is not there"))
        items, rejected = self._items(names, labels, place)
        return items, rejected + list({rejection.id: rejection for rejection in absent}.values())

    def _items(
        self, names: Sequence[str], labels: Mapping[str, set[str]], place: str
    ) -> tuple[list[Item], list[Rejection]]:
        items, rejected = [], []
        for name in names:
            if len(labels[name]) != 1:
                rejected.append(Rejection(name, f"has {'two labels' if labels[name] else 'no label'} in {place}"))
                continue
            try:
                item = Item(name, self.classes.named(*labels[name]))
            except ValueError as error:
                rejected.append(Rejection(name, str(error)))
                continue
            objection = label_objection(item.label)
            if objection:
                rejected.append(Rejection(name, objection))
            else:
                items.append(item)
        return items, rejected


def label_objection(label: str) -> str | None:
    """Say why a text cannot be a label: labels become folders."""
    if not is_text(label):
        return "has a label that is not text"
    if label and not is_below(label):
        return f"has the label {label[:80]!r}, which cannot name a folder"
    return None


def text_of(content: bytes, place: str) -> str:
    """Decode a list or table."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{place} is not text in UTF-8") from error


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


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
