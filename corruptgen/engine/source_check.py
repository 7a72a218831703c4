"""Whether the source still is the one that an output was begun with."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from corruptgen.engine.backends import WorkerConfig
from corruptgen.engine.block import Work
from corruptgen.engine.manifest import BlockTable, ItemRecord
from corruptgen.engine.plan import Block
from corruptgen.engine.progress import results
from corruptgen.errors import Interrupted, OutputError, Rejected, SourceError
from corruptgen.records import Item
from corruptgen.sources import source_digest
from corruptgen.sources.states import local_files, sizes
from corruptgen.threads import single_threaded
from corruptgen.values.choice import choose_evenly

# Items whose content every start of a build reads to recognise the source.
SAMPLED = 128
AT_ONCE = 1000  # items
MOST_NAMED = 5  # items in one message
BRING_BACK = "bring them back, choose another directory with --output, or begin again with --overwrite"


def choose_sample(items: Sequence[Item]) -> list[Item]:
    """Choose the items that stand for all, evenly spaced, the first and the last among them."""
    return choose_evenly(items, SAMPLED)


def fingerprint(work: Work, items: Sequence[Item]) -> str:
    """Recognise a source wherever it is: by a sample of its items and their masks, and by what a first pass found.

    Raises
    ------
    SourceError
        If one of these cannot be read.
    """
    # What is gone is told before anything is read from what a process may still keep open.
    sizes_digest(work, items)
    found = hashlib.sha256()
    chosen = choose_sample(items)
    for item in chosen:
        found.update(json.dumps([item.id, _digest(work, item)]).encode())
    if planes := [work.inputs.digests(item.id) for item in chosen if work.inputs.planes]:
        found.update(json.dumps(planes).encode())
    if masks := work.targets.mask_digests(chosen):
        found.update(json.dumps(masks).encode())
    for name, plane in work.cells.planes.items():
        found.update(name.encode() + plane.tobytes())
    return found.hexdigest()


def sizes_digest(work: Work, items: Sequence[Item]) -> str:
    """Recognise a source of this machine by the sizes of all of its files, too; empty for one of a server."""
    if not local_files(work.source, items[:1]):
        return ""
    found = hashlib.sha256()
    # Some at a time: the names of a million files would fill the memory.
    for start in range(0, len(items), AT_ONCE):
        found.update(json.dumps(sizes(work.source, items[start : start + AT_ONCE])).encode())
    return found.hexdigest()


def changed_items(work: Work, block: Block) -> list[str]:
    """Compare the source with the digests that a block's table has recorded.

    Parameters
    ----------
    work : Work
        Where the items are read and where the table lies.
    block : Block
        One that is complete; all of its items are read, and the first one only where they come from a server.

    Returns
    -------
    list of str
        The ids of the items that are not what they were.
    """
    try:
        table = BlockTable.from_bytes(work.sink.output.read(block.table) or b"")
    except OutputError:
        return []
    made = table.made if local_files(work.source, block.items[:1]) else table.made[:1]
    with single_threaded():
        return [record.id for record in made if _has_changed(work, record)]


def check_content(there: Mapping[str, Any], content: str) -> None:
    """Refuse a source with the names of the one that an output was begun with, but not its images."""
    # Outputs of earlier releases do not state.
    if there.get("content", content) != content:
        raise SourceError(
            "the images of the source, or their masks, are not those that this output was begun with, though their "
            f"names are: {BRING_BACK}"
        )


def check_unchanged(work: Work, blocks: Sequence[Block], worker_config: WorkerConfig, stop: Callable[[], bool]) -> None:
    """Compare the source with all that was recorded of it, which takes about a hundredth of the time of a build.

    Parameters
    ----------
    work : Work
        Where the items are read and where the tables lie.
    blocks : sequence of Block
        Those that are complete.
    worker_config : WorkerConfig
        Who reads.
    stop : callable
        Asked before each block.

    Raises
    ------
    SourceError
        If items have changed; the message names some.
    Interrupted
        If `stop` has stopped it.
    """
    wanted = takewhile(lambda block: not stop(), blocks)
    found = list(results(((changed_items, (work, block)) for block in wanted), worker_config))
    names = sorted(name for others in found for name in others)
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        raise SourceError(
            f"{', '.join(names[:MOST_NAMED])}{more} of the source {'has' if len(names) == 1 else 'have'} changed since "
            f"this output was begun; {BRING_BACK}"
        )
    if len(found) < len(blocks):
        raise Interrupted("interrupted; the existing files were being compared with the source")


def _has_changed(work: Work, record: ItemRecord) -> bool:
    """Check whether an item or its planes are others than those that were recorded."""
    return _digest(work, record.item) != record.source or any(
        record.inputs.get(name) != digest for name, digest in work.inputs.digests(record.id).items()
    )


def _digest(work: Work, item: Item) -> str:
    try:
        return source_digest(work.content(item))
    except Rejected:
        return ""
