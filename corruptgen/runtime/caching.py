"""Caching of arrays: what is computed again and again is kept, up to a number of bytes and not of entries."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import update_wrapper
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

# For each function: the tables of the image sizes of a benchmark fit, and a data loader with images of every size keeps
# the latest ones.
MOST_BYTES = 64 * 2**20

P = ParamSpec("P")
R = TypeVar("R")


class KeptArrays(Generic[P, R]):
    """A function that keeps what it has returned for its latest arguments."""

    def __init__(self, function: Callable[P, R], most: int = MOST_BYTES) -> None:
        update_wrapper(self, function)
        self._function, self._most = function, most
        self._kept: OrderedDict[Hashable, tuple[R, int]] = OrderedDict()
        self._total = 0
        self._lock = Lock()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what is kept for these arguments, or compute it."""
        key = (args, tuple(kwargs.items())) if kwargs else args
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        result = self._function(*args, **kwargs)
        size = bytes_of(result)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = result, size
                self._total += size
            while self._total > self._most and len(self._kept) > 1:
                self._total -= self._kept.popitem(last=False)[1][1]
        return result

    def cache_clear(self) -> None:
        """Forget what is kept."""
        with self._lock:
            self._kept.clear()
            self._total = 0


def keep_arrays(function: Callable[P, R]) -> KeptArrays[P, R]:
    """Keep what a function has returned for its latest arguments, as `functools.lru_cache` does, bounded by its bytes.

    The arguments are hashable and decide the result. The latest result is kept whatever its size: it may be needed for
    every image of a block.
    """
    return KeptArrays(function)


def bytes_of(value: Any) -> int:
    """Add up the bytes of arrays, wherever in records, tuples and mappings they are."""
    if isinstance(value, np.ndarray):
        # A view keeps all of the array that it is a part of.
        return bytes_of(value.base) if isinstance(value.base, np.ndarray) else value.nbytes
    if is_dataclass(value):
        return sum(bytes_of(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple | list):
        return sum(map(bytes_of, value))
    if isinstance(value, Mapping):
        return sum(map(bytes_of, value.values()))
    return sys.getsizeof(value)
