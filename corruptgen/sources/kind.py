"""What every source can do."""

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
            If it cannot be read.
        """
