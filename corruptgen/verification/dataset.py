"""A finished dataset, opened once: what was made, of what, its items with their labels, its images with their depth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from corruptgen.codecs.high_bit_depth import decode_stored
from corruptgen.codecs.windowing import CleanImage
from corruptgen.engine.inventory import everything
from corruptgen.engine.manifest import MANIFEST, BlockTable, ItemRecord, restore_image
from corruptgen.errors import OutputError, Rejected, SeverityError, UnknownName, unknown
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Rejection
from corruptgen.sinks import OutputDirectory, Part
from corruptgen.sinks.owner import Owner
from corruptgen.store.names import is_clutter, printable
from corruptgen.store.output_directory import UNFINISHED, cell_folder
from corruptgen.tables import catalog
from corruptgen.tables.row import Row
from corruptgen.tables.table import Preset
from corruptgen.values.arguments import normalise_severity, severity_text
from corruptgen.values.class_labels import Classes, Value
from corruptgen.verification.recompute import RecordedBuild
from corruptgen.verification.verdict import HUBS_OWN, TABLE, open_output, owners, read_tables

# What the generation engine keeps for itself.
OURS_ALONE = ".corruptgen"
MOST_NAMED = 20  # items that a message chooses the nearest name from


@dataclass(frozen=True)
class FinishedDataset:
    """What `generate` has made; `corruptgen.open` returns it.

    Its length is the number of its items, and iterating yields them: each an `ItemRecord` with `id`, `label` (a text),
    `source` (the sha256 of the clean image's file), `masks` and `notes`. Tables and images are read when they are asked
    for.
    """

    made: RecordedBuild
    manifest: Mapping[str, Any]
    """All that `manifest.json` says."""

    def __len__(self) -> int:
        return int(self.manifest["counts"]["items"])

    def __iter__(self) -> Iterator[ItemRecord]:
        for table in self.tables:
            yield from table.made

    @property
    def folder(self) -> OutputDirectory:
        """Where it is."""
        return self.made.sink.output

    @property
    def recipe(self) -> Recipe:
        """What was to be made, rows and severities spelled out."""
        return self.made.recipe

    @cached_property
    def preset(self) -> Preset:
        """The severity table that the manifest records; raise `OutputError` if a plug-in that it needs is missing."""
        if self.made.missing:
            raise OutputError(f"{self.made.missing}; install it first")
        return catalog.preset_from(self.manifest["preset"]["name"], self.manifest["preset"]["table"])

    @property
    def rows(self) -> dict[str, Row]:
        """The corrupted rows, in the order of the recipe."""
        return {name: self.preset.row(name) for name in self.recipe.corrupt.rows or ()}

    @property
    def cells(self) -> tuple[tuple[str, float], ...]:
        """Row and severity of every cell; ("clean", 0.0) is the clean twin."""
        return self.made.cells.names

    @property
    def configs(self) -> dict[str, list[float]]:
        """The severities of each row, the clean twin included."""
        found: dict[str, list[float]] = {}
        for row, severity in self.cells:
            found.setdefault(row, []).append(severity)
        return found

    @property
    def image_count(self) -> int:
        """Number of images in all cells."""
        return int(self.manifest["counts"]["files"])

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """The items of the source that are not in it, each with its reason."""
        return tuple(Rejection(entry["id"], entry["reason"]) for entry in self.manifest["rejected"])

    @cached_property
    def tables(self) -> list[BlockTable]:
        """The tables of items; raise `OutputError` if one is missing or does not match the manifest."""
        problems, tables = read_tables(self.made, self.manifest)
        if problems:
            raise OutputError(f"{problems[0]}; corruptgen verify names all that is wrong")
        return list(tables)

    @cached_property
    def classes(self) -> Classes:
        """The kind of labels, and the classes in the order of their numbers."""
        names = tuple(map(str, self.manifest.get("classes", ())))
        if "labels" in self.manifest:
            try:
                return Classes.read(self.manifest["labels"], names)
            except (AttributeError, ValueError) as error:
                raise OutputError(
                    f"{MANIFEST} is damaged: {error}; corruptgen verify names all that is wrong"
                ) from error
        return Classes.guess((record.label for record in self), names)

    def label(self, item: ItemRecord) -> Value:
        """Return the number of an item's class, a list of numbers where it has several, None where it has no label."""
        return self.classes.value(item.label)

    def image(self, row: str, severity: float, item: ItemRecord | str) -> NDArray[Any]:
        """Read an image.

        Parameters
        ----------
        row : str
            A row of the dataset; "clean", at severity 0, is the clean twin.
        severity : float
            One of the row's severities.
        item : ItemRecord or str
            An item, or its id.

        Returns
        -------
        ndarray, shape (H, W, C)
            In the type that is stored: uint8, or uint16, int16 or float32 of images with a window. Of a row that makes
            sequences all frames, (frames, H, W, C).

        Raises
        ------
        UnknownName
            If there is no such row or item.
        SeverityError
            If the row has no such severity.
        OutputError
            If the image is missing or damaged.
        """
        return self.picture(row, severity, item).pixels

    def images(self, row: str, severity: float) -> Iterator[tuple[ItemRecord, NDArray[Any]]]:
        """Read all images of a cell, in the order of the items; parameters and errors are those of `image`."""
        cell = self._cell(row, severity)
        for table, start in zip(self.tables, self._starts, strict=True):
            part = table.part(start)
            for record, stored in zip(table.made, self._read(cell, part), strict=True):
                yield record, self._picture(cell, part, record, stored).pixels

    def picture(self, row: str, severity: float, item: ItemRecord | str) -> CleanImage:
        """Read an image with what its samples mean; parameters and errors are those of `image`."""
        cell = self._cell(row, severity)
        name = item if isinstance(item, str) else item.id
        if name not in self._places:
            some = (record.id for record, _ in zip(self, range(MOST_NAMED), strict=False))
            raise UnknownName(unknown("item", name, some))
        block, place = self._places[name]
        table = self.tables[block]
        part, record = table.part(self._starts[block]), table.made[place]
        if self.made.sink.files(record.item):
            # It is a file of its own, which can be read without those of the others.
            part, place = replace(part, items=(record.item,)), 0
        return self._picture(cell, part, record, next(islice(self._read(cell, part), place, None)))

    def frames_of(self, row: str, severity: float | None = None) -> int:
        """Return the number of frames in the sequences of a row, 0 if it makes one image of an item.

        Parameters
        ----------
        row : str
            A row of the dataset.
        severity : float or None
            One of its severities; None: the first one that makes sequences.

        """
        stated = self.manifest.get("frames", {})
        severities = self.configs.get(row, []) if severity is None else [severity]
        counts = (stated.get(cell_folder(row, number), 0) for number in severities)
        return next(filter(None, counts), 0)

    def _cell(self, row: str, severity: float) -> int:
        severity = normalise_severity(severity)
        if row not in self.configs:
            raise UnknownName(unknown("row of the dataset", row, self.configs))
        if severity not in self.configs[row]:
            known = ", ".join(map(severity_text, self.configs[row]))
            raise SeverityError(f"{row} has no severity {severity_text(severity)} in this dataset, which has {known}")
        return self.cells.index((row, severity))

    @cached_property
    def _starts(self) -> list[int]:
        """The number of items before each block."""
        return list(accumulate((len(table.made) for table in self.tables), initial=0))[:-1]

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """The block of each item, and its place in it."""
        return {
            record.id: (block, place)
            for block, table in enumerate(self.tables)
            for place, record in enumerate(table.made)
        }

    def _read(self, cell: int, part: Part) -> Iterator[Any]:
        try:
            yield from self.made.sink.images(cell, part)
        except Rejected as error:
            raise self._damaged(cell, part, None, error) from error

    def _picture(self, cell: int, part: Part, record: ItemRecord, stored: Any) -> CleanImage:
        try:
            if stored is None:
                raise Rejected("is missing")
            return restore_image(decode_stored(stored), record.samples)
        except Rejected as error:
            raise self._damaged(cell, part, record, error) from error

    def _damaged(self, cell: int, part: Part, record: ItemRecord | None, error: Rejected) -> OutputError:
        item = record.item if record else part.items[0] if len(part.items) == 1 else None
        name = printable(self.made.sink.name(cell, part, item))
        return OutputError(f"{name} {error}; `corruptgen verify` reports what is damaged")

    @cached_property
    def _owners(self) -> list[Owner]:
        return owners(self.made, self.tables, None)

    def owns(self, name: str) -> bool:
        """Check whether a file is one of this dataset, whatever the number of its blocks."""
        return bool(TABLE.fullmatch(name)) or any(owner(name) is not None for owner in self._owners)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The bytes of every file that belongs to the dataset, by name, sorted."""
        found = {
            file.name: file.size
            for file in everything(self.folder.root)
            if not file.name.startswith(OURS_ALONE)
            and not file.name.endswith(UNFINISHED)
            and not HUBS_OWN.fullmatch(file.name)
            and not (is_clutter(file.name) and not self.owns(file.name))
        }
        return dict(sorted(found.items()))


def open_dataset(directory: str | Path) -> FinishedDataset:
    """Open a dataset that `generate` has finished; `corruptgen.open` is this function.

    Parameters
    ----------
    directory : str or Path
        The output directory.

    Returns
    -------
    FinishedDataset
        Its manifest is read and checked; tables and images are read when they are asked for.

    Raises
    ------
    OutputError
        If it is not a finished output, or its manifest is damaged.

    Examples
    --------
    >>> import corruptgen
    >>> made = corruptgen.generate("small.toml", output="opened-c", workers=1)
    >>> dataset = corruptgen.open("opened-c")
    >>> dataset.cells
    (('brightness', 1.0), ('brightness', 3.0), ('gaussian_noise', 1.0), ('gaussian_noise', 3.0))
    >>> [(item.id, item.label, dataset.label(item)) for item in dataset]
    [('a/one.png', 'a', 0), ('a/two.png', 'a', 0)]
    >>> dataset.image("brightness", 3, "a/two.png").shape
    (240, 240, 3)
    >>> sum(image.size for item, image in dataset.images("brightness", 3))
    345600
    """
    return FinishedDataset(*open_output(directory))
