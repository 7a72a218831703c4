"""Thumbnails: pixels as text that an HTML page can hold."""

import base64
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.images import encode_image
from corruptgen.publishing.picture import film_strip, shrink
from corruptgen.records import Encoding
from corruptgen.sinks.protocol import SEQUENCE

LONGEST = 224  # pixels, the longer side; larger images are made smaller after they were corrupted
# Up to this side an image is embedded without loss: one sees its pixels, and they take no room.
LOSSLESS = 64
# Colours keep their full resolution: at half of it, JPEG wipes out most of a noise that differs between channels.
QUALITY, SUBSAMPLING = 75, "444"
DATA = "data:image/"
PNG = f"{DATA}png"


@dataclass(frozen=True)
class Thumbnail:
    """A small picture, embedded."""

    uri: str
    """The whole file, as a `data:` URI."""
    width: int
    """Pixels of the embedded file."""
    height: int

    @property
    def is_lossless(self) -> bool:
        """Whether it has the pixels of the image itself."""
        return self.uri.startswith(PNG)

    @property
    def is_film(self) -> bool:
        """Whether it is wide: frames side by side."""
        return self.width > 2 * self.height


def encode_thumbnail(pixels: NDArray[np.uint8]) -> Thumbnail:
    """Embed an image: without loss and as it is if it is tiny, else as a JPEG of at most `LONGEST` pixels a side.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 1)
        Or (H, W, 3); or (frames, H, W, C), of which some frames are embedded side by side.
    """
    if pixels.ndim == SEQUENCE:
        strip = np.asarray(film_strip(pixels, LONGEST // 2))
        return _embed(strip, is_tiny=max(pixels.shape[1:3]) <= LOSSLESS)
    height, width = pixels.shape[:2]
    longer = max(height, width)
    if longer > LONGEST:
        flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        smaller = np.asarray(shrink(Image.fromarray(flat), LONGEST))
        pixels = smaller.reshape(*smaller.shape[:2], pixels.shape[2])
    return _embed(pixels, is_tiny=longer <= LOSSLESS)


def _embed(pixels: NDArray[np.uint8], *, is_tiny: bool) -> Thumbnail:
    if is_tiny:
        kind, content = "png", encode_image(pixels, Encoding(compression="small"))
    else:
        kind, content = "jpeg", _jpeg(pixels)
    uri = f"{DATA}{kind};base64,{base64.b64encode(content).decode()}"
    return Thumbnail(uri, pixels.shape[1], pixels.shape[0])


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    grey = pixels.shape[2] == 1
    colours = {"colorspace": "GRAY", "colorsubsampling": "Gray"} if grey else {"colorsubsampling": SUBSAMPLING}
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), QUALITY, **colours, fastdct=False))
