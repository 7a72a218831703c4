"""Merging: the shards that many processes have made become one dataset."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from corruptgen.engine.build import Build
from corruptgen.engine.identity import describe, describe_missing
from corruptgen.engine.inventory import scan_output
from corruptgen.engine.manifest import (
    MANIFEST,
    MARKER,
    RECORD,
    BlockTable,
    TableSummary,
    environment,
    json_bytes,
    parse_record,
    summarize_table,
)
from corruptgen.engine.ownership import check_environment, expected_files
from corruptgen.engine.plan import CLEAN, Block, Plan, recipe_cells, table_name
from corruptgen.engine.resume import completeness_check
from corruptgen.engine.sequences import recorded_frames
from corruptgen.engine.shards import ANNOTATED, Shard, restore_listing, shard_records
from corruptgen.errors import CorruptgenError, OutputError, Rejected
from corruptgen.recipe.declarations import describe_missing_plug_ins
from corruptgen.recipe.recipe import Recipe, read_recipe
from corruptgen.records import Item, Items, Listing, Outcome, Rejection
from corruptgen.sinks import Dataset, OutputDirectory
from corruptgen.store.digests import SHARD_BYTES
from corruptgen.store.lock import hold_lock
from corruptgen.tables import catalog
from corruptgen.tables.first_pass import recorded_planes
from corruptgen.targets.targets import recorded_targets
from corruptgen.values.addresses import local_path
from corruptgen.values.arguments import path_value
from corruptgen.values.comparison import describe_differences

AGREEING = (
    "schema", "recipe", "preset", "source", "environment", "identity", "blocks", "table", "listing", "shape", "dtype",
    "content", "sizes", "first_pass",
)  # fmt: skip
MOST_NAMED = 20  # blocks or shards in one message


@dataclass(frozen=True)
class _NoSource:
    """In the place of a source: when all blocks exist, nothing is read again."""

    def listing(self) -> Listing:
        return Listing(Items.of(()))

    def read(self, item: Item) -> bytes:
        raise Rejected("cannot be read: there is no source here")

    def files(self, items: Sequence[Item]) -> list[str]:
        return []


def merge(directory: str | Path) -> Outcome:
    """Write the one manifest of what all shards have made; the source is not needed.

    Parameters
    ----------
    directory : str or Path
        The output that the shards share, or into which their outputs were copied.

    Returns
    -------
    Outcome
        The existing output. A merged output is left as it is.

    Raises
    ------
    OutputError
        If blocks are missing, or were made by another recipe, from another source or with other versions; nothing is
        changed then.

    Examples
    --------
    >>> import corruptgen
    >>> for shard in ("1/2", "2/2"):
    ...     done = corruptgen.generate("small.toml", output="shared-c", workers=1, shard=shard)
    >>> merge("shared-c").items
    2
    """
    path_value("directory", directory)
    output = OutputDirectory(Path(os.path.abspath(local_path(directory, "the output"))))
    if not output.root.is_dir():
        raise OutputError(f"{output.root.name} is no directory; name the output of the shards")
    with hold_lock(output.root) as lock:
        written = [parse_record(content, RECORD) for content in shard_records(output.root)]
        if not written:
            return _merged(output)
        record = _agreed(written, parse_record(output.read(MARKER) or b"", MARKER))
        plan, kept = _plan(output, record, _shares(written))
        build = Build(plan, output, lock=lock, recorded_identity=record.get("identity", {}))
        build.check_blocks(kept)
        found = scan_output(output, *expected_files(build.plan, output))
        found.check_foreign()
        is_whole = completeness_check(plan, output, found)
        _check_whole([b.number for b in plan.blocks if not is_whole(kept[b.table].part)], _shares(written))
        shape = record["shape"] and tuple(record["shape"])
        dataset = Dataset(plan.preset, plan.classes, plan.listing.items, shape, record.get("dtype", "uint8"))
        build.finish(kept, build.sink.ready(dataset))
        return build.outcome(kept, finished=False)


def _merged(output: OutputDirectory) -> Outcome:
    """Sum up an output that has its manifest."""
    content = output.read(MANIFEST)
    if content is None:
        raise OutputError(f"{output.root.name} holds no shards; make them with generate --shard 1/16 and so on")
    listed = parse_record(content, MANIFEST)
    try:
        counts = listed["counts"]
        return Outcome(
            output=output.root,
            items=counts["items"],
            cells=counts["cells"],
            files=counts["files"],
            rejected=tuple(Rejection(entry["id"], entry["reason"]) for entry in listed["rejected"]),
            ignored=counts["ignored"],
            was_finished=True,
            noted=dict(listed.get("noted", {})),
        )
    except (LookupError, TypeError) as error:
        raise OutputError(f"{MANIFEST} is damaged: {error}") from error


def _agreed(written: Sequence[Mapping[str, Any]], marker: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse shards that do not belong together; return what all of them record."""
    first = written[0]
    if "environment" not in first:
        raise OutputError("the record of a shard is damaged; run that shard again")
    now = {"environment": environment(_recipe(first))}
    check_environment(first, now)
    for record in written[1:]:
        differs = [key for key in AGREEING if record.get(key) != first.get(key)]
        if "environment" in differs:
            check_environment(record, now)
        if "identity" in differs:
            one, other = str(first.get("shard")), str(record.get("shard"))
            words = f"in shard {one}", f"in {other}"
            raise OutputError(
                f"shards {one} and {other} do not belong together, for they were made with other code or libraries: "
                f"{describe(first.get('identity'), record.get('identity'), words)}; make all of them with the same ones"
            )
        if differs:
            shards = str(first.get("shard")), str(record.get("shard"))
            words = f"in shard {shards[0]}", f"in {shards[1]}"
            ours, theirs = ({key: one.get(key) for key in differs if key != "source"} for one in (first, record))
            values = describe_differences(ours, theirs, words)
            what = f"{', '.join(differs)} differ" + (f": {values}" if values else "")
            raise OutputError(
                f"shards {shards[0]} and {shards[1]} do not belong together: their {what}; "
                "make all of them of one recipe and one source, with the same versions"
            )
    if any(marker.get(key) != first.get(key) for key in ("recipe", "preset", "source", "environment", "identity")):
        raise OutputError(f"{MARKER} is not that of these shards; copy it from where they were made")
    return first


