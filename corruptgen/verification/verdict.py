"""Check a finished output: its files against their digests, its pixels by making them again."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from corruptgen.engine.backends import WorkerConfig
from corruptgen.engine.block import Cells
from corruptgen.engine.identity import describe, describe_missing
from corruptgen.engine.inspection import find_damaged_files, read_file, recorded_damage
from corruptgen.engine.inventory import scan_output
from corruptgen.engine.manifest import CARD, MANIFEST, MARKER, BlockTable, dataset_files, environment, parse_record
from corruptgen.engine.plan import CLEAN, recipe_cells, table_name
from corruptgen.engine.progress import Progress, results
from corruptgen.engine.sequences import frames_fit, recorded_frames
from corruptgen.errors import CorruptgenError, OutputError, RecipeError
from corruptgen.recipe.declarations import describe_missing_plug_ins
from corruptgen.recipe.recipe import read_recipe
from corruptgen.sinks.formats import sink
from corruptgen.sinks.owner import Owner
from corruptgen.store.digests import FILES_BYTES, PIXELS_BYTES, SHARD_BYTES
from corruptgen.store.names import is_below, storable
from corruptgen.store.output_directory import OutputDirectory, cell_folder
from corruptgen.tables import catalog
from corruptgen.tables.first_pass import needed_planes, recorded_planes
from corruptgen.tables.table import table_digest
from corruptgen.targets.targets import recorded_targets
from corruptgen.values.addresses import local_path
from corruptgen.verification.contradictions import find_contradictions
from corruptgen.verification.recompute import RecordedBuild, jobs, origins, recompute_block

DEPTHS = ("files", "sample", "full")
TABLE = re.compile(r"items/\d{5,}\.jsonl")
# What the Hub, and its client in a folder of one's own, put beside a dataset.
HUBS_OWN = re.compile(r"\.gitattributes|\.cache/huggingface/.*", re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """What `verify` found."""

    problems: tuple[str, ...]
    """One line each, sorted; empty if all is well."""
    notes: tuple[str, ...]
    """What may explain problems: versions that are not those of the build."""
    files: int
    """Files that were read and compared with their digests."""
    pixels: int
    """Images that were recomputed."""


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
    directory : str or Path
        What `generate` made.
    source : str or Path or None
        The clean images; None: the clean twin in the output where that is lossless, else the dataset on the Hub that
        the recipe names; "recorded": that one in any case.
    depth : str, default "files"
        "files" compares every file with its digest; "sample" also recomputes some images, "full" all of them, with the
        severity table that the manifest records.
    seed : int, default 0
        Another seed takes another sample.
    workers : int or None
        Number of processes; None: one for each processor.
    progress : Progress or None
        Called with how many blocks are done and how many there are, files first, then pixels.

    Returns
    -------
    Verdict
        What is wrong, and what may explain it.

    Raises
    ------
    OutputError
        If this is not a finished output.
    RecipeError
        If pixels cannot be recomputed without more; the message states what is needed.

    Examples
    --------
    >>> import corruptgen
    >>> outcome = corruptgen.generate("small.toml", output="checked-c", workers=1)
    >>> verdict = verify("checked-c", depth="files", workers=1)
    >>> verdict.problems
    ()
    """
    if depth not in DEPTHS:
        raise RecipeError(f"depth is {depth!r}; allowed are {', '.join(DEPTHS)}")
    build, listed = open_output(directory)
    if build.missing and depth != "files":
        raise RecipeError(f"pixels cannot be recomputed: {build.missing}; files can be verified without it")
    output = build.sink.output
    clean = origins(build, source) if depth != "files" else None

    problems, tables = read_tables(build, listed)
    counts = list(tables.items.values())
    report = progress or (lambda done, total: None)
    rounds = len(counts) * (2 if clean else 1)
    placed = list(zip(tables.items, accumulate(counts, initial=0), strict=False))
    # Without the tables before it, it is unknown where a block lies in an array.
    checked = placed if len(counts) == len(listed["tables"]) or not build.sink.wants_one_shape else []
    worker_config = WorkerConfig(workers).at_most(len(counts))
    files = pixels = done = 0
    problems += _checked_annotations(build)
    problems += _checked_marker(output, listed)
    problems += _strays(build, tables, listed)
    for found, count in results(((recorded_damage, (build.sink, *place)) for place in checked), worker_config):
        problems += found
        files += count
        report(done := done + 1, rounds)
    for name, problem in find_damaged_files(output, dataset_files(listed)):
        # Of a row's array, the damaged piece has been named.
        if not any(line.startswith(f"{name}: ") for line in problems):
            problems.append(problem)
    if clean:
        wanted = jobs(counts, len(build.cells.names), depth, rng_key=output.read(MANIFEST) or b"", seed=seed)
        calls = (
            (recompute_block, (build, clean, *place, chosen)) for place, chosen in zip(placed, wanted, strict=True)
        )
        for found, count in results(calls, worker_config):
            problems += found
            pixels += count
            report(done := done + 1, rounds)
    before, now = listed["environment"], environment(build.recipe)
    notes = [
        f"made with {name} {before.get(name)}, this is {now[name]}" for name in now if before.get(name) != now[name]
    ]
    if build.missing:
        notes.append(build.missing)
    elif "identity" in listed and clean:
        code = build.cells.identity(clean.source)
        if clean.source is None:
            # Of what they share, the reader of the source is a part, and a clean twin is read by none.
            code["shared"] = listed["identity"].get("shared")
        if listed["identity"] != code:
            notes.append(f"made with other code or libraries: {describe(listed['identity'], code)}")
    return Verdict(tuple(sorted(problems)), tuple(notes), files, pixels)


