"""Label masks: files whose samples are labels, moved without mixing them."""

import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from corruptgen.codecs import png_rows, tiff
from corruptgen.codecs.geometry import check_area, resize_and_crop
from corruptgen.codecs.guard import guard_decoder
from corruptgen.codecs.orientations import STORED, turn_picture
from corruptgen.codecs.tolerance import EXIF_ORIENTATION, decode_tolerantly
from corruptgen.declare import Warp
from corruptgen.errors import Rejected
from corruptgen.ops.warp import mirrored
from corruptgen.records import Decoding

# Grey, palette (Pascal), 16 bits (instances of Cityscapes), colours instead of numbers.
MODES = ("1", "L", "P", "I;16", "RGB", "RGBA")
FORMATS = ("PNG", "TIFF", "GIF")
LARGEST_LABEL = 65535  # that a PNG holds
TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 258, 262, 339
GREY_BITS = (1, 8, 16, 32)  # Pillow stretches the others to 255
# Of TIFF, as Pillow calls them: the others change samples a little.
LOSSLESS = (
    *("raw", "tiff_raw_16", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd"),
    *("group3", "group4", "tiff_ccitt"),
)


@dataclass(frozen=True, eq=False)
class LabelMask:
    """A label mask that has been read."""

    image: Image.Image

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.height, self.image.width

    def fitted(self, decoding: Decoding) -> "LabelMask":
        """Resize and crop it as an image is, but take labels from the nearest pixel."""
        return LabelMask(resize_and_crop(self.image, replace(decoding, interpolation="nearest")))

    def turned(self, orientation: int) -> "LabelMask":
        """Turn it as an EXIF orientation asks."""
        return LabelMask(turn_picture(self.image, orientation))

    def warped(self, warp: Warp, outside: int | None = None) -> "LabelMask":
        """Move it by a warp; `outside` is as `move_labels` has it."""
        samples = np.ascontiguousarray(move_labels(np.asarray(self.image), warp, outside))
        if self.image.mode == "1":
            return LabelMask(Image.fromarray(samples))
        moved = Image.frombytes(self.image.mode, self.image.size, samples.tobytes())
        if self.image.mode == "P":
            moved.putpalette(self.image.palette or ())
        return LabelMask(moved)

    def encoded(self) -> bytes:
        """Return the bytes of a PNG file."""
        buffer = io.BytesIO()
        self.image.save(buffer, "PNG")
        return buffer.getvalue()


def label_mask(content: bytes, number: int | None = None, of: int = 1) -> LabelMask:
    """Read a label mask: the samples of the file as they are, an index of a palette and not its colour.

    Parameters
    ----------
    content : bytes
        A whole PNG, TIFF or GIF file.
    number : int or None
        Number of the picture, from 1, in a TIFF that has one for each frame of the image's file; None: it has one.
    of : int, default 1
        Number of frames.

    Raises
    ------
    Rejected
        If this is no such file, is not whole, or holds anything else than labels that a PNG can hold.
    """

    def act(whole: bytes, orientation: int | None) -> Image.Image:
        return _strictly(whole, number, of)

    try:
        with guard_decoder():
            mask, _ = decode_tolerantly(content, Decoding(exif="ignore"), act)
    except Rejected as error:
        if error.__cause__ is None:
            raise
        raise Rejected(f"has a mask that is not a whole {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file") from error
    if mask.mode not in MODES:
        raise Rejected(f"has a mask of mode {mask.mode}; taken are {', '.join(MODES)}")
    return LabelMask(mask)


def array_mask(labels: NDArray[Any]) -> LabelMask:
    """Take an array of numbers, (H, W), as a label mask: of 8 bits if the numbers have 8, else of 16.

    Raises
    ------
    Rejected
        If they are not all labels that a PNG can hold.
    """
    if labels.dtype.kind == "f" and not (np.isfinite(labels).all() and (labels == np.rint(labels)).all()):
        raise Rejected("has a mask with samples that are not whole numbers, and so no labels")
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest > LARGEST_LABEL:
        raise Rejected(f"has a mask with labels from {lowest:g} to {highest:g}; taken are 0 to {LARGEST_LABEL}")
    return LabelMask(Image.fromarray(labels.astype(np.uint8 if labels.dtype.itemsize == 1 else np.uint16)))


def _strictly(content: bytes, number: int | None, of: int) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.format == "PNG":
            image.verify()
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        check_area(image.height, image.width)
        if image.format == "PNG":
            image.load()
            png_rows.check_png_rows(content, image)
            return image.copy()
        _check_pictures(image, number, of)
        if image.format == "TIFF":
            image.seek((number or 1) - 1)
            check_area(image.height, image.width)
            return _tiff_labels(image)
        png_rows.check_gif_frame(image)
        return _plain(image)


def _check_pictures(image: ImageFile.ImageFile, number: int | None, of: int) -> None:
    """Refuse a file whose pictures are not one for each frame of the image's file."""
    found = getattr(image, "n_frames", 1)
    if image.format == "TIFF" and number is not None and found != of:
        raise Rejected(f"has a mask that holds {found} pictures for the {of} frames of its file")
    if found > 1 and (image.format != "TIFF" or number is None):
        raise Rejected(f"has a mask that holds {found} pictures; write each into a file of its own")


def _tiff_labels(image: ImageFile.ImageFile) -> Image.Image:
    """Return the samples of a TIFF as they are stored; refuse what Pillow would give other numbers for."""
    tags: Any = getattr(image, "tag_v2", {})
    photometric = tags.get(TIFF_PHOTOMETRIC, tiff.WHITE_IS_ZERO)
    if photometric not in (tiff.BLACK_IS_ZERO, tiff.RGB, tiff.PALETTE):
        raise Rejected(f"has a mask with the photometric interpretation {photometric} of TIFF; taken are 1, 2 and 3")
    if tags.get(EXIF_ORIENTATION, STORED) != STORED:
        raise Rejected("has a mask whose TIFF says that it is to be turned; write it upright")
    compression = image.info.get("compression", "raw")
    if compression not in LOSSLESS:
        raise Rejected(f"has a mask compressed as {compression}, which changes labels; store it without loss")
    bits = max(tags.get(TIFF_BITS, (1,)))
    if (photometric == tiff.BLACK_IS_ZERO and bits not in GREY_BITS) or (photometric == tiff.RGB and bits > tiff.BITS):
        raise Rejected(f"has a mask of {bits} bits; store labels as 8 or 16 bits")
    if photometric != tiff.BLACK_IS_ZERO or image.mode == "1":
        return _plain(image)
    labels = np.asarray(image)
    if bits == tiff.BITS and tiff.SIGNED in tags.get(TIFF_SAMPLE_FORMAT, ()):
        labels = labels.view(np.int8)
    # What has other channels than one is refused by its mode.
    return array_mask(labels).image if labels.ndim == 2 else _plain(image)


def _plain(image: Image.Image) -> Image.Image:
    """Return the samples and the palette without what else the file states, such as a transparent index."""
    image.load()
    plain = image.copy()
    plain.info = {}
    return plain


def move_labels(labels: NDArray[np.generic], warp: Warp, outside: int | None = None) -> NDArray[np.generic]:
    """Move labels by a warp: each pixel takes that of the pixel nearest to where its image was taken from.

    Parameters
    ----------
    labels : ndarray, shape (H, W)
        Or (H, W, C).
    warp : Warp
        Warp by which the image is moved.
    outside : int or None
        The label of what is taken from outside of the image; None: the one that is seen there, since the image is
        continued by its mirror image, or 0 if the warp's image is black there.
    """
    size = labels.shape[:2]
    grid = np.moveaxis(np.indices(size, np.float64), 0, -1)
    origins = warp.origins(grid)
    nearest = np.rint(mirrored(origins, size)).astype(np.intp)
    rows, columns = (nearest[..., axis].clip(0, size[axis] - 1) for axis in (0, 1))
    moved: NDArray[np.generic] = labels[rows, columns]
    # Under a warp that leaves black corners there is nothing in them.
    if (outside := getattr(warp, "outside", None) if outside is None else outside) is not None:
        moved[((origins < -0.5) | (origins > np.array(size) - 0.5)).any(axis=-1)] = outside
    return moved
