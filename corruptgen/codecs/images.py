"""Bytes become pixels and pixels become bytes: what can be read, what is refused, how images are stored."""

import io
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageFile

from corruptgen.codecs import file_formats, png_rows, tiff
from corruptgen.codecs.file_formats import BITS, EXTENSIONS
from corruptgen.codecs.geometry import check_area, resize_and_crop
from corruptgen.codecs.guard import guard_decoder
from corruptgen.codecs.orientations import SIDEWAYS, STORED, UPRIGHT, inverse_orientation, turn_picture
from corruptgen.codecs.png import encode_png
from corruptgen.codecs.tolerance import EXIF_ORIENTATION, decode_tolerantly
from corruptgen.errors import Rejected
from corruptgen.records import Decoding, Encoding

__all__ = [
    "EXTENSIONS",
    "decode_lossless_file",
    "decoded",
    "encode_image",
    "file_orientation",
    "native_file_size",
    "read_pixels",
]

CONVERTED_MODES = ("1", "CMYK", "L", "P", "RGB", "YCbCr")
ALPHA_MODES = ("LA", "PA", "RGBA")
GREY_MODES = ("1", "L", "LA")
OPAQUE = 255
TIFF_BITS_PER_SAMPLE, TIFF_PHOTOMETRIC, TIFF_SAMPLES_PER_PIXEL = 258, 262, 277
TIFF_EXTRA_SAMPLES, TIFF_SAMPLE_FORMAT, TIFF_DEPTH = 338, 339, 32997


def decoded(content: bytes | NDArray[np.uint8], decoding: Decoding) -> NDArray[np.uint8]:
    """Decode the bytes of an image file, or take the pixels of an array, and bring the image to its size.

    Parameters
    ----------
    content : bytes or ndarray of uint8
        The whole file; or pixels of shape (H, W), (H, W, 1) or (H, W, 3).
    decoding : Decoding
        EXIF orientation, colour, resizing and cropping.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        (H, W, 1) of an image that is grey and stays so, or is made grey.

    Raises
    ------
    Rejected
        If this is no image, not the whole image, or not one that 8 bits in three channels can hold without loss;
        whatever the decoder reports about samples, warnings included, rejects.
    """
    return read_pixels(content, decoding)[0]


