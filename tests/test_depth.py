"""Depth: samples of more than 8 bits reach the output with their type, their range and their meaning."""

import io
import re

import datasets
import numpy as np
import pytest
import tifffile
from PIL import Image

import corruptgen
from corruptgen import corrupt
from corruptgen.cli.looking import preview
from corruptgen.cli.terminal import Failure
from corruptgen.codecs.high_bit_depth import decode_image, decode_lossless, read_samples
from corruptgen.codecs.pixels import SampleFormat
from corruptgen.engine.estimate import estimate_size
from corruptgen.engine.manifest import BlockTable
from corruptgen.engine.plan import make_plan
from corruptgen.errors import ArgumentError, CorruptgenError, ImageError, RecipeError, Rejected
from corruptgen.publishing.difference import measure_change
from corruptgen.records import Decoding, Encoding
from corruptgen.sources import nifti
from corruptgen.tables import catalog
from corruptgen.transforms.samples import decoding_of
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import pixels_of, tree
from tests.pictures import photograph
from tests.scans import dicom, file, ramp, scan, volume

MEDICAL = catalog.preset("medical")
HEAD = "J2K_pixelrep_mismatch"  # 512×512, 13 bits
TABLE = """
[preset]
title = "Two rows"
levels = 2
precision = "float32"
[gaussian_noise]
sigma = [0.1, 0.3]
[jpeg_compression]
quality = [40, 10]
"""


def recipe(folder, *, source='kind = "folder"\npath = "scans"', decode='window = "range"\nresize = 32', output=""):
    (folder / "two.toml").write_text(TABLE, "utf-8")
    path = folder / "recipe.toml"
    path.write_text(
        f'name = "scans-c"\nversion = "1.0.0"\n[source]\n{source}\n[decode]\n{decode}\n'
        f'[corrupt]\npreset = "two.toml"\n[output]\n{output}\n',
        "utf-8",
    )
    return path


def write_scans(folder):
    """Write computed tomography, a 16-bit TIFF, and slices of a volume."""
    (folder / "scans/ct").mkdir(parents=True)
    (folder / "scans/ct/head.dcm").write_bytes(scan("CT_small"))
    (folder / "scans/ct/second.dcm").write_bytes(scan("MR_small"))
    (folder / "scans/ct/stored.tif").write_bytes(file(ramp("int16")))
    volume(folder / "scans/brain.nii.gz")


def records(output):
    tables = [BlockTable.from_bytes(path.read_bytes()) for path in sorted((output / "items").iterdir())]
    return {record.id: record for table in tables for record in table.records}


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "bits"),
    [
        ("CT_small", "int16", (128, 128, 1), (-32768, 32767)),
        (HEAD, "int16", (512, 512, 1), (-4096, 4095)),
        ("MR_small_RLE", "int16", (64, 64, 1), (-32768, 32767)),
        ("MR_small_bigendian", "int16", (64, 64, 1), (-32768, 32767)),
        ("examples_overlay", "uint16", (300, 484, 1), (0, 4095)),
        ("examples_rgb_color", "uint8", (240, 320, 3), (0, 255)),
        ("examples_palette", "uint16", (350, 800, 3), (0, 65535)),
        ("examples_jpeg2k", "uint8", (480, 640, 3), (0, 255)),
        ("SC_rgb_rle_16bit", "uint16", (100, 100, 3), (0, 65535)),
        ("SC_ybr_full_422_uncompressed", "uint8", (100, 100, 3), (0, 255)),
        ("image_dfl", "uint8", (512, 512, 1), (0, 255)),
    ],
)
def test_dicom_keeps_its_samples(name, dtype, shape, bits):
    found = read_samples(scan(name), "apply")

    assert (found.pixels.dtype.name, found.pixels.shape, found.bits) == (dtype, shape, bits)
    assert found.pixels.dtype.isnative
    assert bits[0] <= found.pixels.min() < found.pixels.max() <= bits[1]


def test_ybr_and_palettes_become_their_colours():
    ybr, rgb = (read_samples(scan(f"SC_{name}"), "apply").pixels for name in ("ybr_full_422_uncompressed", "rgb_rle"))

    assert np.abs(ybr[:, ::20].astype(int) - rgb[:, ::20]).mean() < 8
    assert np.ptp(read_samples(scan("examples_palette"), "apply").pixels, axis=2).max() > 1000


