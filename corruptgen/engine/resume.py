"""What an output holds of a build: the complete blocks, and the tables of others."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from corruptgen.engine.inventory import Inventory
from corruptgen.engine.manifest import Recorded, Table, recorded
from corruptgen.engine.plan import Block, Plan
from corruptgen.errors import OutputError
from corruptgen.sinks import Folder, Part
from corruptgen.store.digests import SHARD_BYTES


def wholeness(plan: Plan, output: Folder, found: Inventory) -> Callable[[Part], bool]:
    """Return a check whether a block and its masks are complete, by names and sizes."""
    is_whole, targets = plan.sink(output).wholeness(found), plan.targets
    return lambda part: (
        is_whole(part) and all(found.count(file)[0] for item in part.items for file in targets.files(item))
    )


def stock(
    plan: Plan, blocks: Iterable[Block], output: Folder, found: Inventory
) -> tuple[dict[str, Recorded], set[str]]:
    """Read the tables of blocks, each of them once.

    Parameters
    ----------
    plan : Plan
        What is to be made.
    blocks : iterable of Block
        Those of its blocks that are asked about.
    output : Folder
        Where.
    found : Inventory
        What exists there.

    Returns
    -------
    (dict of str to Recorded, set of str)
        What is known of the complete blocks, by table; the tables of others that can be read.
    """
    kept: dict[str, Recorded] = {}
    others: set[str] = set()
    is_whole = wholeness(plan, output, found)
    for block in blocks:
        try:
            content = output.read(block.table) or b""
            table = Table.from_bytes(content)
        except OutputError:
            continue
        fits = len(table.shards) == len(plan.cells) * SHARD_BYTES
        fits = fits and [record.id for record in table.records] == [item.id for item in block.items]
        known = recorded(table, content, block.items) if fits else None
        if known and is_whole(known.part):
            kept[block.table] = known
        else:
            others.add(block.table)
    return kept, others


def read_sources(output: Folder, block: Block) -> dict[str, str]:
    """Return the sha256 of the sources of a block's items, by id, as its table has recorded them."""
    try:
        table = Table.from_bytes(output.read(block.table) or b"")
    except OutputError:
        return {}
    wanted = set(block.items.ids())
    return {record.id: record.source for record in table.made if record.id in wanted}


def placed(plan: Plan, kept: Mapping[str, Recorded]) -> Iterator[Part]:
    """Return the parts of the complete blocks, in order, each with the number of items in those before it.

    A block that is missing is taken to have had all of its items; if it had not, those behind it lie elsewhere.
    """
    start = 0
    for block in plan.blocks:
        known = kept.get(block.table)
        if known:
            yield replace(known.part, start=start)
        start += len(known.part.items if known else block.items)
