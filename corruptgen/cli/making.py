"""The commands that make and check datasets."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from tqdm import tqdm

from corruptgen import generation, verification
from corruptgen.cli.terminal import FAILED, SOME_REJECTED, tell
from corruptgen.estimate import estimate
from corruptgen.names import shown
from corruptgen.plan import planned
from corruptgen.records import Rejection

BYTES_PER_MB = 10**6


def generate(
    recipe: str, source: str | None, output: Path | None, workers: int | None, overwrite: bool, quiet: bool
) -> None:
    """Make the dataset of a recipe."""
    with _bar("item", quiet) as progress:
        outcome = generation.generate(
            recipe, source=source, output=output, workers=workers, overwrite=overwrite, progress=progress
        )
    if not quiet:
        state = "is finished already" if outcome.was_finished else "is finished"
        counts = f"{outcome.items} items × {outcome.cells} cells = {outcome.files} images"
        ignored = f"; {outcome.ignored} other files ignored" if outcome.ignored else ""
        print(f"{output or outcome.output.name} {state}: {counts}{ignored}")
    _list(outcome.rejected)
    if outcome.rejected:
        tell(f"{len(outcome.rejected)} items were rejected; once they are mended, make all anew with --overwrite")
        raise typer.Exit(SOME_REJECTED)


def plan(recipe: str, source: str | None) -> None:
    """Say what a recipe would make."""
    plan = planned(recipe, source)
    expected = estimate(plan)
    corrupt, listing = plan.recipe.corrupt, plan.listing
    grid = f"{len(corrupt.rows or ())} rows × {len(corrupt.severities or ())} severities"
    twin = " + the clean twin" if plan.recipe.output.clean else ""
    size = f"about {expected.size / BYTES_PER_MB:.1f} MB, measured on {expected.measured} images"
    print(f"{plan.recipe.name} {plan.recipe.version}, table {plan.preset.name}")
    print(f"items   {len(listing.items)} ({len(listing.rejected)} rejected, {listing.ignored} other files ignored)")
    print(f"cells   {len(plan.cells)} ({grid}{twin})")
    print(f"images  {expected.files}")
    print(f"bytes   {size if expected.measured else 'unknown: no image could be measured'}")
    _list(listing.rejected)


def verify(directory: Path, source: str | None, depth: str, seed: int, workers: int | None, quiet: bool) -> None:
    """Check a finished dataset."""
    with _bar("block", quiet) as progress:
        verdict = verification.verify(
            directory, source=source, depth=depth, seed=seed, workers=workers, progress=progress
        )
    for problem in verdict.problems:
        print(shown(problem))
    if verdict.problems:
        for note in verdict.notes:
            tell(note)
        tell(f"{directory} has {len(verdict.problems)} problems")
        raise typer.Exit(FAILED)
    if not quiet:
        again = f", {verdict.pixels} made again with the same pixels" if depth != "files" else ""
        print(f"{directory} is as it was made: {verdict.files} images checked{again}")


def _list(rejected: Iterable[Rejection]) -> None:
    for rejection in rejected:
        tell(f"rejected {shown(rejection.id)}: it {shown(rejection.reason)}")


@contextmanager
def _bar(unit: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a progress report that draws a bar on stderr if that is a terminal."""
    with tqdm(unit=unit, disable=True if quiet else None, file=sys.stderr, leave=False) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
