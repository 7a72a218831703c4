"""Levels become bytes, a block at a time, and are looked at for those whose byte an estimate leaves in doubt."""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types

from corruptgen.fast.block_sums import BLOCK, BYTES, BYTES_IN_WORD, FLOATS, WORDS
from corruptgen.fast.vectors import data, generated, loaded, repeated, same, store

_DOUBTS, _ALL_DOUBTS = ir.IntType(WORDS.count), ir.IntType(BLOCK)
# Levels that `store_bare_levels` looks at together for one whose byte is in doubt.
CHUNK = 32


@generated
def store_levels(context, samples, place, total, first, scale, least, most, white):  # type: ignore[no-untyped-def]
    """Store a block of sums times `scale` as bytes, and give a number whose bits say which of them are in doubt.

    Parameters
    ----------
    samples : (at least place + BLOCK,) uint8, written from `place` on
    total : float32, read from `first` on
    scale, least, most, white : float32; a level is a sum times `scale`. Its byte is the whole part of level + `least`,
        between 0 and `white`, and is in doubt if level + `most` would give another one
    """
    signature = types.uint64(samples, place, total, first, scale, least, most, white)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, *_ = data(context, builder, signature, values)
        place, first = values[1], values[3]
        scale, least, most, white = (repeated(builder, value, FLOATS) for value in values[4:])
        black = ir.Constant(FLOATS, None)

        def whole(value: Any) -> Any:
            value = builder.select(builder.fcmp_ordered(">", value, black), value, black)
            value = builder.select(builder.fcmp_ordered("<", value, white), value, white)
            return builder.fptosi(value, WORDS)

        doubts = ir.Constant(_ALL_DOUBTS, 0)
        for part in range(BYTES_IN_WORD):
            step = part * FLOATS.count
            # In two roundings: every sum over a bare disk is known to become the right byte so.
            level = builder.fmul(loaded(builder, FLOATS, source, builder.add(first, first.type(step)), 4), scale)
            low, high = whole(builder.fadd(level, least)), whole(builder.fadd(level, most))
            store(builder, builder.trunc(low, BYTES), made, builder.add(place, place.type(step)))
            doubts = _with_doubts(builder, doubts, part, low, high)
        return doubts

    return signature, code


@generated
def store_levels_of_words(context, samples, place, total, first, least, most):  # type: ignore[no-untyped-def]
    """Store a block of levels as bytes, in the order that `weigh_samples` read them in, and say if any are in doubt.

    The levels are sums of bytes by weights that add up to 1 at most, so that none is beyond black and white.

    Parameters
    ----------
    samples : (at least place + BLOCK,) uint8, written from `place` on
    total : float32, read from `first` on
    least, most : float32; a byte is the whole part of level + `least`, and in doubt if + `most` would give another one
    """
    signature = types.boolean(samples, place, total, first, least, most)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, *_ = data(context, builder, signature, values)
        place, first = values[1], values[3]
        least, most = (repeated(builder, value, FLOATS) for value in values[4:])
        words, doubts = ir.Constant(WORDS, None), ir.Constant(_ALL_DOUBTS, 0)
        for part in range(BYTES_IN_WORD):
            start = builder.add(first, first.type(part * FLOATS.count))
            level = loaded(builder, FLOATS, source, start, 4)
            low, high = (builder.fptosi(builder.fadd(level, limit), WORDS) for limit in (least, most))
            words = builder.or_(words, builder.shl(low, same(WORDS, 8 * part)))
            doubts = _with_doubts(builder, doubts, part, low, high)
        store(builder, words, made, place)
        return builder.icmp_unsigned("!=", doubts, ir.Constant(_ALL_DOUBTS, 0))

    return signature, code


def _with_doubts(builder: Any, doubts: Any, part: int, low: Any, high: Any) -> Any:
    bits = builder.zext(builder.bitcast(builder.icmp_unsigned("!=", low, high), _DOUBTS), _ALL_DOUBTS)
    return builder.or_(doubts, builder.shl(bits, _ALL_DOUBTS(part * _DOUBTS.width)))


@generated
def store_bare_levels(context, target, place, levels, first, least, most):  # type: ignore[no-untyped-def]
    """Store `CHUNK` levels, each plus `least`, as bytes; say whether plus `most` one of them would be another byte.

    Parameters
    ----------
    target : (at least place + CHUNK,) uint8, contiguous
    place : uint64, of the first byte
    levels : (at least first + CHUNK,) float32, contiguous; plus both they are more than -1 and less than 256
    first : uint64, of the first level
    least, most : float32
    """
    signature = types.boolean(target, place, levels, first, least, most)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, *_ = data(context, builder, signature, values)
        _, place, _, first, *limits = values
        floats, numbers, samples = (
            ir.VectorType(kind, CHUNK) for kind in (ir.FloatType(), ir.IntType(32), ir.IntType(8))
        )
        found = loaded(builder, floats, source, first, 4)
        low, high = (builder.fptosi(builder.fadd(found, repeated(builder, part, floats)), numbers) for part in limits)
        store(builder, builder.trunc(low, samples), made, place)
        doubts = builder.bitcast(builder.icmp_unsigned("!=", low, high), ir.IntType(CHUNK))
        return builder.icmp_unsigned("!=", doubts, ir.Constant(doubts.type, 0))

    return signature, code
