"""Fog on the bytes of an image: the clouds of `fields.plasma` row by row, and the veil that they are."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.fast.doubts import byte_of
from corruptgen.fast.scratch import scratch
from corruptgen.ops.fields import FIRST_WOBBLE, power_of_two
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream

# Rows of a power of two would all lie in the same lines of the processor's cache; one place more is for the first
# column, which comes again after the last one.
_GAP = 8
_STRIP = 128
# The float32 estimate of a sample, in 1/65536, is off by less than 4 of them: the dimming, its product with the sample,
# the veil and their sum are each rounded by at most one. If it is nearer than 8 to a whole number, the sample is
# computed in float64, as the formula does it; that is one sample in four thousand.
_SCALE, _BITS, _FRACTION = 65536, np.int32(16), np.int32(0xFFFF)
_DOUBT = np.int32(8)
_TO_FRACTION = 2.0**-32
# Places are unsigned: a negative one would count from the end, which no vector code can do.
_ONE, _TWO = np.uint64(1), np.uint64(2)


def fogged(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, thickness: float, roughness: float
) -> NDArray[np.uint8] | None:
    """Give the stored samples of an image under a bank of fog; None without fog, or if all is not to be float64."""
    if arithmetic.precision != "float64" or thickness <= 0:
        return None
    height, width, channels = image.shape
    side = power_of_two(max(height, width))
    half_side = max(side // 2, 1)
    whole, part = side * (side + _GAP), half_side * (half_side + _GAP)
    memory = scratch("float64", whole + 2 * part)
    field, extremes = memory[:whole].reshape(side, -1), np.zeros((2, side))
    # The clouds of the octaves before the last one, and what is drawn between their places.
    coarse, squares = memory[whole : whole + 2 * part].reshape(2, half_side, -1)
    words = scratch("uint32", 3 * max(WORDS_PER_BLOCK, half_side * half_side))
    _draw_cloud(field, extremes, coarse, squares, words, *rng.skip(_words_of_a_cloud(side)), float(roughness))

    samples = np.empty(image.shape, np.uint8)
    flat = samples.ravel(), np.ascontiguousarray(image).ravel()
    bank = np.empty(width * channels, np.float32)
    _fill_fogged(*flat, channels, field, extremes, bank, arithmetic.units, float(thickness), arithmetic.half)
    return samples


def _words_of_a_cloud(side: int) -> int:
    """Count the words that `fields.plasma` takes: three draws per place and octave, each in whole blocks."""
    # The first octave has one place, each of the others four times as many as the one before.
    return 3 * (WORDS_PER_BLOCK - 1 + (side * side - 1) // 3) if side > 1 else 0


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_cloud(field, extremes, coarse, squares, words, key, counter, block, roughness):  # type: ignore[no-untyped-def]
    """Draw what `fields.plasma` draws, but neither moved to 0 nor scaled, and find each column's lowest and highest.

    Every octave makes a finer cloud in an array of its own, instead of at places that lie ever nearer to each other.
    The loops are short, for only then may the compiler compare their arrays' places and make vector code of them.
    """
    side = field.shape[0]
    # So many octaves that the last one is made in `field`.
    corners, finer = field, coarse
    octaves = 0
    while (1 << octaves) < side:
        octaves += 1
        corners, finer = finer, corners
    corners[0, 0] = 0.0
    corners[0, 1] = 0.0
    lows, highs = extremes[0], extremes[1]
    wobble = FIRST_WOBBLE
    for octave in range(octaves):
        count = np.uint64(1 << octave)
        # From a word to where it lies in the interval: times a power of two nothing is rounded, wherever it is done.
        low, step = -wobble, (wobble - -wobble) * _TO_FRACTION
        draws = 1 << 2 * octave if octave else WORDS_PER_BLOCK
        fill_words(words[: 3 * draws], key, counter, block)
        block += 3 * draws // WORDS_PER_BLOCK

        # The first column comes again after the last one, and the last one of the squares before their first one.
        for y in range(count):
            row, below, target = corners[y], corners[(y + _ONE) % count], squares[y]
            place = y * count
            for x in range(count):
                total = (row[x] + below[x]) + (row[x + _ONE] + below[x + _ONE])
                target[x + _ONE] = total / 4 + wobble * (low + step * words[place + x])
            target[0] = target[count]

        for y in range(count):
            row, below, here, above = corners[y], corners[(y + _ONE) % count], squares[y], squares[(y - _ONE) % count]
            even, odd = finer[_TWO * y], finer[_TWO * y + _ONE]
            place = np.uint64(draws) + y * count
            for x in range(count):
                total = (here[x + _ONE] + above[x + _ONE]) + (row[x] + row[x + _ONE])
                even[_TWO * x] = row[x]
                even[_TWO * x + _ONE] = total / 4 + wobble * (low + step * words[place + x])
            place += np.uint64(draws)
            for x in range(count):
                total = (here[x + _ONE] + here[x]) + (row[x] + below[x])
                odd[_TWO * x] = total / 4 + wobble * (low + step * words[place + x])
                odd[_TWO * x + _ONE] = here[x + _ONE]
            even[_TWO * count] = even[0]
            odd[_TWO * count] = odd[0]
            if octave == octaves - 1:
                # By conditions, column by column: only so do comparisons become vector code.
                for x in range(lows.size):
                    lowest = even[x] if even[x] < odd[x] else odd[x]
                    highest = even[x] if even[x] > odd[x] else odd[x]
                    lows[x] = lowest if lowest < lows[x] else lows[x]
                    highs[x] = highest if highest > highs[x] else highs[x]
        corners, finer = finer, corners
        wobble /= roughness


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_fogged(samples, image, channels, field, extremes, bank, units, thickness, half):  # type: ignore[no-untyped-def]
    size = bank.size
    largest = np.uint8(0)
    for value in image:
        largest = value if value > largest else largest
    lowest, highest = 0.0, 0.0
    for x in range(extremes.shape[1]):
        lowest = extremes[0, x] if extremes[0, x] < lowest else lowest
        highest = extremes[1, x] if extremes[1, x] > highest else highest
    divisor = highest - lowest if highest > lowest else 1.0
    brightest = units[largest]
    dimming = brightest / (brightest + thickness)
    gain, veil = np.float32(_SCALE * dimming), _SCALE * 255.0 * thickness * dimming / divisor
    # What is black stays black; half a level more, and it is not in doubt.
    least = _SCALE * (half if largest else 0.5)

    for y in range(image.size // size):
        line = field[y]
        if channels == 1:
            for x in range(size):
                bank[x] = np.float32((line[x] - lowest) * veil + least)
        else:
            for x in range(size // 3):
                thick = np.float32((line[x] - lowest) * veil + least)
                bank[3 * x] = thick
                bank[3 * x + 1] = thick
                bank[3 * x + 2] = thick
        for start in range(0, size, _STRIP):
            fog = bank[start : start + _STRIP]
            place = y * size + start
            before, after = image[place : place + fog.size], samples[place : place + fog.size]
            nearest = _FRACTION
            for i in range(fog.size):
                estimate = np.int32(np.float32(before[i]) * gain + fog[i])
                after[i] = np.uint8(np.int32(estimate >> _BITS))
                distance = np.int32(np.int32(estimate + _DOUBT) & _FRACTION)
                nearest = distance if distance < nearest else nearest
            if nearest < 2 * _DOUBT:
                for i in range(fog.size):
                    estimate = np.int32(np.float32(before[i]) * gain + fog[i])
                    if np.int32(np.int32(estimate + _DOUBT) & _FRACTION) < 2 * _DOUBT:
                        thick = (line[(start + i) // channels] - lowest) / divisor
                        exact = (units[before[i]] + thickness * thick) * brightest / (brightest + thickness) * 255.0
                        after[i] = byte_of(exact, half)
