"""What a value in a recipe may be: a check returns the value, or raises `ValueError` with what is allowed."""

from collections.abc import Callable
from typing import Any

from corruptgen.errors import UnknownName
from corruptgen.runtime.plugins import Registry
from corruptgen.values.toml_text import BACKSLASH

__all__ = [
    "Check",
    "address",
    "name_in",
    "names_by",
    "one_of",
    "text",
    "truth",
    "whole",
]

Check = Callable[[Any], Any]
FIRST_PRINTED = 32  # characters below it steer a terminal


def text(value: Any) -> str:
    """Take a text that is not empty."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("a text")
    return value


def address(value: Any) -> str:
    """Take a path or URL: one line of text."""
    if not isinstance(value, str) or not value.strip() or any(ord(character) < FIRST_PRINTED for character in value):
        written = isinstance(value, str) and any(character in "\t\b\f\n\r\x1b" for character in value)
        raise ValueError("a path or URL" + (f"; {BACKSLASH}" if written else ""))
    return value


def truth(value: Any) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def whole(low: int | None = None, high: int | None = None) -> Check:
    """Make a check that takes whole numbers, from `low` on and up to `high` where these are given."""

    def check(value: Any) -> int:
        if type(value) is not int or (low is not None and value < low) or (high is not None and value > high):
            bounds = ("" if low is None else f" from {low}") + ("" if high is None else f" to {high}")
            raise ValueError(f"a whole number{bounds}")
        return value

    return check


def one_of(*allowed: str) -> Check:
    """Make a check that takes these words."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(" or ".join(f'"{word}"' for word in allowed))
        return str(value)

    return check


def name_in(registry: Registry[Any]) -> Check:
    """Make a check that takes the names that a registry knows; what is wrong with a plug-in is said as it is."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(" or ".join(f'"{word}"' for word in registry.names()))
        try:
            registry.find(value)
        except UnknownName:
            raise ValueError(" or ".join(f'"{word}"' for word in registry.names())) from None
        return value

    return check


def names_by(*roles: str) -> Check:
    """Make a check that takes a table with a text for each of these keys or some of them."""

    def check(value: Any) -> tuple[tuple[str, str], ...]:
        right = isinstance(value, dict) and all(isinstance(name, str) and name for name in value.values())
        if not right or not value or not value.keys() <= set(roles):
            raise ValueError("a table such as { " + ", ".join(f'{role} = "..."' for role in roles) + " }")
        return tuple(sorted(value.items()))

    return check
