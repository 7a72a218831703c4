"""Between two levels: how a parameter goes from one value to the next."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

INTERPOLATIONS = ("linear", "log", "nearest")

Value = float | int | bool | str


def interpolate(
    lower: Mapping[str, Value],
    upper: Mapping[str, Value],
    kinds: Mapping[str, type],
    fraction: float,
    interpolation: str,
) -> Mapping[str, Value]:
    """Return the parameters at `fraction` of the way from `lower` to `upper`.

    Whole numbers are rounded, half up; truth values and texts switch at the middle, as everything does in a row that is
    `nearest`.
    """
    if fraction == 0 or (interpolation == "nearest" and fraction < 0.5):
        return lower
    if interpolation == "nearest":
        return upper
    return MappingProxyType(
        {name: _value(lower[name], value, fraction, interpolation, kinds[name]) for name, value in upper.items()}
    )


def fits(value: Any, kind: type) -> bool:
    """Check whether a value from a table may stand for a parameter of type `kind`."""
    return type(value) is kind or (kind is float and type(value) is int)


def _value(low: Any, high: Any, fraction: float, interpolation: str, kind: type) -> Value:
    if low == high or kind in (bool, str):
        return high if fraction >= 0.5 else low
    if interpolation == "log":
        number = math.exp(math.log(low) * (1 - fraction) + math.log(high) * fraction)
    else:
        number = low * (1 - fraction) + high * fraction
    return math.floor(number + 0.5) if kind is int else number
