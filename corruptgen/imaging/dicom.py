"""DICOM: one picture of a file, with its stored samples and what its header says about them."""

import io
import warnings
from typing import Any

import numpy as np

from corruptgen.errors import Rejected
from corruptgen.extras import need
from corruptgen.imaging.geometry import check_area
from corruptgen.imaging.windowing import Acquired, array_acquired

EXTENSIONS = frozenset({".dcm", ".dicom"})
PREAMBLE = 128  # bytes before the magic word
MAGIC = b"DICM"
INVERTED, GREY, PALETTE = "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"
TAKEN = (INVERTED, GREY, PALETTE, "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def is_dicom(content: bytes) -> bool:
    """Tell whether the bytes of a file are those of DICOM."""
    return content[PREAMBLE : PREAMBLE + len(MAGIC)] == MAGIC


def acquired(content: bytes) -> Acquired:
    """Decode a DICOM file of one picture.

    MONOCHROME1, in which the largest sample is black, is turned around within its bits, and slope and intercept with
    it; a palette becomes the colours that it stands for, YBR becomes RGB.

    Raises
    ------
    Rejected
        If it holds no picture, or several; if it is compressed in a way that no installed package decodes; if its units
        are not in a straight line with its samples.
    """
    pydicom = need("pydicom", "a DICOM file")

    with warnings.catch_warnings():
        # Headers that do not conform are the rule; what cannot be decoded is an error.
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(io.BytesIO(content))
        _check(header)
        return _meaning(header, _samples(header))


def _check(header: Any) -> None:
    """Refuse what is no single picture before any sample is decoded."""
    if "PixelData" not in header and "FloatPixelData" not in header:
        raise Rejected(f"holds no picture (modality {header.get('Modality') or 'unknown'})")
    frames = int(header.get("NumberOfFrames") or 1)
    if frames != 1:
        raise Rejected(f"holds {frames} frames; write each into a file of its own first")
    check_area(int(header.Rows), int(header.Columns))
    kind = header.PhotometricInterpretation
    if kind not in TAKEN:
        raise Rejected(f"has the photometric interpretation {kind}; taken are {', '.join(TAKEN)}")
    if "ModalityLUTSequence" in header:
        raise Rejected("has a table of units in place of a slope; convert it to stored units first")


def _samples(header: Any) -> Any:
    apply_color_lut = need("pydicom.pixels.processing", "a DICOM file").apply_color_lut
    pixel_array = need("pydicom.pixels.utils", "a DICOM file").pixel_array

    syntax = header.file_meta.TransferSyntaxUID
    try:
        pixels = pixel_array(header)
    except (RuntimeError, NotImplementedError) as error:
        if not syntax.is_encapsulated:
            raise
        advice = "install pylibjpeg or python-gdcm, or store it uncompressed"
        if "missing dependencies" in str(error):
            raise Rejected(f"is compressed as {syntax.name}, which no installed package decodes; {advice}") from error
        raise Rejected(
            f"is compressed as {syntax.name} and cannot be decoded: it is damaged, or of a kind that the installed "
            f"packages do not know; {advice}"
        ) from error
    return apply_color_lut(pixels, header) if header.PhotometricInterpretation == PALETTE else pixels


def _meaning(header: Any, samples: Any) -> Acquired:
    """Join the samples and what the header says about them."""
    found = array_acquired(np.asarray(samples))
    if found.pixels.shape[2] > 1:
        return found
    slope, intercept = float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)
    if not (np.isfinite(slope) and np.isfinite(intercept)):
        raise Rejected(f"has the rescale slope {slope:g} and intercept {intercept:g}, which give no units")
    pixels, bits = found.pixels, _bits(header, found)
    if header.PhotometricInterpretation == INVERTED:
        if bits is None:
            raise Rejected(f"has floating point samples in {INVERTED}; turn them around first")
        turn = bits[0] + bits[1]
        pixels = (turn - pixels.astype(np.int32)).astype(pixels.dtype)
        slope, intercept = -slope, intercept + slope * turn
    return Acquired(pixels, bits, slope, intercept, _advised(header))


def _bits(header: Any, found: Acquired) -> tuple[int, int] | None:
    """Give the least and greatest sample that the bits in use can hold."""
    if found.bits is None:
        return None
    stored = int(header.BitsStored)
    lowest = -(1 << stored >> 1) if int(header.PixelRepresentation) else 0
    highest = lowest + (1 << stored) - 1
    if found.pixels.min() < lowest or found.pixels.max() > highest:
        raise Rejected(f"has samples that are not in the {stored} bits of its header; mend the header first")
    return lowest, highest


def _advised(header: Any) -> tuple[float, float] | None:
    """Give the first window of the header, as the standard says what width means; None if there is none."""
    centre, width = (_first(header.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None:
        return None
    exact = header.get("VOILUTFunction", "LINEAR") != "LINEAR"
    low, high = (centre - width / 2, centre + width / 2) if exact else (centre - width / 2, centre + width / 2 - 1)
    return (low, high) if high > low else None


def _first(value: Any) -> float | None:
    """Give the first of several numbers, or the only one; None if there is none."""
    several = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    return float(several[0]) if len(several) and several[0] not in (None, "") else None
