"""A directory of files that are whole or absent, and how those of a folder laid out as ImageNet-C are called."""

import ctypes
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any

from corruptgen.codecs import dicom
from corruptgen.codecs.images import EXTENSIONS
from corruptgen.errors import CorruptgenError, OutputError, describe_error
from corruptgen.records import Item
from corruptgen.store.names import escape_name, is_below, on_disk
from corruptgen.values.arguments import severity_text

# The ending of files that are not whole yet; no output file ends so.
UNFINISHED = ".corruptgen-part"
PIECE = 1 << 20  # bytes that are read at once


@lru_cache(maxsize=4096)
def cell_folder(row: str, severity: float) -> str:
    """Return the folder of a cell, relative to the output."""
    return f"{row}/{severity_text(severity)}"


@lru_cache(maxsize=4096)
def item_name(item: Item, extension: str, escape: str = "") -> str:
    """Return the file of an item, relative to the folder of a cell.

    Parameters
    ----------
    item : Item
        The item.
    extension : str
        Extension of the images.
    escape : str, default ""
        How names are escaped, as `OutputChoice.escape_names` says.
    """
    name = PurePosixPath(item.id)
    stem = name.stem if name.suffix.lower() in EXTENSIONS | dicom.EXTENSIONS else name.name
    path = f"{item.label}/{stem}" if item.label else stem
    return escape_name(path, escape) + extension


@dataclass(frozen=True)
class OutputDirectory:
    """Files below one directory, each whole or absent."""

    root: Path

    def path(self, name: str) -> Path:
        """Return the place of a file, and refuse names that lead elsewhere."""
        if not is_below(name):
            raise _leading_out(name)
        return self.root / on_disk(name)

    def write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        """Write a file under a name of its own and rename it when it is whole.

        Parameters
        ----------
        name : str
            Relative to the root, with "/".
        content : bytes
            The whole file.
        durable : bool, default False
            Wait until it is on the disk, so that it exists even after a loss of power.

        Raises
        ------
        OutputError
            If it cannot be written, the disk being full included; nothing is left behind then.
        """
        with self.whole(name) as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())

    @contextmanager
    def whole(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file to be written in pieces, under a name of its own until it is whole; raises as `write` does."""
        if not is_below(name):
            raise _leading_out(name)
        # Plain text: millions of files pass here, and a `Path` costs as much as writing one.
        path = f"{os.fspath(self.root)}/{on_disk(name)}"
        # No two writers share a name, even if a worker of a killed build lives on for a moment.
        unfinished = f"{os.path.dirname(path)}/.{secrets.token_hex(8)}{UNFINISHED}"
        try:
            try:
                with _created(unfinished) as file:
                    yield file
                os.replace(unfinished, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(unfinished)
                raise
        except CorruptgenError:
            # Of what the writer reads meanwhile; it has its own message.
            raise
        except OSError as error:
            raise OutputError(f"cannot write {name}: {describe_error(error)}") from error

    def sync(self) -> None:
        """Wait until all that was written is on the disk, so that a loss of power cannot take it any more."""
        if not self.root.is_dir():
            return
        sync_filesystem = _sync_filesystem()
        if sync_filesystem is None:
            # Windows has neither; there the record alone is durable.
            getattr(os, "sync", lambda: None)()
            return
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            if sync_filesystem(descriptor):
                reason = os.strerror(ctypes.get_errno())
                raise OutputError(f"cannot write the output to the disk: {reason}")
        finally:
            os.close(descriptor)

    def pieces(self, name: str) -> Iterator[bytes]:
        """Read a file in pieces; raises `OutputError` if it is missing or cannot be read."""
        path = self.path(name)
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece
        except OSError as error:
            raise OutputError(f"cannot read {name}: {describe_error(error)}") from error

    def sha256(self, name: str) -> str:
        """Return the digest of a file of any size."""
        digest = hashlib.sha256()
        for piece in self.pieces(name):
            digest.update(piece)
        return digest.hexdigest()

    def size(self, name: str) -> int | None:
        """Return the bytes of a file, or None if there is none."""
        path = self.path(name)
        try:
            return path.stat().st_size
        except OSError:
            return None

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, or None if it is missing."""
        path = self.path(name)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise OutputError(f"cannot read {name}: {describe_error(error)}") from error

    def holds(self, name: str, content: bytes) -> bool:
        """Check whether a file exists and has this content; one that cannot be read has not."""
        try:
            return self.read(name) == content
        except OutputError:
            return False

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        path = self.path(name)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise OutputError(f"cannot remove {name}: {describe_error(error)}") from error


def _created(path: str) -> IO[bytes]:
    """Open a new file to be written, in a folder that may not be there yet."""
    try:
        return open(path, "xb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "xb")


def _leading_out(name: str) -> OutputError:
    return OutputError(f"the output name {name!r} leads out of the output directory")


@lru_cache
def _sync_filesystem() -> Any | None:
    """Return Linux's call that waits for one file system alone: other people's writing shall not hold us up."""
    try:
        return ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):
        return None
