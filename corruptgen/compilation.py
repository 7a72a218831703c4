"""Kernels are compiled when they are first called, and kept for the next process wherever something can be kept."""

import gc
import hashlib
import inspect
import logging
import os
import pickle
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any

import llvmlite  # type: ignore[import-untyped]  # has no types
import numba
import numpy
from numba.core import event
from numba.extending import register_jitable

from corruptgen.runtime.provenance import LOADED

COMPILING = "compiling kernels for this machine, which is done once"
COMPILING_AGAIN = (
    "compiling kernels, which cannot be kept: no cache folder can be written; NUMBA_CACHE_DIR may name one that can"
)

DIGEST_BYTES = hashlib.sha256().digest_size

# What numba reads when it chooses a cache.
_config: Any = numba.config
_logger = logging.getLogger(__name__)


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile as `numba.njit` does, and keep the machine code for as long as it is that of today's sources.

    It is kept where numba keeps it: in NUMBA_CACHE_DIR, beside the module or in the user's cache. Where none of them
    can be written it is kept in a private folder among the temporary files, or else in this process alone.

    With NUMBA_DISABLE_JIT=1 the functions stay Python, and give the same results slowly.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        if _config.DISABLE_JIT:
            return _in_python(function)
        kernel = numba.njit(**options)(function)
        if cache:
            _keep(kernel)
        return kernel

    return compiled


def part_of_kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Let kernels call a function, which becomes a part of them; Python calls it as it is written."""
    register: Any = register_jitable(**({"error_model": "numpy"} | options))
    return register if function is None else register(function)


def _in_python(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let whole numbers wrap around without a warning, as they do in machine code."""

    @wraps(function)
    def run(*arguments: Any) -> Any:
        with numpy.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return function(*arguments)

    return run


@dataclass(frozen=True)
class _Files:
    """The files that a kernel is kept in: one for each signature and processor, which begins with its digest.

    numba numbers the files of a kernel in an index. Two processes that compile it for two signatures at the same time
    take the same number, and who loads one of them later runs the machine code of the other. A power cut or a full disk
    leaves files that are half written, or full of zeros, and numba runs what it can read.
    """

    numbered: Any
    """Those of numba, in a folder that no other kernel uses."""

    def load(self, key: object) -> Any:
        """Load what was compiled; None if it was not, or is not whole."""
        try:
            with open(self._path(key), "rb") as file:
                digest, content = file.read(DIGEST_BYTES), file.read()
        except OSError:
            return None
        if hashlib.sha256(content).digest() != digest:
            return None
        return pickle.loads(content)  # noqa: S301 - numba keeps code so; what is not in a folder of the user's is not read

    def save(self, key: object, data: object) -> None:
        """Write what was compiled, whole or not at all."""
        content = self.numbered._dump(data)
        with self.numbered._open_for_write(self._path(key)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _path(self, key: object) -> str:
        """Return the file of a signature and processor: their texts are the same in every process."""
        number = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:6])
        return str(self.numbered._data_path(self.numbered._data_name(number)))


@dataclass(frozen=True)
class _Kept:
    """In the place of a kernel's cache, so that nothing about it stops a build: at worst it is compiled again."""

    cache: Any
    """That of numba, in a folder that no other kernel uses."""

    @property
    def cache_path(self) -> str:
        """The folder, which numba asks for and `_Announcement` too."""
        return str(self.cache.cache_path)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Load what was compiled for a signature; None if it was not, or cannot be trusted."""
        try:
            return self.cache.load_overload(signature, context)
        # Whatever is wrong with the file, the answer is to compile again.
        except Exception as error:
            _logger.debug("a kept kernel cannot be read: %s", type(error).__name__)
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled for a signature, if the disk takes it."""
        try:
            self.cache.save_overload(signature, compiled)
        except OSError as error:
            _logger.debug("a kernel cannot be kept: %s", error.strerror)


def _keep(kernel: Any) -> None:
    """Keep a kernel in a folder that is named by all that its machine code follows from.

    numba looks at the kernel's own file alone, and at the processor: after a change in what is compiled into a kernel
    from another module it would go on with the old machine code.
    """
    function = kernel.py_func
    place = inspect.getfile(function)
    # What comes out of an archive is kept nowhere: there, too, numba looks at the kernel's own part alone.
    folder = _folder(place, kernel) if os.path.exists(place) else None
    if folder is not None:
        made_of = f"{function.__module__}.{function.__qualname__} {_made_of(function.__module__)}"
        name = hashlib.sha256(made_of.encode()).hexdigest()[:16]
        with _configured(CACHE_DIR=os.path.join(folder, "kernels", name)):
            kernel.enable_caching()
        cache = kernel._cache
        cache._cache_file = _Files(cache._cache_file)
        kernel._cache = _Kept(cache)


@lru_cache(maxsize=1024)
def _made_of(module: str) -> str:
    """Compute the digest of what the kernels of a module are made of, from what was there when it was loaded."""
    sources = LOADED.digest(module, within=LOADED.kin(module))
    made_by = (sources, numba.__version__, llvmlite.__version__, numpy.__version__)
    return hashlib.sha256(" ".join(made_by).encode()).hexdigest()


_chosen: dict[tuple[str, str], str | None] = {}


def _folder(place: str, kernel: Any) -> str | None:
    """Choose where kernels of the module at `place` are kept: where numba would keep them, or else our own folder."""
    asked = (os.path.dirname(place), str(_config.CACHE_DIR))
    if asked not in _chosen:
        try:
            kernel.enable_caching()
            _chosen[asked] = str(kernel._cache.cache_path)
        except RuntimeError:
            # numba knows no folder that can be written.
            _chosen[asked] = _private_folder()
    return _chosen[asked]


@contextmanager
def _configured(**settings: Any) -> Iterator[None]:
    """Let numba follow other settings meanwhile, for our kernels only."""
    before = {name: getattr(_config, name) for name in settings}
    try:
        for name, value in settings.items():
            setattr(_config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(_config, name, value)


@lru_cache(maxsize=1)
def _private_folder() -> str | None:
    """Return a folder among the temporary files that no other user can write: its files are executed."""
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
    """Return once per process that it takes a while because kernels are compiled."""

    is_made = False

    def on_start(self, event: Any) -> None:
        """Hear that a function is compiled that was not in the cache."""
        if not self.is_made and _is_ours(event):
            self.is_made = True
            _logger.info(COMPILING if event.data["dispatcher"]._cache.cache_path else COMPILING_AGAIN)

    def on_end(self, event: Any) -> None:
        """Return nothing when it is done."""


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
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]  # numba has no types
