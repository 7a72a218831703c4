"""Check a finished output: its files against their digests, its pixels by making them again."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corruptgen import catalog
from corruptgen.block import Cells, single_threaded
from corruptgen.errors import CorruptgenError, OutputError, RecipeError, Rejected
from corruptgen.imaging.codec import decoded
from corruptgen.inventory import inventory
from corruptgen.manifest import (
    FILES_BYTES,
    MANIFEST,
    MARKER,
    PIXELS_BYTES,
    SHARD_BYTES,
    ItemRecord,
    Table,
    environment,
    file_digest,
    files_digest,
    parsed,
    pixels_digest,
    shard_digest,
    split,
)
from corruptgen.names import is_below, storable
from corruptgen.plan import CLEAN, spelled_cells
from corruptgen.progress import Progress, results
from corruptgen.randomness import rng_for
from corruptgen.recipe import Recipe
from corruptgen.recipe import read as read_recipe
from corruptgen.records import Decoding, Item
from corruptgen.sinks.folder import Folder, cell_folder, item_name
from corruptgen.sources import KINDS, FolderSource, Source

DEPTHS = ("files", "sample", "full")
SAMPLES = 20  # item-cells that the depth "sample" makes again
TABLE = re.compile(r"items/\d{5,}\.jsonl")


@dataclass(frozen=True)
class Verdict:
    """What `verify` found."""

    problems: tuple[str, ...]
    """One line each, sorted; empty if all is well."""
    notes: tuple[str, ...]
    """What may explain problems: versions that are not those of the build."""
    files: int
    """Files that were read and held against their digests."""
    pixels: int
    """Images that were made again."""


@dataclass(frozen=True)
class _Build:
    """What the manifest says, in a form that can travel to every worker."""

    output: Folder
    recipe: Recipe
    cells: Cells
    annotations: Mapping[str, str]
    """The sha256 of every annotation file."""

    @property
    def extension(self) -> str:
        return self.recipe.output.stored.extension

    def file(self, cell: int, record: ItemRecord) -> str:
        return f"{cell_folder(*self.cells.names[cell])}/{item_name(record.item, self.extension)}"


def verify(
    directory: str | Path,
    *,
    source: str | Path | None = None,
    depth: str = "files",
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Check a finished output.

    Parameters
    ----------
    directory : what `generate` made
    source : the clean images; None: the clean twin in the output, where that is lossless
    depth : "files" holds every file against its digest; "sample" also makes some images again, "full" all of them,
        with the severity table that the manifest records
    seed : another seed takes another sample
    workers : number of processes; None: one for each processor
    progress : called with how many blocks are done and how many there are, files first, then pixels

    Raises
    ------
    OutputError
        If this is not a finished output.
    RecipeError
        If pixels cannot be made again without more; the message says what is needed.
    """
    if depth not in DEPTHS:
        raise RecipeError(f"depth is {depth!r}; allowed are {', '.join(DEPTHS)}")
    output = Folder(Path(directory).resolve())
    content = output.read(MANIFEST)
    if content is None:
        advice = "it is unfinished; the generate command goes on with it" if output.read(MARKER) else "it has none"
        raise OutputError(f"{Path(directory).name} cannot be verified without a {MANIFEST}: {advice}")
    build, listed = _read(output, parsed(content, MANIFEST))
    clean = None if depth == "files" else _clean(build, source)

    problems, tables = _tables(build, listed)
    report = progress or (lambda done, total: None)
    rounds = len(tables) * (1 if clean is None else 2)
    files = pixels = done = 0
    problems += _checked_annotations(build)
    problems += _strays(build, tables, set(listed["tables"]))
    for found, count in results(((_checked_files, (build, table)) for table in tables), workers):
        problems += found
        files += count
        report(done := done + 1, rounds)
    if clean is not None:
        jobs = _jobs(tables, len(build.cells.names), depth, rng_key=content, seed=seed)
        calls = ((_checked_pixels, (build, clean, table, chosen)) for table, chosen in jobs)
        for found, count in results(calls, workers):
            problems += found
            pixels += count
            report(done := done + 1, rounds)
    before, now = listed["environment"], environment()
    notes = (
        f"made with {name} {before.get(name)}, this is {now[name]}" for name in now if before.get(name) != now[name]
    )
    return Verdict(tuple(sorted(problems)), tuple(notes), files, pixels)


