"""A name becomes a stream: the key of every draw is made of what is corrupted and how, never of when or where."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corruptgen.randomness.stream import Purpose, Stream
from corruptgen.values.arguments import normalise_key, normalise_seed, normalise_severity, severity_text

# Part of every key. Another number means other pixels for every published recipe.
STREAM_VERSION = "1"
DIGEST_BYTES = 16
WORD_BYTES = 8


def rng_for(
    seed: int, row: str, severity: float | None, key: str | int | bytes, *, purpose: Purpose = Purpose.DRAWS
) -> Stream:
    """Return the stream of random numbers that belongs to one item in one cell.

    Parameters
    ----------
    seed : int
        The recipe's seed, any whole number of at most 128 bits; 1 and 1.0 are one name.
    row : str
        Name of the row.
    severity : float or None
        The severity; 3 and 3.0, 0.3 and 0.1 + 0.2 are one name; None lets all levels of a row share their draws
        (`paired`).
    key : str or int or bytes
        The item's id, 17 and "17" are one name; or, for an image without a name, the result of `pixels_digest`.
    purpose : Purpose
        Which of the independent streams under this name.

    Returns
    -------
    Stream
        A new stream. Equal arguments produce equal numbers on every machine, under every version of numpy.
    """
    domain, name = (b"pixels", key) if isinstance(key, bytes) else (b"item", normalise_key(key).encode())
    return Stream(_hashed(_cell_fields(seed, row, severity, domain) + _written(name)), purpose)


def keyed_uniforms(
    seed: int, row: str, severity: float | None, keys: Iterable[str | int], count: int = 1
) -> NDArray[np.float64]:
    """Return some numbers for each of many items, uniform in [0, 1): what an item gets depends on its own name alone.

    Parameters
    ----------
    seed, row, severity : int, str, float or None
        As for `rng_for`.
    keys : iterable of str or int
        The ids of N items.
    count : int, default 1
        Numbers of each.

    Returns
    -------
    ndarray of float64, shape (N, count)
        In steps of 2**-53.
    """
    fields = _cell_fields(seed, row, severity, b"column")
    digests = b"".join(
        hashlib.blake2b(fields + _written(normalise_key(key).encode()), digest_size=WORD_BYTES * count).digest()
        for key in keys
    )
    words = np.frombuffer(digests, "<u8").reshape(-1, count) >> np.uint64(11)
    return words.astype(np.float64) * 2.0**-53


class Streams(NamedTuple):
    """The streams of one item, from which every step of a cell takes its own."""

    seed: int
    key: str | int | bytes
    """As `rng_for` takes it."""
    paired: bool = False
    """Whether all levels of a row share their draws."""

    def of(self, row: str, severity: float | None, purpose: Purpose = Purpose.DRAWS) -> Stream:
        """Return the stream of a row at a severity."""
        return rng_for(self.seed, row, None if self.paired else severity, self.key, purpose=purpose)


def pixels_digest(image: NDArray[Any]) -> bytes:
    """Name an image by its own pixels: a digest of sample type, shape and samples."""
    return digest_of(str(image.dtype).encode(), str(image.shape).encode(), np.ascontiguousarray(image).tobytes())


def digest_of(*fields: bytes) -> bytes:
    """Hash fields, each behind its length, so that ("a", "bc") and ("ab", "c") differ."""
    return _hashed(b"".join(map(_written, fields)))


# Typed, because a seed of True is not one of 1.
@lru_cache(maxsize=1024, typed=True)
def _cell_fields(seed: int, row: str, severity: float | None, domain: bytes) -> bytes:
    """Write the fields of a key that all items of a cell share."""
    level = "" if severity is None else severity_text(normalise_severity(severity))
    fields = (STREAM_VERSION.encode(), str(normalise_seed(seed)).encode(), row.encode(), level.encode(), domain)
    return b"".join(map(_written, fields))


def _written(field: bytes) -> bytes:
    return len(field).to_bytes(8, "little") + field


def _hashed(written: bytes) -> bytes:
    return hashlib.blake2b(written, digest_size=DIGEST_BYTES).digest()
