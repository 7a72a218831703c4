"""Files that hold one large array of images: `.npy`, or the first member of an `.npz` that is not compressed."""

import hashlib
import math
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.windowing import DTYPES
from corruptgen.errors import Rejected
from corruptgen.store.output_directory import PIECE

# The fixed part of a member's header in a zip file, with the lengths of name and extra field at its end.
ZIP_HEADER, ZIP_LENGTHS = 30, 26
# Zip files know no time before this one.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ArrayFile:
    """A large array in a file, whose pieces can be read without the rest."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    """Where its samples start in the file."""

    def piece(self, start: int, count: int) -> Iterator[bytes]:
        """Read the samples of some of its images, in pieces of any size."""
        length = math.prod(self.shape[1:]) * self.dtype.itemsize
        with self.path.open("rb") as file:
            file.seek(self.offset + start * length)
            yield from _pieces(file, count * length)


def open_array_file(path: Path) -> ArrayFile | None:
    """Find the array in a file; None if there is none that is whole."""
    with suppress(OSError, ValueError, zipfile.BadZipFile, NotImplementedError, IndexError):
        with path.open("rb") as file:
            start, end = (0, os.path.getsize(path)) if path.suffix == ".npy" else _member(file)
            file.seek(start)
            if np.lib.format.read_magic(file) != (1, 0):
                return None
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            array = ArrayFile(path, tuple(shape), dtype, file.tell())
        size = math.prod(shape) * dtype.itemsize
        if not fortran and dtype.isnative and dtype.name in DTYPES and array.offset + size == end:
            return array
    return None


@dataclass(frozen=True)
class RepeatedArray:
    """An array that is repeated, one after the other, without as much memory."""

    array: NDArray[Any]
    times: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole."""
        return (len(self.array) * self.times, *self.array.shape[1:])

    @property
    def dtype(self) -> str:
        """Of its samples."""
        return self.array.dtype.name

    def pieces(self) -> Iterator[bytes]:
        """Return its samples."""
        content = self.array.tobytes()
        return (content for _ in range(self.times))

    def sha256(self) -> str:
        """Return the digest of the `.npy` file that holds it."""
        digest = hashlib.sha256(_header(self.shape, self.dtype))
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


def write_npy(file: IO[bytes], shape: tuple[int, ...], dtype: str, samples: Iterable[bytes]) -> None:
    """Write an array whose samples come in pieces."""
    file.write(_header(shape, dtype))
    for piece in samples:
        file.write(piece)


def write_npz(
    file: IO[bytes],
    name: str,
    shape: tuple[int, ...],
    dtype: str,
    samples: Iterable[bytes],
    others: Mapping[str, RepeatedArray],
) -> None:
    """Write a zip file of arrays, without times and without compression: versions of zlib write different bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(_info(name), "w", force_zip64=True) as member:
            write_npy(member, shape, dtype, samples)
        for other, stacked in others.items():
            with archive.open(_info(other), "w", force_zip64=True) as member:
                write_npy(member, stacked.shape, stacked.dtype, stacked.pieces())


def part_pieces(path: Path, size: int) -> Iterator[bytes]:
    """Read a part in pieces; raise `Rejected` if it is not of that size."""
    with path.open("rb") as file:
        yield from _pieces(file, size)


def _pieces(file: IO[bytes], left: int) -> Iterator[bytes]:
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:
            raise Rejected("cannot be read: the file ends too early")
        left -= len(piece)
        yield piece


def _header(shape: tuple[int, ...], dtype: str) -> bytes:
    buffer = BytesIO()
    header = {"descr": np.dtype(dtype).newbyteorder("<").str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name + ".npy", EPOCH)
    info.external_attr = 0o644 << 16
    info.create_system = 3  # Unix, wherever this runs
    return info


def _member(file: IO[bytes]) -> tuple[int, int]:
    """Find where the first member of a zip file starts and ends."""
    with zipfile.ZipFile(file) as archive:
        info = archive.infolist()[0]
    if info.compress_type != zipfile.ZIP_STORED:
        raise NotImplementedError
    file.seek(info.header_offset + ZIP_LENGTHS)
    lengths = file.read(ZIP_HEADER - ZIP_LENGTHS)
    start = (
        info.header_offset + ZIP_HEADER + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    )
    return start, start + info.file_size
