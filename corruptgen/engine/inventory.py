"""What lies in an output directory: what belongs to a build, what a killed run left behind, what is not ours."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corruptgen.engine.manifest import CARD, MANIFEST, MARKER
from corruptgen.engine.shards import ANNOTATED, LOCKS, RECORD
from corruptgen.errors import OutputError
from corruptgen.sinks.protocol import Owner
from corruptgen.store.names import from_disk, is_clutter, on_disk, shown, storable
from corruptgen.store.output_directory import UNFINISHED, Folder

MOST_NAMED = 3  # foreign files in one message
UNKNOWN_SIZE = -(1 << 60)


@dataclass(frozen=True)
class Found:
    """One file, link or other thing that is no folder."""

    name: str
    """Relative to the output, with "/"."""
    size: int
    is_file: bool
    """Whether it is a regular file and no link."""


@dataclass(frozen=True)
class Inventory:
    """All that lies in an output, told apart."""

    sizes: Counter[str]
    """Bytes of all files of a unit: of an item, a block or a row, as the sink counts them."""
    counts: Counter[str]
    """Number of files of a unit."""
    known: int
    """Number of files that the build consists of."""
    ours: tuple[str, ...]
    """Their names, only gathered on request: there may be millions."""
    unfinished: tuple[str, ...]
    """What a killed run was writing."""
    foreign: tuple[str, ...]

    def check_foreign(self) -> None:
        """Raise `OutputError` if there is anything that no build has made."""
        if self.foreign:
            more = f" and {len(self.foreign) - MOST_NAMED} more" if len(self.foreign) > MOST_NAMED else ""
            names = ", ".join(shown(storable(name)) for name in self.foreign[:MOST_NAMED])
            raise OutputError(
                f"the output directory holds what is not part of this build: {names}{more}; "
                "move it away, or choose another directory with --output"
            )


def inventory(output: Folder, owners: Sequence[Owner], tables: Collection[str], *, gather: bool = False) -> Inventory:
    """Look through an output directory.

    Parameters
    ----------
    output : Folder
        The directory; it need not exist.
    owners : sequence of Owner
        Tell which unit a file is a piece of; the first one that knows it counts.
    tables : collection of str
        The files of the tables.
    gather : bool, default False
        Also list the files that belong to the build.

    Raises
    ------
    OutputError
        If the directory cannot be read.
    """
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    known = 0
    ours, unfinished, foreign = [], [], []
    single = {MARKER, MANIFEST, ANNOTATED, *CARD, *tables}
    for found in everything(output.root):
        if found.is_file and found.name.endswith(UNFINISHED):
            unfinished.append(found.name)
            continue
        if found.is_file and LOCKS.fullmatch(found.name):
            continue
        if found.is_file and (unit := _unit(found.name, owners)) is not None:
            sizes[unit] += found.size
            counts[unit] += 1
        elif not (found.is_file and (found.name in single or RECORD.fullmatch(found.name))):
            if not (found.is_file and is_clutter(found.name)):
                foreign.append(found.name)
            continue
        known += 1
        if gather:
            ours.append(found.name)
    return Inventory(sizes, counts, known, tuple(ours), tuple(sorted(unfinished)), tuple(sorted(foreign)))


def naming(files: Collection[str]) -> Owner:
    """Take files of these names for ours; each is a unit."""
    return lambda name: name if name in files else None


def _unit(name: str, owners: Sequence[Owner]) -> str | None:
    return next((unit for owner in owners if (unit := owner(name)) is not None), None)


def everything(root: Path) -> Iterator[Found]:
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
                        yield Found(name, _size(entry, follow=follow), entry.is_file(follow_symlinks=follow))
        except FileNotFoundError:
            continue
        except OSError as error:
            place = storable(prefix) or "the output directory"
            raise OutputError(f"cannot read {place}: {error.strerror or type(error).__name__}") from error


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


def sweep(output: Folder) -> None:
    """Remove what a killed run was writing."""
    for found in everything(output.root):
        if found.is_file and found.name.endswith(UNFINISHED):
            output.remove(found.name)


def clear(output: Folder, names: Collection[str]) -> None:
    """Remove files and then the folders that are empty; the marker last, so that a stopped clearing can go on."""
    for name in sorted(names, key=lambda name: (name == MARKER, name != MANIFEST, name)):
        output.remove(name)
    for folder, _, _ in os.walk(output.root, topdown=False):
        if Path(folder) != output.root:
            with suppress(OSError):
                Path(folder).rmdir()
