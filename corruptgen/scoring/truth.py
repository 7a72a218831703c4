"""What a generated dataset says about itself that predictions are held against: its items, their classes, its cells."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen import catalog
from corruptgen.addresses import local_path
from corruptgen.errors import CorruptgenError, OutputError, ScoreError
from corruptgen.identity import describe_missing
from corruptgen.labels import Classes
from corruptgen.manifest import MANIFEST, Table, parsed
from corruptgen.metrics.baselines import families
from corruptgen.recipe import read as read_recipe
from corruptgen.records import Item
from corruptgen.sinks.folder import Folder
from corruptgen.table import Preset

CLEAN = "clean"
MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class Truth:
    """A dataset as predictions see it."""

    preset: Preset
    ids: tuple[str, ...]
    """Of the complete items, in the order of arrays and shards."""
    classes: Classes
    labels: NDArray[np.int64]
    """(items, labels): the number of the class, or one number for each of several labels."""
    rows: tuple[str, ...]
    severities: tuple[float, ...]
    made: tuple[str, ...]
    """All rows of the dataset; `rows` are those that are scored."""
    name: str
    """The recipe's name and version."""

    @property
    def is_multi_label(self) -> bool:
        """Whether items have several labels at once, 0 or 1 each."""
        return self.classes.width > 1

    @property
    def count(self) -> int:
        """Number of classes that are known; of labels, where items have several."""
        return self.classes.width if self.is_multi_label else self.classes.highest + 1

    def over(self, rows: Sequence[str]) -> "Truth":
        """Give the same dataset with some of its rows or groups of rows; `UnknownName` or `ScoreError` for others."""
        chosen = tuple(self.preset.named_rows(rows))
        if strange := [row for row in chosen if row not in self.made]:
            raise ScoreError(f"the dataset has no pictures of {', '.join(strange)}; it has {', '.join(self.made)}")
        return replace(self, rows=chosen)


def read(directory: str | Path, classes: str | Path | None = None) -> Truth:
    """Read the items and cells of a finished output.

    Parameters
    ----------
    directory : what `generate` made
    classes : a file with the name of a class in each line, in the order of the model's numbers; None: as the manifest
        lists them, or else the names in the dataset, sorted

    Raises
    ------
    OutputError
        If this is not a finished output, or is damaged.
    ScoreError
        If its items have no labels, or `classes` does not name them all.
    """
    output = Folder(local_path(directory, "the dataset").resolve())
    content = output.read(MANIFEST)
    if content is None:
        raise OutputError(f"{output.root.name} has no {MANIFEST}: give the directory that generate has finished")
    manifest = parsed(content, MANIFEST)
    try:
        recipe = read_recipe(manifest["recipe"], MANIFEST)
        missing = describe_missing(manifest["preset"]["table"], manifest.get("identity"))
        if missing:
            raise ScoreError(f"the severity table of {recipe.name} cannot be read: {missing}; install it first")
        preset = catalog.preset_from(manifest["preset"]["name"], manifest["preset"]["table"])
        listed = tuple(map(str, manifest.get("classes", ())))
        items = [item for name, digest in manifest["tables"].items() for item in _items(output, name, digest)]
    except ScoreError:
        raise
    except (CorruptgenError, LookupError, TypeError, AttributeError) as error:
        raise OutputError(f"{MANIFEST} is damaged: {error}; corruptgen verify names all that is wrong") from error
    if not items:
        raise ScoreError(f"{output.root.name} has no complete items, so there is nothing to score")
    names = _named(classes) if classes else listed
    kinds = Classes.of((item.label for item in items), names)
    if not kinds.width:
        raise ScoreError(
            f"the items of {recipe.name} have no labels, so nothing can be right or wrong; label the source"
        )
    if classes:
        _check_named(items, names, kinds, Path(classes).name)
    return Truth(
        preset=preset,
        ids=tuple(item.id for item in items),
        classes=kinds,
        labels=np.array([kinds.numbers(item.label) for item in items], np.int64).reshape(len(items), kinds.width),
        rows=tuple(recipe.corrupt.rows or ()),
        made=tuple(recipe.corrupt.rows or ()),
        severities=tuple(recipe.corrupt.severities or ()),
        name=f"{recipe.name} {recipe.version}",
    )


def _items(output: Folder, name: str, digest: Any) -> list[Item]:
    content = output.read(name)
    if content is None:
        raise OutputError(f"{name} is missing")
    if hashlib.sha256(content).hexdigest() != digest:
        raise OutputError(f"{name} is not what it says")
    return [record.item for record in Table.from_bytes(content).made]


def _named(file: str | Path) -> tuple[str, ...]:
    path = local_path(file, "the file of classes", ScoreError)
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
        raise ScoreError(f"{path.name}: cannot read the names of the classes: {reason}") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if len(set(names)) < len(names) or not names:
        raise ScoreError(
            f"{path.name}: {len(names)} lines name {len(set(names))} classes; write each once, one in a line"
        )
    return names


def _check_named(items: Sequence[Item], names: tuple[str, ...], kinds: Classes, file: str) -> None:
    if kinds.names == names or (not kinds.by_name and kinds.highest < len(names)):
        return
    missing = sorted({item.label for item in items} - set(names))
    named = ", ".join(missing[:MOST_NAMED]) or f"number {kinds.highest}"
    raise ScoreError(f"{file}: {len(names)} names, and {named} of the dataset is not among them; name every class")


def groups_of(truth: Truth) -> Mapping[str, tuple[str, ...]]:
    """Give the groups of which every row is in the dataset: those of the severity table, and the common families.

    Families are those of tables with the fifteen common corruptions; a table's own group of such a name goes first.
    """
    own = truth.preset.groups
    known = {**families(), **own} if "common" in own else own
    return {group: rows for group, rows in known.items() if set(rows) <= set(truth.rows)}
