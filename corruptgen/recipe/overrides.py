"""Overrides: values given beside a recipe, such as `--set corrupt.severities=[1,3]`, in place of its values."""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from corruptgen.errors import RecipeError

# A value of a recipe by its place, such as "corrupt.rows" or "seed".
Overrides = Mapping[str, Any]


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read `section.key=value` as TOML reads it; what is no TOML value is a text, so that words need no quotes.

    Parameters
    ----------
    settings : iterable of str
        Such as "corrupt.severities=[1, 3]", "output.format=npy" or "seed=7"; later ones replace earlier ones.

    Raises
    ------
    RecipeError
        If there is no "=", or nothing before it.
    """
    found = {}
    for setting in settings:
        place, equals, value = setting.partition("=")
        if not equals or not all(place.strip().split(".")):
            raise RecipeError(f"--set {setting}: write section.key=value, such as --set corrupt.severities=[1,3]")
        found[place.strip()] = read_value(value)
    return found


def apply_overrides(content: Mapping[str, Any], overrides: Overrides, place: str) -> dict[str, Any]:
    """Return the values of a recipe with some of them replaced; what they may be is checked with the others.

    Parameters
    ----------
    content : mapping of str to object
        The parsed recipe; it is not changed.
    overrides : Overrides
        New values by their place; None takes a key out.
    place : str
        What to call the recipe in messages.

    Raises
    ------
    RecipeError
        If a section of the place is no section.
    """
    result = dict(content)
    for name, value in overrides.items():
        *sections, key = name.split(".")
        target = result
        for section in sections:
            inner = target.get(section, {})
            if not isinstance(inner, Mapping):
                raise RecipeError(f"{place} {name}: {section} is not a section; it holds {inner!r}")
            target[section] = target = dict(inner)
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
    return result


def read_value(text: str) -> Any:
    """Read a value as TOML; a text without quotes is taken as it is."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    # A value with a line end in it could add keys.
    return parsed["value"] if parsed.keys() == {"value"} else text
