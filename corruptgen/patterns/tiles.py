"""Small pictures that mosaics and stickers are made of: drawn ones, or a bank of the user's photographs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from corruptgen.assets.supplied import find_supplied
from corruptgen.errors import AssetError
from corruptgen.randomness import rng_for
from corruptgen.runtime.caching import keep_arrays

DRAWN = "drawn"
# Of the drawn ones: this many steps of red, green and blue, with one picture of each colour.
STEPS = 16
SEED = 2506_16950


@keep_arrays
def tile_bank(tiles: str, side: int) -> NDArray[np.uint8]:
    """Return a bank of tiles, (N, side, side, 3), read-only.

    Parameters
    ----------
    tiles : str
        "drawn", or the sha256 of the samples of a `.npy` in a directory of the user's, as `read_photo_bank`
        makes one.
    side : int
        Of a tile in pixels.
    """
    if tiles == DRAWN:
        return _draw_tiles(side)
    content = find_supplied(
        tiles,
        f"the bank of tiles of {side} pixels",
        "Make one of photographs of yours with read_photo_bank and name its sha256 in the table",
    )
    if not content or len(content) % (side * side * 3):
        raise AssetError(
            f"the bank of tiles with sha256 {tiles[:12]}... holds none of {side}×{side} pixels in colour; name another"
        )
    return np.frombuffer(content, np.uint8).reshape(-1, side, side, 3)


@keep_arrays
def tile_tree(tiles: str, side: int) -> Any:
    """Return a tree of the mean colours of a bank's tiles, from 0 to 1."""
    samples = tile_bank(tiles, side).astype(np.float32) / np.float32(255)
    return KDTree(samples.mean(axis=(1, 2), dtype=np.float64))


def _draw_tiles(side: int) -> NDArray[np.uint8]:
    """Draw little landscapes: a sky, a ground, and something round before them, of every colour on the average."""
    count = STEPS**3
    draws = rng_for(SEED, "tiles", None, "").random((count, 12))
    steps = np.stack(np.meshgrid(*[np.arange(STEPS)] * 3, indexing="ij"), axis=-1).reshape(count, 1, 1, 3)
    places = (np.arange(side) + 0.5) / side
    down, right = places[None, :, None], places[None, None, :]
    numbers = draws[:, :, None, None]
    horizon = 0.3 + 0.4 * numbers[:, 0] + 0.3 * (numbers[:, 1] - 0.5) * right
    ground = np.clip((down - horizon) * side + 0.5, 0, 1)[..., None]
    distance = np.hypot(down - 0.2 - 0.6 * numbers[:, 2], right - 0.2 - 0.6 * numbers[:, 3])
    disk = np.clip((0.12 + 0.2 * numbers[:, 4] - distance) * side + 0.5, 0, 1)[..., None]
    tints = (draws[:, None, None, 5:8] - 0.5) * 0.6
    shown = tints * (2 * ground - 1) + 0.25 * (0.5 - down[..., None])
    shown = shown * (1 - disk) + disk * (draws[:, None, None, 8:11] - 0.5)
    shown = shown - shown.mean(axis=(1, 2), keepdims=True)
    colours = (steps + 0.5) / STEPS
    # Less contrast where it would leave the range, so that the average stays.
    room = np.minimum(colours, 1 - colours) / np.maximum(np.abs(shown).max(axis=(1, 2), keepdims=True), 1e-6)
    tiles = np.rint((colours + shown * np.minimum(room, 1)) * 255).astype(np.uint8)
    tiles.flags.writeable = False
    return tiles
