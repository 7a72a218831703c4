"""Backends: what the workers are, threads or processes or a cluster; joblib speaks to all of them."""

import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import joblib
from joblib.externals.loky import get_reusable_executor

from corruptgen.errors import MissingPackage, RecipeError, WorkerError
from corruptgen.extras import is_installed, missing, need
from corruptgen.signals import deafen, unmoved

BACKENDS = ("loky", "threading", "sequential", "dask", "ray")
ADDRESSES = {"dask": "--scheduler", "ray": "--address"}
PACKAGES = {"dask": "distributed", "ray": "ray"}
WATCH_SECONDS = 0.2
HOST_AND_PORT = re.compile(r"(?:ray://)?\[?([^/]+?)\]?:(\d{1,9})")
# A cluster's first worker may take a while to come up.
CLUSTER_SECONDS = 60


@dataclass(frozen=True)
class Crew:
    """Who does the work."""

    workers: int | None = None
    """Their number; None: one for each processor, or all that a cluster has."""
    backend: str | None = None
    """One of `BACKENDS`; None: "loky", which is processes on this machine."""
    address: str | None = None
    """Of a Dask scheduler or a Ray cluster that is there already; None: one is started on this machine."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise RecipeError(f"workers is {self.workers}; it must be at least 1")
        if self.backend not in (None, *BACKENDS):
            raise RecipeError(f"backend is {self.backend!r}; allowed are {', '.join(BACKENDS)}")
        if self.address is not None and self.backend not in ADDRESSES:
            raise RecipeError(f"backend {self.kind} takes no address; {' and '.join(ADDRESSES)} do")
        if self.address is not None and self.backend == "dask" and self.workers is not None:
            raise RecipeError("a Dask cluster that is there already has its own number of workers; leave workers out")

    @property
    def kind(self) -> str:
        """The backend that is used: one worker on this machine needs none but this process."""
        kind = self.backend or "loky"
        return "sequential" if kind in ("loky", "threading") and self.count == 1 else kind

    @property
    def count(self) -> int:
        """The number of workers on this machine."""
        return self.workers or joblib.cpu_count()

    def check_installed(self) -> None:
        """Raise `MissingPackage` if the backend is not installed."""
        package = PACKAGES.get(self.backend or "")
        if package and not is_installed(package):
            raise MissingPackage(missing(f"the backend {self.backend}", [package]))

    @property
    def is_elsewhere(self) -> bool:
        """Whether the workers may be on other machines."""
        return self.address is not None


@contextmanager
def pool(crew: Crew) -> Iterator[joblib.Parallel]:
    """Give what calls are made with, and end the workers at once if that is left by an error."""
    match crew.kind:
        case "dask":
            manager = _dask(crew)
        case "ray":
            manager = _ray(crew)
        case "threading":
            manager = _configured(crew.count, backend="threading")
        case _:
            manager = _loky(crew.count)
    with manager as parallel:
        yield parallel


@contextmanager
def _configured(count: int, *, ahead: str = "n_jobs", **settings: Any) -> Iterator[joblib.Parallel]:
    """Configure joblib; blocks are handed out `ahead` of their turn, and those are still made after a signal."""
    with joblib.parallel_config(n_jobs=count, **settings):
        try:
            parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch=ahead)
        except ValueError:
            # Not every backend can give results as they come.
            parallel = joblib.Parallel(batch_size=1)
        yield parallel


@contextmanager
def _loky(count: int) -> Iterator[joblib.Parallel]:
    settings: dict[str, Any] = {"inner_max_num_threads": 1, "initializer": settle, "initargs": (os.getpid(),)}
    with _configured(count, backend="loky", **settings) as parallel:
        try:
            yield parallel
        except BaseException:
            # Their own end would come after ours, with complaints on the terminal.
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
            raise


@contextmanager
def _dask(crew: Crew) -> Iterator[joblib.Parallel]:
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
        # The queue keeps workers busy while their results are on the way.
        yield stack.enter_context(_configured(-1, ahead="2*n_jobs", backend="dask", client=client))


@contextmanager
def _ray(crew: Crew) -> Iterator[joblib.Parallel]:
    # Nothing about a build goes to anyone.
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
        need("ray.util.joblib", "the backend ray").register_ray()
        yield stack.enter_context(_configured(crew.workers or -1, backend="ray"))


def _local_ray(crew: Crew) -> dict[str, Any]:
    return {"address": "local", "num_cpus": crew.count, "include_dashboard": False}


def _check_answers(address: str | None) -> None:
    """Knock at the door of a Ray cluster: where there is none, Ray itself waits for minutes."""
    found = HOST_AND_PORT.fullmatch(address or "")
    if not found:
        return
    try:
        socket.create_connection((found[1], int(found[2])), timeout=CLUSTER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise WorkerError(f"the Ray cluster at {address} does not answer: {error}") from error


def settle(parent: int) -> None:
    """Make this process a worker: it ends with its parent, and for no signal before."""
    deafen()
    follow(parent)


@lru_cache
def follow(parent: int) -> None:
    """End this process when its parent ends, even if that was killed: an orphan would write beside the next run."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
