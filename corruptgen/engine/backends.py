"""Backends: what the workers are; joblib runs the threads and processes of this machine."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import joblib
from joblib.externals.loky import get_reusable_executor

from corruptgen.errors import MissingPackage, RecipeError
from corruptgen.runtime.extras import is_installed, missing
from corruptgen.runtime.signals import ignore_signals

BACKENDS = ("loky", "threading", "sequential", "dask", "ray")
CLUSTERS = ("dask", "ray")
PACKAGES = {"dask": "distributed", "ray": "ray"}
WATCH_SECONDS = 0.2
# Schemes of addresses that say which kind of cluster runs there; a bare host and port may be either.
SCHEMES = {"ray": "ray", "tcp": "dask", "tls": "dask", "ucx": "dask", "ucxx": "dask", "ws": "dask", "wss": "dask"}


@dataclass(frozen=True)
class WorkerConfig:
    """Who does the work."""

    workers: int | None = None
    """Their number; None: one for each processor, or all that a cluster has."""
    backend: str | None = None
    """One of `BACKENDS`; None: "loky", which is processes on this machine."""
    address: str | None = None
    """Of a Dask scheduler or a Ray cluster that exists already; None: one is started on this machine."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise RecipeError(f"workers is {self.workers}; it must be at least 1")
        if self.backend not in (None, *BACKENDS):
            raise RecipeError(f"backend is {self.backend!r}; allowed are {', '.join(BACKENDS)}")
        if self.address is not None and self.backend not in CLUSTERS:
            raise RecipeError(f"backend {self.kind} takes no address; {' and '.join(CLUSTERS)} do")
        if self.address is not None and self.backend == "dask" and self.workers is not None:
            raise RecipeError("a Dask cluster that exists already has its own number of workers; leave workers out")

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

    def at_most(self, calls: int) -> "WorkerConfig":
        """Return this worker_config without the workers of this machine that would have no call to make."""
        return self if self.is_elsewhere or self.count <= calls else replace(self, workers=max(calls, 1))

    @property
    def is_elsewhere(self) -> bool:
        """Whether the workers may be on other machines."""
        return self.address is not None


def backend_of(address: str) -> str:
    """Return the backend that an address is of, as its scheme tells.

    Raises
    ------
    RecipeError
        If it has none: Dask and Ray both take a host and a port.
    """
    scheme, separator, _ = address.partition("://")
    if separator and scheme in SCHEMES:
        return SCHEMES[scheme]
    raise RecipeError(
        f"the address {address!r} may be of a Dask scheduler or of a Ray cluster; add --backend dask or --backend ray"
    )


@contextmanager
def pool(worker_config: WorkerConfig) -> Iterator[joblib.Parallel]:
    """Return what calls are made with, and end the workers at once if that is left by an error."""
    manager = (
        _configured(worker_config.count, backend="threading")
        if worker_config.kind == "threading"
        else _loky(worker_config.count)
    )
    with manager as parallel:
        yield parallel


@contextmanager
def _configured(count: int, **settings: Any) -> Iterator[joblib.Parallel]:
    """Configure joblib; blocks that are handed out are still made after a signal, so it is one for each worker."""
    with joblib.parallel_config(n_jobs=count, **settings):
        yield joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")


@contextmanager
def _loky(count: int) -> Iterator[joblib.Parallel]:
    settings: dict[str, Any] = {"inner_max_num_threads": 1, "initializer": become_worker, "initargs": (os.getpid(),)}
    with _configured(count, backend="loky", **settings) as parallel:
        try:
            yield parallel
        except BaseException:
            # Their own end would come after ours, with complaints on the terminal.
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
            raise


def become_worker(parent: int) -> None:
    """Make this process a worker: it ends with its parent, and for no signal before."""
    ignore_signals()
    follow(parent)


@lru_cache
def follow(parent: int) -> None:
    """End this process when its parent ends, even if that was killed: an orphan would write beside the next run."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
