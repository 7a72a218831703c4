"""From a recipe to a dataset on disk; interrupted anywhere, the same call resumes it."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from corruptgen.engine.backends import WorkerConfig
from corruptgen.engine.build import Build
from corruptgen.engine.ownership import check_ownership
from corruptgen.engine.plan import Plan, make_plan
from corruptgen.engine.progress import Progress
from corruptgen.engine.shards import Shard
from corruptgen.errors import OutputError, RecipeError
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Outcome
from corruptgen.store.lock import hold_lock
from corruptgen.store.names import from_disk, storable
from corruptgen.store.output_directory import OutputDirectory
from corruptgen.values.addresses import local_path
from corruptgen.values.arguments import callable_value, path_value, text_value, truth_value, whole_number

MOST_WORKERS = 100_000


def generate(
    recipe: str | Path | Recipe | Plan,
    *,
    source: str | Path | None = None,
    output: str | Path | None = None,
    workers: int | None = None,
    backend: str | None = None,
    address: str | None = None,
    shard: str | None = None,
    check: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Make the dataset that a recipe describes.

    Parameters
    ----------
    recipe : str or Path or Recipe or Plan
        The path of a recipe, the name of a shipped one, a recipe, or a plan made of one.
    source : str or Path or None
        Where the clean images are; None: as set in the recipe; not beside a plan, which knows.
    output : str or Path or None
        The directory to make; None: `<name>-<version>` in the current directory.
    workers : int or None
        Their number; None: one for each processor, or all of a cluster; 1: this process does it all.
    backend : str or None
        What they are: "loky" (processes; also None), "threading", "sequential", "dask" or "ray".
    address : str or None
        Address of a Dask scheduler or Ray cluster that runs already; None: one is started on this machine.
    shard : str or None
        "3/16" makes the third of sixteen shares and no manifest; `merge` makes one dataset of them.
    check : bool, default False
        Also verify existing files, and regenerate what is damaged.
    overwrite : bool, default False
        Remove what an earlier build has put into the directory, once all that can be known beforehand of the new one is
        checked; never what something else has put there.
    progress : Progress or None
        Called with how many items are done and how many there are; with `check`, for the reading first.
    stop : callable or None
        Asked before each block; once it says yes, the build ends with the blocks that are begun.

    Returns
    -------
    Outcome
        What was made and what was rejected. A finished output is left unchanged, an unfinished one is resumed.

    Raises
    ------
    ArgumentError
        If an argument is of a kind that is not allowed.
    RecipeError
        If the recipe is wrong, or what is asked for beside it.
    SourceError
        If the source is missing, cannot be read, or has changed since the output was begun.
    OutputError
        If the directory cannot be written, holds something else, or is being written by another process.
    AssetError
        If a picture that a row needs is missing; nothing has been written then.
    MachineError
        If the memory is full.
    WorkerError
        If a worker was ended from outside.
    Interrupted
        If `stop` has stopped it.

    Examples
    --------
    >>> outcome = generate("small.toml", output="demo-c", workers=1)
    >>> outcome.items, outcome.cells, len(outcome.rejected)
    (2, 4, 0)
    """
    _check_kinds(recipe, source, output, {"backend": backend, "address": address, "shard": shard})
    check, overwrite = truth_value("check", check), truth_value("overwrite", overwrite)
    workers = None if workers is None else whole_number("workers", workers, 1, MOST_WORKERS)
    callable_value("progress", progress)
    callable_value("stop", stop)
    worker_config = WorkerConfig(workers, backend, address)
    worker_config.check_installed()
    share = None if shard is None else Shard.parse(shard)
    if share and overwrite:
        raise RecipeError("overwrite with shard would remove what the other shards make; remove the output first")
    # Before the source is listed, which may take long.
    chosen = None if output is None else local_path(output, "the output")
    plan = recipe if isinstance(recipe, Plan) else make_plan(recipe, source)
    folder = _folder(plan, chosen)
    with hold_lock(folder.root, *share.locked_as if share else ()) as lock:
        build = Build(plan, folder, share, lock)
        if overwrite:
            build.check_replacing()
        check_ownership(plan, folder, build.marker, overwrite=overwrite)
        return build.run(worker_config, progress or _silent, stop or _never, check=check)


def check(plan: Plan, output: str | Path | None = None) -> None:
    """Find what would stop `generate` from making a plan, by the checks of its own; nothing is written.

    Parameters
    ----------
    plan : Plan
        What is to be made.
    output : str or Path or None
        The directory, as `generate` takes it.

    Raises
    ------
    OutputError
        If the directory is among the clean images, holds something else, or holds another build.
    AssetError
        If a picture that a row needs is missing.
    RecipeError
        If the format cannot hold the images.

    Examples
    --------
    >>> from corruptgen.engine.plan import make_plan
    >>> check(make_plan("small.toml"), "new-c")
    """
    folder = _folder(plan, output)
    build = Build(plan, folder)
    check_ownership(plan, folder, build.marker, overwrite=False)
    build.check_possible()


def _folder(plan: Plan, output: str | Path | None) -> OutputDirectory:
    """Return the directory of a build, which does not lie among its clean images."""
    name = f"{plan.recipe.name}-{plan.recipe.version}"
    folder = OutputDirectory(Path(os.path.abspath(name if output is None else local_path(output, "the output"))))
    _check_apart(plan, folder)
    return folder


def _check_kinds(recipe: object, source: object, output: object, texts: Mapping[str, object]) -> None:
    """Raise `ArgumentError` if these are not of the kinds that `generate` takes."""
    if not isinstance(recipe, Recipe | Plan):
        path_value("recipe", recipe)
    for name, path in (("source", source), ("output", output)):
        if path is not None:
            path_value(name, path)
    for name, text in texts.items():
        if text is not None:
            text_value(name, text)


def _check_apart(plan: Plan, output: OutputDirectory) -> None:
    """Refuse an output among the clean images, where the next run would take it for more of them."""
    # Sources that are folders of this machine have a root.
    if root := getattr(plan.source, "root", None):
        source, target = (Path(os.path.realpath(path)) for path in (root, output.root))
        if source == target or source in target.parents or target in source.parents:
            names = [storable(from_disk(path.name)) for path in (target, source)]
            raise OutputError(
                f"the output {names[0]} and the source {names[1]} lie within each other; "
                "choose another directory with --output"
            )


def _silent(done: int, total: int) -> None:
    pass


def _never() -> bool:
    return False
