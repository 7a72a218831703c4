"""Arguments and options that several commands have."""

from typing import Annotated

import typer

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe's .toml file, or a shipped one's name.")
]
SourceOption = Annotated[
    str | None, typer.Option(metavar="PATH", help="The clean images, a path or a URL; default: as the recipe says.")
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Number of processes; default: one per processor.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress and no summary; rejections are still listed.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout, for machines.")]
