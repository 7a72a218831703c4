"""TIFF of more than 8 bits: one picture of a file, and the files that are written."""

import io
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import Rejected
from corruptgen.extras import need
from corruptgen.imaging.geometry import check_area
from corruptgen.imaging.windowing import Acquired, array_acquired

# What the library says about broken tags belongs to no terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
# Classic and big files, of either byte order.
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BITS = 8
WHITE_IS_ZERO = 0


def is_deep(content: bytes) -> bool:
    """Tell whether the bytes of a file are those of a TIFF whose samples have more than 8 bits."""
    if not content.startswith(MAGIC):
        return False
    tifffile = need("tifffile", "a TIFF of more than 8 bits")

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page: Any = file.pages[0]
        found = page.bitspersample
        return max(found if isinstance(found, tuple) else (found,)) > BITS


def acquired(content: bytes) -> tuple[Acquired, int]:
    """Decode a TIFF of one picture, and give its orientation as EXIF counts it.

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
        orientation = page.tags.get("Orientation")
        found = array_acquired(_samples(page))
        bits = page.bitspersample
        turned = page.photometric == WHITE_IS_ZERO
    return _meaning(found, bits, turned=turned), orientation.value if orientation else 1


def encoded(image: NDArray[Any]) -> bytes:
    """Give the bytes of a TIFF; equal samples give equal bytes.

    Nothing is compressed: each version of zlib gives other bytes, and the lowest bits of a measurement are noise, which
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


def _samples(page: Any) -> NDArray[Any]:
    try:
        samples = np.asarray(page.asarray())
    # The library says so in several ways, all of which name the package.
    except (ValueError, KeyError, NotImplementedError) as error:
        if "imagecodecs" not in str(error):
            raise
        raise Rejected(
            f"is compressed as {page.compression.name}, which the installed packages cannot decode; install "
            "imagecodecs, or store it uncompressed"
        ) from error
    # Colours may lie in planes of their own.
    return np.moveaxis(samples, 0, -1) if page.axes == "SYX" else samples


def _meaning(found: Acquired, bits: int, *, turned: bool) -> Acquired:
    if found.bits is None:
        if turned:
            raise Rejected("has floating point samples of which 0 is white; turn them around first")
        return found
    lowest, highest = found.bits
    if lowest == 0:
        highest = (1 << bits) - 1
    pixels = (lowest + highest - found.pixels.astype(np.int32)).astype(found.pixels.dtype) if turned else found.pixels
    return Acquired(pixels, (lowest, highest))
