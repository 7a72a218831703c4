"""Hold a block against its digests, without making anything."""

import hashlib

from corruptgen.engine.damage import damage
from corruptgen.engine.manifest import Table
from corruptgen.engine.plan import Block
from corruptgen.errors import OutputError
from corruptgen.sinks import Sink


def rehashed(sink: Sink, block: Block, start: int, digest: str | None) -> tuple[Block, bool, dict[str, str]]:
    """Find out whether a block is as it was made.

    Parameters
    ----------
    sink : where its shards lie
    block : the items
    start : number of complete items in the blocks before it
    digest : the sha256 of the block's table, where a manifest says it

    Returns
    -------
    The block; whether all of it holds; the sha256 of the sources of its items, by id, where that can be trusted.
    """
    try:
        content = sink.output.read(block.table) or b""
        if digest not in (None, hashlib.sha256(content).hexdigest()):
            return block, False, {}
        table = Table.from_bytes(content)
    except OutputError:
        return block, False, {}
    problems, _ = damage(sink, table, start)
    return block, not problems, {record.id: record.source for record in table.made}
