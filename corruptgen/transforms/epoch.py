"""The number of the epoch, which workers that are running already see change."""

from multiprocessing.context import get_spawning_popen
from multiprocessing.sharedctypes import RawValue
from typing import Any


class Epoch:
    """A whole number in memory that is shared with the processes that are forked or spawned from this one.

    Persistent workers of a data loader hold a copy of the dataset from before the first epoch, and nothing else reaches
    them. Pickled in any other way than for a process that is being spawned, and copied, it is a number of its own.
    """

    def __init__(self, number: int = 0) -> None:
        self._shared: Any = RawValue("q", number)

    @property
    def number(self) -> int:
        """The epoch."""
        return int(self._shared.value)

    @number.setter
    def number(self, number: int) -> None:
        self._shared.value = number

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        if get_spawning_popen() is None:
            return Epoch, (self.number,)
        return _shared_with_parent, (self._shared,)


def _shared_with_parent(shared: Any) -> Epoch:
    epoch = Epoch.__new__(Epoch)
    epoch._shared = shared
    return epoch
