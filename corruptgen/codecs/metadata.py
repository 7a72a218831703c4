"""The parts of an image file that decide no pixel: where they are, and the file without them."""

import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from corruptgen.codecs.tiff_tags import TIFF_MAGIC, tag_kinds, without_tags

EXIF, XMP, PROFILE, TEXT, COMMENT = "EXIF", "XMP", "colour profile", "text", "comment"
MPF, OTHER = "MPF", "other metadata"
# Zero bytes between the segments of a JPEG; not metadata, but cut out in the same way.
PADDING = "padding"

PNG_MAGIC, JPEG_MAGIC = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
PNG_KINDS = {b"tEXt": TEXT, b"zTXt": TEXT, b"iTXt": TEXT, b"eXIf": EXIF, b"iCCP": PROFILE}
# Transparency and animation decide what the image is, although a PNG without them could be read.
PNG_DECIDING = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
LOWER_CASE = 0x20  # this bit in the first letter of a chunk's name says that it can be left out

START_OF_SCAN, COMMENT_SEGMENT, JFIF_SEGMENT, ADOBE_SEGMENT, LAST_APPLICATION = 0xDA, 0xFE, 0xE0, 0xEE, 0xEF
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
JPEG_KINDS = (
    (0xE1, b"Exif\0", EXIF),
    (0xE1, b"http://ns.adobe.com/", XMP),
    (0xE2, b"MPF\0", MPF),
    (0xE2, b"ICC_PROFILE\0", PROFILE),
)
JPEG_DECIDING = ((JFIF_SEGMENT, b"JFIF\0"), (ADOBE_SEGMENT, b"Adobe"))

WEBP_KINDS = {b"EXIF": EXIF, b"XMP ": XMP, b"ICCP": PROFILE}
WEBP_DECIDING = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
WEBP_FLAGS = {EXIF: 0x08, XMP: 0x04, PROFILE: 0x20}
# HEIF and AVIF list what they hold; an item of a type that no decoder knows is not looked at.
FILE_TYPE = b"ftyp"
EXIF_ITEM = re.compile(rb"(infe\x02\0\0.{5})Exif", re.DOTALL)
EXIF_PREFIX = b"Exif\0\0"


@dataclass(frozen=True)
class Piece:
    """A piece of an image file."""

    content: bytes
    kind: str = ""
    """Empty if it decides pixels."""
    payload: bytes = b""
    """Of metadata, without the frame that the file puts around them."""


def kinds(content: bytes) -> set[str]:
    """Find the kinds of metadata in a file; none if it is of another format, or its frame is broken."""
    if content.startswith(TIFF_MAGIC):
        return tag_kinds(content)
    if content[4:8] == FILE_TYPE:
        return {EXIF} if EXIF_ITEM.search(content) else set()
    return {piece.kind for piece in pieces(content) or () if piece.kind}


def without(content: bytes, unwanted: Collection[str]) -> bytes:
    """Return a file without its metadata of some kinds; nothing else in it changes."""
    if content.startswith(TIFF_MAGIC):
        return without_tags(content, unwanted)
    if content[4:8] == FILE_TYPE:
        return EXIF_ITEM.sub(rb"\1skip", content) if EXIF in unwanted else content
    kept = [piece for piece in pieces(content) or () if piece.kind not in unwanted]
    if not kept:
        return content
    return _webp_file(kept) if _is_webp(content) else b"".join(piece.content for piece in kept)


def exif_payload(content: bytes) -> bytes | None:
    """Return what the EXIF block of a file holds, damaged or not; None if there is none."""
    found = next((piece.payload for piece in pieces(content) or () if piece.kind == EXIF), None)
    return None if found is None else found.removeprefix(EXIF_PREFIX)


def pieces(content: bytes) -> list[Piece] | None:
    """Take a JPEG, PNG or WebP file apart; None if it is of another format, or its frame is broken."""
    try:
        if content.startswith(JPEG_MAGIC):
            return list(_jpeg(content))
        if content.startswith(PNG_MAGIC):
            return list(_png(content))
        return list(_webp(content)) if _is_webp(content) else None
    except (IndexError, ValueError, struct.error):
        return None


def _jpeg(content: bytes) -> Iterator[Piece]:
    """Return the segments up to the first scan, and all the rest as one piece."""
    yield Piece(content[:2])
    at = 2
    while True:
        start = at
        while content[at] == 0:
            at += 1
        if at > start:
            yield Piece(content[start:at], PADDING)
        start = at
        while content[at] == 0xFF:  # more of them than one are allowed
            at += 1
        if at == start:
            raise ValueError("no marker")
        code = content[at]
        if code == START_OF_SCAN:
            yield Piece(content[start:])
            return
        end = at + 1 if code in STANDALONE else at + 1 + int.from_bytes(content[at + 1 : at + 3])
        if end > len(content):
            raise ValueError("a segment is longer than the file")
        payload = content[at + 3 : end]
        yield Piece(content[start:end], _segment_kind(code, payload), payload)
        at = end


def _segment_kind(code: int, payload: bytes) -> str:
    if code == COMMENT_SEGMENT:
        return COMMENT
    if not JFIF_SEGMENT <= code <= LAST_APPLICATION:
        return ""
    if any(code == deciding and payload.startswith(name) for deciding, name in JPEG_DECIDING):
        return ""
    return next((kind for number, name, kind in JPEG_KINDS if code == number and payload.startswith(name)), OTHER)


def _png(content: bytes) -> Iterator[Piece]:
    yield Piece(content[:8])
    at = len(PNG_MAGIC)
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if end > len(content):
            raise ValueError("a chunk is longer than the file")
        ancillary = bool(name[0] & LOWER_CASE) and name not in PNG_DECIDING
        yield Piece(content[at:end], PNG_KINDS.get(name, OTHER) if ancillary else "", content[at + 8 : end - 4])
        at = end


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def _webp(content: bytes) -> Iterator[Piece]:
    yield Piece(content[:12])
    at = 12
    while at + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length + length % 2
        kind = "" if name in WEBP_DECIDING else WEBP_KINDS.get(name, OTHER)
        if end > len(content) and not kind:
            raise ValueError("a chunk is longer than the file")
        yield Piece(content[at:end], kind, content[at + 8 : at + 8 + length])
        at = end


def _webp_file(kept: list[Piece]) -> bytes:
    """Put a file together, and have its header say what is in it."""
    left = {piece.kind for piece in kept}
    gone = sum(flag for kind, flag in WEBP_FLAGS.items() if kind not in left)
    chunks = [_unflagged(piece.content, gone) for piece in kept[1:]]
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _unflagged(chunk: bytes, flags: int) -> bytes:
    if not chunk.startswith(b"VP8X"):
        return chunk
    return chunk[:8] + bytes([chunk[8] & ~flags]) + chunk[9:]
