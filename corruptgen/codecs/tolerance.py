"""What a decoder may complain about and the image still be whole: damaged metadata, and harmless oddities of JPEG.

The file is changed until a strict decoder has nothing to say: metadata are cut out, an oddity is put right. What
remains has to be whole; damage of samples cannot be cut out.
"""

import io
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial, reduce
from typing import TypeVar

import numpy as np
import simplejpeg
from PIL import Image

from corruptgen.codecs import metadata
from corruptgen.codecs.guard import decoder_complaint, ignore_warnings, is_machine_trouble
from corruptgen.errors import CorruptgenError, Rejected
from corruptgen.records import DEFAULT_TOLERATE, EXTRANEOUS_BYTES, Decoding

EXIF_ORIENTATION = 0x0112
END_OF_IMAGE, SCAN = b"\xff\xd9", b"\xff\xda"
# Markers of frames whose scans hold whole coefficients one after the other.
SEQUENTIAL = (0xC0, 0xC1)
WHOLE_SCAN = bytes([0, 63, 0])  # first and last coefficient, and no approximation
SHORTEST_PADDING = 2  # zero bytes; a single one may be the end of a damaged scan
# What libjpeg states about bytes between the last scan and the end of the image.
EXTRANEOUS = "extraneous bytes before marker 0xd9"
JFIF_VERSION, KNOWN_VERSION = 9, b"\x01\x02"

T = TypeVar("T")
Cut = Callable[[bytes], bytes]


def decode_tolerantly(
    content: bytes, decoding: Decoding, act: Callable[[bytes, int | None], T]
) -> tuple[T, tuple[str, ...]]:
    """Decode a file; if the decoder complains, decode it without what decides no pixel.

    To be called inside of the guard.

    Parameters
    ----------
    content : bytes
        The whole file.
    decoding : Decoding
        What is tolerated, and whether EXIF is looked at.
    act : callable
        Decodes strictly; its second argument is the orientation that a damaged EXIF block holds, None if there is no
        such block.

    Returns
    -------
    (T, tuple of str)
        What `act` returned, and what was passed over, in a fixed order.
    """
    try:
        return act(content, None), ()
    except CorruptgenError:
        raise
    except Exception as complaint:
        if is_machine_trouble(complaint):
            raise
        return _changed(content, decoding, act, complaint)


def _changed(
    content: bytes, decoding: Decoding, act: Callable[[bytes, int | None], T], complaint: Exception
) -> tuple[T, tuple[str, ...]]:
    """Decode a file with the fewest changes that silence the decoder."""
    changes = {**_cuts(content), **_repairs(content, decoding.tolerate)}
    _attempt(act, _apply(content, changes.values()), complaint)
    for name in list(changes):
        others = [change for other, change in changes.items() if other != name]
        if _passes(act, _apply(content, others)):
            del changes[name]
    odd = [name for name in changes if name in REPAIRS]
    for name in odd:
        if name not in decoding.tolerate:
            raise Rejected(_advice(complaint, name))
    changed = _apply(content, changes.values())
    if odd and not _has_same_pixels(_apply(content, _cuts(content).values()), changed):
        raise complaint
    lost = metadata.EXIF in changes and decoding.exif == "apply"
    found = act(changed, _orientation(content) if lost else None)
    looked = [name for name in changes if name != metadata.EXIF or decoding.exif == "apply"]
    return found, tuple(f"tolerated {name}" if name in REPAIRS else f"damaged {name}" for name in looked)


def _apply(content: bytes, changes: Iterable[Cut]) -> bytes:
    return reduce(lambda changed, change: change(changed), changes, content)


def _attempt(act: Callable[[bytes, int | None], T], content: bytes, complaint: Exception) -> None:
    """Decode what is left of a file; raise the first complaint if that is not whole either."""
    try:
        act(content, None)
    except CorruptgenError:
        raise
    except Exception as error:
        if is_machine_trouble(error):
            raise
        if EXTRANEOUS in str(complaint) or EXTRANEOUS in str(error):
            raise Rejected(_advice(complaint, EXTRANEOUS_BYTES) + " if they are known to be whole") from None
        raise complaint from None


def _advice(complaint: Exception, name: str) -> str:
    return (
        f'cannot be decoded: {decoder_complaint(complaint)}; to take such files, add "{name}" to tolerate in [decode]'
    )


def _passes(act: Callable[[bytes, int | None], T], content: bytes) -> bool:
    try:
        act(content, None)
    except Rejected:
        return True
    except Exception as error:
        if is_machine_trouble(error):
            raise
        return False
    return True


def _cuts(content: bytes) -> dict[str, Cut]:
    found = sorted(metadata.kinds(content) - {metadata.PADDING})
    return {kind: partial(metadata.without, unwanted={kind}) for kind in found}


