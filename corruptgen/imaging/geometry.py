"""Bring a clean image to its size: resize and centre crop, as the published benchmarks did."""

from PIL import Image

from corruptgen.errors import Rejected
from corruptgen.records import Decoding, Extent

ORDERS = ("resize-crop", "crop-resize")
INTERPOLATIONS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
# What Pillow itself calls a decompression bomb: 256 MB of RGB.
MOST_PIXELS = 89_478_485


def fitted(image: Image.Image, decoding: Decoding) -> Image.Image:
    """Resize and crop an image.

    Parameters
    ----------
    image : of mode RGB
    decoding : `resize` (shorter side, or height and width), `crop` (square, height and width, or fraction of each
        side), their `order` and the `interpolation`, which averages over all that it makes smaller

    Raises
    ------
    Rejected
        If the image is smaller than the crop, or would grow beyond `MOST_PIXELS`.
    """
    if decoding.order == "resize-crop":
        return _cropped(_resized(image, decoding), decoding)
    return _resized(_cropped(image, decoding), decoding)


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
    match decoding.crop:
        case None:
            return image
        case float(fraction):
            height, width = int(fraction * image.height), int(fraction * image.width)
            check_area(height, width)
        case (height, width):
            pass
        case int(side):
            height = width = side
    if image.height < height or image.width < width:
        raise Rejected(
            f"is {image.height}×{image.width} where it is cropped, smaller than the crop of {height}×{width}"
        )
    # Half pixels go to the even side, as Python rounds: the offset that ImageNet-C was made with.
    top, left = round((image.height - height) / 2.0), round((image.width - width) / 2.0)
    return image.crop((left, top, left + width, top + height))
