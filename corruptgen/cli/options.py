"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from corruptgen.cli.completion import complete_presets, complete_recipes, rows_of
from corruptgen.errors import CorruptgenError
from corruptgen.values.addresses import local_path


def path(written: str | Path) -> Path:
    """Read a path of this machine: `~` is expanded, and a URL is refused before it becomes a directory."""
    try:
        return local_path(written, "the path")
    except CorruptgenError as error:
        raise typer.BadParameter(str(error)) from error


RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="A recipe's .toml file, or a shipped one's name.", autocompletion=complete_recipes
    ),
]
SourceOption = Annotated[
    str | None, typer.Option(metavar="PATH", help="The clean images, a path or a URL; default: as set in the recipe.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", "-j", min=1, help="Number of processes; default: one per processor.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no summary; rejections are still listed.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout, for machines.")]
PresetOption = Annotated[
    str, typer.Option(help="The severity table, a name or a .toml.", autocompletion=complete_presets)
]
SeedOption = Annotated[int, typer.Option(help="Another seed produces other draws.")]
RowsOption = Annotated[
    str | None, typer.Option(help="Rows or groups, with commas; default: all.", autocompletion=rows_of)
]
SeveritiesOption = Annotated[str | None, typer.Option(help="Numbers, with commas; default: every level.")]
WindowOption = Annotated[
    str | None,
    typer.Option(
        metavar="LOW,HIGH", help="Black and white in the file's units, or header, range or bits; keeps the depth."
    ),
]
TableArgument = Annotated[
    str | None, typer.Argument(metavar="[PRESET]", help="A severity table.", autocompletion=complete_presets)
]

# In place of what the recipe sets.
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="A value of the recipe, as TOML; may be given again."),
]
OtherRowsOption = Annotated[
    str | None,
    typer.Option("--rows", help="Rows or groups in place of the recipe's, with commas.", autocompletion=rows_of),
]
OtherSeveritiesOption = Annotated[
    str | None, typer.Option("--severities", help="Numbers in place of the recipe's, with commas.")
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first items of the source, this many.")]
OtherSeedOption = Annotated[int | None, typer.Option("--seed", help="A seed in place of the recipe's.")]
