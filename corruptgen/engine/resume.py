"""What an output holds of a build: the complete blocks, and the tables of others."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from corruptgen.engine.inventory import Inventory
from corruptgen.engine.manifest import BlockTable, TableSummary, summarize_table
from corruptgen.engine.plan import Block, Plan
from corruptgen.errors import OutputError
from corruptgen.sinks import OutputDirectory, Part
from corruptgen.store.digests import SHARD_BYTES


def completeness_check(plan: Plan, output: OutputDirectory, found: Inventory) -> Callable[[Part], bool]:
    """Return a check whether a block and its masks are complete, by names and sizes."""
    is_whole, targets = plan.sink(output).completeness_check(found), plan.targets
    return lambda part: (
        is_whole(part) and all(found.count(file)[0] for item in part.items for file in targets.files(item))
    )


def completed_blocks(
    plan: Plan, blocks: Iterable[Block], output: OutputDirectory, found: Inventory
) -> tuple[dict[str, TableSummary], set[str]]:
    """Read the tables of blocks, each of them once.

    Parameters
    ----------
    plan : Plan
        What is to be made.
    blocks : iterable of Block
        Those of its blocks that are asked about.
    output : OutputDirectory
        Where.
    found : Inventory
        What exists there.

    Returns
    -------
    (dict of str to TableSummary, set of str)
        What is known of the complete blocks, by table; the tables of others that can be read.
    """
    kept: dict[str, TableSummary] = {}
    others: set[str] = set()
    is_whole = completeness_check(plan, output, found)
    for block in blocks:
        try:
            content = output.read(block.table) or b""
            table = BlockTable.from_bytes(content)
        except OutputError:
            continue
        fits = len(table.shards) == len(plan.cells) * SHARD_BYTES
        fits = fits and [record.id for record in table.records] == [item.id for item in block.items]
        known = summarize_table(table, content, block.items) if fits else None
        if known and is_whole(known.part):
            kept[block.table] = known
        else:
            others.add(block.table)
    return kept, others


def read_sources(output: OutputDirectory, block: Block) -> dict[str, str]:
    """Return the sha256 of the sources of a block's items, by id, as its table has recorded them."""
    try:
        table = BlockTable.from_bytes(output.read(block.table) or b"")
    except OutputError:
        return {}
    wanted = set(block.items.ids())
    return {record.id: record.source for record in table.made if record.id in wanted}


def block_offsets(plan: Plan, kept: Mapping[str, TableSummary]) -> Iterator[Part]:
    """Return the parts of the complete blocks, in order, each with the number of items in those before it.

    A block that is missing is taken to have had all of its items; if it had not, those behind it lie elsewhere.
    """
    start = 0
    for block in plan.blocks:
        known = kept.get(block.table)
        if known:
            yield replace(known.part, start=start)
        start += len(known.part.items if known else block.items)
