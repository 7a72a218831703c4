"""Whole numbers drawn one after the other, each from a range that the ones before may decide."""

from collections.abc import Callable

from corruptgen.randomness.draws import Draws
from corruptgen.randomness.philox import WORDS_PER_BLOCK
from corruptgen.randomness.stream import Stream


def integer_between(rng: Draws, lowest: int, highest: int) -> int:
    """Draw a whole number, both ends included; `lowest` where nothing lies between."""
    return int(rng.integers(lowest, max(lowest, highest) + 1))


def batched_integers(rng: Draws, count: int) -> Callable[[int, int], int]:
    """Return what draws like `integer_between`, `count` times in all.

    The numbers are the same; from the keyed stream they come at a tenth of the price, since its words are made at once.
    """
    if not isinstance(rng, Stream):
        return lambda lowest, highest: integer_between(rng, lowest, highest)
    # One number takes a whole block, of which it uses the first word.
    words = iter(rng.words(count * WORDS_PER_BLOCK)[::WORDS_PER_BLOCK].tolist())
    return lambda lowest, highest: lowest + ((next(words) * (max(lowest, highest) + 1 - lowest)) >> 32)
