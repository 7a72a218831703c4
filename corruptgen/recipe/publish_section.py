"""The [publish] section of a recipe: how a dataset presents itself; it decides no pixel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from corruptgen.recipe.checks import Check, text, truth

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}")


@dataclass(frozen=True)
class PublishChoice:
    """What the card of the dataset says beside what follows from all the rest."""

    title: str | None = None
    """None: made of the name of the recipe."""
    description: str | None = None
    """Markdown that opens the card."""
    tasks: tuple[str, ...] = ()
    """Task categories as the Hub calls them; empty: those that follow from labels, boxes and masks."""
    tags: tuple[str, ...] = ()
    """Added to those that every such dataset has."""
    allow_rejected: bool = False
    """Whether the dataset may be published though items of the source were rejected."""

    def content(self) -> dict[str, Any]:
        """Return the section in plain values; only what was chosen."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}


def _words(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    if not found or not all(isinstance(word, str) and WORD.fullmatch(word) for word in found):
        raise ValueError('a list of words of letters, digits, ".", ":", "_" and "-", such as ["image-classification"]')
    return tuple(dict.fromkeys(found))


KEYS: Mapping[str, Check] = {
    "title": text,
    "description": text,
    "tasks": _words,
    "tags": _words,
    "allow_rejected": truth,
}
