"""Shards: the share of a build that one of many processes makes, and what each leaves in the output until merged."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from corruptgen.errors import OutputError, RecipeError, describe_error
from corruptgen.records import Items, Listing, Rejection
from corruptgen.store.lock import LOCK
from corruptgen.values.class_labels import Classes

# The annotation file of the source, for `merge`, which has no source; it removes it.
ANNOTATED = ".corruptgen-annotations.json"
RECORD = re.compile(r"\.corruptgen-shard-(\d{5,})-of-(\d{5,})\.json")
LOCKS = re.compile(r"\.corruptgen(-shard-\d{5,}-of-\d{5,})?\.lock")
WRITTEN = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True, order=True)
class Shard:
    """One of n shares, counted from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read what `--shard` was given; raise `RecipeError` if it is not a number from 1 over how many there are."""
        written = WRITTEN.fullmatch(text)
        shard = cls(*map(int, written.groups())) if written else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise RecipeError(f"shard is {text!r}; allowed is a number over how many there are, from 1/16 to 16/16")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def holds(self, block: int) -> bool:
        """Check whether a block belongs to this shard: every n-th does, so that all shards take about as long."""
        return block % self.count == self.number - 1

    @property
    def record(self) -> str:
        """The file that says whose shard this is, for `merge`; it removes it."""
        return f"{self._stem}.json"

    @property
    def locked_as(self) -> tuple[str, str]:
        """What the lock of an output is told: the name of this part, and the file that one process at a time holds."""
        return f"shard {self}", f"{self._stem}.lock"

    @property
    def _stem(self) -> str:
        return f".corruptgen-shard-{self.number:05d}-of-{self.count:05d}"


def listing_header(listing: Listing) -> dict[str, Any]:
    """Return what `merge` needs to know of a listing and cannot learn from the tables, as plain values."""
    plain = {field.name: getattr(listing, field.name) for field in fields(listing) if field.name != "items"}
    classes = {"labels": listing.classes.content(), "classes": list(listing.classes.names)}
    return plain | classes | {"rejected": [[rejection.id, rejection.reason] for rejection in listing.rejected]}


def restore_listing(header: Mapping[str, Any], items: Items) -> Listing:
    """Rebuild a listing from its header and its items."""
    try:
        classes = Classes.read(header.get("labels", {}), header["classes"])
        rejected = tuple(Rejection(*pair) for pair in header["rejected"])
        return Listing(items, rejected, header["ignored"], classes, header["annotations"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise OutputError(f"the record of a shard is damaged: {error}; run that shard again") from error


def leftovers(root: Path) -> list[str]:
    """Name what shards have left in an output: records, their source's annotations, the locks of those killed."""
    patterns = (RECORD, LOCKS, re.compile(re.escape(ANNOTATED)))
    return sorted(name for name in _names(root) if name != LOCK and any(p.fullmatch(name) for p in patterns))


def shard_records(root: Path) -> list[bytes]:
    """Read the records of the shards that have been begun in an output, in order; no directory holds none."""
    if not root.exists():
        return []
    try:
        return [(root / name).read_bytes() for name in sorted(_names(root)) if RECORD.fullmatch(name)]
    except OSError as error:
        raise OutputError(f"cannot read the record of a shard: {describe_error(error)}") from error


def _names(root: Path) -> list[str]:
    try:
        return os.listdir(root)
    except OSError as error:
        raise OutputError(f"cannot read {root.name}: {describe_error(error)}") from error
