"""What film, its development and false colours do to an image."""

import numpy as np

from corruptgen.declare import Bytes, BytesColour, LevelsColour, UnitColour, corruption
from corruptgen.patterns.dithering import diffuse_error
from corruptgen.randomness.draws import Draws

LUMA = np.array([0.2126, 0.7152, 0.0722])
# Of red, green and blue in the grey of Pillow before version 7, which cut fractions off, in 1/65536.
OLD_LUMA = np.array([19595, 38470, 7471])


@corruption
def bleach_bypass(image: BytesColour, *, share: float) -> LevelsColour:
    """Develop a film without bleaching it: the silver stays, and darkens the image.

    The original doubles dark samples in bytes, which overflow from 128 on.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    share : float
        Of the developed image in the result; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    levels = image.astype(np.float64)
    luma = (LUMA * (levels / 255)).sum(axis=-1, keepdims=True)
    bright = np.clip(10 * (luma - 0.45), 0, 1)
    multiplied, screened = (image * np.uint8(2)) * luma / 255, 1 - 2 * (1 - luma) * (1 - levels / 255)
    return (1 - share) * levels + share * 255 * ((1 - bright) * multiplied + bright * screened)


@corruption
def technicolor(image: LevelsColour, *, share: float) -> BytesColour:
    """Expose three films through filters, as Technicolor did.

    The original does not clip, so that samples beyond white begin again at black.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255].
    share : float
        Of that in the result; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    red, green, blue = (image[..., channel] for channel in range(3))
    mattes = [
        1 - one / 255 + (other + third) / 510
        for one, other, third in ((red, green, blue), (green, red, blue), (blue, red, green))
    ]
    exposed = (red * mattes[1] * mattes[2], green * mattes[0] * mattes[2], blue * mattes[0] * mattes[1])
    levels = (1 - share) * image + share * np.stack(exposed, axis=-1)
    return levels.astype(np.int64).astype(np.uint8)


@corruption
def pseudocolor(image: LevelsColour, rng: Draws, *, share: float) -> LevelsColour:
    """Replace levels of grey by colours that are drawn.

    The original subtracts colours in bytes, which overflow.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255].
    share : float
        Of the colours in the result; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    smoothness = rng.uniform(0.25, 0.75)
    colours = np.array([rng.integers(0, 255, 3) for _ in range(5)]).astype(np.uint8)
    luma = (LUMA * image / 255).sum(axis=-1)
    quarter = np.clip(np.floor(luma * 4), 0, 3).astype(np.int64)
    place = (4 * (luma - quarter / 4))[..., None]
    low, high = colours[quarter].astype(np.float64), colours[quarter + 1].astype(np.float64)
    linear = (1 - place) * low + place * high
    step = np.clip(place, 0, 1)
    smooth = low + step * step * (3 - 2 * step) * (colours[quarter + 1] - colours[quarter])
    return (1 - share) * image + share * ((1 - smoothness) * linear + smoothness * smooth)


@corruption
def hue_shift(image: UnitColour, rng: Draws, *, shift: float) -> UnitColour:
    """Turn all colours on the wheel of hues, either way.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    shift : float
        In turns; more is worse up to 0.5, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    turn = -shift if rng.uniform(0, 1) < 0.5 else shift
    # In float32, as the original: not wrapped to one turn before it is a colour again.
    value, span = image.max(axis=-1), np.ptp(image, axis=-1)
    red, green, blue = (image[..., channel] for channel in range(3))
    safe = np.where(span > 0, span, np.float32(1))
    hue = np.select(
        [span == 0, blue == value, green == value],
        [np.float32(0), 4 + (red - green) / safe, 2 + (blue - red) / safe],
        (green - blue) / safe,
    )
    saturation = np.where(span > 0, span / np.where(value > 0, value, np.float32(1)), np.float32(0))
    hue = ((hue / 6) % 1 + np.float32(turn % 1)) * 6
    sector = np.floor(hue)
    fraction = hue - sector
    low, falling = value * (1 - saturation), value * (1 - fraction * saturation)
    rising = value * (1 - (1 - fraction) * saturation)
    colours = (
        (value, rising, low),
        (falling, value, low),
        (low, value, rising),
        (low, falling, value),
        (rising, low, value),
        (value, low, falling),
    )
    which = sector.astype(np.int64) % 6
    return np.stack([np.choose(which, channel) for channel in zip(*colours, strict=True)], axis=-1)


@corruption
def color_balance(image: BytesColour, rng: Draws, *, strength: float) -> LevelsColour:
    """Make colours paler, or stronger than they are.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    strength : float
        How much; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    factor = np.float32(1 + rng.choice([-1, 1]) * strength)
    grey = ((image.astype(np.int64) @ OLD_LUMA) >> 16)[..., None]
    return grey.astype(np.float32) + factor * (image - grey).astype(np.float32)


@corruption
def color_dither(image: Bytes, *, tones: int) -> Bytes:
    """Show few tones of each colour, and let the error of each pixel go on to the next one in its row.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    tones : int
        Number of tones of each channel, 2 and more; fewer is worse.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    return diffuse_error(image, tones)
