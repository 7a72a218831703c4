"""Datasets of the library `datasets`: from the Hub at a pinned revision, saved to disk, or as parquet files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from corruptgen.containers.parquet import ParquetRows, parquet_files
from corruptgen.containers.places import beside, error_line, files_below, is_remote, name_of, reporting, state_of
from corruptgen.errors import RecipeError, Rejected, SourceError, describe_error
from corruptgen.recipe.checks import names_by, text
from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import SPLIT, SourceChoice
from corruptgen.records import Item, Listing
from corruptgen.runtime.extras import need
from corruptgen.runtime.trouble import is_trouble, unreadable
from corruptgen.sources.arrays import index_of
from corruptgen.sources.kind import Content, Source
from corruptgen.sources.label_tables import class_names
from corruptgen.sources.opening import version
from corruptgen.sources.register import Naming, Register
from corruptgen.store.names import is_below, is_text, on_disk

DATASETS = "a source of `datasets`"
PIECE = 1 << 14  # values of a column that are in memory at once
SAVED = ("dataset_info.json", "dataset_dict.json")
IMAGE_COLUMNS, LABEL_COLUMNS = ("image", "img"), ("label", "labels", "fine_label")


class TableRows(Protocol):
    """A table of which single values can be read."""

    @property
    def features(self) -> Mapping[str, Any]:
        """What is known about each column, in the plain values of the library's own description."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """The columns by name."""

    @property
    def count(self) -> int:
        """Number of rows."""

    def values(self, column: str) -> Iterator[Any]:
        """Return a column of all rows."""

    def value(self, index: int, column: str) -> Any:
        """Return one value."""


@dataclass(frozen=True)
class HubSource:
    """The rows of a dataset; small enough to travel: every process opens the dataset itself, once.

    Ids are `split/index`, or what a column of ids says.
    """

    place: str | None = None
    """What `save_to_disk` made, a parquet file, or a folder of those."""
    version: str = ""
    repo: str | None = None
    revision: str | None = None
    config: str | None = None
    split: str | None = None
    image: str | None = None
    label: str | None = None
    id: str | None = None
    """The column of ids."""

    def listing(self) -> Listing:
        """List the rows in their order."""
        rows = _rows(self)
        self._column(rows, "image", self.image, IMAGE_COLUMNS)
        label = self._column(rows, "label", self.label, LABEL_COLUMNS)
        names, _ = class_names(rows.features.get(label, {})) if label else ((), False)
        register = Register(Naming(names, place="the dataset", is_coded=True) if names else None)
        labels = rows.values(label) if label else repeat(None, rows.count)
        repeated = self._repeated(rows)
        for index, (key, value) in enumerate(zip(self._ids(rows), labels, strict=True)):
            if not is_text(key) or not is_below(key):
                register.reject(
                    key if is_text(key) else repr(key)[1:-1], "has an id that is empty or cannot name a file"
                )
                register.know(value)
            elif key in repeated:
                register.reject(key, f"is the id of several rows, such as row {index}")
                register.know(value)
            else:
                register.add(key, value)
        return register.listing()

    def read(self, item: Item) -> Content:
        """Return the bytes of an image, as the dataset holds them, or the pixels of a column of arrays."""
        rows = _rows(self)
        column = self._column(rows, "image", self.image, IMAGE_COLUMNS)
        index = _index(self).get(item.id) if self.id else index_of(item)
        if index is None or not 0 <= index < rows.count or column is None:
            raise Rejected("is not there")
        value = rows.value(index, column)
        match value:
            case bytes():
                return value
            case {"bytes": bytes(content)}:
                return content
            case {"bytes": None, "path": str(path)} if self.repo:
                return _downloaded(path)
            case {"bytes": None}:
                raise Rejected("holds no image, only the path of a file; save the dataset with its images embedded")
            case list():
                return _pixels(value, rows.features.get(column, {}))
        raise Rejected("holds no image")

    def files(self, items: Sequence[Item]) -> Sequence[str]:
        """Name the files of a dataset of this machine; one on the Hub is pinned by its revision."""
        if not self.place:
            return []
        if _is_saved(self.place):
            return [beside(self.place, name) for name in files_below(self.place)]
        return parquet_files(self.place, self.split, self.config)

    def _ids(self, rows: TableRows) -> Iterator[str]:
        """Name the rows."""
        if self.id is None:
            prefix = self.split or "all"
            return (f"{prefix}/{index}" for index in range(rows.count))
        self._column(rows, "id", self.id, ())
        return (str(value) if isinstance(value, str | int) else "" for value in rows.values(self.id))

    def _repeated(self, rows: TableRows) -> Set[str]:
        """Return the ids that several rows have; only a column can hold such."""
        if self.id is None:
            return set()
        return {key for key, count in Counter(self._ids(rows)).items() if count > 1}

    def _column(self, rows: TableRows, role: str, chosen: str | None, usual: tuple[str, ...]) -> str | None:
        """Find a column; only the image's must be there if the recipe names none."""
        found = chosen or next((name for name in usual if name in rows.columns), None)
        if found in rows.columns or (found is None and role != "image"):
            return found
        names = ", ".join(rows.columns)
        what = f"no column {chosen!r}" if chosen else "no column of images with a usual name"
        raise SourceError(
            f'{self._name} has {what}, only {names}; choose which with columns = {{ {role} = "..." }} in [source]'
        )

    @property
    def _name(self) -> str:
        return self.repo or name_of(self.place or "")


