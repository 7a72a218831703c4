"""Labels of a folder's files: from the folders, from a table or a list beside them, or from nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from corruptgen.codecs.images import EXTENSIONS
from corruptgen.errors import SourceError
from corruptgen.recipe.source_section import FOLDERS, METADATA, NONE
from corruptgen.records import Rejection
from corruptgen.sources.label_tables import LabelTable, read_label_table, read_list
from corruptgen.sources.register import NAMELESS, Naming, Register
from corruptgen.store.names import is_below, is_hidden, is_text

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_TWICE = object()


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
    naming: Naming = NAMELESS
    """What a file of classes states."""

    def register(
        self,
        names: Sequence[str],
        others: Sequence[str],
        refused: Iterable[Rejection],
        read: Callable[[str], bytes],
        items: Callable[[str, Register], Iterable[str]] = lambda name, register: (name,),
    ) -> Register:
        """Register the files of a folder with their labels.

        Parameters
        ----------
        names : sequence of str
            The images, sorted.
        others : sequence of str
            The other files of the source.
        refused : iterable of Rejection
            What looks like an image and cannot be one.
        read : callable
            Returns the bytes of one of these.
        items : callable
            Returns the ids of the items that a file holds, or rejects it in the register.
        """
        if self.origin in (FOLDERS, NONE):
            register = Register(self.naming, folders=self.origin == FOLDERS and not self.naming.names)
            for rejection in refused:
                register.know(self._folder_label(rejection.id))
                register.reject(rejection.id, rejection.reason)
            for name in names:
                label = self._folder_label(name)
                register.know(label)
                for item in items(name, register):
                    register.add(item, label)
            return register
        tables, place = self._tables(names, others, read)
        naming = self.naming if self.naming.names else _agreed([table.naming for table, _ in tables])
        register = Register(naming)
        for rejection in refused:
            register.reject(rejection.id, rejection.reason)
        labels = self._by_name(names, set(others), tables, place, register)
        for name in names:
            found = labels.get(name, _TWICE)
            if found is _TWICE:
                register.reject(name, f"has {'two labels' if name in labels else 'no label'} in {place}")
                continue
            for item in items(name, register):
                register.add(item, found)
        return register

    def _folder_label(self, name: str) -> str | None:
        return _folder(name) if self.origin == FOLDERS else None

    def _tables(
        self, names: Sequence[str], others: Sequence[str], read: Callable[[str], bytes]
    ) -> tuple[list[tuple[LabelTable, str]], str]:
        """Read all tables; each with the folder that its names are relative to."""
        if self.origin != METADATA:
            return [(read_list(self.content, self.origin, names, self.file, self.label), "")], self.origin
        places = sorted(name for name in others if name.rpartition("/")[2] in METADATA_NAMES)
        if not places:
            raise SourceError(f"the source holds none of {', '.join(METADATA_NAMES)}; see labels in the recipe")
        return [
            (read_label_table(read(name), name, self.file, self.label), _folder(name)) for name in places
        ], "the metadata"

    def _by_name(
        self,
        names: Sequence[str],
        others: Set[str],
        tables: Sequence[tuple[LabelTable, str]],
        place: str,
        register: Register,
    ) -> Mapping[str, Any]:
        """Find the file of every line; lines of files that are missing are rejected."""
        known = set(names)
        stems = {name.rpartition(".")[0]: name for name in names}
        labels: dict[str, Any] = {}
        for name, value in _lines(tables):
            register.know(value)
            found = name if name in known else stems.get(name, name)
            if found in known:
                labels[found] = value if _is_same(labels.get(found, value), value) else _TWICE
            elif name in others:
                if is_hidden(name) and _is_image(name):
                    register.reject(name, "lies in a folder whose name begins with a dot, which is passed over")
            elif not is_text(name):
                register.reject(repr(name)[1:-1], f"is named in {place} and is no name")
            elif not is_below(name):
                register.reject(name or "(no name)", f"is named in {place} and leads out of the source")
            else:
                kind = "" if _is_image(name) else ", or has a name of another kind than images"
                register.reject(name, f"is named in {place} and does not exist{kind}")
        return labels


def _lines(tables: Sequence[tuple[LabelTable, str]]) -> Iterator[tuple[str, Any]]:
    for table, folder in tables:
        for name, value in table.lines:
            below = name.removeprefix("./")
            yield f"{folder}/{below}" if folder else below, value


def _is_same(one: Any, other: Any) -> bool:
    # NaN is not equal to itself.
    return one is other or repr(one) == repr(other)


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def _agreed(namings: Sequence[Naming]) -> Naming:
    """Return the classes that all tables state; raise `SourceError` if they state different ones."""
    different = {naming.names: naming for naming in namings}
    if len(different) > 1:
        places = " and ".join(naming.place for naming in different.values())
        raise SourceError(f"{places} name different classes; write all in one file, and classes = FILE in [source]")
    return next(iter(different.values()), NAMELESS)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
