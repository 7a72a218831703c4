"""DICOM as scanners and archives write it: units, bits, padding, frames and compression are what the header states."""

import io
import re
import struct
import zlib

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image

import corruptgen
from corruptgen.codecs.dicom_header import is_dicom
from corruptgen.codecs.high_bit_depth import decode_image, read_samples
from corruptgen.engine.plan import make_plan
from corruptgen.errors import Rejected, SourceError
from corruptgen.records import Decoding
from corruptgen.sources.folder import FolderSource
from corruptgen.verification.verdict import verify
from tests.photographs import command
from tests.scans import dicom, group, picture_file, ramp, scan, volume
from tests.test_depth import recipe, records

TWELVE = {"BitsStored": 12, "HighBit": 11}
SAMPLES = ramp("uint16", 24, 32)[..., 0] >> 4
LOSSLESS = pydicom.uid.JPEGLosslessSV1


def units(content, window="range"):
    """Return the value of every pixel in the units of the file."""
    found = decode_image(content, Decoding(window=window))
    return found.pixels[..., 0].astype(np.float64) * found.slope + found.intercept


def seen(content, window):
    """Return every pixel from black to white."""
    found = decode_image(content, Decoding(window=window))
    return (found.pixels[..., 0].astype(np.float64) - found.form.black) / found.form.full_scale


@pytest.mark.parametrize(
    "groups",
    [
        (group(2, -1024, 40, 400), group()),
        (group(), group(2, -1024, 40, 400)),
        (group(7, 7, 7, 7), group(2, -1024, 40, 400)),
    ],
)
def test_units_and_window_of_enhanced_objects_lie_in_functional_groups(groups):
    plain = picture_file(SAMPLES, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400, **TWELVE)
    enhanced = picture_file(SAMPLES, frames=1, groups=groups, RescaleSlope=9, WindowCenter=1, WindowWidth=9, **TWELVE)

    for window in ((-160.0, 240.0), "header", "range"):
        a, b = (decode_image(content, Decoding(window=window)) for content in (plain, enhanced))

        assert np.array_equal(a.pixels, b.pixels)
        assert (a.form, a.slope, a.intercept) == (b.form, b.slope, b.intercept) == (a.form, 2.0, -1024.0)


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("shift", [0, 1, 4])
@pytest.mark.parametrize("syntax", [None, "RLELossless"])
def test_the_bits_in_use_are_those_that_the_header_names(signed, shift, syntax):
    values = SAMPLES.astype(np.int32) - (2048 if signed else 0)
    stored = ((values & 0xFFF) << shift).astype(np.uint16)
    fields = {"BitsStored": 12, "HighBit": 11 + shift, "PixelRepresentation": signed}
    content = picture_file(stored, **fields)
    if syntax:
        header = pydicom.dcmread(io.BytesIO(content))
        header.compress(pydicom.uid.RLELossless)
        buffer = io.BytesIO()
        header.save_as(buffer)
        content = buffer.getvalue()

    found = read_samples(content, "apply")

    assert np.array_equal(found.pixels[..., 0], values)
    assert found.bits == ((-2048, 2047) if signed else (0, 4095))


def test_negative_numbers_may_go_on_with_ones_above_their_bits():
    values = (SAMPLES.astype(np.int32) - 2048).astype(np.int16)

    assert np.array_equal(read_samples(picture_file(values, **TWELVE), "apply").pixels[..., 0], values)


def test_bits_of_no_meaning_are_refused_and_planes_that_the_header_names_are_left_out():
    strange = SAMPLES.astype(np.uint16)
    strange[3, 4] |= 1 << 13
    overlay = {"OverlayRows": 24, "OverlayColumns": 32}

    with pytest.raises(Rejected, match="not in the 12 bits of its header"):
        read_samples(picture_file(strange, **TWELVE), "apply")
    header = pydicom.dcmread(io.BytesIO(picture_file(strange, **TWELVE)))
    header.add_new((0x6000, 0x0010), "US", overlay["OverlayRows"])
    header.add_new((0x6000, 0x0102), "US", 13)
    buffer = io.BytesIO()
    header.save_as(buffer)

    assert np.array_equal(read_samples(buffer.getvalue(), "apply").pixels[..., 0], SAMPLES)


