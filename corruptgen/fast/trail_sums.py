"""Sums of bytes along a trail: estimates in float32, and in float64 whole blocks of those that are in doubt."""

import numpy as np

from corruptgen.compilation import njit, part_of_kernel
from corruptgen.fast.block_levels import store_levels_of_words
from corruptgen.fast.block_sums import BLOCK, weigh_samples
from corruptgen.fast.doubts import byte_of
from corruptgen.ops.borders import extend_row


@njit(cache=True, nogil=True, error_model="numpy")
def smear_blocks(  # type: ignore[no-untyped-def]
    result,
    bordered,
    estimates,
    totals,
    places,
    rows,
    channels,
    down,
    right,
    norm,
    weights,
    shares,
    margin,
    half,
    level,
    carry,
    ends_outside,
):
    """Smear an (H, W * C) image; outside lie the outermost samples.

    Parameters
    ----------
    result : (H * W * C + BLOCK,) uint8, written
    bordered, estimates, totals, places : scratch
    down, right, norm : as of `trail_direction`
    """
    height, size = rows.shape
    width = size // channels
    # Once the samples' places are known, those from the end of the trail on take the place of the steps.
    steps_down, steps_right = places[weights.size :], places[2 * weights.size :]
    taps = lay_trail(steps_down, steps_right, weights.size, down, right, norm, height, width, ends_outside)
    # The trail goes to one side only.
    last_row, last_column = steps_down[taps - 1], steps_right[taps - 1]
    top, left = max(-last_row, 0), max(-last_column, 0)
    border = left * channels
    pitch = size + abs(last_column) * channels
    for j in range(height + abs(last_row)):
        row = rows[min(max(j - top, 0), height - 1)]
        extend_row(bordered, j * pitch, border, row, pitch - size - border, channels)
    for i in range(taps):
        places[i] = (top + steps_down[i]) * pitch + (left + steps_right[i]) * channels
    # From the end of the trail to its start.
    for i in range(taps):
        places[weights.size + i] = places[taps - 1 - i]
    shares = shares[weights.size - taps :]
    least, most = np.float32(half - margin), np.float32(half + margin)
    for y in range(height):
        for start in range(0, size, BLOCK):
            first = y * pitch + start
            weigh_samples(estimates, 0, bordered, first, places, weights.size, shares)
            if store_levels_of_words(result, y * size + start, estimates, 0, least, most):
                _add_block(totals, bordered, first, places, weights, taps)
                for x in range(BLOCK):
                    result[y * size + start + x] = _byte(totals[x], half, level, carry)


@part_of_kernel
def lay_trail(steps_down, steps_right, length, down, right, norm, height, width, ends_outside):  # type: ignore[no-untyped-def]
    """Store the steps of a trail as `trail_offsets` gives them, and say how many: all, or up to where they lead out."""
    # Unlike a plain number, it is of the type that sums of it are of, so that what takes it is compiled once.
    taps = np.int64(0)
    while taps < length:
        below, beside = np.int64(np.ceil(taps * down / norm - 0.5)), np.int64(np.ceil(taps * right / norm - 0.5))
        if ends_outside and (abs(below) >= height or abs(beside) >= width):
            break
        steps_down[taps], steps_right[taps] = below, beside
        taps += 1
    return taps


@part_of_kernel
def _add_block(totals, samples, first, places, weights, taps):  # type: ignore[no-untyped-def]
    """Add up a block in the order of the trail."""
    for x in range(BLOCK):
        totals[x] = 0
    for i in range(taps):
        place, weight = np.uint64(first + places[i]), weights[i]
        for x in range(np.uint64(BLOCK)):
            totals[x] += weight * samples[place + x]


@part_of_kernel
def _byte(total, half, level, carry):  # type: ignore[no-untyped-def]
    """Store a sum of grey levels as a table has it, or one of quanta as ImageMagick does."""
    if level == 1:
        return byte_of(total, half)
    total = total + 0.5 if total > -0.5 else 0.0
    quanta = np.int64(total if total < 65535.0 else 65535.0)
    return np.uint8((quanta + carry) // level)
