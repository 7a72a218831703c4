"""What every source can do, and what it returns for an item: the bytes of an image file, or the pixels themselves."""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from corruptgen.codecs.windowing import StoredSamples
from corruptgen.records import Item, Listing

Content = bytes | NDArray[Any] | StoredSamples


class Source(Protocol):
    """A place that holds clean images under stable names; small enough to travel to every worker."""

    def listing(self) -> Listing:
        """List the items, and what looks like one and cannot be used.

        Raises
        ------
        SourceError
            If the source is missing.
        """

    def read(self, item: Item) -> Content:
        """Return the bytes of an item, or its pixels where the source holds those.

        Raises
        ------
        Rejected
            If what the file is cannot be used.
        SourceError
            If it cannot be read because of the machine: a disk, a network, permissions, a file that is gone.
        """

    def files(self, items: Sequence[Item]) -> Sequence[str]:
        """List the places of the files that hold some items; nothing where the source is not of this machine."""


def source_digest(content: Content) -> str:
    """Return the sha256 of the bytes of a file; of pixels: of their type, shape, bytes and meaning."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    if isinstance(content, StoredSamples):
        meaning = repr((content.bits, content.slope, content.intercept, content.advised))
        if content.padded is not None:
            meaning += source_digest(content.padded)
        return hashlib.sha256(f"{meaning} {source_digest(content.pixels)}".encode()).hexdigest()
    shape = "x".join(map(str, content.shape))
    return hashlib.sha256(f"{content.dtype.str} {shape}\0".encode() + content.tobytes()).hexdigest()
