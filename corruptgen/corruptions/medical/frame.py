"""What instruments lay around and over a picture, by formulas: for images of any size and depth."""

import numpy as np

from corruptgen.assets.glyphs import draw_letters, letter_dots
from corruptgen.declare import Unit, corruption
from corruptgen.patterns.scattering import scatter_things
from corruptgen.randomness.draws import Draws

FEWEST_LETTERS = 3
# Of a word's random numbers the first decide its length, its ink and its place, the others are its letters: at least
# this number of them, so that the words of all levels begin alike.
OWN_DRAWS, LONGEST = 4, 16


@corruption
def field_stop(image: Unit, *, radius: float, softness: float) -> Unit:
    """Darken what lies outside of a circle about the middle, as a tube does that is narrower than the picture.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : float
        Radius of the circle in half shorter sides; less is worse, from the square root of 2 on a square image is left
        alone.
    softness : float
        Width of the edge in half shorter sides; an edge is never narrower than a pixel.

    References
    ----------
    Ours, after the black corners of Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536.
    """
    height, width = image.shape[:2]
    half = min(height, width) / 2
    down, across = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    distance = np.hypot(down[:, None], across)
    clear = np.clip((radius * half - distance) / max(softness * half, 1.0) + 0.5, 0, 1)
    return image * clear.astype(image.dtype)[..., None]


@corruption
def burned_in_text(image: Unit, rng: Draws, *, words: float, letters: int, height: float, opacity: float) -> Unit:
    """Write words over the image, black or white, as archives and scanners burn them in; with letters of our own.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    words : float
        Number of words, of a fraction the last one fainter; more is worse, 0 leaves the image alone.
    letters : int
        The largest number of letters and digits in a word, at least 3; more is worse.
    height : float
        Height of a letter in pixels; more is worse.
    opacity : float
        From 0 to 1; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours, after the characters of Di Salvo et al. 2024, https://arxiv.org/abs/2406.17536.
    """
    known = sorted(letter_dots())
    result = image.copy()
    longest = max(letters, FEWEST_LETTERS)
    for draws, share in zip(*scatter_things(rng, words, OWN_DRAWS + max(longest, LONGEST)), strict=True):
        length = FEWEST_LETTERS + int(draws[0] * (longest - FEWEST_LETTERS + 1))
        text = "".join(known[int(letter * len(known))] for letter in draws[OWN_DRAWS : OWN_DRAWS + length])
        ink = int(draws[1] * 2)
        word = (draw_letters(text, height) * (share * opacity)).astype(image.dtype)[..., None]
        # Where a word does not fit, its end is cut off.
        top, left = (int(draws[2 + axis] * max(1, image.shape[axis] - word.shape[axis] + 1)) for axis in (0, 1))
        part = result[top : top + word.shape[0], left : left + word.shape[1]]
        cover = word[: part.shape[0], : part.shape[1]]
        part += cover * (ink - part)
    return result
