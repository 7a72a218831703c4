"""PNG files: a few lines of container around rows and a deflate stream, so that storing costs less than corrupting."""

import struct
import zlib
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR = 0, 2
# The filters of a row that are used: its samples as they are, or their differences to those above.
PLAIN, UP = 0, 2
# Bytes like the smallest file, at half of its time: run lengths are all that pays off in noisy pictures.
SMALL = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)

Samples = NDArray[np.uint8] | NDArray[np.uint16]


def encode_png(image: Samples, compression: str) -> bytes:
    """Return the bytes of a PNG file.

    Parameters
    ----------
    image : ndarray, shape (H, W, 1)
        Stored as grey, or (H, W, 3) samples of 8 or 16 bits.
    compression : str
        One of `COMPRESSIONS`; "fast" is deflated by ISA-L, whose bytes may differ from one kind of processor to
        another, the pixels never.
    """
    return COMPRESSIONS[compression](image)


def _stored(image: Samples) -> bytes:
    return _file(image, zlib.compress(_filtered(image, PLAIN).data, 0))


def _fast(image: Samples) -> bytes:
    return _file(image, isal_zlib.compress(_filtered(image, UP).data, 1))


def _small(image: Samples) -> bytes:
    samples = image if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".png", samples, SMALL)[1].tobytes())


COMPRESSIONS: Mapping[str, Callable[[Samples], bytes]] = {"stored": _stored, "fast": _fast, "small": _small}


def _filtered(image: Samples, kind: int) -> NDArray[np.uint8]:
    """Return the rows as they are compressed: each one's filter, then its bytes, the high one of a sample first."""
    height = image.shape[0]
    samples = image.astype(">u2") if image.dtype == np.uint16 else image
    rows = np.ascontiguousarray(samples).view(np.uint8).reshape(height, -1)
    lines = np.empty((height, 1 + rows.shape[1]), np.uint8)
    lines[:, 0] = kind
    if kind == UP:
        lines[0, 1:] = rows[0]
        np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    else:
        lines[:, 1:] = rows
    return lines


def _file(image: Samples, data: bytes) -> bytes:
    height, width, channels = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * image.itemsize, GREY if channels == 1 else COLOUR, 0, 0, 0)
    return b"".join([SIGNATURE, *_chunk(b"IHDR", header), *_chunk(b"IDAT", data), *_chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)
