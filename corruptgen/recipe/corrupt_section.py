"""The [corrupt] section of a recipe: which rows of which severity table, alone, one after the other, or in places."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corruptgen.recipe.checks import Check, address, one_of, truth
from corruptgen.values.arguments import WHOLE_RANGE, normalise_severity

ALL = "all"
PAIRS = ("all", "unordered")
CHAIN_KEYS = {"name", "steps", "rounded_steps", "pairs", "rows"}


Severities = tuple[float, ...] | Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class CorruptChoice:
    """Which cells of which severity table."""

    preset: str
    rows: tuple[str, ...] | None = None
    """Rows, chains and groups of them; None: all."""
    severities: Severities | None = None
    """Ascending: those of all rows, or of each row by its name, where a row that is not named has all of its levels.
    None: every level of each row."""
    paired: bool = False
    targets: str = "keep"
    """What becomes of masks and boxes in rows that move pixels: "keep", "move" or "refuse"."""
    chains: tuple[Mapping[str, Any], ...] = ()
    """Rows of several steps beside those of the table: each has `name` and `steps`, as in a table, or `pairs`."""
    local: Mapping[str, Any] | None = None
    """Where in the image all rows act, as `region` in a table; None: everywhere."""

    def severities_of(self, row: str) -> tuple[float, ...]:
        """Return those of a row, in a recipe that is spelled out."""
        chosen = self.severities or ()
        return chosen.get(row, ()) if isinstance(chosen, Mapping) else chosen

    @property
    def all_severities(self) -> tuple[float, ...]:
        """Those that a row has, in a recipe that is spelled out; not every row need have each of them."""
        return tuple(sorted({severity for row in self.rows or () for severity in self.severities_of(row)}))

    @property
    def grid(self) -> str:
        """How many rows and severities there are, in words, in a recipe that is spelled out."""
        counts = sorted({len(self.severities_of(row)) for row in self.rows or ()}) or [0]
        span = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f"{len(self.rows or ())} rows × {span} severities"

    def content(self) -> dict[str, Any]:
        """Return the section in plain values."""
        chosen = {
            "preset": self.preset,
            "rows": None if self.rows is None else list(self.rows),
            "severities": None if self.severities is None else _plain(self.severities),
            "paired": self.paired,
            "targets": None if self.targets == "keep" else self.targets,
            "chains": [dict(chain) for chain in self.chains] or None,
            "local": None if self.local is None else dict(self.local),
        }
        return {key: value for key, value in chosen.items() if value is not None}


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError("a list of at least one name of a row or group")
    return tuple(value)


def read_severities(value: Any) -> Severities | None:
    """Take a list of severities for all rows, a table with a list for each row or group, or "all".

    Raises
    ------
    ValueError
        If it is something else; the message is what is allowed.
    """
    if value == ALL:
        return None
    if isinstance(value, Mapping) and value:
        return {str(row): _numbers(numbers) for row, numbers in value.items()}
    return _numbers(value)


def _numbers(value: Any) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else []
    if not numbers or not all(
        type(n) in (int, float) and 0 < n < WHOLE_RANGE and normalise_severity(n) > 0 for n in numbers
    ):
        raise ValueError(
            "a list of at least one number above 0, to five decimals "
            "(for the clean images write clean = true in [output]), a table with such a list for rows by their names, "
            'or "all"'
        )
    return tuple(sorted(set(map(normalise_severity, numbers))))


def _chains(value: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list) or not value or not all(map(_is_chain, value)):
        raise ValueError(
            'tables with name and steps, such as steps = [{ row = "low_light" }, { row = "fog", level = 2 }], or with '
            'pairs = "all" (in both orders) or "unordered", and rows if not all'
        )
    return tuple(value)


def _is_chain(chain: Any) -> bool:
    if not isinstance(chain, dict) or not chain.keys() <= CHAIN_KEYS:
        return False
    if "pairs" in chain:
        rows = chain.get("rows", [""])
        is_list = isinstance(rows, list) and bool(rows) and all(isinstance(row, str) for row in rows)
        return chain["pairs"] in PAIRS and is_list and not {"name", "steps"} & chain.keys()
    return isinstance(chain.get("name"), str) and isinstance(chain.get("steps"), list) and "rows" not in chain


def _local(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError('a section such as side = 32, where = "grid"')
    return value


KEYS: Mapping[str, Check] = {
    "preset": address,
    "rows": _names,
    "severities": read_severities,
    "paired": truth,
    "targets": one_of("keep", "move", "refuse"),
    "chains": _chains,
    "local": _local,
}


def _plain(severities: Severities) -> Any:
    if isinstance(severities, Mapping):
        return {row: _plain(numbers) for row, numbers in severities.items()}
    return [_shortest(severity) for severity in severities]


def _shortest(severity: float) -> float | int:
    return int(severity) if severity.is_integer() else severity
