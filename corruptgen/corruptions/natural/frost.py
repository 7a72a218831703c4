"""Frost on the lens."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.textures import frost_picture, need_pictures
from corruptgen.declare import LevelsColour, corruption
from corruptgen.randomness.draws import Draws
from corruptgen.runtime.caching import keep_arrays


@corruption
@need_pictures("frost")
def frost(
    image: LevelsColour, rng: Draws, *, image_weight: float, frost_weight: float, pictures: int, texture_scale: float
) -> LevelsColour:
    """Mix the image with a part of a photograph of frost.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255], smaller than the pictures of frost.
    image_weight : float
        Weight of the image in the sum; less is worse.
    frost_weight : float
        Weight of the frost in the sum; more is worse, 0 leaves the image alone if its own weight is 1.
    pictures : int
        How many of the six pictures of frost are drawn from.
    texture_scale : float
        Scale by which the pictures are scaled first.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    picture = frost_picture(int(rng.integers(pictures)), texture_scale)
    return image_weight * image + frost_weight * _part(picture, image.shape, rng)


# The fitted picture is larger than the image by this at least, so that there are places to choose from.
MARGIN = 1.1


@corruption
@need_pictures("frost")
def frost_fitted(
    image: LevelsColour, rng: Draws, *, image_weight: float, frost_weight: float, pictures: int
) -> LevelsColour:
    """Mix the image with a part of a photograph of frost that was enlarged until the image fits into it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255].
    image_weight : float
        Weight of the image in the sum; less is worse.
    frost_weight : float
        Weight of the frost in the sum; more is worse, 0 leaves the image alone if its own weight is 1.
    pictures : int
        How many of the six pictures of frost are drawn from.

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    picture = fitted_picture(image.shape, int(rng.integers(pictures)))
    return image_weight * image + frost_weight * _part(picture, image.shape, rng)


@corruption
@need_pictures("frost")
def frost_enlarged(
    image: LevelsColour, rng: Draws, *, image_weight: float, frost_weight: float, pictures: int, enlargement: float
) -> LevelsColour:
    """Mix the image with a part of a photograph of frost that was enlarged by a factor.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255], smaller than the enlarged pictures of frost.
    image_weight : float
        Weight of the image in the sum; less is worse.
    frost_weight : float
        Weight of the frost in the sum; more is worse, 0 leaves the image alone if its own weight is 1.
    pictures : int
        How many of the six pictures of frost are drawn from.
    enlargement : float
        Factor by which the pictures are enlarged first, 1 or above, by OpenCV's INTER_AREA.

    References
    ----------
    Gu, Tresp & Qin 2022, https://arxiv.org/abs/2111.10659
    """
    index = int(rng.integers(pictures))
    height, width = (int(side * enlargement) for side in frost_picture(index, 1.0).shape[:2])
    picture = _enlarged(index, height, width, cv2.INTER_AREA)
    return image_weight * image + frost_weight * _part(picture, image.shape, rng)


def _part(picture: NDArray[np.uint8], shape: tuple[int, ...], rng: Draws) -> NDArray[np.uint8]:
    top, left = picture_place(picture, shape, rng)
    return picture[top : top + shape[0], left : left + shape[1]]


def picture_place(picture: NDArray[np.uint8], shape: tuple[int, ...], rng: Draws) -> tuple[int, int]:
    """Draw where the part of the picture begins that an image of this shape is mixed with."""
    # The upper bound is exclusive: the last row and column of the picture are never reached, as in the original.
    top = int(rng.integers(0, picture.shape[0] - shape[0]))
    left = int(rng.integers(0, picture.shape[1] - shape[1]))
    return top, left


def fitted_picture(shape: tuple[int, ...], index: int) -> NDArray[np.uint8]:
    """Return a picture of frost, enlarged if need be, that an image of this shape fits into."""
    height, width = shape[:2]
    tall, wide = frost_picture(index, 1.0).shape[:2]
    enlargement = max(1.0, height / tall, width / wide) * MARGIN
    return _enlarged(index, math.ceil(tall * enlargement), math.ceil(wide * enlargement), cv2.INTER_CUBIC)


@keep_arrays
def _enlarged(index: int, height: int, width: int, interpolation: int) -> NDArray[np.uint8]:
    picture = cv2.resize(frost_picture(index, 1.0), (width, height), interpolation=interpolation).astype(np.uint8)
    picture.flags.writeable = False
    return picture
