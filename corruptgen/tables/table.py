"""Severity tables: how bad each level of a row is, read from TOML and compared with the functions."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.declare import RESERVED, Corruption
from corruptgen.errors import PresetError, UnknownName, unknown
from corruptgen.records import COLOURS
from corruptgen.tables import table_keys
from corruptgen.tables.cell import Cell
from corruptgen.tables.chain import CHAIN_KEYS, ChainRow, read_steps_of
from corruptgen.tables.interpolation import INTERPOLATIONS, Value, fits
from corruptgen.tables.region import RegionColumn, read_region
from corruptgen.tables.row import Level, Row
from corruptgen.tables.scene import PREPARED, STAGES, Staging, read_steps
from corruptgen.tables.sizes import Sizes
from corruptgen.tables.table_keys import check_keys
from corruptgen.values.arguments import normalise_severity

PRECISIONS = ("float64", "float32")
ROUNDINGS = ("truncate", "round")
# Header fields that speak to people, and those that decide pixels.
WORDS = frozenset({"title", "family", "references", "notes", "other_sizes"})
# The default of a key of recipes, where it is written down.
DEFAULTS = frozenset({"colour"})
DECIDING = frozenset(
    {
        "version",
        "frozen",
        "levels",
        "sizes",
        "smallest",
        "precision",
        "rounding",
        "reference_side",
        "groups",
        "prepared",
        "view",
        "region",
    }
)
HEADER = WORDS | DEFAULTS | DECIDING

DEFAULT_LEVELS, MOST_LEVELS = 5, 1000

Find = Callable[[str], Corruption]


@dataclass(frozen=True)
class Preset:
    """A severity table: rows by name, and what holds for all of them."""

    name: str
    title: str
    family: str
    """What the lists of tables put it under, such as "ImageNet-C"; empty: nothing is stated."""
    version: str
    """Another one has other pixels, whatever the values in the table."""
    frozen: bool
    levels: int
    """Those of the row that has the most; `Row.level_count` are those of one row."""
    sizes: Sizes
    rows: Mapping[str, Row]
    groups: Mapping[str, tuple[str, ...]]
    colour: str
    """What becomes of files of grey images if the recipe does not set it, of `records.COLOURS`."""
    staging: Staging = field(repr=False)
    """What makes the clean image of a picture, where rows get the picture before its crop."""
    content: Mapping[str, Any] = field(repr=False)
    """The plain TOML values of the table by the keys of manifests; `read_table` restores the same preset from it."""

    @property
    def is_sequential(self) -> bool:
        """Whether its rows make sequences of frames instead of images."""
        return any(row.is_sequence for row in self.rows.values())

    @property
    def digest(self) -> str:
        """The sha256 of all that decides pixels: the rows, and the header but for what is only said about it."""
        return table_digest(self.content)

    def row(self, name: str) -> Row:
        """Return the row of that name, or raise `UnknownName` with the nearest one."""
        if name not in self.rows:
            raise UnknownName(unknown(f"row of {self.name}", name, self.rows))
        return self.rows[name]

    def named_rows(self, names: Sequence[str]) -> list[str]:
        """Spell out a list of rows and groups, in the given order and each row once."""
        spelled: dict[str, None] = {}
        for name in names:
            for row in self.groups.get(name, (name,)):
                spelled[self.row(row).name] = None
        return list(spelled)

    def cell(self, row: str, severity: float) -> Cell:
        """Return a row at a severity, ready to be applied; severity 0 leaves every image alone.

        Raises
        ------
        UnknownName
            If the table has no such row.
        SeverityError
            If the row has no such severity.
        """
        line, severity = self.row(row), normalise_severity(severity)
        return line.cell(severity, self.sizes) if severity else line.clean_cell(self.sizes)


def table_digest(content: Mapping[str, Any]) -> str:
    """Compute the sha256 of all that decides pixels in the plain values of a table; its corruptions are not needed."""
    header = {key: value for key, value in content["preset"].items() if key not in WORDS | DEFAULTS}
    return hashlib.sha256(
        json.dumps({**table_keys.recorded_form(content), "preset": header}, sort_keys=True).encode()
    ).hexdigest()


def used_functions(content: Mapping[str, Any]) -> set[str]:
    """Name the corruptions that the plain values of a table ask for, whether they are installed or not."""
    found: set[str] = set()
    for row, columns in content.items():
        if row == "preset":
            continue
        if "steps" in columns:
            for step in all_steps(columns["steps"]):
                found |= used_functions(step.get("table", {}))
        else:
            use = columns.get("use", row)
            found.update([use] if isinstance(use, str) else use)
    return found


def all_steps(steps: Any) -> list[Mapping[str, Any]]:
    """Return the plain values of the steps of a chain, of all of its levels."""
    flat = [step for entry in steps for step in (entry if isinstance(entry, list) else [entry])]
    return [step for step in flat if isinstance(step, Mapping)]


def read_table(name: str, content: Mapping[str, Any], find: Find) -> Preset:
    """Read a preset from the plain values of its TOML.

    Parameters
    ----------
    name : str
        What the preset is called.
    content : mapping of str to object
        The parsed file.
    find : Find
        Returns the corruption of a name, or raises `UnknownName`.

    Raises
    ------
    PresetError
        If something is missing, unknown, of the wrong type or of the wrong length; the message states where.
    """
    header = content.get("preset")
    if not isinstance(header, dict):
        raise PresetError(f"{name}: the table has no [preset] header; write one with title and levels")
    for key in header.keys() - HEADER:
        raise PresetError(f"{name} [preset]: " + unknown("header field", key, HEADER))
    check_keys(f"{name} [preset]", header, table_keys.HEADER)
    reader = _RowReader(name, header, read_level_count(f"{name} [preset]", header, DEFAULT_LEVELS), find)
    rows = reader.rows(content)
    if not rows:
        raise PresetError(f"{name}: the table has no rows; write at least one [row]")
    if "region" in header:
        # Steps of chains act on the whole image: it is the chain that acts in places.
        places = {row: reader.place_of(line) for row, line in rows.items()}
        rows = {row: replace(line, region=line.region or places[row]) for row, line in rows.items()}
    groups = {group: tuple(members) for group, members in header.get("groups", {}).items()}
    for group, members in groups.items():
        for member in members:
            if member not in rows:
                raise PresetError(f"{name} [preset.groups] {group}: " + unknown("row", member, rows))
    frozen = header.get("frozen", False)
    colour = header.get("colour", "rgb" if frozen else "keep")
    if colour not in COLOURS:
        raise PresetError(f"{name} [preset] colour: found {colour!r}, allowed are {', '.join(COLOURS)}")
    return Preset(
        name=name,
        title=header.get("title", name),
        family=header.get("family", ""),
        version=_version(name, header),
        frozen=frozen,
        levels=max(row.level_count for row in rows.values()),
        sizes=_sizes(name, header),
        rows=MappingProxyType(rows),
        groups=MappingProxyType(groups),
        colour=colour,
        staging=reader.staging(f"{name} [preset]", {}),
        content=table_keys.recorded_form(content),
    )


def read_level_count(place: str, content: Mapping[str, Any], default: int) -> int:
    """Return the number of levels that a header or row states, or the default."""
    count = content.get("levels", default)
    if type(count) is not int or not 1 <= count <= MOST_LEVELS:
        raise PresetError(f"{place} levels: found {count!r}, allowed is a whole number from 1 to {MOST_LEVELS}")
    return count


def _version(name: str, header: Mapping[str, Any]) -> str:
    version = header.get("version", "1.0")
    if not isinstance(version, str) or not version:
        raise PresetError(f'{name} [preset] version: found {version!r}, allowed is a text such as "1.1"')
    return version


def _sizes(name: str, header: Mapping[str, Any]) -> Sizes:
    return Sizes(
        preset=name,
        allowed=tuple((height, width) for height, width in header.get("sizes", ())),
        smallest=tuple(header.get("smallest", (1, 1))),
        others=header.get("other_sizes", ""),
        reference_side=header.get("reference_side"),
    )


@dataclass(frozen=True)
class _RowReader:
    """What is the same for all rows of one file while it is read."""

    preset: str
    header: Mapping[str, Any]
    count: int
    """Number of levels of the rows that state none of their own."""
    find: Find

    def rows(self, content: Mapping[str, Any]) -> dict[str, Row]:
        """Read all rows; chains come last, since their steps are the others."""
        found: dict[str, Row] = {}
        for name, columns in content.items():
            if name != "preset" and not isinstance(columns, dict):
                raise PresetError(f"{self.preset} [{name}]: found {columns!r} outside of a row; write it below a [row]")
        names = [name for name in content if name != "preset"]
        chains = [name for name in names if "steps" in content[name]]
        for name in names:
            if name not in chains:
                found[name] = self.row(name, content[name])
        simple = MappingProxyType(dict(found))
        for name in chains:
            found[name] = self.chain(name, content[name], simple)
        return {name: found[name] for name in names}

    def chain(self, name: str, columns: Mapping[str, Any], rows: Mapping[str, Row]) -> ChainRow:
        """Read a row that is several steps."""
        place = f"{self.preset} [{name}]"
        columns = table_keys.current_columns(place, columns)
        for key in columns.keys() - CHAIN_KEYS:
            raise PresetError(f"{place}: " + unknown("key of a chain", key, CHAIN_KEYS))
        check_keys(place, columns, table_keys.ROW)
        count = read_level_count(place, columns, self.count)
        steps, sizes = columns["steps"], _sizes(self.preset, self.header)
        is_by_level = isinstance(steps, list) and bool(steps) and all(isinstance(entry, list) for entry in steps)
        of_levels = steps if is_by_level else [steps]
        if is_by_level and len(of_levels) != count:
            raise PresetError(f"{place} steps: {len(of_levels)} lists of steps for {count} severities")
        read = tuple(
            read_steps_of(
                f"{place} steps", entries, rows, sizes, lambda other, table: read_table(other, table, self.find)
            )
            for entries in of_levels
        )
        for level, found in enumerate(read, start=1):
            # Between two levels the steps are those of the nearest one.
            last = min(level + 0.5, count) if is_by_level else count
            if short := [step.row for step in found if step.is_free and step.row.level_count < last]:
                raise PresetError(
                    f"{place} steps: {short[0].name} has {short[0].level_count} levels, and the chain {count}; write "
                    f"levels = {short[0].level_count} in the chain, or the level of this step"
                )
        return ChainRow(
            name=name,
            levels=(),
            interpolation="nearest",
            at_zero=MappingProxyType({}),
            arithmetic=self.arithmetic(place, columns),
            scaled=frozenset(),
            non_monotone_levels=frozenset(columns.get("non_monotone_levels", ())),
            staging=self.staging(place, {}),
            region=read_region(f"{place} region", columns.get("region"), count),
            steps=read if is_by_level else read * count,
            rounds_steps=columns.get("rounded_steps", True),
        )

    def arithmetic(self, place: str, columns: Mapping[str, Any]) -> Arithmetic:
        return Arithmetic(
            self.one_of(place, columns, "precision", PRECISIONS, self.header.get("precision", "float64")),
            self.one_of(place, columns, "rounding", ROUNDINGS, self.header.get("rounding", "round")),
        )

    def row(self, name: str, columns: Any) -> Row:
        place = f"{self.preset} [{name}]"
        columns = table_keys.current_columns(place, columns)
        check_keys(place, columns, table_keys.ROW)
        count = read_level_count(place, columns, self.count)
        use = columns.get("use", name)
        names = [use] * count if isinstance(use, str) else list(use)
        if len(names) != count:
            raise PresetError(f"{place} use: {len(names)} functions for {count} severities")
        functions = [self.find(function) for function in names]

        interpolation = self.one_of(place, columns, "interpolation", INTERPOLATIONS, "linear")
        if interpolation != "nearest" and len(set(names)) > 1:
            raise PresetError(f'{place}: its levels use different functions, so write interpolation = "nearest"')
        for key in ("at_zero", "augment"):
            if not isinstance(columns.get(key, {}), dict):
                raise PresetError(f"{place} {key}: found {columns[key]!r}, allowed is a table of parameters")
        levels = self.levels(place, columns, functions)
        row = Row(
            name=name,
            levels=levels,
            interpolation=interpolation,
            at_zero=MappingProxyType(dict(columns.get("at_zero", {}))),
            arithmetic=self.arithmetic(place, columns),
            scaled=frozenset(columns.get("scaled", ())),
            non_monotone_levels=frozenset(columns.get("non_monotone_levels", ())),
            requires_rgb=columns.get("requires_rgb", False),
            stored_grey=columns.get("stored_grey", False),
            staging=self.staging(place, columns),
            region=self.region(place, columns, functions),
            augment=MappingProxyType({name: _ends(given) for name, given in columns.get("augment", {}).items()}),
        )
        self.check(place, row)
        return row

    def levels(self, place: str, columns: Mapping[str, Any], functions: Sequence[Corruption]) -> tuple[Level, ...]:
        wanted = {parameter for function in functions for parameter in function.parameters}
        for column in columns.keys() - RESERVED - wanted:
            raise PresetError(f"{place}: " + unknown("parameter", column, wanted | RESERVED))
        for column in sorted(wanted - columns.keys()):
            raise PresetError(f"{place}: the column {column!r} is missing; write one value for each severity")

        parameters: list[dict[str, Value]] = [{} for _ in functions]
        for column in sorted(wanted):
            users = [i for i, function in enumerate(functions) if column in function.parameters]
            given = columns[column]
            values = given if isinstance(given, list) else [given] * len(users)
            if len(values) != len(users):
                raise PresetError(f"{place} {column}: {len(values)} values for {len(users)} severities")
            for i, value in zip(users, values, strict=True):
                kind = functions[i].parameters[column]
                if not fits(value, kind):
                    raise PresetError(f"{place} {column}: found {value!r} at level {i + 1}, allowed is {kind.__name__}")
                parameters[i][column] = float(value) if kind is float else value
        return tuple(Level(f, MappingProxyType(p)) for f, p in zip(functions, parameters, strict=True))

    def staging(self, place: str, columns: Mapping[str, Any]) -> Staging:
        header = f"{self.preset} [preset]"
        return Staging(
            prepared=read_steps(f"{header} prepared", self.header.get("prepared", {})),
            view=read_steps(f"{place} view", columns.get("view", self.header.get("view", {}))),
            acts_on=self.one_of(place, columns, "acts_on", STAGES, PREPARED),
        )

    def region(self, place: str, columns: Mapping[str, Any], functions: Sequence[Corruption]) -> RegionColumn | None:
        region = read_region(f"{place} region", columns.get("region"), len(functions))
        if region is not None and region.is_every_cell and any(function.is_sequence for function in functions):
            raise PresetError(f"{place} region: its levels are sequences already, which every cell cannot be")
        return region

    def place_of(self, row: Row) -> RegionColumn | None:
        """Return where the header says that all rows act."""
        return read_region(f"{self.preset} [preset] region", self.header.get("region"), row.level_count)

    def check(self, place: str, row: Row) -> None:
        known = {name for level in row.levels for name in level.parameters}
        for name in sorted(row.scaled | row.at_zero.keys()):
            if name not in known:
                raise PresetError(f"{place} scaled or at_zero: " + unknown("parameter", name, known))
        kinds = {name: kind for level in row.levels for name, kind in level.corruption.parameters.items()}
        for name, value in row.at_zero.items():
            if not fits(value, kinds[name]):
                raise PresetError(f"{place} at_zero {name}: found {value!r}, allowed is {kinds[name].__name__}")
        for name, ends in row.augment.items():
            if name not in known:
                raise PresetError(f"{place} augment: " + unknown("parameter", name, known))
            if not isinstance(ends, tuple) or len(ends) != 2 or not all(fits(end, kinds[name]) for end in ends):
                found = list(ends) if isinstance(ends, tuple) else ends
                raise PresetError(f"{place} augment {name}: found {found!r}, allowed are two of {kinds[name].__name__}")
        if type(row.requires_rgb) is not bool:
            raise PresetError(f"{place} requires_rgb: found {row.requires_rgb!r}, allowed are true and false")
        if row.scaled and self.header.get("reference_side") is None:
            raise PresetError(
                f"{place} scaled: write reference_side, the side in pixels its values are for, in [preset]"
            )
        if row.interpolation == "log":
            for name in sorted(known):
                column = [level.parameters[name] for level in row.levels]
                if len(set(column)) > 1 and any(isinstance(v, int | float) and v <= 0 for v in column):
                    raise PresetError(f'{place} {name}: interpolation = "log" needs values above 0, found {column}')

    def one_of(self, place: str, columns: Mapping[str, Any], key: str, allowed: Sequence[str], default: str) -> str:
        value = columns.get(key, default)
        if value not in allowed:
            raise PresetError(f"{place} {key}: found {value!r}, allowed are {', '.join(allowed)}")
        return str(value)


def _ends(given: Any) -> Any:
    """Return the two ends of a range as a pair; anything else as it is, for the check to refuse."""
    return tuple(given) if isinstance(given, list) else given