def test_hounsfield_is_slope_times_sample_plus_intercept_and_windows_are_given_in_it():
    found = decode_image(scan("CT_small"), Decoding(window=(-160.0, 240.0)))

    assert (found.slope, found.intercept) == (1.0, -1024.0)
    assert found.form == SampleFormat("int16", 400.0, 864.0)
    assert (found.pixels.min(), found.pixels.max()) == (864, 1264)
    inside = (found.pixels > 864) & (found.pixels < 1264)
    assert np.array_equal(found.pixels[inside], read_samples(scan("CT_small"), "apply").pixels[inside])


def test_a_film_is_turned_around_so_that_brighter_is_larger():
    samples = ramp("uint16")[..., 0] // 16
    fields = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0, "RescaleSlope": 0.5, "RescaleIntercept": 7}

    plain = read_samples(dicom(pixels=samples, **fields), "apply")
    film = read_samples(dicom(pixels=samples, PhotometricInterpretation="MONOCHROME1", **fields), "apply")

    assert np.array_equal(film.pixels, 4095 - plain.pixels)
    assert np.array_equal(film.pixels * film.slope + film.intercept, plain.pixels * plain.slope + plain.intercept), (
        "the units of every pixel stay what they are"
    )


@pytest.mark.parametrize(
    ("fields", "window"),
    [
        ({"WindowCenter": 40, "WindowWidth": 400}, (-160, 239)),
        ({"WindowCenter": [40, 50], "WindowWidth": [400, 2000]}, (-160, 239)),
        ({"WindowCenter": 40, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"}, (-160, 240)),
    ],
)
def test_the_window_of_the_header_is_the_one_that_the_standard_means(fields, window):
    found = decode_image(dicom(**fields), Decoding(window="header"))

    assert (found.form.black - 1024, found.form.black + found.form.full_scale - 1024) == window


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_tiff_and_png_store_is_read_back(dtype, channels):
    samples = ramp(dtype, channels=channels)
    for encoding in ("tiff", "png") if dtype == "uint16" else ("tiff",):
        content = file(samples, encoding)

        assert np.array_equal(decode_lossless(content), samples)
        assert np.array_equal(decode_image(content, Decoding(window="range")).pixels, samples)
        assert content == file(samples, encoding)
    assert np.array_equal(tifffile.imread(io.BytesIO(file(samples))), samples.squeeze())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_files_are_turned_as_those_of_8_bits(orientation):
    levels = photograph(30, 40, 1)[..., 0]
    turned = {}
    for name, samples in (("shallow", levels), ("deep", levels.astype(np.uint16) * 257)):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, samples, extratags=[(274, "H", 1, orientation, True)])
        for exif in ("apply", "ignore"):
            turned[name, exif] = decode_image(buffer.getvalue(), Decoding(window="bits", exif=exif)).pixels

    for exif in ("apply", "ignore"):
        assert np.array_equal(turned["shallow", exif].astype(np.uint16) * 257, turned["deep", exif])


def test_tiff_whose_white_is_0_is_turned_around():
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ramp("uint16")[..., 0], photometric="miniswhite")

    found = decode_image(buffer.getvalue(), Decoding(window="bits"))

    assert np.array_equal(found.pixels, 65535 - ramp("uint16"))


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "SAL", "ASR", "ILP"])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_slices_of_a_volume_lie_as_radiologists_see_them_however_it_is_stored(tmp_path, axes, ending):
    import nibabel  # noqa: PLC0415

    # Where each axis of the file runs.
    names = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    x, y, z = np.meshgrid(np.arange(6), np.arange(8), np.arange(5), indexing="ij")
    straight = nibabel.Nifti1Image((x + 10 * y + 100 * z).astype(np.int16), np.eye(4))
    wanted = nibabel.orientations.ornt_transform([[0, 1], [1, 1], [2, 1]], [names[axis] for axis in axes])
    stored = straight.as_reoriented(wanted)
    assert "".join(nibabel.aff2axcodes(stored.affine)) == axes
    path = tmp_path / f"volume{ending}"
    nibabel.save(stored, path)

    ids = nifti.slice_ids(path, path.name)

    assert ids == [f"volume{ending}#{number:04d}" for number in range(5)]
    for number in range(5):
        seen = nifti.read_nifti(path, number).pixels[..., 0]
        assert seen.shape == (8, 6)
        assert seen[0, 0] == 5 + 70 + 100 * number, "the right front of the patient is at the upper left"
        assert seen[-1, -1] == 100 * number


def test_a_volume_has_units_and_a_window(tmp_path):
    path = volume(tmp_path / "a.nii", scl_slope=2, scl_inter=-50, cal_min=0, cal_max=100)

    found = decode_image(nifti.read_nifti(path, 0), Decoding(window="header"))

    assert (found.slope, found.intercept) == (2.0, -50.0)
    assert found.form == SampleFormat("int16", 50.0, 25.0)


