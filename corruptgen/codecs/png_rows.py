"""Rows that a header claims and a file does not hold, and which Pillow fills with black without a word."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFile

from corruptgen.codecs.metadata import PNG_MAGIC
from corruptgen.errors import Rejected

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the colour type of a PNG
# Where the passes of an interlaced PNG begin, and their steps: column, row, columns, rows.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
CHUNK = 1 << 20  # bytes


def check_png_rows(content: bytes, image: Image.Image) -> None:
    """Refuse a PNG that holds fewer samples than its header claims.

    Unpacking costs a third of decoding, so it is only done where rows may be missing: they are black.

    Parameters
    ----------
    content : bytes
        The whole file, whose checksums are right.
    image : PIL.Image.Image
        The file, decoded.

    Raises
    ------
    Rejected
        If samples are missing.
    """
    last = np.asarray(image.crop((0, image.height - 1, image.width, image.height)))
    if last.any() and not image.info.get("interlace"):
        return
    claimed = _claimed(content)
    if not _holds(content, claimed):
        raise Rejected(f"is cut off: it holds fewer samples than the {image.height} rows that its header claims")


def check_gif_frame(image: ImageFile.ImageFile) -> None:
    """Refuse a GIF, before it is decoded, whose picture does not cover the screen that its header claims."""
    covered = image.tile[0][1] if image.tile else None
    if covered != (0, 0, image.width, image.height):
        raise Rejected(f"holds a picture that does not cover the {image.height}×{image.width} that its header claims")


def _claimed(content: bytes) -> int:
    """Return the bytes that the samples of a PNG have before they are packed, each row with its filter."""
    width, height, bits, kind, _, _, interlace = struct.unpack_from(">IIBBBBB", content, len(PNG_MAGIC) + 8)
    passes = PASSES if interlace else ((0, 0, 1, 1),)
    claimed = 0
    for column, row, columns, rows in passes:
        wide, high = -(-(width - column) // columns), -(-(height - row) // rows)
        if wide > 0 and high > 0:
            claimed += high * (1 + -(-wide * bits * CHANNELS[kind] // 8))
    return claimed


def _holds(content: bytes, claimed: int) -> bool:
    """Check whether the packed samples of a PNG unpack to at least n bytes; no more of them are unpacked."""
    unpacker, found = zlib.decompressobj(), 0
    for data in (*_packed(content), b""):
        left = data
        while found < claimed and (more := unpacker.decompress(left, CHUNK)):
            found += len(more)
            left = unpacker.unconsumed_tail
    return found >= claimed


def _packed(content: bytes) -> Iterator[bytes]:
    at = len(PNG_MAGIC)
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        if name == b"IDAT":
            yield content[at + 8 : at + 8 + length]
        at += 12 + length
