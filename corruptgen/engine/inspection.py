"""An inspection: the existing files of a build, compared with their digests, so that damaged ones are regenerated."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from corruptgen.codecs.high_bit_depth import decode_stored
from corruptgen.engine.backends import WorkerConfig
from corruptgen.engine.manifest import MANIFEST, BlockTable, ItemRecord, TableSummary, dataset_files, parse_record
from corruptgen.engine.plan import Block, Plan
from corruptgen.engine.progress import Progress, results
from corruptgen.engine.resume import block_offsets
from corruptgen.errors import Interrupted, OutputError, Rejected
from corruptgen.records import Item
from corruptgen.sinks import OutputDirectory, Sink
from corruptgen.sinks.frames import frames_in
from corruptgen.sinks.image_folder import ImageFolder
from corruptgen.sinks.protocol import UNREADABLE, DatasetFile
from corruptgen.store.digests import (
    PIXELS_BYTES,
    SHARD_BYTES,
    file_digest,
    files_digest,
    image_digest,
    shard_digest,
    split,
    stored_digest,
)


@dataclass(frozen=True)
class Damage:
    """What is damaged."""

    tables: tuple[str, ...]
    """Those of the damaged blocks."""
    recorded: tuple[str, ...]
    """Those among them that state what the sources of their items were, and can be trusted."""
    dataset_files: tuple[str, ...]
    """The damaged files among those that are for the whole output."""

    @property
    def is_none(self) -> bool:
        """Whether all is intact."""
        return not self.tables and not self.dataset_files


def inspect_blocks(
    plan: Plan,
    blocks: Sequence[Block],
    output: OutputDirectory,
    kept: Mapping[str, TableSummary],
    worker_config: WorkerConfig,
    progress: Progress,
    stop: Callable[[], bool],
) -> Damage:
    """Find what is damaged among the blocks that are kept; nothing is changed.

    Parameters
    ----------
    plan : Plan
        What is being made.
    blocks : sequence of Block
        Those of its blocks that are made here.
    output : OutputDirectory
        Where.
    kept : mapping of str to TableSummary
        What is known of the complete blocks.
    worker_config : WorkerConfig
        Who reads.
    progress : Progress
        Called with how many items are checked and how many there are.
    stop : callable
        Asked before each block.

    Raises
    ------
    Interrupted
        If `stop` has stopped it.
    """
    digests, files = _listed(output)
    sink, parts = plan.sink(output), {part.block: part for part in block_offsets(plan, kept)}
    there = [block for block in blocks if block.table in kept]
    done, total = 0, sum(len(block.items) for block in there)
    wanted = takewhile(lambda block: not stop(), there)
    calls = ((check_digests, (sink, block, parts[block.number].start, digests.get(block.table))) for block in wanted)
    progress(done, total)
    damaged: list[str] = []
    recorded: list[str] = []
    for block, holds, is_trusted in results(calls, worker_config.at_most(len(there))):
        done += len(block.items)
        progress(done, total)
        if not holds:
            damaged.append(block.table)
            recorded += [block.table] if is_trusted else []
    if done < total:
        raise Interrupted(f"interrupted; {done} of {total} items are checked, nothing was changed")
    return Damage(tuple(damaged), tuple(recorded), tuple(name for name, _ in find_damaged_files(output, files)))


def check_digests(sink: Sink, block: Block, start: int, digest: str | None) -> tuple[Block, bool, bool]:
    """Find out whether a block is intact.

    Parameters
    ----------
    sink : Sink
        Where its shards lie.
    block : Block
        The items.
    start : int
        Number of complete items in the blocks before it.
    digest : str or None
        The sha256 of the block's table, where a manifest states it.

    Returns
    -------
    (Block, bool, bool)
        The block; whether all of it holds; whether its table can be trusted.
    """
    try:
        content = sink.output.read(block.table) or b""
        if digest not in (None, hashlib.sha256(content).hexdigest()):
            return block, False, False
        table = BlockTable.from_bytes(content)
    except OutputError:
        return block, False, False
    problems, _ = find_damage(sink, table, start)
    return block, not problems, True


def find_damage(sink: Sink, table: BlockTable, start: int = 0) -> tuple[list[str], int]:
    """Find the damaged files of a block.

    Parameters
    ----------
    sink : Sink
        Where they lie.
    table : BlockTable
        What is known about the block.
    start : int, default 0
        Number of complete items in the blocks before it.

    Returns
    -------
    (list of str, int)
        One line for each damage, and the number of images in the shards and existing files.
    """
    if isinstance(sink, ImageFolder):
        return _damaged_files(sink, table)
    problems, count, part = [], 0, table.part(start)
    for cell, (found, right) in enumerate(zip(sink.digests(part), split(table.shards, SHARD_BYTES), strict=True)):
        # Every sink of ours that holds sequences knows how many frames they have.
        frames = frames_in(getattr(sink, "frames", ()), cell)
        count += len(part.items) * max(1, frames) if found is not None else 0
        if found == UNREADABLE:
            problems.append(f"{sink.name(cell, part)} cannot be read")
        elif found != right:
            problems.append(
                f"{sink.name(cell, part)} is {'missing' if found is None else 'damaged: checksum mismatch'}"
            )
    return problems, count


def recorded_damage(sink: Sink, name: str, start: int = 0) -> tuple[list[str], int]:
    """Find the damaged files of a block as `find_damage` does, by the file of its table."""
    content, problem = read_file(sink.output, name)
    return ([problem], 0) if content is None else find_damage(sink, BlockTable.from_bytes(content), start)


def find_damaged_files(output: OutputDirectory, dataset_files: Mapping[str, DatasetFile]) -> Iterator[tuple[str, str]]:
    """Find the damaged ones among the files that are for the whole output: the name of each and what is wrong."""
    for name, whole in dataset_files.items():
        size = output.size(name)
        try:
            if size is None:
                yield name, f"{name} is missing"
            elif size != whole.size or output.sha256(name) != whole.sha256:
                yield name, f"{name} is damaged: checksum mismatch"
        except OutputError as error:
            yield name, str(error)


def read_file(output: OutputDirectory, name: str) -> tuple[bytes | None, str]:
    """Read a file of an output, or report why that cannot be done."""
    try:
        content = output.read(name)
    except OutputError as error:
        return None, str(error)
    return content, f"{name} is missing"


def _listed(output: OutputDirectory) -> tuple[Mapping[str, str], Mapping[str, DatasetFile]]:
    """Return the digests of the tables and of the other files as a manifest has them; a damaged one has none."""
    try:
        manifest = parse_record(output.read(MANIFEST) or b"{}", MANIFEST)
        files = dataset_files(manifest)
    except OutputError:
        return {}, {}
    tables = manifest.get("tables")
    return tables if isinstance(tables, dict) else {}, files


def _damaged_files(sink: ImageFolder, table: BlockTable) -> tuple[list[str], int]:
    """Hold the files of a block against the digests of its shards and items."""
    count, made = len(sink.cells), table.made
    digests: dict[tuple[int, int], bytes] = {}
    problems = []
    for i, record in enumerate(made):
        for cell in range(count):
            contents, missing = _read_files(sink, cell, record.item)
            problems += missing
            if not missing:
                digests[i, cell] = stored_digest(contents if frames_in(sink.frames, cell) else contents[0])
    shards = split(table.shards, SHARD_BYTES)
    names = [sink.named(record.item) for record in made]
    bad_cells = [
        cell
        for cell in range(count)
        if shard_digest((names[i], digests.get((i, cell), b"")) for i in range(len(made))) != shards[cell]
    ]
    bad_items = [
        i
        for i, record in enumerate(made)
        if files_digest(digests.get((i, cell), b"") for cell in range(count)) != record.files
    ]
    # A damaged file spoils the digests of its item and of its shard: it is where the two meet.
    suspects = [(i, cell) for i in bad_items for cell in bad_cells if (i, cell) in digests]
    damaged = [(i, cell) for i, cell in suspects if not _holds(sink, made[i], cell)] or suspects
    if len(suspects) == 1 or len(damaged) < len(suspects) or not problems:
        problems += [f"{sink.file(cell, made[i].item)} is damaged: checksum mismatch" for i, cell in damaged]
    if bad_cells and not problems:
        problems.append(f"the table of block {table.number} contradicts itself")
    masks = {file: digest for record in made for file, digest in record.masks.items()}
    for file, digest in masks.items():
        content, problem = read_file(sink.output, file)
        if content is None:
            problems.append(problem)
        elif file_digest(content).hex() != digest:
            problems.append(f"{file} is damaged: checksum mismatch")
    images = sum(max(1, frames_in(sink.frames, cell)) for _, cell in digests)
    return problems, images + len(masks)


def _holds(sink: ImageFolder, record: ItemRecord, cell: int) -> bool:
    """Check whether a lossless file still has the pixels that were made; of others it is unknown."""
    contents, missing = _read_files(sink, cell, record.item)
    if missing or not sink.encoding.is_lossless:
        return False
    try:
        pixels = decode_stored(contents if frames_in(sink.frames, cell) else contents[0])
        return image_digest(pixels) == split(record.pixels, PIXELS_BYTES)[cell]
    except Rejected:
        return False


def _read_files(sink: ImageFolder, cell: int, item: Item) -> tuple[list[bytes], list[str]]:
    """Read the files of an item in a cell; return them and, of each that cannot be read, why."""
    read = [read_file(sink.output, name) for name in sink.item_files(cell, item)]
    return [content for content, _ in read if content is not None], [why for content, why in read if content is None]