@dataclass(frozen=True)
class _DatasetRows:
    """The rows of a dataset that the library has opened; they stay on disk until they are asked for."""

    dataset: Any
    _views: dict[str, Any] = field(default_factory=dict)
    """The dataset with one column only, so that no other image is touched."""

    @property
    def features(self) -> Mapping[str, Any]:
        return self.dataset.features.to_dict()

    @property
    def columns(self) -> Mapping[str, Any]:
        return self.dataset.features

    @property
    def count(self) -> int:
        return len(self.dataset)

    def values(self, column: str) -> Iterator[Any]:
        for start in range(0, len(self.dataset), PIECE):
            with reporting("the dataset"):
                values = self.dataset.select_columns([column])[start : start + PIECE][column]
            yield from values

    def value(self, index: int, column: str) -> Any:
        if column not in self._views:
            self._views[column] = _single(self.dataset, column)
        with reporting("the dataset"):
            return self._views[column][index][column]


def _single(dataset: Any, column: str) -> Any:
    """Return a dataset of one column, which holds the bytes of images as they are."""
    datasets = need("datasets", DATASETS)

    single = dataset.select_columns([column])
    if isinstance(single.features[column], datasets.Image):
        return single.cast_column(column, datasets.Image(decode=False))
    return single


@lru_cache(maxsize=4)
def _rows(source: HubSource) -> TableRows:
    """Open the dataset, once per process."""
    if source.place and not _is_saved(source.place):
        files = parquet_files(source.place, source.split, source.config)
        return ParquetRows.opened(files, state_of(*files))
    return _DatasetRows(_dataset(source))


def _is_saved(place: str) -> bool:
    return any((Path(on_disk(place)) / name).is_file() for name in SAVED)


def _dataset(source: HubSource) -> Any:
    datasets = need("datasets", DATASETS)

    if source.repo:
        try:
            return datasets.load_dataset(source.repo, source.config, split=source.split, revision=source.revision)
        # Clients of servers raise any kind of error.
        except Exception as error:
            asked = f"{source.repo}, split {source.split!r}, at {source.revision}"
            raise SourceError(f"{asked} cannot be loaded: {error_line(error)}") from error
    with reporting(source.place or ""):
        found = datasets.load_from_disk(source.place)
    if not isinstance(found, datasets.DatasetDict):
        if source.split and str(found.split or source.split) != source.split:
            raise SourceError(f"{source._name} holds the split {str(found.split)!r}, not {source.split!r}")
        return found
    if source.split not in found:
        known = ", ".join(map(repr, found))
        raise SourceError(f"{source._name} holds the splits {known}; choose which with split = ... in [source]")
    return found[source.split]


@lru_cache(maxsize=2)
def _index(source: HubSource) -> dict[str, int]:
    """Find the rows by id, where a column says what that is."""
    return {key: index for index, key in enumerate(source._ids(_rows(source)))}


def _downloaded(path: str) -> bytes:
    """Read a file that the library has fetched; nothing else of this machine."""
    config, constants = need("datasets", DATASETS).config, need("huggingface_hub.constants", DATASETS)

    caches = [Path(str(place)).resolve() for place in (config.HF_DATASETS_CACHE, constants.HF_HUB_CACHE)]
    if not any(cache in Path(path).resolve().parents for cache in caches):
        # The hub's cache links to blobs that lie in the cache as well.
        raise Rejected("holds the path of a file that does not come from the dataset")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        if is_trouble(error):
            raise unreadable(Path(path).name, error) from error
        raise Rejected(f"cannot be read: {describe_error(error)}") from error


def _pixels(value: list[Any], feature: Any) -> Any:
    """Make pixels of the nested lists of an array column."""
    dtype = feature.get("dtype", "uint8") if isinstance(feature, Mapping) else "uint8"
    if dtype != "uint8":
        raise Rejected(f"is an array of {dtype}; scale to 0..255 and save as uint8")
    try:
        pixels = np.array(value)
        is_byte = pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= np.iinfo(np.uint8).max
    except ValueError as error:
        raise Rejected("is no rectangular array") from error
    if not is_byte:
        raise Rejected("is an array of other values than 0..255")
    return pixels.astype(np.uint8)


def _open(place: str, recipe: Recipe) -> Source:
    choice, names = recipe.source, recipe.source.names
    if is_remote(place):
        raise RecipeError(f'{recipe.name}: kind = "hub" reads a repo or a path of this machine, not {place}')
    return HubSource(
        place=place or None,
        version=version(place) if place else "",
        repo=None if place else choice.get("repo"),
        revision=None if place else choice.get("revision"),
        config=choice.get("config"),
        split=choice.get("split"),
        image=names.get("image"),
        label=names.get("label"),
        id=names.get("id"),
    )


def _check(choice: SourceChoice, place: str) -> None:
    repo, revision = choice.get("repo"), choice.get("revision")
    if repo and choice.path:
        raise RecipeError(f"{place}: has both repo and path; take one: repo on the Hub, or path on this machine")
    if repo and not revision:
        raise RecipeError(
            f"{place} revision: is missing; pin the repository to a commit (40 hexadecimal digits) or a tag, "
            "so that the dataset stays the same"
        )
    if repo and not choice.get("split"):
        raise RecipeError(f'{place} split: is missing; choose which split of {repo}, such as split = "test"')
    if revision and not repo and choice.path:
        raise RecipeError(f"{place} revision: belongs to repo; a path has none")


KIND = SourceKind(
    name="hub",
    open=_open,
    keys={
        "repo": Key(text),
        "revision": Key(text),
        "config": Key(text),
        "split": SPLIT,
        "columns": Key(names_by("image", "label", "id")),
    },
    holds_files=True,
    check=_check,
)
