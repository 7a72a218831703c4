"""The commands for a dataset that is finished; what they do is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from corruptgen.cli.options import QuietOption, RowsOption, WorkersOption, path
from corruptgen.cli.terminal import RESUME_HINT, exit_codes

app = typer.Typer()


@app.command("score")
def _score(
    predictions: Annotated[
        Path,
        typer.Argument(
            parser=path, metavar="PREDICTIONS", help="A .csv, .parquet or .npz: id, row, severity, prediction."
        ),
    ],
    manifest: Annotated[Path, typer.Option(parser=path, metavar="DIR", help="The dataset that generate has made.")],
    metrics: Annotated[str | None, typer.Option(help="With commas; default: those that fit the dataset.")] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="What errors are normalised by; a name, a .toml, a .json.")
    ] = None,
    rows: RowsOption = None,
    classes: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="Names of the classes in the order of the model's numbers."),
    ] = None,
    threshold: Annotated[
        str | None, typer.Option(help="Of binary decisions: one, or one for each label; default: 0.5.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Of the items, for intervals; 0: no intervals.")] = 1000,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Share of resamples within an interval.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Another seed draws other resamples.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", parser=path, metavar="STEM", help="Write STEM.json, .csv and .png.")
    ] = None,
    plot: Annotated[bool, typer.Option(help="With --output: draw STEM.png; needs matplotlib.")] = True,
) -> None:
    """Score a model's predictions: mCE, BE and what else fits the dataset, with intervals."""
    with exit_codes():
        from corruptgen.cli import scoring
        from corruptgen.scoring.evaluation import ScoreOptions

        wishes = ScoreOptions(
            metrics=scoring.read_words(metrics),
            baseline=baseline or "",
            rows=scoring.read_words(rows),
            thresholds=scoring.read_numbers(threshold),
            resamples=resamples,
            level=level,
            seed=seed,
        )
        scoring.score_predictions(predictions, manifest, wishes, classes=classes, output=output, drawing=plot)


@app.command("card")
def _card(
    directory: Annotated[Path, typer.Argument(parser=path, metavar="DIR", help="What generate has made.")],
    repo: Annotated[str | None, typer.Argument(metavar="[REPO_ID]", help="OWNER/NAME on the Hub.")] = None,
    recipe: Annotated[
        str | None, typer.Option(metavar="RECIPE", help="Take version, terms and words from this recipe first.")
    ] = None,
) -> None:
    """Write the card of a dataset, its picture and its Croissant metadata."""
    with exit_codes():
        from corruptgen.cli import publishing

        publishing.print_card(directory, repo, recipe)


@app.command("publish")
def _publish(
    directory: Annotated[Path, typer.Argument(parser=path, metavar="DIR", help="What generate has made.")],
    repo: Annotated[str, typer.Argument(metavar="REPO_ID", help="OWNER/NAME on the Hub.")],
    private: Annotated[
        bool | None, typer.Option("--private/--public", help="Who may see a repository that is made now.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, say what would be uploaded, and end.")] = False,
    message: Annotated[str, typer.Option(help="Of the commits; default: name and version.")] = "",
    may_publish: Annotated[
        bool, typer.Option("--i-may-publish", help="You have the right to, whatever the licence of the source states.")
    ] = False,
    workers: WorkersOption = None,
    quiet: QuietOption = False,
) -> None:
    """Upload a dataset to the Hub and tag its version; private unless --public is set."""
    with exit_codes(RESUME_HINT):
        from corruptgen.cli import publishing
        from corruptgen.publishing.publication import PublishOptions

        wishes = PublishOptions(private, message, may_publish)
        publishing.publish_dataset(directory, repo, wishes, dry_run=dry_run, workers=workers, quiet=quiet)


@app.command("diff")
def _diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A directory, or hf://datasets/OWNER/NAME@v1.0.0.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another one.")],
) -> None:
    """Show differences between two datasets and the version bump that they require."""
    with exit_codes():
        from corruptgen.cli import publishing

        publishing.print_difference(old, new)
