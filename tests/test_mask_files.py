"""Mask files: which of them belongs to an image, a slice or a frame, and that its labels are kept in every format."""

import io
import re

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

import corruptgen
from corruptgen.errors import RecipeError, Rejected
from corruptgen.recipe.recipe import load
from corruptgen.sources.label_masks import label_mask
from corruptgen.sources.mask_files import mask_names
from corruptgen.verification.verdict import verify
from tests.photographs import write_photographs
from tests.scans import RIGHT_TO_LEFT, picture_file, ramp, volume
from tests.test_depth import recipe as recipe_of_scans
from tests.test_targets import write_recipe

LABELS = np.arange(12 * 10, dtype=np.uint8).reshape(12, 10)
DEEP = LABELS.astype(np.uint16) * 500
MASKS = 'kind = "folder"\npath = "images"\nmasks = "masks"'
TIFF = 'encoding = "tiff"'
SCANS = 'kind = "folder"\npath = "scans"\nmasks = "masks"'
# Unlike grey: index 3 is no colour whose luma is 3.
PALETTE = [255 - value // 3 for value in range(768)]


def written(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def tiff(samples, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def palette(labels=LABELS):
    image = Image.fromarray(labels).convert("P")
    image.putdata(labels.ravel().tolist())
    image.putpalette(PALETTE)
    return image


KINDS = {
    "tiff-8": (lambda: tiff(LABELS), LABELS),
    "tiff-16": (lambda: tiff(DEEP), DEEP),
    "tiff-16-big-endian": (lambda: tiff(DEEP, byteorder=">"), DEEP),
    "tiff-16-signed": (lambda: tiff((DEEP // 4).astype(np.int16)), DEEP // 4),
    "tiff-lzw": (lambda: written(Image.fromarray(LABELS), "TIFF", compression="tiff_lzw"), LABELS),
    "tiff-16-deflate": (lambda: written(Image.fromarray(DEEP), "TIFF", compression="tiff_adobe_deflate"), DEEP),
    "tiff-32": (lambda: tiff(DEEP.astype(np.int32)), DEEP),
    "tiff-float": (lambda: tiff(DEEP.astype(np.float32)), DEEP),
    "tiff-palette": (lambda: written(palette(), "TIFF"), LABELS),
    "tiff-1": (lambda: written(Image.fromarray(LABELS > 50), "TIFF"), LABELS > 50),
    "gif-palette": (lambda: written(palette(), "GIF", optimize=False), LABELS),
    "gif-transparent": (lambda: written(palette(), "GIF", optimize=False, transparency=3), LABELS),
    "gif-grey": (lambda: written(Image.fromarray(LABELS), "GIF"), LABELS),
    "png-16": (lambda: written(Image.fromarray(DEEP), "PNG"), DEEP),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_of_masks_keeps_every_label(kind):
    write, expected = KINDS[kind]

    mask = label_mask(write())

    assert np.array_equal(np.asarray(mask.image), expected)
    stored = Image.open(io.BytesIO(mask.encoded()))
    assert (stored.format, "transparency" in stored.info) == ("PNG", False)
    assert np.array_equal(np.asarray(stored), expected)
    if "palette" in kind:
        assert stored.mode == "P"
        assert stored.getpalette()[: 3 * 100] == PALETTE[: 3 * 100]


def turned_tiff():
    return tiff(LABELS, extratags=[(274, 3, 1, 6, True)])


def screen():
    """Write a GIF whose header claims more rows than its picture has."""
    content = bytearray(written(palette(), "GIF"))
    content[8:10] = (400).to_bytes(2, "little")
    return bytes(content)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda: tiff(np.stack([LABELS] * 3), photometric="minisblack"), "holds 3 pictures; write each into a file"),
        (
            lambda: written(palette(), "GIF", save_all=True, append_images=[palette(LABELS[::-1].copy())]),
            "holds 2 pictures; write each into a file",
        ),
        (lambda: tiff(LABELS.astype(np.float32) / 2), "not whole numbers"),
        (lambda: tiff(np.full((8, 8), np.nan, np.float32)), "not whole numbers"),
        (lambda: tiff(DEEP.astype(np.int32) * 9), "labels from 0 to 535500; taken are 0 to 65535"),
        (lambda: tiff(LABELS.astype(np.int16) - 1), "labels from -1 to 118"),
        (lambda: tiff(LABELS.view(np.int8) - 1), "labels from -1 to 118"),
        (lambda: tiff(LABELS, photometric="miniswhite"), "photometric interpretation 0"),
        (turned_tiff, "write it upright"),
        (lambda: written(Image.fromarray(LABELS), "TIFF", compression="jpeg"), "compressed as jpeg"),
        (lambda: tiff(np.stack([DEEP] * 3, -1), photometric="rgb"), "of 16 bits"),
        (screen, "does not cover the 400×10"),
        (lambda: tiff(LABELS)[:-30], "not a whole PNG, TIFF or GIF file"),
        (lambda: written(palette(), "GIF")[:-60], "not a whole PNG, TIFF or GIF file"),
        (lambda: written(Image.fromarray(LABELS), "BMP"), "not a whole PNG, TIFF or GIF file"),
    ],
)
def test_masks_whose_labels_nothing_says_are_refused_by_name(write, reason):
    with pytest.raises(Rejected, match=re.escape(reason)):
        label_mask(write())


def test_masks_of_all_formats_lie_beside_images(tmp_path):
    names = write_images(tmp_path, 4)
    labels = np.zeros((40, 48), np.uint16)
    labels[10:30, 8:40] = 7
    for name, form in zip(names, ("a.tif", "a.gif", "a.png", "a.tiff"), strict=True):
        file = tmp_path / "masks" / name.with_suffix("." + form[2:])
        kind = {"tif": "TIFF", "tiff": "TIFF", "gif": "GIF", "png": "PNG"}[form[2:]]
        samples = palette(labels.astype(np.uint8)) if kind == "GIF" else Image.fromarray(labels)
        file.write_bytes(written(samples, kind, **({"optimize": False} if kind == "GIF" else {})))
    source = write_recipe(tmp_path, MASKS, corrupt='targets = "move"\nrows = ["brightness", "elastic_transform"]')

    outcome = corruptgen.generate(source, output=tmp_path / "out", workers=1)

    assert (outcome.items, outcome.rejected) == (4, ())
    for name in names:
        mask = name.with_suffix(".png")
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out/masks" / mask)), labels)
        moved = np.asarray(Image.open(tmp_path / "out/elastic_transform/2/masks" / mask))
        assert set(np.unique(moved)) == {0, 7}
        assert not np.array_equal(moved, labels)
    assert verify(tmp_path / "out", depth="full", source=tmp_path / "images", workers=1).problems == ()


def write_images(folder, count):
    """Write photographs without folders of classes, and make the folder of masks; return their names."""
    write_photographs(folder / "images", count)
    (folder / "masks").mkdir()
    names = sorted(path.relative_to(folder / "images") for path in (folder / "images").rglob("*.*"))
    for name in names:
        (folder / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
    return names


def test_of_several_masks_the_usual_one_is_taken_or_all_are_named(tmp_path):
    first, second, third = write_images(tmp_path, 3)
    masks = {first: (".png", ".tif"), second: (".tif", ".gif"), third: (".nii.gz",)}
    for name, endings in masks.items():
        for number, ending in enumerate(endings, 1):
            content = written(Image.new("L", (48, 40), number), "GIF" if ending == ".gif" else "PNG")
            (tmp_path / "masks" / f"{name.with_suffix('')}{ending}").write_bytes(content)
    source = write_recipe(tmp_path, MASKS, corrupt='rows = ["brightness"]')

    outcome = corruptgen.generate(source, output=tmp_path / "out", workers=1)

    assert np.asarray(Image.open(tmp_path / "out/masks" / first.with_suffix(".png"))).max() == 1
    reasons = {found.id: found.reason for found in outcome.rejected}
    assert f"{second.with_suffix('.tif')} and {second.with_suffix('.gif')}" in reasons.pop(second.as_posix())
    assert "which is a volume, and is no slice of one" in reasons.pop(third.as_posix())
    assert not reasons


def write_volumes(folder):
    """Write a volume of 5 slices; the label of each of its voxels is the number of its slice, and 10 on the right."""
    (folder / "scans").mkdir()
    (folder / "masks").mkdir()
    volume(folder / "scans/brain.nii.gz")
    labels = np.zeros((6, 8, 5)) + np.arange(5)
    labels[4:] = 10
    return labels


def label_of(slice_number):
    """Return the labels of a slice as it is seen: the right side on the left."""
    expected = np.full((8, 6), slice_number)
    expected[:, :2] = 10
    return expected


@pytest.mark.parametrize("form", ["float64", "turned", "uint16", "other-name", "suffix", "slices"])
def test_each_slice_of_a_volume_has_its_own_labels(tmp_path, form):
    labels = write_volumes(tmp_path)
    kind = np.float64 if form == "float64" else np.uint16
    image = nibabel.Nifti1Image(labels.astype(kind), np.eye(4), dtype=kind)
    if form == "turned":
        image = image.as_reoriented(nibabel.io_orientation(RIGHT_TO_LEFT))
    name = {"other-name": "brain.nii", "suffix": "brain_seg.nii.gz"}.get(form, "brain.nii.gz")
    if form == "slices":
        for number in range(5):
            mask = Image.fromarray(label_of(number).astype(np.uint8))
            mask.save(tmp_path / f"masks/brain.nii.gz#{number:04}.png")
    else:
        nibabel.save(image, tmp_path / "masks" / name)
    suffix = '\nmask_suffix = [".nii.gz", "_seg.nii.gz"]' if form == "suffix" else ""
    stem = "brain_seg" if form == "suffix" else "brain.nii.gz"

    path = recipe_of_scans(tmp_path, source=SCANS + suffix, decode='window = "range"', output=TIFF)
    outcome = corruptgen.generate(path, output=tmp_path / "out", workers=1)

    assert (outcome.items, outcome.rejected) == (5, ())
    for number in range(5):
        found = np.asarray(Image.open(tmp_path / f"out/masks/{stem}#{number:04}.png"))
        assert np.array_equal(found, label_of(number))
    assert verify(tmp_path / "out", depth="full", source=tmp_path / "scans", workers=1).problems == ()


@pytest.mark.parametrize(
    ("labels", "affine", "reason"),
    [
        (np.zeros((6, 8, 4), np.uint8), np.eye(4), "is of a volume of 5 slices, and its mask brain.nii.gz of one of 4"),
        (np.zeros((8, 6, 5), np.uint8), np.eye(4), "is 8×6, and its mask brain.nii.gz 6×8"),
        (np.zeros((6, 8, 5), np.uint8), RIGHT_TO_LEFT, "affine places it elsewhere"),
        (np.zeros((6, 8, 5), np.uint8), np.diag([1.0, 1, 3, 1]), "affine places it elsewhere"),
        (np.full((6, 8, 5), 0.5, np.float32), np.eye(4), "not whole numbers"),
        (np.full((6, 8, 5), -3, np.int16), np.eye(4), "labels from -3 to -3"),
        (np.full((6, 8, 5), 70000, np.int32), np.eye(4), "labels from 70000 to 70000"),
        (None, None, "has no mask brain.nii.gz#000"),
    ],
)
def test_a_volume_of_masks_that_does_not_fit_is_refused(tmp_path, labels, affine, reason):
    write_volumes(tmp_path)
    (tmp_path / "scans/whole.tif").write_bytes(tiff(ramp("uint16")[..., 0]))
    (tmp_path / "masks/whole.png").write_bytes(written(Image.new("L", (52, 40), 3), "PNG"))
    # What was taken for the mask of all slices.
    (tmp_path / "masks/brain.nii.png").write_bytes(written(Image.new("L", (6, 8), 3), "PNG"))
    if labels is not None:
        nibabel.save(nibabel.Nifti1Image(labels, affine, dtype=labels.dtype), tmp_path / "masks/brain.nii.gz")

    path = recipe_of_scans(tmp_path, source=SCANS, decode='window = "range"', output=TIFF)
    outcome = corruptgen.generate(path, output=tmp_path / "out", workers=1)

    assert outcome.items == 1
    assert len(outcome.rejected) == 5
    assert all(reason in found.reason for found in outcome.rejected)


def test_each_frame_of_a_scan_has_its_own_labels(tmp_path):
    frames = np.stack([ramp("uint16", 24, 32)[..., 0] >> 4] * 11)
    labels = np.stack([np.full((24, 32), number, np.uint8) for number in range(1, 12)])
    (tmp_path / "scans").mkdir()
    (tmp_path / "masks").mkdir()
    for name in ("cine.dcm", "other.dcm", "short.dcm", "1.2.3", "1.2.4"):
        few = frames if "dcm" in name else frames[:1]
        (tmp_path / "scans" / name).write_bytes(picture_file(few, frames=len(few) if "dcm" in name else None))
    (tmp_path / "masks/cine.tif").write_bytes(tiff(labels, photometric="minisblack"))
    (tmp_path / "masks/short.tif").write_bytes(tiff(labels[:10], photometric="minisblack"))
    # What was taken for the mask of all frames, and of all files without an ending.
    for name in ("other", "1.2"):
        (tmp_path / f"masks/{name}.png").write_bytes(written(Image.fromarray(labels[0]), "PNG"))
    for name in ("other.dcm#02", "1.2.4"):
        (tmp_path / f"masks/{name}.png").write_bytes(written(Image.fromarray(labels[5]), "PNG"))

    path = recipe_of_scans(tmp_path, source=SCANS + '\nlabels = "none"', decode='window = "range"', output=TIFF)
    outcome = corruptgen.generate(path, output=tmp_path / "out", workers=1)

    found = {path.name: np.asarray(Image.open(path)).max() for path in (tmp_path / "out/masks").iterdir()}
    assert found == {f"cine.dcm#{n:02}.png": n for n in range(1, 12)} | {"other.dcm#02.png": 6, "1.2.4.png": 6}
    reasons = {rejection.id: rejection.reason for rejection in outcome.rejected}
    assert reasons.pop("1.2.3") == "has no mask 1.2.3.png"
    assert {reason for name, reason in reasons.items() if "short" in name} == {
        "has a mask that holds 10 pictures for the 11 frames of its file"
    }
    assert reasons["other.dcm#01"] == "has no mask other.dcm#01.png"
    assert len(reasons) == 11 + 10


@pytest.mark.parametrize(
    ("name", "endings", "stored"),
    [
        ("a/b.JPEG", ("", ".png"), "a/b.png"),
        ("a.b/IM0001", ("", ".png"), "a.b/IM0001.png"),
        ("1.2.840.5", ("", ".png"), "1.2.840.5.png"),
        ("brain.nii#0003", ("", ".png"), "brain.nii#0003.png"),
        ("cine.dcm#07", (".dcm", "_seg.tif"), "cine_seg#07.png"),
        ("a_img.png", ("_img.png", "_ids.tif"), "a_ids.png"),
    ],
)
def test_masks_are_called_as_their_images(name, endings, stored):
    assert [mask.stored for mask in mask_names(name, endings)] == [stored]


@pytest.mark.parametrize("endings", ['[".png", "_a.png", "_a.tif"]', '[".png", "_a.jpg"]', '[".png"]'])
def test_endings_of_masks_that_the_output_cannot_tell_apart_are_refused(tmp_path, endings):
    write_images(tmp_path, 1)

    with pytest.raises(RecipeError, match="mask_suffix"):
        load(write_recipe(tmp_path, f"{MASKS}\nmask_suffix = {endings}"))
