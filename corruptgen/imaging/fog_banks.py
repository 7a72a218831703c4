"""Fog on the bytes of an image: the clouds of `fields.plasma` row by row, and the veil that they are."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.fields import FIRST_WOBBLE, power_of_two
from corruptgen.imaging.pixels import Arithmetic
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream

_STRIP = 128
# The float32 estimate of a sample, in 1/65536, is off by less than 5 of them. If it is nearer than 8 to a whole number,
# its strip is computed in float64, as the formula does it; that is one strip in thirty.
_SCALE, _BITS, _FRACTION = np.float32(65536), np.int32(16), np.int32(0xFFFF)
_DOUBT = np.int32(8)
# Estimates are cut off at 1/2 and 255 1/2: beyond black and white nothing is in doubt.
_DARKEST, _BRIGHTEST = np.int32(1 << 15), np.int32(511 << 15)
_TO_FRACTION = 2.0**-32


def fogged(
    image: NDArray[np.uint8], rng: Stream, arithmetic: Arithmetic, thickness: float, roughness: float
) -> NDArray[np.uint8] | None:
    """Give the stored samples of an image under a bank of fog; None if not all is to be computed in float64."""
    if arithmetic.precision != "float64" or thickness < 0:
        return None
    height, width, channels = image.shape
    side = power_of_two(max(height, width))
    brightest = float(arithmetic.units[image.max()])
    if brightest + thickness == 0:
        return None
    field = _cloud(side, float(roughness), *rng.skip(_words_of_a_cloud(side)))
    samples = np.empty(image.shape, np.uint8)
    rows = (height, width * channels)
    flat = samples.reshape(rows), np.ascontiguousarray(image).reshape(rows)
    _fill_fogged(*flat, field, arithmetic.units, brightest, float(thickness), arithmetic.half, channels)
    return samples


def _words_of_a_cloud(side: int) -> int:
    """Count the words that `fields.plasma` takes: three draws per place and octave, each in whole blocks."""
    places = (4**octave for octave in range(side.bit_length() - 1))
    return sum(3 * max(WORDS_PER_BLOCK, count) for count in places)


@njit(cache=True, nogil=True, error_model="numpy")
def _cloud(side, roughness, key, counter, block):  # type: ignore[no-untyped-def]
    """Draw what `fields.plasma` draws, but neither moved to 0 nor scaled."""
    words = np.empty(max(WORDS_PER_BLOCK, side * side // 4), np.uint32)
    corners = np.zeros((1, 1))
    wobble = FIRST_WOBBLE
    count = 1
    while count < side:
        # One array per octave, whose rows lie side by side in memory, instead of places that lie ever farther apart.
        squares, below = np.empty((count, count)), np.empty((count, count))
        finer = np.empty((2 * count, 2 * count))
        draws = words[: max(WORDS_PER_BLOCK, count * count)]
        one, other, between = np.empty(count), np.empty(count), np.empty(count)

        fill_words(draws, key, counter, block)
        for y in range(count):
            _add(below[y], corners[y], corners[(y + 1) % count])
            _add_next(one, below[y])
            _displace(squares[y], one, draws[y * count : (y + 1) * count], wobble)

        block += draws.size // WORDS_PER_BLOCK
        fill_words(draws, key, counter, block)
        for y in range(count):
            _add(one, squares[y], squares[y - 1])
            _add_next(other, corners[y])
            _add(between, one, other)
            _displace(other, between, draws[y * count : (y + 1) * count], wobble)
            _interleave(finer[2 * y], corners[y], other)

        block += draws.size // WORDS_PER_BLOCK
        fill_words(draws, key, counter, block)
        for y in range(count):
            _add_previous(one, squares[y])
            _add(between, one, below[y])
            _displace(other, between, draws[y * count : (y + 1) * count], wobble)
            _interleave(finer[2 * y + 1], other, squares[y])

        block += draws.size // WORDS_PER_BLOCK
        corners = finer
        count *= 2
        wobble /= roughness
    return corners


@njit(cache=True, nogil=True)
def _add(total, one, other):  # type: ignore[no-untyped-def]
    for x in range(total.size):
        total[x] = one[x] + other[x]


@njit(cache=True, nogil=True)
def _add_next(total, row):  # type: ignore[no-untyped-def]
    for x in range(row.size - 1):
        total[x] = row[x] + row[x + 1]
    total[-1] = row[-1] + row[0]


@njit(cache=True, nogil=True)
def _add_previous(total, row):  # type: ignore[no-untyped-def]
    total[0] = row[0] + row[-1]
    for x in range(1, row.size):
        total[x] = row[x] + row[x - 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _displace(target, sums, words, wobble):  # type: ignore[no-untyped-def]
    low, width = -wobble, wobble - -wobble
    for x in range(target.size):
        target[x] = sums[x] / 4 + wobble * (low + width * (words[x] * _TO_FRACTION))


@njit(cache=True, nogil=True)
def _interleave(target, evens, odds):  # type: ignore[no-untyped-def]
    for x in range(evens.size):
        target[2 * x] = evens[x]
        target[2 * x + 1] = odds[x]


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_fogged(samples, image, field, units, brightest, thickness, half, channels):  # type: ignore[no-untyped-def]
    # Lowest and highest column by column: only so do comparisons become vector code.
    lows, highs = field[0].copy(), field[0].copy()
    for y in range(field.shape[0]):
        line = field[y]
        for x in range(line.size):
            lows[x] = line[x] if line[x] < lows[x] else lows[x]
            highs[x] = line[x] if line[x] > highs[x] else highs[x]
    lowest = lows.min()
    highest = highs.max() - lowest
    divisor = highest if highest > 0 else 1.0

    height, size = image.shape
    dimming = brightest / (brightest + thickness)
    gain, veil = np.float32(dimming), np.float32(255.0 * thickness * dimming / divisor)
    half_estimate = np.float32(half)
    bank = np.empty(size, np.float32)
    for y in range(height):
        line = field[y]
        if channels == 1:
            for x in range(size):
                bank[x] = np.float32(line[x] - lowest)
        else:
            for x in range(size // 3):
                thick = np.float32(line[x] - lowest)
                bank[3 * x] = thick
                bank[3 * x + 1] = thick
                bank[3 * x + 2] = thick
        for start in range(0, size, _STRIP):
            before, after = image[y, start : start + _STRIP], samples[y, start : start + _STRIP]
            fog = bank[start : start + _STRIP]
            nearest = _FRACTION
            for i in range(before.size):
                foggy = np.float32(before[i]) * gain + fog[i] * veil + half_estimate
                estimate = min(max(np.int32(foggy * _SCALE), _DARKEST), _BRIGHTEST)
                after[i] = np.uint8(np.int32(estimate >> _BITS))
                nearest = min(nearest, np.int32(np.int32(estimate + _DOUBT) & _FRACTION))
            if nearest < 2 * _DOUBT:
                for i in range(before.size):
                    thick = (line[(start + i) // channels] - lowest) / divisor
                    exact = (units[before[i]] + thickness * thick) * brightest / (brightest + thickness) * 255.0
                    exact = exact if exact > 0.0 else 0.0
                    after[i] = np.uint8((exact if exact < 255.0 else 255.0) + half)
