"""Compressed samples of DICOM: which decoder takes which kind, and a decoder for what pydicom itself has none for."""

import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from corruptgen.errors import Rejected
from corruptgen.runtime.extras import is_installed, need

# In the order in which they are tried, so that lossy files are decoded alike wherever the same packages are installed.
# GDCM comes last: damaged files make it end the whole process.
DECODERS = ("pillow", "pydicom", "corruptgen", "pylibjpeg", "pyjpegls", "gdcm")
BYTE = 8  # bits
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
JPEG = (JPEG_BASELINE, JPEG_EXTENDED, *JPEG_LOSSLESS)
RLE = "1.2.840.10008.1.2.5"
TAKEN = (*JPEG, *JPEG_LS, *JPEG_2000, RLE)
# pydicom asks a module of decoders for this.
DECODER_DEPENDENCIES = dict.fromkeys((JPEG_EXTENDED, *JPEG_LOSSLESS, *JPEG_LS), ("imagecodecs",))
# Of a codestream of JPEG 2000: the start and the size of the grid.
JPEG_2000_START = b"\xff\x4f\xff\x51"
START_OF_IMAGE = 0xD8
WITHOUT_LENGTH = (0x01, *range(0xD0, 0xDA))
# Of a frame; JPEG-LS has one of its own.
FRAMES = (*(kind for kind in range(0xC0, 0xD0) if kind not in (0xC4, 0xC8, 0xCC)), 0xF7)

ADVICE = "pip install 'corruptgen[medical]', or store it uncompressed"


def decode(header: Any, frame: int, **options: Any) -> NDArray[Any]:
    """Decode a frame with the first decoder that can.

    Parameters
    ----------
    header : object
        The data set.
    frame : int
        Counted from 0.
    options : object
        As pydicom takes them, in place of what the header states.

    Raises
    ------
    Rejected
        If it is compressed in a way that no installed package decodes, or is not of the size that the header claims.
    """
    pixel_array = need("pydicom.pixels.utils", "a DICOM file").pixel_array
    syntax = header.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return np.asarray(pixel_array(header, index=frame, **options))
    available = _available(syntax) if syntax in TAKEN else ()
    if not available:
        raise Rejected(f"is compressed as {syntax.name}, which no installed package decodes; {ADVICE}")
    if syntax != RLE:
        _check_frame(header, frame)
    for number, name in enumerate(available, start=1):
        try:
            return np.asarray(pixel_array(header, index=frame, decoding_plugin=name, **options))
        except (RuntimeError, NotImplementedError, ValueError) as error:
            if number == len(available):
                raise Rejected(
                    f"is compressed as {syntax.name} and cannot be decoded: it is damaged, or of a kind that the "
                    f"installed packages do not know; {ADVICE}"
                ) from error
    raise AssertionError("there is a last decoder")


def is_available(syntax: str) -> bool:
    """Check whether this module can decode a kind of compression; pydicom asks."""
    return syntax in DECODER_DEPENDENCIES and is_installed("imagecodecs")


def decode_frame(source: bytes, runner: Any) -> bytes:
    """Decode JPEG of more than 8 bits, without loss or not, and JPEG-LS; pydicom calls it.

    Parameters
    ----------
    source : bytes
        The compressed bytes of a frame.
    runner : object
        pydicom's `DecodeRunner`, which is told how the samples lie.
    """
    imagecodecs = need("imagecodecs", "compressed DICOM")
    if runner.transfer_syntax in JPEG_LS:
        samples = imagecodecs.jpegls_decode(source)
    elif runner.transfer_syntax in JPEG_LOSSLESS or runner.samples_per_pixel == 1:
        samples = imagecodecs.jpeg8_decode(source)
        # Damaged samples are no error for this decoder, and another one makes something else of them.
        is_grey = runner.transfer_syntax in JPEG_LOSSLESS and samples.ndim == 2
        if is_grey and not np.array_equal(samples, imagecodecs.ljpeg_decode(source)):
            raise ValueError("the compressed samples are damaged")
    else:
        raise NotImplementedError("colours of 12 bits")
    shape = (runner.rows, runner.columns, *((runner.samples_per_pixel,) if runner.samples_per_pixel > 1 else ()))
    if samples.shape == (runner.samples_per_pixel, runner.rows, runner.columns):
        samples = np.moveaxis(samples, 0, -1)
    if samples.shape != shape:
        raise ValueError(f"the frame is {samples.shape}, the header states {shape}")
    if samples.ndim == 3:
        runner.set_option("planar_configuration", 0)
    if not runner.pixel_representation and int(samples.max()) >> runner.bits_stored:
        raise ValueError(f"the frame has samples of more than the {runner.bits_stored} bits of the header")
    bits = 8 * samples.dtype.itemsize
    if bits > runner.bits_allocated:
        raise ValueError(f"the frame has {bits} bits, the header states {runner.bits_allocated}")
    return samples.astype(f"<u{runner.bits_allocated // 8}").tobytes()


