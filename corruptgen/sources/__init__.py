"""Where clean images come from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from corruptgen.records import Item, Listing
from corruptgen.sources.coco import CocoSource
from corruptgen.sources.folder import FolderSource


class Source(Protocol):
    """A place that holds clean images under stable names; small enough to travel to every worker."""

    def listing(self) -> Listing:
        """List the items, and what looks like one and cannot be used.

        Raises
        ------
        SourceError
            If the source is not there.
        """

    def read(self, item: Item) -> bytes:
        """Give the bytes of an item.

        Raises
        ------
        Rejected
            If it cannot be read.
        """


KINDS: Mapping[str, Callable[[Path], Source]] = {"folder": FolderSource, "coco": CocoSource}

__all__ = ["KINDS", "CocoSource", "FolderSource", "Source"]
