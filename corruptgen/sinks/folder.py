"""A folder laid out as ImageNet-C: `<row>/<severity>/<class>/<name>`."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from corruptgen.errors import OutputError
from corruptgen.imaging.codec import EXTENSIONS
from corruptgen.names import is_below
from corruptgen.randomness.key import severity_name
from corruptgen.records import Item

# The ending of files that are not whole yet; no output file ends so.
UNFINISHED = ".corruptgen-part"
LONGEST_COMPONENT = 255  # bytes, of one name in the usual file systems


def cell_folder(row: str, severity: float) -> str:
    """Give the folder of a cell, relative to the output."""
    return f"{row}/{severity_name(severity)}"


def item_name(item: Item, extension: str) -> str:
    """Give the file of an item, relative to the folder of a cell."""
    name = PurePosixPath(item.id)
    stem = name.stem if name.suffix.lower() in EXTENSIONS else name.name
    return f"{item.label}/{stem}{extension}" if item.label else stem + extension


@dataclass(frozen=True)
class Folder:
    """Files below one directory, each whole or absent."""

    root: Path

    def path(self, name: str) -> Path:
        """Give the place of a file, and refuse names that lead elsewhere."""
        if not is_below(name):
            raise OutputError(f"the output name {name!r} leads out of the output directory")
        return self.root / name

    def write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        """Write a file under a name of its own and give it its right name when it is whole.

        Parameters
        ----------
        name : relative to the root, with "/"
        content : the whole file
        durable : wait until it is on the disk, so that it is there even after a loss of power

        Raises
        ------
        OutputError
            If it cannot be written, the disk being full included; nothing is left behind then.
        """
        path = self.path(name)
        # No two writers share a name, even if a worker of a killed build lives on for a moment.
        unfinished = path.parent / f".{secrets.token_hex(8)}{UNFINISHED}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with unfinished.open("xb") as file:
                    file.write(content)
                    if durable:
                        file.flush()
                        os.fsync(file.fileno())
                unfinished.replace(path)
            except BaseException:
                with suppress(OSError):
                    unfinished.unlink()
                raise
        except OSError as error:
            raise OutputError(f"cannot write {name}: {error.strerror or type(error).__name__}") from error

    def read(self, name: str) -> bytes | None:
        """Give the bytes of a file, or None if it is not there."""
        try:
            return self.path(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise OutputError(f"cannot read {name}: {error.strerror or type(error).__name__}") from error

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        try:
            self.path(name).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise OutputError(f"cannot remove {name}: {error.strerror or type(error).__name__}") from error
