"""Packed files, unpacked as far as what they claim: gzip, and the members of tar archives, packed or not."""

import gzip
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from corruptgen.errors import SourceError

GZIP = b"\x1f\x8b"
CHUNK = 1 << 20
LONGEST_HEADER = 1 << 20  # bytes, of what a tar holds beside the contents of files
MOST_MEMBERS = 1000


@dataclass
class Guarded:
    """A file that refuses to be read in large pieces, as a header with an impossible size would ask for."""

    file: BinaryIO
    last: bytes = b""
    """What was read last."""

    def read(self, length: int = -1) -> bytes:
        """Read a little."""
        if not 0 <= length <= LONGEST_HEADER:
            raise tarfile.ReadError("the header is too long")
        self.last = self.file.read(length)
        return self.last

    def seek(self, *place: int) -> int:
        """Go somewhere."""
        return self.file.seek(*place)

    def tell(self) -> int:
        """Return where it is."""
        return self.file.tell()


def open_packed(file: BinaryIO) -> BinaryIO:
    """Return a file, or what is packed in it with gzip, as its first bytes say."""
    packed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value]  # a GzipFile is no BinaryIO by name, only by its methods


def read_exactly(file: BinaryIO, length: int, name: str) -> bytes:
    """Read n bytes, behind which the file must end; nothing more is unpacked.

    Raises
    ------
    SourceError
        If there are more or fewer.
    """
    content = bytearray()
    while len(content) <= length and (chunk := file.read(min(CHUNK, length + 1 - len(content)))):
        content += chunk
    if len(content) != length:
        found = f"more than {length}" if len(content) > length else str(len(content))
        raise SourceError(f"{name} is damaged: its header claims {length} bytes behind it, there are {found}")
    return bytes(content)


def tar_members(
    file: BinaryIO, name: str, is_wanted: Callable[[str], bool], most: Callable[[str], int]
) -> Iterator[tuple[str, bytes]]:
    """Return the names of the members of a tar archive and the bytes of the wanted ones.

    Parameters
    ----------
    file : BinaryIO
        File of the archive, packed with gzip or not.
    name : str
        What to call it in messages.
    is_wanted : callable
        Wanted of a member's base name.
    most : callable
        How many bytes a member of this base name may have; no other may have more than the largest of these.
    """
    opened = open_packed(file)
    guarded: Any = Guarded(opened)
    for count, member in enumerate(_headers(guarded, name)):
        base = member.name.rstrip("/").rpartition("/")[2]
        if count >= MOST_MEMBERS:
            raise SourceError(f"{name} holds more than {MOST_MEMBERS} files")
        if member.size > most(base):
            raise SourceError(f"{name}: {base} claims {member.size} bytes; at most {most(base)} are taken")
        if not member.isreg() or not is_wanted(base):
            yield base, b""
            continue
        opened.seek(member.offset_data)
        content = opened.read(member.size)
        if len(content) != member.size:
            raise SourceError(f"{name} is cut off in {base}")
        yield base, content
    # Only behind its last byte is the checksum of a packed file compared.
    if len(opened.read(LONGEST_HEADER)) == LONGEST_HEADER:
        raise SourceError(f"{name} goes on behind its end")


def _headers(guarded: Any, name: str) -> Iterator[tarfile.TarInfo]:
    """Return what a tar states about its members, up to its end."""
    try:
        archive = tarfile.TarFile(fileobj=guarded, mode="r", encoding="utf-8")
        while (member := archive.next()) is not None:
            yield member
    except tarfile.TarError as error:
        raise SourceError(f"{name} is no tar archive, or is damaged: {error}") from error
    # The parser takes a damaged header for the end.
    if guarded.last != bytes(tarfile.BLOCKSIZE):
        raise SourceError(f"{name} is damaged or cut off after byte {archive.offset}")
