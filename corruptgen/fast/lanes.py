"""Several samples at a time, where the compiler does not find out by itself that they may go together."""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types

from corruptgen.fast.vectors import data, generated, loaded, repeated, same, store

_LANES = 4
_FLOATS = ir.VectorType(ir.FloatType(), _LANES)
_BYTES = ir.VectorType(ir.IntType(8), _LANES)
_INDICES = ir.VectorType(ir.IntType(32), _LANES)
_SUMS = ir.VectorType(ir.DoubleType(), 8)
# Sums that `weigh_block` makes at once: as many as there are registers for.
BLOCK = 4 * _SUMS.count


@generated
def blend_pixels(context, target, place, samples, first, right, below, a, b, c, d, flat):  # type: ignore[no-untyped-def]
    """Store a blend of the samples of four neighbouring pixels: (a * one + b * right) + (c * below + d * beyond).

    Each product and each sum is rounded to float32. Four samples are read of each pixel and four are stored, of which
    those that belong to the next pixel have no meaning.

    Parameters
    ----------
    target : (at least place + 4,) float32, contiguous
    place : uint64, of the first sample to be stored
    samples : (at least first + right + below + 4,) uint8, contiguous
    first : uint64, where the upper left one of the pixels begins
    right, below : uint64, samples from a pixel to the next one and from a row to the next one
    a, b, c, d : float32, the weights of the pixel, of the one on its right, of the one below and of the one beyond both
    flat : float32, added where the four samples are equal
    """
    signature = types.void(target, place, samples, first, right, below, a, b, c, d, flat)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, *_ = data(context, builder, signature, values)
        _, start, _, upper, across, down, *weights, whole = values
        lower = builder.add(upper, down)
        corners = (upper, builder.add(upper, across), lower, builder.add(lower, across))
        parts = [loaded(builder, _BYTES, source, corner) for corner in corners]
        products = [
            builder.fmul(builder.uitofp(part, _FLOATS), repeated(builder, weight, _FLOATS))
            for part, weight in zip(parts, weights, strict=True)
        ]
        total = builder.fadd(builder.fadd(*products[:2]), builder.fadd(*products[2:]))
        changes = [builder.xor(parts[0], part) for part in parts[1:]]
        is_flat = builder.icmp_unsigned(
            "==", builder.or_(builder.or_(*changes[:2]), changes[2]), ir.Constant(_BYTES, None)
        )
        total = builder.fadd(
            total, builder.select(is_flat, repeated(builder, whole, _FLOATS), ir.Constant(_FLOATS, None))
        )
        store(builder, total, made, start, 4)
        return context.get_dummy_value()

    return signature, code


@generated
def blend_corners(context, target, place, samples, corners, weights, others):  # type: ignore[no-untyped-def]
    """Store a blend of four samples from each of four places: the sum, in turn, of (sample * weight) * other weight.

    Each product and each sum is rounded to the type of the weights.

    Parameters
    ----------
    target : (at least place + 4,) float, contiguous
    place : uint64, of the first sample to be stored
    samples : (at least 4 more than the largest of the corners,) float, contiguous
    corners : four uint32, where the samples begin
    weights, others : four of one type of float
    """
    signature = types.void(target, place, samples, corners, weights, others)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, *_ = data(context, builder, signature, values)
        _, start, _, begins, *factors = values
        stored, read, computed = (
            ir.VectorType(context.get_value_type(kind), _LANES)
            for kind in (signature.args[0].dtype, signature.args[2].dtype, signature.args[4].dtype)
        )
        total = None
        for number in range(_LANES):
            begin = builder.zext(builder.extract_value(begins, number), ir.IntType(64))
            part = loaded(builder, read, source, begin, 4)
            if read != computed:
                part = builder.fpext(part, computed)
            for factor in factors:
                part = builder.fmul(part, repeated(builder, builder.extract_value(factor, number), computed))
            total = part if total is None else builder.fadd(total, part)
        if stored != computed:
            total = builder.fptrunc(total, stored)
        store(builder, total, made, start, 4)
        return context.get_dummy_value()

    return signature, code