@pytest.mark.parametrize(("slope", "kind"), [(-1, "MONOCHROME2"), (-0.5, "MONOCHROME2"), (1, "MONOCHROME1")])
def test_larger_samples_are_turned_around_where_they_are_darker(slope, kind):
    fields = {"RescaleSlope": slope, "RescaleIntercept": 3000, "PhotometricInterpretation": kind, **TWELVE}
    content = picture_file(SAMPLES, **fields)
    wanted = SAMPLES * float(slope) + 3000
    low, high = float(wanted.min()) + 500, float(wanted.max()) - 500

    clear = (wanted > low) & (wanted < high)
    brightness = seen(content, (low, high))

    assert np.allclose(units(content), wanted)
    rising = (wanted - low) / (high - low)
    assert np.allclose(brightness[clear], (rising if kind == "MONOCHROME2" else 1 - rising)[clear], atol=2e-3)
    assert set(brightness[~clear & (rising > 0.5)]) == {1.0 if kind == "MONOCHROME2" else 0.0}


def test_a_film_with_a_negative_slope_is_not_turned_twice():
    fields = {"RescaleSlope": -1, "RescaleIntercept": 3000, "PhotometricInterpretation": "MONOCHROME1", **TWELVE}

    found = read_samples(picture_file(SAMPLES, **fields), "apply")

    assert np.array_equal(found.pixels[..., 0], SAMPLES)
    assert (found.slope, found.intercept) == (-1.0, 3000.0)


def test_a_volume_with_a_negative_slope_is_turned_around(tmp_path):
    from corruptgen.sources import nifti  # noqa: PLC0415

    plain = nifti.read_nifti(volume(tmp_path / "a.nii", scl_slope=2, scl_inter=-50), 1)
    turned = nifti.read_nifti(volume(tmp_path / "b.nii", scl_slope=-2, scl_inter=50), 1)

    assert turned.slope == 2.0
    assert np.array_equal(
        turned.pixels * turned.slope + turned.intercept, -(plain.pixels * plain.slope + plain.intercept)
    )


