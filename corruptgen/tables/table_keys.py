"""The keys of a severity table that are no parameters: what each of them may hold."""

from collections.abc import Callable, Mapping
from typing import Any

from corruptgen.errors import PresetError

# What is allowed, in words, and whether a value is that.
Kind = tuple[str, Callable[[Any], bool]]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value)


def _is_list_of(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(is_one, value))


def _is_groups(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_list_of(_is_text), value.values()))


TEXT: Kind = ("a text", _is_text)
TEXTS: Kind = ("a list of texts", _is_list_of(_is_text))
TRUTH: Kind = ("true or false", lambda value: isinstance(value, bool))
SIZE: Kind = ("[height, width]", _is_size)
HEADER: Mapping[str, Kind] = {
    "title": TEXT,
    "family": TEXT,
    "notes": TEXT,
    "other_sizes": TEXT,
    "references": TEXTS,
    "frozen": TRUTH,
    "sizes": ("a list of [height, width]", _is_list_of(_is_size)),
    "smallest": SIZE,
    "reference_side": ("a number of pixels above 0", lambda value: type(value) in (int, float) and value > 0),
    "groups": ("lists of rows by name", _is_groups),
}
ROW: Mapping[str, Kind] = {
    "use": ("the name of a function, or a list of names", lambda value: _is_text(value) or TEXTS[1](value)),
    "scaled": ("a list of names of parameters", TEXTS[1]),
    "rounded_steps": TRUTH,
    "stored_grey": TRUTH,
    "non_monotone_levels": ("a list of levels", _is_list_of(lambda value: type(value) is int)),
}

# Keys of a row, and what tables of 0.1.0 call them. Digests and manifests have the earlier names, so that they stay the
# same.
RECORDED = {
    "interpolation": "between",
    "at_zero": "clean",
    "non_monotone_levels": "not_worse",
    "requires_rgb": "in_colour",
}
CURRENT = {old: new for new, old in RECORDED.items()}


def recorded_form(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a table with the keys that digests and manifests have."""
    return {row: columns if row == "preset" else _renamed(columns, RECORDED) for row, columns in content.items()}


def current_columns(place: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a row with the keys of today.

    Raises
    ------
    PresetError
        If a key is there under both names.
    """
    for new, old in RECORDED.items():
        if new in columns and old in columns:
            raise PresetError(f"{place}: {old} is the earlier name of {new}; write {new} alone")
    return _renamed(columns, CURRENT)


def outdated_keys(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the earlier names of keys in the rows of a table, and what they are called today."""
    rows = (columns for row, columns in content.items() if row != "preset" and isinstance(columns, dict))
    return {old: CURRENT[old] for columns in rows for old in columns if old in CURRENT}


def _renamed(columns: Any, names: Mapping[str, str]) -> Any:
    return {names.get(key, key): value for key, value in columns.items()} if isinstance(columns, dict) else columns


def check_keys(place: str, content: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    """Raise `PresetError` if a key holds what it may not.

    Parameters
    ----------
    place : str
        Where this is, for the message.
    content : mapping of str to object
        Keys and values as TOML has them; keys that are not in `kinds` are not looked at.
    kinds : mapping of str to Kind
        What may be, by the key.
    """
    for key, (allowed, is_right) in kinds.items():
        if key in content and not is_right(content[key]):
            raise PresetError(f"{place} {key}: found {content[key]!r}, allowed is {allowed}")
