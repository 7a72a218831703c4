"""What a dermatoscope and its software leave on a picture: the dark frame of the lens, and text."""

import math
import string

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import BytesColour, Unit, corruption
from corruptgen.patterns.layers import canvas_size, fitted
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.turns import integer_between
from corruptgen.runtime.caching import keep_arrays

SHORTEST_WORD, SMALLEST_TEXT = 3, 14
# Text keeps this distance from the border, and this room for each of its letters, in units.
MARGIN, ROOM = 10, 8
FONT = cv2.FONT_HERSHEY_DUPLEX


@corruption
def black_corner(image: Unit, *, radius: float) -> Unit:
    """Blacken what lies outside of a circle about the middle, as a lens does that is narrower than the picture.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : float
        Radius of the circle in half shorter sides, in the end a whole number of pixels; less is worse, from the square
        root of 2 on a square image is left alone.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    return image * _circle(image.shape[0], image.shape[1], radius).astype(image.dtype)[..., None]


@corruption
def characters(image: BytesColour, rng: Draws, *, words: int, letters: int, size: float, unit: float) -> BytesColour:
    """Write small words of random letters and colours over the image, with the letters of the installed OpenCV.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    words : int
        The largest number of words, at least 1; more is worse.
    letters : int
        The largest number of letters in a word, at least 3; more is worse.
    size : float
        Size of the largest letters in OpenCV's scale, at least 0.14; more is worse.
    unit : float
        Pixels of the image; more is worse.

    References
    ----------
    Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536
    """
    height, width = canvas_size(image, unit)
    writing = _words(rng, (height, width), words, letters, math.floor(100 * size))
    if unit == 1:
        return _written(image.copy(), writing)
    # What is written on black and on white tells colour and opacity apart, which then shrink with the canvas.
    on_black, on_white = (_written(np.full((height, width, 3), grey, np.uint8), writing) for grey in (0, 255))
    clear = fitted(on_white - on_black, image) / 255
    return np.floor(image * clear + fitted(on_black, image) + 0.5).clip(0, 255).astype(np.uint8)


@keep_arrays
def _circle(height: int, width: int, radius: float) -> NDArray[np.uint8]:
    """Return a layer that is 1 inside of the circle; as all callers share it, it is read-only."""
    middle = (width // 2, height // 2)
    reach = min(*middle, width - middle[0], height - middle[1])
    layer = np.zeros((height, width), np.uint8)
    cv2.circle(layer, middle, math.floor(reach * radius), 1, thickness=-1)
    layer.flags.writeable = False
    return layer


Word = tuple[str, tuple[int, int], float, tuple[int, ...]]


def _words(rng: Draws, size: tuple[int, int], words: int, letters: int, largest: int) -> list[Word]:
    """Draw texts, places, sizes and colours."""
    height, width = size
    drawn = []
    for _ in range(integer_between(rng, 1, words)):
        length = integer_between(rng, SHORTEST_WORD, letters)
        scale = integer_between(rng, SMALLEST_TEXT, largest) / 100
        text = "".join(string.ascii_lowercase[letter] for letter in rng.integers(26, size=length))
        place = (integer_between(rng, MARGIN, width - ROOM * length), integer_between(rng, MARGIN, height - MARGIN))
        colour = tuple(int(value) for value in rng.integers(0, 256, size=3))
        drawn.append((text, place, scale, colour))
    return drawn


def _written(image: BytesColour, words: list[Word]) -> BytesColour:
    for text, place, scale, colour in words:
        cv2.putText(image, text, place, FONT, scale, colour, 1, cv2.LINE_AA)
    return image
