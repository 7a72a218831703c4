"""Baselines: what a reference model does on a benchmark, read from TOML tables; others normalise by it."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

import numpy as np

from corruptgen.errors import OutputError, ScoreError, UnknownName, describe_error, unknown
from corruptgen.metrics.grid import Grid
from corruptgen.values.addresses import local_path
from corruptgen.values.json_shapes import check_shape
from corruptgen.values.toml_text import parse_toml, toml_files

HEADER = frozenset({"title", "task", "verified", "clean", "main", "severities", "references", "notes"})
MEASURES = frozenset({"error", "balanced_error", "flip_probability", "top5_distance"})
HEADER_SHAPE = {"title?": str, "task?": str, "verified?": bool, "main?": [str], "notes?": str}
ENDINGS = (".toml", ".json")
LARGEST = 1e300
LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)


@dataclass(frozen=True)
class Baseline:
    """A reference model's numbers.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> round(baseline("imagenet-c/alexnet").mean("error", "gaussian_noise"), 3)
    0.886
    """

    name: str
    title: str
    values: Mapping[str, Mapping[str, tuple[float, ...]]]
    """For each measure and row one number for each severity, or a single one, their mean."""
    clean: float | None = None
    task: str = ""
    verified: bool = True
    """Whether a public source states the numbers."""
    main: tuple[str, ...] = ()
    """The rows that means are taken over; empty: all."""
    severities: tuple[float, ...] = LEVELS
    """Those that the numbers are for."""
    by_row: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Those of each row, where rows have different ones."""
    notes: str = ""

    def table(self, measure: str) -> Mapping[str, tuple[float, ...]]:
        """Return the numbers of a measure, or raise `ScoreError` with the measures there are."""
        if measure not in self.values:
            known = ", ".join(sorted(self.values))
            raise ScoreError(f"the baseline {self.name} has no {measure}, only {known}; choose another baseline")
        return self.values[measure]

    def rows(self, measure: str) -> tuple[str, ...]:
        """Return the rows that means are taken over."""
        return self.main or tuple(self.table(measure))

    def severities_of(self, row: str) -> tuple[float, ...]:
        """Return the severities that the numbers of a row are for."""
        return self.by_row.get(row, self.severities)

    def mean(self, measure: str, row: str) -> float:
        """Return a row's mean over the severities, or raise `ScoreError` if there is no such row."""
        table = self.table(measure)
        if row not in table:
            raise ScoreError(f"the baseline {self.name}: " + unknown(f"row of its {measure}", row, table))
        return float(np.mean(table[row]))

    @property
    def known_clean(self) -> float:
        """The number of the clean images, or `ScoreError`."""
        if self.clean is None:
            raise ScoreError(
                f"the baseline {self.name} says nothing about clean images; write clean = ... in [baseline]"
            )
        return self.clean

    def grid(self, measure: str) -> Grid:
        """Return the numbers as a grid over the main rows, which need a number for each severity."""
        table = self.table(measure)
        cells = {
            (row, severity): value
            for row in self.rows(measure)
            for severity, value in zip(self.severities_of(row), table[row], strict=True)
        }
        return Grid.of(cells, self.clean, {row: self.severities_of(row) for row in self.rows(measure)})


def baseline_names() -> list[str]:
    """List the baselines that travel with the package.

    Returns
    -------
    list of str
        Their names, sorted.

    Examples
    --------
    >>> baseline_names()[:2]
    ['cifar-c/wideresnet', 'imagenet-c/alexnet']
    """
    return sorted(_shipped())


def baseline(name: str) -> Baseline:
    """Return a baseline: a shipped one by its name, or one's own by the path of its .toml, or of a score's .json.

    Parameters
    ----------
    name : str
        A shipped baseline, as `baseline_names()` lists them, or the path of a .toml or of the .json of a score.

    Returns
    -------
    Baseline
        The numbers that scores are compared with.

    Raises
    ------
    UnknownName
        If there is no such baseline.
    ScoreError
        If the file cannot be read; the message states where and what is allowed.

    Examples
    --------
    >>> baseline("imagenet-c/alexnet").clean
    0.435
    """
    if name in _shipped():
        return read_baseline(name, tomllib.loads(_shipped()[name].read_text("utf-8")))
    path = local_path(name, "the baseline", ScoreError)
    if path.suffix not in ENDINGS:
        advice = "; one of your own is named by the path of its .toml, or of the .json that a score has written"
        raise UnknownName(unknown("baseline", name, baseline_names()) + advice)
    try:
        raw = path.read_bytes()
        content = json.loads(raw) if path.suffix == ".json" else parse_toml(raw)
    except OSError as error:
        raise ScoreError(f"{path.name}: cannot read this baseline: {describe_error(error)}") from error
    except (ValueError, RecursionError) as error:
        raise ScoreError(f"{path.name}: cannot read this baseline: {error}") from error
    if isinstance(content, dict) and path.suffix == ".json":
        content = content.get("as_baseline")
    if not isinstance(content, dict):
        raise ScoreError(
            f"{path.name}: this is not what a score has written; write a .toml with [baseline] and [error]"
        )
    return read_baseline(path.name, content)


