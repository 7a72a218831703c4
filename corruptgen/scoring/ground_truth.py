"""The ground truth of a generated dataset that predictions are compared with: its items, their classes, its cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corruptgen.engine.manifest import MANIFEST
from corruptgen.errors import OutputError, ScoreError, describe_error
from corruptgen.metrics.baselines import families
from corruptgen.metrics.grid import Grid, Numbers
from corruptgen.records import Item
from corruptgen.tables.table import Preset
from corruptgen.values.addresses import local_path
from corruptgen.values.class_labels import LISTS, NAMES, NO_CLASS, NUMBERS, Classes
from corruptgen.verification.dataset import open_dataset

CLEAN = "clean"
MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """A dataset as predictions see it."""

    preset: Preset
    ids: tuple[str, ...]
    """Of the complete items that have labels, in the order of arrays and shards."""
    classes: Classes
    labels: NDArray[np.int64]
    """(items, labels): the number of the class, or one number for each of several labels."""
    rows: tuple[str, ...]
    levels: Mapping[str, tuple[float, ...]]
    """The severities of each row of the dataset; rows may have different ones."""
    made: tuple[str, ...]
    """All rows of the dataset; `rows` are those that are scored."""
    name: str
    """The recipe's name and version."""
    stored: tuple[str, ...] = ()
    """The ids of all complete items, with and without labels; empty: those of `ids`."""
    frames: Mapping[tuple[str, float], int] = field(default_factory=dict)
    """The number of frames of the cells that make sequences."""

    @cached_property
    def unlabelled(self) -> frozenset[str]:
        """The ids of the items without labels, of which nothing can be right or wrong."""
        return frozenset(self.stored) - frozenset(self.ids)

    @property
    def severities(self) -> tuple[float, ...]:
        """Those that some of the scored rows have, ascending."""
        return tuple(sorted({severity for row in self.rows for severity in self.levels[row]}))

    @property
    def cells(self) -> tuple[tuple[str, float], ...]:
        """The cells of the scored rows, one row after the other."""
        return tuple((row, severity) for row in self.rows for severity in self.levels[row])

    @property
    def absent(self) -> NDArray[np.bool_] | None:
        """(rows, severities): the cells that there are not; None: there are all."""
        found = np.array([[severity not in self.levels[row] for severity in self.severities] for row in self.rows])
        return found if found.any() else None

    def grid(self, values: Numbers, clean: Numbers | None = None) -> Grid:
        """Return numbers of the scored cells, (..., rows, severities), as a grid."""
        of_clean = None if clean is None else np.asarray(clean)
        return Grid(self.rows, self.severities, np.asarray(values, float), of_clean, self.absent)

    @property
    def sequences(self) -> tuple[str, ...]:
        """The rows, of those that are scored, that make sequences at all severities."""
        return tuple(row for row in self.rows if all((row, severity) in self.frames for severity in self.levels[row]))

    def check_labelled(self) -> None:
        """Raise `ScoreError` if no item has a label."""
        if not (self.labels != NO_CLASS).any():
            raise ScoreError(
                f"the items of {self.name} have no labels, so nothing can be right or wrong; label the source"
            )

    @property
    def is_multi_label(self) -> bool:
        """Whether items have several labels at once, 0 or 1 each."""
        return self.classes.kind == LISTS

    @property
    def count(self) -> int:
        """Number of classes that are known; of labels, where items have several."""
        return self.labels.shape[1] if self.is_multi_label else self.classes.count

    def over(self, rows: Sequence[str]) -> "GroundTruth":
        """Return the same dataset with some of its rows or groups of rows; `UnknownName` or `ScoreError` for others."""
        chosen = tuple(self.preset.named_rows(rows))
        if strange := [row for row in chosen if row not in self.made]:
            raise ScoreError(f"the dataset has no pictures of {', '.join(strange)}; it has {', '.join(self.made)}")
        return replace(self, rows=chosen)


