"""Scans that pydicom ships, volumes, and files of any depth, for the tests of what is not 8 bits."""

import io
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom

from corruptgen.codecs.images import encode_image
from corruptgen.records import Encoding

SHIPPED = Path(pydicom.__file__).parent / "data/test_files"
RIGHT_TO_LEFT, BACK_TO_FRONT = np.diag([-1.0, 1, 1, 1]), np.diag([1.0, -1, 1, 1])


def scan(name):
    """Return the bytes of a DICOM file that pydicom ships."""
    return (SHIPPED / f"{name}.dcm").read_bytes()


def dicom(name="CT_small", pixels=None, **fields):
    """Return a shipped DICOM file with other fields or samples; None removes a field."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(io.BytesIO(scan(name)))
        for field, value in fields.items():
            if value is None:
                del header[field]
            else:
                setattr(header, field, value)
        if pixels is not None:
            header.Rows, header.Columns = pixels.shape
            header.PixelData = pixels.tobytes()
        buffer = io.BytesIO()
        header.save_as(buffer)
    return buffer.getvalue()


def picture_file(pixels, frames=None, groups=(), syntax=None, frame_bytes=None, preamble=True, **fields):
    """Write a DICOM file of our own.

    `groups` are functional groups: of the file (the first) and of each frame; `frame_bytes` are compressed frames.
    """
    from pydicom.encaps import encapsulate  # noqa: PLC0415

    header = pydicom.Dataset()
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = syntax or pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = header.SOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = pydicom.uid.UID("1.2.3.4")
    header.Modality = "CT"
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.Rows, header.Columns = pixels.shape[-2:]
    bits = 8 * pixels.itemsize
    header.BitsAllocated, header.BitsStored, header.HighBit = bits, bits, bits - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    if frames:
        header.NumberOfFrames = frames
    if groups:
        header.SharedFunctionalGroupsSequence = [groups[0]]
        header.PerFrameFunctionalGroupsSequence = list(groups[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for field, value in fields.items():
            setattr(header, field, value)
        header.PixelData = encapsulate(frame_bytes) if frame_bytes else pixels.tobytes()
        header["PixelData"].VR = "OW" if bits > 8 else "OB"
        buffer = io.BytesIO()
        if preamble:
            header.file_meta = meta
            header.save_as(buffer, enforce_file_format=True)
        else:
            header.save_as(buffer, implicit_vr=preamble is None, little_endian=True)
    return buffer.getvalue()


def group(slope=None, intercept=None, centre=None, width=None):
    """Make the functional group of a frame, or of all."""
    found = pydicom.Dataset()
    if slope is not None:
        values = pydicom.Dataset()
        values.RescaleSlope, values.RescaleIntercept = slope, intercept
        found.PixelValueTransformationSequence = [values]
    if centre is not None:
        window = pydicom.Dataset()
        window.WindowCenter, window.WindowWidth = centre, width
        found.FrameVOILUTSequence = [window]
    return found


def ramp(dtype, height=40, width=52, channels=1):
    """Return an image whose samples are all different as far as the type allows, the lowest bits included."""
    size = height * width * channels
    samples = np.linspace(-1000.0, 3000.0, size) if dtype != "uint16" else np.linspace(0, 65535, size)
    return samples.reshape(height, width, channels).astype(dtype)


def file(samples, encoding="tiff"):
    """Return the bytes of an image file."""
    return encode_image(samples, Encoding(encoding))


def volume(path, affine=None, samples=None, **fields):
    """Write a small NIfTI volume whose samples say where they are: x + 10 y + 100 z, from right, front and top."""
    x, y, z = np.meshgrid(np.arange(6), np.arange(8), np.arange(5), indexing="ij")
    image = nibabel.Nifti1Image(x + 10 * y + 100 * z if samples is None else samples, np.eye(4), dtype=np.int16)
    for field, value in fields.items():
        image.header[field] = value
    if affine is not None:
        image = image.as_reoriented(nibabel.io_orientation(affine))
    nibabel.save(image, path)
    return path
