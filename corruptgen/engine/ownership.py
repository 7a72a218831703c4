"""A claim on a directory: what a build may write into, what it may remove, and what it may go on with."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from corruptgen.engine.growth import smaller_plan
from corruptgen.engine.inventory import Inventory, clear, scan_output
from corruptgen.engine.manifest import MARKER, BlockTable, ItemRecord, parse_record
from corruptgen.engine.plan import Plan, recipe_cells
from corruptgen.engine.sequences import recorded_frames
from corruptgen.errors import OutputError
from corruptgen.recipe.recipe import current_form, read_recipe
from corruptgen.sinks import OutputDirectory
from corruptgen.sinks.formats import sink
from corruptgen.sinks.owner import Owner
from corruptgen.store.output_directory import cell_folder
from corruptgen.targets.targets import ANNOTATIONS
from corruptgen.values.comparison import describe_differences


def check_ownership(plan: Plan, output: OutputDirectory, marker: Mapping[str, Any], *, overwrite: bool) -> None:
    """Make sure that the directory is ours to write into, and refuse it otherwise.

    Parameters
    ----------
    plan : Plan
        What is to be made.
    output : OutputDirectory
        The directory; it need not exist.
    marker : mapping of str to object
        Whose output it is to be.
    overwrite : bool
        Remove what an earlier build has put there.

    Raises
    ------
    OutputError
        If it holds another build, or what no build has made.
    """
    there = output.read(MARKER)
    if overwrite:
        _overwrite(plan, output, there)
    elif there is not None and smaller_plan(plan, parse_record(there, MARKER)) is None:
        check_same(parse_record(there, MARKER), marker)


def check_same(there: Mapping[str, Any], marker: Mapping[str, Any]) -> None:
    """Refuse an output that another build has begun."""
    there = {**there, "recipe": current_form(there.get("recipe") or {})}
    differs = [key for key in ("recipe", "preset", "source") if there.get(key) != marker[key]]
    if differs:
        raise OutputError(
            f"the output directory holds another build: its {' and '.join(differs)} "
            f"{'is' if len(differs) == 1 else 'are'} not the same{_what_differs(there, marker)}; "
            "choose another directory with --output, or remove that build with --overwrite"
        )


def _what_differs(there: Mapping[str, Any], marker: Mapping[str, Any]) -> str:
    """Return which values of the recipe are others; of tables and sources the marker has digests alone."""
    values = describe_differences(there.get("recipe"), marker["recipe"])
    return f": {values}" if values else ""


def check_environment(
    there: Mapping[str, Any], marker: Mapping[str, Any], what: str = "the output is not whole and was begun"
) -> None:
    """Refuse to go on with an output that was begun with other versions: its parts would not match."""
    before, now = there.get("environment", {}), marker["environment"]
    if before != now:
        versions = [f"{name} {before.get(name)}, now {now[name]}" for name in now if before.get(name) != now[name]]
        raise OutputError(
            f"{what} with other versions ({'; '.join(versions)}); finish it with those, or start again with --overwrite"
        )


def expected_files(plan: Plan, output: OutputDirectory) -> tuple[list[Owner], set[str]]:
    """Return what a build consists of, for `scan_output`: the owners of its files, and the names of its tables."""
    owner = plan.sink(output).owner(plan.listing.items, len(plan.blocks))
    targets = plan.targets
    carried = Owner(chain(targets.summaries, (file for item in plan.listing.items for file in targets.files(item))))
    return [owner, carried], {block.table for block in plan.blocks}


def check_ours(found: Inventory, output: OutputDirectory) -> None:
    """Refuse a directory that holds anything that no build has put there, even under the names of this one."""
    found.check_foreign()
    if found.known and output.read(MARKER) is None:
        raise OutputError(
            "the output directory holds images, tables or a manifest, but not corruptgen's mark: "
            "it may be the work of something else; choose another directory with --output"
        )


def _overwrite(plan: Plan, output: OutputDirectory, there: bytes | None) -> None:
    """Remove an earlier build, whosever it is, and nothing else."""
    owners, tables = expected_files(plan, output)
    if there is not None:
        marker = parse_record(there, MARKER)
        earlier = read_recipe(marker["recipe"], MARKER)
        cells, paths = recipe_cells(earlier), sorted(output.root.glob("items/*.jsonl"))
        tables |= {f"items/{path.name}" for path in paths}
        items = chain(plan.listing.items, (record.item for record in _records(paths)))
        carried: Iterable[str] = (file for record in _records(paths) for file in record.masks)
        if earlier.source.declared.has_annotations:
            carried = chain(carried, [ANNOTATIONS], (f"{cell_folder(*name)}/{ANNOTATIONS}" for name in cells))
        layout = sink(earlier.output, cells, output, 0, recorded_frames(cells, marker))
        owners += [layout.owner(items, None), Owner(carried)]
    check_ours(scan_output(output, owners, tables), output)
    clear(output, owners, tables)


def _records(tables: Iterable[Path]) -> Iterator[ItemRecord]:
    """Read what is known about the items of an earlier build; a damaged table states nothing."""
    for path in tables:
        with suppress(OutputError):
            yield from BlockTable.from_bytes(path.read_bytes()).records
