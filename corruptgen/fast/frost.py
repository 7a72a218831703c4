"""Photographs of frost over an image: a weighted sum of two pictures of bytes."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.textures import frost_picture
from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.natural.frost import fitted_picture, frost, frost_fitted, picture_place
from corruptgen.declare import fused
from corruptgen.fast.bounds import byte_of
from corruptgen.randomness.stream import Stream

# Weights up to this have levels that `byte_of` takes.
MOST_WEIGHT = 1e6


@fused(frost)
def _frost(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    image_weight: float,
    frost_weight: float,
    pictures: int,
    texture_scale: float,
) -> NDArray[np.uint8] | None:
    if arithmetic.precision != "float64" or abs(image_weight) + abs(frost_weight) > MOST_WEIGHT:
        return None
    picture = frost_picture(int(rng.integers(pictures)), texture_scale)
    return _lay_over(image, picture, rng, (float(image_weight), float(frost_weight)), arithmetic)


@fused(frost_fitted)
def _frost_fitted(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    image_weight: float,
    frost_weight: float,
    pictures: int,
) -> NDArray[np.uint8] | None:
    if arithmetic.precision != "float64" or abs(image_weight) + abs(frost_weight) > MOST_WEIGHT:
        return None
    picture = fitted_picture(image.shape, int(rng.integers(pictures)))
    return _lay_over(image, picture, rng, (float(image_weight), float(frost_weight)), arithmetic)


def _lay_over(
    image: NDArray[np.uint8],
    picture: NDArray[np.uint8],
    rng: Stream,
    weights: tuple[float, float],
    arithmetic: Arithmetic,
) -> NDArray[np.uint8]:
    top, left = picture_place(picture, image.shape, rng)
    height, size = image.shape[0], image.shape[1] * image.shape[2]
    part = picture.reshape(picture.shape[0], -1)[top : top + height, left * image.shape[2] :]
    result = np.empty(image.shape, np.uint8)
    _fill(result.reshape(height, size), image.reshape(height, size), part, weights, arithmetic.half)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(result, image, picture, weights, half):
    own, other = weights
    for y in range(image.shape[0]):
        here, above, target = image[y], picture[y], result[y]
        for i in range(here.size):
            target[i] = byte_of(own * np.float64(here[i]) + other * np.float64(above[i]), half)
