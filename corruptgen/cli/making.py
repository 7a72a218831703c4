"""The commands that make and check datasets."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from corruptgen.cli.output import OutputMode, progress_bar
from corruptgen.cli.terminal import FAILED, RESUME_HINT, SOME_REJECTED, enable_log_output, eprint, fail
from corruptgen.engine import generation
from corruptgen.engine import shard_merge as merging
from corruptgen.engine.backends import WorkerConfig, backend_of
from corruptgen.engine.build import check_any
from corruptgen.engine.estimate import estimate_size
from corruptgen.engine.plan import Plan, make_plan
from corruptgen.engine.shards import Shard
from corruptgen.errors import Interrupted
from corruptgen.publishing.revisions import folder_of, is_published
from corruptgen.recipe.corrupt_section import ALL
from corruptgen.recipe.overrides import read_settings, read_value
from corruptgen.recipe.recipe import Recipe, load
from corruptgen.records import Outcome, Rejection
from corruptgen.runtime.signals import stopping
from corruptgen.store.names import printable
from corruptgen.targets.class_summary import find_doubts, summarize
from corruptgen.targets.targets import GUESSED
from corruptgen.verification import verdict as verification

BYTES_PER_MB = 10**6
MOST_NAMED = 3
SIGNALLED = 128  # exit codes of what a signal has ended start here


def worker_config(workers: int | None, backend: str | None, address: str | None) -> WorkerConfig:
    """Put together who works; the scheme of an address says which backend, if it is not named."""
    return WorkerConfig(workers, backend or (address and backend_of(address)), address)


def recipe_from_options(
    recipe: str,
    settings: Sequence[str] | None,
    rows: str | None,
    severities: str | None,
    limit: int | None,
    seed: int | None,
) -> Recipe:
    """Read a recipe with values of the command line in place of its values; options of their own come last."""
    named = {
        "corrupt.rows": rows and rows.split(","),
        "corrupt.severities": severities and _severities(severities),
        "source.limit": limit,
        "seed": seed,
    }
    given = {place: value for place, value in named.items() if value is not None}
    return load(recipe, read_settings(settings or ()) | given)


def _severities(text: str) -> Any:
    return text if text == ALL else [read_value(number) for number in text.split(",")]


def generate_dataset(
    recipe: Recipe,
    source: str | None,
    worker_config: WorkerConfig,
    output_mode: OutputMode,
    *,
    output: Path | None,
    shard: str | None,
    check: bool,
    overwrite: bool,
) -> None:
    """Make the dataset of a recipe."""
    if not output_mode.is_silent:
        enable_log_output()
    with stopping(output_mode.interrupt_message) as stop:
        try:
            share = Shard.parse(shard) if shard else None
            plan = make_plan(recipe, source)
            if not output_mode.is_silent:
                _tell_classes(plan)
            if plan.listing.note and not output_mode.is_silent:
                eprint(printable(plan.listing.note))
            with output_mode.progress(plan, share) as progress:
                outcome = generation.generate(
                    plan,
                    output=output,
                    workers=worker_config.workers,
                    backend=worker_config.backend,
                    address=worker_config.address,
                    shard=shard,
                    check=check,
                    overwrite=overwrite,
                    progress=progress,
                    stop=stop,
                )
        except (Interrupted, KeyboardInterrupt):
            fail(f"interrupted; {RESUME_HINT}", SIGNALLED + (stop.signal or 0))
    what = f"shard {share} of {output or outcome.output.name}" if share else str(output or outcome.output.name)
    _told(outcome, output_mode, what, "finished")
    if share and not output_mode.is_silent:
        print(f"once all shards are: corruptgen merge {output or outcome.output.name}")
    if outcome.rejected:
        eprint(f"{len(outcome.rejected)} items were rejected; fix them and generate again with --overwrite")
        raise typer.Exit(SOME_REJECTED)


def merge_shards(directory: Path, output_mode: OutputMode) -> None:
    """Write the manifest of what all shards have made."""
    outcome = merging.merge(directory)
    _told(outcome, output_mode, str(directory), "merged")
    if outcome.rejected:
        eprint(f"{len(outcome.rejected)} items were rejected")
        raise typer.Exit(SOME_REJECTED)


def _told(outcome: Outcome, output_mode: OutputMode, what: str, done: str) -> None:
    """Summarize the existing output."""
    output_mode.finished(outcome)
    if not output_mode.is_silent:
        state = f"is {done} already" if outcome.was_finished else f"is {done}"
        counts = f"{outcome.items} items × {outcome.cells} cells = {outcome.files} images"
        ignored = f"; {outcome.ignored} other files ignored" if outcome.ignored else ""
        print(f"{what} {state}: {counts}{ignored}")
    if guessed := outcome.noted.get(GUESSED, 0):
        eprint(f"{guessed} images have {GUESSED}; if they were drawn upright, write annotated_as in [source]")
    if passed := {note: count for note, count in outcome.noted.items() if note != GUESSED}:
        counted = ", ".join(f"{note} in {count}" for note, count in passed.items())
        eprint(f"taken, because no pixel depends on it: {counted}; the tables in items/ name the images")
    _list(outcome.rejected)


def print_plan(recipe: Recipe, source: str | None, output: Path | None) -> None:
    """Print what a recipe would generate, and what would stop or reject it."""
    enable_log_output()
    plan = make_plan(recipe, source)
    expected = estimate_size(plan)
    corrupt, listing = plan.recipe.corrupt, plan.listing
    twin = " + the clean twin" if plan.recipe.output.clean else ""
    size = f"about {expected.size / BYTES_PER_MB:.1f} MB, measured on {expected.measured} images"
    print(f"{plan.recipe.name} {plan.recipe.version}, table {plan.preset.name}")
    print(f"items   {len(listing.items)} ({len(listing.rejected)} rejected, {listing.ignored} other files ignored)")
    _tell_classes(plan)
    print(f"cells   {len(plan.cells)} ({corrupt.grid}{twin})")
    print(f"images  {expected.files}")
    print(f"bytes   {size if expected.measured else 'unknown: no image could be measured'}")
    if listing.note:
        eprint(printable(listing.note))
    if expected.rejected:
        eprint(f"{len(expected.rejected)} of the {expected.looked_at} items that were read would be rejected")
    if problems := list(plan.name_problems()):
        named = "; ".join(f"{name} {why}" for name, why in problems[:MOST_NAMED])
        more = f"; and {len(problems) - MOST_NAMED} more" if len(problems) > MOST_NAMED else ""
        eprint(f"{len(problems)} names cannot be used everywhere: {named}{more}; generate has --escape-names")
    _list([*listing.rejected, *expected.rejected])
    if expected.looked_at == len(listing.items):
        check_any(expected.looked_at - len(expected.rejected), [*listing.rejected, *expected.rejected])
    generation.check(plan, output)
    if listing.rejected or expected.rejected:
        raise typer.Exit(SOME_REJECTED)


def _tell_classes(plan: Plan) -> None:
    """Print the classes before anything is generated, so that wrong ones are noticed early."""
    print(f"classes {summarize(plan.classes)}")
    for doubt in find_doubts(plan.listing, plan.recipe.source):
        eprint(f"warning: {doubt}")


def verify_dataset(directory: str, source: str | None, depth: str, seed: int, workers: int | None, quiet: bool) -> None:
    """Check a finished dataset, here or on the Hub."""
    if is_published(directory) and not quiet:
        eprint(f"downloading {directory}")
    folder = folder_of(directory)
    with progress_bar("block", quiet) as progress:
        verdict = verification.verify(folder, source=source, depth=depth, seed=seed, workers=workers, progress=progress)
    for problem in verdict.problems:
        print(printable(problem))
    if verdict.problems:
        for note in verdict.notes:
            eprint(note)
        eprint(f"{directory} has {len(verdict.problems)} problems")
        raise typer.Exit(FAILED)
    if not quiet:
        again = f", {verdict.pixels} recomputed with the same pixels" if depth != "files" else ""
        print(f"{directory} is verified: {verdict.files} images checked{again}")


def _list(rejected: Iterable[Rejection]) -> None:
    for rejection in rejected:
        eprint(f"rejected {printable(rejection.id)}: it {printable(rejection.reason)}")
