"""What rows need beside the image, as a recipe names it: planes of numbers, and another image of the source."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corruptgen.recipe.checks import Check, address, one_of
from corruptgen.values.addresses import last_part

# Planes that have a key of their own in [source]; others are named in `planes`.
PLANES = ("depth", "light", "mask", "reshading")
FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# How stored samples become values: as fractions of the largest that their type holds, as they are, by a number, or 1
# where they are a label and 0 elsewhere.
UNIT, STORED, LABEL = "unit", "stored", "label"
VALUES = re.compile(r"unit|stored|stored / (?P<by>\d+(?:\.\d+)?)|(?P<over>\d+(?:\.\d+)?) / stored|label (?P<label>\d+)")
SAME, OTHER, ANY, NEXT = "same class", "other class", "any", "next class"
DONORS: Check = one_of(SAME, OTHER, ANY, NEXT)
ALLOWED = (
    'a folder of files that are called as the images are, "module:function", or a table such as '
    '{ folder = "depth", values = "stored / 8000", limits = [0.0, 0.5] }; values are "unit", "stored", '
    '"stored / NUMBER", "NUMBER / stored" or "label NUMBER"'
)


@dataclass(frozen=True)
class PlaneChoice:
    """Where a plane comes from, and how its samples become values."""

    folder: str | None = None
    """A path; only its last part is recorded."""
    function: str | None = None
    """ "module:function", which computes the plane of an image."""
    values: str = UNIT
    limits: tuple[float, float] | None = None
    """Values beyond these are cut off."""

    def content(self) -> dict[str, Any]:
        """Return the choice in plain values, without local paths."""
        place = (
            {"folder": last_part(self.folder.replace("\\", "/"))} if self.folder else {"function": self.function or ""}
        )
        values = {} if self.values == UNIT else {"values": self.values}
        return place | values | ({"limits": list(self.limits)} if self.limits else {})


def plane_choice(value: Any) -> PlaneChoice:
    """Take the choice of one plane."""
    if isinstance(value, str):
        address(value)
        return PlaneChoice(function=value) if FUNCTION.fullmatch(value) else PlaneChoice(folder=value)
    if not isinstance(value, Mapping) or not set(value) <= {"folder", "function", "values", "limits"}:
        raise ValueError(ALLOWED)
    folder, function, values, limits = map(value.get, ("folder", "function", "values", "limits"))
    is_folder = isinstance(folder, str) and function is None and bool(folder.strip())
    is_function = isinstance(function, str) and folder is None and FUNCTION.fullmatch(function) is not None
    if not (is_folder or is_function) or not (values is None or (is_folder and _is_values(values))):
        raise ValueError(ALLOWED)
    if limits is not None and not _is_range(limits):
        raise ValueError(ALLOWED)
    return PlaneChoice(folder, function, values or UNIT, (float(limits[0]), float(limits[1])) if limits else None)


def other_planes(value: Any) -> tuple[tuple[str, PlaneChoice], ...]:
    """Take a table of planes by the names that corruptions have for them."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name.isidentifier() for name in value):
        raise ValueError("a table of the planes that rows need, by name, each " + ALLOWED)
    return tuple((name, plane_choice(value[name])) for name in sorted(value))


def _is_values(value: Any) -> bool:
    found = VALUES.fullmatch(value) if isinstance(value, str) else None
    return found is not None and all(float(number) > 0 for number in (found["by"], found["over"]) if number)


def _is_range(value: Any) -> bool:
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return is_pair and all(type(end) in (int, float) for end in value) and value[0] < value[1]