def _repairs(content: bytes, tolerate: Collection[str]) -> dict[str, Cut]:
    usual = {name: repair for name, repair in REPAIRS.items() if name in DEFAULT_TOLERATE or name in tolerate}
    return {name: repair for name, repair in usual.items() if repair(content) != content}


def _orientation(content: bytes) -> int | None:
    """Read the orientation of a damaged EXIF block, as all viewers do; None if it does not state."""
    payload = metadata.exif_payload(content)
    if payload is None:
        return None
    exif = Image.Exif()
    try:
        with ignore_warnings():
            exif.load(payload)
            return exif.get(EXIF_ORIENTATION)
    # It is known to be damaged, in whatever way.
    except Exception as error:
        if is_machine_trouble(error):
            raise
        return None


def _has_same_pixels(before: bytes, after: bytes) -> bool:
    """Check that Pillow, which passes over what libjpeg warns about, makes the same pixels of both."""
    with ignore_warnings(), Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as other:
        return one.mode == other.mode and np.array_equal(np.asarray(one), np.asarray(other))


def _with_whole_scans(content: bytes) -> bytes:
    """Write the only parameters that the scans of a sequential JPEG can have; decoders do not use them."""
    found = metadata.pieces(content)
    if not found or not any(piece.content.lstrip(b"\xff")[:1] in map(_byte, SEQUENTIAL) for piece in found[:-1]):
        return content
    head, scans = content[: -len(found[-1].content)], bytearray(found[-1].content)
    at = scans.find(SCAN)
    while at >= 0:
        end = at + 2 + int.from_bytes(scans[at + 2 : at + 4])
        if end > len(scans):
            return content
        scans[end - 3 : end] = WHOLE_SCAN
        at = scans.find(SCAN, end)
    return head + bytes(scans)


def _without_padding(content: bytes) -> bytes:
    """Leave out zero bytes between the last scan and the end of the image, and those between segments."""
    found = metadata.pieces(metadata.without(content, {metadata.PADDING}))
    if not content.startswith(metadata.JPEG_MAGIC) or not found:
        return content
    scans = found[-1].content
    end = scans.find(END_OF_IMAGE)
    kept = scans[:end].rstrip(b"\0")
    # A zero byte behind 0xff belongs to the samples.
    kept += b"\0" if kept.endswith(b"\xff") else b""
    if end < 0 or end - len(kept) < SHORTEST_PADDING:
        kept, end = b"", 0
    return b"".join(piece.content for piece in found[:-1]) + kept + scans[end:]


def _without_extraneous_bytes(content: bytes) -> bytes:
    """Leave out whatever lies between the last scan and the end of the image.

    Damage of samples can leave such bytes too, so that this is done only if the user says that the files are whole.
    """
    bare = metadata.without(content, metadata.kinds(content))
    found = metadata.pieces(bare)
    if not content.startswith(metadata.JPEG_MAGIC) or not found:
        return content
    end = len(bare) - len(found[-1].content) + found[-1].content.find(END_OF_IMAGE)
    too_short, enough = len(bare) - len(found[-1].content), end
    while enough - too_short > 1:
        middle = (too_short + enough) // 2
        complaint = _complaint(bare[:middle] + END_OF_IMAGE)
        too_short, enough = (too_short, middle) if complaint in ("", EXTRANEOUS) else (middle, enough)
    return content[: len(content) - len(bare) + enough] + bare[end:]


def _complaint(content: bytes) -> str:
    """Return what libjpeg has to say about a file, in the form that is compared here."""
    try:
        simplejpeg.decode_jpeg(content, strict=True)
    except ValueError as error:
        return EXTRANEOUS if EXTRANEOUS in str(error) else str(error)
    return ""


def _with_known_version(content: bytes) -> bytes:
    """Write a revision of JFIF that decoders know; none of them makes a difference."""
    found = [
        piece.content[:JFIF_VERSION] + KNOWN_VERSION + piece.content[JFIF_VERSION + 2 :]
        if piece.content[:2] == b"\xff\xe0" and piece.payload.startswith(b"JFIF\0")
        else piece.content
        for piece in metadata.pieces(content) or ()
    ]
    return b"".join(found) if found and content.startswith(metadata.JPEG_MAGIC) else content


def _byte(value: int) -> bytes:
    return bytes([value])


REPAIRS: Mapping[str, Cut] = {
    "jpeg-scan-parameters": _with_whole_scans,
    "jpeg-padding": _without_padding,
    "jpeg-version": _with_known_version,
    EXTRANEOUS_BYTES: _without_extraneous_bytes,
}
"""What can be tolerated by name, and how it is put right."""
