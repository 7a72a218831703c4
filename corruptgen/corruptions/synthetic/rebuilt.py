"""Pictures made of something else: of bands out of place, of lines, or of small pictures."""

import random

import numpy as np
from PIL import Image

from corruptgen.codecs.geometry import fit_samples
from corruptgen.codecs.pixels import grey_to_rgb
from corruptgen.declare import Bytes, BytesColour, Scene, corruption
from corruptgen.patterns.bent_lines import draw_bent_lines
from corruptgen.patterns.tiles import tile_bank, tile_tree
from corruptgen.records import Decoding

# What glitch_this is called with: every image has the same glitch.
GLITCH_SEED = 1


@corruption
def seeded_glitch(image: BytesColour, *, amount: int) -> BytesColour:
    """Shift bands of the image and one of its channels, and black out every other row: always the same way.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255]; at least 4 rows.
    amount : int
        From 1 to 10; more is worse, 0 leaves all but the black rows.

    References
    ----------
    Li et al. 2025 (LAION-C), https://arxiv.org/abs/2506.16950, with https://github.com/TotallyNotChase/glitch-this
    """
    height, width = image.shape[:2]
    result = image.copy()
    most = int(amount**2 / 100 * width)
    for band in range(2 * amount):
        draws = random.Random(GLITCH_SEED + band)  # noqa: S311 - the glitch of the original
        offset = draws.randint(-most, most)
        if offset:
            top = draws.randint(0, height)
            bottom = min(top + draws.randint(1, height // 4), height)
            result[top:bottom] = np.roll(image[top:bottom], offset, axis=1)
    draws = random.Random(GLITCH_SEED)  # noqa: S311 - as above
    channel = draws.randint(0, 2)
    right, down = (draws.randint(-2 * amount, 2 * amount) % side for side in (width, height))
    # Taken from the image, so that this channel has no bands; only one row of it goes to the side.
    result[..., channel] = np.roll(image[..., channel], down, axis=0)
    result[down, :, channel] = np.roll(image[0, :, channel], right)
    result[::2] = 0
    return result


@corruption
def bent_lines(image: BytesColour, *, columns: int, step: int) -> BytesColour:
    """Show the image as upright lines on black that bend to the left where it is dark.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    columns : int
        Number of lines; fewer are worse.
    step : int
        Rows that a piece of a line spans; more is worse.

    References
    ----------
    Li et al. 2025 (LAION-C), https://arxiv.org/abs/2506.16950
    """
    result = np.zeros_like(image)
    grey = np.asarray(Image.fromarray(image).convert("L"))
    draw_bent_lines(result, np.ascontiguousarray(image), grey, columns, step)
    return result


@corruption
def photo_mosaic(scene: Scene, *, tile: int, resize: int, crop: int, side: int, tiles: str) -> Bytes:
    """Make the picture of small pictures, each of about the colour of what it replaces.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    tile : int
        Side of a small picture in pixels; more is worse.
    resize : int
        Shorter side of the picture in pixels, or 0 for a picture that is left as it is.
    crop : int
        Side in pixels of the square in its middle that is rebuilt; a multiple of `tile`.
    side : int
        Side in pixels of the square in the middle of that, which is the image.
    tiles : str
        "drawn", or the sha256 of a bank of tiles in a directory of the user's.

    References
    ----------
    Li et al. 2025 (LAION-C), https://arxiv.org/abs/2506.16950
    """
    square = fit_samples(scene.picture, Decoding(resize=resize or None, crop=crop, interpolation="bilinear"))
    coloured = grey_to_rgb(square) if square.shape[2] == 1 else square
    bank = tile_bank(tiles, tile)
    cells = crop // tile
    small = np.asarray(Image.fromarray(coloured).resize((cells, cells), Image.Resampling.BICUBIC))
    # In float32: colours between two tiles are many.
    _, nearest = tile_tree(tiles, tile).query(small.reshape(-1, 3).astype(np.float32) / np.float32(255))
    rebuilt = bank[nearest].reshape(cells, cells, tile, tile, 3).swapaxes(1, 2).reshape(crop, crop, 3)
    first = (crop - side) // 2
    image = np.ascontiguousarray(rebuilt[first : first + side, first : first + side])
    return image if square.shape[2] == 3 else np.asarray(Image.fromarray(image).convert("L"))[..., None]
