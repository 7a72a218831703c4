"""Places that hold sources: files of this machine, or whatever fsspec has a name for (`s3://`, `hf://`, `memory://`)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from corruptgen.errors import MissingPackage, Rejected, SourceError, describe_error
from corruptgen.runtime.extras import need
from corruptgen.store.digests import file_digest
from corruptgen.store.names import from_disk, is_apple_double, on_disk
from corruptgen.values.addresses import last_part

# Of what is read as a whole: lists of labels, names, ids.
LONGEST_LIST = 1 << 30  # bytes


def is_remote(place: str) -> bool:
    """Check whether a place is a URL."""
    return "://" in place


def local_place(place: str) -> str:
    """Return the path that a URL of the kind `file://` means; everything else as it is."""
    return unquote(urlsplit(place).path) if place.startswith("file://") else place


def name_of(place: str) -> str:
    """Return the last part of a place, which may be shown and recorded."""
    return last_part(place)


def beside(place: str, name: str) -> str:
    """Return the place of what lies below another."""
    return f"{place.rstrip('/')}/{name}"


def filesystem(place: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path in it."""
    try:
        return tuple(need("fsspec", f"the URL {place}").core.url_to_fs(place))
    except MissingPackage:
        raise
    except ImportError as error:
        needed = error.name or "fsspec"
        raise SourceError(
            f"to read {place} the package {needed} is needed: pip install 'corruptgen[remote]', "
            "and the one for this kind of URL (s3fs, gcsfs, huggingface_hub ...)"
        ) from error
    except ValueError as error:
        raise SourceError(f"{place} is no URL that fsspec knows: {error}") from error


@contextmanager
def reporting(place: str) -> Iterator[None]:
    """Turn what goes wrong while a container is read into a `SourceError`."""
    try:
        yield
    except (SourceError, Rejected, MissingPackage):
        raise
    except OSError as error:
        raise SourceError(f"{name_of(place)} cannot be read: {describe_error(error)}") from error
    # Parsers that are fed broken bytes, and clients of servers, raise any kind of error.
    except Exception as error:
        raise SourceError(f"{name_of(place)} cannot be read: {error_line(error)}") from error


def error_line(error: BaseException) -> str:
    """Return the message of an error of a client or parser in one line; their OSErrors have no other words."""
    return " ".join(str(error).split())[:160] or type(error).__name__


def open_place(place: str) -> BinaryIO:
    """Open a file for reading; to be closed by the caller."""
    if not is_remote(place):
        return Path(on_disk(place)).open("rb")
    system, path = filesystem(place)
    return system.open(path, "rb")


def content(place: str) -> bytes:
    """Return the bytes of a list or table; raise `SourceError` if it is missing."""
    with reporting(place), open_place(place) as file:
        found = file.read(LONGEST_LIST + 1)
    if len(found) > LONGEST_LIST:
        raise SourceError(f"{name_of(place)} is longer than {LONGEST_LIST} bytes, too long for a list")
    return found


def piece(place: str, start: int, length: int) -> bytes:
    """Return some bytes of a file; fewer if it ends before."""
    if is_remote(place):
        system, path = filesystem(place)
        return bytes(system.cat_file(path, start=start, end=start + length))
    with Path(on_disk(place)).open("rb") as file:
        file.seek(start)
        return file.read(length)


def length_of(place: str) -> int:
    """Return the length of a file in bytes."""
    if not is_remote(place):
        return Path(on_disk(place)).stat().st_size
    system, path = filesystem(place)
    return int(system.size(path))


def is_folder(place: str) -> bool:
    """Check whether something is a folder."""
    if not is_remote(place):
        return Path(on_disk(place)).is_dir()
    system, path = filesystem(place)
    return bool(system.isdir(path))


def state_of(*places: str) -> str:
    """Name the state of files, so that what a process remembers of one that has changed since is not used."""
    states = []
    for place in places:
        if is_remote(place):
            system, path = filesystem(place)
            states.append(str(system.ukey(path)))
        else:
            found = Path(on_disk(place)).stat()
            states.append(f"{found.st_ino} {found.st_size} {found.st_mtime_ns}")
    return file_digest("\n".join(states).encode()).hex()


def version_below(place: str) -> str:
    """Name the state of a file, or of all files in a folder."""
    if not is_folder(place):
        return state_of(place)
    return state_of(*(beside(place, name) for name in files_below(place)))


def files_in(place: str) -> list[str]:
    """List the names of the files in a folder or behind a URL, sorted; without those that macOS leaves behind."""
    if not is_remote(place):
        with os.scandir(on_disk(place)) as entries:
            names = (from_disk(entry.name) for entry in entries if entry.is_file())
            return sorted(name for name in names if not is_apple_double(name))
    system, path = filesystem(place)
    names = (name_of(str(entry["name"])) for entry in system.ls(path, detail=True) if entry["type"] == "file")
    return sorted(name for name in names if not is_apple_double(name))


def files_below(place: str) -> list[str]:
    """List the regular files below a folder or URL, by their names relative to it, sorted."""
    if not is_remote(place):
        return sorted(
            from_disk(os.path.relpath(os.path.join(folder, name), on_disk(place))).replace(os.sep, "/")
            for folder, _, names in os.walk(on_disk(place))
            for name in names
        )
    system, path = filesystem(place)
    start = path.rstrip("/") + "/"
    return sorted(found[len(start) :] for found in map(str, system.find(path)) if found.startswith(start))