@dataclass(frozen=True)
class Tables:
    """The tables of an output that can be read; whoever walks through them reads them, one at a time."""

    output: OutputDirectory
    items: Mapping[str, int]
    """The number of complete items of each, by its file."""

    def __iter__(self) -> Iterator[BlockTable]:
        return (BlockTable.from_bytes(self.output.read(name) or b"") for name in self.items)


def open_output(directory: str | Path) -> tuple[RecordedBuild, dict[str, Any]]:
    """Return what a finished output says was made, and its manifest; raise `OutputError` if it is none."""
    output = OutputDirectory(local_path(directory, "the dataset").resolve())
    content = output.read(MANIFEST)
    if content is None:
        unfinished = "it is unfinished; the generate command resumes it"
        advice = unfinished if output.read(MARKER) else "give the directory that generate has finished"
        raise OutputError(f"{output.root.name} has no {MANIFEST}: {advice}")
    manifest = parse_record(content, MANIFEST)
    lacking = describe_missing_plug_ins(manifest.get("plugins"))
    if lacking:
        raise OutputError(f"{output.root.name} cannot be read here: {lacking}; install it first")
    try:
        recipe = read_recipe(manifest["recipe"], MANIFEST)
        name, table, names = manifest["preset"]["name"], manifest["preset"]["table"], recipe_cells(recipe)
        missing = describe_missing(table, manifest.get("identity"))
        frames = recorded_frames(names, manifest)
        preset = None if missing else catalog.preset_from(name, table)
        planes = recorded_planes(manifest)
        cells = (
            Cells.of(preset, recipe, names, frames, planes) if preset else Cells.recorded(name, table, recipe, names)
        )
        annotations = {name: str(entry["sha256"]) for name, entry in manifest.get("annotations", {}).items()}
        right = (
            table_digest(table) == manifest["preset"]["digest"]
            and [cell_folder(*name) for name in cells.names] == manifest["cells"]
            and list(manifest["tables"]) == [table_name(number) for number in range(len(manifest["tables"]))]
            and all(map(is_below, (*annotations, *dataset_files(manifest))))
            and set(manifest.get("frames", {})) <= set(manifest["cells"])
            and all(count > 0 for count in manifest.get("frames", {}).values())
            and (preset is None or frames_fit(preset, names, frames))
            and (preset is None or set(planes) == needed_planes(preset, names))
        )
    except (CorruptgenError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise OutputError(f"{MANIFEST} is damaged: {error}") from error
    if not right:
        raise OutputError(f"{MANIFEST} is damaged: its parts contradict each other")
    layout = sink(recipe.output, cells.names, output, len(manifest["tables"]), frames)
    targets = recorded_targets(recipe, preset, (name for name in cells.names if name != CLEAN))
    return RecordedBuild(recipe, cells, layout, targets, annotations, missing), manifest


def read_tables(build: RecordedBuild, listed: Mapping[str, Any]) -> tuple[list[str], Tables]:
    """Read all tables and compare them with the manifest; return what is wrong, and those that can be read."""
    problems: list[str] = []
    items: dict[str, int] = {}

    def readable() -> Iterator[BlockTable]:
        for name, digest in listed["tables"].items():
            content, problem = read_file(build.sink.output, name)
            if content is None:
                problems.append(problem)
                continue
            if hashlib.sha256(content).hexdigest() != digest:
                problems.append(f"{name} does not match the manifest")
            try:
                table = BlockTable.from_bytes(content)
            except OutputError as error:
                problems.append(f"{name} cannot be read: {error}")
                continue
            if _fits(table, build) and table_name(table.number) == name:
                items[name] = len(table.made)
                yield table
            else:
                problems.append(f"{name} does not fit the manifest")

    found = list(find_contradictions(build.recipe, listed, readable()))
    return problems or found, Tables(build.sink.output, items)


def _fits(table: BlockTable, build: RecordedBuild) -> bool:
    cells, files = len(build.cells.names), FILES_BYTES if build.recipe.output.declared.has_file_per_item else 0
    return len(table.shards) == cells * SHARD_BYTES and all(
        len(record.pixels) == cells * PIXELS_BYTES
        and len(record.files) == files
        and (not files or (is_below(record.id) and (not record.label or is_below(record.label))))
        and all(map(is_below, record.masks))
        for record in table.made
    )


def owners(build: RecordedBuild, tables: Iterable[BlockTable], blocks: int | None) -> list[Owner]:
    """Return what knows which files are those of an output.

    Parameters
    ----------
    build : RecordedBuild
        The finished dataset.
    tables : iterable of BlockTable
        Its tables; they are walked through twice where there are masks.
    blocks : int or None
        Number of its blocks; None: of any number of them.

    Returns
    -------
    list of Owner
        Those of its images, and of what goes with these.
    """
    items = (record.item for table in tables for record in table.made)
    masks = (file for table in tables for record in table.made for file in record.masks)
    return [build.sink.owner(items, blocks), Owner(chain(masks if build.targets.endings else (), build.annotations))]


def _strays(build: RecordedBuild, tables: Tables, listed: Mapping[str, Any]) -> Iterator[str]:
    """Name what lies in the output and does not belong there."""
    names = set(listed["tables"])
    try:
        found = scan_output(build.sink.output, owners(build, tables, len(names)), names)
    except OutputError as error:
        yield str(error)
        return
    unlisted = (name for name in CARD if name not in dataset_files(listed) and build.sink.output.size(name) is not None)
    for name in (*found.unfinished, *found.foreign, *unlisted):
        if not HUBS_OWN.fullmatch(name):
            yield f"{storable(name)} is not part of this build"


def _checked_annotations(build: RecordedBuild) -> Iterator[str]:
    """Compare the annotation files with their digests."""
    for name, digest in build.annotations.items():
        content, problem = read_file(build.sink.output, name)
        if content is None:
            yield problem
        elif hashlib.sha256(content).hexdigest() != digest:
            yield f"{name} does not match the manifest"


def _checked_marker(output: OutputDirectory, listed: dict[str, Any]) -> Iterator[str]:
    """Compare the marker with the manifest; copies of an output are good without it."""
    try:
        content = output.read(MARKER)
        if content is None:
            return
        begun = parse_record(content, MARKER)
    except OutputError as error:
        yield str(error)
        return
    said = (listed["recipe"], listed["preset"]["digest"], listed["environment"], listed.get("identity"))
    if (begun["recipe"], begun["preset"], begun["environment"], begun.get("identity")) != said:
        yield f"{MARKER} is that of another build than {MANIFEST}"
