"""Kernels are compiled when they are first called, and kept for the next process wherever something can be kept."""

import gc
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numba
from numba.core import event

COMPILING = "compiling kernels for this machine, which is done once"
COMPILING_AGAIN = (
    "compiling kernels, which cannot be kept: no cache folder can be written; NUMBA_CACHE_DIR may name one that can"
)

# What numba reads when it chooses a cache.
_config: Any = numba.config
_logger = logging.getLogger(__name__)


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile as `numba.njit` does, and take a cache that cannot be written for no error.

    The compiled code is kept where numba keeps it: in NUMBA_CACHE_DIR, beside the module or in the user's cache. Where
    none of them can be written it is kept in a private folder among the temporary files, or else in this process alone.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        # Python calls kernels, and kernels call each other; nobody asks for a C function.
        kernel = numba.njit(**(options | {"no_cfunc_wrapper": True}))(function)
        if cache:
            _keep(kernel)
        return kernel

    return compiled


def part_of_kernel(function: Callable[..., Any]) -> Any:
    """Compile what only kernels call, without what Python would need to call it: that takes half as long."""
    return njit(nogil=True, error_model="numpy", no_cpython_wrapper=True)(function)


def _keep(kernel: Any) -> None:
    try:
        kernel.enable_caching()
    except RuntimeError:
        # numba knows no folder that can be written.
        folder = _private_folder()
        if folder is not None:
            with _caching_in(folder):
                kernel.enable_caching()


@contextmanager
def _caching_in(folder: str) -> Iterator[None]:
    """Let numba choose this folder meanwhile, for our kernels only."""
    before, _config.CACHE_DIR = _config.CACHE_DIR, folder
    try:
        yield
    finally:
        _config.CACHE_DIR = before


@lru_cache(maxsize=1)
def _private_folder() -> str | None:
    """Give a folder among the temporary files that nobody else can write: what lies in it is run."""
    try:
        user = os.getuid() if hasattr(os, "getuid") else None
        folder = os.path.join(tempfile.gettempdir(), f"corruptgen-kernels-{user}")
        os.makedirs(folder, mode=stat.S_IRWXU, exist_ok=True)
        found = os.lstat(folder)
        others = stat.S_IRWXG | stat.S_IRWXO
        is_private = user is None or (found.st_uid == user and not found.st_mode & others)
        if not (stat.S_ISDIR(found.st_mode) and is_private):
            return None
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return None
    return folder


class _Announcement(event.Listener):
    """Say once per process that it takes a while because kernels are compiled."""

    is_made = False

    def on_start(self, event: Any) -> None:
        """Hear that a function is compiled that was not in the cache."""
        if not self.is_made and _is_ours(event):
            self.is_made = True
            _logger.info(COMPILING if event.data["dispatcher"]._cache.cache_path else COMPILING_AGAIN)

    def on_end(self, event: Any) -> None:
        """Say nothing when it is done."""


class _Pause(event.Listener):
    """Let no garbage be collected while kernels are compiled.

    numba makes millions of small objects meanwhile, and to look through them again and again takes a tenth of the time.
    Its lock lets one thread compile at a time.
    """

    depth = 0
    was_enabled = False

    def on_start(self, event: Any) -> None:
        """Hear that a kernel is compiled; often within another one that calls it."""
        if _is_ours(event):
            if not self.depth:
                self.was_enabled = gc.isenabled()
                gc.disable()
            self.depth += 1

    def on_end(self, event: Any) -> None:
        """Go on as before when the outermost one is done."""
        if _is_ours(event):
            self.depth -= 1
            if not self.depth and self.was_enabled:
                gc.enable()


def _is_ours(event: Any) -> bool:
    return bool(event.data["dispatcher"].py_func.__module__.startswith(f"{__package__}."))


for listener in (_Announcement(), _Pause()):
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
