"""Headers of DICOM files: found with or without a preamble, unpacked within bounds, their numbers read as they are."""

import io
import struct
import zlib
from math import isfinite
from pathlib import Path
from typing import Any

from corruptgen.codecs.geometry import check_area
from corruptgen.errors import Rejected
from corruptgen.runtime.extras import need

PREAMBLE = 128  # bytes before the magic word
MAGIC = b"DICM"
# What tells the first data element of a file without a preamble: its group, and the type of its value if that is named.
FIRST_GROUPS = (b"\x08\x00", b"\x02\x00")
FIRST_GROUPS_BIG_ENDIAN = (b"\x00\x08", b"\x00\x02")
FIRST_TYPES = (b"UL", b"CS", b"UI", b"DA", b"TM", b"LO", b"SH", b"OB")
LONGEST_FIRST = 64  # bytes, of the value of an element whose type is not named
START = PREAMBLE + len(MAGIC)
META_GROUP = b"\x02\x00"
LONG_TYPES = (b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN")
# The element that names how the data set is stored, where that is deflated.
DEFLATED = b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99"
# Of a deflated file: what may come before and behind the samples.
LONGEST_HEADER = 1 << 24  # bytes
MOST_BYTES = 1 << 32
LARGEST_RATIO = 1032  # Deflate cannot make anything more than this many times smaller.
# A sequence's value for each frame, and the one that all frames share.
PER_FRAME, SHARED = "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"
# What a count of frames needs.
COUNTED = ("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PixelRepresentation")
MOST_BITS = 16
SMALLEST_FRAME = 8  # bytes, of a compressed one
LONGEST_META = 1 << 16  # bytes
# The directory of a medium, which names other files.
DIRECTORY = b"1.2.840.10008.1.3.10"


def is_dicom(start: bytes) -> bool:
    """Check whether the first bytes of a file are those of DICOM: a preamble, or a plausible first data element."""
    if start[PREAMBLE:START] == MAGIC:
        return True
    group, kind = start[:2], start[4:6]
    if group in FIRST_GROUPS:
        length = int.from_bytes(start[4:8], "little")
        return kind in FIRST_TYPES or (len(start) > 8 and length <= LONGEST_FIRST and length % 2 == 0)
    return group in FIRST_GROUPS_BIG_ENDIAN and kind in FIRST_TYPES


def is_directory(start: bytes) -> bool:
    """Check whether this is a DICOMDIR, which holds no picture and is no image."""
    return start[PREAMBLE:START] == MAGIC and DIRECTORY in start[START : START + 512]


def read_header(content: bytes) -> Any:
    """Parse the bytes of a file.

    Returns
    -------
    pydicom.FileDataset
        The whole data set; it says how its samples are stored, even where the file leaves that out.

    Raises
    ------
    Rejected
        If a deflated file unpacks to more than its header claims.
    """
    pydicom = need("pydicom", "a DICOM file")

    unpacked = content
    if _is_deflated(content):
        unpacked = _inflate(content[_meta_end(content) :])
    header = pydicom.dcmread(io.BytesIO(unpacked), force=True)
    if unpacked is not content or "TransferSyntaxUID" not in header.file_meta:
        header.file_meta.TransferSyntaxUID = _plain_syntax(header)
    return header


def read_frame_count(path: Path) -> int:
    """Return the number of frames of a file, of which only the header is read.

    Raises
    ------
    Rejected
        If it claims more frames than it can hold.
    """
    pydicom = need("pydicom", "a DICOM file")

    with path.open("rb") as file:
        is_packed = _is_deflated(file.read(LONGEST_META))
    if is_packed:
        header = read_header(path.read_bytes())
        room = len(header.get("PixelData", b""))
    else:
        header = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(COUNTED))
        room = path.stat().st_size
    frames = stored_frames(header)
    if frames == 1:
        return 1
    bits = int(header.BitsAllocated)
    if bits > MOST_BITS and "PixelRepresentation" in header:
        raise Rejected(f"has {frames} frames with samples of {bits} bits; taken are whole numbers of up to {MOST_BITS}")
    syntax = header.file_meta.get("TransferSyntaxUID")
    needed = frames * SMALLEST_FRAME if syntax is not None and syntax.is_encapsulated else sample_bytes(header)
    if needed > room:
        raise Rejected(f"claims {frames} frames, more than its {room} bytes can hold")
    return frames