def read_ground_truth(directory: str | Path, classes: str | Path | None = None) -> GroundTruth:
    """Read the items and cells of a finished output.

    Parameters
    ----------
    directory : str or Path
        What `generate` made.
    classes : str or Path or None
        A file with the name of a class in each line, in the order of the model's numbers; None: as the manifest lists
        them, or else the names in the dataset, sorted.

    Raises
    ------
    OutputError
        If this is not a finished output, or is damaged.
    ScoreError
        If its items have no labels and none of its rows makes sequences, or `classes` does not name them all.
    """
    dataset = open_dataset(directory)
    recipe, missing = dataset.recipe, dataset.made.missing
    if missing:
        raise ScoreError(f"the severity table of {recipe.name} cannot be read: {missing}; install it first")
    items = [record.item for record in dataset]
    if not items:
        raise ScoreError(f"{dataset.folder.root.name} has no complete items, so there is nothing to score")
    kinds = dataset.classes
    try:
        labels = _numbers(items, kinds)
    except (LookupError, ValueError) as error:
        raise OutputError(f"{MANIFEST} is damaged: it has no class {error}") from error
    frames = {cell: count for cell in dataset.cells if (count := dataset.frames_of(*cell))}
    is_labelled = (labels != NO_CLASS).any(axis=1)
    if not is_labelled.any() and frames:
        # Whether predictions flip from frame to frame can be seen without labels.
        is_labelled[:] = True
    labels = labels[is_labelled]
    if classes:
        kinds, labels = _renumbered(kinds, labels, _named(classes), Path(classes).name)
    truth = GroundTruth(
        preset=dataset.preset,
        ids=tuple(item.id for item, labelled in zip(items, is_labelled, strict=True) if labelled),
        classes=kinds,
        labels=labels,
        rows=tuple(recipe.corrupt.rows or ()),
        made=tuple(recipe.corrupt.rows or ()),
        levels={row: recipe.corrupt.severities_of(row) for row in recipe.corrupt.rows or ()},
        name=f"{recipe.name} {recipe.version}",
        stored=tuple(item.id for item in items),
        frames=frames,
    )
    if not frames:
        truth.check_labelled()
    return truth


def _named(file: str | Path) -> tuple[str, ...]:
    path = local_path(file, "the file of classes", ScoreError)
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = describe_error(error)
        raise ScoreError(f"{path.name}: cannot read the names of the classes: {reason}") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if len(set(names)) < len(names) or not names:
        raise ScoreError(
            f"{path.name}: {len(names)} lines name {len(set(names))} classes; write each once, one in a line"
        )
    return names


def _numbers(items: Sequence[Item], classes: Classes) -> NDArray[np.int64]:
    """Return the class of each item, or 0 and 1 for each class where labels are lists; -1 where there is no label."""
    if classes.kind != LISTS:
        values = [classes.value(item.label) for item in items]
        return np.array([NO_CLASS if value is None else value for value in values], np.int64)[:, None]
    found = np.full((len(items), classes.width or classes.count), NO_CLASS, np.int64)
    for row, item in zip(found, items, strict=True):
        value = classes.value(item.label)
        if isinstance(value, list) and classes.width:
            row[:] = value
        elif isinstance(value, list):
            row[:] = 0
            row[value] = 1
    return found


def _renumbered(
    classes: Classes, labels: NDArray[np.int64], names: tuple[str, ...], file: str
) -> tuple[Classes, NDArray[np.int64]]:
    """Count the classes as a file names them; raise `ScoreError` if it lacks one that items have."""
    if classes.kind == LISTS:
        return _reordered(classes, labels, names, file)
    places = {name: number for number, name in enumerate(names)}
    used = np.unique(labels).tolist()
    if classes.names:
        missing = [classes.names[number] for number in used if classes.names[number] not in places]
    else:
        missing = [f"number {number}" for number in used if number >= len(names)]
    if missing:
        raise ScoreError(
            f"{file}: {len(names)} names, and {', '.join(missing[:MOST_NAMED])} of the dataset is not among them; "
            "name every class"
        )
    if not classes.names:
        return Classes(NUMBERS, names, len(names)), labels
    numbers = np.zeros(max(used) + 1, np.int64)
    numbers[used] = [places[classes.names[number]] for number in used]
    return Classes(NAMES, names, len(names)), numbers[labels]


def _reordered(
    classes: Classes, labels: NDArray[np.int64], names: tuple[str, ...], file: str
) -> tuple[Classes, NDArray[np.int64]]:
    """Put the columns of items with several labels into the order of a file of names."""
    own = classes.names or names
    if len(own) != labels.shape[1] or set(own) - set(names):
        raise ScoreError(f"{file}: {len(names)} names for {labels.shape[1]} labels of an item; name every class")
    ordered = np.zeros((len(labels), len(names)), np.int64)
    ordered[:, [names.index(name) for name in own]] = labels
    return Classes(LISTS, names, len(names), len(names)), ordered


def groups_of(truth: GroundTruth) -> Mapping[str, tuple[str, ...]]:
    """Return the groups of which every row is in the dataset: those of the severity table, and the common families.

    Families are those of tables with the fifteen common corruptions; a table's own group of such a name goes first.
    """
    own = truth.preset.groups
    known = {**families(), **own} if "common" in own else own
    return {group: rows for group, rows in known.items() if set(rows) <= set(truth.rows)}
