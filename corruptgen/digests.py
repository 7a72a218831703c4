"""Digests of pixels, files and shards: short enough for many of them, long enough that no damage goes unnoticed."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bytes of the digests that exist once per item and cell, per item, and per block and cell: with 95 cells, a table stays
# below 2 kB per item, and a file that was damaged by chance still goes unnoticed once in 2**64 at most.
PIXELS_BYTES, FILES_BYTES, SHARD_BYTES = 10, 8, 12


def pixels_digest(pixels: NDArray[Any]) -> bytes:
    """Give the digest of an image before it is encoded: of its shape, its samples and, if not uint8, their type."""
    kind = "" if pixels.dtype == np.uint8 else f"{pixels.dtype.name} "
    shape = (kind + "x".join(map(str, pixels.shape))).encode() + b"\0"
    return hashlib.blake2b(shape + pixels.tobytes(), digest_size=PIXELS_BYTES).digest()


def file_digest(content: bytes) -> bytes:
    """Give the digest of a file, which goes into those of its item and its shard."""
    return hashlib.blake2b(content, digest_size=16).digest()


def files_digest(files: Iterable[bytes]) -> bytes:
    """Give the digest of all files of one item, from the digest of each, in the order of the cells."""
    return hashlib.blake2b(b"".join(files), digest_size=FILES_BYTES).digest()


def shard_digest(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Give the digest of the files of one cell in one block, from the name and digest of each, in order."""
    named = b"".join(name.encode() + b"\0" + digest for name, digest in files)
    return hashlib.blake2b(named, digest_size=SHARD_BYTES).digest()


def content_digest(pieces: Iterable[bytes]) -> bytes:
    """Give the digest of a shard that is one file, from its content in pieces of any size."""
    digest = hashlib.blake2b(digest_size=SHARD_BYTES)
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def split(digests: bytes, size: int) -> list[bytes]:
    """Take joined digests apart."""
    return [digests[start : start + size] for start in range(0, len(digests), size)]
