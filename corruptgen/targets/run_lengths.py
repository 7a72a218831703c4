"""Masks as COCO stores them: run lengths down the columns, beginning with the pixels outside, plain or as text."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

FIRST_CHARACTER = 48  # stands for 0
BITS = 5  # of a number, in each character
SIGN = 1 << (BITS - 1)
MORE = 1 << BITS  # another character follows


def mask(counts: list[int], height: int, width: int) -> Mask:
    """Make the (height, width) mask of run lengths.

    Raises
    ------
    ValueError
        If they are not those of a mask of this size.
    """
    lengths = np.array(counts, np.int64)
    if len(counts) > height * width + 1 or (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"the run lengths are not those of a mask of {height}×{width}")
    return np.repeat(np.arange(len(counts)) % 2 == 1, lengths).reshape(width, height).T


def counts(mask: Mask) -> list[int]:
    """Return the run lengths of a mask."""
    samples = mask.T.ravel()
    edges = np.flatnonzero(np.diff(samples)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [samples.size]])).tolist()
    return [0, *lengths] if samples[0] else lengths


def counts_of(text: str) -> list[int]:
    """Read the run lengths in the text that COCO's tools write: differences, in base 32.

    Raises
    ------
    ValueError
        If it is none.
    """
    found: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - FIRST_CHARACTER
        if not 0 <= code < 2 * MORE or shift > 60:
            raise ValueError("the run lengths are not the text that COCO's tools write")
        value |= (code & (MORE - 1)) << shift
        shift += BITS
        if not code & MORE:
            value -= (1 << shift) if code & SIGN else 0
            found.append(value + (found[-2] if len(found) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("the run lengths end within a number")
    return found


def to_text(counts: list[int]) -> str:
    """Write run lengths as COCO's tools do."""
    written = []
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        while True:
            code = value & (MORE - 1)
            value >>= BITS
            if value == (-1 if code & SIGN else 0):
                written.append(chr(code + FIRST_CHARACTER))
                break
            written.append(chr((code | MORE) + FIRST_CHARACTER))
    return "".join(written)
