"""One block of work: its items are read and decoded once each and become files in every cell."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen import catalog
from corruptgen.cell import Cell
from corruptgen.declare import Warp
from corruptgen.errors import ImageError, Rejected, SourceError
from corruptgen.imaging.codec import decoded, encoded
from corruptgen.manifest import ItemRecord, Table, file_digest, files_digest, pixels_digest, shard_digest
from corruptgen.plan import CLEAN, Block
from corruptgen.randomness import Draws, rng_for
from corruptgen.recipe import Recipe
from corruptgen.records import Decoding, Encoding, Item
from corruptgen.sinks.folder import Folder, cell_folder, item_name
from corruptgen.sources import Source
from corruptgen.table import Preset
from corruptgen.targets import Targets


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
        return _cell(self.preset, self.table, *name).apply(image, self._draws(name, key))

    def warp(self, name: tuple[str, float], image: NDArray[np.uint8], key: str) -> Warp:
        """Give the warp by which `apply` moves the pixels in a cell of a geometric row."""
        return _cell(self.preset, self.table, *name).warp(image, self._draws(name, key))

    def _draws(self, name: tuple[str, float], key: str) -> Draws:
        row, severity = name
        return rng_for(self.seed, row, None if self.paired else severity, key)


@dataclass(frozen=True)
class Work:
    """What is the same for all blocks of a build."""

    cells: Cells
    source: Source
    decoding: Decoding
    encoding: Encoding
    output: Folder
    targets: Targets = field(default_factory=Targets)

    def file(self, name: tuple[str, float], item: Item) -> str:
        """Give the file of an item in a cell, relative to the output."""
        return f"{cell_folder(*name)}/{item_name(item, self.encoding.extension)}"


def made(work: Work, block: Block, before: Mapping[str, str]) -> Table:
    """Make all files of a block, then its table.

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
    shards: list[list[tuple[str, bytes]]] = [[] for _ in work.cells.names]
    records, size = [], 0
    with single_threaded():
        for item in block.items:
            record, files, length = _made_item(work, item, before.get(item.id))
            records.append(record)
            size += length
            for shard, digest in zip(shards, files, strict=False):
                shard.append((item_name(item, work.encoding.extension), digest))
    table = Table(block.number, tuple(records), size, b"".join(map(shard_digest, shards)))
    work.output.write(block.table, table.to_bytes(), durable=True)
    return table


def _made_item(work: Work, item: Item, before: str | None) -> tuple[ItemRecord, list[bytes], int]:
    """Make the files of one item in every cell, or none of them; give their digests and their length in all."""
    source = ""
    try:
        content = work.source.read(item)
        source = hashlib.sha256(content).hexdigest()
        if before not in (None, source):
            raise SourceError(f"{item.id} has changed since this output was begun; bring it back or use --overwrite")
        image = decoded(content, work.decoding)
        work.cells.check(image)
        carried = work.targets.carried(item, content, lambda name: work.cells.warp(name, image, item.id))
    except Rejected as error:
        for file in (*(work.file(name, item) for name in work.cells.names), *work.targets.files(item)):
            work.output.remove(file)
        return ItemRecord(item.id, item.label, source, rejected=str(error)), [], 0

    pixels, files, length = [], [], 0
    for name in work.cells.names:
        try:
            result = work.cells.apply(name, image, item.id)
        except Exception as error:
            error.add_note(f"This was {name[0]} at severity {name[1]:g} of {item.id}.")
            raise
        encoding = encoded(result, work.encoding)
        work.output.write(work.file(name, item), encoding)
        pixels.append(pixels_digest(result))
        files.append(file_digest(encoding))
        length += len(encoding)
    masks = {}
    for file, mask in carried.files.items():
        work.output.write(file, mask)
        masks[file] = file_digest(mask).hex()
        length += len(mask)
    record = ItemRecord(
        item.id, item.label, source, b"".join(pixels), files_digest(files), masks=masks, changes=carried.changes
    )
    return record, files, length


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep OpenCV to one thread: the workers share the processors among them."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


@lru_cache(maxsize=8)
def catalog_preset(name: str, table: str) -> Preset:
    """Make a severity table again, once per process."""
    return catalog.preset_from(name, json.loads(table))


@lru_cache(maxsize=4096)
def _cell(preset: str, table: str, row: str, severity: float) -> Cell:
    return catalog_preset(preset, table).cell(row, severity)
