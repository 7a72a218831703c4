"""What lies in an output directory: what belongs to a build, what a killed run left behind, what is not ours."""

import os
from array import array
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corruptgen.engine.manifest import CARD, MANIFEST, MARKER
from corruptgen.engine.shards import ANNOTATED, LOCKS, RECORD
from corruptgen.errors import OutputError, describe_error
from corruptgen.sinks.owner import Owner
from corruptgen.store.names import from_disk, is_clutter, on_disk, printable, storable
from corruptgen.store.output_directory import UNFINISHED, OutputDirectory

# What a build has beside its tables and the files of its sink and its targets.
SINGLE = (MARKER, MANIFEST, ANNOTATED, *CARD)
MOST_NAMED = 3  # foreign files in one message
UNKNOWN_SIZE = -(1 << 50)  # of few files, so that those of a unit together are a number of 64 bits


@dataclass(frozen=True)
class FoundFile:
    """One file, link or other thing that is no folder."""

    name: str
    """Relative to the output, with "/"."""
    size: int
    is_file: bool
    """Whether it is a regular file and no link."""


@dataclass(frozen=True)
class Inventory:
    """All that lies in an output, told apart, in 12 bytes for each unit of it."""

    owners: Sequence[Owner]
    counts: Sequence["array[int]"]
    """Of each owner the number of files of its units, by their places."""
    sizes: Sequence["array[int]"]
    """Their bytes."""
    known: int
    """Number of files that the build consists of."""
    unfinished: tuple[str, ...]
    """What a killed run was writing."""
    foreign: tuple[str, ...]

    def count(self, unit: str) -> tuple[int, int]:
        """Return the number of files of a unit, and their bytes: of an item, a block or a row, as the sink counts."""
        files = size = 0
        for owner, counts, sizes in zip(self.owners, self.counts, self.sizes, strict=True):
            place = owner.place(unit)
            if place is not None:
                files, size = files + counts[place], size + sizes[place]
        return files, size

    def check_foreign(self) -> None:
        """Raise `OutputError` if there is anything that no build has made."""
        if self.foreign:
            more = f" and {len(self.foreign) - MOST_NAMED} more" if len(self.foreign) > MOST_NAMED else ""
            names = ", ".join(printable(storable(name)) for name in self.foreign[:MOST_NAMED])
            raise OutputError(
                f"the output directory holds what is not part of this build: {names}{more}; "
                "move it away, or choose another directory with --output"
            )


def scan_output(output: OutputDirectory, owners: Sequence[Owner], tables: Collection[str]) -> Inventory:
    """Look through an output directory.

    Parameters
    ----------
    output : OutputDirectory
        The directory; it need not exist.
    owners : sequence of Owner
        Tell which unit a file is a piece of; the first one that knows it counts.
    tables : collection of str
        The files of the tables.

    Raises
    ------
    OutputError
        If the directory cannot be read.
    """
    counts = [array("I", [0]) * len(owner) for owner in owners]
    sizes = [array("q", [0]) * len(owner) for owner in owners]
    known = 0
    unfinished, foreign = [], []
    single = {*SINGLE, *tables}
    for found in everything(output.root):
        if found.is_file and found.name.endswith(UNFINISHED):
            unfinished.append(found.name)
        elif found.is_file and LOCKS.fullmatch(found.name):
            continue
        elif found.is_file and (place := _place(found.name, owners)) is not None:
            owner, unit = place
            counts[owner][unit] += 1
            sizes[owner][unit] += found.size
            known += 1
        elif found.is_file and (found.name in single or RECORD.fullmatch(found.name)):
            known += 1
        elif not (found.is_file and is_clutter(found.name)):
            foreign.append(found.name)
    return Inventory(tuple(owners), counts, sizes, known, tuple(sorted(unfinished)), tuple(sorted(foreign)))


def _place(name: str, owners: Sequence[Owner]) -> tuple[int, int] | None:
    """Return which owner knows a file first, and the place of the unit that it is a piece of."""
    for i, owner in enumerate(owners):
        place = owner(name)
        if place is not None:
            return i, place
    return None


def everything(root: Path) -> Iterator[FoundFile]:
    """Walk through all that is below a directory and is no folder; links are followed in the Hub's cache alone."""
    waiting, is_snapshot = [""], root.parent.name == "snapshots"
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(root / on_disk(prefix)) as entries:
                for entry in entries:
                    name = prefix + from_disk(entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name + "/")
                    else:
                        follow = is_snapshot and _is_cached(root, entry)
                        yield FoundFile(name, _size(entry, follow=follow), entry.is_file(follow_symlinks=follow))
        except FileNotFoundError:
            continue
        except OSError as error:
            place = storable(prefix) or "the output directory"
            raise OutputError(f"cannot read {place}: {describe_error(error)}") from error


def _size(entry: os.DirEntry[str], *, follow: bool) -> int:
    """Return the bytes of a file; of one that the system knows nothing of, a number that none has."""
    try:
        return entry.stat(follow_symlinks=follow).st_size
    except OSError:
        return UNKNOWN_SIZE


def _is_cached(root: Path, entry: os.DirEntry[str]) -> bool:
    """Check whether this file of a snapshot in the Hub's cache is a link to the blobs of its repository or of all."""
    if not entry.is_symlink():
        return False
    repository = root.parent.parent
    stores = {Path(os.path.realpath(place / "blobs")) for place in (repository, repository.parent)}
    return not stores.isdisjoint(Path(os.path.realpath(entry.path)).parents)


def sweep(output: OutputDirectory) -> None:
    """Remove what a killed run was writing."""
    for found in everything(output.root):
        if found.is_file and found.name.endswith(UNFINISHED):
            output.remove(found.name)


def clear(output: OutputDirectory, owners: Sequence[Owner], tables: Collection[str]) -> None:
    """Remove a build and then the folders that are empty, so that a clearing that was stopped can go on.

    The tables, which say what files there are, come after these, and the marker comes last.

    Parameters
    ----------
    output : OutputDirectory
        The directory.
    owners : sequence of Owner
        Tell which files are the build's.
    tables : collection of str
        The files of its tables.
    """
    output.remove(MANIFEST)
    # Where files are removed while a folder is read, a file system may pass over others.
    while _remove(output, owners):
        pass
    for name in (*sorted(tables), *(name for name in SINGLE if name != MARKER), MARKER):
        output.remove(name)
    for folder, _, _ in os.walk(output.root, topdown=False):
        if Path(folder) != output.root:
            with suppress(OSError):
                Path(folder).rmdir()


def _remove(output: OutputDirectory, owners: Sequence[Owner]) -> int:
    """Remove the files of units, records of shards and what a killed run was writing; return how many there were."""
    removed = 0
    for found in everything(output.root):
        name = found.name
        is_ours = name.endswith(UNFINISHED) or RECORD.fullmatch(name) or _place(name, owners) is not None
        if found.is_file and is_ours:
            output.remove(name)
            removed += 1
    return removed
