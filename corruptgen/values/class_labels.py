"""Labels of a dataset: which kind they are, which classes there are, and the number that each label stands for.

A source states this once, for all that it holds; no subset, rejection or odd label changes it. An item's label is a
text: the name of its class, its number in decimals, several numbers with spaces between, or "" if it has none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

NONE, NAMES, NUMBERS, LISTS = "none", "names", "numbers", "lists"
KINDS = (NONE, NAMES, NUMBERS, LISTS)
MISSING = ""
"""The label of an item that has none."""
EMPTY = "[]"
"""The list without numbers, among `LISTS`."""
NO_CLASS = -1
"""What stands for a missing label where files must hold a number."""
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
DIGITS = re.compile(r"[0-9]{1,18}")
Value = int | list[int] | None


@dataclass(frozen=True)
class Classes:
    """The kind of a dataset's labels, and its classes."""

    kind: str = NONE
    """One of `KINDS`."""
    names: tuple[str, ...] = ()
    """Of the classes in the order of their numbers; empty if numbers have no names."""
    count: int = 0
    """Number of classes; of labels that are numbers, one more than the highest."""
    width: int = 0
    """Of `LISTS`: numbers in each, if they say for each class whether it applies; 0: any number of class numbers."""

    @classmethod
    def named(cls, names: Iterable[str]) -> "Classes":
        """Return the classes of these names, in this order."""
        ordered = tuple(names)
        return cls(NAMES, ordered, len(ordered))

    @classmethod
    def guess(cls, labels: Iterable[str], names: tuple[str, ...] = ()) -> "Classes":
        """Guess the kind of labels that were recorded without it, as versions before 0.2 did.

        Parameters
        ----------
        labels : iterable of str
            The label of every item.
        names : tuple of str
            The classes in the order of their numbers, if they were recorded.
        """
        found = set(labels)
        if found <= {MISSING}:
            return cls()
        if names and found <= set(names):
            return cls.named(names)
        words = [label.split(" ") for label in found]
        widths = {len(numbers) for numbers in words}
        if len(widths) == 1 and all(NUMBER.fullmatch(number) for numbers in words for number in numbers):
            highest, width = max(int(number) for numbers in words for number in numbers), widths.pop()
            if width > 1:
                return cls(LISTS, count=highest + 1, width=width)
            fits = highest < len(names)
            return cls(NUMBERS, names if fits else (), max(highest + 1, len(names) if fits else 0))
        return cls.named(sorted(found))

    @classmethod
    def read(cls, content: Mapping[str, Any], names: Iterable[str]) -> "Classes":
        """Read what `content` has returned; raise `ValueError` if it is damaged.

        Parameters
        ----------
        content : mapping of str to object
            The kind and its numbers.
        names : iterable of str
            Names of the classes, which are recorded apart.
        """
        if not content:
            return cls()
        kind, count, width = content.get("kind"), content.get("count"), content.get("width", 0)
        listed = tuple(names)
        if kind not in KINDS or type(count) is not int or type(width) is not int or min(count, width) < 0:
            raise ValueError(f"labels are {dict(content)!r}, which is no kind of labels with a number of classes")
        if not all(isinstance(name, str) for name in listed) or (listed and len(listed) != count):
            raise ValueError(f"{len(listed)} names for {count} classes")
        return cls(kind, listed, count, width)

    def content(self) -> dict[str, Any]:
        """Return the kind and its numbers in plain values, without the names; nothing if there are no labels."""
        width = {"width": self.width} if self.width else {}
        return {"kind": self.kind, "count": self.count} | width if self.kind != NONE else {}

    @property
    def is_single(self) -> bool:
        """Whether an item has one class at most."""
        return self.kind in (NAMES, NUMBERS)

    def value(self, label: str) -> Value:
        """Return the number of a label, or its numbers where labels are lists; None if it is missing."""
        if label == MISSING or self.kind == NONE:
            return None
        if self.kind == NAMES:
            return self._numbers[label]
        if self.kind == NUMBERS:
            return int(label)
        return [] if label == EMPTY else [int(number) for number in label.split(" ")]

    def plain(self, label: str) -> str | Value:
        """Return a label as files for people have it: the name of the class, or what `value` returns."""
        return label if self.kind == NAMES and label != MISSING else self.value(label)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what every process can look up for itself."""
        return {key: value for key, value in self.__dict__.items() if key != "_numbers"}


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names of classes: whole numbers by their value, then the others as texts, as loaders sort folders."""
    return sorted(names, key=lambda name: (0, int(name), name) if DIGITS.fullmatch(name) else (1, 0, name))
