"""A build: a plan that becomes files in one directory, all of it or one shard."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from corruptgen.assets.textures import check_pictures
from corruptgen.codecs.windowing import CleanImage
from corruptgen.engine.backends import WorkerConfig
from corruptgen.engine.block import GONE, Cells, Packed, Work
from corruptgen.engine.block import make_block as block_made
from corruptgen.engine.growth import GROWN_FROM, check_targets, choice_of, earlier_blocks, smaller_plan
from corruptgen.engine.guard import Guard
from corruptgen.engine.identity import Identity, check_identity, check_marks, marks
from corruptgen.engine.inspection import inspect_blocks
from corruptgen.engine.inventory import Inventory, scan_output, sweep
from corruptgen.engine.manifest import (
    CARD,
    MANIFEST,
    MARKER,
    BlockTable,
    TableSummary,
    annotation_record,
    build_manifest,
    build_marker,
    count_noted,
    dataset_files,
    json_bytes,
    manifest_bytes,
    parse_record,
    summarize_table,
)
from corruptgen.engine.ownership import check_environment, check_ours, check_same, expected_files
from corruptgen.engine.plan import Block, Plan
from corruptgen.engine.progress import Progress, results
from corruptgen.engine.resume import block_offsets, completed_blocks, read_sources
from corruptgen.engine.sequences import record_frames
from corruptgen.engine.shards import ANNOTATED, Shard, leftovers, listing_header, shard_records
from corruptgen.engine.source_check import check_content, check_unchanged, fingerprint, sizes_digest
from corruptgen.errors import AssetError, Interrupted, OutputError, SourceError, WorkerError
from corruptgen.records import Item, Outcome, Rejection
from corruptgen.sinks import OutputDirectory, Sink
from corruptgen.sinks.frames import images_per_item
from corruptgen.sinks.protocol import DatasetFile
from corruptgen.sources.states import file_states
from corruptgen.store.lock import Lock
from corruptgen.store.names import printable
from corruptgen.store.output_directory import UNFINISHED
from corruptgen.tables.first_pass import record_planes
from corruptgen.targets.targets import Summary

MOST_NAMED = 3  # rejected items in one message
PROBE_SIDE = 64  # pixels
BEGUN = "the output is not whole and was begun"


def probe(cells: Cells, plan: Plan) -> None:
    """Try every row on a small image, so that what is missing is found before any work is done.

    Raises
    ------
    AssetError
        If rows need pictures that are missing; the message names all of them.
    """
    sizes = plan.preset.sizes
    height, width = sizes.allowed[0] if sizes.allowed else (max(PROBE_SIDE, *sizes.smallest),) * 2
    for plane in plan.planes.values():
        height, width = plane.shape
    ramp = np.linspace(0, 255, height * width * 3).astype(np.uint8).reshape(height, width, 3)
    problems: dict[str, None] = {}
    for row, severity in dict(plan.cells).items():
        try:
            # A row that draws one of the first n pictures of frost has a parameter that says so; the probe draws one.
            if drawn_from := plan.preset.cell(row, severity).parameters.get("pictures") if severity else None:
                check_pictures("frost", int(drawn_from))
            cells.probe((row, severity), CleanImage(ramp))
        except AssetError as error:
            problems[str(error)] = None
    if problems:
        raise AssetError("\n".join(problems))


def check_any(items: int, rejected: Sequence[Rejection]) -> None:
    """Refuse a dataset without items.

    Raises
    ------
    SourceError
        If there is none; the message names some that were rejected.
    """
    if not items:
        reasons = "; ".join(f"{printable(r.id)} {printable(r.reason)}" for r in rejected[:MOST_NAMED])
        more = f" (and {len(rejected) - MOST_NAMED} more)" if len(rejected) > MOST_NAMED else ""
        raise SourceError(f"no item is left for a dataset, all {len(rejected)} were rejected: {reasons}{more}")


@dataclass(frozen=True)
class Standing:
    """What an output holds of a build already."""

    found: Inventory
    """Its files."""
    kept: Mapping[str, TableSummary]
    """The complete blocks, by the name of their table."""
    recorded: Collection[str]
    """The tables of other blocks that state what the sources of their items were."""
    is_finished: bool


@dataclass(frozen=True)
class Build:
    """A plan, or one shard of it, that becomes files in one directory."""

    plan: Plan
    output: OutputDirectory
    shard: Shard | None = None
    lock: Lock = field(default_factory=Lock)
    """What keeps others out of the output while this is made."""
    recorded_identity: Identity | None = None
    """What the pixels were computed by, where that is known from records and nothing is made here."""

    @cached_property
    def identity(self) -> Identity:
        """What the pixels are computed by."""
        if self.recorded_identity is not None:
            return self.recorded_identity
        return Cells.of(self.plan.preset, self.plan.recipe, self.plan.cells).identity(self.plan.source)

    @property
    def blocks(self) -> list[Block]:
        """The blocks that are to be made here."""
        return [block for block in self.plan.blocks if self.shard is None or self.shard.holds(block.number)]

    @property
    def sink(self) -> Sink:
        """What the output is laid out by."""
        return self.plan.sink(self.output)

    @property
    def marker(self) -> dict[str, Any]:
        """Whose output this is."""
        marker = build_marker(self.plan.recipe, self.plan.preset, self.plan.listing, self.identity)
        return marker | record_frames(self.plan.cells, self.plan.frames)

    @property
    def record(self) -> dict[str, Any]:
        """What the record of a shard states, for `merge`."""
        preset = {"name": self.plan.preset.name, "table": self.plan.preset.content}
        share = {"shard": str(self.shard), "blocks": len(self.plan.blocks), "table": preset}
        work = Work.of(self.plan, self.output)
        images = {"shape": work.shape and list(work.shape), **({} if work.dtype == "uint8" else {"dtype": work.dtype})}
        found = record_planes(self.plan.planes)
        return self.marker | share | {"listing": listing_header(self.plan.listing)} | images | found

    def standing(self) -> Standing:
        """Find out what the output holds of this build already."""
        found = scan_output(self.output, *expected_files(self.plan, self.output))
        kept, recorded = completed_blocks(self.plan, self.blocks, self.output, found)
        finished = len(kept) == len(self.blocks) and self.is_closed(kept, found)
        return Standing(found, kept, recorded, finished)

    def check_possible(self, standing: Standing | None = None) -> Work | None:
        """Find what would stop this build before anything is written; nothing is.

        Parameters
        ----------
        standing : Standing or None
            What the output holds, where that is known already.

        Returns
        -------
        Work or None
            What the blocks have in common; None if nothing is missing.

        Raises
        ------
        AssetError
            If a row needs a picture that is missing.
        RecipeError
            If the format cannot hold the images.
        OutputError
            If the directory holds what this build has not put there, or was begun by other code or versions.
        """
        standing = standing or self.standing()
        if standing.is_finished:
            return None
        check_ours(standing.found, self.output)
        work = Work.of(self.plan, self.output)
        if len(standing.kept) < len(self.blocks):
            probe(work.cells, self.plan)
        if self.check_growth() is None:
            self.check_begun()
        self.check_blocks(standing.kept)
        return work

    @property
    def guard(self) -> Guard:
        """What looks after the output while this is made."""
        return Guard(self.plan, self.output, self.lock, self.marker)

    def clean_up(self) -> None:
        """Leave the output so that the same command resumes."""
        self.guard.clean_up(self.marker | {"content": self.content}, shared=self.shard is not None)

    @cached_property
    def content(self) -> str:
        """What the source is recognised by beside its names."""
        return fingerprint(Work.of(self.plan, self.output), self.plan.listing.items)

    def check_replacing(self) -> None:
        """Find what would stop this build, before an earlier one is removed for it.

        Raises
        ------
        SourceError
            If a sample of the items cannot be read, or no item can be used.
        RecipeError, AssetError
            If the format cannot hold the images, or a row cannot be made.
        OutputError
            If nothing can be written.
        """
        work = Work.of(self.plan, self.output)
        probe(work.cells, self.plan)
        if work.first(self.plan.listing.items) is None:
            raise SourceError(
                "no item of the source can be used, so nothing was removed; `corruptgen plan` reports more"
            )
        _ = self.content
        self.output.write(UNFINISHED, b"")
        self.output.remove(UNFINISHED)

    def run(self, worker_config: WorkerConfig, progress: Progress, stop: Callable[[], bool], *, check: bool) -> Outcome:
        """Make what is missing; with `check`, also what is damaged."""
        self.begin_growth()
        standing = self.standing()
        kept, recorded, finished = standing.kept, standing.recorded, standing.is_finished
        damaged_files: Sequence[str] = ()
        if check:
            damage = inspect_blocks(self.plan, self.blocks, self.output, kept, worker_config, progress, stop)
            kept = {table: known for table, known in kept.items() if table not in damage.tables}
            recorded = {*recorded, *damage.recorded}
            damaged_files, finished = damage.dataset_files, finished and damage.is_none
        if finished and not self.shard and standing.found.unfinished:
            sweep(self.output)
        work = self.check_possible(replace(standing, kept=kept, is_finished=finished))
        # It knows every unit of the output, which nothing asks for any more.
        del standing
        if work is not None:
            kept = self.make(work, kept, recorded, worker_config, progress, stop)
            if self.shard:
                self.guard.check_made(kept)
            else:
                try:
                    self.finish(kept, work.sink, damaged_files)
                except OutputError:
                    self.clean_up()
                    raise
        return self.outcome(kept, finished)

    def outcome(self, kept: Mapping[str, TableSummary], finished: bool) -> Outcome:
        """Summarize what exists."""
        items = sum(table.items for table in kept.values())
        rejected = [*self.plan.listing.rejected, *(r for table in kept.values() for r in table.rejected)]
        return Outcome(
            output=self.output.root,
            items=items,
            cells=len(self.plan.cells),
            files=items * images_per_item(self.plan.frames, len(self.plan.cells)),
            rejected=tuple(sorted(rejected, key=lambda rejection: rejection.id)),
            ignored=self.plan.listing.ignored,
            was_finished=finished,
            noted=count_noted(kept.values()),
        )

    def make(
        self,
        work: Work,
        kept: Mapping[str, TableSummary],
        with_record: Collection[str],
        worker_config: WorkerConfig,
        progress: Progress,
        stop: Callable[[], bool],
    ) -> dict[str, TableSummary]:
        """Make the blocks that are not kept, and return what is known of all; of some there are tables."""

        def sources(block: Block) -> dict[str, str]:
            # Read for one block at a time: those of all would fill the memory.
            return read_sources(self.output, block) if block.table in with_record else {}

        made, missing = dict(kept), [block for block in self.blocks if block.table not in kept]
        total = sum(len(block.items) for block in self.blocks)
        done = total - sum(len(block.items) for block in missing)
        is_here = not worker_config.is_elsewhere
        seen = {block.number: file_states(work.source, block.items, times=is_here) for block in missing}
        earlier = earlier_blocks(self.plan, self.output, self.read_marker())
        # What a finished output has lost is recorded; what was never made is not.
        if self.output.size(MANIFEST) is None or any(len(sources(block)) < len(block.items) for block in missing):
            check_unchanged(work, [block for block in self.blocks if block.table in kept], worker_config, stop)
            for begun in self.check_begun():
                check_content(begun, self.content)
        mark, guard = self.begin(), self.guard
        work = replace(work, mark=mark if is_here else b"")
        progress(done, total)
        wanted, packed = takewhile(lambda block: not stop(), missing), Packed.of(work)
        calls = (
            (block_made, (packed, block, sources(block), seen[block.number], earlier.get(block.table)))
            for block in wanted
        )
        try:
            with closing(results(calls, worker_config.at_most(len(missing)))) as tables:
                for table in tables:
                    block, content = self.plan.blocks[table.number], table.to_bytes()
                    if worker_config.is_elsewhere:
                        guard.check_sight(block, content)
                    guard.check_ours()
                    made[block.table] = summarize_table(table, content, block.items)
                    done += len(block.items)
                    progress(done, total)
        except WorkerError:
            self.clean_up()
            if stop():
                # The signal has reached the workers too, wherever they are.
                raise Interrupted(f"interrupted; {done} of {total} items are done") from None
            raise
        except OutputError as error:
            self.clean_up()
            if str(error) == GONE:
                raise
            resume_hint = "fix that and run the same command to resume"
            raise OutputError(f"{error}; {resume_hint}") from error
        except BaseException:
            self.clean_up()
            raise
        if len(made) < len(self.blocks):
            raise Interrupted(f"interrupted; {done} of {total} items are done")
        return made

    def read_marker(self) -> dict[str, Any]:
        """Read whose output this is; nothing if it is that of no build yet."""
        content = self.output.read(MARKER)
        return {} if content is None else parse_record(content, MARKER)

    def check_growth(self) -> dict[str, Any] | None:
        """Check whether the output is a smaller one that this build adds cells to, and whether that is possible.

        Returns
        -------
        dict of str to object or None
            What the marker states of the cells that exist; None if the output does not begin to grow now.

        Raises
        ------
        OutputError
            If the output is not finished, or was made by other code or libraries.
        SourceError
            If the source has other images now.
        RecipeError
            If masks or annotations would move in the cells that are added.
        AssetError
            If one of these needs a picture that is missing.
        """
        there = self.read_marker()
        smaller = smaller_plan(self.plan, there) if there and GROWN_FROM not in there else None
        if smaller is None:
            return None
        check_targets(self.plan, smaller)
        before = replace(self, plan=smaller)
        check_same(there, before.marker)
        what = "the output that rows or severities are to be added to was made"
        check_environment(there, before.marker, what)
        check_identity(there.get("identity"), before.identity, what)
        if self.output.size(MANIFEST) is None or shard_records(self.output.root):
            if GROWN_FROM in self.read_marker():
                # Another shard has begun meanwhile.
                return None
            raise OutputError(
                "rows and severities can be added to a finished output, and this one is not: finish it with the "
                "recipe that it was begun with, or begin again with --overwrite"
            )
        probe(Work.of(self.plan, self.output).cells, self.plan)
        check_content(there, before.content)
        return choice_of(smaller.recipe.content())

    def begin_growth(self) -> None:
        """Turn a finished output that this build adds cells to into an unfinished one of this build."""
        choice = self.check_growth()
        if choice is not None:
            check_ours(scan_output(self.output, *expected_files(self.plan, self.output)), self.output)
            mark = self.marker | {"content": self.content, GROWN_FROM: choice}
            self.output.write(MARKER, json_bytes(mark), durable=True)
        if GROWN_FROM in self.read_marker():
            for name in (MANIFEST, *CARD):
                self.output.remove(name)

    def end_growth(self) -> None:
        """Let the marker say what that of an output says that was made at once; all blocks have all cells now."""
        mark = self.read_marker()
        if mark.pop(GROWN_FROM, None) is not None:
            self.output.write(MARKER, json_bytes(mark), durable=True)

    def check_begun(self) -> list[dict[str, Any]]:
        """Refuse to mix with what others have made, or other versions; return the marks of all that was begun here."""
        begun = [
            parse_record(content, MARKER)
            for content in [self.output.read(MARKER), *shard_records(self.output.root)]
            if content is not None
        ]
        for mark in begun:
            check_same(mark, self.marker)
            check_environment(mark, self.marker)
            check_identity(mark.get("identity"), self.identity, BEGUN)
        return begun

    def begin(self) -> bytes:
        """Write the marker of this build, and return its content."""
        self.check_begun()
        there = self.output.read(MARKER)
        if there is None:
            mark = self.marker | {"content": self.content}
            self.output.write(MARKER, json_bytes(mark), durable=True)
        if self.shard:
            self.output.remove(MANIFEST)
            copy = self.plan.targets.annotation_bytes()
            if copy is not None and self.output.read(ANNOTATED) != copy:
                self.output.write(ANNOTATED, copy, durable=True)
            sizes = sizes_digest(Work.of(self.plan, self.output), self.plan.listing.items)
            record = self.record | {"content": self.content, "sizes": sizes}
            self.output.write(self.shard.record, json_bytes(record), durable=True)
        elif there is not None:
            sweep(self.output)
        return self.output.read(MARKER) or b""

    def check_blocks(self, kept: Mapping[str, TableSummary]) -> None:
        """Refuse blocks that other code has made than this build resumes."""
        wanted = marks(self.identity)
        of_ours = json.dumps(wanted, sort_keys=True)
        for table, known in kept.items():
            if known.made_by != of_ours:
                check_marks(json.loads(known.made_by or "{}"), wanted, table)

    def finish(self, kept: Mapping[str, TableSummary], sink: Sink, damaged_files: Collection[str] = ()) -> None:
        """Write what is for the whole output and the manifest, now that all blocks exist.

        Parameters
        ----------
        kept : mapping of str to TableSummary
            What is known of the blocks.
        sink : Sink
            What the output is laid out by, ready to write.
        damaged_files : collection of str
            Files for the whole output that exist and are damaged.
        """
        outcome = self.outcome(kept, finished=False)
        check_any(outcome.items, outcome.rejected)
        # A worker of a killed run may have lived on for a moment after the first sweep.
        sweep(self.output)
        files = sink.finish(list(block_offsets(self.plan, kept)), damaged_files)
        known, sizes = {}, {name: whole.size for name, whole in files.items()}
        for summary in self.summaries():
            self.output.write(summary.name, summary.content, durable=True)
            known[summary.name] = annotation_record(summary)
            sizes[summary.name] = len(summary.content)
        self.guard.check_made(kept, sizes)
        self.end_growth()
        self.output.write(MANIFEST, manifest_bytes(self.manifest(kept, files, known)), durable=True)
        for name in [*leftovers(self.output.root), *(name for name in CARD if name not in files)]:
            self.output.remove(name)

    def summaries(self) -> Iterator[Summary]:
        """Put together the annotation files of the output from the tables."""

        def made_items() -> Iterator[tuple[Item, Mapping[str, Any], Sequence[int]]]:
            for block in self.plan.blocks:
                for record in BlockTable.from_bytes(self.output.read(block.table) or b"").made:
                    yield record.item, record.changes, record.frame

        return self.plan.targets.summarised(made_items)

    def manifest(
        self, kept: Mapping[str, TableSummary], files: Mapping[str, DatasetFile], known: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the manifest of the whole build; `known` is what is known about each annotation file."""
        plan = self.plan
        ordered = {block.table: kept[block.table] for block in plan.blocks}
        frames = record_frames(plan.cells, plan.frames)
        return build_manifest(
            plan.recipe, plan.preset, plan.listing, self.identity, plan.folders, ordered, files, known, frames
        ) | record_planes(plan.planes)

    def _is_recorded(self, shard: Shard) -> bool:
        """Check whether a shard has left its record, as it would be written today."""
        content = self.output.read(shard.record)
        if content is None:
            return False
        try:
            said = parse_record(content, shard.record)
        except OutputError:
            return False
        for key in ("content", "sizes"):
            said.pop(key, None)
        return json_bytes(said) == json_bytes(self.record)

    def is_closed(self, kept: Mapping[str, TableSummary], found: Inventory) -> bool:
        """Check whether the files of a finished build exist; manifests that other versions wrote are accepted."""
        try:
            content = self.output.read(MANIFEST)
        except OutputError:
            # One that cannot be read is damage like another.
            return False
        if self.shard:
            said = self._is_recorded(self.shard)
            return content is not None or (said and self.output.read(ANNOTATED) == self.plan.targets.annotation_bytes())
        if content is None or leftovers(self.output.root) or not self.sink.is_settled(found, len(self.plan.blocks)):
            return False
        try:
            made = parse_record(content, MANIFEST)
            card = made.pop("card", {})
            made.pop("digest", None)
            files = dataset_files(made)
        except OutputError:
            # The marker beside it was understood: this is damage, and the end of a build rewrites it.
            return False
        if any(found.count(name)[1] != whole.size for name, whole in files.items() if name not in card):
            return False
        known = {}
        for summary in self.summaries():
            if not self.output.holds(summary.name, summary.content):
                return False
            known[summary.name] = annotation_record(summary)
        if json_bytes(made) == json_bytes(self.manifest(kept, files, known)):
            return True
        begun = parse_record(self.output.read(MARKER) or b"{}", MARKER)
        return any(begun.get(key) != self.marker[key] for key in ("environment", "identity"))