def test_resizing_keeps_the_depth():
    sized = decode_image(scan(HEAD), Decoding(window=(-1024.0, 3071.0), resize=100, crop=90)).pixels

    assert (sized.dtype, sized.shape) == (np.int16, (90, 90, 1))
    assert len(np.unique(sized)) > 500


def test_a_slice_of_16_bits_goes_through_every_row_and_keeps_type_and_range():
    clean = decode_image(scan(HEAD), Decoding(window=(-1024.0, 3071.0)))
    assert clean.pixels.shape == (512, 512, 1)

    for row in MEDICAL.rows:
        for severity in MEDICAL.rows[row].severities:
            result = corrupt(clean.pixels, row, severity, preset="medical", key="a", window=(-1024, 3071))

            assert (result.dtype, result.shape) == (np.int16, (512, 512, 1))
            assert result.min() >= -1024
            assert result.max() <= 3071
            # More values than 8 bits can tell apart. JPEG has no more, and sixty photons have no more than sixty.
            assert row in ("jpeg_compression", "shot_noise") or len(np.unique(result)) > 500


def test_samples_beyond_the_window_become_black_or_white():
    samples = ramp("int16")

    result = corrupt(samples, "gaussian_noise", 0, preset="medical", window=(0, 1000))

    assert np.array_equal(result, samples.clip(0, 1000))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_without_a_window_nobody_knows_what_white_is(dtype):
    with pytest.raises(ImageError, match=r"window=\(low, high\)"):
        corrupt(ramp(dtype), "gaussian_noise", 1, preset="medical")


OUTPUTS = {
    "folder": 'encoding = "tiff"\nclean = true',
    "parquet": 'format = "parquet"\nencoding = "tiff"\nclean = true\nitems_per_shard = 3',
    "webdataset": 'format = "webdataset"\nencoding = "tiff"\nclean = true\nitems_per_shard = 3',
    "npy": 'format = "npy"\nclean = true\nitems_per_shard = 3',
    "npz": 'format = "npz"\nclean = true\nitems_per_shard = 3',
}


@pytest.mark.parametrize("form", OUTPUTS)
def test_scans_are_generated_verified_mended_and_made_again(tmp_path, form):
    write_scans(tmp_path)
    path = recipe(tmp_path, output=OUTPUTS[form], decode='window = "range"\nresize = 32\ncrop = 24')
    output = tmp_path / "out"

    outcome = corruptgen.generate(path, output=output, workers=1)

    whole = tree(output)
    assert (outcome.items, outcome.rejected) == (8, ())
    for source in (None, tmp_path / "scans"):
        verdict = verify(output, depth="full", source=source, workers=1)
        assert (verdict.problems, verdict.notes, verdict.pixels) == ((), (), 8 * 5)
    images = [name for name in whole if name.endswith((".tif", ".parquet", ".tar", ".npz", "e.npy"))]
    for name in images[-2:]:
        (output / name).unlink()
    assert not corruptgen.generate(path, output=output, workers=1).was_finished
    assert tree(output) == whole
    kept = records(output)["ct/head.dcm"].samples
    assert kept == {"dtype": "int16", "black": 128.0, "full_scale": 2063.0, "slope": 1.0, "intercept": -1024.0}


def test_images_of_every_format_have_the_samples_of_corrupt(tmp_path):
    write_scans(tmp_path)
    decoding = "window = [-1024, 3071]\nresize = 32\ncrop = 24"
    clean = decode_image(scan("CT_small"), Decoding(window=(-1024.0, 3071.0), resize=32, crop=24))
    expected = (
        corrupt(
            clean.pixels, "gaussian_noise", 2, preset=str(tmp_path / "two.toml"), key="ct/head.dcm", window=(0, 4095)
        )
        if recipe(tmp_path)
        else None
    )

    found = {}
    for form, output in OUTPUTS.items():
        corruptgen.generate(recipe(tmp_path, output=output, decode=decoding), output=tmp_path / form, workers=1)
    found["folder"] = tifffile.imread(tmp_path / "folder/gaussian_noise/2/ct/head.tif")
    place = list(records(tmp_path / "npy")).index("ct/head.dcm") + 8
    found["npy"] = np.load(tmp_path / "npy/gaussian_noise.npy")[place]
    found["npz"] = np.load(tmp_path / "npz/gaussian_noise.npz")["test_images"][place]
    rows = datasets.load_dataset(
        str(tmp_path / "parquet"), "gaussian_noise", split="severity_2", cache_dir=str(tmp_path / "cache")
    )
    found["parquet"] = np.array(next(row["image"] for row in rows if row["image_id"] == "ct/head.dcm"))

    for form, samples in found.items():
        assert np.array_equal(samples, expected[..., 0]), form
    assert {found[form].dtype.name for form in ("folder", "npy", "npz")} == {"int16"}


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_arrays_keep_their_type(tmp_path, dtype, kind):
    images = np.stack([ramp(dtype, 20, 24)[..., 0], ramp(dtype, 20, 24)[::-1, ::-1, 0]])
    place = tmp_path / f"scans.{kind}"
    if kind == "npz":
        np.savez(place, test_images=images, test_labels=np.array([[0], [1]], np.uint8))
    else:
        np.save(place, images.astype(images.dtype.newbyteorder(">")))
    source = f'kind = "{kind}"\npath = "{place.name}"'
    path = recipe(tmp_path, source=source, decode='window = "range"', output='format = "npz"\nclean = true')

    corruptgen.generate(path, output=tmp_path / "out", workers=1)

    clean, noisy = (np.load(tmp_path / f"out/{row}.npz")["test_images"] for row in ("clean", "gaussian_noise"))
    assert np.array_equal(clean, images)
    assert (noisy.dtype, noisy.shape) == (np.dtype(dtype), (4, 20, 24))
    assert noisy.min() >= images.min()
    assert noisy.max() <= images.max()
    assert verify(tmp_path / "out", depth="full", workers=1).problems == ()


