"""Bad scans: rejected by name with a reason; never a traceback, never a silent wrong image."""

import gzip
import io
import itertools
import struct
import subprocess
import sys
import zlib

import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image

import corruptgen
from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.errors import Rejected
from corruptgen.records import Decoding
from corruptgen.sources import nifti
from corruptgen.sources.folder import FolderSource
from tests.scans import dicom, file, picture_file, ramp, scan, volume
from tests.test_depth import recipe
from tests.test_fuzz import damaged

NAN = ramp("float32")
NAN[3, 4] = np.nan
TWELVE = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
LOOK_UP = {"ModalityLUTSequence": [], "RescaleSlope": None}


FILM = picture_file(ramp("uint16")[..., 0], syntax=pydicom.uid.MPEG2MPML, frame_bytes=[b"film"])


def tiff(samples, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def lzw():
    buffer = io.BytesIO()
    Image.fromarray(ramp("uint16")[..., 0]).save(buffer, "TIFF", compression="tiff_lzw")
    return buffer.getvalue()


def strip_of(data, compression, dtype):
    """Write a TIFF of 30 rows of 40 pixels whose only strip is compressed data of our own."""
    content = bytearray(tiff(np.zeros((30, 40), dtype), rowsperstrip=30))
    tags = tifffile.TiffFile(io.BytesIO(bytes(content))).pages[0].tags
    for name, value in (("StripOffsets", len(content)), ("StripByteCounts", len(data)), ("Compression", compression)):
        size = {3: 2, 4: 4}[int(tags[name].dtype)]
        content[tags[name].valueoffset : tags[name].valueoffset + size] = value.to_bytes(size, "little")
    return bytes(content) + data


# Decodes files that unpack to 256 MB with no more memory than half of that.
BOUNDED = """
import resource, sys
from corruptgen.errors import Rejected
from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.records import Decoding
import imagecodecs, tifffile
for name in sys.argv[1:]:
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 27), resource.RLIM_INFINITY))
    for window in (None, (-1.0, 5.0)):
        try:
            found = decode_image(open(name, "rb").read(), Decoding(window=window)).pixels
            print(found.shape[:2] == (30, 40) and not found.any())
        except Rejected as error:
            print(error)
"""


def test_strips_of_tiff_are_unpacked_as_far_as_the_header_claims(tmp_path):
    packed = {"zlib": (zlib.compress(bytes(1 << 28), 9), 8), "packbits": (b"\x81\0" * (1 << 21), 32773)}
    names = []
    for kind, dtype in itertools.product(packed, (np.uint8, np.uint16)):
        names.append(tmp_path / f"{kind}-{dtype.__name__}.tif")
        names[-1].write_bytes(strip_of(*packed[kind], dtype))

    done = subprocess.run([sys.executable, "-c", BOUNDED, *names], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(names)
    for line in lines:
        assert line == "True" or "more than 8 bits" in line or "cannot be decoded: " in line
    assert lines.count("True") >= 4


@pytest.mark.parametrize("window", [None, "range"])
def test_a_tiff_of_many_samples_per_pixel_is_refused(window):
    content = tiff(ramp("uint16")[..., 0])
    tag = tifffile.TiffFile(io.BytesIO(content)).pages[0].tags["SamplesPerPixel"]
    greedy = content[: tag.valueoffset] + (60000).to_bytes(2, "little") + content[tag.valueoffset + 2 :]

    with pytest.raises(Rejected):
        decode_image(greedy, Decoding(window=window))


def test_a_compressed_tiff_needs_a_decoder_that_keeps_to_the_header(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)

    with pytest.raises(Rejected, match=r"compressed as ADOBE_DEFLATE, .*install imagecodecs"):
        decode_image(strip_of(zlib.compress(bytes(2400)), 8, np.uint16), Decoding(window="range"))
    assert decode_image(tiff(ramp("uint16")[..., 0]), Decoding(window="range")).pixels.any()


def test_compressed_tiff_is_read():
    assert np.array_equal(decode_image(lzw(), Decoding(window="range")).pixels, ramp("uint16"))


REJECTED = {
    "no header of DICOM": (scan("no_meta"), "range", "not an image of a known format"),
    "cut off": (scan("MR_truncated"), "range", "less than expected"),
    "cut off in the header": (scan("CT_small")[:400], "range", "holds no picture"),
    "several frames": (scan("rtdose"), "range", "holds 15 frames"),
    "no picture": (scan("test-SR"), "range", "holds no picture (modality SR)"),
    "32 bits": (scan("rtdose_1frame"), "range", "has samples of type uint32; taken are uint8, uint16, int16, float32"),
    "a compression without a decoder": (FILM, "range", "which no installed package decodes"),
    "a compression that a decoder does not know": (scan("GDCMJ2K_TextGBR"), "range", "is compressed as JPEG 2000"),
    "no window": (scan("CT_small"), "header", "has no window in its header; write window = [low, high]"),
    "no width": (dicom(WindowCenter=40, WindowWidth=0), "header", "has no window in its header"),
    "one value": (dicom(pixels=np.full((9, 9), 5, np.int16)), "range", "has no sample between black and white"),
    "a slope that is none": (dicom(RescaleSlope="1e999"), "range", "which define no units"),
    "a table of units": (dicom(**LOOK_UP), "range", "has a table of units in place of a slope"),
    "a strange interpretation": (dicom(PhotometricInterpretation="CMYK"), "range", "photometric interpretation CMYK"),
    "more bits than it says": (dicom("693_J2KI", BitsStored=10, HighBit=9), "range", "not in the 10 bits"),
    "no rows": (dicom(Rows=0), "range", "has no pixels"),
    "too many rows": (dicom(Rows=60000, Columns=60000), "range", "at most"),
    "a window beside all samples": (dicom(**TWELVE), (-9000.0, -8000.0), "only samples outside of its window"),
    "NaN": (file(NAN), "range", "holds NaN or infinite samples"),
    "infinity": (file(NAN + np.inf), "range", "holds NaN or infinite samples"),
    "no bits": (file(ramp("float32")), "bits", "whose bits say nothing of white"),
    "64 bits": (tiff(ramp("float32").astype(np.float64)), "range", "has samples of type float64"),
    "pages": (tiff(np.zeros((3, 20, 20), np.uint16), photometric="minisblack"), "range", "more than one picture"),
    "four channels": (tiff(ramp("uint16", channels=4), photometric="rgb"), "range", "has transparent pixels"),
    "a TIFF that is cut off": (file(ramp("uint16"))[:-9], "range", "cannot be decoded"),
    "a PNG that is cut off": (file(ramp("uint16"), "png")[:-99], "range", "cannot be decoded"),
    "empty": (b"", "range", "is empty"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_is_no_single_whole_image_with_a_window_is_rejected(name):
    content, window, reason = REJECTED[name]

    with pytest.raises(Rejected) as caught:
        decode_image(content, Decoding(window=window))

    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_transparent_pixels_are_rejected_and_opaque_ones_are_not():
    import cv2  # noqa: PLC0415

    samples = np.dstack([ramp("uint16", channels=3), np.full((40, 52), 65535, np.uint16)])
    opaque = cv2.imencode(".png", samples)[1].tobytes()
    samples[5, 5, 3] = 9

    assert decode_image(opaque, Decoding(window="bits")).pixels.shape == (40, 52, 3)
    with pytest.raises(Rejected, match="transparent"):
        decode_image(cv2.imencode(".png", samples)[1].tobytes(), Decoding(window="bits"))


def test_volumes_that_cannot_be_sliced_are_rejected(tmp_path):
    good = volume(tmp_path / "good.nii").read_bytes()
    (tmp_path / "cut.nii").write_bytes(good[:-9])
    (tmp_path / "cut.nii.gz").write_bytes(gzip.compress(good[:-9]))
    (tmp_path / "empty.nii").write_bytes(b"")
    (tmp_path / "text.nii.gz").write_bytes(b"this is no volume" * 40)
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 3, 2), np.int16), np.eye(4)), tmp_path / "series.nii")
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 3), 0.1), np.eye(4)), tmp_path / "deep.nii")
    reasons = {}

    for path in sorted(tmp_path.glob("*.nii*")):
        try:
            for number in range(len(nifti.slice_ids(path, path.name))):
                decode_image(nifti.read_nifti(path, number), Decoding(window="range"))
        except Rejected as error:
            reasons[path.name] = str(error)

    assert set(reasons) == {"cut.nii", "cut.nii.gz", "empty.nii", "text.nii.gz", "series.nii", "deep.nii"}
    assert "is cut off: its header claims 832 bytes" in reasons["cut.nii"]
    assert reasons["cut.nii.gz"] == reasons["cut.nii"]
    assert "several volumes" in reasons["series.nii"]
    assert "float64 that none of uint8, uint16, int16, float32 holds exactly" in reasons["deep.nii"]
    assert not any(str(tmp_path) in reason for reason in reasons.values())
    with pytest.raises(Rejected, match="has 5 slices"):
        nifti.read_nifti(tmp_path / "good.nii", 5)


