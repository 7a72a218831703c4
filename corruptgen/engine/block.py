"""One block of work: its items are read and decoded once each and become a shard in every cell."""

import hashlib
import json
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.codecs.windowing import CleanImage
from corruptgen.containers.places import name_of
from corruptgen.declare import Warp
from corruptgen.engine.growth import Earlier, Existing
from corruptgen.engine.identity import Identity, describe, identify, marks
from corruptgen.engine.manifest import MARKER, BlockTable, ItemRecord, sample_record
from corruptgen.engine.plan import CLEAN, Block, Plan
from corruptgen.errors import ImageError, MachineError, OutputError, RecipeError, Rejected, SourceError
from corruptgen.randomness import Streams
from corruptgen.recipe.declarations import KINDS
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Decoding, Item
from corruptgen.runtime.trouble import RESUME, reading, wording
from corruptgen.sinks import Dataset, OutputDirectory, Sample, Sink, WrittenShard
from corruptgen.sources import Content, Source, for_reading, source_digest
from corruptgen.sources.planes import find_function
from corruptgen.sources.states import file_states, local_files
from corruptgen.store.digests import STATE_BYTES, file_digest, files_digest, image_digest, split
from corruptgen.tables import catalog
from corruptgen.tables.cell import Cell, Inputs
from corruptgen.tables.row import Row
from corruptgen.tables.sequences import apply_to_picture
from corruptgen.tables.table import Preset
from corruptgen.targets.inputs import InputSources
from corruptgen.targets.targets import Targets
from corruptgen.threads import single_threaded
from corruptgen.values.arguments import severity_text

GONE = (
    "the output was removed, or taken over by another build, while it was made; once nothing else writes there, the "
    "same command makes what is missing"
)
MOST_NAMED = 3  # files in one message


