"""Tones that AugMix changes: each of its operations that moves nothing, as a corruption. Levels go up to 10."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from corruptgen.declare import BytesColour, BytesPicture, corruption

HIGHEST = 10
Bytes = NDArray[np.uint8]


@corruption
def autocontrast(image: BytesPicture) -> BytesPicture:
    """Stretch each channel so that its darkest value becomes black and its brightest white.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _by_pillow(image, ImageOps.autocontrast)


@corruption
def equalize(image: BytesPicture) -> BytesPicture:
    """Spread the values of each channel evenly over its range.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _by_pillow(image, ImageOps.equalize)


@corruption
def posterize(image: BytesPicture, *, level: float) -> BytesPicture:
    """Keep the highest bits of each value alone: four at level 0, one at level 10.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; more is worse.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    bits = max(1, 4 - whole_level(level, 4))
    return image & np.uint8(256 - 2 ** (8 - bits))


@corruption
def solarize(image: BytesPicture, *, level: float) -> BytesPicture:
    """Invert the values above a threshold: none at level 0, all at level 10.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; more is worse.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return np.where(image >= 256 - whole_level(level, 256), 255 - image, image)


@corruption
def scale_brightness(image: BytesPicture, *, level: float) -> BytesPicture:
    """Blend the image with black, or away from it: a tenth is left at level 0, 1.9 times its brightness at level 10.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; 5 leaves the image alone; darker below 5, brighter above it.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _blended(np.zeros_like(image), image, level)


@corruption
def scale_colour(image: BytesColour, *, level: float) -> BytesColour:
    """Blend the image with its grey version, or away from it: 0.1 of its colour is left at level 0, 1.9 at 10.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    level : float
        0 to 10; 5 leaves the image alone; paler below 5, more colourful above it.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _blended(np.broadcast_to(_luma(image)[..., None], image.shape), image, level)


@corruption
def scale_contrast(image: BytesPicture, *, level: float) -> BytesPicture:
    """Blend the image with its mean grey, or away from it: 0.1 of its contrast is left at level 0, 1.9 at 10.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; 5 leaves the image alone; flatter below 5, harder above it.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    mean = int(_luma(image).mean() + 0.5)
    return _blended(np.full_like(image, mean), image, level)


@corruption
def scale_sharpness(image: BytesPicture, *, level: float) -> BytesPicture:
    """Blend the image with a smoothed version, or away from it: nearly smooth at level 0, sharpened at level 10.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; 5 leaves the image alone; softer below 5, sharper above it.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _blended(_by_pillow(image, lambda whole: whole.filter(ImageFilter.SMOOTH)), image, level)


def whole_level(level: float, most: float) -> int:
    """Return a level as a whole number of up to `most`, fractions cut off."""
    return int(level * most / HIGHEST)


def _luma(image: Bytes) -> Bytes:
    """Return the luma as Pillow computed it before its version 7, fractions cut off."""
    if image.shape[2] == 1:
        return image[..., 0]
    red, green, blue = (image[..., channel].astype(np.int32) for channel in range(3))
    return ((red * 19595 + green * 38470 + blue * 7471) >> 16).astype(np.uint8)


def _blended(other: Bytes, image: Bytes, level: float) -> Bytes:
    """Return the other image, and the image by its factor at a level: 0.1 at 0, 1 at 5, 1.9 at 10."""
    factor = level * 1.8 / HIGHEST + 0.1
    first, second = (Image.fromarray(_plane(np.ascontiguousarray(one))) for one in (other, image))
    return np.asarray(Image.blend(first, second, factor)).reshape(image.shape)


def _by_pillow(image: Bytes, change: Callable[[Image.Image], Image.Image]) -> Bytes:
    return np.asarray(change(Image.fromarray(_plane(image)))).reshape(image.shape)


def _plane(image: Bytes) -> Bytes:
    return image[..., 0] if image.shape[2] == 1 else image
