"""The keyed stream: numpy's methods of drawing over Philox words, pinned for ever by golden vectors."""

import math
import struct
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.randomness.draws import Size
from corruptgen.randomness.normals import fill_normals
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.poisson import fill_counts

WORD_RANGE = 2**32

_DIGEST = struct.Struct("<4I")

# Key, counter and number of the first block, as `fill_words` takes them.
StreamPlace = tuple[NDArray[np.uint32], NDArray[np.uint32], int]


class Purpose(IntEnum):
    """Independent streams under one name; the number is word 1 of the counter."""

    DRAWS = 0
    LOCATION = 1
    FRAME = 2


class Stream:
    """Random numbers of one key; fits the protocol `Draws`.

    The stream is a row of blocks of four 32-bit words (`fill_words`). Every call takes whole blocks from where the last
    call ended, in C order of the size that it was asked for, one word per number (normal numbers: two words per pair).

    Parameters
    ----------
    digest : bytes
        16 bytes: the low half is the key of the cipher, the high half words 2 and 3 of its counter.
    purpose : Purpose
        Which of the independent streams under this digest.
    """

    def __init__(self, digest: bytes, purpose: Purpose = Purpose.DRAWS) -> None:
        first, second, third, fourth = _DIGEST.unpack(digest)
        words = np.array((first, second, int(purpose), third, fourth), np.uint32)
        self._key, self._counter = words[:2], words[2:]
        self._block = 0

    def words(self, count: int) -> NDArray[np.uint32]:
        """Take the next `count` words, and leave the rest of the last block unused."""
        words = np.empty(-(-count // WORDS_PER_BLOCK) * WORDS_PER_BLOCK, np.uint32)
        fill_words(words, *self.skip(count))
        return words[:count]

    def skip(self, count: int) -> StreamPlace:
        """Leave out what `words` would give, and return what a kernel makes it of, in parts, with `fill_words`."""
        first = self._block
        self._block += -(-count // WORDS_PER_BLOCK)
        return self._key, self._counter, first

    def random(self, size: Size = None) -> Any:
        """Draw uniformly from [0, 1), in steps of 2**-32."""
        if size is None:
            return int(self.words(1)[0]) * 2.0**-32
        return _shaped(self.words(_count(size)) * 2.0**-32, size)

    def standard_normal(self, size: Size = None) -> Any:
        """Draw from the normal distribution of mean 0 and standard deviation 1, with 24 bits of precision."""
        count = _count(size)
        normals = np.empty(count + count % 2, np.float64)
        fill_normals(normals, self.words(normals.size))
        return _shaped(normals[:count], size)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Size = None) -> Any:
        """Draw from the normal distribution of mean `loc` and standard deviation `scale`."""
        return _moved(self.standard_normal(size), scale, loc)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size = None) -> Any:
        """Draw uniformly from [low, high)."""
        return _moved(self.random(size), high - low, low)

    def integers(self, low: int, high: int | None = None, size: Size = None) -> Any:
        """Draw whole numbers from [low, high), or from [0, low) if `high` is left out.

        A word times the width of the range, without rejection: no number is off its share by more than width / 2**32.
        """
        low, high = (0, low) if high is None else (low, high)
        width = high - low
        if not 0 < width <= WORD_RANGE:
            raise ValueError(f"integers({low}, {high}): the range must hold between 1 and 2**32 numbers")
        if size is None:
            return (int(self.words(1)[0]) * width >> 32) + low
        scaled = (self.words(_count(size)).astype(np.uint64) * np.uint64(width)) >> np.uint64(32)
        return _shaped(scaled.astype(np.int64) + low, size)

    def poisson(self, lam: ArrayLike = 1.0, size: Size = None) -> Any:
        """Draw counts of expectation `lam`, by inverting the distribution function at one word per count."""
        expected = np.asarray(lam, np.float64)
        if not (np.isfinite(expected) & (expected >= 0)).all():
            raise ValueError("poisson: every expectation must be finite and at least 0")
        if size is not None:
            expected = np.broadcast_to(expected, size)
        flat = np.ascontiguousarray(expected).ravel()
        counts = np.empty(flat.size, np.int64)
        fill_counts(counts, self.words(flat.size), flat)
        return counts.reshape(expected.shape) if expected.ndim else int(counts[0])

    def choice(self, a: Any, size: Size = None, replace: bool = True, p: ArrayLike | None = None) -> Any:
        """Draw from the elements of `a`, or from range(a); with `p`, each element with its own probability."""
        elements = np.arange(a) if np.ndim(a) == 0 else np.asarray(a)
        if not replace:
            if p is not None:
                raise ValueError("choice: drawing without replacement takes no probabilities")
            count = _count(size)
            if count > len(elements):
                raise ValueError(f"choice: cannot take {count} of {len(elements)} elements without replacement")
            return _shaped(self.permutation(elements)[:count], size)
        if p is None:
            return elements[self.integers(len(elements), size=size)]
        steps = np.cumsum(np.asarray(p, np.float64))
        if len(steps) != len(elements) or not math.isclose(steps[-1], 1, abs_tol=1e-8):
            raise ValueError("choice: p must hold one probability per element, and they must add up to 1")
        return elements[np.searchsorted(steps / steps[-1], self.random(size), side="right")]

    def permutation(self, x: Any) -> NDArray[Any]:
        """Shuffle the elements of `x`, or of range(x), into a new array: each gets a word, and the words are sorted."""
        elements = np.arange(x) if np.ndim(x) == 0 else np.asarray(x)
        order: NDArray[np.intp] = np.argsort(self.words(len(elements)), kind="stable")
        return elements[order]


def _shaped(values: NDArray[Any], size: Size) -> Any:
    return values[0].item() if size is None else values.reshape(size)


def _moved(draws: Any, scale: float, loc: float) -> Any:
    """Return loc + scale * draws, in the memory of the draws if they are an array."""
    draws *= scale
    draws += loc
    return draws


def _count(size: Size) -> int:
    if size is None:
        return 1
    return int(size) if isinstance(size, int | np.integer) else math.prod(size)