@dataclass(frozen=True)
class Cells:
    """The cells of a build in plain values, so that they can travel to every worker."""

    preset: str
    table: str
    """The severity table as JSON."""
    seed: int
    paired: bool
    names: tuple[tuple[str, float], ...]
    frames: tuple[int, ...] = ()
    """The number of frames in each of them, 0 for one image; empty: there are no sequences."""
    registered: tuple[catalog.Registered, ...] = ()
    """The corruptions that were registered by hand, which a worker would not find."""
    planes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What a first pass over the source has found for rows that take it, by the name of the input."""
    keeps_channels: bool = False
    """Whether the format holds images of one shape alone, so that none is stored with fewer channels."""
    computing: tuple[str, ...] = ()
    """The functions that compute what rows take beside the image, as "module:function"."""

    @classmethod
    def of(
        cls,
        preset: Preset,
        recipe: Recipe,
        names: tuple[tuple[str, float], ...],
        frames: tuple[int, ...] = (),
        planes: Mapping[str, NDArray[Any]] | None = None,
    ) -> "Cells":
        """Take what a worker needs to know."""
        by_hand = catalog.registered(preset, (row for row, _ in names if row in preset.rows))
        table, paired = json.dumps(preset.content), recipe.corrupt.paired
        needed = {key for row, _ in names if row in preset.rows for key in preset.rows[row].inputs}
        functions = (plane.function for key, plane in recipe.source.planes if key in needed)
        computing = tuple(sorted({function for function in functions if function}))
        return cls(
            preset=preset.name,
            table=table,
            seed=recipe.seed,
            paired=paired,
            names=names,
            frames=frames,
            registered=by_hand,
            planes=dict(planes or {}),
            keeps_channels=recipe.output.is_array,
            computing=computing,
        )

    @classmethod
    def recorded(
        cls, preset: str, table: Mapping[str, Any], recipe: Recipe, names: tuple[tuple[str, float], ...]
    ) -> "Cells":
        """Take what a manifest states, though not all corruptions may be installed: nothing can be made then."""
        return cls(preset, json.dumps(table), recipe.seed, recipe.corrupt.paired, names)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Where this arrives there is another catalog.
        self.__dict__.update(state)
        catalog.adopt(self.registered)

    def identity(self, source: Source | None) -> dict[str, Any]:
        """Find out what computes the pixels in this process, with a source that reads the clean images."""
        rows = tuple(dict.fromkeys(row for row, severity in self.names if (row, severity) != CLEAN))
        return _identity(self.preset, self.table, catalog.generation(), rows, (*_readers(source), *self._computing()))

    @property
    def prepares(self) -> bool:
        """Whether the table makes its images of whole pictures, so that these are not the clean twins."""
        return self._preset().staging.changes

    def clean(self, image: CleanImage) -> NDArray[Any]:
        """Return the pixels of the clean twin: those of the image or, where the table prepares pictures, its image."""
        return self._preset().staging.image(image.pixels)

    def check(self, image: CleanImage) -> None:
        """Raise `Rejected` if the table does not hold for images of this size."""
        try:
            self._preset().sizes.check(*self.clean(image).shape[:2])
        except ImageError as error:
            raise Rejected(f"has a size that the table does not hold for: {error}") from error

    def apply(self, name: tuple[str, float], image: CleanImage, key: str) -> NDArray[Any]:
        """Return the pixels of an item in a cell: those of `corruptgen.corrupt` with this key, the item's id.

        Of a row that is stored grey they are one channel of these, where the format holds images of several shapes.
        Of a sequence these are (frames, H, W, C), the frames of `corruptgen.frames` of the picture before its crop.
        """
        if name == CLEAN:
            return self.clean(image)
        count = self.frames[self.names.index(name)] if self.frames else None
        cell = self._cell(name)
        made = apply_to_picture(cell, image.pixels, self._streams(key), image.form, count, self._inputs(cell, image))
        return made if self.keeps_channels or cell.is_sequence else cell.stored(made)

    def check_shape(self, image: CleanImage, shape: tuple[int, ...], place: str) -> None:
        """Raise `RecipeError` if a row makes images of another shape than the clean one."""
        for row, severity in self.names:
            if (row, severity) == CLEAN:
                continue
            cell = self._cell((row, severity))
            if cell.is_sequence or not (cell.takes_scene or cell.changes_size):
                continue  # the frames of sequences are counted and compared as they are made
            found = self._probed((row, severity), image).shape
            if found != shape:
                made, clean = ("×".join(map(str, size[:2])) for size in (found, shape))
                raise RecipeError(
                    f"{place} holds images of one size, and {row} of {self.preset} makes {made} at severity "
                    f"{severity_text(severity)} where the clean image is {clean}; write another format, such as "
                    '"folder" or "parquet"'
                )

    def some_images(self, name: tuple[str, float], image: CleanImage, key: str, most: int) -> list[NDArray[Any]]:
        """Return the image of an item in a cell, or the first frames of its sequence."""
        if name == CLEAN or not self._cell(name).is_sequence:
            return [self.apply(name, image, key)]
        cell = self._cell(name).of_pictures()
        return list(islice(cell.frames(image.pixels, self._streams(key), self._inputs(cell, image)), most))

    def probe(self, name: tuple[str, float], image: CleanImage) -> None:
        """Apply a cell to an image, so that what it lacks is found; of a sequence the first frame is enough."""
        if name != CLEAN and self._cell(name).is_sequence:
            cell, image = self._cell(name), self._with_any_inputs(name, image)
            next(cell.frames(image.pixels, self._streams("probe"), self._inputs(cell, image)))
        else:
            self._probed(name, image)

    def warp(self, name: tuple[str, float], image: CleanImage, key: str) -> Warp:
        """Return the warp by which `apply` moves the pixels in a cell of a geometric row."""
        return self._cell(name).of_pictures().warp(image.pixels, self._streams(key), image.form)

    def rows(self) -> dict[str, Row]:
        """Return the rows that are made, by name."""
        return {row: self._preset().row(row) for row, severity in self.names if (row, severity) != CLEAN}

    def _probed(self, name: tuple[str, float], image: CleanImage) -> NDArray[Any]:
        """Return the image of a cell whose inputs are not known yet."""
        return self.apply(name, self._with_any_inputs(name, image), "probe")

    def _with_any_inputs(self, name: tuple[str, float], image: CleanImage) -> CleanImage:
        """Return an image with inputs made of itself, where its row takes some."""
        row = self._preset().row(name[0]) if name != CLEAN else None
        if row is None or not row.inputs:
            return image
        plane = image.pixels[..., 0] / 255
        return replace(image, inputs={key: image.pixels if key in row.image_inputs else plane for key in row.inputs})

    def _inputs(self, cell: Cell, image: CleanImage) -> Inputs:
        """Return what a cell takes beside an image: what is its own, and what a first pass has found for all."""
        return {name: plane for name, plane in {**image.inputs, **self.planes}.items() if name in cell.inputs}

    def _computing(self) -> tuple[str, ...]:
        """Name the modules of the functions that compute inputs, once they are imported."""
        return tuple(dict.fromkeys(find_function(written).__module__ for written in self.computing))

    def _streams(self, key: str) -> Streams:
        return Streams(self.seed, key, self.paired)

    def _preset(self) -> Preset:
        return _preset(self.preset, self.table, catalog.generation())

    def _cell(self, name: tuple[str, float]) -> Cell:
        return _cell(self.preset, self.table, catalog.generation(), *name)


@dataclass(frozen=True)
class Work:
    """What is the same for all blocks of a build."""

    cells: Cells
    source: Source
    decoding: Decoding
    sink: Sink
    shape: tuple[int, ...] | None = None
    """(H, W, C) of all images, where the sink wants one shape."""
    dtype: str = "uint8"
    """Of their samples."""
    targets: Targets = field(default_factory=Targets)
    """The masks and annotations that go with the images."""
    inputs: InputSources = field(default_factory=InputSources)
    """What rows take beside the images."""
    identity: Identity = field(default_factory=dict)
    """What the pixels are to be computed by, here and wherever a block is made."""
    takes_clean: bool = False
    """Whether the clean image goes into the sample of every corrupted one."""
    mark: bytes = b""
    """The marker of the output, without which nothing is written; empty: it is not looked at."""

    @property
    def is_here(self) -> bool:
        """Whether all workers are on the machine of the build, and see its files as it does."""
        return self.mark != b""

    @classmethod
    def of(cls, plan: Plan, output: OutputDirectory) -> "Work":
        """Find out what all blocks of a plan have in common.

        Raises
        ------
        RecipeError
            If the format needs a package that is not installed, or cannot hold the samples of the images.
        """
        recipe, sink = plan.recipe, plan.sink(output)
        cells = Cells.of(plan.preset, recipe, plan.cells, plan.frames, plan.planes)
        source = for_reading(plan.source)
        work = cls(cells, source, recipe.decode, sink)
        shape, dtype = None, "uint8"
        if sink.wants_one_shape or recipe.decode.window is not None or recipe.decode.floats:
            first = work.first(plan.listing.items)
            if first is not None:
                shape, dtype = cells.clean(first).shape if sink.wants_one_shape else None, first.form.dtype
                recipe.output.check_depth(dtype, f"{recipe.name} [output]")
                if shape is not None:
                    cells.check_shape(first, shape, f'{recipe.name} [output] format: "{recipe.output.format}"')
        ready = sink.ready(Dataset(plan.preset, plan.classes, plan.listing.items, shape, dtype))
        takes_clean = recipe.output.pairs and not recipe.output.declared.has_file_per_item
        identity = cells.identity(source)
        return cls(cells, source, recipe.decode, ready, shape, dtype, plan.targets, plan.inputs, identity, takes_clean)

    def first(self, items: Iterable[Item]) -> CleanImage | None:
        """Return the first image that is not rejected; None if there is none."""
        for item in items:
            try:
                with reading(item.id):
                    return self.decoded(item, self.content(item))
            except Rejected:
                continue
        return None

    def content(self, item: Item) -> Content:
        """Read an item; raise `Rejected` for what the file is, and `SourceError` for trouble of the machine."""
        try:
            with reading(item.id):
                return self.source.read(item)
        except SourceError as error:
            text = str(error)
            named = text if item.id in text else f"{item.id}: {text}"
            raise SourceError(named if RESUME in text else f"{named}; {RESUME}") from error

    def decoded(self, item: Item, content: Content) -> CleanImage:
        """Decode what was read of an item, or raise `Rejected` if there is a cell that cannot take it."""
        image = decode_image(content, self.decoding)
        self.cells.check(image)
        return image


@dataclass(frozen=True, eq=False)
class Packed:
    """A work on its way to many workers: backends send it once to each, not with every block.

    What all blocks share grows with the number of classes. joblib keeps large arrays in memory that the processes of a
    machine share; clusters go by the size that this says it has.
    """

    content: NDArray[np.uint8]
    digest: str

    @classmethod
    def of(cls, work: Work) -> "Packed":
        """Pack a work."""
        content = pickle.dumps(work, pickle.HIGHEST_PROTOCOL)
        return cls(np.frombuffer(content, np.uint8), hashlib.sha256(content).hexdigest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packed) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __sizeof__(self) -> int:
        """Return the bytes of the whole."""
        return int(self.content.nbytes)


@lru_cache(maxsize=1)
def unpack_work(packed: Packed) -> Work:
    """Return the work, once per process."""
    # It comes from the parent, as every call does.
    work: Work = pickle.loads(packed.content.tobytes())  # noqa: S301
    return work


def make_block(
    packed: Packed,
    block: Block,
    before: Mapping[str, str],
    seen: bytes | None = None,
    earlier: Earlier | None = None,
) -> BlockTable:
    """Make all shards of a block, then its table.

    Parameters
    ----------
    packed : Packed
        What to make of each item.
    block : Block
        The items.
    before : mapping of str to str
        The sha256 of the sources of items that an earlier run has made, by id.
    seen : bytes or None
        The states of the files that hold the items when the build began; None: they are not compared.
    earlier : Earlier or None
        Where the block lies in an output that grows; what exists there is not regenerated.

    Raises
    ------
    SourceError
        If one of those has changed since, or an item cannot be read.
    OutputError
        If something cannot be written, or the output belongs to another build now.
    MachineError
        If the memory is full.
    """
    try:
        return _made(unpack_work(packed), block, before, seen, earlier)
    except MemoryError as error:
        raise MachineError(f"block {block.number}: {wording(error)}; {RESUME}") from error


def _made(
    work: Work, block: Block, before: Mapping[str, str], seen: bytes | None, earlier: Earlier | None
) -> BlockTable:
    output = work.sink.output
    identity = work.cells.identity(work.source)
    if identity != work.identity:
        raise OutputError(
            f"a worker has other code or libraries than the process that plans: {describe(work.identity, identity)}"
        )
    with single_threaded():
        existing = _existing(work, block, earlier)
        records, images = _read(work, block, before)
        if existing:
            _check_rejected(existing, records)
        _check_seen(work, block, seen)
        _check_mark(work)
        digests: list[list[bytes]] = [[] for _ in images]
        size = existing.size if existing else 0
        shards = [
            _kept(work, cell, existing, digests)
            if existing and existing.holds(name)
            else work.sink.write(cell, block.number, _samples(work, name, images, digests))
            for cell, name in enumerate(work.cells.names)
        ]
    files = [files_digest(made) for made in zip(*(shard.files for shard in shards), strict=True)]
    complete = (
        replace(records[item.id], pixels=b"".join(pixels), files=files[i] if files else b"")
        for i, ((item, _), pixels) in enumerate(zip(images, digests, strict=True))
    )
    records |= {record.id: record for record in complete}
    table = BlockTable(
        block.number,
        tuple(records.values()),
        size + sum(shard.size for shard in shards),
        b"".join(shard.digest for shard in shards),
        marks(identity),
    )
    # What a record speaks of must not be lost when the record is not.
    output.sync()
    _check_mark(work)
    output.write(block.table, table.to_bytes(), durable=True)
    return table


def _existing(work: Work, block: Block, earlier: Earlier | None) -> Existing | None:
    """Find what is kept of a block in an output that grows; None if all of it is made."""
    found = earlier.existing(block.table, marks(work.identity)) if earlier else None
    return replace(found, outdated=work.sink.outdated(found.sink.cells)) if found else None


def _kept(work: Work, cell: int, existing: Existing, digests: list[list[bytes]]) -> WrittenShard:
    """Keep what exists of a block in a cell, and note the digests of its pixels."""
    name = work.cells.names[cell]
    if name in work.sink.joined(existing.sink.cells):
        work.sink.write(cell, existing.table.number, existing.samples(name))
    for noted, pixels in zip(digests, existing.pixels(name), strict=True):
        noted.append(pixels)
    return existing.shard(name)


def _check_rejected(existing: Existing, records: Mapping[str, ItemRecord]) -> None:
    """Refuse to take items that were rejected before: they have no images in the cells that exist."""
    for rejection in existing.table.rejected:
        if not records[rejection.id].rejected:
            raise SourceError(
                f"{rejection.id} was rejected when this output was made ({rejection.reason}) and can be used now; "
                "bring back what it was, or begin again with --overwrite"
            )


def _check_seen(work: Work, block: Block, seen: bytes | None) -> None:
    """Refuse items whose files are not those that the build was begun with."""
    if seen is None or (now := file_states(work.source, block.items, times=work.is_here)) == seen:
        return
    places = local_files(work.source, block.items)
    pairs = zip(split(seen, STATE_BYTES), split(now, STATE_BYTES), places, strict=False)
    names = [name_of(place) for before, after, place in pairs if before != after] or [block.items[0].id]
    raise SourceError(
        f"the source was changed while this build was reading it: {', '.join(names[:MOST_NAMED])}; nothing was made of "
        "the changed files: bring them back and the same command resumes, or begin again with --overwrite"
    )


def _check_mark(work: Work) -> None:
    """Stop before anything is written into an output that was removed, or belongs to another build now."""
    if work.mark and work.sink.output.read(MARKER) != work.mark:
        raise OutputError(GONE)


Images = list[tuple[Item, CleanImage]]


def _read(work: Work, block: Block, before: Mapping[str, str]) -> tuple[dict[str, ItemRecord], Images]:
    """Decode the items of a block, once for all cells; return what is known of each, and the images of the good ones.

    The masks that go with these are written, which needs no cell's image.
    """
    records: dict[str, ItemRecord] = {}
    images: Images = []
    for item in block.items:
        source = ""
        try:
            content = work.content(item)
            source = source_digest(content)
            if before.get(item.id) not in (None, source):
                raise SourceError(
                    f"{item.id} has changed since this output was begun; bring it back or use --overwrite"
                )
            with reading(item.id):
                image = work.decoded(item, content)
                work.sink.check(work.cells.clean(image))
                carried = work.targets.carried(item, content, partial(_warp, work, image, item))
                image, inputs, donor = work.inputs.add(item, content, image, work.content)
        except RecipeError as error:
            raise RecipeError(f"{item.id}: {error}") from error
        except Rejected as error:
            _check_not_made(work, item, before, error)
            records[item.id] = ItemRecord(item.id, item.label, source, rejected=str(error))
            continue
        images.append((item, image))
        for file, mask in carried.files.items():
            if not (before and work.sink.output.holds(file, mask)):
                work.sink.output.write(file, mask)
        masks = {file: file_digest(mask).hex() for file, mask in carried.files.items()}
        samples = sample_record(image)
        records[item.id] = ItemRecord(
            item.id,
            item.label,
            source,
            masks=masks,
            changes=carried.changes,
            frame=carried.frame,
            samples=samples,
            notes=(*image.notes, *carried.notes),
            inputs=inputs,
            donor=donor,
        )
    return records, images


def _check_not_made(work: Work, item: Item, before: Mapping[str, str], error: Rejected) -> None:
    """Refuse to reject an item that an earlier run has made images of: what is good is not removed."""
    files = (*work.sink.files(item), *work.targets.files(item))
    if item.id in before or any(work.sink.output.size(file) is not None for file in files):
        raise SourceError(
            f"{item.id} {error}, and this output has images of it already: it has changed since they were made; "
            "bring it back or use --overwrite"
        ) from error


def _warp(work: Work, image: CleanImage, item: Item, name: tuple[str, float]) -> Warp:
    return work.cells.warp(name, image, item.id)


def _samples(work: Work, name: tuple[str, float], images: Images, digests: list[list[bytes]]) -> Iterator[Sample]:
    """Corrupt the images of a block as one cell asks, and note the digests of their pixels."""
    for (item, image), noted in zip(images, digests, strict=True):
        # Not kept here: of sequences, the frames of one item alone are in memory.
        yield _sample(work, name, item, image, noted)


def _sample(work: Work, name: tuple[str, float], item: Item, image: CleanImage, noted: list[bytes]) -> Sample:
    try:
        result = work.cells.apply(name, image, item.id)
    except MemoryError as error:
        place = f"{name[0]} at severity {severity_text(name[1])} of {item.id}"
        raise MachineError(f"{place} cannot be made: {wording(error)}; {RESUME}") from error
    except Exception as error:
        error.add_note(f"This was {name[0]} at severity {severity_text(name[1])} of {item.id}.")
        raise
    noted.append(image_digest(result))
    return Sample(item, result, work.cells.clean(image) if work.takes_clean and name != CLEAN else None)


def _readers(source: Source | None) -> tuple[str, ...]:
    """Name the modules that read clean images: all of ours, so that it is one identity wherever a folder is."""
    ours = tuple(sorted({kind.open.__module__ for kind in KINDS.built_in.values()}))
    if source is None:
        return ()
    module = type(source).__module__
    return ours if module.partition(".")[0] == catalog.OURS else (*ours, module)


@lru_cache(maxsize=8)
def _preset(name: str, table: str, generation: int) -> Preset:
    """Rebuild a severity table, once per process and state of the catalog."""
    return catalog.preset_from(name, json.loads(table))


@lru_cache(maxsize=4096)
def _cell(preset: str, table: str, generation: int, row: str, severity: float) -> Cell:
    return _preset(preset, table, generation).cell(row, severity)


@lru_cache(maxsize=8)
def _identity(
    preset: str, table: str, generation: int, rows: tuple[str, ...], readers: tuple[str, ...]
) -> dict[str, Any]:
    return identify(_preset(preset, table, generation), rows, readers)
