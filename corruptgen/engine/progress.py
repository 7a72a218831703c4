"""Spread work over workers and report how far it is."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from corruptgen.engine.backends import WorkerConfig, pool
from corruptgen.engine.clusters import dask_results, ray_results
from corruptgen.errors import WorkerError
from corruptgen.runtime.signals import workers_ignore_signals

Progress = Callable[[int, int], None]
"""Called with how many items are done and how many there are."""

# How the errors of clusters are called that say that a worker, not its work, has failed.
LOST = (
    "KilledWorker", "CommClosedError", "FutureCancelledError",
    "WorkerCrashedError", "OutOfMemoryError", "NodeDiedError", "ObjectLostError",
)  # fmt: skip

T = TypeVar("T")
Call = tuple[Callable[..., T], tuple[object, ...]]


def results(calls: Iterable[Call[T]], worker_config: WorkerConfig | int | None) -> Generator[T, None, None]:
    """Make calls in parallel and return their results as they come, in any order.

    Parameters
    ----------
    calls : iterable of Call
        Functions and their arguments, which must be picklable; not asked for earlier than they can be begun.
    worker_config : WorkerConfig or int or None
        Who works, or the number of processes on this machine.

    Raises
    ------
    WorkerError
        If a worker was ended from outside.
    """
    worker_config = worker_config if isinstance(worker_config, WorkerConfig) else WorkerConfig(worker_config)
    if worker_config.kind == "sequential":
        for function, arguments in calls:
            yield function(*arguments)
        return
    try:
        if worker_config.kind == "dask":
            yield from dask_results(calls, worker_config)
        elif worker_config.kind == "ray":
            yield from ray_results(calls, worker_config)
        else:
            with pool(worker_config) as parallel:
                yield from (_threaded if worker_config.kind == "threading" else _begun)(parallel, calls)
    except Exception as error:
        if not isinstance(error, TerminatedWorkerError) and type(error).__name__ not in LOST:
            raise
        raise WorkerError(
            "a worker was ended from outside, most often because the memory was full; "
            "the same command with fewer --workers resumes"
        ) from error


def _begun(parallel: joblib.Parallel, calls: Iterable[Call[T]]) -> Iterator[T]:
    with workers_ignore_signals():
        generator = parallel(joblib.delayed(function)(*arguments) for function, arguments in calls)
    yield from generator


def _threaded(parallel: joblib.Parallel, calls: Iterable[Call[T]]) -> Iterator[T]:
    """Also wait for the threads that are still at work when another has failed: they cannot be ended."""
    idle, at_work = threading.Condition(), 0

    def tallied(function: Callable[..., T], arguments: tuple[object, ...]) -> T:
        nonlocal at_work
        with idle:
            at_work += 1
        try:
            return function(*arguments)
        finally:
            with idle:
                at_work -= 1
                idle.notify_all()

    try:
        yield from parallel(joblib.delayed(tallied)(*call) for call in calls)
    except (Exception, GeneratorExit):
        with idle:
            idle.wait_for(lambda: at_work == 0)
        raise
