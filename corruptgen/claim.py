"""A claim on a directory: what a build may write into, what it may remove, and what it may go on with."""

from collections.abc import Mapping
from typing import Any

from corruptgen.errors import OutputError
from corruptgen.inventory import clear, inventory
from corruptgen.manifest import MARKER, Table, parsed
from corruptgen.plan import Plan, spelled_cells
from corruptgen.recipe import read as read_recipe
from corruptgen.sinks.folder import Folder, cell_folder, item_name


def claim(plan: Plan, output: Folder, marker: Mapping[str, Any], *, overwrite: bool) -> None:
    """Make sure that the directory is ours to write into, and refuse it otherwise.

    Parameters
    ----------
    plan : what is to be made
    output : the directory; it need not exist
    marker : whose output it is to be
    overwrite : remove what an earlier build has put there

    Raises
    ------
    OutputError
        If it holds another build, or what no build has made.
    """
    there = output.read(MARKER)
    if overwrite:
        _overwrite(plan, output, there)
    elif there is not None:
        check_same(parsed(there, MARKER), marker)


def check_same(there: Mapping[str, Any], marker: Mapping[str, Any]) -> None:
    """Refuse an output that another build has begun."""
    differs = [key for key in ("recipe", "preset", "source") if there.get(key) != marker[key]]
    if differs:
        raise OutputError(
            f"the output directory holds another build: its {' and '.join(differs)} "
            f"{'is' if len(differs) == 1 else 'are'} not the same; choose another directory with --output, "
            "or remove that build with --overwrite"
        )


def check_environment(there: Mapping[str, Any], marker: Mapping[str, Any]) -> None:
    """Refuse to go on with an output that was begun with other versions: its parts would not match."""
    before, now = there.get("environment", {}), marker["environment"]
    if before != now:
        versions = [f"{name} {before.get(name)}, now {now[name]}" for name in now if before.get(name) != now[name]]
        raise OutputError(
            f"the output is not whole and was begun with other versions ({'; '.join(versions)}); "
            "finish it with those, or begin anew with --overwrite"
        )


def belongings(plan: Plan) -> tuple[set[str], set[str], set[str]]:
    """Name what a build consists of, as `inventory` wants it: the cells, the items in each, the tables."""
    extension = plan.recipe.output.stored.extension
    items = {item_name(item, extension) for item in plan.listing.items}
    return set(plan.folders), items, {block.table for block in plan.blocks}


def _overwrite(plan: Plan, output: Folder, there: bytes | None) -> None:
    """Remove an earlier build, whosever it is, and nothing else."""
    cells, items, tables = belongings(plan)
    if there is not None:
        earlier = read_recipe(parsed(there, MARKER)["recipe"], MARKER)
        cells |= {cell_folder(*name) for name in spelled_cells(earlier)}
        extension = earlier.output.stored.extension
        items |= {item_name(item, extension) for block in plan.blocks for item in block.items}
        for path in sorted(output.root.glob("items/*.jsonl")):
            tables.add(f"items/{path.name}")
            items |= {item_name(record.item, extension) for record in Table.from_bytes(path.read_bytes()).records}
    found = inventory(output, cells, items, tables, gather=True)
    found.check_foreign()
    if there is None and found.ours:
        raise OutputError("the output directory was not made by corruptgen; choose another one with --output")
    clear(output, [*found.ours, *found.unfinished])