def _read(output: Folder, manifest: dict[str, Any]) -> tuple[_Build, dict[str, Any]]:
    try:
        recipe = read_recipe(manifest["recipe"], MANIFEST)
        preset = catalog.preset_from(manifest["preset"]["name"], manifest["preset"]["table"])
        cells = Cells.of(preset, recipe, spelled_cells(recipe))
        annotations = {name: str(entry["sha256"]) for name, entry in manifest.get("annotations", {}).items()}
        right = (
            preset.digest == manifest["preset"]["digest"]
            and [cell_folder(*name) for name in cells.names] == manifest["cells"]
            and all(TABLE.fullmatch(name) for name in manifest["tables"])
            and all(type(manifest["counts"][key]) is int for key in ("items", "files"))
            and isinstance(manifest["environment"], dict)
            and all(map(is_below, annotations))
        )
    except (CorruptgenError, LookupError, TypeError, AttributeError) as error:
        raise OutputError(f"{MANIFEST} is damaged: {error}") from error
    if not right:
        raise OutputError(f"{MANIFEST} is damaged: its parts contradict each other")
    return _Build(output, recipe, cells, annotations), manifest


def _clean(build: _Build, source: str | Path | None) -> Source:
    """Find the clean images to start from."""
    if source is not None:
        if not Path(source).is_dir():
            raise RecipeError(f"the source {str(source)!r} is not a folder")
        return KINDS[build.recipe.source.kind](Path(source).resolve())
    stored = build.recipe.output
    if stored.clean and stored.stored.is_lossless:
        return FolderSource(build.output.root / cell_folder(*CLEAN))
    raise RecipeError(
        "to make pixels again the clean images are needed: say where they are with --source, "
        "or generate with clean = true and a lossless encoding"
    )


def _tables(build: _Build, listed: dict[str, Any]) -> tuple[list[str], list[Table]]:
    """Read all tables and hold them against the manifest."""
    problems, tables = [], []
    for name, digest in listed["tables"].items():
        content = build.output.read(name)
        if content is None:
            problems.append(f"{name} is missing")
            continue
        if hashlib.sha256(content).hexdigest() != digest:
            problems.append(f"{name} is not what the manifest says")
        try:
            table = Table.from_bytes(content)
        except OutputError as error:
            problems.append(f"{name} cannot be read: {error}")
            continue
        if _fits(table, len(build.cells.names)):
            tables.append(table)
        else:
            problems.append(f"{name} does not fit the manifest")
    items, counts = sum(len(table.made) for table in tables), listed["counts"]
    if not problems and (counts["items"], counts["files"]) != (items, items * len(build.cells.names)):
        problems.append(f"{MANIFEST} counts other items than its tables")
    return problems, tables


def _fits(table: Table, cells: int) -> bool:
    return len(table.shards) == cells * SHARD_BYTES and all(
        len(record.pixels) == cells * PIXELS_BYTES
        and len(record.files) == FILES_BYTES
        and is_below(record.id)
        and (not record.label or is_below(record.label))
        and all(map(is_below, record.masks))
        for record in table.made
    )


def _strays(build: _Build, tables: Sequence[Table], names: set[str]) -> Iterator[str]:
    """Name what lies in the output and does not belong there."""
    cells = {cell_folder(*name) for name in build.cells.names}
    items = {item_name(record.item, build.extension) for table in tables for record in table.made}
    carried = {file for table in tables for record in table.made for file in record.masks} | build.annotations.keys()
    found = inventory(build.output, cells, items, names, carried)
    for name in (*found.unfinished, *found.foreign):
        yield f"{storable(name)} is not part of this build"


