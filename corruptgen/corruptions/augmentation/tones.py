"""Tones that AugMix changes: each of its operations that moves nothing, as a corruption. Levels go up to 10."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.declare import BytesColour, BytesPicture, corruption
from corruptgen.ops.colour import blend_with_luma, cut_luma, highest_bits, histograms

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
    return _mapped(image, _stretching)


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
    return _mapped(image, _equalizing)


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
    return highest_bits(image, max(1, 4 - whole_level(level, 4)))


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
    values = np.arange(256, dtype=np.uint8)
    inverted = np.where(values >= 256 - whole_level(level, 256), 255 - values, values)
    return np.asarray(cv2.LUT(image, inverted), np.uint8).reshape(image.shape)


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
    return _blended_with(0, image, level)


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
    return blend_with_luma(image, np.float32(_factor(level)))


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
    return _blended_with(int(_luma(image).mean() + 0.5), image, level)


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
    smooth = image.copy()
    # Whole sums over nine samples, with the one in the middle five times, are never half way between two levels.
    sums = cv2.boxFilter(image, cv2.CV_16U, (3, 3), normalize=False).reshape(image.shape)[1:-1, 1:-1]
    smooth[1:-1, 1:-1] = (2 * (sums + np.uint16(4) * image[1:-1, 1:-1]) + np.uint16(13)) // np.uint16(26)
    return _blended(smooth, image, level)


def whole_level(level: float, most: float) -> int:
    """Return a level as a whole number of up to `most`, fractions cut off."""
    return int(level * most / HIGHEST)


def _luma(image: Bytes) -> Bytes:
    """Return the luma as Pillow computed it before its version 7, fractions cut off."""
    if image.shape[2] == 1:
        return image[..., 0]
    return cut_luma(image)


def _blended(other: Bytes, image: Bytes, level: float) -> Bytes:
    """Return the other image, and the image by its factor at a level."""
    first, second = (Image.fromarray(_plane(np.ascontiguousarray(one))) for one in (other, image))
    return np.asarray(Image.blend(first, second, _factor(level))).reshape(image.shape)


def _factor(level: float) -> float:
    """Return how much of the image a blend has: 0.1 at level 0, 1 at 5, 1.9 at 10."""
    return level * 1.8 / HIGHEST + 0.1


def _blended_with(value: int, image: Bytes, level: float) -> Bytes:
    """Blend with an image of one value, as all 256 values are."""
    values = np.arange(256, dtype=np.uint8)[:, None, None]
    return np.asarray(cv2.LUT(image, _blended(np.full_like(values, value), values, level)), np.uint8).reshape(
        image.shape
    )


def _mapped(image: Bytes, map_of: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> Bytes:
    """Map the values of each channel by what is found from its histogram, as Pillow does."""
    maps = np.stack([map_of(counts).clip(0, 255).astype(np.uint8) for counts in histograms(image)], axis=-1)
    return np.asarray(cv2.LUT(image, maps[None]), np.uint8).reshape(image.shape)


def _stretching(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    values, there = np.arange(256), np.flatnonzero(counts)
    if there.size == 1:
        return values
    scale = 255 / (there[-1] - there[0])
    return (values * scale + -there[0] * scale).astype(np.int64)


def _equalizing(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    there = counts[counts > 0]
    step = int(there[:-1].sum()) // 255
    if not step:
        return np.arange(256)
    return (step // 2 + np.concatenate([[0], counts.cumsum()[:-1]])) // step


def _plane(image: Bytes) -> Bytes:
    return image[..., 0] if image.shape[2] == 1 else image