@pytest.mark.parametrize(
    ("fields", "padded"),
    [
        ({"PixelPaddingValue": -2000}, [-2000]),
        ({"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1990}, [-2000, -1995, -1990]),
        ({"PixelPaddingValue": -1990, "PixelPaddingRangeLimit": -2000}, [-2000, -1995, -1990]),
    ],
)
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_decides_no_window_and_is_black(fields, padded, kind):
    samples = ramp("int16", 24, 32)[..., 0]
    samples[: len(padded), 5] = padded
    content = picture_file(samples, PhotometricInterpretation=kind, RescaleIntercept=-10, RescaleSlope=1, **fields)
    plain = picture_file(samples, PhotometricInterpretation=kind, RescaleIntercept=-10, RescaleSlope=1)
    inside = np.ones(samples.shape, bool)
    inside[: len(padded), 5] = False

    found = decode_image(content, Decoding(window="range"))

    assert found.form.full_scale == float(samples[inside].max()) - samples[inside].min()
    assert (seen(content, "range")[~inside] == 0).all()
    assert np.array_equal(units(content)[inside], units(plain)[inside])
    small = decode_image(content, Decoding(window="range", resize=12))
    assert small.form == found.form


def test_padding_that_the_header_writes_without_its_sign_is_found():
    samples = ramp("int16", 24, 32)[..., 0]
    samples[0] = -2000
    content = bytearray(picture_file(samples, PixelPaddingValue=-2000))
    at = content.index(struct.pack("<HH", 0x28, 0x120)) + 4
    content[at : at + 2] = b"US"

    assert read_samples(bytes(content), "apply").padded.sum() == 32


def test_a_picture_of_padding_alone_has_no_range():
    content = picture_file(np.full((9, 9), -7, np.int16), PixelPaddingValue=-7)

    with pytest.raises(Rejected, match="nothing but padding"):
        decode_image(content, Decoding(window="range"))


@pytest.mark.parametrize(("text", "centre"), [(b"40,5", 40.5), (b"40.5", 40.5), (b"40,5\\7", 40.5)])
def test_numbers_with_a_decimal_comma_are_numbers(text, centre):
    content = dicom(WindowCenter="11.5", WindowWidth="400", RescaleIntercept=-1024)
    at = content.index(b"11.5")
    length = content[at - 2]
    padded = text.ljust(length) if len(text) <= length else text
    content = (
        content[: at - 2]
        + struct.pack("<H", len(padded) + len(padded) % 2)
        + padded.ljust(len(padded) + len(padded) % 2)
        + content[at + length :]
    )

    found = decode_image(content, Decoding(window="header"))

    assert found.form.black - 1024 == pytest.approx(centre - 200, abs=0.5)


def test_a_window_that_is_no_number_costs_nothing_if_the_recipe_has_one():
    content = picture_file(SAMPLES, WindowWidth=400, RescaleIntercept=-1024, **TWELVE)
    bad = bytearray(picture_file(SAMPLES, WindowCenter="11", WindowWidth=400, RescaleIntercept=-1024, **TWELVE))
    at = bad.index(struct.pack("<HH", 0x28, 0x1050)) + 8
    bad[at : at + 2] = b"x,"

    given = decode_image(bytes(bad), Decoding(window=(-160.0, 240.0)))

    assert np.array_equal(given.pixels, decode_image(content, Decoding(window=(-160.0, 240.0))).pixels)
    with pytest.raises(Rejected, match="has no window in its header"):
        decode_image(bytes(bad), Decoding(window="header"))


@pytest.mark.parametrize("slope", ["0", "1e999", "x"])
def test_a_slope_that_gives_no_units_is_refused(slope):
    content = bytearray(picture_file(SAMPLES, RescaleSlope="12345", RescaleIntercept="0", **TWELVE))
    at = content.index(b"12345")
    content[at : at + 5] = slope.encode().ljust(5)

    with pytest.raises(Rejected, match=r"no units|no number"):
        read_samples(bytes(content), "apply")


@pytest.mark.parametrize("preamble", [True, False, None])
def test_files_are_known_with_and_without_a_preamble(preamble):
    content = picture_file(SAMPLES, preamble=preamble, **TWELVE)

    assert is_dicom(content[:200])
    assert np.array_equal(read_samples(content, "apply").pixels[..., 0], SAMPLES)


@pytest.mark.parametrize("depth", ["grey", "signed", "colour"])
def test_jpeg_without_loss_is_read(depth):
    if depth == "colour":
        assert np.array_equal(
            read_samples(scan("SC_rgb_jpeg_gdcm"), "apply").pixels, read_samples(scan("SC_rgb_rle"), "apply").pixels
        )
        return
    values = SAMPLES.astype(np.int32) - (2048 if depth == "signed" else 0)
    packed = imagecodecs.ljpeg_encode((values & 0xFFF).astype(np.uint16), bitspersample=12)
    pixels = values.astype(np.int16 if depth == "signed" else np.uint16)
    content = picture_file(pixels, syntax=LOSSLESS, frame_bytes=[packed], **TWELVE)

    assert np.array_equal(read_samples(content, "apply").pixels[..., 0], values)


@pytest.mark.parametrize(
    ("name", "same"), [("MR_small_jpeg_ls_lossless", "MR_small"), ("SC_rgb_jls_lossy_line", "SC_rgb_jls_lossy_sample")]
)
def test_jpeg_ls_is_read(name, same):
    assert np.array_equal(read_samples(scan(name), "apply").pixels, read_samples(scan(same), "apply").pixels)


def test_compressed_samples_of_another_size_than_the_header_claims_are_refused():
    packed = imagecodecs.ljpeg_encode(SAMPLES, bitspersample=12)

    with pytest.raises(Rejected, match=r"of shape \(24, 32, 1\), and its header claims \(60, 50, 1\)"):
        read_samples(
            picture_file(np.zeros((60, 50), np.uint16), syntax=LOSSLESS, frame_bytes=[packed], **TWELVE), "apply"
        )


def deflated(pixels, claimed=None):
    """Write a deflated file, whose header may claim less than there is."""
    content = picture_file(pixels, **TWELVE)
    start = content.index(struct.pack("<HH", 8, 0x16))
    body = bytearray(content[start:])
    if claimed:
        at = body.index(struct.pack("<HH", 0x28, 0x10)) + 8
        body[at : at + 2] = struct.pack("<H", claimed)
    engine = zlib.compressobj(9, wbits=-15)
    packed = engine.compress(bytes(body)) + engine.flush()
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = pydicom.uid.CTImageStorage, pydicom.uid.UID("1.2.3")
    buffer = io.BytesIO()
    buffer.write(b"\0" * 128 + b"DICM")
    pydicom.filewriter.write_file_meta_info(buffer, meta)
    return buffer.getvalue() + packed


def test_a_deflated_file_is_unpacked_as_far_as_its_header_claims():
    assert np.array_equal(read_samples(deflated(SAMPLES), "apply").pixels[..., 0], SAMPLES)

    bomb = deflated(np.zeros((60000, 600), np.uint16), claimed=3)
    assert len(bomb) < 200_000
    with pytest.raises(Rejected, match=r"unpacks to more than the 3600 bytes"):
        read_samples(bomb, "apply")
    with pytest.raises(Rejected, match="cut off"):
        read_samples(deflated(SAMPLES)[:-9], "apply")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"SamplesPerPixel": 999}, "claims 999 samples"),
        ({"Rows": 65535, "Columns": 65535}, "at most"),
        ({"NumberOfFrames": "-3"}, "claims -3 frames"),
    ],
)
def test_claims_are_bounded_before_any_sample_is_decoded(fields, reason):
    with pytest.raises(Rejected, match=reason):
        read_samples(picture_file(SAMPLES, **fields), "apply")


