"""Spread work over processes and tell how far it is."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from corruptgen.errors import CorruptgenError

Progress = Callable[[int, int], None]
"""Called with how many items are done and how many there are."""

WATCH_SECONDS = 0.2

T = TypeVar("T")


def results(calls: Iterable[tuple[Callable[..., T], tuple[object, ...]]], workers: int | None) -> Iterator[T]:
    """Make calls in parallel and give their results as they come, in any order.

    Parameters
    ----------
    calls : functions and their arguments, which must be picklable
    workers : number of processes; None: one for each processor; 1: this process does it all
    """
    count = joblib.cpu_count() if workers is None else workers
    if count == 1:
        for function, arguments in calls:
            yield function(*arguments)
        return
    parent = os.getpid()
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(n_jobs=count, return_as="generator_unordered", batch_size=1)
        try:
            yield from parallel(joblib.delayed(_in_child)(parent, function, arguments) for function, arguments in calls)
        except TerminatedWorkerError as error:
            raise CorruptgenError(
                "a worker was ended from outside, most often because the memory was full; "
                "the same command with fewer --workers goes on where this one stopped"
            ) from error
        except BaseException:
            # Their own end would come after ours, with complaints on the terminal.
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
            raise


def _in_child(parent: int, function: Callable[..., T], arguments: tuple[object, ...]) -> T:
    _follow(parent)
    return function(*arguments)


@lru_cache
def _follow(parent: int) -> None:
    """End this process when its parent ends, even if that was killed: an orphan would write beside the next run."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