def test_shards_of_scans_are_merged(tmp_path):
    write_scans(tmp_path)
    path = recipe(tmp_path, output='format = "npy"\nitems_per_shard = 3', decode='window = "range"\nresize = [24, 24]')
    corruptgen.generate(path, output=tmp_path / "whole", workers=1)

    for shard in ("1/2", "2/2"):
        corruptgen.generate(path, output=tmp_path / "parts", workers=1, shard=shard)
    corruptgen.merge(tmp_path / "parts")

    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("", '"png" holds samples of uint8 and uint16, and the images have int16; write encoding = "tiff"'),
        ('encoding = "jpeg"', '"jpeg" holds samples of uint8, and the images have int16'),
        ('format = "parquet"', '"png" holds samples of uint8 and uint16'),
    ],
)
def test_an_encoding_that_cannot_hold_the_depth_is_refused_before_anything_is_made(tmp_path, output, advice):
    write_scans(tmp_path)

    with pytest.raises(RecipeError, match=re.escape(advice).replace('"', "['\"]")):
        corruptgen.generate(recipe(tmp_path, output=output), output=tmp_path / "out", workers=1)

    assert not [name for name in tree(tmp_path / "out") if not name.startswith(".")]


def test_16_bit_png_is_the_default_for_16_bits_and_other_depths_are_rejected_one_by_one(tmp_path):
    (tmp_path / "scans").mkdir()
    for name, samples in (("a.png", ramp("uint16")), ("c.png", ramp("uint16", channels=3))):
        (tmp_path / "scans" / name).write_bytes(file(samples, "png"))
    (tmp_path / "scans/b.tif").write_bytes(file(ramp("float32")))

    outcome = corruptgen.generate(recipe(tmp_path), output=tmp_path / "out", workers=1)

    assert [(r.id, r.reason.partition(";")[0]) for r in outcome.rejected] == [
        ("b.tif", "has samples of type float32, and png holds uint8 and uint16")
    ]
    for name, channels in (("a", 1), ("c", 3)):
        made = decode_lossless((tmp_path / f"out/gaussian_noise/1/{name}.png").read_bytes())
        assert (made.dtype, made.shape) == (np.uint16, (32, 41, channels))


def test_scans_are_not_seen_without_a_window(tmp_path):
    write_scans(tmp_path)
    (tmp_path / "scans/ct/stored.tif").unlink()
    Image.fromarray(photograph(40, 40)).save(tmp_path / "scans/ct/photograph.png")

    outcome = corruptgen.generate(recipe(tmp_path, decode=""), output=tmp_path / "out", workers=1)

    assert (outcome.items, outcome.ignored) == (1, 3)


def test_changed_samples_are_measured_with_their_depth(tmp_path):
    (tmp_path / "scans").mkdir()
    for name, pixels in (("old", ramp("uint16")), ("new", ramp("uint16")[::-1])):
        (tmp_path / "scans/ramp.tif").write_bytes(file(pixels))
        path = recipe(tmp_path, decode='window = "range"', output=OUTPUTS["folder"])
        corruptgen.generate(path, output=tmp_path / name, workers=1)
    old, new = open_dataset(tmp_path / "old"), open_dataset(tmp_path / "new")

    change = measure_change(old, new)

    clean = [pixels_of(tmp_path / name / "clean/0/ramp.tif").astype(float) for name in ("old", "new")]
    assert np.abs(clean[0] - clean[1]).max() > 40000
    assert change.images == 5
    assert 40000 < change.largest <= 65535