def test_more_samples_than_the_header_claims_are_refused():
    with pytest.raises(Rejected, match="holds 3072 bytes of samples, and its header claims 1536"):
        read_samples(picture_file(np.zeros((48, 32), np.uint16), Rows=24), "apply")


def write_series(folder):
    """Write a file of 12 frames, each with units of its own, and what else lies on a medium."""
    (folder / "scans/series").mkdir(parents=True)
    frames = np.stack([np.roll(SAMPLES, k, 0) for k in range(12)])
    groups = (group(), *(group(1, -100 * k) for k in range(12)))
    content = picture_file(frames, frames=12, groups=groups, **TWELVE)
    (folder / "scans/series/cine.dcm").write_bytes(content)
    (folder / "scans/series/IM000001").write_bytes(picture_file(SAMPLES, **TWELVE))
    (folder / "scans/series/1.2.840.113619.2.1").write_bytes(picture_file(SAMPLES, preamble=False, **TWELVE))
    (folder / "scans/series/1.2.840.113619.2.2").write_bytes(picture_file(SAMPLES, **TWELVE))
    (folder / "scans/series/a.IMA").write_bytes(picture_file(SAMPLES, **TWELVE))
    (folder / "scans/series/real#7").write_bytes(picture_file(SAMPLES, **TWELVE))
    directory = pydicom.uid.MediaStorageDirectoryStorage
    (folder / "scans/DICOMDIR").write_bytes(b"\0" * 128 + b"DICM" + directory.encode())
    (folder / "scans/series/notes").write_bytes(b"no scan at all")
    (folder / "scans/series/ids.txt").write_bytes(picture_file(SAMPLES, **TWELVE))
    return frames


def test_frames_and_files_without_an_ending_are_items(tmp_path):
    frames = write_series(tmp_path)
    path = recipe(tmp_path, decode="window = [-1000, 4000]", output='encoding = "tiff"\nclean = true')

    outcome = corruptgen.generate(path, output=tmp_path / "out", workers=1)

    known = records(tmp_path / "out")
    assert outcome.rejected == ()
    assert outcome.ignored == 3
    assert list(known) == sorted(
        [f"series/{name}" for name in ("IM000001", "1.2.840.113619.2.1", "1.2.840.113619.2.2", "a.IMA", "real#7")]
        + [f"series/cine.dcm#{number:02d}" for number in range(1, 13)]
    )
    assert [known[f"series/cine.dcm#{k + 1:02d}"].samples["intercept"] for k in (0, 11)] == [0.0, -1100.0]
    source = FolderSource(tmp_path / "scans", deep=True)
    for number, item in enumerate(item for item in source.listing().items if "cine" in item.id):
        assert np.array_equal(source.read(item).pixels[..., 0], frames[number])
    for place in (None, tmp_path / "scans"):
        assert verify(tmp_path / "out", depth="full", source=place, workers=1).problems == ()


def test_frames_that_a_file_cannot_hold_are_refused_once(tmp_path):
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/a.dcm").write_bytes(picture_file(SAMPLES, NumberOfFrames="2000000000", **TWELVE))
    packed = imagecodecs.ljpeg_encode(SAMPLES, bitspersample=12)
    fields = {"syntax": LOSSLESS, "frame_bytes": [packed], "NumberOfFrames": "2000000000"}
    (tmp_path / "scans/b.dcm").write_bytes(picture_file(SAMPLES, **fields, **TWELVE))

    listing = FolderSource(tmp_path / "scans", deep=True).listing()

    assert listing.items == ()
    assert [(r.id, r.reason.split(",")[0]) for r in listing.rejected] == [
        (name, "claims 2000000000 frames") for name in ("a.dcm", "b.dcm")
    ]


def test_without_a_window_files_that_look_like_dicom_are_counted_with_the_key_that_reads_them(tmp_path):
    write_series(tmp_path)
    Image.new("RGB", (20, 20), (9, 90, 190)).save(tmp_path / "scans/photograph.png")
    path = recipe(tmp_path, decode="resize = 20")
    hint = r"7 of the other files look like DICOM; window in \[decode\]"

    made = command("generate", path, "--output", "out", "--workers", "1", cwd=tmp_path)

    assert made.returncode == 0
    assert re.search(hint, made.stderr)
    assert re.match(hint, make_plan(path).listing.note)
    (tmp_path / "scans/photograph.png").unlink()
    with pytest.raises(SourceError, match=hint):
        make_plan(path)
