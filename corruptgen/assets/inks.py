"""The ink masks of MedMNIST-C, which are found as the photographs of frost are."""

import io

import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.textures import read_registry, texture_bytes
from corruptgen.errors import AssetError
from corruptgen.runtime.caching import keep_arrays


@keep_arrays
def ink_masks(side: int) -> NDArray[np.uint8]:
    """Return the masks of `side` pixels as (N, side, side) uint8, read-only: 1 where there is ink.

    Raises
    ------
    AssetError
        If the archive is nowhere, or holds no masks of this side; the message states what to do.
    """
    [archive] = read_registry("inks")
    with np.load(io.BytesIO(texture_bytes(archive)), allow_pickle=False) as arrays:
        by_side = {arrays[name].shape[1]: arrays[name] for name in arrays.files}
    if side not in by_side:
        sides = ", ".join(map(str, sorted(by_side)))
        raise AssetError(f"{archive.name} holds no masks of {side} pixels; it has those of {sides}")
    masks = by_side[side].astype(np.uint8)
    masks.flags.writeable = False
    return masks
