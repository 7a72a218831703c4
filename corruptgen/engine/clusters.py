"""Clusters: a window of calls slides over the workers that a Dask or Ray cluster has at the moment."""

import logging
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any, TypeVar

from corruptgen.engine.backends import Crew
from corruptgen.errors import WorkerError
from corruptgen.runtime.extras import need
from corruptgen.runtime.signals import unmoved

HOST_AND_PORT = re.compile(r"(?:ray://)?\[?([^/]+?)\]?:(\d{1,9})")
# The first worker of a cluster may take a while to come up, and so may one that replaces the last.
CLUSTER_SECONDS, LOOK_SECONDS = 60.0, 1.0
# Calls for each processor of the cluster: while one is made, the next is on its way, and an autoscaler sees it wait.
AHEAD = 2
# A block is made again when its worker vanishes; one that ends its workers again and again is given up.
RETRIES = 10
LARGE = 1 << 14  # bytes, of an argument that is not sent with every call

T = TypeVar("T")
Call = tuple[Callable[..., T], tuple[object, ...]]


def dask_results(calls: Iterable[Call[T]], crew: Crew) -> Iterator[T]:
    """Make calls on a Dask cluster and return their results as they come.

    Workers that join are used from the next result on. What a lost worker was at is made again by another one: that is
    Dask's own doing, up to its `distributed.scheduler.allowed-failures`.

    Raises
    ------
    WorkerError
        If the cluster does not answer, or has had no worker for a minute.
    """
    distributed = need("distributed", "the backend dask")
    with ExitStack() as stack:
        with unmoved():
            target = crew.address
            if target is None:
                local = {"host": "127.0.0.1", "dashboard_address": None, "processes": True}
                cluster = distributed.LocalCluster(n_workers=crew.count, threads_per_worker=1, **local)
                target = stack.enter_context(cluster)
            try:
                client = stack.enter_context(distributed.Client(target, timeout=CLUSTER_SECONDS))
                client.wait_for_workers(1, timeout=CLUSTER_SECONDS)
            except (OSError, TimeoutError, ValueError) as error:
                raise WorkerError(f"the Dask cluster at {target} does not answer: {error}") from error

        def submit(function: Callable[..., T], arguments: tuple[object, ...]) -> Any:
            return client.submit(function, *map(shared, arguments), pure=False)

        # A result of a call is made again if the worker that holds it is lost; what is scattered is gone with it.
        shared = _once(lambda argument: client.submit(_same, argument, pure=False))

        def slots() -> int:
            return sum(client.nthreads().values())

        def finished(running: Collection[Any]) -> Collection[Any]:
            try:
                return distributed.wait(running, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                return ()

        for future in _sliding(calls, submit, slots, finished):
            yield future.result()


def ray_results(calls: Iterable[Call[T]], crew: Crew) -> Iterator[T]:
    """Make calls on a Ray cluster and return their results as they come.

    Nodes that join are used, and calls that wait for one are what Ray's autoscaler goes by. What a lost worker was at
    is made again by another one.

    Raises
    ------
    WorkerError
        If the cluster does not answer, or has had no processor for a minute.
    """
    # Nothing about a build is reported to anyone.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = need("ray", "the backend ray")
    with ExitStack() as stack:
        if not ray.is_initialized():
            _check_answers(crew.address)
            where = {"address": crew.address} if crew.address else _local_ray(crew)
            try:
                with unmoved():
                    ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise WorkerError(f"the Ray cluster at {crew.address} does not answer: {error}") from error
            stack.callback(ray.shutdown)
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_called)

        def submit(function: Callable[..., T], arguments: tuple[object, ...]) -> Any:
            return remote.remote(function, *map(shared, arguments))

        shared = _once(ray.put)

        def slots() -> int:
            processors = int(ray.cluster_resources().get("CPU", 0))
            return min(processors, crew.workers or processors)

        def finished(running: Collection[Any]) -> Collection[Any]:
            done: Collection[Any] = ray.wait(list(running), num_returns=1, timeout=LOOK_SECONDS)[0]
            return done

        for reference in _sliding(calls, submit, slots, finished):
            try:
                result: T = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                # Ray's own wording of it is a page with paths of another machine.
                raise error.cause from None
            yield result


def _sliding(
    calls: Iterable[Call[T]],
    submit: Callable[[Callable[..., T], tuple[object, ...]], Any],
    slots: Callable[[], int],
    finished: Callable[[Collection[Any]], Collection[Any]],
) -> Iterator[Any]:
    """Keep as many calls under way as the cluster has room for now, and yield those that are finished.

    Parameters
    ----------
    calls : not asked for earlier than they can be begun
    submit : hands a call to the cluster and returns what stands for its result
    slots : returns how many calls the cluster can make at once, as of now
    finished : waits a moment and returns those that are finished
    """
    waiting, running = iter(calls), set[Any]()
    last_seen = time.monotonic()
    while True:
        room = slots()
        running |= {submit(*call) for call in islice(waiting, max(0, AHEAD * max(1, room) - len(running)))}
        if not running:
            return
        done = finished(running)
        if room or done:
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > CLUSTER_SECONDS:
            raise WorkerError(
                f"the cluster has had no workers for {CLUSTER_SECONDS:.0f} seconds; "
                "once it has some, the same command resumes"
            )
        for one in done:
            running.discard(one)
            yield one


def _once(send: Callable[[object], Any]) -> Callable[[object], Any]:
    """Return what sends a large argument once, however many calls have it, and returns what stands for it."""
    sent: dict[int, tuple[object, Any]] = {}

    def shared(argument: object) -> Any:
        if sys.getsizeof(argument) < LARGE:
            return argument
        if id(argument) not in sent:
            sent[id(argument)] = argument, send(argument)
        return sent[id(argument)][1]

    return shared


def _same(argument: T) -> T:
    return argument


def _called(function: Callable[..., T], *arguments: object) -> T:
    """Make a call; a remote function of Ray cannot be one that is passed to it."""
    return function(*arguments)


def _local_ray(crew: Crew) -> dict[str, Any]:
    return {"address": "local", "num_cpus": crew.count, "include_dashboard": False}


def _check_answers(address: str | None) -> None:
    """Connect to the head node of a Ray cluster: where there is none, Ray itself waits for minutes."""
    found = HOST_AND_PORT.fullmatch(address or "")
    if not found:
        return
    try:
        socket.create_connection((found[1], int(found[2])), timeout=CLUSTER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise WorkerError(f"the Ray cluster at {address} does not answer: {error}") from error