def read_baseline(name: str, content: Mapping[str, Any]) -> Baseline:
    """Make a baseline of the plain values of its TOML; raise `ScoreError` if something in it is wrong.

    Parameters
    ----------
    name : str
        What to call it in messages.
    content : mapping of str to object
        The plain values of the TOML.

    Returns
    -------
    Baseline
        The baseline.
    """
    header = content.get("baseline")
    if not isinstance(header, dict):
        raise ScoreError(f"{name}: there is no section [baseline]; write one with a title")
    try:
        check_shape(header, HEADER_SHAPE, f"{name} [baseline]")
    except OutputError as error:
        raise ScoreError(str(error)) from error
    for key in header.keys() - HEADER:
        raise ScoreError(f"{name} [baseline]: " + unknown("key", key, HEADER))
    for key in content.keys() - MEASURES - {"baseline"}:
        raise ScoreError(f"{name}: " + unknown("section", key, MEASURES))
    stated, place = header.get("severities", list(LEVELS)), f"{name} [baseline] severities"
    by_row = {row: _numbers(of, f"{place} {row}") for row, of in stated.items()} if isinstance(stated, dict) else {}
    severities = tuple(sorted({s for of in by_row.values() for s in of})) if by_row else _numbers(stated, place)
    values = {
        measure: MappingProxyType(dict(_rows(f"{name} [{measure}]", content[measure], severities, by_row)))
        for measure in sorted(content.keys() & MEASURES)
    }
    if not values:
        raise ScoreError(f"{name}: there are no numbers; write a section [{'], ['.join(sorted(MEASURES))}]")
    main = header.get("main", ())
    for row in main:
        for measure, table in values.items():
            if row not in table:
                raise ScoreError(f"{name} [baseline] main: " + unknown(f"row of [{measure}]", row, table))
    clean = header.get("clean")
    return Baseline(
        name=name,
        title=str(header.get("title", name)),
        values=MappingProxyType(values),
        clean=None if clean is None else _numbers(clean, f"{name} [baseline] clean")[0],
        task=str(header.get("task", "")),
        verified=header.get("verified", True) is True,
        main=tuple(main),
        severities=severities,
        by_row=MappingProxyType(by_row),
        notes=str(header.get("notes", "")).strip(),
    )


def weights(name: str) -> Mapping[str, float]:
    """Return the shipped weights of data sets, by data set; "lr0-fm" are LR0.FM's.

    Parameters
    ----------
    name : str
        The name of a shipped table of weights, such as "lr0-fm".

    Returns
    -------
    mapping of str to float
        The weight of each data set.

    Examples
    --------
    >>> len(weights("lr0-fm"))
    15
    """
    found = toml_files(_package() / "weights")
    if name not in found:
        raise UnknownName(unknown("table of weights", name, found))
    content = tomllib.loads(found[name].read_text("utf-8"))
    return MappingProxyType(dict(content["datasets"]))


@lru_cache(maxsize=1)
def families() -> Mapping[str, tuple[str, ...]]:
    """Return the families of the fifteen common corruptions: noise, blur, weather and digital, with their rows.

    Returns
    -------
    mapping of str to tuple of str
        The rows of each family.

    Examples
    --------
    >>> sorted(families())
    ['blur', 'digital', 'noise', 'weather']
    """
    content = tomllib.loads((_package() / "families.toml").read_text("utf-8"))
    return MappingProxyType({family: tuple(rows) for family, rows in content["families"].items()})


def _rows(
    place: str, table: Any, severities: tuple[float, ...], by_row: Mapping[str, tuple[float, ...]]
) -> Iterator[tuple[str, tuple[float, ...]]]:
    if not isinstance(table, dict) or not table:
        raise ScoreError(f"{place}: found {table!r}, allowed is a section with a number or a list for each row")
    for row, given in table.items():
        values = _numbers(given, f"{place} {row}")
        count = len(by_row.get(row, severities))
        if isinstance(given, list) and len(values) != count:
            raise ScoreError(f"{place} {row}: {len(values)} numbers for {count} severities")
        yield row, values


def _numbers(value: Any, place: str) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(type(n) in (int, float) and 0 <= n <= LARGEST for n in numbers):
        raise ScoreError(f"{place}: found {value!r}, allowed are numbers from 0")
    return tuple(float(number) for number in numbers)


def _package() -> Traversable:
    return resources.files("corruptgen.metrics")


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Traversable]:
    return toml_files(_package() / "baselines")