@cache
def _available(syntax: str) -> tuple[str, ...]:
    """Name the decoders that are installed, in the order of `DECODERS`."""
    decoder = need("pydicom.pixels.decoders.base", "a DICOM file").get_decoder(syntax)
    if is_available(syntax) and "corruptgen" not in decoder.available_plugins:
        decoder.add_plugin("corruptgen", (__name__, "decode_frame"))
    return tuple(name for name in DECODERS if name in decoder.available_plugins)


def _check_frame(header: Any, frame: int) -> None:
    """Refuse a frame of another size than the header's before any memory is taken for it."""
    get_frame = need("pydicom.encaps", "a DICOM file").get_frame
    offsets = None
    if "ExtendedOffsetTable" in header and "ExtendedOffsetTableLengths" in header:
        offsets = header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths
    count = int(header.get("NumberOfFrames") or 1)
    content = get_frame(header.PixelData, frame, extended_offsets=offsets, number_of_frames=count)
    claimed = (int(header.Rows), int(header.Columns), int(header.get("SamplesPerPixel") or 1))
    found = _jpeg_2000_size(content) if header.file_meta.TransferSyntaxUID in JPEG_2000 else _jpeg_size(content)
    if found != claimed:
        raise Rejected(f"has compressed samples of shape {found}, and its header claims {claimed}")
    if header.file_meta.TransferSyntaxUID in (JPEG_BASELINE, JPEG_EXTENDED) and _jpeg_bits(content) == BYTE:
        _check_jpeg(content)


def _jpeg_size(content: bytes) -> tuple[int, int, int] | None:
    """Return height, width and channels of a JPEG; None if it does not state so."""
    for kind, start in _markers(content):
        if kind in FRAMES and start + 8 <= len(content):
            _, height, width, channels = struct.unpack_from(">BHHB", content, start + 2)
            return height, width, channels
    return None


def _jpeg_bits(content: bytes) -> int | None:
    return next((content[start + 2] for kind, start in _markers(content) if kind in FRAMES), None)


def _check_jpeg(content: bytes) -> None:
    """Refuse a frame whose samples are damaged, which other decoders pass over."""
    try:
        simplejpeg.decode_jpeg(content, colorspace="GRAY", min_height=1, min_width=1, strict=True)
    except ValueError as error:
        # This decoder knows the usual chroma subsamplings only.
        if "subsampling" not in str(error):
            raise Rejected(f"cannot be decoded: {' '.join(str(error).split())[:160]}") from error


def _markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the kind of each marker before the samples, and where its length stands."""
    at = 0
    while at + 4 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if kind == 0xFF:
            at += 1
        elif kind in WITHOUT_LENGTH:
            at += 2
        else:
            yield kind, at + 2
            at += 2 + struct.unpack_from(">H", content, at + 2)[0]


def _jpeg_2000_size(content: bytes) -> tuple[int, int, int] | None:
    start = content.find(JPEG_2000_START)
    if start < 0 or len(content) < start + 42:
        return None
    width, height, left, top = struct.unpack_from(">4L", content, start + 8)
    return height - top, width - left, struct.unpack_from(">H", content, start + 40)[0]
