"""Values by which callers name draws and places: severity, seed, key and the like, checked and brought to one form."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from corruptgen.errors import ArgumentError, SeverityError

# Severities are rounded to this many decimals: float32 and the steps of numpy.linspace have five for levels below 64.
DECIMALS = 5
# Seeds, and keys that are numbers, lie within this on either side of 0: the entropy of numpy's seeds has 128 bits.
WHOLE_RANGE = 2**128
# What corruptions call of a source of random numbers.
DRAWING = ("random", "standard_normal", "normal", "uniform", "integers", "poisson", "choice", "permutation")


def normalise_severity(severity: object) -> float:
    """Check a severity and round it to `DECIMALS`, so that 0.3 and 0.1 + 0.2, 2.1 and float32(2.1) are one.

    Raises
    ------
    SeverityError
        If it is not a finite number; truth values and texts are none.
    """
    number = severity if type(severity) is float else real_number(severity)
    if number is None or not -WHOLE_RANGE < number < WHOLE_RANGE:
        raise SeverityError(f"severity is {shown(severity)}; it must be a number from 0 to the table's last level")
    # 0 is added because -0.0 would be written in another way.
    return round(number, DECIMALS) + 0.0


def severity_text(severity: float) -> str:
    """Write a severity as everything that is named by one writes it: "3", "2.5", "0.00001"; never with an exponent."""
    return np.format_float_positional(round(float(severity), DECIMALS) + 0.0, trim="-")


def normalise_seed(seed: object) -> int:
    """Check a seed: 1, 1.0 and numpy's 1 are one whole number.

    Raises
    ------
    ArgumentError
        If it is no whole number of at most 128 bits; truth values and texts are none.
    """
    return whole_number("seed", seed, 1 - WHOLE_RANGE, WHOLE_RANGE - 1)


def normalise_key(key: object) -> str:
    """Check the name of an image and return it as text: 17 and "17" are one name.

    Raises
    ------
    ArgumentError
        If it is neither a text that can be written in UTF-8 nor a whole number.
    """
    if isinstance(key, str):
        try:
            key.encode()
        except UnicodeEncodeError:
            raise ArgumentError(f"key is {shown(key)}; it must be a text of whole characters") from None
        return str(key)
    number = None if isinstance(key, float | np.floating) else real_number(key)
    if number is None or not -WHOLE_RANGE < number < WHOLE_RANGE:
        raise ArgumentError(f"key is {shown(key)}; it must be a text or a whole number, such as a path or an index")
    return str(key)


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """Check an argument called `name` that is a whole number from `low` to `high`; 1.0 is one, True is none."""
    number = real_number(value)
    # Compared first: neither infinity nor a whole number beyond all floats can be looked at more closely.
    if number is None or not low <= number <= high or number != int(number):
        few = f" from {low} to {high}" if high < WHOLE_RANGE - 1 else " of at most 128 bits"
        raise ArgumentError(f"{name} is {shown(value)}; it must be a whole number{few}")
    return int(number)


def truth_value(name: str, value: object) -> bool:
    """Check an argument called `name` that is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ArgumentError(f"{name} is {shown(value)}; it must be True or False")
    return bool(value)


def callable_value(name: str, value: object) -> None:
    """Check an argument called `name` that is None or can be called."""
    if value is not None and not callable(value):
        raise ArgumentError(f"{name} is {shown(value)}; it must be None or something that can be called")


def path_value(name: str, value: object) -> str:
    """Check an argument called `name` that is a path: a text or an `os.PathLike`."""
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(found, str) or "\0" in found:
        raise ArgumentError(f"{name} is {shown(value)}; it must be a path")
    return found


def text_value(name: str, value: object) -> str:
    """Check an argument called `name` that is a text."""
    if not isinstance(value, str):
        raise ArgumentError(f"{name} is {shown(value)}; it must be a text")
    return str(value)


def preset_name(preset: object) -> str:
    """Check the name of a severity table, which may also be the path of one."""
    found = os.fspath(preset) if isinstance(preset, str | os.PathLike) else None
    if not isinstance(found, str) or "\0" in found:
        raise ArgumentError(
            f"preset is {shown(preset)}; it must be the name of a severity table, as corruptgen.presets() lists them, "
            "or the path of a .toml of your own"
        )
    return found


def severity_list(severities: object) -> list[float] | None:
    """Check a choice of severities: None, or a sequence of numbers."""
    if severities is None:
        return None
    if not isinstance(severities, Sequence | np.ndarray) or isinstance(severities, str | bytes):
        raise ArgumentError(f"severities is {shown(severities)}; pass a list of numbers")
    return [normalise_severity(severity) for severity in severities]


def row_names(rows: object) -> tuple[str, ...] | None:
    """Check a choice of rows: None, a name, or a sequence of names."""
    if rows is None:
        return None
    names = (rows,) if isinstance(rows, str) else tuple(rows) if isinstance(rows, Sequence) else (rows,)
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(f"rows holds {shown(name)}; pass a name, or a list of names of rows and groups")
    return names


def window_ends(window: object) -> tuple[float, float] | None:
    """Check a window: None, or the samples that stand for black and white, the lower one first."""
    if window is None:
        return None
    ends = tuple(window) if isinstance(window, tuple | list | np.ndarray) else ()
    numbers = [real_number(end) for end in ends]
    low, high = numbers if len(numbers) == 2 else (None, None)
    if low is None or high is None or not -math.inf < low < high < math.inf:
        advice = "pass (low, high) with low below high, the samples that stand for black and white"
        raise ArgumentError(f"window is {shown(window)}; {advice}")
    return float(low), float(high)


def check_draws(rng: object) -> None:
    """Raise `ArgumentError` if corruptions cannot draw from `rng`."""
    missing = [name for name in DRAWING if not callable(getattr(rng, name, None))]
    if missing:
        raise ArgumentError(
            f"rng is {shown(rng)}, which has no {missing[0]}(); pass numpy.random.default_rng(...) or anything else "
            "with the methods of corruptgen.randomness.Draws"
        )


def real_number(value: object) -> int | float | None:
    """Return a number of Python or numpy as Python's; None for anything else, truth values included."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    return value if isinstance(value, int) else value.item() if isinstance(value, np.integer) else float(value)


def shown(value: Any) -> str:
    """Write a wrong value for a message: shortly, and of an object its kind."""
    if value is None or isinstance(value, bool | float | str | bytes | list | tuple | dict | np.generic):
        text = repr(value)
    elif isinstance(value, int):
        text = repr(value) if -WHOLE_RANGE <= value <= WHOLE_RANGE else "a number of more than 128 bits"
    else:
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:56]} ..."
