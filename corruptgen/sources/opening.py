"""From the [source] section of a recipe to a source."""

import glob
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from corruptgen.containers.places import (
    content,
    is_folder,
    is_remote,
    local,
    name_of,
    reporting,
    version_below,
)
from corruptgen.errors import RecipeError, SourceError
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import FOLDERS, METADATA, NONE
from corruptgen.records import Listing
from corruptgen.sources.arrays import NpySource, NpzSource
from corruptgen.sources.cifar import CifarSource
from corruptgen.sources.coco import CocoSource
from corruptgen.sources.folder import FolderSource
from corruptgen.sources.hub import HubSource
from corruptgen.sources.kind import Source
from corruptgen.sources.label_tables import text_of
from corruptgen.sources.labels import Labelling
from corruptgen.sources.mnist import MnistSource
from corruptgen.sources.register import NAMELESS, Naming
from corruptgen.sources.remote import RemoteFolder
from corruptgen.sources.selection import sample, subset, wanted_ids
from corruptgen.sources.webdataset import IMAGES, LABELS, TarSource
from corruptgen.store.names import from_disk, on_disk
from corruptgen.values.addresses import local_path

# Of arrays that say nothing about it.
SPLIT = "test"


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
    return KINDS[recipe.source.kind](source_place(recipe, source), recipe)


def open_known(recipe: Recipe, source: str | Path | None) -> Source:
    """Open the source of a recipe to read items of it that a manifest names, without its lists of labels."""
    return open_source(replace(recipe, source=replace(recipe.source, labels=None, classes=None)), source)


def for_reading(source: Source) -> Source:
    """Return a source without its lists of labels and classes, which only its listing needs: workers get no copies."""
    unneeded: dict[str, Any] = {"labelling": Labelling(), "naming": NAMELESS}
    found = {name: unneeded[name] for name in unneeded if hasattr(source, name)}
    return replace(source, **found) if found else source  # type: ignore[type-var]  # sources are dataclasses


def wanted(listing: Listing, recipe: Recipe) -> Listing:
    """Keep the items that the recipe wants: of its subset a sample, and of that the first few."""
    choice = recipe.source
    if choice.subset:
        name = name_of(choice.subset)
        listing = subset(listing, wanted_ids(_list(recipe, "subset", choice.subset), name), name)
    if choice.sample:
        listing = sample(listing, choice.sample, recipe.seed, per_class=choice.per == "class")
    return replace(listing, items=listing.items[: choice.limit]) if choice.limit else listing


def source_place(recipe: Recipe, source: str | Path | None) -> str:
    """Return where a source is: an absolute path, a URL, or "" for a dataset on the Hub."""
    if source is None and recipe.source.repo:
        return ""
    written = recipe.source.path if source is None else os.fspath(source)
    if written is None:
        raise RecipeError(f"{recipe.name}: the recipe names no source; set with --source where the clean images are")
    written = local(written)
    if is_remote(written):
        return written
    found = recipe.path if source is None else _given
    place, name = found(written), Path(written).name
    if recipe.source.kind == "webdataset" and not place.exists() and glob.has_magic(name):
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
    around = [] if is_remote(place) else [_path(place) / on_disk(written), _path(place).parent / on_disk(written)]
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


def _path(place: str) -> Path:
    return Path(on_disk(place))


def _folder(place: str, recipe: Recipe) -> Source:
    choice = recipe.source
    if not is_remote(place) and not _path(place).is_dir():
        raise SourceError(f"{name_of(place)} is no folder; for other kinds of sources see kind in [source]")
    origin = choice.labels or FOLDERS
    listed = b"" if origin in (FOLDERS, METADATA, NONE) else _list(recipe, "labels", origin)
    labelling = Labelling(
        origin=name_of(origin),
        content=listed,
        file=choice.names.get("file", "file_name"),
        label=choice.names.get("label", "label"),
        naming=_naming(recipe),
    )
    deep = _is_deep(recipe)
    return RemoteFolder(place, labelling, deep) if is_remote(place) else FolderSource(_path(place), labelling, deep)


