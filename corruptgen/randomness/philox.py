"""Philox4x32-10: a counter becomes four random words; Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

Words = NDArray[np.uint32]
WORDS_PER_BLOCK = 4

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint32(0x9E3779B9)
_WEYL_1 = np.uint32(0xBB67AE85)
_HALF = np.uint64(32)


@njit(cache=True, nogil=True)
def fill_words(out: Words, key: Words, counter: Words, first_block: int) -> None:  # pragma: no cover - compiled
    """Fill `out` with the words of the blocks from `first_block` on.

    Parameters
    ----------
    out : Words
        (4 * blocks,) uint32, written.
    key : Words
        (2,) uint32.
    counter : Words
        (3,) uint32, the counter's words 1, 2 and 3; word 0 is the number of the block.
    first_block : int
        Number of the first block.
    """
    for block in range(out.size // 4):
        c0 = np.uint32(first_block + block)
        c1, c2, c3 = counter[0], counter[1], counter[2]
        k0, k1 = key[0], key[1]
        for _ in range(10):
            product_0 = np.uint64(c0) * _MULTIPLIER_0
            product_1 = np.uint64(c2) * _MULTIPLIER_1
            c0 = np.uint32(product_1 >> _HALF) ^ c1 ^ k0
            c1 = np.uint32(product_1)
            c2 = np.uint32(product_0 >> _HALF) ^ c3 ^ k1
            c3 = np.uint32(product_0)
            k0 = np.uint32(k0 + _WEYL_0)
            k1 = np.uint32(k1 + _WEYL_1)
        out[4 * block] = c0
        out[4 * block + 1] = c1
        out[4 * block + 2] = c2
        out[4 * block + 3] = c3
