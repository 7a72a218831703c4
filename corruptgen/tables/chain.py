"""Chains: rows that are several steps, each of them a row of this or another table."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from corruptgen.errors import PresetError, SeverityError, unknown
from corruptgen.tables.cell import Cell
from corruptgen.tables.interpolation import Value, fits
from corruptgen.tables.row import Level, Row
from corruptgen.tables.scene import NO_STAGING
from corruptgen.tables.sizes import Sizes
from corruptgen.values.arguments import normalise_severity, severity_text

KEYS = ("row", "level", "parameters", "preset", "table")
# What a row with steps may have beside them.
CHAIN_KEYS = frozenset({"steps", "levels", "rounded_steps", "precision", "rounding", "non_monotone_levels", "region"})

ReadTable = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class ChainStep:
    """One step of a chain."""

    row: Row
    sizes: Sizes
    """Those of its table."""
    level: float | None
    """Its severity, whatever that of the chain; None: that of the chain."""
    parameters: Mapping[str, Value] | None
    """Its own parameters in place of those of a level."""
    stream: str
    """The name of its draws: its row, and a number if the chain has it more than once."""

    @property
    def is_free(self) -> bool:
        """Whether its severity is that of the chain."""
        return self.level is None and self.parameters is None

    @property
    def words(self) -> str:
        """How bad it is, in words."""
        if self.parameters is not None:
            return ", ".join(f"{name} {value}" for name, value in self.parameters.items())
        return "the severity of the chain" if self.level is None else f"severity {severity_text(self.level)}"

    def cell(self, severity: float) -> Cell:
        """Return the step at a severity of the chain."""
        if severity < 1 and not self.is_free:
            raise SeverityError(
                f"{self.row.name}: the severity of this step is fixed, so that its chain cannot be weaker than level 1"
            )
        if self.parameters is not None:
            made = self.row.cell_with(self.parameters, severity, self.sizes)
        else:
            made = self.row.cell(self.level if self.level is not None else severity, self.sizes)
        return replace(made, stream=self.stream)


@dataclass(frozen=True)
class ChainRow(Row):
    """A row that is several steps."""

    steps: tuple[tuple[ChainStep, ...], ...] = ()
    """Those of each level."""
    rounds_steps: bool = True
    """Whether samples are clipped and rounded between two steps."""

    @property
    def uses(self) -> tuple[Level, ...]:
        """All functions it uses, with their parameters."""
        return tuple(level for steps in self.steps for step in steps for level in step.row.levels)

    @property
    def level_count(self) -> int:
        """Number of its levels."""
        return len(self.steps)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it does, step by step; of chains whose levels have other steps, at each level."""
        told = [", then ".join(f"`{step.row.name}` at {step.words}" for step in steps) for steps in self.steps]
        if len(set(told)) == 1:
            done = [f"{told[0]}."]
        else:
            done = [f"Severity {level}: {words}." for level, words in enumerate(told, start=1)]
        return tuple(done if self.region is None else [*done, self.region.sentence])

    @property
    def is_chain(self) -> bool:
        """Whether it has several steps."""
        return True

    @property
    def reaches_zero(self) -> bool:
        """Whether it has severities between the clean image and level 1."""
        return all(step.is_free and step.row.reaches_zero for step in self.steps[0])

    def cell(self, severity: float, sizes: Sizes) -> Cell:
        """Return the row at a severity above 0, ready to be applied; between levels, the steps are the nearest's."""
        severity = normalise_severity(severity)
        if not 0 < severity <= len(self.steps):
            raise SeverityError(f"{self.name}: severity {severity_text(severity)} is outside of 0..{len(self.steps)}")
        steps = self.steps[min(max(math.floor(severity + 0.5), 1), len(self.steps)) - 1]
        cells = [step.cell(severity) for step in steps]
        # What follows the first step gets an image; without rounding the first one gets it, too, unless it makes it.
        begun = 1 if self.rounds_steps or cells[0].takes_scene else 0
        cells = [*cells[:begun], *(replace(cell, staging=NO_STAGING) for cell in cells[begun:])]
        return Cell(
            row=self.name,
            severity=severity,
            corruption=None,
            parameters=recorded_parameters(cells),
            arithmetic=self.arithmetic,
            scaled=frozenset(),
            sizes=sizes,
            staging=self.staging,
            steps=tuple(cells),
            rounds_steps=self.rounds_steps,
            region=None if self.region is None else self.region.at(severity),
        )

    def clean_cell(self, sizes: Sizes) -> Cell:
        """Return the cell that leaves the image alone."""
        return Cell(self.name, 0.0, None, {}, self.arithmetic, frozenset(), sizes, staging=self.staging)


