"""Interactive code: the digest of a function that was typed into a notebook or script, with what it uses from there."""

import hashlib
import inspect
import pickle
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from corruptgen.errors import DeclarationError
from corruptgen.runtime.provenance import Sources, version_of

PLAIN = (int, float, complex, str, bytes, bool, type(None))


def code_digest(function: Callable[..., Any]) -> str:
    """Compute the sha256 of a function's source, and of whatever it uses: functions, classes, values, modules.

    Raises
    ------
    DeclarationError
        If a source cannot be read.
    """
    # Other modules are read as they are now: a notebook may have loaded them again.
    found: dict[str, str] = {}
    _note(function, "", found, Sources())
    lines = "".join(f"{name} {found[name]}\n" for name in sorted(found))
    return hashlib.sha256(lines.encode()).hexdigest()


def _note(thing: Any, name: str, found: dict[str, str], sources: Sources) -> None:
    """Write down what is known about something that a function uses, and about what that uses in turn."""
    # What compiles a function keeps it, and so does what wraps it.
    function = getattr(inspect.unwrap(thing) if callable(thing) else thing, "py_func", thing)
    key = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', name)}"
    if isinstance(function, FunctionType | type):
        if not _is_typed(function.__module__):
            found.setdefault(f"module {function.__module__}", _module_digest(function.__module__, sources))
        elif key not in found:
            found[key] = _text_digest(function)
            for used, value in _uses(function):
                _note(value, f"{key} {used}", found, sources)
    elif isinstance(function, ModuleType):
        found[f"module {function.__name__}"] = _module_digest(function.__name__, sources)
    else:
        found[name] = _value_digest(function)


def _is_typed(module: str) -> bool:
    """Check whether what is defined in a module is looked at piece by piece: in a script, much else may change."""
    return module == "__main__" or not hasattr(sys.modules.get(module), "__file__")


def _module_digest(name: str, sources: Sources) -> str:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return ""
    within = sources.kin("__main__")
    return sources.digest(name, within=within) if top in within else version_of(top)


def _text_digest(function: FunctionType | type) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        if isinstance(function, type):
            # Before Python 3.13 the text of a class is only found in files, that of its methods in notebooks too.
            parts = {name: value for name, value in vars(function).items() if not name.startswith("__")}
            methods = (value for value in vars(function).values() if isinstance(value, FunctionType))
            return " ".join([*sorted(parts), *map(_text_digest, methods)])
        raise DeclarationError(
            f"the source of {function.__qualname__} cannot be read; write it into a cell of a notebook or into a file"
        ) from error
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def _uses(function: FunctionType | type) -> Iterator[tuple[str, Any]]:
    """List what a function takes from around it, or what the methods of a class do."""
    if isinstance(function, type):
        for name, value in vars(function).items():
            if isinstance(value, FunctionType):
                yield from _uses(value)
            elif isinstance(value, PLAIN) and not name.startswith("__"):
                yield name, value
        return
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _names(code: CodeType) -> set[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


def _value_digest(value: Any) -> str:
    if isinstance(value, PLAIN):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype.str} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    try:
        return hashlib.sha256(pickle.dumps(value, protocol=5)).hexdigest()
    except (TypeError, AttributeError, pickle.PicklingError):
        return type(value).__qualname__
