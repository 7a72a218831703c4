"""Members of a zip archive, read piece by piece in little memory, however large they are."""

import struct
import threading
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

from corruptgen.containers.places import length_of, name_of, open_place, piece, reporting
from corruptgen.errors import SourceError
from corruptgen.store.names import is_apple_double

# Deflate cannot make anything more than this many times smaller; what claims more is a bomb.
LARGEST_RATIO = 1032
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
CHUNK = 1 << 20
ENCRYPTED = 1


@dataclass(frozen=True)
class Member:
    """A file inside of an archive."""

    place: str = field(repr=False)
    version: str
    """The state of the archive; see `places.version_of`."""
    name: str
    start: int
    """Where its bytes begin in the archive."""
    packed: int
    length: int
    deflated: bool


def members(place: str, version: str) -> dict[str, Member]:
    """List the files in an archive, whose sizes are compared with what a zip can hold.

    Raises
    ------
    SourceError
        If it is no whole archive, or one that claims impossible sizes.
    """
    name = name_of(place)
    found: dict[str, Member] = {}
    with reporting(place), open_place(place) as file:
        total = length_of(place)
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if is_apple_double(info.filename):
                    continue
                if info.flag_bits & ENCRYPTED:
                    raise SourceError(f"{name}: {info.filename} is encrypted")
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise SourceError(
                        f"{name}: {info.filename} is packed as numpy never does; save it with numpy.savez"
                    )
                if info.filename in found:
                    raise SourceError(f"{name}: {info.filename} occurs twice")
                _check_sizes(info, total, name)
                file.seek(info.header_offset)
                fields = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
                start = info.header_offset + LOCAL_HEADER.size + fields[-2] + fields[-1]
                deflated = info.compress_type == zipfile.ZIP_DEFLATED
                found[info.filename] = Member(
                    place, version, info.filename, start, info.compress_size, info.file_size, deflated
                )
    return found


def check_member(member: Member) -> None:
    """Read a member once from end to end, and raise `SourceError` if its checksum is not right."""
    with reporting(member.place), open_place(member.place) as file, zipfile.ZipFile(file) as archive:
        with archive.open(member.name) as content:
            length = 0
            while chunk := content.read(CHUNK):
                length += len(chunk)
        if length != member.length:
            raise SourceError(
                f"{name_of(member.place)}: {member.name} claims {member.length} bytes, there are {length}"
            )


@dataclass
class Unpacked:
    """The bytes of a member from anywhere; cheap if they are asked for from the front to the back.

    No file stays open: what is kept is how far the packed bytes have been read.
    """

    member: Member
    _lock: Any = field(default_factory=threading.Lock)
    _engine: Any = None
    _read: int = 0
    _at: int = 0
    _rest: bytes = b""

    def piece(self, start: int, length: int) -> bytes:
        """Return some bytes; raise `SourceError` if they are missing."""
        member = self.member
        with reporting(member.place):
            if not member.deflated:
                return piece(member.place, member.start + start, min(length, max(member.length - start, 0)))
            with self._lock:
                return self._inflated(start, length)

    def _inflated(self, start: int, length: int) -> bytes:
        if self._engine is None or start < self._at:
            self._engine, self._read, self._at, self._rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0, b""
        found = bytearray()
        while self._at < start + length:
            chunk = self._next(min(CHUNK, start + length - self._at))
            if not chunk:
                break
            found += chunk[max(start - self._at, 0) :]
            self._at += len(chunk)
        return bytes(found)

    def _next(self, most: int) -> bytes:
        while not self._engine.eof:
            if not self._rest:
                left = self.member.packed - self._read
                self._rest = piece(self.member.place, self.member.start + self._read, min(CHUNK, left))
                self._read += len(self._rest)
            ended = not self._rest
            chunk: bytes = self._engine.decompress(self._rest, most)
            self._rest = self._engine.unconsumed_tail
            if chunk or ended:
                return chunk
        return b""


def _check_sizes(info: zipfile.ZipInfo, total: int, name: str) -> None:
    possible = info.compress_size * (LARGEST_RATIO if info.compress_type == zipfile.ZIP_DEFLATED else 1)
    if info.compress_size > total or info.file_size > possible:
        raise SourceError(
            f"{name}: {info.filename} claims {info.file_size} bytes in {info.compress_size} packed ones; "
            "no archive of this size can hold that"
        )
