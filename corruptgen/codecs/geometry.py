"""Bring a clean image to its size: resize and centre crop, as the published benchmarks did."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.errors import Rejected
from corruptgen.records import Decoding, Extent

ORDERS = ("resize-crop", "crop-resize")
INTERPOLATIONS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
# What Pillow itself calls a decompression bomb: 256 MB of RGB.
MOST_PIXELS = 89_478_485


def resize_and_crop(image: Image.Image, decoding: Decoding) -> Image.Image:
    """Resize and crop an image.

    Parameters
    ----------
    image : PIL.Image.Image
        Image of mode RGB.
    decoding : Decoding
        `resize` (shorter side, or height and width), `crop` (square, height and width, or fraction of each side), their
        `order` and the `interpolation`, which averages over all that it makes smaller.

    Raises
    ------
    Rejected
        If the image is smaller than the crop, or would grow beyond `MOST_PIXELS`.
    """
    if decoding.order == "resize-crop":
        return _cropped(_resized(image, decoding), decoding)
    return _resized(_cropped(image, decoding), decoding)


def fit_samples(picture: NDArray[np.uint8], decoding: Decoding) -> NDArray[np.uint8]:
    """Resize and crop an (H, W, 1) or (H, W, 3) picture as `resize_and_crop` does."""
    if decoding.resize is None and decoding.crop is None:
        return picture
    channels = picture.shape[2]
    fitted = resize_and_crop(Image.fromarray(picture[..., 0] if channels == 1 else picture), decoding)
    return np.asarray(fitted).reshape(fitted.height, fitted.width, channels)


@dataclass(frozen=True)
class Placement:
    """Where `resize_and_crop` puts the points of an image, in pixels from its upper left corner."""

    height: int
    """Of the fitted image."""
    width: int
    scale: tuple[float, float] = (1.0, 1.0)
    """By which rows and columns are multiplied."""
    shift: tuple[float, float] = (0.0, 0.0)
    """What is added then, in rows and columns."""

    @property
    def is_native(self) -> bool:
        """Whether nothing is moved; something may be cut off on the right and below."""
        return self.scale == (1.0, 1.0) and self.shift == (0.0, 0.0)

    def placed(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the new (row, column) of points."""
        return points * self.scale + self.shift

    def resized(self, height: int, width: int) -> "Placement":
        """Return the placement after a resizing to another size."""
        down, right = height / self.height, width / self.width
        scale = (self.scale[0] * down, self.scale[1] * right)
        return Placement(height, width, scale, (self.shift[0] * down, self.shift[1] * right))

    def cropped(self, top: int, left: int, height: int, width: int) -> "Placement":
        """Return the placement after all but a window is cut off."""
        return replace(self, height=height, width=width, shift=(self.shift[0] - top, self.shift[1] - left))


def placement(height: int, width: int, *decodings: Decoding) -> Placement:
    """Return where `resize_and_crop`, as often as it is called, puts the points of an image of this size.

    Raises
    ------
    Rejected
        As `resize_and_crop` does.
    """
    place = Placement(height, width)
    for decoding in decodings:
        for step in decoding.order.split("-"):
            if step == "resize" and decoding.resize is not None:
                place = place.resized(*_target(place.height, place.width, decoding.resize))
                check_area(place.height, place.width)
            if step == "crop" and decoding.crop is not None:
                place = place.cropped(*_window(place.height, place.width, decoding.crop))
    return place


def check_area(height: int, width: int) -> None:
    """Raise `Rejected` if an image of this size has no pixels or too many."""
    if height < 1 or width < 1:
        raise Rejected(f"has no pixels ({height}×{width})")
    if height * width > MOST_PIXELS:
        raise Rejected(f"has {height}×{width} pixels; at most {MOST_PIXELS} are taken")


def _resized(image: Image.Image, decoding: Decoding) -> Image.Image:
    if decoding.resize is None:
        return image
    height, width = _target(image.height, image.width, decoding.resize)
    check_area(height, width)
    return image.resize((width, height), Image.Resampling[decoding.interpolation.upper()])


def _target(height: int, width: int, resize: Extent) -> tuple[int, int]:
    if isinstance(resize, tuple):
        return resize
    # The longer side is cut to a whole number, not rounded: the size that ImageNet-C was made with.
    if width <= height:
        return int(resize * height / width), resize
    return resize, int(resize * width / height)


def _cropped(image: Image.Image, decoding: Decoding) -> Image.Image:
    if decoding.crop is None:
        return image
    top, left, height, width = _window(image.height, image.width, decoding.crop)
    return image.crop((left, top, left + width, top + height))


def _window(whole_height: int, whole_width: int, crop: Extent | float) -> tuple[int, int, int, int]:
    """Return top, left, height and width of what a crop leaves."""
    match crop:
        case float(fraction):
            height, width = int(fraction * whole_height), int(fraction * whole_width)
            check_area(height, width)
        case (height, width):
            pass
        case int(side):
            height = width = side
    if whole_height < height or whole_width < width:
        found = f"{whole_height}×{whole_width}"
        raise Rejected(f"is {found} where it is cropped, smaller than the crop of {height}×{width}")
    # Half pixels go to the even side, as Python rounds: the offset that ImageNet-C was made with.
    return round((whole_height - height) / 2.0), round((whole_width - width) / 2.0), height, width
