"""States of the files that hold a source's items, so that one that is replaced while a build reads it is noticed."""

import errno
import os
from collections.abc import Sequence

from corruptgen.containers.places import is_remote
from corruptgen.records import Item
from corruptgen.runtime.trouble import unreadable
from corruptgen.sources.kind import Source
from corruptgen.store.digests import state_digest
from corruptgen.store.names import on_disk


def local_files(source: Source, items: Sequence[Item]) -> list[str]:
    """List the files of this machine that hold some items, each once, in the order of the items."""
    return [place for place in dict.fromkeys(source.files(items)) if not is_remote(place)]


def sizes(source: Source, items: Sequence[Item]) -> list[int]:
    """Return the bytes of each of these files; raise `SourceError` if one is gone."""
    found = []
    for place in local_files(source, items):
        state = _stat(place)
        if state is None:
            raise unreadable(os.path.basename(place), FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
        found.append(state.st_size)
    return found


def file_states(source: Source, items: Sequence[Item], *, times: bool) -> bytes:
    """Return a `state_digest` for the state of each of these files, one after the other.

    Parameters
    ----------
    source : Source
        Holds the items.
    items : sequence of Item
        Those of a block, so that memory holds few names.
    times : bool
        Also compare when a file was written, and its number in the file system; machines that share a file system may
        see these differently.
    """
    found = []
    for place in local_files(source, items):
        state = _stat(place)
        noted = () if state is None else (state.st_size, *((state.st_mtime_ns, state.st_ino) if times else ()))
        found.append(state_digest(noted))
    return b"".join(found)


def _stat(place: str) -> os.stat_result | None:
    try:
        return os.stat(on_disk(place))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(os.path.basename(place), error) from error
