"""An even choice of some of many things."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def choose_evenly(things: Sequence[T], count: int) -> list[T]:
    """Choose some of many things, evenly spaced, the first and the last among them.

    Parameters
    ----------
    things : sequence of T
        To choose from.
    count : int
        How many are chosen at most, 2 or more.

    Examples
    --------
    >>> choose_evenly(range(10), 4), choose_evenly("ab", 4)
    ([0, 3, 6, 9], ['a', 'b'])
    """
    if len(things) <= count:
        return list(things)
    return [things[number * (len(things) - 1) // (count - 1)] for number in range(count)]
