"""The switch between fast paths and formulas: both give the same pixels, and the formulas are what is promised."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from corruptgen.errors import ArgumentError

# Environment variable: 0 ignores all fast paths of the process and of its workers.
FAST_VARIABLE = "CORRUPTGEN_FAST"

_formulas_only: ContextVar[bool] = ContextVar("formulas_only", default=False)


@contextmanager
def formulas_only() -> Iterator[None]:
    """Compute every corruption by its formula within the context, in this thread."""
    token = _formulas_only.set(True)
    try:
        yield
    finally:
        _formulas_only.reset(token)


def uses_fast_paths() -> bool:
    """Return whether fast paths are taken where there are some."""
    return _are_enabled() and not _formulas_only.get()


@lru_cache(maxsize=1)
def _are_enabled() -> bool:
    """Read the environment once per process: to ask it for every image takes as long as a small corruption."""
    value = os.environ.get(FAST_VARIABLE, "1")
    if value not in ("0", "1"):
        raise ArgumentError(f"{FAST_VARIABLE} is {value!r}; set it to 0 to compute by formulas alone, or to 1")
    return value == "1"
