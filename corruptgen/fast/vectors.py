"""Vectors of samples in code for LLVM: how they are read and written by what numba cannot say."""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

# numba's word for a function of which LLVM's code is given; it takes one argument less than it is written with.
generated: Any = intrinsic


def data(context: Any, builder: Any, signature: Any, values: Any) -> list[Any]:
    """Give where the arrays among the arguments begin, and None for the others."""
    return [
        context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else None
        for kind, value in zip(signature.args, values, strict=True)
    ]


def loaded(builder: Any, kind: Any, source: Any, place: Any, alignment: int = 1) -> Any:
    """Read a vector from an array, from a place on that is a multiple of `alignment` bytes."""
    vector = builder.load(builder.bitcast(builder.gep(source, [place]), kind.as_pointer()))
    vector.align = alignment
    return vector


def store(builder: Any, vector: Any, target: Any, place: Any, alignment: int = 1) -> None:
    """Write a vector into an array, from a place on that is a multiple of `alignment` bytes."""
    stored = builder.store(vector, builder.bitcast(builder.gep(target, [place]), vector.type.as_pointer()))
    stored.align = alignment


def same(kind: Any, value: int) -> Any:
    """Give a vector of one number that is known now."""
    return ir.Constant(kind, [value] * kind.count)


def repeated(builder: Any, value: Any, kind: Any) -> Any:
    """Give a vector of one number that is known when the kernel runs."""
    nothing = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(single, nothing, same(ir.VectorType(ir.IntType(32), kind.count), 0))