def _checked_files(build: _Build, table: Table) -> tuple[list[str], int]:
    """Hold the files of a block against the digests of its shards and items."""
    count, made = len(build.cells.names), table.made
    digests: dict[tuple[int, int], bytes] = {}
    problems = []
    for i, record in enumerate(made):
        for cell in range(count):
            content = build.output.read(build.file(cell, record))
            if content is None:
                problems.append(f"{build.file(cell, record)} is missing")
            else:
                digests[i, cell] = file_digest(content)
    shards = split(table.shards, SHARD_BYTES)
    names = [item_name(record.item, build.extension) for record in made]
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
    damaged = [(i, cell) for i, cell in suspects if not _holds(build, made[i], cell)] or suspects
    if len(suspects) == 1 or len(damaged) < len(suspects) or not problems:
        problems += [f"{build.file(cell, made[i])} is not what was made" for i, cell in damaged]
    if bad_cells and not problems:
        problems.append(f"the table of block {table.number} contradicts itself")
    masks = {file: digest for record in made for file, digest in record.masks.items()}
    for file, digest in masks.items():
        content = build.output.read(file)
        if content is None or file_digest(content).hex() != digest:
            problems.append(f"{file} is {'missing' if content is None else 'not what was made'}")
    return problems, len(digests) + len(masks)


def _checked_annotations(build: _Build) -> Iterator[str]:
    """Hold the annotation files against their digests."""
    for name, digest in build.annotations.items():
        content = build.output.read(name)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            yield f"{name} is {'missing' if content is None else 'not what the manifest says'}"


def _holds(build: _Build, record: ItemRecord, cell: int) -> bool:
    """Tell whether a lossless file still has the pixels that were made; of others nobody can know."""
    content = build.output.read(build.file(cell, record))
    if content is None or not build.recipe.output.stored.is_lossless:
        return False
    try:
        return pixels_digest(decoded(content, Decoding())) == split(record.pixels, PIXELS_BYTES)[cell]
    except Rejected:
        return False


def _jobs(
    tables: Sequence[Table], cells: int, depth: str, *, rng_key: bytes, seed: int
) -> Iterator[tuple[Table, dict[int, list[int]]]]:
    """Say which cells of which items are made again, block by block."""
    made = [len(table.made) * cells for table in tables]
    draws = rng_for(seed, "verify", None, hashlib.sha256(rng_key).digest())
    sample = sorted({int(n) for n in draws.integers(sum(made), size=SAMPLES)}) if any(made) else []
    start = 0
    for table, count in zip(tables, made, strict=True):
        chosen = range(count) if depth == "full" else [n - start for n in sample if start <= n < start + count]
        wanted: dict[int, list[int]] = {}
        for number in chosen:
            wanted.setdefault(number // cells, []).append(number % cells)
        yield table, wanted
        start += count


def _checked_pixels(build: _Build, clean: Source, table: Table, chosen: dict[int, list[int]]) -> tuple[list[str], int]:
    """Make images again and hold them against the digests of their pixels."""
    problems, count = [], 0
    twin = isinstance(clean, FolderSource) and clean.root == build.output.root / cell_folder(*CLEAN)
    with single_threaded():
        for i, cells in chosen.items():
            record = table.made[i]
            item = record.item
            place = Item(item_name(item, build.extension), record.label) if twin else item
            try:
                content = clean.read(place)
                if not twin and hashlib.sha256(content).hexdigest() != record.source:
                    problems.append(f"{record.id} in the source has changed")
                    continue
                image = decoded(content, Decoding() if twin else build.recipe.decode)
            except Rejected as error:
                problems.append(f"{record.id} in the {'clean twin' if twin else 'source'} {error}")
                continue
            digests = split(record.pixels, PIXELS_BYTES)
            for cell in cells:
                count += 1
                if pixels_digest(build.cells.apply(build.cells.names[cell], image, record.id)) != digests[cell]:
                    problems.append(f"{build.file(cell, record)} has other pixels when made again")
    return problems, count
