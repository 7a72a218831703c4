"""Shapes of JSON: what was read from a file is checked before it is used, so that damage is named and never a crash."""

import re
from collections.abc import Mapping
from typing import Any

from corruptgen.errors import OutputError

# A shape is a type; None, for null; object, for anything; a pattern, for texts that match it; a tuple of shapes, of
# which one must fit; a list with the shape of all entries; a dict with the shapes of keys by name, "?" behind those
# that may be missing; or a dict with `str` as its only key, and the shape of all values.
Shape = Any
SHA256 = re.compile("[0-9a-f]{64}")
KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def check_shape(value: Any, shape: Shape, place: str, key: str = "") -> None:
    """Raise `OutputError` if a value has not the shape that it must have.

    Parameters
    ----------
    value : object
        As JSON has it.
    shape : Shape
        What it must be.
    place : str
        The file, for the message.
    key : str, default ""
        Where in the file the value stands.

    Examples
    --------
    >>> check_shape({"items": "3"}, {"items": int}, "manifest.json")
    Traceback (most recent call last):
    corruptgen.errors.OutputError: manifest.json is damaged: "items" is a text, and must be a whole number
    """
    if not _is_kind(value, shape):
        named = f'"{key}"' if key else "it"
        raise OutputError(f"{place} is damaged: {named} is {_kind(value)}, and must be {_wanted(shape)}")
    if isinstance(shape, tuple):
        check_shape(value, next(one for one in shape if _is_kind(value, one)), place, key)
    elif isinstance(shape, list):
        for number, entry in enumerate(value):
            check_shape(entry, shape[0], place, f"{key}[{number}]")
    elif isinstance(shape, dict) and set(shape) == {str}:
        for name, entry in value.items():
            check_shape(entry, shape[str], place, f"{key}.{name}" if key else name)
    elif isinstance(shape, dict):
        _check_keys(value, shape, place, key)


def _check_keys(value: Mapping[str, Any], shape: Mapping[str, Shape], place: str, key: str) -> None:
    for name, wanted in shape.items():
        plain = name.removesuffix("?")
        path = f"{key}.{plain}" if key else plain
        if plain in value:
            check_shape(value[plain], wanted, place, path)
        elif not name.endswith("?"):
            raise OutputError(f'{place} is damaged: "{path}" is missing, and must be {_wanted(wanted)}')


def _is_kind(value: Any, shape: Shape) -> bool:
    """Check a value without looking into it."""
    if isinstance(shape, tuple):
        return any(_is_kind(value, one) for one in shape)
    if shape is object or shape is None:
        return shape is object or value is None
    if isinstance(shape, re.Pattern):
        return type(value) is str and shape.fullmatch(value) is not None
    kind = type(shape) if isinstance(shape, list | dict) else shape
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind


def _kind(value: Any) -> str:
    return "null" if value is None else KINDS.get(type(value), type(value).__name__)


def _wanted(shape: Shape) -> str:
    if isinstance(shape, tuple):
        return " or ".join(map(_wanted, shape))
    if shape is None:
        return "null"
    if isinstance(shape, re.Pattern):
        return "a sha256"
    return KINDS[type(shape) if isinstance(shape, list | dict) else shape]


_RECIPE = dict.fromkeys(("source?", "decode?", "corrupt?", "output?", "publish?"), dict)
_FILES = {str: {"size": int, "sha256": str}}
_FIRST_PASS = {str: {"sha256": SHA256, "shape": [int], "float32": str}}
_LABELS = {"kind?": str, "count?": int, "width?": int}
MARKER_SHAPE = {
    "schema": int,
    "recipe": _RECIPE,
    "preset": str,
    "source": str,
    "environment": {str: str},
    "identity?": dict,
    "plugins?": {str: str},
    "content?": str,
    "frames?": {str: int},
    "grown_from?": {"version": str, "rows": [str], "severities": ([float], {str: [float]}), "clean": bool},
}
RECORD_SHAPE = MARKER_SHAPE | {
    "shard": str,
    "blocks": int,
    "table": {"name": str, "table": dict},
    "listing": {
        "rejected": [[str]],
        "ignored": int,
        "labels?": _LABELS,
        "classes": [str],
        "annotations": str,
        "note?": str,
    },
    "shape": ([int], None),
    "dtype?": str,
    "sizes?": str,
    "first_pass?": _FIRST_PASS,
}
MANIFEST_SHAPE = {
    "schema": int,
    "recipe": _RECIPE,
    "preset": {"name": str, "digest": str, "table": dict},
    "environment": {str: str},
    "identity?": dict,
    "plugins?": {str: str},
    "counts": {"items": int, "rejected": int, "ignored": int, "cells": int, "files": int},
    "cells": [str],
    "frames?": {str: int},
    "rejected": [{"id": str, "reason": str}],
    "tables": {str: SHA256},
    "files?": _FILES,
    "card?": _FILES,
    "labels?": _LABELS,
    "classes?": [str],
    "ids?": [str],
    "noted?": {str: int},
    "annotations?": {str: {"sha256": str, "annotations": int, "dropped": [(int, None)]}},
    "first_pass?": _FIRST_PASS,
    "digest?": str,
}
# Of a table of items: its first line, and each of the others.
HEAD_SHAPE = {"block": int, "items": int, "bytes": int, "shards": str, "made_by?": {str: str}}
ENTRY_SHAPE = {
    "id": str,
    "label": str,
    "source?": str,
    "pixels?": str,
    "files?": str,
    "rejected?": str,
    "masks?": {str: str},
    "changes?": {str: [(dict, None)]},
    "samples?": dict,
    "notes?": [str],
    "inputs?": {str: str},
    "donor?": str,
}
