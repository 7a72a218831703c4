"""The commands that list tables, rows and functions, and show what they hold."""

from collections.abc import Mapping, Sequence
from textwrap import fill

from corruptgen.cli.terminal import print_columns
from corruptgen.declare import Corruption
from corruptgen.errors import UnknownName, unknown
from corruptgen.recipe.declarations import FORMATS, KINDS
from corruptgen.recipe.recipe import shipped_names
from corruptgen.scoring.measure import MEASURES
from corruptgen.tables import catalog
from corruptgen.tables.chain import ChainRow
from corruptgen.tables.row import Row
from corruptgen.tables.table import Preset

WIDTH = 80  # columns
OTHERS = "other tables"


def list_tables() -> None:
    """List the severity tables and the shipped recipes."""
    tables = catalog.readable_presets()
    widest = max(len(table.name) for table in tables)
    for family, members in _families(tables).items():
        print(family or OTHERS)
        for table in members:
            head = f"  {table.name:<{widest}}  {len(table.rows):>2} row{'s' if len(table.rows) > 1 else ' '}  "
            _print_wrapped(head + table.title, len(head))
    print()
    _print_wrapped(f"shipped recipes: {', '.join(shipped_names())}")
    for registry, plural in ((KINDS, "kinds of sources"), (FORMATS, "formats"), (MEASURES, "metrics")):
        found = [f"{name} ({plug_in.place})" for name, plug_in in registry.plug_in_names().items()]
        if found:
            print(f"{plural} of other packages: {', '.join(found)}")


def _families(tables: Sequence[Preset]) -> dict[str, list[Preset]]:
    """Return tables by their families; those that state none come last."""
    found: dict[str, list[Preset]] = {}
    for table in sorted(tables, key=lambda table: (not table.family, table.family.lower())):
        found.setdefault(table.family, []).append(table)
    return found


def _print_wrapped(text: str, indent: int = 2) -> None:
    """Print a line, and what does not fit into `WIDTH` columns below its end."""
    print(fill(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False))


def list_rows(preset: str) -> None:
    """List the rows of a table."""
    table = catalog.preset(preset)
    print(f"{_headline(table)}\n")
    groups = {row: [name for name, rows in table.groups.items() if row in rows] for row in table.rows}
    is_ragged = any(row.level_count < table.levels for row in table.rows.values())
    print_columns(
        (name, *([str(row.level_count)] if is_ragged else []), ", ".join(groups[name]), _summary(row))
        for name, row in table.rows.items()
    )


def show(row: str, preset: str | None) -> None:
    """Describe a corruption and its severities in each table."""
    tables = [catalog.preset(preset)] if preset else catalog.readable_presets()
    found = [table for table in tables if row in table.rows]
    if not found:
        kind = f"row of {tables[0].name}" if preset else "row"
        raise UnknownName(unknown(kind, row, {name for table in tables for name in table.rows}))
    used = {level.corruption.name: level.corruption for table in found for level in table.rows[row].uses}
    for corruption in used.values():
        moves = "; moves pixels, and masks and boxes with them if the recipe sets it" if corruption.is_geometric else ""
        print(f"{corruption.name} ({corruption.domain}, {corruption.family}{moves})\n\n{corruption.docstring}\n")
    users = _tables_using()
    for name in used:
        _print_users(name, users.get(name, {}))
    print()
    for table in found:
        _show_levels(table, table.rows[row])


def list_functions() -> None:
    """List the corruption functions, with their parameters and the tables that use them."""
    used = _tables_using()
    for name, corruption in sorted(catalog.corruptions().items()):
        print(f"{name}  ({corruption.domain}, {corruption.family})  {_signature(corruption)}")
        print(f"    {corruption.summary}")
        print(f"    tables: {', '.join(used.get(name, {})) or 'none'}")


def show_function(name: str) -> None:
    """Document a corruption function, and name the rows that use it."""
    corruption = catalog.find_corruption(name)
    print(f"{name} ({corruption.domain}, {corruption.family})\n\n{corruption.docstring}\n")
    print(f"parameters: {_signature(corruption)}")
    print(f"draws: {'yes' if corruption.draws else 'no'}")
    _print_users(name, _tables_using().get(name, {}))


def _print_users(name: str, using: Mapping[str, list[str]]) -> None:
    """Print the tables that use a function, by their families; and the rows that do, where these have other names."""
    print(f"{name} is used by {'no table' if not using else ''}".rstrip())
    for family, members in _families([table for table in catalog.readable_presets() if table.name in using]).items():
        rows = {table.name: using[table.name] for table in members}
        named = [table if own == [name] else f"{table} ({', '.join(own)})" for table, own in rows.items()]
        _print_wrapped(f"  {family or OTHERS}: {', '.join(named)}", 4)


def _tables_using() -> dict[str, dict[str, list[str]]]:
    """Find the rows that use each function, by the table."""
    found: dict[str, dict[str, list[str]]] = {}
    for table in catalog.readable_presets():
        for row in table.rows.values():
            for name in dict.fromkeys(level.corruption.name for level in row.uses):
                found.setdefault(name, {}).setdefault(table.name, []).append(row.name)
    return found


def _signature(corruption: Corruption) -> str:
    return ", ".join(f"{name}: {kind.__name__}" for name, kind in corruption.parameters.items()) or "no parameters"


def _headline(table: Preset) -> str:
    return f"{table.name}: {table.title} (version {table.version}, {_levels(table)})"


def _levels(table: Preset) -> str:
    """Say how many levels rows have."""
    fewest = min(row.level_count for row in table.rows.values())
    span = f"{fewest} to {table.levels}" if fewest < table.levels else str(table.levels)
    return f"{span} level{'s' * (table.levels > 1)}"


def _show_levels(table: Preset, row: Row) -> None:
    print(_headline(table))
    if isinstance(row, ChainRow):
        _show_steps(row)
        return
    parameters = dict.fromkeys(name for level in row.levels for name in level.parameters)
    lines = [("  severity", *(str(number) for number in range(1, len(row.levels) + 1)))]
    lines += [(f"  {name}", *(_value(level.parameters.get(name)) for level in row.levels)) for name in parameters]
    print_columns(lines)
    if row.region is not None:
        print(f"  {row.region.sentence}")
    print(f"  between levels: {row.interpolation}\n")


def _show_steps(row: ChainRow) -> None:
    """Print the steps of a chain, and whether samples are rounded between them."""
    for sentence in row.sentences:
        print(f"  {sentence}")
    print(f"  between steps: {'clipped and rounded' if row.rounds_steps else 'neither clipped nor rounded'}\n")


def _summary(row: Row) -> str:
    return row.sentences[0]


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
