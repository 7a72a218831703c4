"""What storing and sending does to an image."""

import io

import numpy as np
from PIL import Image

from corruptgen.declare import Bytes, corruption


@corruption
def pixelate(image: Bytes, *, scale: float) -> Bytes:
    """Show the image with fewer, larger pixels.

    Parameters
    ----------
    image : (H, W, C) uint8
    scale : size in large pixels as a fraction of the size in pixels, rounded down; less is worse, 1 leaves the image
        alone

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    height, width = image.shape[:2]
    small = _picture(image).resize((max(int(width * scale), 1), max(int(height * scale), 1)), Image.Resampling.BOX)
    return _samples(small.resize((width, height), Image.Resampling.BOX), image)


@corruption
def pixelate_nearest(image: Bytes, *, scale: float) -> Bytes:
    """Show the image with fewer, larger pixels, each screen pixel with the colour of the large one nearest to it.

    Parameters
    ----------
    image : (H, W, C) uint8
    scale : size in large pixels as a fraction of the size in pixels, rounded down; less is worse, 1 leaves the image
        alone

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    height, width = image.shape[:2]
    small = _picture(image).resize((max(int(width * scale), 1), max(int(height * scale), 1)), Image.Resampling.BOX)
    return _samples(small.resize((width, height), Image.Resampling.NEAREST), image)


@corruption
def jpeg_compression(image: Bytes, *, quality: int) -> Bytes:
    """Compress the image with JPEG, with half the rows and columns of its colour, and decompress it.

    Parameters
    ----------
    image : (H, W, C) uint8
    quality : of the encoder, 1 to 100; less is worse

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    buffer = io.BytesIO()
    _picture(image).save(buffer, "JPEG", quality=quality)
    return _samples(Image.open(buffer), image)


def _picture(image: Bytes) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def _samples(picture: Image.Image, like: Bytes) -> Bytes:
    return np.array(picture).reshape(like.shape)
