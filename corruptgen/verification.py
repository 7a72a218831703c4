"""Check a finished output: its files against their digests, its pixels by making them again."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from corruptgen import catalog
from corruptgen.block import Cells
from corruptgen.damage import damage, damaged_wholes
from corruptgen.digests import FILES_BYTES, PIXELS_BYTES, SHARD_BYTES, pixels_digest, split
from corruptgen.errors import CorruptgenError, OutputError, RecipeError, Rejected
from corruptgen.imaging.deep import picture, restored
from corruptgen.imaging.windowing import Picture
from corruptgen.inventory import inventory, naming
from corruptgen.manifest import MANIFEST, MARKER, ItemRecord, Table, environment, parsed, recorded_picture, wholes
from corruptgen.names import is_below, storable
from corruptgen.plan import spelled_cells
from corruptgen.progress import Progress, results
from corruptgen.randomness import rng_for
from corruptgen.recipe import Recipe
from corruptgen.recipe import read as read_recipe
from corruptgen.sinks import Part, Sink
from corruptgen.sinks.folder import Folder, cell_folder
from corruptgen.sinks.formats import sink
from corruptgen.sources import Source, open_known, source_digest
from corruptgen.threads import single_threaded

DEPTHS = ("files", "sample", "full")
SAMPLES = 20  # item-cells that the depth "sample" makes again
TABLE = re.compile(r"items/\d{5,}\.jsonl")
CLEAN_CELL = 0


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

    recipe: Recipe
    cells: Cells
    sink: Sink
    annotations: Mapping[str, str]
    """The sha256 of every annotation file."""


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
    again = depth != "files"
    clean = _clean(build, source) if again else None

    problems, tables = _tables(build, listed)
    report = progress or (lambda done, total: None)
    rounds = len(tables) * (2 if again else 1)
    placed = list(zip(tables, accumulate((len(table.made) for table in tables), initial=0), strict=False))
    # Without the tables before it, nobody knows where a block lies in an array.
    checked = placed if len(tables) == len(listed["tables"]) or not build.sink.wants_one_shape else []
    files = pixels = done = 0
    problems += _checked_annotations(build)
    problems += _strays(build, tables, set(listed["tables"]))
    for found, count in results(((damage, (build.sink, table, start)) for table, start in checked), workers):
        problems += found
        files += count
        report(done := done + 1, rounds)
    for name, problem in damaged_wholes(output, wholes(listed)):
        # Of a row's array, the damaged piece has been named.
        if not any(known.startswith(f"{name}: ") for known in problems):
            problems.append(problem)
    if again:
        jobs = _jobs(tables, len(build.cells.names), depth, rng_key=content, seed=seed)
        calls = (
            (_checked_pixels, (build, clean, table.part(start), table.made, chosen))
            for (table, start), (_, chosen) in zip(placed, jobs, strict=True)
        )
        for found, count in results(calls, workers):
            problems += found
            pixels += count
            report(done := done + 1, rounds)
    before, now = listed["environment"], environment(build.recipe)
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
    layout = sink(recipe.output, cells.names, output, len(manifest["tables"]))
    return _Build(recipe, cells, layout, annotations), manifest


def _clean(build: _Build, source: str | Path | None) -> Source | None:
    """Find the clean images to start from; None: their twin in the output."""
    if source is not None:
        return open_known(build.recipe, source)
    if build.recipe.output.clean and build.recipe.output.is_lossless:
        return None
    raise RecipeError(
        "to make pixels again the clean images are needed: say where they are with --source, "
        "or generate with clean = true and a lossless encoding"
    )


def _tables(build: _Build, listed: dict[str, Any]) -> tuple[list[str], list[Table]]:
    """Read all tables and hold them against the manifest."""
    problems, tables = [], []
    for name, digest in listed["tables"].items():
        content = build.sink.output.read(name)
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
        if _fits(table, build):
            tables.append(table)
        else:
            problems.append(f"{name} does not fit the manifest")
    items, counts = sum(len(table.made) for table in tables), listed["counts"]
    if not problems and (counts["items"], counts["files"]) != (items, items * len(build.cells.names)):
        problems.append(f"{MANIFEST} counts other items than its tables")
    return problems, tables


def _fits(table: Table, build: _Build) -> bool:
    cells, files = len(build.cells.names), FILES_BYTES if build.recipe.output.format == "folder" else 0
    return len(table.shards) == cells * SHARD_BYTES and all(
        len(record.pixels) == cells * PIXELS_BYTES
        and len(record.files) == files
        and (not files or (is_below(record.id) and (not record.label or is_below(record.label))))
        and all(map(is_below, record.masks))
        for record in table.made
    )


def _strays(build: _Build, tables: Sequence[Table], names: set[str]) -> Iterator[str]:
    """Name what lies in the output and does not belong there."""
    items = {record.item for table in tables for record in table.made}
    carried = {file for table in tables for record in table.made for file in record.masks} | build.annotations.keys()
    found = inventory(build.sink.output, [build.sink.owner(items, len(names)), naming(carried)], names)
    for name in (*found.unfinished, *found.foreign):
        yield f"{storable(name)} is not part of this build"


def _checked_annotations(build: _Build) -> Iterator[str]:
    """Hold the annotation files against their digests."""
    for name, digest in build.annotations.items():
        content = build.sink.output.read(name)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            yield f"{name} is {'missing' if content is None else 'not what the manifest says'}"


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


def _checked_pixels(
    build: _Build, clean: Source | None, part: Part, records: Sequence[ItemRecord], chosen: dict[int, list[int]]
) -> tuple[list[str], int]:
    """Make images again and hold them against the digests of their pixels."""
    problems, count = [], 0
    with single_threaded():
        for i, image in _clean_images(build, clean, part, records, chosen):
            record = records[i]
            if isinstance(image, str):
                problems.append(image)
                continue
            digests = split(record.pixels, PIXELS_BYTES)
            for cell in chosen[i]:
                count += 1
                if pixels_digest(build.cells.apply(build.cells.names[cell], image, record.id)) != digests[cell]:
                    problems.append(f"{build.sink.name(cell, part, record.item)} has other pixels when made again")
    return problems, count


def _clean_images(
    build: _Build, clean: Source | None, part: Part, records: Sequence[ItemRecord], chosen: Iterable[int]
) -> Iterator[tuple[int, Picture | str]]:
    """Give the clean images of some items of a block, or what is wrong with them."""
    if clean is None:
        yield from _twins(build.sink, part, records, list(chosen))
        return
    for i in chosen:
        record = records[i]
        try:
            content = clean.read(record.item)
            if source_digest(content) != record.source:
                yield i, f"{record.id} in the source has changed"
            else:
                yield i, picture(content, build.recipe.decode)
        except Rejected as error:
            yield i, f"{record.id} in the source {error}"


def _twins(
    sink: Sink, part: Part, records: Sequence[ItemRecord], chosen: list[int]
) -> Iterator[tuple[int, Picture | str]]:
    """Read the clean images of a block back from the output."""
    try:
        images = sink.images(CLEAN_CELL, part) if chosen else []
    except Rejected as error:
        yield chosen[0], f"{part.items[chosen[0]].id} in the clean twin {error}"
        return
    for i in chosen:
        image = images[i]
        try:
            if image is None:
                raise Rejected("is missing")
            pixels = restored(image) if isinstance(image, bytes) else image
            yield i, recorded_picture(pixels, records[i].samples)
        except Rejected as error:
            yield i, f"{part.items[i].id} in the clean twin {error}"
