"""Fog: the clouds of `corruptgen.patterns.fields.plasma` octave by octave, and the veil that they are."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.natural.fog import fog
from corruptgen.declare import fused
from corruptgen.fast.bounds import byte_of
from corruptgen.fast.fractions import fraction_of, parts_of_a_level
from corruptgen.fast.scratch import scratch_array
from corruptgen.patterns.fields import FIRST_WOBBLE, power_of_two
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream

# Rows of a power of two would all lie in the same lines of the processor's cache; one place more is for the first
# column, which comes again after the last one.
_GAP = 8
_TO_FRACTION = 2.0**-32
COLOURS = 3
_PARTS = parts_of_a_level("float64")


@fused(fog)
def _fog(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, *, thickness: float, roughness: float
) -> NDArray[np.uint8] | None:
    if arithmetic.precision != "float64" or thickness <= 0:
        return None
    height, width, channels = image.shape
    side = power_of_two(max(height, width))
    half_side = max(side // 2, 1)
    whole, part = side * (side + _GAP), half_side * (half_side + _GAP)
    memory = scratch_array("float64", whole + 2 * part)
    field = memory[:whole].reshape(side, -1)
    # The clouds of the octaves before the last one, and what is drawn between their places.
    coarse, squares = memory[whole : whole + 2 * part].reshape(2, half_side, -1)
    words = scratch_array("uint32", 3 * max(WORDS_PER_BLOCK, half_side * half_side))
    _draw_cloud(field, coarse, squares, words, rng.skip(_words_of_a_cloud(side)), float(roughness))
    result = np.empty(image.shape, np.uint8)
    pixels = image.reshape(height, width, channels)
    brightest = float(arithmetic.units[image.max()])
    cloud = field[:, :side]
    lowest, highest = float(cloud.min()), float(cloud.max())
    _fill(result, pixels, cloud, (min(lowest, 0.0), max(highest, 0.0)), brightest, float(thickness), arithmetic.half)
    return result


def _words_of_a_cloud(side: int) -> int:
    """Count the words that `plasma` takes: three draws per place and octave, each in whole blocks."""
    # The first octave has one place, each of the others four times as many as the one before.
    return 3 * (WORDS_PER_BLOCK - 1 + (side * side - 1) // 3) if side > 1 else 0


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_cloud(field, coarse, squares, words, origin, roughness):
    """Draw what `plasma` draws, but neither moved to 0 nor scaled.

    Every octave makes a finer cloud in an array of its own, instead of at places that lie ever nearer to each other.
    """
    key, counter, block = origin
    # The number of octaves is such that the last one is made in `field`.
    corners, finer = field, coarse
    octaves = 0
    while (1 << octaves) < field.shape[0]:
        octaves += 1
        corners, finer = finer, corners
    corners[0, :2] = 0.0
    wobble = FIRST_WOBBLE
    for octave in range(octaves):
        count = 1 << octave
        low, step = -wobble, (wobble - -wobble) * _TO_FRACTION
        draws = count * count if octave else WORDS_PER_BLOCK
        fill_words(words[: 3 * draws], key, counter, block)
        block += 3 * draws // WORDS_PER_BLOCK
        # The first column comes again after the last one, and the last one of the squares before their first one.
        for y in range(count):
            row, below, target = corners[y], corners[(y + 1) % count], squares[y]
            mine = words[y * count : (y + 1) * count]
            for x in range(count):
                total = (row[x] + below[x]) + (row[x + 1] + below[x + 1])
                target[x + 1] = total / 4 + wobble * (low + step * mine[x])
            target[0] = target[count]
        for y in range(count):
            row, below, here, above = corners[y], corners[(y + 1) % count], squares[y], squares[(y - 1) % count]
            even, odd = finer[2 * y], finer[2 * y + 1]
            mine = words[draws + y * count : draws + (y + 1) * count]
            others = words[2 * draws + y * count : 2 * draws + (y + 1) * count]
            for x in range(count):
                total = (here[x + 1] + above[x + 1]) + (row[x] + row[x + 1])
                even[2 * x] = row[x]
                even[2 * x + 1] = total / 4 + wobble * (low + step * mine[x])
            for x in range(count):
                total = (here[x + 1] + here[x]) + (row[x] + below[x])
                odd[2 * x] = total / 4 + wobble * (low + step * others[x])
                odd[2 * x + 1] = here[x + 1]
            even[2 * count], odd[2 * count] = even[0], odd[0]
        corners, finer = finer, corners
        wobble /= roughness


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(result, image, cloud, limits, brightest, thickness, half):
    lowest, highest = limits
    divisor = highest - lowest if highest > lowest else 1.0
    height, width, channels = image.shape
    line, thick = np.empty(width), np.empty(width * channels)
    before, after = image.reshape(height, -1), result.reshape(height, -1)
    for y in range(height):
        here, made, mine = before[y], after[y], cloud[y]
        for x in range(width):
            line[x] = thickness * ((mine[x] - lowest) / divisor)
        if channels == COLOURS:
            for x in range(width):
                value, place = line[x], np.uint64(COLOURS * x)
                thick[place], thick[place + np.uint64(1)], thick[place + np.uint64(2)] = value, value, value
        else:
            for i in range(thick.size):
                thick[i] = line[i // channels]
        for i in range(thick.size):
            level = (fraction_of(here[i], _PARTS) + thick[i]) * brightest / (brightest + thickness) * 255.0
            made[i] = byte_of(level, half)
