"""Shapes and stickers that hide the image, and a board of light and dark cells over it: of LAION-C."""

import math

import numpy as np
from PIL import Image, ImageDraw

from corruptgen.declare import BytesColour, Unit, corruption
from corruptgen.patterns.tiles import tile_bank
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.turns import batched_integers

TRIANGLE, SQUARE, STAR, _CIRCLE = range(4)
# Least and largest side of the shapes in pixels.
SIDES = (6, 15)
POINTS = 5
STICKER = 16
CELL = 14


@corruption
def geometric_shapes(image: BytesColour, rng: Draws, *, count: int) -> BytesColour:
    """Cover the image with small triangles, squares, stars and circles of any colour.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    count : int
        Number of shapes; more is worse, 0 leaves the image alone.

    References
    ----------
    Li et al. 2025 (LAION-C), https://arxiv.org/abs/2506.16950
    """
    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    draw_integer = batched_integers(rng, 8 * count)
    for _ in range(count):
        kind = draw_integer(0, 3)
        x, y = draw_integer(0, width - 1), draw_integer(0, height - 1)
        side = draw_integer(*SIDES)
        colour = (draw_integer(0, 255), draw_integer(0, 255), draw_integer(0, 255))
        turn = draw_integer(0, 359)
        box = [(x, y), (x + side, y + side)]
        if kind == TRIANGLE:
            draw.polygon([(x, y), (x + side, y), (x + side / 2, y + side)], fill=colour)
        elif kind == SQUARE:
            draw.rectangle(box, fill=colour)
        elif kind == STAR:
            draw.polygon(_star(x, y, side / 1.2, turn), fill=colour)
        else:
            draw.ellipse(box, fill=colour)
    return np.array(picture)


@corruption
def stickers(image: BytesColour, rng: Draws, *, count: int, tiles: str) -> BytesColour:
    """Paste small pictures over the image, anywhere.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255]; more than 16 rows and columns.
    count : int
        Number of small pictures; more is worse, 0 leaves the image alone.
    tiles : str
        "drawn", or the sha256 of a bank of tiles of 16 pixels in a directory of the user's.

    References
    ----------
    Li et al. 2025 (LAION-C), https://arxiv.org/abs/2506.16950
    """
    bank = tile_bank(tiles, STICKER)
    # The last row and the last column are never a sticker's first.
    down, right = image.shape[0] - STICKER, image.shape[1] - STICKER
    numbers = rng.integers(0, len(bank), size=count)
    # The original draws places that it does not use.
    rng.integers(0, down, size=(count, 2))
    rows, columns = np.divmod(rng.integers(0, down * right, size=count), right)
    result = image.copy()
    for number, row, column in zip(numbers, rows, columns, strict=True):
        result[row : row + STICKER, column : column + STICKER] = bank[number]
    return result


@corruption
def luminance_checkerboard(image: Unit, rng: Draws, *, least: float, most: float) -> Unit:
    """Brighten and darken cells of 14 pixels in turn, each by as much as is drawn for it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    least : float
        Least change of a cell in grey levels; more is worse.
    most : float
        Largest change of a cell in grey levels; more is worse, with 0 for both the image is left alone.

    References
    ----------
    Li et al. 2025 (LAION-C), https://arxiv.org/abs/2506.16950
    """
    height, width = image.shape[:2]
    rows, columns = np.arange(height) // CELL, np.arange(width) // CELL
    down, right = np.ogrid[: rows[-1] + 1, : columns[-1] + 1]
    board = rng.uniform(least, most, (rows[-1] + 1, columns[-1] + 1)) * (1 - 2 * ((down + right) % 2)) / 255
    return image + board.astype(image.dtype)[rows[:, None], columns, None]


def _star(x: int, y: int, radius: float, turn: int) -> list[tuple[float, float]]:
    """Return the corners of a star, every other one half as far from its middle."""
    angles = [math.radians(180 / POINTS * corner + turn) for corner in range(2 * POINTS)]
    radii = [radius if corner % 2 == 0 else radius / 2 for corner in range(2 * POINTS)]
    return [(x + r * math.sin(a), y + r * math.cos(a)) for r, a in zip(radii, angles, strict=True)]
