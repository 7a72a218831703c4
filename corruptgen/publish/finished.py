"""A finished dataset as publishing sees it: its manifest, its files and their sizes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from corruptgen.engine.inventory import everything
from corruptgen.engine.manifest import MANIFEST, ItemRecord, Table
from corruptgen.errors import OutputError
from corruptgen.recipe.recipe import Recipe
from corruptgen.sinks import Folder
from corruptgen.sinks.owner import Owner
from corruptgen.store.names import is_clutter
from corruptgen.store.output_directory import UNFINISHED
from corruptgen.tables import catalog
from corruptgen.tables.table import Preset, Row
from corruptgen.values.class_labels import Classes
from corruptgen.verification.recompute import Made
from corruptgen.verification.verify import HUBS_OWN, TABLE, open_output, owners, read_tables

# What the generation engine keeps for itself.
OURS_ALONE = ".corruptgen"


@dataclass(frozen=True)
class Finished:
    """What `generate` has made, opened once."""

    made: Made
    manifest: Mapping[str, Any]

    @classmethod
    def at(cls, directory: str | Path) -> "Finished":
        """Open a finished output; raise `OutputError` if it is none."""
        return cls(*open_output(directory))

    @property
    def folder(self) -> Folder:
        """Where it is."""
        return self.made.sink.output

    @property
    def recipe(self) -> Recipe:
        """What was to be made, spelled out."""
        return self.made.recipe

    @cached_property
    def preset(self) -> Preset:
        """The severity table that the manifest records."""
        if self.made.missing:
            raise OutputError(f"{self.made.missing}; install it first")
        return catalog.preset_from(self.manifest["preset"]["name"], self.manifest["preset"]["table"])

    @property
    def rows(self) -> dict[str, Row]:
        """The corrupted rows, in the order of the recipe."""
        return {name: self.preset.row(name) for name in self.recipe.corrupt.rows or ()}

    @property
    def cells(self) -> tuple[tuple[str, float], ...]:
        """Row and severity, the clean twin included."""
        return self.made.cells.names

    @property
    def configs(self) -> dict[str, list[float]]:
        """The severities of each row, the clean twin included."""
        found: dict[str, list[float]] = {}
        for row, severity in self.cells:
            found.setdefault(row, []).append(severity)
        return found

    @property
    def items(self) -> int:
        """Number of complete items."""
        return int(self.manifest["counts"]["items"])

    @property
    def images(self) -> int:
        """Number of images."""
        return int(self.manifest["counts"]["files"])

    @cached_property
    def tables(self) -> list[Table]:
        """The tables of items; raise `OutputError` if one is missing or does not match the manifest."""
        problems, tables = read_tables(self.made, self.manifest)
        if problems:
            raise OutputError(f"{problems[0]}; `corruptgen verify` reports more")
        return list(tables)

    @cached_property
    def classes(self) -> Classes:
        """What labels there are, and the classes; raise `OutputError` if the manifest's record of them is damaged."""
        names = tuple(map(str, self.manifest.get("classes", ())))
        if "labels" in self.manifest:
            try:
                return Classes.read(self.manifest["labels"], names)
            except ValueError as error:
                raise OutputError(f"{MANIFEST} is damaged: {error}") from error
        return Classes.guess((record.label for record in self.records()), names)

    def records(self) -> Iterator[ItemRecord]:
        """Return what is known about every complete item, in order."""
        for table in self.tables:
            yield from table.made

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
