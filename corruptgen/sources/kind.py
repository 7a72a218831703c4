"""What every source can do."""

from collections.abc import Sequence
from typing import Protocol

from corruptgen.records import Item, Listing
from corruptgen.sources.content import Content


class Source(Protocol):
    """A place that holds clean images under stable names; small enough to travel to every worker."""

    def listing(self) -> Listing:
        """List the items, and what looks like one and cannot be used.

        Raises
        ------
        SourceError
            If the source is not there.
        """

    def read(self, item: Item) -> Content:
        """Give the bytes of an item, or its pixels where the source holds those.

        Raises
        ------
        Rejected
            If what the file is cannot be used.
        SourceError
            If it cannot be read because of the machine: a disk, a network, permissions, a file that is gone.
        """

    def files(self, items: Sequence[Item]) -> Sequence[str]:
        """List the places of the files that hold some items; nothing where the source is not of this machine."""
