"""The commands for recipes, tables and images of one's own; what they do is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from corruptgen.cli.completion import complete_functions, complete_recipes, complete_rows
from corruptgen.cli.options import PresetOption, SeedOption, WindowOption, path
from corruptgen.cli.terminal import exit_codes

app = typer.Typer()


@app.command("init")
def _init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped recipe.", autocompletion=complete_recipes)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", parser=path, metavar="FILE", help="The .toml to write; default: ./<name>.toml."),
    ] = None,
) -> None:
    """Write a shipped recipe into a file of your own, to be edited."""
    with exit_codes():
        from corruptgen.cli import writing

        writing.init(name, output)


@app.command("apply")
def _apply(
    image: Annotated[
        Path,
        typer.Argument(
            parser=path, metavar="IMAGE", help="An image file, or with --window a DICOM, NIfTI or 16-bit file."
        ),
    ],
    row: Annotated[
        str, typer.Argument(metavar="ROW", help="A row of the severity table.", autocompletion=complete_rows)
    ],
    severity: Annotated[float, typer.Argument(metavar="SEVERITY", help="A number from 0, such as 3 or 2.5.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", parser=path, metavar="FILE", help="The .png, .jpg or .tif to write; it is replaced."
        ),
    ],
    preset: PresetOption = "natural",
    seed: SeedOption = 0,
    key: Annotated[
        str | None,
        typer.Option(
            help="The name of the draws, as the id of an item is to generate; default: the file's name without folders."
        ),
    ] = None,
    window: WindowOption = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of a .jpg, which loses some detail.")] = 95,
) -> None:
    """Corrupt one image file; the same key, seed and table give the pixels of generate."""
    with exit_codes():
        from corruptgen.cli import writing

        draws = writing.DrawChoice(preset, seed, image.name if key is None else key)
        writing.apply(image, row, severity, output, draws, window=window, quality=quality)


@app.command("functions")
def _functions(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A corruption function; default: all.", autocompletion=complete_functions
        ),
    ] = None,
) -> None:
    """List the corruption functions with their parameters and the tables that use them, or document one."""
    with exit_codes():
        from corruptgen.cli import listing

        listing.show_function(name) if name else listing.list_functions()
