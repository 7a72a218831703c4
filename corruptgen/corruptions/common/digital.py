"""What storing and sending does to an image."""

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from corruptgen.declare import Bytes, BytesPicture, corruption


@corruption
def pixelate(image: Bytes, *, scale: float) -> Bytes:
    """Show the image with fewer, larger pixels.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    scale : float
        Size in large pixels as a fraction of the size in pixels, rounded down; less is worse, 1 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    return _with_large_pixels(image, scale, Image.Resampling.BOX)


@corruption
def pixelate_nearest(image: Bytes, *, scale: float) -> Bytes:
    """Show the image with fewer, larger pixels, each screen pixel with the colour of the large one nearest to it.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    scale : float
        Size in large pixels as a fraction of the size in pixels, rounded down; less is worse, 1 leaves the image alone.

    References
    ----------
    Michaelis et al. 2019, https://arxiv.org/abs/1907.07484
    """
    return _with_large_pixels(image, scale, Image.Resampling.NEAREST)


@corruption
def jpeg_compression(image: BytesPicture, *, quality: int) -> BytesPicture:
    """Compress the image with JPEG, with half the rows and columns of its colour, and decompress it.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    quality : int
        Quality of the encoder, 1 to 100; less is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    is_grey = image.shape[2] == 1
    # The bytes and the pixels of Pillow, from libraries that spend less time around the codec.
    samples = image if is_grey else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    content = cv2.imencode(".jpg", samples, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    decoded: Bytes = simplejpeg.decode_jpeg(content, colorspace="GRAY" if is_grey else "RGB")
    return decoded.reshape(image.shape)


def count_large_pixels(image: Bytes, scale: float) -> tuple[int, int]:
    """Return how many rows and columns of large pixels fit into `scale` times the height and the width."""
    height, width = image.shape[:2]
    return max(int(height * scale), 1), max(int(width * scale), 1)


def _with_large_pixels(image: Bytes, scale: float, resampling: Image.Resampling) -> Bytes:
    """Return the means over large pixels, enlarged again."""
    if image.shape[2] not in (1, 3):
        # To Pillow a fourth channel would be an alpha, which weighs the others.
        channels = np.split(image, image.shape[2], axis=2)
        return np.concatenate([_with_large_pixels(channel, scale, resampling) for channel in channels], axis=2)
    height, width = image.shape[:2]
    rows, columns = count_large_pixels(image, scale)
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    small = picture.resize((columns, rows), Image.Resampling.BOX)
    return np.array(small.resize((width, height), resampling)).reshape(image.shape)
