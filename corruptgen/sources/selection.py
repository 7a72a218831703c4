"""Which items of a source are wanted: a list of ids, a sample that the ids themselves decide, the first few."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from heapq import nsmallest
from itertools import chain

from corruptgen.errors import RecipeError, SourceError
from corruptgen.randomness.key import digest_of
from corruptgen.records import Listing
from corruptgen.sources.label_tables import text_of

SHOWN = 5


def wanted_ids(content: bytes, place: str) -> list[str]:
    """Read a list of ids, one in each line; empty lines are passed over."""
    found = [line.removesuffix("\r") for line in text_of(content, place).split("\n")]
    ids = [line for line in found if line.strip()]
    if not ids:
        raise RecipeError(f"{place} lists no ids; write one in each line, as `plan` and the manifest show them")
    return ids


def subset(listing: Listing, ids: Sequence[str], place: str) -> Listing:
    """Keep the items with these ids, in the order of the source.

    Raises
    ------
    SourceError
        If the source has no item of one of these ids.
    """
    wanted = set(ids)
    strange = dict.fromkeys(ids)
    for known in chain(listing.items.ids(), (rejection.id for rejection in listing.rejected)):
        strange.pop(known, None)
    if strange:
        shown = ", ".join(list(strange)[:SHOWN]) + (" ..." if len(strange) > SHOWN else "")
        examples = ", ".join(item.id for item in listing.items[:2])
        raise SourceError(
            f"{place} names {len(strange)} ids that the source does not have: {shown}; its ids are such as {examples}"
        )
    return replace(
        listing,
        items=listing.items.chosen([place for place, key in enumerate(listing.items.ids()) if key in wanted]),
        rejected=tuple(rejection for rejection in listing.rejected if rejection.id in wanted),
    )


def sample_items(listing: Listing, count: int, seed: int, *, per_class: bool) -> Listing:
    """Keep items whose ids have the smallest digests under a seed: a fair choice without any state.

    Which items it keeps of a class does not depend on the other classes, and a larger sample holds the smaller one.

    Parameters
    ----------
    listing : Listing
        All items.
    count : int
        Number of items, or all if there are fewer.
    seed : int
        Seed of the recipe.
    per_class : bool
        Number of items of each class.
    """
    groups: dict[str, list[tuple[tuple[bytes, str], int]]] = defaultdict(list)
    for place, item in enumerate(listing.items):
        groups[item.label if per_class else ""].append((rank_of(seed, item.id), place))
    kept = [place for group in groups.values() for _, place in nsmallest(count, group)]
    return replace(listing, items=listing.items.chosen(sorted(kept)))


def rank_of(seed: int, key: str) -> tuple[bytes, str]:
    """Return the place of an item in the order that samples are taken in."""
    return digest_of(b"sample", str(seed).encode(), key.encode()), key
