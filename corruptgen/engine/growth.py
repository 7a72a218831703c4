"""Growth: rows and severities that a finished output is given beside those that it has, which are not regenerated."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corruptgen.engine.manifest import BlockTable
from corruptgen.engine.plan import Plan, recipe_cells
from corruptgen.errors import OutputError, RecipeError, Rejected
from corruptgen.recipe.corrupt_section import read_severities
from corruptgen.recipe.recipe import Recipe, current_form
from corruptgen.sinks import OutputDirectory, Sample, Sink, WrittenShard
from corruptgen.sinks.protocol import Part
from corruptgen.store.digests import PIXELS_BYTES, SHARD_BYTES, files_digest, split, stored_digest

# The key of a marker that says which cells an output had before it began to grow; a finished one has none.
GROWN_FROM = "grown_from"

Name = tuple[str, float]


def choice_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may differ between the recipes of an output and of a larger one, as the marker keeps it."""
    corrupt, output = recipe.get("corrupt", {}), recipe.get("output", {})
    return {
        "version": recipe.get("version", ""),
        "rows": corrupt.get("rows") or [],
        "severities": corrupt.get("severities") or [],
        "clean": output.get("clean", False),
    }


def smaller_plan(plan: Plan, marker: Mapping[str, Any]) -> Plan | None:
    """Return the plan that an output was made by, if the only difference is that this plan has more cells.

    Parameters
    ----------
    plan : Plan
        What is to be made.
    marker : mapping of str to object
        That of the output; it may have begun to grow already.

    Returns
    -------
    Plan or None
        The plan of the output before it grew; None if this plan does not add to it, or differs in anything else.
    """
    before = current_form(marker.get("recipe", {}))
    choice = marker.get(GROWN_FROM)
    if choice is not None and before != plan.recipe.content():
        return None
    try:
        recipe = _smaller_recipe(plan.recipe, choice or choice_of(before))
        cells = recipe_cells(recipe)
        is_same = choice is not None or recipe.content() == before
        adds = is_same and set(cells) < set(plan.cells)
    except (TypeError, ValueError, AttributeError):
        # The recipe in the marker is none, which those who compare it name.
        return None
    known = dict(zip(plan.cells, plan.frames, strict=False))
    frames = tuple(known[cell] for cell in cells if known) if adds else ()
    return replace(plan, recipe=recipe, cells=cells, frames=frames) if adds else None


def _smaller_recipe(recipe: Recipe, choice: Mapping[str, Any]) -> Recipe:
    severities = read_severities(choice["severities"]) if choice["severities"] else ()
    corrupt = replace(recipe.corrupt, rows=tuple(choice["rows"]), severities=severities)
    output = replace(recipe.output, clean=choice["clean"])
    return replace(recipe, version=choice["version"], corrupt=corrupt, output=output)


def check_targets(plan: Plan, smaller: Plan) -> None:
    """Refuse to add cells that move masks or annotations: items that these cannot take would have to be removed."""
    added = [row for row, severity in plan.targets.moved if (row, severity) not in smaller.cells]
    if added and (plan.targets.is_annotated or plan.targets.endings):
        rows = ", ".join(dict.fromkeys(added))
        raise RecipeError(
            f"{plan.recipe.name}: {rows} cannot be added to a finished output, for masks and annotations move in it; "
            "make all of it in another directory with --output, or again with --overwrite"
        )


@dataclass(frozen=True)
class Earlier:
    """Where a block lies in the output as it was before it began to grow."""

    sink: Sink
    """The layout of that output."""
    start: int
    """Number of complete items in the blocks before it."""

    def existing(self, table_name: str, marks: Mapping[str, str]) -> "Existing | None":
        """Read and verify what exists of a block; None if any of it is missing, damaged or of other code.

        Parameters
        ----------
        table_name : str
            The file of its table.
        marks : mapping of str to str
            Marks of the code and libraries that make the cells that are missing.
        """
        try:
            table = BlockTable.from_bytes(self.sink.output.read(table_name) or b"")
            is_ours = len(table.shards) == len(self.sink.cells) * SHARD_BYTES and bool(table.made_by)
            if not is_ours or not table.made_by.items() <= marks.items():
                return None
            part = table.part(self.start)
            files = _file_digests(self.sink, table, part)
        except (OutputError, Rejected):
            return None
        return None if files is None else Existing(self.sink, table, part, files)


@dataclass(frozen=True)
class Existing:
    """The images of a block that exist already, with what its table states about them."""

    sink: Sink
    table: BlockTable
    part: Part
    files: Sequence[tuple[bytes, ...]]
    """For each cell the `file_digest` of every item, where images are files of their own."""
    outdated: Collection[Name] = ()
    """Cells that are regenerated, as their files have another layout in the larger output."""

    @property
    def size(self) -> int:
        """Bytes of all images that are kept."""
        left = (self.sink.name(self.sink.cells.index(name), self.part) for name in self.outdated)
        return self.table.size - sum(self.sink.output.size(file) or 0 for file in left)

    def holds(self, name: Name) -> bool:
        """Check whether a cell is among those that are kept."""
        return name in self.sink.cells and name not in self.outdated

    def shard(self, name: Name) -> WrittenShard:
        """Return what was written in a cell, without its size."""
        cell = self.sink.cells.index(name)
        return WrittenShard(split(self.table.shards, SHARD_BYTES)[cell], 0, self.files[cell])

    def pixels(self, name: Name) -> list[bytes]:
        """Return the `pixels_digest` of every item in a cell."""
        cell = self.sink.cells.index(name)
        return [split(record.pixels, PIXELS_BYTES)[cell] for record in self.table.made]

    def samples(self, name: Name) -> Iterator[Sample]:
        """Read the images of a cell back, of a format that stores pixels."""
        try:
            images = self.sink.images(self.sink.cells.index(name), self.part)
        except Rejected as error:
            raise OutputError(f"{error}; remove that file, and the same command regenerates it") from error
        for item, image in zip(self.part.items, images, strict=True):
            if not isinstance(image, np.ndarray):
                raise OutputError(f"{name[0]} holds no pixels of {item.id}; run the same command again")
            yield Sample(item, image)


def earlier_blocks(plan: Plan, output: OutputDirectory, marker: Mapping[str, Any]) -> dict[str, Earlier]:
    """Find the blocks of a growing output that have only the cells of before, by the file of their table."""
    smaller = smaller_plan(plan, marker) if GROWN_FROM in marker else None
    if smaller is None:
        return {}
    found, start, sink = {}, 0, smaller.sink(output)
    for block in plan.blocks:
        try:
            table = BlockTable.from_bytes(output.read(block.table) or b"")
        except OutputError:
            # What exists of later blocks of an array cannot be found then, and is regenerated.
            start += len(block.items)
            continue
        if len(table.shards) == len(smaller.cells) * SHARD_BYTES:
            found[block.table] = Earlier(sink, start)
        start += len(table.made)
    return found


def _file_digests(sink: Sink, table: BlockTable, part: Part) -> list[tuple[bytes, ...]] | None:
    """Read all files of a block; None if they are not those of its table."""
    if not any(record.files for record in table.made):
        right = list(sink.digests(part)) == split(table.shards, SHARD_BYTES)
        return [()] * len(sink.cells) if right else None
    found = []
    for cell in range(len(sink.cells)):
        images = (image for image in sink.images(cell, part) if not isinstance(image, np.ndarray))
        found.append(tuple(stored_digest(image) for image in images if image is not None))
        if len(found[-1]) < len(part.items):
            return None
    recorded = [record.files for record in table.made]
    return found if [files_digest(files) for files in zip(*found, strict=True)] == recorded else None