def test_bad_scans_are_listed_and_good_ones_are_made(tmp_path, capfd):
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/good.dcm").write_bytes(scan("CT_small"))
    volume(tmp_path / "scans/good.nii")
    for number, (content, _, _) in enumerate(REJECTED.values()):
        (tmp_path / f"scans/bad{number:02d}.dcm").write_bytes(content)
    (tmp_path / "scans/bad.nii").write_bytes(b"n")
    path = recipe(tmp_path, output='encoding = "tiff"', decode="window = [-1024, 3071]\nresize = 24")

    outcome = corruptgen.generate(path, output=tmp_path / "out", workers=1)

    rejected = {rejection.id for rejection in outcome.rejected}
    assert "bad.nii" in rejected
    assert len(rejected) >= len(REJECTED) - 6, "some are good in this window"
    assert not any(name.startswith("good") for name in rejected)
    assert outcome.items + len(rejected) == 1 + 5 + 1 + len(REJECTED)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("form", ["CT_small", "MR_small_RLE", "tiff", "png", "nii", "nii.gz"])
def test_damaged_scans_are_rejected_or_read(tmp_path, capfd, form):
    draws = np.random.RandomState(55013)
    if form.startswith("nii"):
        content = volume(tmp_path / f"whole.{form}").read_bytes()
    else:
        content = scan(form) if form[0] in "CM" else file(ramp("uint16"), form)
    outcomes = []

    for number in range(40):
        bad = damaged(content, draws, [content])
        path = tmp_path / f"bad{number}.{form}"
        path.write_bytes(bad)
        try:
            ids = nifti.slice_ids(path, path.name)[:9] if form.startswith("nii") else [""]
            found = [nifti.read_nifti(path, k) if form.startswith("nii") else bad for k in range(len(ids))]
            outcomes += [decode_image(content, Decoding(window="range")).pixels.size for content in found]
        except Rejected as error:
            outcomes.append(str(error))
            assert str(tmp_path) not in outcomes[-1]

    assert any(isinstance(outcome, str) for outcome in outcomes)
    assert capfd.readouterr() == ("", "")