@generated
def mean_of_pixels(context, target, place, samples, first, step, count, weight, bits):  # type: ignore[no-untyped-def]
    """Store the mean of some pixels in a row in whole numbers: their sum times `weight` / 2**`bits`, half up.

    Four samples are read of each pixel and four are stored, of which those that belong to the next one have no meaning.

    Parameters
    ----------
    target : (at least place + 4,) uint8, contiguous
    place : uint64, of the first sample to be stored
    samples : (at least first + count * step + 4,) uint8, contiguous
    first : uint64, where the first pixel begins
    step : uint64, samples from a pixel to the next one
    count : int64, of pixels
    weight, bits : uint32, such that `count` times 255 times `weight` has no more than 32 bits
    """
    signature = types.void(target, place, samples, first, step, count, weight, bits)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, *_ = data(context, builder, signature, values)
        _, start, _, begin, pixel, number, factor, shift = values
        allocated: Any = cgutils.alloca_once_value
        total = allocated(builder, ir.Constant(_INDICES, None))
        with cgutils.for_range(builder, number) as loop:
            found = loaded(builder, _BYTES, source, builder.add(begin, builder.mul(loop.index, pixel)))
            builder.store(builder.add(builder.load(total), builder.zext(found, _INDICES)), total)
        one = ir.Constant(shift.type, 1)
        half = builder.shl(one, builder.sub(shift, one))
        product = builder.mul(builder.load(total), repeated(builder, factor, _INDICES))
        mean = builder.lshr(builder.add(product, repeated(builder, half, _INDICES)), repeated(builder, shift, _INDICES))
        white = same(_INDICES, 255)
        mean = builder.select(builder.icmp_unsigned("<", mean, white), mean, white)
        store(builder, builder.trunc(mean, _BYTES), made, start)
        return context.get_dummy_value()

    return signature, code


@generated
def copy_pixel(context, target, place, samples, first):  # type: ignore[no-untyped-def]
    """Copy four samples from `first` on to where `target` has `place`: a pixel, and some of the next one."""
    signature = types.void(target, place, samples, first)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, _ = data(context, builder, signature, values)
        _, start, _, begin = values
        store(builder, loaded(builder, _BYTES, source, begin), made, start)
        return context.get_dummy_value()

    return signature, code


@generated
def weigh_block(context, target, start, samples, offsets, half_kernel):  # type: ignore[no-untyped-def]
    """Store `BLOCK` sums of samples weighed by a symmetric kernel: the centre first, then pairs from the outside in.

    That is scipy's order. The sums stay in registers until they are done.

    Parameters
    ----------
    target : (at least start + BLOCK,) float64, contiguous
    start : int64, of the first sum to be stored
    samples : float64, contiguous
    offsets : (2 * reach + 1,) int64, where the sample of each weight lies, for the sum number 0
    half_kernel : (reach + 1,) float64, from the centre outwards
    """
    signature = types.void(target, start, samples, offsets, half_kernel)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        made, _, source, places, weights = data(context, builder, signature, values)
        start, one = values[1], ir.Constant(values[1].type, 1)
        half = context.make_array(signature.args[4])(context, builder, values[4])
        reach = builder.sub(builder.extract_value(half.shape, 0), one)

        def block_at(place: Any) -> list[Any]:
            first = builder.add(builder.load(builder.gep(places, [place])), start)
            steps = range(0, BLOCK, _SUMS.count)
            return [loaded(builder, _SUMS, source, builder.add(first, first.type(step)), 8) for step in steps]

        def weight_at(place: Any) -> Any:
            weight = builder.load(builder.gep(weights, [place]))
            return repeated(builder, weight, _SUMS)

        allocated: Any = cgutils.alloca_once
        totals = [allocated(builder, _SUMS) for _ in range(0, BLOCK, _SUMS.count)]
        centre = weight_at(ir.Constant(reach.type, 0))
        for total, part in zip(totals, block_at(reach), strict=True):
            builder.store(builder.fmul(part, centre), total)
        with cgutils.for_range(builder, reach) as loop:
            pairs = zip(block_at(loop.index), block_at(builder.sub(builder.add(reach, reach), loop.index)), strict=True)
            weight = weight_at(builder.sub(reach, loop.index))
            for total, (left, right) in zip(totals, pairs, strict=True):
                product = builder.fmul(builder.fadd(left, right), weight)
                builder.store(builder.fadd(builder.load(total), product), total)
        for number, total in enumerate(totals):
            place = builder.add(start, ir.Constant(start.type, number * _SUMS.count))
            store(builder, builder.load(total), made, place, 8)
        return context.get_dummy_value()

    return signature, code
