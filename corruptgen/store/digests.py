"""Digests of pixels, files and shards: short enough for many of them, long enough that no damage goes unnoticed."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

# BLAKE3 is as strong as BLAKE2 and takes a sixth of its time, which would otherwise be that of a quick corruption.

# Bytes of the digests that exist once per item and cell, per item, and per block and cell: with 95 cells, a table stays
# below 2 kB per item, and a file that was damaged by chance still goes unnoticed once in 2**64 at most.
PIXELS_BYTES, FILES_BYTES, SHARD_BYTES = 10, 8, 12
FILE_BYTES = 16
STATE_BYTES = 8


def image_digest(pixels: NDArray[Any]) -> bytes:
    """Return the digest of an image before it is encoded: of its shape, its samples and, if not uint8, their type."""
    kind = "" if pixels.dtype == np.uint8 else f"{pixels.dtype.name} "
    digest = blake3((kind + "x".join(map(str, pixels.shape))).encode() + b"\0")
    digest.update(np.ascontiguousarray(pixels).reshape(-1).view(np.uint8).data)
    return digest.digest(PIXELS_BYTES)


def file_digest(content: bytes) -> bytes:
    """Return the digest of a file, which goes into those of its item and its shard."""
    return blake3(content).digest(FILE_BYTES)


def stored_digest(stored: bytes | Sequence[bytes]) -> bytes:
    """Return the digest of an item in a cell: of its file, or of the files of all of its frames."""
    if isinstance(stored, bytes):
        return file_digest(stored)
    return join_digests(map(file_digest, stored))


def join_digests(frames: Iterable[bytes]) -> bytes:
    """Return the digest of a sequence whose frames are files, from that of each."""
    return file_digest(b"".join(frames))


def files_digest(files: Iterable[bytes]) -> bytes:
    """Return the digest of all files of one item, from the digest of each, in the order of the cells."""
    return blake3(b"".join(files)).digest(FILES_BYTES)


def shard_digest(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the digest of the files of one cell in one block, from the name and digest of each, in order."""
    named = b"".join(name.encode() + b"\0" + digest for name, digest in files)
    return blake3(named).digest(SHARD_BYTES)


def state_digest(state: object) -> bytes:
    """Return a digest of `STATE_BYTES` of plain values that tell one state of a file from another."""
    return blake3(repr(state).encode()).digest(STATE_BYTES)


def content_digest(pieces: Iterable[bytes]) -> bytes:
    """Return the digest of a shard that is one file, from its content in pieces of any size."""
    digest = blake3()
    for piece in pieces:
        digest.update(piece)
    return digest.digest(SHARD_BYTES)


def split(digests: bytes, size: int) -> list[bytes]:
    """Take joined digests apart."""
    return [digests[start : start + size] for start in range(0, len(digests), size)]
