"""Bytes become pixels and pixels become bytes: what can be read, what is refused, how images are stored."""

import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from corruptgen.errors import Rejected
from corruptgen.imaging import tiff
from corruptgen.imaging.geometry import check_area, fitted
from corruptgen.imaging.png import png
from corruptgen.records import Decoding, Encoding

EXTENSIONS = frozenset(
    {".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
# The content decides, not the name: a JPEG called .png is read as what it is. JPEG includes those with previews (MPO).
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
CONVERTED_MODES = ("1", "CMYK", "L", "P", "RGB", "YCbCr")
ALPHA_MODES = ("LA", "PA", "RGBA")
OPAQUE = 255
BITS = 8
TIFF_BITS_PER_SAMPLE = 258
EXIF_ORIENTATION = 0x0112
# What an EXIF orientation asks for; 1 and values that do not exist leave the image as it lies.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = frozenset({5, 6, 7, 8})
TURNED_BACK = UPRIGHT | {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
# The modules whose warnings are about the file that is being decoded.
DECODERS = r"PIL\.|corruptgen\.imaging\.codec"
_STRICT = threading.RLock()


def decoded(content: bytes | NDArray[np.uint8], decoding: Decoding) -> NDArray[np.uint8]:
    """Decode the bytes of an image file, or take the pixels of an array, and bring the image to its size.

    Parameters
    ----------
    content : the whole file; or pixels of shape (H, W), (H, W, 1) or (H, W, 3)
    decoding : EXIF orientation, resizing and cropping

    Returns
    -------
    (H, W, 3) uint8; of a grey array (H, W, 1).

    Raises
    ------
    Rejected
        If this is no image, not the whole image, or not one that 8 bits in three channels can hold without loss;
        whatever the decoder reports, warnings included, rejects.
    """
    if not isinstance(content, bytes):
        return _layers(fitted(_picture(content), decoding))
    return np.array(fitted(_opened(content, decoding.exif), decoding))


def restored(content: bytes) -> NDArray[np.uint8]:
    """Decode a file that `encoded` wrote without loss: grey stays grey.

    Raises
    ------
    Rejected
        If it is damaged.
    """
    pixels = np.array(_opened(content, "ignore"))
    with Image.open(io.BytesIO(content)) as image:
        return pixels[..., :1] if image.mode == "L" else pixels


def _opened(content: bytes, exif: str) -> Image.Image:
    """Decode the bytes of an image file to RGB."""
    if not content:
        raise Rejected("is empty")
    with strict():
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                plain = _plain_jpeg(content, image)
                if plain is not None:
                    return _oriented(image, exif, plain)
            _check_integrity(content)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                check_area(image.height, image.width)
                _check_samples(image)
                return _oriented(image, exif)
        except Rejected:
            raise
        # Decoders that are fed broken bytes raise whatever they stumble upon; all of it says that the file is broken.
        except Exception as error:
            raise Rejected(f"cannot be decoded: {reason(error)}") from error


def _picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """Make a picture of an array, grey or RGB."""
    if pixels.dtype != np.uint8:
        raise Rejected(f"is an array of {pixels.dtype}; scale to 0..255 and save as uint8")
    channels = pixels.shape[2:]
    if pixels.ndim not in (2, 3) or channels not in ((), (1,), (3,)):
        raise Rejected(f"is an array of shape {pixels.shape}; taken are (H, W), (H, W, 1) and (H, W, 3)")
    check_area(*pixels.shape[:2])
    return Image.fromarray(pixels[..., 0] if channels == (1,) else pixels)


def _layers(picture: Image.Image) -> NDArray[np.uint8]:
    pixels = np.array(picture)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def encoded(image: NDArray[np.uint8], encoding: Encoding) -> bytes:
    """Give the bytes of an image file; equal pixels give equal bytes.

    Parameters
    ----------
    image : (H, W, 3), or (H, W, 1), which is stored as grey
    encoding : PNG, or JPEG of a quality, with optimised Huffman tables and chroma at half size as ImageNet-C has it; or
        TIFF, which holds every type of sample
    """
    if encoding.name == "tiff":
        return tiff.encoded(image)
    if encoding.name == "png":
        return png(image, encoding.compression)
    # The bytes that Pillow writes, in less time.
    samples = image if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    settings = (cv2.IMWRITE_JPEG_QUALITY, encoding.quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1)
    return bytes(cv2.imencode(".jpg", samples, settings)[1].tobytes())


def native_size(content: bytes, exif: str) -> tuple[int, int]:
    """Give height and width of an image before it is resized or cropped, without decoding it."""
    with strict(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
        # Of a TIFF Pillow gives the size that it has upright, before and after it is loaded.
        turns = image.getexif().get(EXIF_ORIENTATION, 1) in SIDEWAYS and (exif == "apply") != (image.format == "TIFF")
        return (image.width, image.height) if turns else (image.height, image.width)


@contextmanager
def strict() -> Iterator[None]:
    """Turn warnings into errors, and see to it that Pillow does not fill up truncated files.

    Both belong to the process, so one thread decodes at a time: beside 95 cells that costs
    nothing that can be measured.
    Only what Pillow warns about becomes an error, because other threads are corrupting meanwhile.
    """
    with _STRICT, warnings.catch_warnings():
        lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            warnings.filterwarnings("error", module=DECODERS)
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def _check_integrity(content: bytes) -> None:
    """Find the damage that Pillow passes over: checksums of PNG, and what libjpeg only warns about."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.format == "PNG":
            image.verify()
        elif image.format in ("JPEG", "MPO"):
            _check_jpeg(content)


def _plain_jpeg(content: bytes, image: ImageFile.ImageFile) -> Image.Image | None:
    """Decode a photograph of the usual kind at once and strictly; None if it is of another kind."""
    if image.format != "JPEG" or image.mode != "RGB" or "progressive" in image.info:
        return None
    check_area(image.height, image.width)
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    except ValueError:
        return None
    if colours != "YCbCr" or (height, width) != (image.height, image.width):
        return None
    return Image.fromarray(simplejpeg.decode_jpeg(content, colorspace="RGB", strict=True))


def _check_jpeg(content: bytes) -> None:
    try:
        _, _, colours, _ = simplejpeg.decode_jpeg_header(content)
    except ValueError as error:
        # This decoder knows the usual chroma subsamplings only; Pillow knows all of them.
        if "subsampling" in str(error):
            return
        raise
    target = "CMYK" if colours in ("CMYK", "YCCK") else "GRAY"
    # An eighth of the size: all of the file is read, and hardly any pixel computed.
    simplejpeg.decode_jpeg(content, colorspace=target, min_height=1, min_width=1, strict=True)


def _check_samples(image: ImageFile.ImageFile) -> None:
    bits = _bits(image)
    if bits > BITS or image.mode in ("F", "I") or image.mode.startswith("I;"):
        advice = "convert it to 8 bits first, or keep them with window in [decode]"
        raise Rejected(f"has samples of more than 8 bits (mode {image.mode}); {advice}")
    if image.mode not in CONVERTED_MODES + ALPHA_MODES:
        raise Rejected(f"has mode {image.mode}; taken are {', '.join(CONVERTED_MODES + ALPHA_MODES)}")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise Rejected("holds more than one picture; take one of them out first")


def _bits(image: ImageFile.ImageFile) -> int:
    """Give the bits of a sample in the file; Pillow reduces some 16-bit files to 8 bits and does not say so."""
    match image.format:
        case "PNG":
            return 2 * BITS if "16" in str(image.tile[0].args) else BITS
        case "PPM":
            # The decoder's arguments end with the largest value of a sample.
            arguments = image.tile[0].args
            largest = arguments[-1] if isinstance(arguments, tuple) else OPAQUE
            return largest.bit_length() if isinstance(largest, int) else BITS
        case "TIFF":
            return max(getattr(image, "tag_v2", {}).get(TIFF_BITS_PER_SAMPLE, (1,)))
    return BITS


def _oriented(image: Image.Image, exif: str, plain: Image.Image | None = None) -> Image.Image:
    """Give the image in RGB, upright as its EXIF orientation asks or, for "ignore", as its samples lie in the file.

    `plain` are its pixels as they lie there, if they are decoded already.
    """
    # Pillow itself turns a TIFF while loading it, and forgets the tag.
    turned = getattr(image, "tag_v2", {}).get(EXIF_ORIENTATION, 1) if image.format == "TIFF" else 1
    picture = plain or _rgb(image)
    turn = UPRIGHT.get(image.getexif().get(EXIF_ORIENTATION, 1)) if exif == "apply" else TURNED_BACK.get(turned)
    return picture if turn is None else picture.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    image.load()
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] != OPAQUE:
            raise Rejected("has transparent pixels; flatten it onto a background first")
    return image.convert("RGB")


def reason(error: Exception) -> str:
    """Word a decoder's complaint in one line that is the same in every run."""
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image of a known format"
    message = re.sub(r"<[^>]*>|0x[0-9a-fA-F]+", "...", str(error))
    line = " ".join(message.split())[:160]
    return line or type(error).__name__