def _recipe(record: Mapping[str, Any]) -> Recipe:
    lacking = describe_missing_plug_ins(record.get("plugins"))
    if lacking:
        raise OutputError(f"the shards cannot be merged here: {lacking}; install it first")
    try:
        return read_recipe(record["recipe"], MARKER)
    except (CorruptgenError, LookupError) as error:
        raise OutputError(f"the record of a shard is damaged: {error}") from error


def _shares(written: Sequence[Mapping[str, Any]]) -> list[Shard]:
    return [Shard.parse(str(record.get("shard"))) for record in written]


def _plan(
    output: OutputDirectory, record: Mapping[str, Any], shares: Sequence[Shard]
) -> tuple[Plan, dict[str, TableSummary]]:
    """Rebuild the plan from what the shards have written down, and sum up the tables of its blocks."""
    try:
        recipe = _recipe(record)
        lacking = describe_missing(record["table"]["table"], record.get("identity"))
        if lacking:
            raise OutputError(f"the shards cannot be merged here: {lacking}; install it first")
        preset = catalog.preset_from(record["table"]["name"], record["table"]["table"])
        count, header, _ = int(record["blocks"]), record["listing"], record["shape"]
    except OutputError:
        raise
    except (CorruptgenError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise OutputError(f"the record of a shard is damaged: {error}") from error
    cells, missing, edges = recipe_cells(recipe), list[int](), [0]

    def recorded_items() -> Iterator[Item]:
        for number in range(count):
            try:
                table = BlockTable.from_bytes(output.read(table_name(number)) or b"")
            except OutputError:
                missing.append(number)
                continue
            if len(table.shards) != len(cells) * SHARD_BYTES:
                # Of an output that grows, by a shard that was not made yet.
                missing.append(number)
            edges.append(edges[-1] + len(table.records))
            yield from (record.item for record in table.records)

    # All of them together take half the memory of those of each block.
    items = Items.of(recorded_items())
    _check_whole(missing, shares)
    blocks = [Block(number, items[start:end]) for number, (start, end) in enumerate(pairwise(edges))]
    kept = {}
    for block in blocks:
        content = output.read(block.table) or b""
        kept[block.table] = summarize_table(BlockTable.from_bytes(content), content, block.items)
    listing = restore_listing(header, items)
    carried = recorded_targets(recipe, preset, (name for name in cells if name != CLEAN))
    if carried.is_annotated and output.size(ANNOTATED) is None:
        raise OutputError(
            f"{ANNOTATED} does not exist; copy it from where the shards were made, or run one of them again"
        )
    targets = replace(carried, annotated=output.path(ANNOTATED), digest=listing.annotations)
    frames = recorded_frames(cells, record)
    planes = recorded_planes(record)
    plan = Plan(recipe, preset, _NoSource(), listing, cells, tuple(blocks), targets, frames, planes)
    begun = Build(plan, output, recorded_identity=record.get("identity", {})).marker
    if json_bytes(begun) != json_bytes({key: record.get(key, {}) for key in begun}):
        raise OutputError("the tables of the blocks do not name the items that the shards were begun with")
    return plan, kept


def _check_whole(missing: Sequence[int], shares: Sequence[Shard]) -> None:
    """Refuse to merge while blocks are missing, and report which shards make them."""
    if not missing:
        return
    counts = {shard.count for shard in shares}
    text = f"blocks {_named(list(_ranges(missing)))} are missing or not whole; "
    if len(counts) == 1:
        count = counts.pop()
        wanted = sorted({Shard(block % count + 1, count) for block in missing})
        raise OutputError(text + f"run generate with --shard {_named(list(map(str, wanted)))} again, then merge")
    raise OutputError(text + "run the shards again that make them, then merge")


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        yield str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
