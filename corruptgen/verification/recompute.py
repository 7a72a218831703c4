"""Recompute images and targets of a finished output, and compare them with what its tables state."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from corruptgen.codecs.high_bit_depth import decode_image, decode_stored
from corruptgen.codecs.orientations import STORED
from corruptgen.codecs.windowing import CleanImage
from corruptgen.engine.block import Cells
from corruptgen.engine.manifest import BlockTable, ItemRecord, restore_image
from corruptgen.errors import OutputError, RecipeError, Rejected, SourceError
from corruptgen.randomness import rng_for
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Decoding, Item, Items
from corruptgen.runtime.trouble import trouble_behind, wording
from corruptgen.sinks import Part, Sink
from corruptgen.sinks.protocol import SEQUENCE
from corruptgen.sources import Source, open_known, source_digest, source_place
from corruptgen.sources.coco import annotations
from corruptgen.store.digests import PIXELS_BYTES, file_digest, image_digest, split
from corruptgen.store.output_directory import cell_folder, item_name
from corruptgen.tables.formulas import formulas_only
from corruptgen.tables.scene import NO_STAGING
from corruptgen.targets.inputs import InputSources, choose_inputs
from corruptgen.targets.targets import ANNOTATIONS, MASKS, Targets
from corruptgen.threads import single_threaded

SAMPLES = 20  # item-cells that the depth "sample" makes again
CLEAN_CELL = 0
RECORDED = "recorded"


@dataclass(frozen=True)
class RecordedBuild:
    """What the manifest states was made, in a form that can travel to every worker."""

    recipe: Recipe
    cells: Cells
    sink: Sink
    targets: Targets
    """What was carried, without where it came from."""
    annotations: Mapping[str, str]
    """The sha256 of every annotation file."""
    missing: str = ""
    """Why nothing can be recomputed: the corruptions that are not installed; empty if all of them are."""

    def inputs(self, place: str) -> InputSources:
        """Find what rows took beside the images; which other images those are is recorded."""
        return choose_inputs(self.recipe, self.cells.rows(), place, Items.of(()))


@dataclass(frozen=True)
class Origins:
    """What things are recomputed from; small enough to travel to every worker."""

    source: Source | None
    """None: the clean twin in the output."""
    targets: tuple[Targets, ...]
    """Of the masks and of the annotations that all rows of the output share."""
    inputs: InputSources = field(default_factory=InputSources)
    """What rows took beside the images."""


def origins(made: RecordedBuild, source: str | Path | None) -> Origins:
    """Find what images and targets can be recomputed from.

    Masks that moved are recomputed from those that all rows share, and so are annotations, unless they were moved by
    the decoding: of those, only the rounded result is stored.

    Parameters
    ----------
    made : RecordedBuild
        The finished dataset.
    source : str or Path or None
        Where the clean images are; None: their twin in the output, or else as `RECORDED`, which is the dataset on the
        Hub that the recipe names.

    Raises
    ------
    RecipeError
        If the images cannot be recomputed without their source.
    """
    prepares = made.cells.prepares
    takes_inputs = bool(made.recipe.source.planes or made.recipe.source.donors)
    has_twin = made.recipe.output.clean and made.recipe.output.is_lossless and not (prepares or takes_inputs)
    is_recorded = source == RECORDED or (source is None and not has_twin)
    if is_recorded and not made.recipe.source.get("repo"):
        if prepares:
            raise RecipeError(
                f"to recompute pixels whole pictures are needed: the clean twin is cropped, and {made.cells.preset} "
                "acts on whole pictures; say where they are with --source"
            )
        raise RecipeError(
            "to recompute pixels the clean images are needed, and the recipe records no repository with them: say "
            "where they are with --source, or generate with clean = true and a lossless encoding"
        )
    # Of what lies outside of the images, the masks and annotations of the output have nothing.
    within = tuple(name for name in made.targets.moved if name not in made.targets.moved_before_crop)
    still = replace(made.targets, decoding=Decoding(), staging=NO_STAGING, moved=within)
    found = []
    if made.targets.endings:
        found.append(replace(still, is_annotated=False, masks=made.sink.output.path(MASKS), are_escaped=True))
    shared = made.sink.output.path(ANNOTATIONS)
    if made.targets.is_annotated and made.targets.keeps_size:
        try:
            digest = annotations(shared).digest
        except SourceError:
            digest = ""
        if digest == made.annotations.get(ANNOTATIONS):
            found.append(replace(still, endings=(), annotated=shared, digest=digest))
    place = None if is_recorded else source
    known = open_known(made.recipe, place) if place is not None or is_recorded else None
    inputs = made.inputs(source_place(made.recipe, place)) if takes_inputs else InputSources()
    return Origins(known, tuple(found), inputs)


def jobs(items: Sequence[int], cells: int, depth: str, *, rng_key: bytes, seed: int) -> Iterator[dict[int, list[int]]]:
    """Return which cells of which items are recomputed, block by block; `items` has the complete ones of each."""
    made = [count * cells for count in items]
    draws = rng_for(seed, "verify", None, hashlib.sha256(rng_key).digest())
    sample = sorted({int(n) for n in draws.integers(sum(made), size=SAMPLES)}) if any(made) else []
    start = 0
    for count in made:
        chosen = range(count) if depth == "full" else [n - start for n in sample if start <= n < start + count]
        wanted: dict[int, list[int]] = {}
        for number in chosen:
            wanted.setdefault(number // cells, []).append(number % cells)
        yield wanted
        start += count


def recompute_block(
    made: RecordedBuild, origins: Origins, name: str, start: int, chosen: dict[int, list[int]]
) -> tuple[list[str], int]:
    """Recompute images of a block and compare them with the digests of their pixels, and so what goes with them.

    Parameters
    ----------
    made : RecordedBuild
        The finished dataset.
    origins : Origins
        What to make it of.
    name : str
        The file of the block's table.
    start : int
        Number of complete items in the blocks before it.
    chosen : dict of int to list of int
        The cells to recompute, by the place of the item.

    Returns
    -------
    (list of str, int)
        One line for each difference, and the number of images that were made.
    """
    if not chosen:
        return [], 0
    table = BlockTable.from_bytes(made.sink.output.read(name) or b"")
    part, records = table.part(start), table.made
    problems, count = [], 0
    # By the formulas, which the fast paths that made the images had to agree with.
    with single_threaded(), formulas_only():
        for i, image in _clean_images(made, origins, part, records, chosen):
            record = records[i]
            if isinstance(image, str):
                problems.append(image)
                continue
            digests = split(record.pixels, PIXELS_BYTES)
            for cell in chosen[i]:
                pixels = made.cells.apply(made.cells.names[cell], image, record.id)
                count += len(pixels) if pixels.ndim == SEQUENCE else 1
                if image_digest(pixels) != digests[cell]:
                    problems.append(f"{made.sink.name(cell, part, record.item)} has other pixels when recomputed")
            for targets in origins.targets:
                problems += _differing_targets(made, targets, record, image)
    return problems, count


def _differing_targets(made: RecordedBuild, targets: Targets, record: ItemRecord, image: CleanImage) -> list[str]:
    """Recompute what goes with an image; name the masks and annotation files that differ from those recorded."""
    if targets.is_annotated and record.frame[2:] not in ((), (STORED,)):
        # What all rows share was turned, and rounded then.
        return []
    # The annotations of the output call the image as the output does.
    name = item_name(record.item, targets.extension, targets.escape) if targets.is_annotated else record.id
    try:
        again = targets.carried(
            Item(name, record.label), made.cells.clean(image), partial(made.cells.warp, image=image, key=record.id)
        )
    except Rejected as error:
        return [f"what goes with {record.id} cannot be recomputed: it {error}"]
    masks = {file: file_digest(mask).hex() for file, mask in again.files.items()}
    changes = json.loads(json.dumps(again.changes))
    before = (record.changes, changes) if targets.is_annotated else (record.masks, masks)
    # Of what lies outside of the image, the output has no labels.
    beyond = tuple(f"{cell_folder(*cell)}/" for cell in made.targets.moved_before_crop)
    files = (file for file in {**before[0], **before[1]} if not file.startswith(beyond))
    differing = [file for file in files if before[0].get(file) != before[1].get(file)]
    kind = "annotations" if targets.is_annotated else "labels"
    return [f"{file} has other {kind} for {record.id} when recomputed" for file in differing]


def _clean_images(
    made: RecordedBuild, origins: Origins, part: Part, records: Sequence[ItemRecord], chosen: Iterable[int]
) -> Iterator[tuple[int, CleanImage | str]]:
    """Return the clean images of some items of a block, or what is wrong with them."""
    clean = origins.source
    if clean is None:
        yield from _twins(made.sink, part, records, list(chosen))
        return
    for i in chosen:
        record = records[i]
        try:
            content = clean.read(record.item)
            if source_digest(content) != record.source:
                yield i, f"{record.id} in the source has changed"
            else:
                image = decode_image(content, made.recipe.decode)
                image, inputs, _ = origins.inputs.add(record.item, content, image, clean.read, record.donor)
                others = [key for key in inputs if inputs[key] != record.inputs.get(key)]
                yield i, f"{record.id} has another {' and '.join(others)} beside it" if others else image
        except (Rejected, SourceError, OSError, MemoryError) as error:
            trouble = trouble_behind(error)
            yield i, f"{record.id} in the source {f'cannot be read: {wording(trouble)}' if trouble else error}"


def _twins(
    sink: Sink, part: Part, records: Sequence[ItemRecord], chosen: list[int]
) -> Iterator[tuple[int, CleanImage | str]]:
    """Read the clean images of a block back from the output."""
    try:
        images = list(sink.images(CLEAN_CELL, part)) if chosen else []
    except (Rejected, OutputError) as error:
        yield chosen[0], f"{part.items[chosen[0]].id} in the clean twin {error}"
        return
    for i in chosen:
        image = images[i]
        try:
            if image is None:
                raise Rejected("is missing")
            yield i, restore_image(decode_stored(image), records[i].samples)
        except Rejected as error:
            yield i, f"{part.items[i].id} in the clean twin {error}"
