"""A word to the processor about the memory that will be read next."""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types

from corruptgen.fast.vectors import data, generated

# Bytes that come from memory together.
CACHE_LINE = 64

# Of LLVM's prefetch: to read, to keep as near as can be, data.
_READ, _NEAR, _DATA = (ir.Constant(ir.IntType(32), number) for number in (0, 3, 1))


@generated
def prefetch(context, samples, place):  # type: ignore[no-untyped-def]
    """Have the sample at a place of a contiguous array, and those in its cache line, brought near; change nothing."""
    signature = types.void(samples, place)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, _ = data(context, builder, signature, values)
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function_of: Any = cgutils.get_or_insert_function
        word = function_of(builder.module, kind, "llvm.prefetch.p0i8")
        address = builder.bitcast(builder.gep(source, [values[1]]), pointer)
        builder.call(word, [address, _READ, _NEAR, _DATA])
        return context.get_dummy_value()

    return signature, code
