"""Images that keep their depth: what a source returns becomes stored samples with a window, and is read back."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs import dicom, tiff
from corruptgen.codecs import images as codec
from corruptgen.codecs.geometry import check_area, resize_and_crop
from corruptgen.codecs.guard import guard_decoder
from corruptgen.codecs.orientations import STORED, UPRIGHT, turn_pixels
from corruptgen.codecs.pixels import SampleFormat, grey_to_rgb, rgb_to_luma
from corruptgen.codecs.tolerance import EXIF_ORIENTATION, decode_tolerantly
from corruptgen.codecs.video import decode_video, is_video
from corruptgen.codecs.windowing import (
    CleanImage,
    StoredSamples,
    clip_to_window,
    fill_padding,
    find_window,
    in_floats,
    samples_of_array,
)
from corruptgen.errors import Rejected
from corruptgen.records import Decoding

PNG = b"\x89PNG\r\n\x1a\n"
NPY = b"\x93NUMPY"
# Where a PNG states how many bits a sample has, and which channels there are.
PNG_DEPTH, PNG_CHANNELS = 24, 25
OPAQUE = 65535


def decode_image(content: bytes | NDArray[Any] | StoredSamples, decoding: Decoding) -> CleanImage:
    """Return the clean image of what a source has for an item.

    Parameters
    ----------
    content : bytes or ndarray or StoredSamples
        The whole file; pixels of shape (H, W), (H, W, 1) or (H, W, 3); or stored samples and their meaning.
    decoding : Decoding
        The window, orientation, resizing and cropping; without a window the image is one of 8 bits, as `decoded`
        returns it. Then, if it says so, floats from 0 to 1.

    Raises
    ------
    Rejected
        If this is no image, not the whole image, or one without a window.
    """
    image = _with_its_depth(content, decoding)
    return in_floats(image, decoding.clips) if decoding.floats else image


def _with_its_depth(content: bytes | NDArray[Any] | StoredSamples, decoding: Decoding) -> CleanImage:
    if decoding.window is None:
        if isinstance(content, StoredSamples):
            raise Rejected("has samples of more than 8 bits; keep them with window in [decode]")
        pixels, notes = codec.read_pixels(content, decoding)
        return CleanImage(pixels, notes=notes)
    found, notes = _acquired(content, decoding)
    form = find_window(found, decoding.window)
    samples = _coloured(_fitted(fill_padding(found, form), decoding), decoding.colour)
    return CleanImage(clip_to_window(samples, form), form, found.slope, found.intercept, notes)


def read_samples(content: bytes | NDArray[Any] | StoredSamples, exif: str) -> StoredSamples:
    """Return the stored samples of an image, upright as its EXIF orientation asks or, for "ignore", as they lie."""
    return _acquired(content, Decoding(exif=exif))[0]


def _acquired(
    content: bytes | NDArray[Any] | StoredSamples, decoding: Decoding
) -> tuple[StoredSamples, tuple[str, ...]]:
    """Return the stored samples of an image, and what was passed over because it changes none of them."""
    if isinstance(content, StoredSamples):
        return content, ()
    if not isinstance(content, bytes):
        return samples_of_array(content), ()
    with guard_decoder():
        opened, notes = decode_tolerantly(content, decoding, _opened)
    if opened is None:
        whole = Decoding(exif=decoding.exif, colour="keep", tolerate=decoding.tolerate)
        pixels, notes = codec.read_pixels(content, whole)
        return samples_of_array(pixels), notes
    found, orientation = opened
    if decoding.exif == "apply" and orientation in UPRIGHT:
        pixels = turn_pixels(found.pixels, orientation)
        found = StoredSamples(pixels, found.bits, found.slope, found.intercept, found.advised)
    return found, notes


def decode_lossless(content: bytes) -> NDArray[Any]:
    """Decode a file that was written without loss: grey stays grey, and depth stays depth.

    Raises
    ------
    Rejected
        If it is damaged.
    """
    if content.startswith(NPY):
        return _array(content)
    if content.startswith(tiff.MAGIC) or _is_deep_png(content):
        return read_samples(content, "ignore").pixels
    return codec.decode_lossless_file(content)


def _array(content: bytes) -> NDArray[Any]:
    try:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise Rejected(f"is a damaged array: {error}") from error


def decode_stored(stored: bytes | Sequence[bytes] | NDArray[Any]) -> NDArray[Any]:
    """Return the pixels of what a dataset holds of an item: of an image, or (frames, H, W, C) of a sequence.

    Raises
    ------
    Rejected
        If it is damaged.
    """
    if isinstance(stored, bytes):
        return decode_lossless(stored)
    if isinstance(stored, np.ndarray):
        return stored
    if len(stored) == 1 and is_video(stored[0]):
        return decode_video(stored[0])
    frames = [decode_lossless(frame) for frame in stored]
    if len({frame.shape for frame in frames}) > 1:
        raise Rejected("is damaged: its frames differ in shape")
    return np.stack(frames)


def native_size(content: bytes | NDArray[Any] | StoredSamples, decoding: Decoding) -> tuple[int, int]:
    """Return height and width of an image before it is resized or cropped."""
    if decoding.window is not None:
        return read_samples(content, decoding.exif).pixels.shape[:2]
    if isinstance(content, bytes):
        return codec.native_file_size(content, decoding)
    pixels = content.pixels if isinstance(content, StoredSamples) else content
    return pixels.shape[0], pixels.shape[1]


def orientation(content: bytes | NDArray[Any] | StoredSamples, decoding: Decoding) -> int:
    """Return the EXIF orientation that leads from an image as it is stored to the upright one; 1 if they are the same.

    Raises
    ------
    Rejected
        If the file does not state it.
    """
    if not isinstance(content, bytes):
        return STORED
    if decoding.window is not None:
        with guard_decoder():
            found, _ = decode_tolerantly(content, replace(decoding, exif="apply"), _opened)
        if found is not None:
            return found[1] if found[1] in UPRIGHT else STORED
    return codec.file_orientation(content, decoding)


def _opened(content: bytes, orientation: int | None) -> tuple[StoredSamples, int] | None:
    """Decode a file of more than 8 bits, and return its orientation; None if it has 8 bits and is no DICOM.

    An `file_orientation` is one that the file does not state itself.
    """
    if dicom.is_dicom(content):
        return dicom.acquired(content), 1
    if tiff.is_deep(content):
        return tiff.read_tiff(content)
    if _is_deep_png(content):
        samples, own = _png(content)
        return samples, orientation or own
    return None


def _coloured(samples: NDArray[Any], colour: str | None) -> NDArray[Any]:
    """Bring samples to the channels that are asked for; they are kept if nothing is said."""
    channels = samples.shape[2]
    if colour == "rgb" and channels == 1:
        return grey_to_rgb(samples)
    if colour == "grey" and channels == 3:
        return rgb_to_luma(samples, SampleFormat(samples.dtype.name, 1))
    return samples


def _is_deep_png(content: bytes) -> bool:
    return content.startswith(PNG) and content[PNG_DEPTH : PNG_DEPTH + 1] == b"\x10"


def _png(content: bytes) -> tuple[StoredSamples, int]:
    """Decode a PNG of 16 bits, whose colours Pillow would reduce to 8."""
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        check_area(image.height, image.width)
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
        if getattr(image, "is_animated", False):
            raise Rejected("holds more than one picture; take one of them out first")
        if "transparency" in image.info:
            raise Rejected("has transparent pixels; flatten it onto a background first")
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        image.verify()
    samples = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        raise Rejected("cannot be decoded: its samples are damaged")
    if samples.ndim == 3 and samples.shape[2] in (2, 4):
        if samples[..., -1].min() != OPAQUE:
            raise Rejected("has transparent pixels; flatten it onto a background first")
        samples = samples[..., :-1]
    if samples.ndim == 3 and samples.shape[2] == 3:
        samples = samples[..., :1] if content[PNG_CHANNELS] in (0, 4) else samples[..., ::-1]
    return samples_of_array(samples), orientation


def _fitted(pixels: NDArray[Any], decoding: Decoding) -> NDArray[Any]:
    """Resize and crop as `geometry.resize_and_crop` does, each channel in floating point; whole samples are rounded."""
    if decoding.resize is None and decoding.crop is None:
        return pixels
    planes = [Image.fromarray(pixels[..., k].astype(np.float32)) for k in range(pixels.shape[2])]
    moved = np.stack([np.array(resize_and_crop(plane, decoding)) for plane in planes], axis=-1)
    if pixels.dtype.kind == "f":
        return moved
    limits = np.iinfo(pixels.dtype)
    return np.clip(np.rint(moved), limits.min, limits.max).astype(pixels.dtype)
