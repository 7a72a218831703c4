"""DICOM: a frame of a file, with its stored samples and what its header states about them."""

import warnings
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs import dicom_decoders
from corruptgen.codecs.dicom_header import (
    functional_group,
    is_dicom,
    read_header,
    read_number,
    sample_bytes,
    stored_frames,
)
from corruptgen.codecs.windowing import StoredSamples, samples_of_array, turn_around
from corruptgen.errors import Rejected
from corruptgen.runtime.extras import need

__all__ = ["EXTENSIONS", "acquired", "is_dicom", "read_frame"]

EXTENSIONS = frozenset({".dcm", ".dicom"})
INVERTED, GREY, PALETTE = "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"
TAKEN = (INVERTED, GREY, PALETTE, "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
# Planes of one bit that old devices keep in the bits that samples leave over.
OVERLAYS = range(0x6000, 0x6020, 2)
OVERLAY_BIT = 0x0102
WORDS = (8, 16)  # bits


def acquired(content: bytes) -> StoredSamples:
    """Decode a DICOM file of one frame, as `read_frame` does."""
    with warnings.catch_warnings():
        # Headers that do not conform are the rule; what cannot be decoded is an error.
        warnings.simplefilter("ignore")
        header = read_header(content)
        _check(header)
        if (frames := stored_frames(header)) != 1:
            raise Rejected(
                f"holds {frames} frames, which are items of their own in a folder of this machine only; "
                "write each into a file of its own first"
            )
        return _frame(header, 0)


def read_frame(header: Any, frame: int) -> StoredSamples:
    """Decode a frame of a file.

    Samples are turned around within their bits, and slope and intercept with them, where a larger one is darker: of
    MONOCHROME1, and where the slope is negative, but not of both together. A palette becomes the colours that it stands
    for, YBR becomes RGB. Slope, intercept and window are the frame's own, or those that all frames share, where an
    enhanced object has functional groups.

    Parameters
    ----------
    header : object
        What `dicom_header.read_header` returned.
    frame : int
        Counted from 0.

    Raises
    ------
    Rejected
        If it holds no picture; if it is compressed in a way that no installed package decodes; if its units are not in
        a straight line with its samples.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _check(header)
        return _frame(header, frame)


def _frame(header: Any, frame: int) -> StoredSamples:
    kind = header.PhotometricInterpretation
    if kind not in (INVERTED, GREY):
        samples = dicom_decoders.decode(header, frame)
        if kind == PALETTE:
            samples = need("pydicom.pixels.processing", "a DICOM file").apply_color_lut(samples, header)
        return samples_of_array(samples)
    samples, padded = _grey_samples(header, frame)
    found = samples_of_array(samples)
    bits = _bits(header, found)
    slope, intercept = _units(functional_group(header, frame, "PixelValueTransformationSequence"))
    advised = _advised(functional_group(header, frame, "FrameVOILUTSequence"))
    plain = StoredSamples(found.pixels, bits, slope, intercept, advised, padded)
    return turn_around(plain) if (kind == INVERTED) != (slope < 0) else plain


def _check(header: Any) -> None:
    """Refuse what is no picture before any sample is decoded."""
    if "PixelData" not in header and "FloatPixelData" not in header:
        raise Rejected(f"holds no picture (modality {header.get('Modality') or 'unknown'})")
    claimed, frames = sample_bytes(header), stored_frames(header)
    kind = header.PhotometricInterpretation
    if kind not in TAKEN:
        raise Rejected(f"has the photometric interpretation {kind}; taken are {', '.join(TAKEN)}")
    if "ModalityLUTSequence" in header:
        raise Rejected("has a table of units in place of a slope; convert it to stored units first")
    if not header.file_meta.TransferSyntaxUID.is_encapsulated and "PixelData" in header:
        found = len(header.PixelData)
        if kind != "YBR_FULL_422" and found >= claimed + claimed // frames:
            raise Rejected(f"holds {found} bytes of samples, and its header claims {claimed}")


def _grey_samples(header: Any, frame: int) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Decode the samples of a grey frame, and find the pixels that only fill up the picture."""
    if "PixelData" not in header:
        samples = dicom_decoders.decode(header, frame)
        return samples, _padding(header, samples, "FloatPixelPadding")
    allocated, stored, highest = int(header.BitsAllocated), int(header.BitsStored), int(header.get("HighBit") or 0)
    syntax = header.file_meta.TransferSyntaxUID
    is_plain = not syntax.is_encapsulated or syntax == dicom_decoders.RLE
    shift = highest + 1 - stored
    if allocated not in WORDS or not 0 < stored <= allocated or not is_plain:
        if "HighBit" in header and shift and allocated in WORDS:
            raise Rejected(f"has bits {shift} to {highest} in compressed samples, which always begin at bit 0")
        samples = dicom_decoders.decode(header, frame)
        return samples, _padding(header, samples, "PixelPadding")
    if "HighBit" not in header or highest == 0:
        shift = 0
    if not 0 <= shift <= allocated - stored:
        raise Rejected(f"has {stored} bits up to bit {highest} of {allocated}, which is impossible")
    words = dicom_decoders.decode(header, frame, bits_stored=allocated)
    padded = _padding(header, words, "PixelPadding")
    return _field(header, words, shift, padded), padded


def _field(header: Any, words: NDArray[Any], shift: int, padded: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Take the bits in use out of whole words.

    pydicom takes the lowest ones, wherever the header states that they are. Other bits may hold planes that the header
    names; where they hold anything else, it is not known what the samples are.
    """
    allocated, stored = int(header.BitsAllocated), int(header.BitsStored)
    if stored == allocated:
        return words
    raw = words.view(f"u{words.itemsize}").astype(np.int64)
    field = (raw >> shift) & ((1 << stored) - 1)
    signed = bool(int(header.PixelRepresentation))
    values = field - ((field >> (stored - 1)) << stored) if signed else field
    used = ((1 << stored) - 1) << shift
    rest = raw & ~used
    # A negative number goes on with ones.
    above = ((1 << allocated) - 1) & ~((1 << (shift + stored)) - 1)
    rest = np.where((values < 0) & (rest & above == above), rest & ~above, rest)
    if padded is not None:
        rest[padded] = 0
    strange = rest != 0
    for plane in OVERLAYS:
        if strange.any() and (plane, OVERLAY_BIT) in header:
            rest &= ~(1 << int(header[plane, OVERLAY_BIT].value or 0))
            strange = rest != 0
    if strange.any():
        raise Rejected(f"has samples that are not in the {stored} bits of its header; correct the header first")
    return values.astype(words.dtype)


def _padding(header: Any, samples: NDArray[Any], name: str) -> NDArray[np.bool_] | None:
    """Find the pixels that only fill up the picture; None if there are none."""
    value = header.get(f"{name}Value")
    if value is None:
        return None
    limit = header.get(f"{name}RangeLimit")
    ends = sorted(_sample(end, samples.dtype) for end in (value, value if limit is None else limit))
    padded: NDArray[np.bool_] = (samples >= ends[0]) & (samples <= ends[1])
    return padded if padded.any() else None


def _sample(value: Any, kind: np.dtype[Any]) -> float:
    """Read a number as the samples are stored: headers have 63536 for -2000 and the other way round."""
    number = int.from_bytes(value, "little") if isinstance(value, bytes) else value
    if kind.kind == "f":
        return float(number)
    bits = 8 * kind.itemsize
    number = int(number) % (1 << bits)
    return number - (1 << bits) if kind.kind == "i" and number >> (bits - 1) else number


def _units(header: Any) -> tuple[float, float]:
    slope, intercept = read_number(header, "RescaleSlope"), read_number(header, "RescaleIntercept")
    slope, intercept = 1.0 if slope is None else slope, 0.0 if intercept is None else intercept
    if not (isfinite(slope) and isfinite(intercept) and slope):
        raise Rejected(f"has the rescale slope {slope:g} and intercept {intercept:g}, which define no units")
    return slope, intercept


def _bits(header: Any, found: StoredSamples) -> tuple[int, int] | None:
    """Return the least and greatest sample that the bits in use can hold."""
    if found.bits is None:
        return None
    stored = int(header.BitsStored)
    lowest = -(1 << stored >> 1) if int(header.PixelRepresentation) else 0
    highest = lowest + (1 << stored) - 1
    if found.pixels.min() < lowest or found.pixels.max() > highest:
        raise Rejected(f"has samples that are not in the {stored} bits of its header; correct the header first")
    return lowest, highest


def _advised(header: Any) -> tuple[float, float] | None:
    """Return the first window of the header, as the standard states what width means; None if there is none."""
    try:
        centre, width = read_number(header, "WindowCenter"), read_number(header, "WindowWidth")
    except Rejected:
        # A window that cannot be read is as good as none: recipes may give one themselves.
        return None
    if centre is None or width is None or not (isfinite(centre) and isfinite(width)):
        return None
    exact = header.get("VOILUTFunction", "LINEAR") != "LINEAR"
    low, high = (centre - width / 2, centre + width / 2) if exact else (centre - width / 2, centre + width / 2 - 1)
    return (low, high) if high > low else None
