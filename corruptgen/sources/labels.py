"""Labels: what class an image belongs to, from its folder, from a table or a list beside it, or from nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from corruptgen.errors import SourceError
from corruptgen.imaging.codec import EXTENSIONS
from corruptgen.names import is_below, is_text
from corruptgen.records import Item, Rejection
from corruptgen.source_choice import FOLDERS, METADATA, NONE
from corruptgen.sources.label_tables import Line, lines_of, text_of

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


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

    def sorted_out(self, labels: Iterable[tuple[str, str]]) -> tuple[list[Item], list[Rejection]]:
        """Make items of ids and labels; reject those whose label names no class, or cannot name a folder."""
        items, rejected = [], []
        for key, label in labels:
            try:
                name = self.named(label)
                objection = label_objection(name)
            except ValueError as error:
                objection = str(error)
            if objection:
                rejected.append(Rejection(key, objection))
            else:
                items.append(Item(key, name))
        return items, rejected


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
                raise SourceError(f"the source holds none of {', '.join(METADATA_NAMES)}; see labels in the recipe")
            lines = [line for name in tables for line in self._lines(name, read(name), _folder(name), names)]
            place = "the metadata"
        else:
            lines, place = list(self._lines(self.origin, self.content, "", names)), self.origin
        return self._joined(names, lines, place)

    def _lines(self, name: str, content: bytes, folder: str, names: Sequence[str]) -> Iterator[Line]:
        """Give the names, relative to the source, and labels that a table or list holds."""
        for file, label in lines_of(content, name, names, self.file, self.label):
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
        unclear = [name for name in names if len(labels[name]) != 1]
        clear = ((name, label) for name in names if len(labels[name]) == 1 for label in labels[name])
        items, rejected = self.classes.sorted_out(clear)
        for name in unclear:
            rejected.append(Rejection(name, f"has {'two labels' if labels[name] else 'no label'} in {place}"))
        return items, rejected


def label_objection(label: str) -> str | None:
    """Say why a text cannot be a label: labels become folders."""
    if not is_text(label):
        return "has a label that is not text"
    if label and not is_below(label):
        return f"has the label {label[:80]!r}, which cannot name a folder"
    return None


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