def read_steps_of(
    place: str, content: Any, rows: Mapping[str, Row], sizes: Sizes, read_table: ReadTable
) -> tuple[ChainStep, ...]:
    """Read the steps of a chain at one level from the plain values of a table.

    Parameters
    ----------
    place : str
        What to call it in messages.
    content : object
        A list of tables: `row`, and `level` or `parameters` or neither; for a row of another table also `preset`, and
        `table`, its plain values.
    rows : mapping of str to Row
        The rows of this table that are no chains.
    sizes : Sizes
        Those of this table.
    read_table : callable
        Reads another table from its name and plain values.

    Raises
    ------
    PresetError
        If a step is not as it may be.
    """
    if not isinstance(content, list) or not content:
        raise PresetError(
            f'{place}: found {content!r}, allowed is a list of steps such as {{ row = "fog", level = 2 }}'
        )
    found: list[ChainStep] = []
    for number, entry in enumerate(content, start=1):
        here = f"{place} step {number}"
        if not isinstance(entry, Mapping) or not {"row"} <= set(entry) <= set(KEYS):
            raise PresetError(f"{here}: found {entry!r}, allowed is a table of {', '.join(KEYS[:-1])}, with row")
        name, known, limits = entry["row"], rows, sizes
        if "preset" in entry:
            if not isinstance(entry.get("table"), Mapping):
                raise PresetError(f"{here}: the values of the table {entry['preset']!r} are missing")
            other = read_table(str(entry["preset"]), entry["table"])
            known, limits = other.rows, other.sizes
        if not isinstance(name, str) or name not in known:
            raise PresetError(f"{here}: " + unknown("row that is no chain", str(name), known))
        row = known[name]
        if row.is_sequence or (row.takes_scene and number > 1):
            why = "makes a sequence of frames" if row.is_sequence else "acts before the crop"
            raise PresetError(
                f"{here}: {name} {why}, which {'no' if row.is_sequence else 'only the first'} step may do"
            )
        if row.inputs and (larger := [step.row.name for step in found if step.row.changes_size]):
            raise PresetError(
                f"{here}: {larger[0]} makes images of another size, which what {name} needs beside the image does not "
                f"have; let {name} come first"
            )
        before = sum(step.row.name == name for step in found)
        stream = f"{name}#{before + 1}" if before else name
        level, parameters = _level(here, entry), _parameters(here, entry, row)
        if level is not None and parameters is not None:
            raise PresetError(f"{here}: it has both a level and parameters; write one of them")
        found.append(ChainStep(row, limits, level, parameters, stream))
    return tuple(found)


def recorded_parameters(steps: Sequence[Cell]) -> dict[str, Value]:
    """Return the parameters of all steps, each behind the name of its step."""
    return {
        f"{step.stream.replace('#', '_')}_{name}": value for step in steps for name, value in step.parameters.items()
    }


def _level(place: str, entry: Mapping[str, Any]) -> float | None:
    if "level" not in entry:
        return None
    level = entry["level"]
    if type(level) not in (int, float) or not level > 0:
        raise PresetError(f"{place} level: found {level!r}, allowed is a severity above 0")
    return normalise_severity(level)


def _parameters(place: str, entry: Mapping[str, Any], row: Row) -> Mapping[str, Value] | None:
    given = entry.get("parameters")
    if given is None:
        return None
    kinds = row.levels[0].corruption.parameters
    if not isinstance(given, Mapping) or set(given) != set(kinds):
        raise PresetError(f"{place} parameters: found {given!r}, allowed is a table of {', '.join(kinds)}, all of them")
    for name, value in given.items():
        if not fits(value, kinds[name]):
            raise PresetError(f"{place} parameters {name}: found {value!r}, allowed is {kinds[name].__name__}")
    return {name: float(given[name]) if kind is float else given[name] for name, kind in kinds.items()}
