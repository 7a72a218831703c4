"""From the [source] section of a recipe to a source."""

import glob
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from corruptgen.containers.places import (
    content,
    is_remote,
    local_place,
    name_of,
    reporting,
    version_below,
)
from corruptgen.errors import MissingPackage, RecipeError
from corruptgen.recipe.declarations import SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Listing
from corruptgen.runtime.extras import is_installed, missing
from corruptgen.sources.kind import Source
from corruptgen.sources.label_tables import text_of
from corruptgen.sources.labels import Labelling
from corruptgen.sources.register import NAMELESS, Naming
from corruptgen.sources.selection import sample_items, subset, wanted_ids
from corruptgen.store.names import from_disk, on_disk
from corruptgen.values.addresses import local_path

# Of arrays that say nothing about it.
USUAL_SPLIT = "test"


def open_source(recipe: Recipe, source: str | Path | None = None) -> Source:
    """Open the source of a recipe.

    Parameters
    ----------
    recipe : Recipe
        Its section says what kind of source it is.
    source : str or Path or None
        Where the clean images are, a path or a URL; None: as set in the recipe.

    Raises
    ------
    RecipeError
        If its place is not known, or it does not exist.
    SourceError
        If it cannot be opened.
    """
    return _checked(recipe).open(source_place(recipe, source), recipe)


def _checked(recipe: Recipe) -> SourceKind:
    """Return what the kind of a recipe's source declares; raise `MissingPackage` if what it needs is not installed."""
    found = recipe.source.declared
    absent = [package for package in found.needs if not is_installed(package)]
    if absent:
        raise MissingPackage(missing(f"[source] kind = {recipe.source.kind!r}", absent))
    return found


def open_known(recipe: Recipe, source: str | Path | None) -> Source:
    """Open the source of a recipe to read items of it that a manifest names, without its lists of labels."""
    return open_source(replace(recipe, source=recipe.source.without("labels", "classes")), source)


def for_reading(source: Source) -> Source:
    """Return a source without its lists of labels and classes, which only its listing needs: workers get no copies."""
    unneeded: dict[str, Any] = {"labelling": Labelling(), "naming": NAMELESS}
    found = {name: unneeded[name] for name in unneeded if hasattr(source, name)}
    return replace(source, **found) if found else source  # type: ignore[type-var]  # sources are dataclasses


def keep_wanted(listing: Listing, recipe: Recipe) -> Listing:
    """Keep the items that the recipe wants: of its subset a sample, and of that the first few."""
    choice = recipe.source
    if choice.subset:
        name = name_of(choice.subset)
        listing = subset(listing, wanted_ids(read_named_file(recipe, "subset", choice.subset), name), name)
    if choice.sample:
        listing = sample_items(listing, choice.sample, recipe.seed, per_class=choice.per == "class")
    return replace(listing, items=listing.items[: choice.limit]) if choice.limit else listing


def source_place(recipe: Recipe, source: str | Path | None) -> str:
    """Return where a source is: an absolute path, a URL, or "" for a dataset on the Hub."""
    if source is None and recipe.source.get("repo"):
        return ""
    written = recipe.source.path if source is None else os.fspath(source)
    if written is None:
        raise RecipeError(f"{recipe.name}: the recipe names no source; set with --source where the clean images are")
    written = local_place(written)
    if is_remote(written):
        return written
    found = recipe.path if source is None else _given
    place, name = found(written), Path(written).name
    if recipe.source.declared.takes_patterns and not place.exists() and glob.has_magic(name):
        place = found(str(Path(written).parent)) / on_disk(name)
    elif not place.exists():
        hint = recipe.elsewhere(written) if source is None else ""
        raise RecipeError(f"{recipe.name}: the source {written!r} does not exist; pass another one with --source{hint}")
    return from_disk(os.path.abspath(place))


def beside_source(recipe: Recipe, key: str, written: str | None, place: str) -> Path | None:
    """Find a path of the recipe: next to the recipe, in the source, or beside it.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    key : str
        Key of its section; "annotations" is a file, "masks" a folder.
    written : str or None
        The path as the recipe has it, None if it has none.
    place : str
        Where the clean images are.

    Raises
    ------
    RecipeError
        If there is no such path.
    """
    if written is None:
        return None
    around = [] if is_remote(place) else [path_of(place) / on_disk(written), path_of(place).parent / on_disk(written)]
    for path in (recipe.path(written), *around):
        if path.is_file() if key == "annotations" else path.is_dir():
            return Path(os.path.abspath(path))
    kind = "file" if key == "annotations" else "folder"
    raise RecipeError(
        f"{recipe.name} [source] {key}: there is no {kind} {written!r} next to the recipe, in the source or "
        f"beside it{recipe.elsewhere(written)}"
    )


def _given(written: str) -> Path:
    return local_path(written, "the source", RecipeError)


def path_of(place: str) -> Path:
    """Return the path of a place of this machine."""
    return Path(on_disk(place))


def keeps_depth(recipe: Recipe) -> bool:
    """Check whether samples keep their depth, so that other types of them are taken than bytes."""
    return recipe.decode.window is not None


def version(place: str) -> str:
    """Name the state of what lies at a place, so that nothing outdated is remembered of it."""
    with reporting(place):
        return version_below(place)


def naming(recipe: Recipe) -> Naming:
    """Read the classes that a recipe names."""
    written = recipe.source.get("classes")
    if not written:
        return NAMELESS
    name = name_of(written)
    return Naming.read(text_of(read_named_file(recipe, "classes", written), name), name)


def listed_place(recipe: Recipe, key: str, written: str) -> str:
    """Find a file that the recipe names."""
    written = local_place(written)
    if is_remote(written):
        return written
    path = recipe.path(written)
    if not path.is_file():
        raise RecipeError(
            f"{recipe.name} [source] {key}: {written!r} does not exist; its place is relative to the recipe"
            f"{recipe.elsewhere(written)}"
        )
    return from_disk(os.path.abspath(path))


def read_named_file(recipe: Recipe, key: str, written: str) -> bytes:
    """Read a file that the recipe names."""
    return content(listed_place(recipe, key, written))
