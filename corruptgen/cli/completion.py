"""What a shell offers after the tab key: recipes, severity tables and their rows."""

from collections.abc import Iterable, Iterator
from typing import Any

import typer


def complete_recipes(incomplete: str) -> list[str]:
    """Offer the shipped recipes."""
    from corruptgen.recipe.recipe import shipped_names

    return _beginning(shipped_names(), incomplete)


def complete_presets(incomplete: str) -> list[str]:
    """Offer the built-in severity tables."""
    from corruptgen.tables import catalog

    return _beginning(catalog.preset_names(), incomplete)


def complete_functions(incomplete: str) -> list[str]:
    """Offer the corruption functions."""
    from corruptgen.tables import catalog

    return _beginning(catalog.corruptions(), incomplete)


def complete_rows(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the rows of the table that the line names, or of all tables."""
    return _beginning(_rows(ctx.params, groups=False), incomplete)


def rows_of(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer rows and groups for the last place of a list with commas."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{row}" for row in _beginning(_rows(ctx.params, groups=True), last)]


def _rows(params: dict[str, Any], *, groups: bool) -> Iterator[str]:
    from corruptgen.errors import CorruptgenError
    from corruptgen.recipe.recipe import load
    from corruptgen.tables import catalog

    try:
        if recipe := params.get("recipe"):
            written = load(recipe)
            name = written.corrupt.preset
            found = [catalog.preset(name if name in catalog.preset_names() else str(written.path(name)))]
        else:
            found = [catalog.preset(params.get("preset") or params["what"])]
    except (CorruptgenError, KeyError):
        # Half a line names nothing yet.
        found = catalog.readable_presets()
    for table in found:
        yield from table.rows
        if groups:
            yield from table.groups


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
