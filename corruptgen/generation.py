"""From a recipe to a dataset on disk; interrupted anywhere, the same call goes on."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corruptgen.block import Cells, Work, made
from corruptgen.errors import OutputError, RecipeError
from corruptgen.inventory import Inventory, clear, inventory, sweep
from corruptgen.manifest import (
    MANIFEST,
    MARKER,
    Recorded,
    Table,
    annotation_record,
    json_bytes,
    manifest,
    marker,
    parsed,
    recorded,
)
from corruptgen.names import storable
from corruptgen.plan import Block, Plan, planned, spelled_cells
from corruptgen.progress import Progress, results
from corruptgen.recipe import Recipe
from corruptgen.recipe import read as read_recipe
from corruptgen.records import Item, Outcome
from corruptgen.sinks.folder import Folder, cell_folder, item_name
from corruptgen.sources import CocoSource, FolderSource
from corruptgen.targets import ANNOTATIONS, Summary

PROBE_SIDE = 64  # pixels


def generate(
    recipe: str | Path | Recipe,
    *,
    source: str | Path | None = None,
    output: str | Path | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Make the dataset that a recipe describes.

    Parameters
    ----------
    recipe : the path of a recipe, the name of a shipped one, or a recipe
    source : where the clean images are; None: where the recipe says
    output : the directory to make; None: `<name>-<version>` in the current directory
    workers : number of processes; None: one for each processor; 1: this process does it all
    overwrite : remove what an earlier build has put into the directory; never what something else has put there
    progress : called with how many items are done and how many there are

    Returns
    -------
    What was made and what was rejected. A finished output is left as it is, an unfinished one is gone on with.

    Raises
    ------
    RecipeError
        If the recipe is wrong.
    SourceError
        If the source is not there, or has changed since the output was begun.
    OutputError
        If the directory cannot be written or holds something else.
    AssetError
        If a picture that a row needs is missing; nothing has been written then.
    """
    if workers is not None and workers < 1:
        raise RecipeError(f"workers is {workers}; it must be at least 1")
    plan = planned(recipe, source)
    folder = Folder(Path(os.path.abspath(output or f"{plan.recipe.name}-{plan.recipe.version}")))
    _check_apart(plan, folder)
    build = _Build(plan, folder, marker(plan.recipe, plan.preset, plan.listing))
    build.claim(overwrite)
    return build.run(workers, progress)


def probe(cells: Cells, plan: Plan) -> None:
    """Try every row on a small image, so that what is missing is found before any work is done.

    Raises
    ------
    AssetError
        If a row needs a picture that is not there.
    """
    sizes = plan.preset.sizes
    height, width = sizes.allowed[0] if sizes.allowed else (max(PROBE_SIDE, *sizes.smallest),) * 2
    ramp = np.linspace(0, 255, height * width * 3).astype(np.uint8).reshape(height, width, 3)
    for row, severity in dict(plan.cells).items():
        cells.apply((row, severity), ramp, "probe")


