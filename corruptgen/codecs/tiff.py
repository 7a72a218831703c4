"""TIFF: which layouts of samples are pictures, decoding of more than 8 bits, and the files that are written."""

import io
import logging
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.geometry import check_area
from corruptgen.codecs.windowing import StoredSamples, samples_of_array
from corruptgen.errors import Rejected
from corruptgen.runtime.extras import need

# What the library says about broken tags belongs to no terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
# Classic and big files, of either byte order.
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BITS = 8
UNCOMPRESSED = 1
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
# The photometric interpretations that are taken of 8 bits, by the samples that a pixel has in them.
TAKEN: Mapping[int, int] = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, 5: 4, 6: 3}
DEEP = (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
NAMES: Mapping[int, str] = {PALETTE: "a palette", 5: "CMYK", 6: "YCbCr", 8: "CIELAB", 9: "ICCLAB", 10: "ITULAB"}
SIGNED = 2
ALPHA = (1, 2)  # associated and unassociated; 0 is a band of which nothing is said


def is_deep(content: bytes) -> bool:
    """Check whether the bytes of a file are those of a TIFF that 8 bits from 0 to 255 cannot hold."""
    if not content.startswith(MAGIC):
        return False
    tifffile = need("tifffile", "a TIFF of more than 8 bits")

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page: Any = file.pages[0]
        return max(_all(page.bitspersample)) > BITS or SIGNED in _all(page.sampleformat)


def check_layout(
    photometric: int, samples: int, extra: Sequence[int], depth: int, *, allowed: Sequence[int] = tuple(TAKEN)
) -> None:
    """Refuse a TIFF whose samples are not those of one picture, grey or in colour.

    Parameters
    ----------
    photometric : int
        What samples mean.
    samples : int
        Samples of a pixel.
    extra : sequence of int
        What the bands beside the colours mean, as far as the file states it.
    depth : int
        Number of planes of a volume; 1 of a picture.
    allowed : sequence of int
        Meanings of samples that are taken.

    Raises
    ------
    Rejected
        If it is no such file.
    """
    if depth > 1:
        raise Rejected(f"holds a volume of {depth} planes; write each into a file of its own first")
    if photometric not in allowed:
        name = NAMES.get(photometric, f"the photometric interpretation {photometric}")
        raise Rejected(f"has samples in {name}; convert it to grey or RGB first")
    more = samples - TAKEN[photometric]
    if more > 1 or (more == 1 and tuple(extra) not in ((), *((kind,) for kind in ALPHA))):
        raise Rejected(f"has {more} band{'s' if more > 1 else ''} beside its colours; write those alone first")


def read_tiff(content: bytes) -> tuple[StoredSamples, int]:
    """Decode a TIFF of one picture, and return its orientation as EXIF counts it.

    Where 0 is white, samples are turned around within their bits.

    Raises
    ------
    Rejected
        If it holds several pictures, or is compressed in a way that no installed package decodes.
    """
    tifffile = need("tifffile", "a TIFF of more than 8 bits")

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        if len(file.pages) > 1:
            raise Rejected("holds more than one picture; take one of them out first")
        page: Any = file.pages[0]
        check_area(page.imagelength, page.imagewidth)
        planes = int(getattr(page, "imagedepth", 1) or 1)
        check_layout(int(page.photometric), page.samplesperpixel, _all(page.extrasamples), planes, allowed=DEEP)
        orientation = page.tags.get("Orientation")
        found = samples_of_array(_opaque(_samples(page), TAKEN[int(page.photometric)]))
        bits = max(_all(page.bitspersample))
        turned = page.photometric == WHITE_IS_ZERO
    return _meaning(found, bits, turned=turned), orientation.value if orientation else 1


def encode_tiff(image: NDArray[Any]) -> bytes:
    """Return the bytes of a TIFF; equal samples produce equal bytes.

    Nothing is compressed: versions of zlib write different bytes, and the lowest bits of a measurement are noise, which
    nothing makes smaller.
    """
    tifffile = need("tifffile", "a TIFF of more than 8 bits")

    buffer = io.BytesIO()
    grey = image.shape[2] == 1
    tifffile.imwrite(
        buffer,
        image[..., 0] if grey else image,
        byteorder="<",
        photometric="minisblack" if grey else "rgb",
        metadata=None,
        software=False,
    )
    return buffer.getvalue()


def _all(value: Any) -> tuple[int, ...]:
    return tuple(map(int, value)) if isinstance(value, tuple | list) else (int(value),)


def _opaque(samples: NDArray[Any], colours: int) -> NDArray[Any]:
    """Drop an alpha channel, and widen signed samples of 8 bits, for which there is no type of image."""
    if samples.ndim == 3 and samples.shape[2] > colours:
        kind = samples.dtype
        opaque = 1 if kind.kind == "f" else np.iinfo(kind).max
        if (samples[..., colours] != opaque).any():
            raise Rejected("has transparent pixels; flatten it onto a background first")
        samples = samples[..., :colours]
    return samples.astype(np.int16) if samples.dtype == np.int8 else samples


def _samples(page: Any) -> NDArray[Any]:
    advice = (
        f"is compressed as {page.compression.name}, which the installed packages cannot decode; install imagecodecs, "
        "or store it uncompressed"
    )
    # Without that package, the library unpacks a strip as far as it goes, whatever the header claims.
    if page.compression != UNCOMPRESSED and find_spec("imagecodecs") is None:
        raise Rejected(advice)
    try:
        samples = np.asarray(page.asarray())
    # The library says so in several ways, all of which name the package.
    except (ValueError, KeyError, NotImplementedError) as error:
        if "imagecodecs" not in str(error):
            raise
        raise Rejected(advice) from error
    # Colours may lie in planes of their own.
    return np.moveaxis(samples, 0, -1) if page.axes == "SYX" else samples


def _meaning(found: StoredSamples, bits: int, *, turned: bool) -> StoredSamples:
    if found.bits is None:
        if turned:
            raise Rejected("has floating point samples of which 0 is white; turn them around first")
        return found
    lowest, highest = found.bits
    # Whole samples use the bits that the file states.
    lowest, highest = (0, (1 << bits) - 1) if lowest == 0 else (-(1 << bits >> 1), (1 << bits >> 1) - 1)
    pixels = (lowest + highest - found.pixels.astype(np.int32)).astype(found.pixels.dtype) if turned else found.pixels
    return StoredSamples(pixels, (lowest, highest))