def test_a_changed_volume_is_noticed(tmp_path):
    write_scans(tmp_path)
    path = recipe(tmp_path, output=OUTPUTS["folder"])
    corruptgen.generate(path, output=tmp_path / "out", workers=1)
    volume(tmp_path / "scans/brain.nii.gz", samples=np.full((6, 8, 5), 7) + np.arange(6)[:, None, None])

    problems = verify(tmp_path / "out", depth="full", source=tmp_path / "scans", workers=1).problems

    assert "brain.nii.gz#0000 in the source has changed" in problems


@pytest.mark.parametrize("window", ["-160,240", "range", "bits"])
def test_a_preview_shows_the_window(tmp_path, window):
    (tmp_path / "head.dcm").write_bytes(scan("CT_small"))

    preview(tmp_path / "head.dcm", "medical", tmp_path / "sheet.png", "gaussian_noise", "1", 0, window)

    with Image.open(tmp_path / "sheet.png") as sheet:
        clean = np.asarray(sheet)[40:160, 200:300]
    if window == "-160,240":
        assert (clean == 0).any()
        assert (clean == 255).any()


def test_a_preview_shows_the_slice_in_the_middle_of_a_volume(tmp_path):
    volume(tmp_path / "a.nii", samples=np.arange(3200).reshape(16, 20, 10))

    preview(tmp_path / "a.nii", "medical", tmp_path / "sheet.png", "contrast_up", "1", 0, "range")

    assert (tmp_path / "sheet.png").exists()
    with pytest.raises(CorruptgenError, match="is a volume; set black and white with --window"):
        preview(tmp_path / "a.nii", "medical", tmp_path / "sheet.png", "contrast_up", "1", 0, None)


def test_a_preview_of_dicom_asks_for_the_window(tmp_path):
    (tmp_path / "head.dcm").write_bytes(scan("CT_small"))

    with pytest.raises(CorruptgenError, match="is a DICOM file; set black and white with --window"):
        preview(tmp_path / "head.dcm", "medical", tmp_path / "sheet.png", "contrast_up", "1", 0, None)


@pytest.mark.parametrize("window", ["5", "5,5", "9,-9", "a,b", "head", "nan,1"])
def test_a_window_that_is_none_is_refused(tmp_path, window):
    with pytest.raises(Failure) as ended:
        preview(tmp_path / "a.dcm", "medical", tmp_path / "sheet.png", None, None, 0, window)

    assert ended.value.exit_code == 2
    assert "write LOW,HIGH in the units of the file, or one of header, range, bits" in ended.value.message


@pytest.mark.parametrize("window", ["5", '"heade"', "[5]", "[5, 5]", "[9, -9]", "[1, 2, 3]", '["a", "b"]', "[nan, 1]"])
def test_a_recipe_says_what_a_window_is(tmp_path, window):
    with pytest.raises(RecipeError, match=r'\[decode\] window: found .*, allowed is \[low, high\] .*"header", "range"'):
        corruptgen.generate(recipe(tmp_path, decode=f"window = {window}"), output=tmp_path / "out")


def test_encodings_say_what_they_hold():
    assert Encoding("png").dtypes == ("uint8", "uint16")
    assert Encoding("jpeg").dtypes == ("uint8",)
    assert not Encoding("jpeg").is_lossless
    with pytest.raises(Rejected, match="more than 8 bits"):
        decode_image(file(ramp("uint16")), Decoding())


def test_a_plan_says_what_does_not_fit(tmp_path):
    write_scans(tmp_path)

    assert estimate_size(make_plan(recipe(tmp_path, output='encoding = "tiff"'))).measured == 3 * 4
    with pytest.raises(RecipeError, match='write encoding = "tiff"'):
        estimate_size(make_plan(recipe(tmp_path)))


@pytest.mark.parametrize("window", [(5, 5), (9, -9), (0, np.nan), (-np.inf, np.inf)])
def test_a_window_without_anything_between_its_ends_is_refused(window):
    with pytest.raises(ArgumentError, match=r"pass \(low, high\) with low below high"):
        corrupt(ramp("float32"), "gaussian_noise", 1, preset="medical", window=window)


@pytest.mark.parametrize("decode", [{"window": "range"}, {"window": [0, 9]}, Decoding(window="bits")])
def test_views_say_that_they_take_8_bits(decode):
    with pytest.raises(RecipeError, match="decode window: views and transforms take images of 8 bits"):
        decoding_of(decode)
