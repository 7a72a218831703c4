"""One block of work: its items are read and decoded once each and become a shard in every cell."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corruptgen import catalog
from corruptgen.cell import Cell
from corruptgen.digests import files_digest, pixels_digest
from corruptgen.errors import ImageError, Rejected, SourceError
from corruptgen.imaging.codec import decoded
from corruptgen.manifest import ItemRecord, Table
from corruptgen.plan import CLEAN, Block, Plan
from corruptgen.randomness import rng_for
from corruptgen.recipe import Recipe
from corruptgen.records import Decoding, Item
from corruptgen.sinks import Dataset, Folder, Sample, Sink
from corruptgen.sources import Source, source_digest
from corruptgen.table import Preset
from corruptgen.threads import single_threaded


@dataclass(frozen=True)
class Cells:
    """The cells of a build in plain values, so that they can travel to every worker."""

    preset: str
    table: str
    """The severity table as JSON."""
    seed: int
    paired: bool
    names: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, preset: Preset, recipe: Recipe, names: tuple[tuple[str, float], ...]) -> "Cells":
        """Take what a worker needs to know."""
        return cls(preset.name, json.dumps(preset.content), recipe.seed, recipe.corrupt.paired, names)

    def check(self, image: NDArray[np.uint8]) -> None:
        """Raise `Rejected` if the table does not hold for images of this size."""
        try:
            catalog_preset(self.preset, self.table).sizes.check(*image.shape[:2])
        except ImageError as error:
            raise Rejected(f"has a size that the table does not hold for: {error}") from error

    def apply(self, name: tuple[str, float], image: NDArray[np.uint8], key: str) -> NDArray[np.uint8]:
        """Give the pixels of an item in a cell: those of `corruptgen.corrupt` with this key, the item's id."""
        if name == CLEAN:
            return image
        row, severity = name
        rng = rng_for(self.seed, row, None if self.paired else severity, key)
        return _cell(self.preset, self.table, row, severity).apply(image, rng)


@dataclass(frozen=True)
class Work:
    """What is the same for all blocks of a build."""

    cells: Cells
    source: Source
    decoding: Decoding
    sink: Sink
    shape: tuple[int, ...] | None = None
    """(H, W, C) of all images, where the sink wants one shape."""

    @classmethod
    def of(cls, plan: Plan, output: Folder) -> "Work":
        """Find out what all blocks of a plan have in common.

        Raises
        ------
        RecipeError
            If the format needs a package that is not installed.
        """
        recipe, sink = plan.recipe, plan.sink(output)
        cells = Cells.of(plan.preset, recipe, plan.cells)
        work = cls(cells, plan.source, recipe.decode, sink)
        shape = work.first_shape(plan.listing.items) if sink.wants_one_shape else None
        ready = sink.ready(Dataset(plan.preset, plan.classes, plan.listing.items, shape))
        return cls(cells, plan.source, recipe.decode, ready, shape)

    def first_shape(self, items: Iterable[Item]) -> tuple[int, ...] | None:
        """Give the shape of the first image that is not rejected; None if there is none."""
        for item in items:
            try:
                return self.decoded(item, self.source.read(item)).shape
            except Rejected:
                continue
        return None

    def decoded(self, item: Item, content: bytes | NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Decode what was read of an item, or raise `Rejected` if there is a cell that cannot take it."""
        image = decoded(content, self.decoding)
        self.cells.check(image)
        return image


def made(work: Work, block: Block, before: Mapping[str, str]) -> Table:
    """Make all shards of a block, then its table.

    Parameters
    ----------
    work : what to make of each item
    block : the items
    before : the sha256 of the sources of items that an earlier run has made, by id

    Raises
    ------
    SourceError
        If one of those has changed since.
    OutputError
        If something cannot be written.
    """
    output = work.sink.output
    with single_threaded():
        records, images = _read(work, block, before)
        digests: list[list[bytes]] = [[] for _ in images]
        shards = [
            work.sink.write(cell, block.number, _samples(work, name, images, digests))
            for cell, name in enumerate(work.cells.names)
        ]
    files = [files_digest(made) for made in zip(*(shard.files for shard in shards), strict=True)]
    complete = (
        ItemRecord(item.id, item.label, records[item.id].source, b"".join(pixels), files[i] if files else b"")
        for i, ((item, _), pixels) in enumerate(zip(images, digests, strict=True))
    )
    records |= {record.id: record for record in complete}
    table = Table(
        block.number,
        tuple(records.values()),
        sum(shard.size for shard in shards),
        b"".join(shard.digest for shard in shards),
    )
    # What a record speaks of must not be lost when the record is not.
    output.sync()
    output.write(block.table, table.to_bytes(), durable=True)
    return table


Images = list[tuple[Item, NDArray[np.uint8]]]


def _read(work: Work, block: Block, before: Mapping[str, str]) -> tuple[dict[str, ItemRecord], Images]:
    """Decode the items of a block, once for all cells; give what is known of each, and the images of the good ones."""
    records: dict[str, ItemRecord] = {}
    images: Images = []
    for item in block.items:
        source, reason = "", ""
        try:
            content = work.source.read(item)
            source = source_digest(content)
            if before.get(item.id) not in (None, source):
                raise SourceError(
                    f"{item.id} has changed since this output was begun; bring it back or use --overwrite"
                )
            image = work.decoded(item, content)
            work.sink.check(image)
            images.append((item, image))
        except Rejected as error:
            reason = str(error)
        records[item.id] = ItemRecord(item.id, item.label, source, rejected=reason)
    for record in records.values():
        if record.rejected:
            work.sink.discard(record.item)
    return records, images


def _samples(work: Work, name: tuple[str, float], images: Images, digests: list[list[bytes]]) -> Iterator[Sample]:
    """Corrupt the images of a block as one cell asks, and note the digests of their pixels."""
    for (item, image), noted in zip(images, digests, strict=True):
        try:
            result = work.cells.apply(name, image, item.id)
        except Exception as error:
            error.add_note(f"This was {name[0]} at severity {name[1]:g} of {item.id}.")
            raise
        noted.append(pixels_digest(result))
        yield Sample(item, result)


@lru_cache(maxsize=8)
def catalog_preset(name: str, table: str) -> Preset:
    """Make a severity table again, once per process."""
    return catalog.preset_from(name, json.loads(table))


@lru_cache(maxsize=4096)
def _cell(preset: str, table: str, row: str, severity: float) -> Cell:
    return catalog_preset(preset, table).cell(row, severity)
