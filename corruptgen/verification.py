"""Check a finished output: its files against their digests, its pixels by making them again."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from corruptgen import catalog
from corruptgen.block import Cells
from corruptgen.damage import damage, damaged_wholes
from corruptgen.digests import FILES_BYTES, PIXELS_BYTES, SHARD_BYTES
from corruptgen.errors import CorruptgenError, OutputError, RecipeError
from corruptgen.inventory import inventory, naming
from corruptgen.manifest import MANIFEST, MARKER, Table, environment, parsed, wholes
from corruptgen.names import is_below, storable
from corruptgen.plan import CLEAN, spelled_cells
from corruptgen.progress import Progress, results
from corruptgen.recipe import read as read_recipe
from corruptgen.remaking import Made, jobs, origins, remade
from corruptgen.sinks.folder import Folder, cell_folder
from corruptgen.sinks.formats import sink
from corruptgen.targets import known

DEPTHS = ("files", "sample", "full")
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
    clean = origins(build, source) if depth != "files" else None

    problems, tables = _tables(build, listed)
    report = progress or (lambda done, total: None)
    rounds = len(tables) * (2 if clean else 1)
    placed = list(zip(tables, accumulate((len(table.made) for table in tables), initial=0), strict=False))
    # Without the tables before it, nobody knows where a block lies in an array.
    checked = placed if len(tables) == len(listed["tables"]) or not build.sink.wants_one_shape else []
    files = pixels = done = 0
    problems += _checked_annotations(build)
    problems += _checked_marker(output, listed)
    problems += _strays(build, tables, set(listed["tables"]))
    for found, count in results(((damage, (build.sink, table, start)) for table, start in checked), workers):
        problems += found
        files += count
        report(done := done + 1, rounds)
    for name, problem in damaged_wholes(output, wholes(listed)):
        # Of a row's array, the damaged piece has been named.
        if not any(line.startswith(f"{name}: ") for line in problems):
            problems.append(problem)
    if clean:
        wanted = jobs(tables, len(build.cells.names), depth, rng_key=content, seed=seed)
        calls = (
            (remade, (build, clean, table.part(start), table.made, chosen))
            for (table, start), (_, chosen) in zip(placed, wanted, strict=True)
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


def _read(output: Folder, manifest: dict[str, Any]) -> tuple[Made, dict[str, Any]]:
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
    targets = known(recipe, preset, (name for name in cells.names if name != CLEAN))
    return Made(recipe, cells, layout, targets, annotations), manifest


def _tables(build: Made, listed: dict[str, Any]) -> tuple[list[str], list[Table]]:
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


def _fits(table: Table, build: Made) -> bool:
    cells, files = len(build.cells.names), FILES_BYTES if build.recipe.output.format == "folder" else 0
    return len(table.shards) == cells * SHARD_BYTES and all(
        len(record.pixels) == cells * PIXELS_BYTES
        and len(record.files) == files
        and (not files or (is_below(record.id) and (not record.label or is_below(record.label))))
        and all(map(is_below, record.masks))
        for record in table.made
    )


def _strays(build: Made, tables: Sequence[Table], names: set[str]) -> Iterator[str]:
    """Name what lies in the output and does not belong there."""
    items = {record.item for table in tables for record in table.made}
    carried = {file for table in tables for record in table.made for file in record.masks} | build.annotations.keys()
    found = inventory(build.sink.output, [build.sink.owner(items, len(names)), naming(carried)], names)
    for name in (*found.unfinished, *found.foreign):
        yield f"{storable(name)} is not part of this build"


def _checked_annotations(build: Made) -> Iterator[str]:
    """Hold the annotation files against their digests."""
    for name, digest in build.annotations.items():
        content = build.sink.output.read(name)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            yield f"{name} is {'missing' if content is None else 'not what the manifest says'}"


def _checked_marker(output: Folder, listed: dict[str, Any]) -> Iterator[str]:
    """Hold the marker against the manifest; copies of an output are good without it."""
    content = output.read(MARKER)
    if content is None:
        return
    try:
        begun = parsed(content, MARKER)
    except OutputError as error:
        yield str(error)
        return
    if (begun.get("recipe"), begun.get("preset")) != (listed["recipe"], listed["preset"]["digest"]):
        yield f"{MARKER} is that of another build than {MANIFEST}"
