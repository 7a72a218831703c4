"""Sums of samples in float32, a block at a time that stays in registers until it is done: what estimates are made of.

A block of bytes is read as words of four. Its sums lie in the order that needs no shuffling: those of the first bytes
of all words, then those of the second ones, and so on; `store_levels_of_words` puts them right again.

A processor that can multiplies and adds in one rounding instead of two: an estimate has a margin for either.
Arrays are contiguous and reach far enough for whole blocks, whose surplus has no meaning.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types

from corruptgen.fast.vectors import data, generated, loaded, repeated, same, store

# Sums that are made at once, in four parts: they fit into the registers of every processor.
BLOCK = 64
BYTES_IN_WORD = 4
# What is done at once of what is done in pieces.
PIECE = BLOCK // BYTES_IN_WORD
WORDS = ir.VectorType(ir.IntType(32), PIECE)
FLOATS = ir.VectorType(ir.FloatType(), WORDS.count)
BYTES = ir.VectorType(ir.IntType(8), WORDS.count)
_HALVES = ir.VectorType(ir.IntType(16), 2 * WORDS.count)
_HALF_FLOATS = ir.VectorType(ir.FloatType(), _HALVES.count)
_MAY_FUSE = ("contract",)


@generated
def weigh_samples(context, total, into, samples, first, places, start, weights):  # type: ignore[no-untyped-def]
    """Store a block of sums of samples, each times its weight, in their order.

    Parameters
    ----------
    total : (at least into + BLOCK,) float32, written from `into` on
    samples : uint8, in whose blocks sums come out of order, or float32
    places : int64, from `start` on where the samples of each weight begin, counted from `first`
    weights : float32
    """
    return _weighing(False, total, into, samples, first, places, start, weights)


@generated
def weigh_pairs(context, total, into, samples, first, places, start, weights):  # type: ignore[no-untyped-def]
    """Do what `weigh_samples` does with sums of two samples, of which one lies at the first places, one at the last.

    There are 2 * weights.size - 1 places: the last weight belongs to the middle one, which is taken twice.
    """
    return _weighing(True, total, into, samples, first, places, start, weights)


@generated
def blend_neighbours(context, target, into, samples, first, step, weights, start):  # type: ignore[no-untyped-def]
    """Store `PIECE` sums in order: a byte, and the difference to the one `step` further on times a weight.

    Parameters
    ----------
    target : (at least into + PIECE,) float32, written from `into` on
    samples : (at least first + step + PIECE,) uint8, read from `first` on
    weights : (at least start + PIECE,) float32, read from `start` on
    """
    signature = types.void(target, into, samples, first, step, weights, start)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, _, _, shares, _ = data(context, builder, signature, values)
        _, into, _, first, step, _, start = values
        near, far = (
            builder.uitofp(loaded(builder, BYTES, source, place, 1), FLOATS)
            for place in (first, builder.add(first, step))
        )
        product = builder.fmul(builder.fsub(far, near), loaded(builder, FLOATS, shares, start, 4), flags=_MAY_FUSE)
        store(builder, builder.fadd(near, product, flags=_MAY_FUSE), made, into)
        return context.get_dummy_value()

    return signature, code


def _weighing(in_pairs: bool, *arguments: Any) -> tuple[Any, Any]:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, _, wheres, _, shares = data(context, builder, signature, values)
        into, first, start = values[1], values[3], values[5]
        added = _added_bytes if signature.args[2].dtype == types.uint8 else _added_floats
        count = builder.extract_value(context.make_array(signature.args[6])(context, builder, values[6]).shape, 0)
        allocated: Any = cgutils.alloca_once_value
        totals = [allocated(builder, ir.Constant(FLOATS, None)) for _ in range(BYTES_IN_WORD)]
        with cgutils.for_range(builder, count) as loop:
            numbers = [builder.add(loop.index, start)]
            if in_pairs:
                last = builder.sub(builder.add(count, count), count.type(2))
                numbers.append(builder.add(builder.sub(last, loop.index), start))
            found = [builder.add(builder.load(builder.gep(wheres, [number])), first) for number in numbers]
            weight = repeated(builder, builder.load(builder.gep(shares, [loop.index])), FLOATS)
            for total, value in zip(totals, added(builder, source, found), strict=True):
                product = builder.fmul(value, weight, flags=_MAY_FUSE)
                builder.store(builder.fadd(builder.load(total), product, flags=_MAY_FUSE), total)
        for part, total in enumerate(totals):
            store(builder, builder.load(total), made, builder.add(into, into.type(part * FLOATS.count)))
        return context.get_dummy_value()

    return types.void(*arguments), code


def _added_bytes(builder: Any, source: Any, places: Sequence[Any]) -> list[Any]:
    """Give the sums of up to 256 blocks of bytes as four vectors: first bytes of words, second ones and so on."""
    found = [loaded(builder, _HALVES, source, place, 1) for place in places]
    even = [builder.and_(halves, same(_HALVES, 0xFF)) for halves in found]
    odd = [builder.lshr(halves, same(_HALVES, 8)) for halves in found]
    sums = [builder.bitcast(_added(builder.add, parts), WORDS) for parts in (even, odd)]
    low = [builder.and_(words, same(WORDS, 0xFFFF)) for words in sums]
    high = [builder.lshr(words, same(WORDS, 16)) for words in sums]
    return [builder.sitofp(words, FLOATS) for words in (*low, *high)]


def _added_floats(builder: Any, source: Any, places: Sequence[Any]) -> list[Any]:
    steps = [part * FLOATS.count for part in range(BYTES_IN_WORD)]
    parts = [[loaded(builder, FLOATS, source, builder.add(p, p.type(step)), 4) for p in places] for step in steps]
    return [_added(builder.fadd, part) for part in parts]


@generated
def add_moves(context, target, into, before, samples, first, places, start, entering, leaving):  # type: ignore[no-untyped-def]
    """Store a block of sums in order: those `before`, and what bytes add to them that enter, less those that leave.

    Parameters
    ----------
    target : int16 or float32, written from `into` on and read from `before` on
    samples : uint8
    places : int64, from `start` on where the bytes that enter begin, and then those that leave, counted from `first`
    entering, leaving : how many of the places are of either kind; what they add is less than 2**15
    """
    signature = types.void(target, into, before, samples, first, places, start, entering, leaving)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, _, source, _, wheres, *_ = data(context, builder, signature, values)
        _, into, before, _, first, _, start, entering, leaving = values
        changes = _changes(builder, source, first, wheres, start, entering, leaving, True)
        for part, change in enumerate(changes):
            step = into.type(part * _HALVES.count)
            if signature.args[0].dtype == types.int16:
                earlier = loaded(builder, _HALVES, made, builder.add(before, step), 2)
                total = builder.add(earlier, change)
            else:
                earlier = loaded(builder, _HALF_FLOATS, made, builder.add(before, step), 4)
                total = builder.fadd(earlier, builder.sitofp(change, _HALF_FLOATS))
            store(builder, total, made, builder.add(into, step))
        return context.get_dummy_value()

    return signature, code


@generated
def add_weighed(context, total, into, keep, numbers, first, places, start, added, subtracted, weight):  # type: ignore[no-untyped-def]
    """Add a block of differences of sums of whole numbers, times a weight, to what there is, or to nothing.

    Parameters
    ----------
    total : float32, written from `into` on; if `keep` is true, what lies there is added to
    numbers : int16
    places : int64, from `start` on where the numbers to be added begin, and then the others, counted from `first`
    added, subtracted : how many of the places are of either kind; the sums are less than 2**15
    """
    signature = types.void(total, into, keep, numbers, first, places, start, added, subtracted, weight)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, _, source, _, wheres, *_ = data(context, builder, signature, values)
        _, into, keep, _, first, _, start, added, subtracted, weight = values
        nothing = ir.Constant(_HALF_FLOATS, None)
        share = repeated(builder, weight, _HALF_FLOATS)
        for part, change in enumerate(_changes(builder, source, first, wheres, start, added, subtracted, False)):
            place = builder.add(into, into.type(part * _HALVES.count))
            earlier = builder.select(keep, loaded(builder, _HALF_FLOATS, made, place, 4), nothing)
            product = builder.fmul(builder.sitofp(change, _HALF_FLOATS), share, flags=_MAY_FUSE)
            store(builder, builder.fadd(earlier, product, flags=_MAY_FUSE), made, place)
        return context.get_dummy_value()

    return signature, code


def _changes(
    builder: Any, source: Any, first: Any, wheres: Any, start: Any, added: Any, subtracted: Any, of_bytes: bool
) -> list[Any]:
    """Give the halves of a block of sums of whole numbers at some places, less those at others."""
    allocated: Any = cgutils.alloca_once_value
    sums = [allocated(builder, ir.Constant(_HALVES, None)) for _ in range(2)]
    for begin, count, add in ((start, added, builder.add), (builder.add(start, added), subtracted, builder.sub)):
        with cgutils.for_range(builder, count) as loop:
            place = builder.add(builder.load(builder.gep(wheres, [builder.add(begin, loop.index)])), first)
            found = [loaded(builder, _HALVES, source, place, 1)]
            if of_bytes:
                # The first sum is that of both bytes, and holds what is left of it in 16 bits.
                found.append(builder.lshr(found[0], same(_HALVES, 8)))
            else:
                found.append(loaded(builder, _HALVES, source, builder.add(place, place.type(_HALVES.count)), 1))
            for total, numbers in zip(sums, found, strict=True):
                builder.store(add(builder.load(total), numbers), total)
    one, other = (builder.load(total) for total in sums)
    if not of_bytes:
        return [one, other]
    even = builder.sub(one, builder.shl(other, same(_HALVES, 8)))
    order = [number + side for number in range(_HALVES.count) for side in (0, _HALVES.count)]
    kind = ir.VectorType(ir.IntType(32), _HALVES.count)
    halves = (order[: _HALVES.count], order[_HALVES.count :])
    return [builder.shuffle_vector(even, other, ir.Constant(kind, half)) for half in halves]


def _added(add: Any, parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = add(total, part)
    return total
