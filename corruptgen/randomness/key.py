"""A name becomes a stream: the key of every draw is made of what is corrupted and how, never of when or where."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.randomness.stream import Purpose, Stream

# Part of every key. Another number means other pixels for every published recipe.
STREAM_VERSION = "1"
DIGEST_BYTES = 16


def rng_for(
    seed: int, row: str, severity: float | None, key: str | bytes, *, purpose: Purpose = Purpose.DRAWS
) -> Stream:
    """Give the stream of random numbers that belongs to one item in one cell.

    Parameters
    ----------
    seed : the recipe's seed, any whole number
    row : name of the row
    severity : the severity; 3 and 3.0 are one name; None lets all levels of a row share their draws (`paired`)
    key : the item's id; or, for an image without a name, what `pixels_digest` gives
    purpose : which of the independent streams under this name

    Returns
    -------
    A fresh stream at its beginning. Equal arguments give equal numbers on every machine, under every version of numpy.
    """
    domain, name = (b"item", key.encode()) if isinstance(key, str) else (b"pixels", key)
    level = "" if severity is None else severity_name(severity)
    fields = (STREAM_VERSION.encode(), str(seed).encode(), row.encode(), level.encode(), domain, name)
    return Stream(digest_of(*fields), purpose)


def pixels_digest(image: NDArray[Any]) -> bytes:
    """Name an image by its own pixels: a digest of sample type, shape and samples."""
    return digest_of(str(image.dtype).encode(), str(image.shape).encode(), np.ascontiguousarray(image).tobytes())


def severity_name(severity: float) -> str:
    """Write a severity as its shortest decimal: 3 and 3.0 are "3", 2.5 is "2.5"."""
    return repr(float(severity)).removesuffix(".0")


def digest_of(*fields: bytes) -> bytes:
    """Hash fields, each behind its length, so that ("a", "bc") and ("ab", "c") differ."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for field in fields:
        digest.update(len(field).to_bytes(8, "little"))
        digest.update(field)
    return digest.digest()
