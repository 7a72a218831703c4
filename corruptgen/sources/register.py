"""A register: the items of a source with what it says about their labels, from which its listing is made.

Which kind labels are is decided once, by all that the source states. A label that does not fit, such as one text among
numbers, rejects its own item by name and changes no other; so does no missing one: None, NaN, -1 or an empty text.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from corruptgen.errors import SourceError
from corruptgen.records import Items, Listing, Rejection
from corruptgen.store.names import is_text
from corruptgen.values.class_labels import (
    EMPTY,
    LISTS,
    MISSING,
    NAMES,
    NONE,
    NUMBER,
    NUMBERS,
    Classes,
    in_order,
)

# What programs write into tables for a value that is missing.
MARKS = ("-1", "-1.0", "nan", "NaN", "None")
WHOLE = re.compile(r"(0|[1-9][0-9]{0,17})\.0+")
SEVERAL = re.compile(r"(0|[1-9][0-9]{0,17})( (0|[1-9][0-9]{0,17}))+")
LISTED = re.compile(r"\[\s*(\d{1,18}\s*(,\s*\d{1,18}\s*)*)?\]")
LONGEST_SHOWN = 80  # characters of a label in a message
# What a value is by itself: a number, several, a text, or a text that may be a number or several.
NUMBER_VALUE, LIST_VALUE, TEXT, DIGITS, DIGIT_LIST = "number", "list", "text", "digits", "digit list"
KIND_OF = {NUMBER_VALUE: NUMBERS, DIGITS: NUMBERS, LIST_VALUE: LISTS, DIGIT_LIST: LISTS, TEXT: NAMES}
WORDS = {NUMBERS: "numbers", LISTS: "lists of numbers", NAMES: "names"}


class Stated(NamedTuple):
    """What is stated about the label of an item."""

    sort: str
    text: str
    """Of a number or list as labels have them."""
    raw: str = ""
    """The text itself, if it was one."""


NOTHING = Stated("", MISSING)


@dataclass(frozen=True)
class Naming:
    """The names of the classes, where a source or a file beside it states them, and the numbers that mean them."""

    names: tuple[str, ...] = ()
    """In the order of their numbers; empty: nothing states them."""
    numbers: tuple[str, ...] = ()
    """As labels have them; empty: from 0."""
    place: str = "the source"
    is_coded: bool = False
    """Whether numbers are always places in the list of names, as those of `datasets.ClassLabel` are."""

    @classmethod
    def read(cls, text: str, place: str) -> "Naming":
        """Read a file with a name in each line, numbered from 0, or with a number and a name in each."""
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        parts = [line.split(None, 1) for line in lines]
        if lines and all(len(part) == 2 and part[0].isdecimal() for part in parts):
            ordered = sorted((int(number), name) for number, name in parts)
            found = cls(tuple(name for _, name in ordered), tuple(str(number) for number, _ in ordered), place)
        else:
            found = cls(tuple(lines), (), place)
        for values in (found.names, found.numbers or found.names):
            if len(set(values)) < len(values) or not values:
                raise SourceError(f"{place} names no classes, or one of them twice; write one in each line")
        return found

    def name(self, are_names: bool, found: Stated) -> str:
        """Return the name of the class that a label means, or raise `ValueError` if it means none.

        Parameters
        ----------
        are_names : bool
            Whether numbers among the labels are names of classes themselves.
        found : Stated
            The label.
        """
        is_number = KIND_OF[found.sort] == NUMBERS
        for text in (found.raw, found.text) if are_names or not is_number else ():
            if text in self._by_name:
                return text
        if not is_number:
            raise self._unknown
        return self.names[self._place(found.text)]

    def are_names(self, counts: Mapping[Stated, int]) -> bool:
        """Decide whether numbers among the labels are names of classes, such as years, or places in the list of them.

        What fits more of them counts; where both fit as many, texts are names and numbers are places.
        """
        names = places = texts = numbers = 0
        for found, count in counts.items():
            if KIND_OF.get(found.sort) == NUMBERS and not self.is_coded:
                names += count * (found.raw in self._by_name or found.text in self._by_name)
                places += count * (found.text in self._by_number)
                texts += count * (found.sort == DIGITS)
                numbers += count * (found.sort == NUMBER_VALUE)
        return (names, texts) > (places, numbers)

    def in_list(self, found: Stated) -> str:
        """Return the places of the classes whose numbers a label lists; raise `ValueError` if one has none."""
        if found.text == EMPTY:
            return EMPTY
        if found.raw in self._by_name:
            return str(self._by_name[found.raw])
        return " ".join(str(self._place(number)) for number in found.text.split(" "))

    def _place(self, number: str) -> int:
        if number not in self._by_number:
            raise self._unknown
        return self._by_number[number]

    @property
    def _unknown(self) -> ValueError:
        return ValueError(f"which {self.place} does not name")

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def _by_number(self) -> dict[str, int]:
        numbers = self.numbers or map(str, range(len(self.names)))
        return {number: place for place, number in enumerate(numbers)}


NAMELESS = Naming()


def read_label(value: Any) -> Stated:
    """Read the label of one item.

    Parameters
    ----------
    value : object
        A text, bytes of one, a whole number of Python or numpy, also as floating point, several of these, or what is
        missing: None, NaN, -1, an empty text.

    Raises
    ------
    ValueError
        If it is something else.
    """
    match value:
        case None:
            return NOTHING
        case str():
            return _of_text(value)
        case bytes():
            try:
                return _of_text(value.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise ValueError("is not text in UTF-8") from error
        case bool() | np.bool_() | int() | np.integer() | float() | np.floating():
            return _of_number(value)
        case np.ndarray() if value.ndim == 0:
            return read_label(value.item())
        case np.ndarray() if value.ndim == 1:
            return read_label(value.tolist())
        case list() | tuple():
            numbers = [NOTHING if entry is None else _of_number(entry) for entry in value]
            if numbers and set(numbers) == {NOTHING}:
                return NOTHING
            if NOTHING in numbers:
                raise ValueError("lacks one of its numbers")
            return Stated(LIST_VALUE, " ".join(entry.text for entry in numbers) or EMPTY)
    raise ValueError("is no text, whole number or list of these numbers")


def _of_number(value: Any) -> Stated:
    if not isinstance(value, bool | np.bool_ | int | np.integer | float | np.floating):
        raise ValueError("is no text, whole number or list of these numbers")
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return NOTHING
        if not float(value).is_integer():
            raise ValueError("is no whole number")
    number = int(value)
    if number == -1:
        return NOTHING
    if not NUMBER.fullmatch(str(number)):
        raise ValueError("is no number of a class: these count from 0, and -1 is no label")
    return Stated(NUMBER_VALUE, str(number))


def _of_text(text: str) -> Stated:
    if not is_text(text):
        raise ValueError("is not text")
    if not text.strip():
        return NOTHING
    if whole := WHOLE.fullmatch(text):
        return Stated(DIGITS, whole[1], text)
    if NUMBER.fullmatch(text):
        return Stated(DIGITS, text, text)
    if SEVERAL.fullmatch(text):
        return Stated(DIGIT_LIST, text, text)
    if LISTED.fullmatch(text):
        return Stated(DIGIT_LIST, " ".join(str(int(number)) for number in re.findall(r"\d+", text)) or EMPTY, text)
    return Stated(TEXT, text, text)


class Register:
    """The items of a source, added one by one in their order."""

    def __init__(self, naming: Naming | None = None, *, folders: bool = False, vectors: bool = False) -> None:
        """Begin a register.

        Parameters
        ----------
        naming : Naming or None
            The classes, if the source states them.
        folders : bool, default False
            Whether labels are names of folders: all of them count, and none is the mark of a missing one.
        vectors : bool, default False
            Whether lists are rows of an array, with a 0 or 1 for each class.
        """
        self._naming = naming or NAMELESS
        self._folders = folders
        self._vectors = vectors
        self._ids, self._edges, self._codes = bytearray(), array("q", [0]), array("i")
        self._places: dict[Stated, int] = {NOTHING: 0}
        self._counts: Counter[Stated] = Counter()
        self._rejected: dict[str, str] = {}

    def add(self, item: str, value: Any) -> None:
        """Add an item with its label, or reject it if that is none."""
        try:
            code = self._code(value)
        except ValueError as error:
            self.reject(item, f"has the label {_shown(value)}, which {error}")
            return
        self._ids += item.encode("utf-8", "surrogatepass")
        self._edges.append(len(self._ids))
        self._codes.append(code)

    def know(self, value: Any) -> None:
        """Take note of a label whose item is missing or was rejected: its class is one of the source's."""
        with suppress(ValueError):
            self._code(value)

    def reject(self, item: str, reason: str) -> None:
        """Take note of an item that cannot be used; the first reason counts."""
        self._rejected.setdefault(item, reason)

    def listing(self, ignored: int = 0, annotations: str = "") -> Listing:
        """Decide what kind the labels are, and list the items; those whose label is of another kind are rejected."""
        classes, labels, reasons = self._settled()
        codes = np.array(self._codes, np.int32)
        items = Items(bytes(self._ids), np.array(self._edges, np.int64), codes, labels)
        is_bad = np.isin(codes, list(reasons))
        for place in np.flatnonzero(is_bad).tolist():
            self.reject(items[place].id, reasons[int(codes[place])])
        items = items.chosen(~is_bad) if is_bad.any() else items
        rejected = tuple(Rejection(item, reason) for item, reason in sorted(self._rejected.items()))
        return Listing(items, rejected, ignored, classes, annotations)

    def _code(self, value: Any) -> int:
        if self._folders:
            found = Stated(DIGITS if NUMBER.fullmatch(value) else TEXT, value, value) if value else NOTHING
        else:
            found = read_label(value)
            if found.raw in MARKS and found.raw not in self._naming.names:
                found = NOTHING
        self._counts[found] += 1
        return self._places.setdefault(found, len(self._places))

    def _settled(self) -> tuple[Classes, tuple[str, ...], dict[int, str]]:
        """Return the classes, the label of every code, and why some codes are no labels here."""
        kind, width = self._kind()
        read = self._reader(kind, width)
        labels, reasons = [], {}
        for found, code in self._places.items():
            try:
                labels.append(read(found) if found != NOTHING else MISSING)
            except ValueError as error:
                labels.append(MISSING)
                reasons[code] = f"has the label {_shown(found.raw or found.text)}, {error}"
        used = {label for label in labels if label != MISSING}
        if kind != NONE and self._naming.names:
            return Classes(kind, self._naming.names, len(self._naming.names)), tuple(labels), reasons
        if kind == NAMES:
            return Classes.named(in_order(used)), tuple(labels), reasons
        numbers = (int(number) for label in used if label != EMPTY for number in label.split(" "))
        return Classes(kind, (), max(numbers, default=-1) + 1, width), tuple(labels), reasons

    def _kind(self) -> tuple[str, int]:
        """Decide by most of the labels what all of them are, and how many numbers each has if all have as many."""
        counts: Counter[str] = Counter()
        for found, count in self._counts.items():
            if found != NOTHING:
                counts[KIND_OF[found.sort]] += count
        if not counts:
            return NONE, 0
        # Of two kinds as frequent as each other, the one that a text is less likely to be by chance.
        kind = max((LISTS, NUMBERS, NAMES), key=lambda kind: counts[kind])
        if self._naming.names and kind != LISTS:
            return NAMES, 0
        if self._folders and counts[NAMES]:
            return NAMES, 0
        return kind, self._width() if kind == LISTS and not self._naming.names else 0

    def _width(self) -> int:
        """Return how many numbers each label has, if most say with 0 or 1 for each class whether it applies."""
        widths: Counter[int] = Counter()
        total = 0
        for found, count in self._counts.items():
            if KIND_OF.get(found.sort) == LISTS:
                total += count
                numbers = found.text.split(" ")
                # A list of class numbers has each of them once, so that a longer one of 0 and 1 alone is none.
                if set(numbers) <= {"0", "1"} and (self._vectors or len(set(numbers)) < len(numbers)):
                    widths[len(numbers)] += count
        width, count = max(widths.items(), key=lambda pair: pair[1], default=(0, 0))
        return width if 2 * count > total else 0

    def _reader(self, kind: str, width: int) -> Callable[[Stated], str]:
        """Return what makes the text of a label, or raises `ValueError` if it is not of this kind."""
        if not self._naming.names:
            return partial(_of_kind, kind, width)
        if kind == LISTS:
            return self._naming.in_list
        return partial(self._naming.name, self._naming.are_names(self._counts))


def _of_kind(kind: str, width: int, found: Stated) -> str:
    if kind == NAMES and found.raw:
        return found.raw
    # A text may be a list of one number.
    if KIND_OF[found.sort] != kind and not (kind == LISTS and found.sort == DIGITS):
        raise ValueError(f"and labels of this source are {WORDS[kind]}")
    length = 0 if found.text == EMPTY else found.text.count(" ") + 1
    if width and length != width:
        raise ValueError(f"of {length} numbers, and labels of this source have {width}")
    return found.text


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."