def _coco(place: str, recipe: Recipe) -> Source:
    if is_remote(place):
        raise RecipeError(f'{recipe.name}: kind = "coco" reads a folder of this machine, not {place}')
    if not _path(place).is_dir():
        raise SourceError(f"{name_of(place)} is no folder; for other kinds of sources see kind in [source]")
    return CocoSource(_path(place), beside_source(recipe, "annotations", recipe.source.annotations, place))


def _npz(place: str, recipe: Recipe) -> Source:
    split, names = recipe.source.split or SPLIT, recipe.source.names
    image = names.get("image", f"{split}_images")
    label = names.get("label") or (None if "image" in names else f"{split}_labels")
    return NpzSource(place, _version(place), split, image, label, _naming(recipe), _is_deep(recipe))


def _npy(place: str, recipe: Recipe) -> Source:
    labels = recipe.source.labels
    where = None if labels in (None, NONE) else _listed_place(recipe, "labels", labels)
    split = recipe.source.split or SPLIT
    return NpySource(place, _version(place), split, where, _naming(recipe), _is_deep(recipe))


def _cifar(place: str, recipe: Recipe) -> Source:
    return CifarSource(place, _version(place), recipe.source.split or SPLIT, recipe.source.labels)


def _mnist(place: str, recipe: Recipe) -> Source:
    choice = recipe.source
    return MnistSource(place, _version(place), choice.split or SPLIT, choice.config, _naming(recipe))


def _hub(place: str, recipe: Recipe) -> Source:
    choice, names = recipe.source, recipe.source.names
    if is_remote(place):
        raise RecipeError(f'{recipe.name}: kind = "hub" reads a repo or a path of this machine, not {place}')
    return HubSource(
        place=place or None,
        version=_version(place) if place else "",
        repo=None if place else choice.repo,
        revision=None if place else choice.revision,
        config=choice.config,
        split=choice.split,
        image=names.get("image"),
        label=names.get("label"),
        id=names.get("id"),
    )


def _webdataset(place: str, recipe: Recipe) -> Source:
    names = recipe.source.names
    with reporting(place):
        folder, pattern = (place, "*.tar") if is_folder(place) else (place.rpartition("/")[0], name_of(place))
    if not is_remote(place) and _path(place).is_file():
        pattern = glob.escape(pattern)
    image = (names["image"],) if "image" in names else IMAGES
    label, column = names.get("label", ""), "label"
    if label.startswith("json."):
        label, column = "json", label.removeprefix("json.")
    return TarSource(folder, pattern, image, (label,) if label else LABELS, column, _naming(recipe))


# Openers by kind: of a place, as returned by `source_place`, and the recipe.
KINDS: Mapping[str, Callable[[str, Recipe], Source]] = {
    "folder": _folder,
    "coco": _coco,
    "npz": _npz,
    "npy": _npy,
    "cifar": _cifar,
    "mnist": _mnist,
    "hub": _hub,
    "webdataset": _webdataset,
}


def _is_deep(recipe: Recipe) -> bool:
    """Check whether samples keep their depth, so that other types of them are taken than bytes."""
    return recipe.decode.window is not None


def _version(place: str) -> str:
    with reporting(place):
        return version_below(place)


def _naming(recipe: Recipe) -> Naming:
    written = recipe.source.classes
    if not written:
        return NAMELESS
    name = name_of(written)
    return Naming.read(text_of(_list(recipe, "classes", written), name), name)


def _listed_place(recipe: Recipe, key: str, written: str) -> str:
    """Find a file that the recipe names."""
    written = local(written)
    if is_remote(written):
        return written
    path = recipe.path(written)
    if not path.is_file():
        raise RecipeError(
            f"{recipe.name} [source] {key}: {written!r} does not exist; its place is relative to the recipe"
            f"{recipe.elsewhere(written)}"
        )
    return from_disk(os.path.abspath(path))


def _list(recipe: Recipe, key: str, written: str) -> bytes:
    return content(_listed_place(recipe, key, written))
