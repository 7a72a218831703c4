"""Comparison: which values of two records of the same kind differ, in words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

MOST_NAMED = 6  # values in one message
LONGEST_VALUE = 80  # characters


def describe_differences(there: Any, now: Any, words: tuple[str, str] = ("there", "now")) -> str:
    """Name the values that differ, such as "seed (0 there, 1 now), corrupt.rows (["fog"] there, ["snow"] now)".

    Parameters
    ----------
    there, now : object
        Records in plain values, such as the recipes of an output and of this build.
    words : (str, str)
        What to call the two in the message.
    """
    found = [f"{key} ({before} {words[0]}, {after} {words[1]})" for key, before, after in _differing(there, now, "")]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


def _differing(there: Any, now: Any, place: str) -> Iterator[tuple[str, str, str]]:
    if not isinstance(there, Mapping) or not isinstance(now, Mapping):
        if there != now:
            yield place or "it", _shown(there), _shown(now)
        return
    for key in [*there, *(key for key in now if key not in there)]:
        yield from _differing(there.get(key), now.get(key), f"{place}.{key}" if place else str(key))


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
