"""Bad scans: rejected by name with a reason; never a traceback, never a silent wrong image."""

import gzip
import io

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

import corruptgen
from corruptgen.errors import Rejected
from corruptgen.imaging.deep import picture
from corruptgen.records import Decoding
from corruptgen.sources import nifti
from tests.scans import dicom, file, ramp, scan, volume
from tests.test_depth import recipe
from tests.test_fuzz import damaged

NAN = ramp("float32")
NAN[3, 4] = np.nan
TWELVE = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
LOOK_UP = {"ModalityLUTSequence": [], "RescaleSlope": None}


def tiff(samples, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def lzw():
    buffer = io.BytesIO()
    Image.fromarray(ramp("uint16")[..., 0]).save(buffer, "TIFF", compression="tiff_lzw")
    return buffer.getvalue()


REJECTED = {
    "no header of DICOM": (scan("no_meta"), "range", "not an image of a known format"),
    "cut off": (scan("MR_truncated"), "range", "less than expected"),
    "cut off in the header": (scan("CT_small")[:400], "range", "holds no picture"),
    "several frames": (scan("rtdose"), "range", "holds 15 frames"),
    "no picture": (scan("test-SR"), "range", "holds no picture (modality SR)"),
    "32 bits": (scan("rtdose_1frame"), "range", "has samples of type uint32; taken are uint8, uint16, int16, float32"),
    "a compression without a decoder": (scan("JPEGLSNearLossless_16"), "range", "which no installed package decodes"),
    "a compression that a decoder does not know": (scan("JPGExtended"), "range", "is compressed as JPEG Extended"),
    "no window": (scan("CT_small"), "header", "has no window in its header; write window = [low, high]"),
    "no width": (dicom(WindowCenter=40, WindowWidth=0), "header", "has no window in its header"),
    "one value": (dicom(pixels=np.full((9, 9), 5, np.int16)), "range", "has no sample between black and white"),
    "a slope that is none": (dicom(RescaleSlope="1e999"), "range", "which give no units"),
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
    "four channels": (tiff(ramp("uint16", channels=4), photometric="rgb"), "range", "is an array of shape"),
    "a TIFF without a decoder": (lzw(), "range", "is compressed as LZW, which the installed packages cannot decode"),
    "a TIFF that is cut off": (file(ramp("uint16"))[:-9], "range", "cannot be decoded"),
    "a PNG that is cut off": (file(ramp("uint16"), "png")[:-99], "range", "cannot be decoded"),
    "empty": (b"", "range", "is empty"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_is_no_single_whole_image_with_a_window_is_rejected(name):
    content, window, reason = REJECTED[name]

    with pytest.raises(Rejected) as caught:
        picture(content, Decoding(window=window))

    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_transparent_pixels_are_rejected_and_opaque_ones_are_not():
    import cv2  # noqa: PLC0415

    samples = np.dstack([ramp("uint16", channels=3), np.full((40, 52), 65535, np.uint16)])
    opaque = cv2.imencode(".png", samples)[1].tobytes()
    samples[5, 5, 3] = 9

    assert picture(opaque, Decoding(window="bits")).pixels.shape == (40, 52, 3)
    with pytest.raises(Rejected, match="transparent"):
        picture(cv2.imencode(".png", samples)[1].tobytes(), Decoding(window="bits"))


def test_volumes_that_cannot_be_sliced_are_rejected(tmp_path):
    good = volume(tmp_path / "good.nii").read_bytes()
    (tmp_path / "cut.nii").write_bytes(good[:-9])
    (tmp_path / "cut.nii.gz").write_bytes(gzip.compress(good[:-9]))
    (tmp_path / "empty.nii").write_bytes(b"")
    (tmp_path / "text.nii.gz").write_bytes(b"this is no volume" * 40)
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 3, 2), np.int16), np.eye(4)), tmp_path / "series.nii")
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 3), np.float64), np.eye(4)), tmp_path / "deep.nii")
    reasons = {}

    for path in sorted(tmp_path.glob("*.nii*")):
        try:
            for number in range(len(nifti.slice_ids(path, path.name))):
                picture(nifti.read(path, number), Decoding(window="range"))
        except Rejected as error:
            reasons[path.name] = str(error)

    assert set(reasons) == {"cut.nii", "cut.nii.gz", "empty.nii", "text.nii.gz", "series.nii", "deep.nii"}
    assert "is cut off: its header claims 832 bytes" in reasons["cut.nii"]
    assert reasons["cut.nii.gz"] == reasons["cut.nii"]
    assert "several volumes" in reasons["series.nii"]
    assert "float64" in reasons["deep.nii"]
    assert not any(str(tmp_path) in reason for reason in reasons.values())
    with pytest.raises(Rejected, match="has 5 slices"):
        nifti.read(tmp_path / "good.nii", 5)


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
            found = [nifti.read(path, k) if form.startswith("nii") else bad for k in range(len(ids))]
            outcomes += [picture(content, Decoding(window="range")).pixels.size for content in found]
        except Rejected as error:
            outcomes.append(str(error))
            assert str(tmp_path) not in outcomes[-1]

    assert any(isinstance(outcome, str) for outcome in outcomes)
    assert capfd.readouterr() == ("", "")
