"""The commands and their options; what they do is imported when they run, so that `--help` comes at once."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from corruptgen import __version__
from corruptgen.cli import finished, workshop
from corruptgen.cli.completion import complete_presets
from corruptgen.cli.completion import complete_rows as row_names
from corruptgen.cli.options import (
    JsonOption,
    LimitOption,
    OtherRowsOption,
    OtherSeedOption,
    OtherSeveritiesOption,
    PresetOption,
    QuietOption,
    RecipeArgument,
    RowsOption,
    SeedOption,
    SetOption,
    SeveritiesOption,
    SourceOption,
    TableArgument,
    WindowOption,
    WorkersOption,
    path,
)
from corruptgen.cli.terminal import FAILED, RESUME_HINT, exit_codes, flush_streams, open_streams, write_event


class Commands(TyperGroup):
    """The commands; with --json, wrong usage is told on stdout too."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, and note whether a machine listens."""
        ctx.meta["json"] = "--json" in args
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        # Usage errors of click, whether typer brings its own copy of that or not.
        except Exception as error:
            if ctx.meta.get("json") and hasattr(error, "format_message"):
                write_event("failed", message=error.format_message(), exit_code=getattr(error, "exit_code", FAILED))
            raise


app = typer.Typer(
    cls=Commands,
    name="corruptgen",
    help="Make corrupted image benchmarks: faithful, deterministic, fast.",
    epilog="Exit codes: 0 done; 1 failed; 2 wrong usage or recipe; 3 done, but some input items were rejected.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    open_streams()
    code: Any = 0
    try:
        app(prog_name="corruptgen")
    except SystemExit as ended:
        code = ended.code
    if not flush_streams():
        code = code or FAILED
    sys.exit(code)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"corruptgen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command("generate")
def _generate(
    recipe: RecipeArgument,
    source: SourceOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", parser=path, help="Directory to make; default: ./<name>-<version>.")
    ] = None,
    workers: WorkersOption = None,
    backend: Annotated[
        str | None, typer.Option(help="loky (processes, the default), threading, sequential, dask or ray.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A running Dask scheduler or Ray cluster; the workers are its own."),
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Make one of N shares, from 1/N to N/N; then merge.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Verify existing files and regenerate damaged ones.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove an earlier build first, nothing else.")
    ] = False,
    settings: SetOption = None,
    rows: OtherRowsOption = None,
    severities: OtherSeveritiesOption = None,
    limit: LimitOption = None,
    seed: OtherSeedOption = None,
    escape_names: Annotated[
        bool, typer.Option("--escape-names", help="Write names that every system and loader takes; ids stay.")
    ] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Make the dataset of a recipe; go on with it if it is unfinished."""
    with exit_codes(RESUME_HINT, json=json):
        from corruptgen.cli import making
        from corruptgen.cli.output import OutputMode

        chosen = [*(settings or ()), *(["output.escape_names=true"] if escape_names else [])]
        making.generate_dataset(
            making.recipe_from_options(recipe, chosen, rows, severities, limit, seed),
            source,
            making.worker_config(workers, backend, address),
            OutputMode(quiet, json),
            output=output,
            shard=shard,
            check=check,
            overwrite=overwrite,
        )


@app.command("merge")
def _merge(
    directory: Annotated[Path, typer.Argument(parser=path, metavar="DIR", help="What generate --shard has made.")],
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Write the manifest of an output whose shards are all made."""
    with exit_codes(RESUME_HINT, json=json):
        from corruptgen.cli import making
        from corruptgen.cli.output import OutputMode

        making.merge_shards(directory, OutputMode(quiet, json))


@app.command("plan")
def _plan(
    recipe: RecipeArgument,
    source: SourceOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", parser=path, help="The directory that generate is to make; default: as there."),
    ] = None,
    settings: SetOption = None,
    rows: OtherRowsOption = None,
    severities: OtherSeveritiesOption = None,
    limit: LimitOption = None,
    seed: OtherSeedOption = None,
) -> None:
    """Show what a recipe would generate, without generating it."""
    with exit_codes():
        from corruptgen.cli import making

        making.print_plan(making.recipe_from_options(recipe, settings, rows, severities, limit, seed), source, output)


@app.command("verify")
def _verify(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="What generate has made, or hf://datasets/OWNER/NAME@v1.0.0.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The clean images, a path or a URL, or the word recorded: the repository in the recipe. "
            "Default: the clean twin, else recorded.",
        ),
    ] = None,
    depth: Annotated[
        str, typer.Option(help="files: digests; sample: also recompute some images; full: all.")
    ] = "files",
    seed: Annotated[int, typer.Option(help="Another seed takes another sample.")] = 0,
    workers: WorkersOption = None,
    quiet: QuietOption = False,
) -> None:
    """Check a finished dataset against its manifest."""
    with exit_codes():
        from corruptgen.cli import making

        making.verify_dataset(directory, source, depth, seed, workers, quiet)


@app.command("list")
def _list(
    preset: TableArgument = None,
) -> None:
    """List the severity tables and recipes, or the rows of one table."""
    with exit_codes():
        from corruptgen.cli import listing

        listing.list_rows(preset) if preset else listing.list_tables()


@app.command("show")
def _show(
    row: Annotated[str, typer.Argument(metavar="ROW", help="A row of a severity table.", autocompletion=row_names)],
    preset: Annotated[
        str | None, typer.Option(help="Only this severity table.", autocompletion=complete_presets)
    ] = None,
) -> None:
    """Describe a corruption and its severities in each table."""
    with exit_codes():
        from corruptgen.cli import listing

        listing.show(row, preset)


@app.command("preview")
def _preview(
    image: Annotated[
        Path,
        typer.Argument(
            parser=path, metavar="IMAGE", help="A photograph, or with --window a DICOM, NIfTI or 16-bit file."
        ),
    ],
    preset: PresetOption = "natural",
    output: Annotated[
        Path, typer.Option("--output", "-o", parser=path, help="The contact sheet to write, a .png.")
    ] = Path("sheet.png"),
    rows: RowsOption = None,
    severities: SeveritiesOption = None,
    seed: SeedOption = 0,
    window: WindowOption = None,
) -> None:
    """Draw a contact sheet: an image under every row and severity."""
    with exit_codes():
        from corruptgen.cli import looking

        looking.preview(image, preset, output, rows, severities, seed, window)


@app.command("gallery")
def _gallery(
    what: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|DIR",
            help="A severity table, or the directory of a finished dataset.",
            autocompletion=complete_presets,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", parser=path, metavar="FILE", help="The page to write, an .html.")
    ] = Path("gallery.html"),
    images: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IMAGE",
            help="A photograph, or of a dataset the id of an item; may be given again. Default: one that "
            "scikit-image ships, or the first item.",
        ),
    ] = None,
    rows: RowsOption = None,
    steps: Annotated[
        int, typer.Option(min=1, max=10, help="Pictures for each level of a table; 1: nothing between levels.")
    ] = 2,
    seed: SeedOption = 0,
    source: Annotated[
        str | None, typer.Option(metavar="PATH", help="The clean images of a dataset; default: its clean twin.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write one HTML page that shows every row of a table, or of a dataset, at every severity."""
    with exit_codes():
        from corruptgen.cli import galleries

        names = rows.split(",") if rows else None
        galleries.gallery(what, output, images or [], rows=names, steps=steps, seed=seed, source=source, quiet=quiet)


app.add_typer(finished.app)
app.add_typer(workshop.app)