WHOLE = np.arange(4 * 5 * 3).reshape(4, 5, 3)


@pytest.mark.parametrize(
    ("samples", "kept"),
    [
        (WHOLE.astype(np.int8), "int16"),
        (WHOLE.astype(np.int32) - 30, "int16"),
        (WHOLE.astype(np.int64) * 1000, "uint16"),
        (WHOLE.astype(np.int32) * 1000 - 30000, "int16"),
        (WHOLE.astype(np.int32) * 100_000, "float32"),
        (WHOLE.astype(np.uint32), "uint16"),
        (WHOLE.astype(np.uint64) << 20, None),
        (WHOLE.astype(np.int32) << 24, None),
        (WHOLE.astype(np.float64) / 8, "float32"),
        (WHOLE.astype(np.float64) / 7, None),
        (WHOLE.astype(np.float64) * 1e300, None),
        (WHOLE.astype(np.complex64), None),
        (WHOLE.astype(np.int16), "int16"),
    ],
)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_samples_of_other_types_are_kept_where_that_loses_nothing_or_the_volume_is_refused_once(
    tmp_path, samples, kept, ending
):
    image = nibabel.Nifti1Image(samples, np.eye(4), dtype=samples.dtype)
    image.header.set_slope_inter(2, -50)
    nibabel.save(image, tmp_path / f"a{ending}")

    listing = FolderSource(tmp_path, deep=True).listing()

    if kept is None:
        assert [r.id for r in listing.rejected] == [f"a{ending}"]
        assert "holds exactly: convert it" in listing.rejected[0].reason
        return
    assert (len(listing.items), listing.rejected) == (3, ())
    for number, item in enumerate(listing.items):
        found = FolderSource(tmp_path, deep=True).read(item)
        # Right of the patient on the left, the front above.
        assert np.array_equal(found.pixels[::-1, ::-1, 0].T.astype(samples.dtype), samples[..., number])
        assert (found.pixels.dtype, found.slope, found.intercept) == (kept, 2.0, -50.0)


def test_a_volume_is_kept_in_one_type_although_its_slices_differ(tmp_path):
    samples = np.zeros((4, 5, 3), np.int32)
    samples[..., 1], samples[..., 2] = 40000, 1_000_000
    nibabel.save(nibabel.Nifti1Image(samples, np.eye(4)), tmp_path / "a.nii")

    kinds = {str(nifti.read_nifti(tmp_path / "a.nii", number).pixels.dtype) for number in range(3)}

    assert kinds == {"float32"}


def packed(path, samples, **fields):
    """Write a packed volume of zeros whose header claims what it likes."""
    image = nibabel.Nifti1Image(samples, np.eye(4), dtype=samples.dtype)
    raw = bytearray(image.to_bytes())
    for place, value in fields.values():
        raw[place : place + len(value)] = value
    path.write_bytes(gzip.compress(bytes(raw), 9))
    return path


def test_a_packed_volume_is_unpacked_as_far_as_its_header_claims(tmp_path):
    samples = np.zeros((200, 200, 100), np.int16)
    little = packed(tmp_path / "little.nii.gz", samples, sides=(42, struct.pack("<hhh", 2, 2, 2)))
    much = packed(tmp_path / "much.nii.gz", samples[:9, :9, :9], sides=(42, struct.pack("<hhh", 2000, 2000, 400)))
    extension = {"is": (348, b"\1"), "first": (352, struct.pack("<ii", 7, 4)), "offset": (108, struct.pack("<f", 4e6))}
    extended = packed(tmp_path / "extended.nii.gz", samples, **extension)
    reasons = {}

    for path in (little, much, extended):
        try:
            for number in range(len(nifti.slice_ids(path, path.name))):
                nifti.read_nifti(path, number)
        except Rejected as error:
            reasons[path.name] = str(error)

    assert reasons.pop("extended.nii.gz").startswith("claims 12000000 bytes")
    assert reasons == {
        "little.nii.gz": "unpacks to more than the 368 bytes that its header claims",
        "much.nii.gz": f"claims 3200000352 bytes, more than its {much.stat().st_size} packed bytes can hold",
    }
