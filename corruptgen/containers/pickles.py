"""Pickles of plain values and arrays, read without running anything: what asks for more is refused by name."""

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import SourceError

# What makes objects in other ways than arrays are made, or takes them from outside; no plain value needs it.
REFUSED = frozenset(
    (
        "EXT1",
        "EXT2",
        "EXT4",
        "PERSID",
        "BINPERSID",
        "INST",
        "OBJ",
        "NEWOBJ",
        "NEWOBJ_EX",
        "NEXT_BUFFER",
        "READONLY_BUFFER",
    )
)
PUTS = ("PUT", "LONG_BINPUT")
MOST_NOTED = 1 << 20  # values that a pickle may refer to again
TYPES = ("u1", "|u1", "uint8")


@dataclass
class _Array:
    """What a pickle states about an array, of which numpy makes nothing before it is checked."""

    shape: Any = None
    dtype: Any = None
    content: Any = None
    is_fortran: Any = False

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.dtype, self.is_fortran, self.content = state


def load_pickle(content: bytes, name: str) -> Any:
    """Load a pickle of plain values and uint8 arrays, as Python 2 or 3 wrote it; texts of Python 2 are bytes.

    Raises
    ------
    SourceError
        If it is damaged, or asks for any function or class but numpy's own for arrays, which is not called either.
    """
    try:
        _check_opcodes(content, name)
        return _arrays(_Restricted(io.BytesIO(content), name).load(), name, 0)
    except (SourceError, MemoryError):
        raise
    # Damaged pickles make the parser raise any kind of error.
    except Exception as error:
        raise SourceError(f"{name} is damaged: it is no whole pickle") from error


def _check_opcodes(content: bytes, name: str) -> None:
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in REFUSED:
            raise SourceError(f"{name} is a pickle that asks for more than plain values ({opcode.name}); it is refused")
        # The parser makes room for as many as the largest number says.
        if opcode.name in PUTS and int(argument or 0) > MOST_NOTED:
            raise SourceError(f"{name} is damaged: it notes value {argument}")


class _Restricted(pickle.Unpickler):
    """An unpickler that has stand-ins for what arrays are made by, and nothing else."""

    def __init__(self, file: io.BytesIO, name: str) -> None:
        super().__init__(file, encoding="bytes")
        self.name = name
        self.stand_ins = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a function or class, or refuse the pickle."""
        module = module.replace("numpy._core", "numpy.core")
        if (module, name) not in self.stand_ins:
            raise SourceError(
                f"{self.name} is a pickle that asks for {module}.{name}, which could run any code; it is refused"
            )
        return self.stand_ins[module, name]


def _stand_ins() -> dict[tuple[str, str], Callable[..., Any]]:
    """Make stand-ins of a pickle's own: it could change them."""

    class Dtype:
        def __init__(self, text: Any, *_: Any) -> None:
            self.text = text

        def __setstate__(self, state: Any) -> None:
            """Take the byte order and alignment, which bytes do not have."""

    def array(*_: Any) -> _Array:
        return _Array()

    def from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> _Array:
        return _Array(shape, dtype, content, order != "C")

    def encode(text: Any, coding: Any) -> bytes:
        return str(text).encode("latin-1")

    return {
        ("numpy.core.multiarray", "_reconstruct"): array,
        ("numpy.core.numeric", "_frombuffer"): from_buffer,
        ("numpy", "ndarray"): lambda *_: None,
        ("numpy", "dtype"): Dtype,
        # How Python 3 writes bytes in the old form.
        ("_codecs", "encode"): encode,
    }


def _arrays(value: Any, name: str, depth: int) -> Any:
    """Put arrays in the place of what a pickle states about them, in a mapping and its values."""
    if isinstance(value, dict) and depth == 0:
        return {_text(key): _arrays(inner, name, depth + 1) for key, inner in value.items()}
    return _array(value, name) if isinstance(value, _Array) else value


def _array(found: _Array, name: str) -> NDArray[np.uint8]:
    text = _text(getattr(found.dtype, "text", None))
    shape = found.shape
    content = found.content.encode("latin-1") if isinstance(found.content, str) else found.content
    content = bytes(content) if isinstance(content, bytearray) else content
    if text not in TYPES or found.is_fortran or not isinstance(shape, tuple) or not isinstance(content, bytes):
        raise SourceError(f"{name} holds an array of another kind than uint8 in the order of C")
    if not all(type(side) is int and side >= 0 for side in shape) or math.prod(shape) != len(content):
        raise SourceError(f"{name} is damaged: an array of shape {shape} has {len(content)} bytes")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