def sample_bytes(header: Any) -> int:
    """Return how many bytes of samples a header claims, before compression; raise `Rejected` if none or too many."""
    check_area(int(header.Rows), int(header.Columns))
    samples = int(header.get("SamplesPerPixel") or 1)
    if samples not in (1, 3):
        raise Rejected(f"claims {samples} samples in a pixel; taken are 1 and 3")
    frame = (int(header.Rows) * int(header.Columns) * samples * int(header.BitsAllocated) + 7) // 8
    return frame * stored_frames(header)


def stored_frames(header: Any) -> int:
    """Return the number of frames; raise `Rejected` if that is no number."""
    number = read_number(header, "NumberOfFrames")
    if number is None or number == 0:
        return 1
    if not isfinite(number) or number < 1 or number != int(number):
        raise Rejected(f"claims {number:g} frames")
    return int(number)


def read_number(header: Any, keyword: str) -> float | None:
    """Return the first of the numbers of an element that is written as text; None if it is missing or empty.

    A decimal comma is read as a point.

    Raises
    ------
    Rejected
        If it is no number.
    """
    if keyword not in header:
        return None
    # The library's own conversion fails for a comma; an element that it has converted already holds no text.
    value = header.get_item(need("pydicom.tag", "a DICOM file").Tag(keyword)).value
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    first = value[0] if isinstance(value, list | tuple) or hasattr(value, "append") else value
    text = str(first if first is not None else "").strip(" \0")
    if not text:
        return None
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        raise Rejected(f"has {text[:32]!r} in {keyword}, which is no number") from None


def functional_group(header: Any, frame: int, keyword: str) -> Any:
    """Return what states a property of a frame: the frame's own group, the group that all share, or the file's top."""
    for sequence, place in ((PER_FRAME, frame), (SHARED, 0)):
        groups = header.get(sequence) or ()
        if place < len(groups) and groups[place].get(keyword):
            return groups[place][keyword][0]
    return header


def _is_deflated(content: bytes) -> bool:
    return content[PREAMBLE:START] == MAGIC and DEFLATED in content[START : _meta_end(content)]


def _meta_end(content: bytes) -> int:
    """Return where the data set begins, behind the elements that say how it is stored."""
    at = START
    while content[at : at + 2] == META_GROUP and at + 12 <= len(content):
        if content[at + 4 : at + 6] in LONG_TYPES:
            at += 12 + struct.unpack_from("<L", content, at + 8)[0]
        else:
            at += 8 + struct.unpack_from("<H", content, at + 6)[0]
    return min(at, len(content))


def _inflate(packed: bytes) -> bytes:
    """Unpack a data set, as far as what its header claims allows."""
    pydicom = need("pydicom", "a DICOM file")

    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    found = engine.decompress(packed, LONGEST_HEADER)
    if not engine.eof:
        header = pydicom.dcmread(io.BytesIO(found), force=True, stop_before_pixels=True)
        claimed = sample_bytes(header)
        if claimed > min(MOST_BYTES, LARGEST_RATIO * len(packed)):
            raise Rejected(f"claims {claimed} bytes of samples, more than its {len(packed)} packed bytes can hold")
        found += engine.decompress(engine.unconsumed_tail, claimed + LONGEST_HEADER)
        if not engine.eof and engine.unconsumed_tail:
            raise Rejected(f"unpacks to more than the {claimed} bytes of samples that its header claims")
    if not engine.eof:
        raise Rejected("is cut off: its packed bytes end early")
    return found


def _plain_syntax(header: Any) -> Any:
    """Return the name of how an uncompressed data set was written, as the parser has found out."""
    if "PixelData" in header and header["PixelData"].is_undefined_length:
        raise Rejected("has compressed samples and does not state how they are compressed (no transfer syntax)")
    uid = need("pydicom.uid", "a DICOM file")
    is_implicit, is_little_endian = header.original_encoding
    if is_implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if is_little_endian else uid.ExplicitVRBigEndian