@dataclass(frozen=True)
class _Build:
    """A plan that becomes files in one directory."""

    plan: Plan
    output: Folder
    marker: Mapping[str, Any]

    def claim(self, overwrite: bool) -> None:
        """Make sure that the directory is ours to write into, and refuse it otherwise."""
        if self.output.root.exists() and not self.output.root.is_dir():
            raise OutputError(f"the output {self.output.root.name} is a file; choose a directory with --output")
        there = self.output.read(MARKER)
        if overwrite:
            self.overwritten(there)
        elif there is not None:
            self.check_marker(parsed(there, MARKER))

    def check_marker(self, there: Mapping[str, Any]) -> None:
        """Refuse an output that another build has begun."""
        differs = [key for key in ("recipe", "preset", "source") if there.get(key) != self.marker[key]]
        if differs:
            raise OutputError(
                f"the output directory holds another build: its {' and '.join(differs)} "
                f"{'is' if len(differs) == 1 else 'are'} not the same; choose another directory with --output, "
                "or remove that build with --overwrite"
            )

    def check_environment(self, there: Mapping[str, Any]) -> None:
        """Refuse to go on with an output that was begun with other versions: its parts would not match."""
        before, now = there.get("environment", {}), self.marker["environment"]
        if before != now:
            versions = [f"{name} {before.get(name)}, now {now[name]}" for name in now if before.get(name) != now[name]]
            raise OutputError(
                f"the output is not whole and was begun with other versions ({'; '.join(versions)}); "
                "finish it with those, or begin anew with --overwrite"
            )

    def overwritten(self, there: bytes | None) -> None:
        """Remove an earlier build, whosever it is, and nothing else."""
        cells, tables, items, carried = set(self.plan.folders), self.tables(), set(self.items()), self.carried()
        if there is not None:
            earlier = read_recipe(parsed(there, MARKER)["recipe"], MARKER)
            cells |= {cell_folder(*name) for name in spelled_cells(earlier)}
            extension = earlier.output.stored.extension
            items |= {item_name(item, extension) for block in self.plan.blocks for item in block.items}
            if earlier.source.kind == "coco":
                carried |= {ANNOTATIONS, *(f"{cell}/{ANNOTATIONS}" for cell in cells)}
            for path in sorted(self.output.root.glob("items/*.jsonl")):
                tables.add(f"items/{path.name}")
                records = Table.from_bytes(path.read_bytes()).records
                items |= {item_name(record.item, extension) for record in records}
                carried |= {file for record in records for file in record.masks}
        found = inventory(self.output, cells, items, tables, carried, gather=True)
        found.check_foreign()
        if there is None and found.ours:
            raise OutputError("the output directory was not made by corruptgen; choose another one with --output")
        clear(self.output, [*found.ours, *found.unfinished])

    def run(self, workers: int | None, progress: Progress | None) -> Outcome:
        """Make what is missing."""
        found = inventory(self.output, set(self.plan.folders), self.items(), self.tables(), self.carried())
        kept: dict[str, Recorded] = {}
        before: dict[str, str] = {}
        for block in self.plan.blocks:
            table = self.kept(block, found, before)
            if table:
                kept[block.table] = table
        finished = len(kept) == len(self.plan.blocks) and self.has_manifest(kept)
        if not finished:
            found.check_foreign()
            self.make(kept, before, workers, progress)
        items = sum(table.items for table in kept.values())
        rejected = [*self.plan.listing.rejected, *(r for table in kept.values() for r in table.rejected)]
        cells = len(self.plan.cells)
        return Outcome(
            output=self.output.root,
            items=items,
            cells=cells,
            files=items * cells,
            rejected=tuple(sorted(rejected, key=lambda rejection: rejection.id)),
            ignored=self.plan.listing.ignored,
            was_finished=finished,
        )

    def make(
        self, kept: dict[str, Recorded], before: Mapping[str, str], workers: int | None, progress: Progress | None
    ) -> None:
        """Make the blocks that are not kept, which are added to `kept`, then the manifest."""
        recipe, blocks = self.plan.recipe, self.plan.blocks
        cells = Cells.of(self.plan.preset, recipe, self.plan.cells)
        work = Work(cells, self.plan.source, recipe.decode, recipe.output.stored, self.output, self.plan.targets)
        missing = [block for block in blocks if block.table not in kept]
        if missing:
            probe(cells, self.plan)
        there = self.output.read(MARKER)
        if there is not None:
            self.check_environment(parsed(there, MARKER))
            sweep(self.output)
        else:
            self.output.write(MARKER, json_bytes(self.marker), durable=True)

        total = len(self.plan.listing.items)
        done = total - sum(len(block.items) for block in missing)
        report = progress or (lambda done, total: None)
        report(done, total)
        calls = ((made, (work, block, _of(block, before))) for block in missing)
        for table in results(calls, workers):
            block = blocks[table.number]
            kept[block.table] = recorded(table, table.to_bytes())
            done += len(block.items)
            report(done, total)
        if there is not None:
            # A worker of the killed run may have lived on for a moment after the first sweep.
            sweep(self.output)
        known = {}
        for summary in self.summaries():
            self.output.write(summary.name, summary.content, durable=True)
            known[summary.name] = annotation_record(summary)
        self.output.write(MANIFEST, self.manifest(kept, known), durable=True)

    def manifest(self, kept: Mapping[str, Recorded], known: Mapping[str, Any]) -> bytes:
        """Give the manifest of the whole build; `known` is what is known about each annotation file."""
        plan = self.plan
        ordered = {block.table: kept[block.table] for block in plan.blocks}
        return json_bytes(manifest(plan.recipe, plan.preset, plan.listing, plan.folders, ordered, known or None))

    def summaries(self) -> Iterator[Summary]:
        """Put together the annotation files of the output from the tables."""

        def records() -> Iterator[tuple[Item, Mapping[str, Any]]]:
            for block in self.plan.blocks:
                for record in Table.from_bytes(self.output.read(block.table) or b"").made:
                    yield record.item, record.changes

        return self.plan.targets.summarised(records)

    def has_manifest(self, kept: Mapping[str, Recorded]) -> bool:
        """Tell whether the manifest is there and right; other versions' manifests of the same build are."""
        content = self.output.read(MANIFEST)
        known = {}
        for summary in self.summaries():
            if self.output.read(summary.name) != summary.content:
                return False
            known[summary.name] = annotation_record(summary)
        if content is None or content == self.manifest(kept, known):
            return content is not None
        marker = parsed(self.output.read(MARKER) or b"{}", MARKER)
        return bool(marker["environment"] != self.marker["environment"])

    def kept(self, block: Block, found: Inventory, before: dict[str, str]) -> Recorded | None:
        """Sum up a block whose table and files are there in full; note the sources of one that is not in `before`."""
        content = self.output.read(block.table)
        if content is None:
            return None
        try:
            table = Table.from_bytes(content)
        except OutputError:
            return None
        extension = self.plan.recipe.output.stored.extension
        names = [item_name(record.item, extension) for record in table.made]
        masks = [file for record in table.made for file in record.masks]
        fits = (
            [record.id for record in table.records] == [item.id for item in block.items]
            and all(found.counts[name] == len(self.plan.cells) for name in names)
            and all(found.counts[file] for file in masks)
            and sum(found.sizes[name] for name in [*names, *masks]) == table.size
        )
        if fits:
            return recorded(table, content)
        before |= {record.id: record.source for record in table.made}
        return None

    def items(self) -> set[str]:
        """Name the items in each cell."""
        extension = self.plan.recipe.output.stored.extension
        return {item_name(item, extension) for item in self.plan.listing.items}

    def carried(self) -> set[str]:
        """Name the masks and the annotation files."""
        targets = self.plan.targets
        return {*targets.summaries, *(file for item in self.plan.listing.items for file in targets.files(item))}

    def tables(self) -> set[str]:
        """Name the tables."""
        return {block.table for block in self.plan.blocks}


def _of(block: Block, before: Mapping[str, str]) -> dict[str, str]:
    return {item.id: before[item.id] for item in block.items if item.id in before}


def _check_apart(plan: Plan, output: Folder) -> None:
    """Refuse an output among the clean images, where the next run would take it for more of them."""
    if isinstance(plan.source, FolderSource | CocoSource):
        source, target = (Path(os.path.realpath(path)) for path in (plan.source.root, output.root))
        if source == target or source in target.parents or target in source.parents:
            raise OutputError(
                f"the output {storable(target.name)} and the source {storable(source.name)} lie within each other; "
                "choose another directory with --output"
            )
