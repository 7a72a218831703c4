"""Banks of tiles: photographs of the user's, shrunk, that mosaics and stickers are made of."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.errors import AssetError

ENDINGS = (".jpg", ".jpeg", ".png")
SHORTER_SIDE, CROP = 256, 224


def read_photo_bank(folder: str | Path, side: int) -> NDArray[np.uint8]:
    """Shrink every photograph below a folder, in the order of their names, to a tile: (N, side, side, 3).

    Parameters
    ----------
    folder : str or Path
        Folder of .jpg, .jpeg and .png files.
    side : int
        Of a tile in pixels.

    Raises
    ------
    AssetError
        If there is none.
    """
    tiles = []
    for path in sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in ENDINGS):
        with Image.open(path) as file:
            picture = file.convert("RGB")
        scale = SHORTER_SIDE / min(picture.size)
        size = [SHORTER_SIDE if length == min(picture.size) else int(length * scale) for length in picture.size]
        picture = picture.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        left, top = (round((length - CROP) / 2) for length in picture.size)
        square = picture.crop((left, top, left + CROP, top + CROP))
        tiles.append(np.asarray(square.resize((side, side), Image.Resampling.BILINEAR)))
    if not tiles:
        raise AssetError("the folder holds no .jpg, .jpeg or .png file; name one that does, or take drawn tiles")
    return np.stack(tiles)
