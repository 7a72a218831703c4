"""Hold the files of a block against their digests, without making anything."""

import hashlib
from collections.abc import Sequence

from corruptgen.errors import OutputError
from corruptgen.manifest import SHARD_BYTES, Table, file_digest, shard_digest, split
from corruptgen.plan import Block
from corruptgen.sinks.folder import Folder, item_name


def rehashed(
    output: Folder, cells: Sequence[str], extension: str, block: Block, digest: str | None
) -> tuple[Block, bool, dict[str, str]]:
    """Find out whether a block is as it was made.

    Parameters
    ----------
    output : the directory
    cells : the folder of every cell
    extension : of the files
    block : the items
    digest : the sha256 of the block's table, where a manifest says it

    Returns
    -------
    The block; whether all of it holds; the sha256 of the sources of its items, by id, where that can be trusted.
    """
    content = output.read(block.table) or b""
    if digest not in (None, hashlib.sha256(content).hexdigest()):
        return block, False, {}
    try:
        table = Table.from_bytes(content)
    except OutputError:
        return block, False, {}
    names = [item_name(record.item, extension) for record in table.made]
    shards = [
        shard_digest((name, file_digest(output.read(f"{cell}/{name}") or b"")) for name in names) for cell in cells
    ]
    holds = shards == split(table.shards, SHARD_BYTES)
    return block, holds, {record.id: record.source for record in table.made}
