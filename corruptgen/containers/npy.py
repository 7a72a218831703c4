"""Arrays in files of numpy: what their headers claim, compared with the contents; nothing is ever unpickled."""

import math
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format

from corruptgen.codecs.geometry import MOST_PIXELS
from corruptgen.codecs.windowing import DTYPES
from corruptgen.errors import SourceError

MOST_LABELS = 1 << 27  # values
GREY, COLOUR = 1, 3
ALLOWED = "taken are uint8 arrays of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3)"


@dataclass(frozen=True)
class Header:
    """What the header of an array states."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    """Where the samples begin."""

    @property
    def image(self) -> tuple[int, ...]:
        """The shape of one image."""
        return self.shape[1:]

    @property
    def stride(self) -> int:
        """Bytes from one image to the next."""
        return math.prod(self.image) * self.dtype.itemsize


def read_npy_header(file: BinaryIO, length: int, name: str) -> Header:
    """Read the header of an array.

    Parameters
    ----------
    file : BinaryIO
        At the beginning of the array.
    length : int
        Bytes that there are, the header included.
    name : str
        What to call it in messages.

    Raises
    ------
    SourceError
        If it is damaged, holds objects (a pickle), or claims more or fewer samples than there are.
    """
    try:
        version = npy_format.read_magic(file)
        readers = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
        shape, fortran, dtype = readers[version](file)
    except KeyError as error:
        raise SourceError(f"{name} has an unknown version of the format; save it again with numpy.save") from error
    # Damaged headers make the parser raise any kind of error.
    except Exception as error:
        raise SourceError(f"{name} is no array of numpy: its header is damaged") from error
    if dtype.hasobject:
        raise SourceError(f"{name} holds Python objects (a pickle), which are never loaded; save plain numbers")
    if fortran and len(shape) > 1:
        raise SourceError(f"{name} is in Fortran order; save numpy.ascontiguousarray of it")
    if any(type(side) is not int or side < 0 for side in shape):
        raise SourceError(f"{name} claims the shape {shape}, which no array has")
    offset = file.tell()
    claimed = math.prod(shape) * dtype.itemsize
    if offset + claimed != length:
        found = length - offset
        raise SourceError(f"{name} is damaged: its header claims {claimed} bytes of samples, there are {found}")
    return Header(shape, dtype, offset)


def check_images(found: Header, name: str, *, deep: bool = False) -> None:
    """Raise `SourceError` if an array cannot be a stack of images; `deep` takes samples of more than 8 bits."""
    shape = "×".join(map(str, found.shape))
    described = f"{name} is {found.dtype} of shape {shape}"
    if deep and found.dtype.newbyteorder("=").name not in DTYPES:
        raise SourceError(f"{described}; taken are {', '.join(DTYPES)}: convert it to one of them first")
    if found.dtype != np.uint8 and not deep:
        if found.dtype.kind in "fc":
            advice = "floating point has no agreed range and may hold NaN: scale to 0..255 and save as uint8"
        else:
            advice = "scale to 0..255 and save as uint8"
        if found.dtype.newbyteorder("=").name in DTYPES:
            advice += ", or keep the samples as they are with window in [decode]"
        raise SourceError(f"{described}; {ALLOWED}: {advice}")
    sides = len(found.shape)
    if sides == 4 and found.shape[1] in (GREY, COLOUR) and found.shape[3] not in (GREY, COLOUR):
        raise SourceError(f"{described}; {ALLOWED}: move the channels to the end with numpy.moveaxis(images, 1, -1)")
    if sides not in (3, 4) or (sides == 4 and found.shape[3] not in (GREY, COLOUR)):
        raise SourceError(f"{described}; {ALLOWED}")
    if not 1 <= math.prod(found.shape[1:3]) <= MOST_PIXELS:
        raise SourceError(f"{described}; an image has at least 1 and at most {MOST_PIXELS} pixels")


def check_labels(found: Header, images: Header, name: str) -> None:
    """Raise `SourceError` if an array cannot hold the labels of the images."""
    described = f"{name} is {found.dtype} of shape {'×'.join(map(str, found.shape))}"
    allowed = f"taken are whole numbers or texts of shape (N,), (N, 1) or (N, classes) with N = {images.shape[0]}"
    if found.dtype.kind not in "biufSU" or len(found.shape) not in (1, 2) or found.shape[0] != images.shape[0]:
        raise SourceError(f"{described}; {allowed}")
    if math.prod(found.shape) > MOST_LABELS or math.prod(found.shape) * found.dtype.itemsize > 8 * MOST_LABELS:
        raise SourceError(f"{described}, too many for labels; {allowed}")