def read_pixels(content: bytes | NDArray[np.uint8], decoding: Decoding) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Decode an image as `decoded` does; return also what was passed over because it changes no pixel."""
    if not isinstance(content, bytes):
        picture = _picture(content)
        # What an array holds is kept unless the recipe wants something else.
        return _layers(resize_and_crop(_coloured(picture, decoding.colour or "keep"), decoding)), ()
    picture, notes = _opened(content, decoding)
    return _layers(resize_and_crop(picture, decoding)), notes


def decode_lossless_file(content: bytes) -> NDArray[np.uint8]:
    """Decode a file that `encode_image` wrote without loss: grey stays grey.

    Raises
    ------
    Rejected
        If it is damaged, its metadata included.
    """
    if not content:
        raise Rejected("is empty")
    with guard_decoder():
        return _layers(_strictly(content, Decoding(exif="ignore", colour="keep"), None))


def _opened(content: bytes, decoding: Decoding) -> tuple[Image.Image, tuple[str, ...]]:
    """Decode the bytes of an image file, upright and in the colours that are asked for."""
    if not content:
        raise Rejected("is empty")
    with guard_decoder():
        file_formats.load_plugin(content)
        return decode_tolerantly(content, decoding, lambda whole, turn: _strictly(whole, decoding, turn))


def _strictly(content: bytes, decoding: Decoding, orientation: int | None) -> Image.Image:
    """Decode a file about which no decoder complains; an `file_orientation` is one that it does not state itself."""
    with file_formats.open_image(content) as image:
        plain = _plain_jpeg(content, image)
        if plain is not None:
            return _coloured(_oriented(image, decoding.exif, orientation, plain), decoding.colour)
    _check_integrity(content)
    with file_formats.open_image(content) as image:
        check_area(image.height, image.width)
        _check_samples(image)
        if image.format == "GIF":
            png_rows.check_gif_frame(image)
        if image.format == "PNG":
            image.load()
            png_rows.check_png_rows(content, image)
        return _coloured(_oriented(image, decoding.exif, orientation), decoding.colour)


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


def encode_image(image: NDArray[np.uint8], encoding: Encoding) -> bytes:
    """Return the bytes of an image file; equal pixels produce equal bytes.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Or (H, W, 1), which is stored as grey.
    encoding : Encoding
        PNG, as single images beside videos are, too; or JPEG of a quality, with optimised Huffman tables and chroma at
        half size as ImageNet-C has it; or TIFF or a file of numpy, which hold every type of sample.
    """
    if encoding.name == "npy":
        file = io.BytesIO()
        np.save(file, image)
        return file.getvalue()
    if encoding.name == "tiff":
        return tiff.encode_tiff(image)
    if encoding.name == "png" or encoding.is_video:
        return encode_png(image, encoding.compression)
    # The bytes that Pillow writes, in less time.
    samples = image if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    settings = (cv2.IMWRITE_JPEG_QUALITY, encoding.quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1)
    return bytes(cv2.imencode(".jpg", samples, settings)[1].tobytes())


def native_file_size(content: bytes, decoding: Decoding) -> tuple[int, int]:
    """Return height and width of an image before it is resized or cropped, without decoding it.

    Raises
    ------
    Rejected
        If the file does not state it.
    """

    def size(whole: bytes, orientation: int | None) -> tuple[int, int]:
        with file_formats.open_image(whole) as image:
            if image.format == "TIFF":
                # Pillow reports the size that it has upright, before and after it is loaded.
                turns = decoding.exif == "ignore" and _turned(image) in SIDEWAYS
            else:
                turns = _orientation(image, decoding.exif, orientation) in SIDEWAYS
            return (image.width, image.height) if turns else (image.height, image.width)

    with guard_decoder():
        file_formats.load_plugin(content)
        return decode_tolerantly(content, decoding, size)[0]


def file_orientation(content: bytes, decoding: Decoding) -> int:
    """Return the EXIF orientation that leads from an image as it is stored to the upright one; 1 if they are the same.

    Raises
    ------
    Rejected
        If the file does not state it.
    """

    def turn(whole: bytes, known: int | None) -> Any:
        with file_formats.open_image(whole) as image:
            if image.format == "TIFF":
                return _turned(image)
            # Some formats are upright however they are read.
            is_turned = _orientation(image, "ignore", known) == STORED
            return _orientation(image, "apply", known) if is_turned else STORED

    with guard_decoder():
        file_formats.load_plugin(content)
        found = decode_tolerantly(content, replace(decoding, exif="apply"), turn)[0]
    return int(found) if found in UPRIGHT else STORED


def _check_integrity(content: bytes) -> None:
    """Find the damage that Pillow passes over: checksums of PNG, and what libjpeg only warns about."""
    with file_formats.open_image(content) as image:
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
    if image.format == "TIFF":
        _check_tiff(image)
    bits = _bits(image)
    if bits > BITS or image.mode in ("F", "I") or image.mode.startswith("I;"):
        advice = "convert it to 8 bits first, or keep them with window in [decode]"
        raise Rejected(f"has samples of more than 8 bits (mode {image.mode}); {advice}")
    if image.mode not in CONVERTED_MODES + ALPHA_MODES:
        raise Rejected(f"has mode {image.mode}; taken are {', '.join(CONVERTED_MODES + ALPHA_MODES)}")
    # Those two say which of their pictures is the picture.
    if image.format not in ("MPO", "HEIF") and getattr(image, "is_animated", False):
        raise Rejected("holds more than one picture; take one of them out first")


def _check_tiff(image: ImageFile.ImageFile) -> None:
    """Refuse what Pillow would take for something else: signed samples, volumes, bands beside the colours."""
    tags = getattr(image, "tag_v2", {})
    photometric = tags.get(TIFF_PHOTOMETRIC, tiff.BLACK_IS_ZERO)
    samples, depth = tags.get(TIFF_SAMPLES_PER_PIXEL, 1), tags.get(TIFF_DEPTH, 1)
    tiff.check_layout(photometric, samples, tags.get(TIFF_EXTRA_SAMPLES, ()), depth)
    if tiff.SIGNED in tags.get(TIFF_SAMPLE_FORMAT, ()) and max(tags.get(TIFF_BITS_PER_SAMPLE, (1,))) <= BITS:
        raise Rejected("has signed samples; store 0 to 255 first, or keep them with window in [decode]")


def _bits(image: ImageFile.ImageFile) -> int:
    """Return the bits of a sample in the file; Pillow reduces some 16-bit files to 8 bits and does not state so."""
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


def _oriented(image: Image.Image, exif: str, orientation: int | None, plain: Image.Image | None = None) -> Image.Image:
    """Decode a file, upright as its EXIF orientation asks or, for "ignore", as its samples lie in the file.

    Parameters
    ----------
    image : PIL.Image.Image
        The file.
    exif : str
        "apply" or "ignore".
    orientation : int or None
        What the file does not state itself, because its EXIF is damaged.
    plain : PIL.Image.Image or None
        Its samples as they are stored, if they are decoded already.
    """
    # Pillow itself turns a TIFF while loading it, and forgets the tag.
    turned = _turned(image)
    picture = plain or _flattened(image)
    back = exif == "ignore" and turned in UPRIGHT
    return turn_picture(picture, inverse_orientation(turned) if back else _orientation(image, exif, orientation))


def _turned(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {}).get(EXIF_ORIENTATION, 1) if image.format == "TIFF" else 1


def _orientation(image: Image.Image, exif: str, known: int | None) -> Any:
    """Return the orientation by which the samples that Pillow decodes are still to be turned.

    HEIF, AVIF and JPEG XL state it outside of EXIF, as a part of the image, and the one of EXIF does not count. The
    decoders of two of them turn the samples; of AVIF Pillow puts it into EXIF. A JPEG inside of JPEG XL is as any JPEG.
    """
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1
    if exif == "ignore" and image.format != "AVIF":
        return 1
    return known or image.getexif().get(EXIF_ORIENTATION, 1)


def _flattened(image: Image.Image) -> Image.Image:
    """Return the samples of an image that is opaque: grey of a grey one, RGB of all others."""
    image.load()
    mode = "L" if image.mode in GREY_MODES else "RGB"
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        if layers.getchannel("A").getextrema()[0] != OPAQUE:
            raise Rejected("has transparent pixels; flatten it onto a background first")
        image = layers if mode == "RGB" else image
    return image.convert(mode)


def _coloured(picture: Image.Image, colour: str | None) -> Image.Image:
    """Bring a grey or RGB picture to what is asked for; files become RGB if nothing is said."""
    mode = {"keep": picture.mode, "grey": "L"}.get(colour or "", "RGB")
    return picture if picture.mode == mode else picture.convert(mode)
