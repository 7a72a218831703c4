"""Targets: masks, polygons and boxes go where the pixels go, or stay, or the recipe is refused."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from skimage import data
from skimage.draw import polygon2mask

import corruptgen
from corruptgen.codecs.geometry import placement, resize_and_crop
from corruptgen.codecs.images import decoded, native_file_size
from corruptgen.engine.manifest import BlockTable, manifest_bytes
from corruptgen.engine.plan import make_plan
from corruptgen.errors import OutputError, RecipeError, Rejected, SourceError
from corruptgen.ops.warp import Displacement
from corruptgen.publishing.difference import compare_datasets
from corruptgen.publishing.versions import Bump, needed_bump
from corruptgen.randomness import rng_for
from corruptgen.recipe.recipe import read_recipe
from corruptgen.records import Decoding
from corruptgen.sources.label_masks import LabelMask, label_mask, move_labels
from corruptgen.tables import catalog
from corruptgen.targets import run_lengths
from corruptgen.targets.annotations import DecodedMotion, move_annotation
from corruptgen.targets.coordinates import strange_keys
from corruptgen.targets.outlines import area, clip_outline
from corruptgen.targets.targets import GUESSED
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import ROOT, command, pixels_of, tree

GEOMETRIC = [
    pytest.param("imagenet-c", (224, 224), id="elastic_transform"),
    pytest.param("imagecorruptions", (200, 300), id="elastic_smooth"),
    pytest.param("natural", (200, 300), id="rubber_sheet"),
]
# x and y of the astronaut's helmet under her arm, of Chelsea's face, of the cup, of the rocket on its pad, by hand.
OUTLINES = {
    "astronaut": [370, 300, 440, 290, 490, 330, 500, 420, 440, 450, 380, 420, 350, 350],
    "chelsea": [120, 20, 190, 60, 270, 60, 320, 150, 290, 240, 200, 270, 130, 220, 100, 120],
    "coffee": [175, 90, 210, 30, 300, 4, 390, 30, 425, 90, 410, 220, 330, 290, 230, 280, 180, 200],
    "rocket": [312, 120, 335, 120, 340, 340, 300, 340],
}


def polygon_mask(outline, size):
    """Draw an outline of x, y, x, y, ..."""
    return polygon2mask(size, np.reshape(outline, (-1, 2))[:, ::-1] - 0.5)


def overlap(first, second):
    return np.sum(first & second) / np.sum(first | second)


def box_overlap(first, second):
    (x, y, w, h), (u, v, m, n) = first, second
    both = max(min(x + w, u + m) - max(x, u), 0) * max(min(y + h, v + n) - max(y, v), 0)
    return both / (w * h + m * n - both)


def box_of(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]


def object_in(size):
    """Return the outline of a star in an image of this size, its points sharp enough to be hard to follow."""
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    radii = np.where(np.arange(20) % 2, 0.35, 0.25) * min(size)
    return np.stack([size[1] / 2 + radii * np.cos(angles), size[0] / 2 + radii * np.sin(angles)], axis=-1).ravel()


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize(("preset", "size"), GEOMETRIC)
def test_a_moved_mask_covers_what_was_painted_under_it(preset, size, severity):
    mask = polygon_mask(object_in(size), size)
    painted = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    cell = catalog.preset(preset).cell("elastic_transform", severity)

    seen = corruptgen.corrupt(painted, "elastic_transform", severity, preset=preset, seed=3, key="a")[..., 0] > 127
    went = move_labels(mask, cell.warp(painted, rng_for(3, "elastic_transform", severity, "a")))

    assert overlap(mask, went) < 0.99, "the row moves too little to show anything"
    assert overlap(seen, went) > 0.98


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize(("preset", "size"), GEOMETRIC)
def test_polygons_run_lengths_and_boxes_go_where_the_mask_goes(preset, size, severity):
    outline = object_in(size)
    mask = polygon_mask(outline, size)
    image = np.zeros((*size, 3), np.uint8)
    warp = catalog.preset(preset).cell("elastic_transform", severity).warp(image, rng_for(3, "e", severity, "a"))
    motion = DecodedMotion(size[0], size[1], Decoding(), warp)
    box = list(map(int, box_of(mask)))
    stored = {"size": list(size), "counts": run_lengths.counts(mask)}

    went = move_labels(mask, warp, outside=0)
    by_polygon = move_annotation({"segmentation": [list(outline)], "bbox": box, "area": 1, "id": 1}, motion)
    by_lengths = move_annotation({"segmentation": stored, "bbox": box, "area": 1, "iscrowd": 1}, motion)
    by_box = move_annotation({"bbox": box, "area": box[2] * box[3] / 2}, motion)

    assert overlap(polygon_mask(by_polygon["segmentation"][0], size), went) > 0.9
    assert box_overlap(by_polygon["bbox"], box_of(went)) > 0.9
    assert by_polygon["area"] == pytest.approx(went.sum(), rel=0.06)
    assert np.array_equal(run_lengths.mask(by_lengths["segmentation"]["counts"], *size), went)
    assert (by_lengths["bbox"], by_lengths["area"]) == (list(box_of(went)), went.sum())
    assert box_overlap(by_box["bbox"], box_of(went)) > 0.75
    assert by_box["area"] == pytest.approx(by_box["bbox"][2] * by_box["bbox"][3] / 2, abs=0.02)


@pytest.mark.parametrize(("preset", "size"), GEOMETRIC)
def test_points_come_from_where_they_went(preset, size):
    points = np.random.RandomState(1843956201).uniform((40, 40), (size[0] - 40, size[1] - 40), (200, 2))
    image = np.zeros((*size, 3), np.uint8)

    for severity in (1, 2, 5):
        warp = catalog.preset(preset).cell("elastic_transform", severity).warp(image, rng_for(3, "e", severity, "a"))
        went = warp.arrivals(points)
        inside = ((went > 0) & (went < np.array(size) - 1)).all(axis=1)
        distance = np.abs(warp.origins(went) - points).max(axis=1)[inside]

        assert inside.mean() > 0.7
        assert np.median(distance) < 0.1
        assert np.quantile(distance, 0.95) < 0.5


def test_the_rows_that_move_pixels_are_declared():
    declared = {name for name, corruption in catalog.corruptions().items() if corruption.is_geometric}

    # What is new here moves masks and boxes too.
    assert declared == {
        *("cyclic_shift", "elastic_smooth", "elastic_transform", "grey_turn"),
        *("crossing_ripples", "drop_rings", "pinched_tiles"),
        *("own_pixel_permutation", "patch_shuffle", "pixel_permutation", "random_rotation"),
        *("rotate_by_level", "rubber_sheet", "shear_columns", "shear_rows"),
        *("shift_across", "shift_down", "sine_warp", "tilted_camera"),
        *("window_shift",),
    }
    with pytest.raises(Exception, match="fog at severity 3 moves no pixels"):
        catalog.preset("natural").cell("fog", 3).warp(np.zeros((32, 32, 3), np.uint8), rng_for(0, "fog", 3, "a"))


DECODINGS = [
    Decoding(resize=64),
    Decoding(crop=80),
    Decoding(resize=(90, 50), crop=48),
    Decoding(resize=96, crop=(50, 70)),
    Decoding(crop=0.7, resize=(150, 150), order="crop-resize"),
]


@pytest.mark.parametrize("decoding", DECODINGS, ids=repr)
def test_decoding_moves_targets_as_it_moves_pixels(decoding):
    size = (120, 160)
    outline = object_in(size)
    mask = polygon_mask(outline, size)
    expected = np.asarray(resize_and_crop(Image.fromarray(mask.astype(np.uint8) * 255), decoding)) > 127
    box = list(map(int, box_of(mask)))

    after = move_annotation({"segmentation": [list(outline)], "bbox": box}, DecodedMotion(size[0], size[1], decoding))

    place = placement(*size, decoding)
    assert (place.height, place.width) == expected.shape
    assert overlap(polygon_mask(after["segmentation"][0], expected.shape), expected) > 0.93
    assert box_overlap(after["bbox"], box_of(expected)) > 0.93
    labels = np.asarray(LabelMask(Image.fromarray(mask.astype(np.uint8) * 7)).fitted(decoding).image)
    assert set(np.unique(labels)) == {0, 7}
    assert overlap(labels == 7, expected) > 0.93
    only_box = move_annotation({"bbox": box}, DecodedMotion(size[0], size[1], decoding))
    assert box_overlap(only_box["bbox"], box_of(expected)) > 0.85


def test_what_leaves_the_image_is_gone():
    motion = DecodedMotion(100, 100, Decoding(crop=50))

    assert move_annotation({"bbox": [0, 0, 20, 20]}, motion) is None
    assert move_annotation({"segmentation": [[0, 0, 20, 0, 20, 20]], "bbox": [0, 0, 20, 20]}, motion) is None
    assert move_annotation({"segmentation": {"size": [100, 100], "counts": [0, 5, 9995]}}, motion) is None
    assert move_annotation({"bbox": [20, 20, 10, 10], "area": 50}, motion) == {"bbox": [0, 0, 5, 5], "area": 12.5}
    keypoints = [10, 10, 2, 60, 60, 2, 0, 0, 0]
    after = move_annotation({"bbox": [0, 0, 90, 90], "keypoints": keypoints, "num_keypoints": 2}, motion)
    assert (after["keypoints"], after["num_keypoints"]) == ([0, 0, 0, 35, 35, 2, 0, 0, 0], 1)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"bbox": [1, 2, "3", 4]}, "found '3' where a number is needed"),
        ({"bbox": [1, 2, 3]}, "not enough values"),
        ({"segmentation": [[1, 2, 3]]}, "three points or more"),
        ({"segmentation": {"size": [9, 9], "counts": [81]}}, "run lengths are for"),
        ({"segmentation": {"size": [50, 50], "counts": [81]}}, "not those of a mask of 50×50"),
        ({"segmentation": {"size": [50, 50], "counts": "\x00"}}, "not the text that COCO's tools write"),
        ({"segmentation": {"size": [50, 50]}}, "counts"),
    ],
)
def test_annotations_that_cannot_be_understood_say_so(annotation, message):
    with pytest.raises(Rejected, match=message):
        move_annotation(annotation, DecodedMotion(50, 50, Decoding(crop=40)))


PLAIN = st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=5)
NUMBERS = st.lists(st.integers(-20, 90) | st.floats(-1e3, 1e3), min_size=4, max_size=9)
NESTED = st.recursive(
    PLAIN | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["size", "counts"]), inner),
    max_leaves=8,
)
LENGTHS = st.fixed_dictionaries(
    {"size": st.just([50, 40]) | NESTED, "counts": NESTED | st.text("0123abo`", max_size=9)}
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["bbox", "segmentation", "area", "keypoints"]), NESTED | NUMBERS | LENGTHS))
def test_any_annotation_is_moved_or_rejected(annotation):
    warp = Displacement(np.full((30, 30), 2.5), np.full((30, 30), -1.5), "reflect")

    for motion in (DecodedMotion(50, 40, Decoding(crop=30)), DecodedMotion(50, 40, Decoding(crop=30), warp)):
        try:
            changes = move_annotation(annotation, motion)
        except Rejected:
            continue
        json.dumps(changes, allow_nan=False)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_size_of_an_image_is_known_before_it_is_decoded(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(data.chelsea()).save(buffer, kind, exif=exif)

    for choice in ("apply", "ignore"):
        expected = decoded(buffer.getvalue(), Decoding(exif=choice)).shape[:2]
        assert native_file_size(buffer.getvalue(), Decoding(exif=choice)) == expected


@settings(max_examples=60, deadline=None)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_run_lengths_are_read_as_they_are_written(mask):
    counts = run_lengths.counts(mask)

    assert np.array_equal(run_lengths.mask(counts, *mask.shape), mask)
    assert run_lengths.counts_of(run_lengths.to_text(counts)) == counts


def test_run_lengths_as_text_are_those_of_cocos_tools():
    mask = polygon_mask([5, 5, 30, 8, 20, 35], (40, 50))

    # What pycocotools 2.0.11 gives for this mask.
    expected = "]61W12N2N2O1N2N2N2N2N2N2N2N2O1N2N00M3M3N2M3M4L3N2M3Mkh0"
    assert run_lengths.to_text(run_lengths.counts(mask)) == expected


def test_a_clipped_outline_has_the_area_that_is_left():
    square = np.array([[-10.0, -10], [-10, 20], [20, 20], [20, -10]])

    assert area(clip_outline(square, 30, 30)) == 400
    assert area(clip_outline(square, 10, 15)) == 150
    assert len(clip_outline(square + 100, 30, 30)) == 0


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "RGB"])
def test_label_masks_of_any_kind_keep_their_labels_and_palette(mode):
    labels = (polygon_mask(object_in((60, 80)), (60, 80)) * 200).astype(np.uint16 if mode == "I;16" else np.uint8)
    image = Image.fromarray(labels)
    image = image if mode == "I;16" else image.convert(mode)
    warp = (
        catalog.preset("natural")
        .cell("elastic_transform", 3)
        .warp(np.zeros((60, 80, 3), np.uint8), rng_for(1, "e", 3, "a"))
    )

    after = label_mask(label_mask(LabelMask(image).encoded()).warped(warp).encoded()).image

    assert (after.mode, after.size, after.getpalette()) == (image.mode, image.size, image.getpalette())
    assert np.array_equal(np.asarray(after), move_labels(np.asarray(image), warp))


# Whole builds.

TABLE = """
[preset]
title = "Two rows"
levels = 2
smallest = [8, 8]
[brightness]
offset = [0.1, 0.2]
[elastic_transform]
use = "rubber_sheet"
amplitude = [3.0, 6.0]
wave = [20.0, 20.0]
"""


def write_recipe(folder, source, *, corrupt="", decode="", output=""):
    (folder / "two.toml").write_text(TABLE, "utf-8")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'name = "small"\nversion = "1.0.0"\n[source]\n{source}\n[decode]\n{decode}\n'
        f'[corrupt]\npreset = "two.toml"\n{corrupt}\n[output]\n{output}\n',
        "utf-8",
    )
    return recipe


COCO = 'kind = "coco"\npath = "images"\nannotations = "instances.json"'


def write_coco(folder):
    """Write four photographs at half their size with an annotation file as COCO has it, and return its content."""
    (folder / "images/train").mkdir(parents=True)
    images, annotations = [], []
    for number, (name, outline) in enumerate(OUTLINES.items(), start=1):
        picture = Image.fromarray(getattr(data, name)()).reduce(2)
        file = f"train/{name}.png" if name == "rocket" else f"{name}.png"
        picture.save(folder / "images" / file)
        images.append({"file_name": file, "height": picture.height, "width": picture.width, "id": number * 11})
        half = [value / 2 for value in outline]
        mask = polygon_mask(half, (picture.height, picture.width))
        box = list(map(int, box_of(mask)))
        shared = {"image_id": number * 11, "category_id": 1, "bbox": box, "area": int(mask.sum())}
        crowd = {"size": list(mask.shape), "counts": run_lengths.to_text(run_lengths.counts(mask))}
        annotations += [
            {**shared, "id": number * 10, "iscrowd": 0, "segmentation": [half]},
            {**shared, "id": number * 10 + 1, "iscrowd": 1, "segmentation": crowd},
            {**shared, "id": number * 10 + 2, "iscrowd": 0, "bbox": [0, 0, 6, 5], "area": 30, "segmentation": []},
        ]
    content = {
        "info": {"description": "photographs of scikit-image, outlined by hand 🚀"},
        "images": images,
        "annotations": annotations[::-1],
        "categories": [{"id": 1, "name": "thing", "supercategory": "things"}],
    }
    (folder / "instances.json").write_text(json.dumps(content), "utf-8")
    return content


def read_json(path):
    return json.loads(path.read_text("utf-8"))


def test_a_coco_dataset_keeps_its_annotations_and_gets_the_pixels_of_corrupt(tmp_path):
    content = write_coco(tmp_path)
    Image.fromarray(data.coins()).save(tmp_path / "images/unlisted.png")
    recipe = write_recipe(tmp_path, COCO, output="clean = true")

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    assert (outcome.items, outcome.rejected, outcome.ignored) == (4, (), 1)
    assert read_json(tmp_path / "out/annotations.json") == content
    assert list(tmp_path.glob("out/*/*/annotations.json")) == []
    for entry in read_json(tmp_path / "out/annotations.json")["images"]:
        clean = pixels_of(tmp_path / "images" / entry["file_name"])
        assert clean.shape == (entry["height"], entry["width"], 3)
        for row in ("brightness", "elastic_transform"):
            expected = corruptgen.corrupt(clean, row, 2, preset=str(tmp_path / "two.toml"), key=entry["file_name"])
            assert np.array_equal(pixels_of(tmp_path / f"out/{row}/2" / entry["file_name"]), expected)
    assert verify(tmp_path / "out", depth="full", workers=1).problems == ()
    assert verify(tmp_path / "out", source=tmp_path / "images", depth="full", workers=1).problems == ()


def test_a_moved_coco_dataset_has_annotations_beside_the_images_of_rows_that_move_pixels(tmp_path):
    content = write_coco(tmp_path)
    recipe = write_recipe(tmp_path, COCO, corrupt='targets = "move"', output='encoding = "jpeg"')

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    files = sorted(str(p.relative_to(tmp_path / "out")) for p in tmp_path.glob("out/**/annotations.json"))
    assert files == ["annotations.json", "elastic_transform/1/annotations.json", "elastic_transform/2/annotations.json"]
    shared, after = read_json(tmp_path / "out" / files[0]), read_json(tmp_path / "out" / files[2])
    assert shared["annotations"] == content["annotations"]
    assert after["categories"] == content["categories"]
    for entry in after["images"]:
        size = entry["height"], entry["width"]
        assert (tmp_path / "out/elastic_transform/2" / entry["file_name"]).exists()
        old, new = ({a["id"]: a for a in s["annotations"] if a["image_id"] == entry["id"]} for s in (content, after))
        number = entry["id"] // 11 * 10
        key = next(i["file_name"] for i in content["images"] if i["id"] == entry["id"])
        mask = polygon_mask(old[number]["segmentation"][0], size)
        painted = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
        seen = corruptgen.corrupt(painted, "elastic_transform", 2, preset=str(tmp_path / "two.toml"), key=key)
        seen = seen[..., 0] > 127
        crowd = run_lengths.counts_of(new[number + 1]["segmentation"]["counts"])
        assert overlap(run_lengths.mask(crowd, *size), seen) > 0.95
        assert overlap(polygon_mask(new[number]["segmentation"][0], size), seen) > 0.85
        assert box_overlap(new[number]["bbox"], box_of(seen)) > 0.8
        assert new[number]["category_id"] == 1
    assert verify(tmp_path / "out", workers=1).problems == ()


def test_decoding_moves_the_annotations_of_every_row(tmp_path):
    content = write_coco(tmp_path)
    recipe = write_recipe(tmp_path, COCO, decode="resize = 128\ncrop = 96")

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    after = read_json(tmp_path / "out/annotations.json")
    assert {(entry["height"], entry["width"]) for entry in after["images"]} == {(96, 96)}
    left = {annotation["id"] for annotation in after["annotations"]}
    dropped = read_json(tmp_path / "out/manifest.json")["annotations"]["annotations.json"]["dropped"]
    assert {12, 22, 32, 42} <= set(dropped), "the small boxes in the corner are cut off"
    assert left | set(dropped) == {annotation["id"] for annotation in content["annotations"]}
    assert not left & set(dropped)


def test_a_build_with_targets_is_gone_on_with_and_the_same_for_any_number_of_workers(tmp_path):
    write_coco(tmp_path)
    recipe = write_recipe(tmp_path, COCO, corrupt='targets = "move"')
    corruptgen.generate(recipe, output=tmp_path / "one", workers=1)
    corruptgen.generate(recipe, output=tmp_path / "two", workers=2)
    whole = tree(tmp_path / "one")
    assert tree(tmp_path / "two") == whole

    (tmp_path / "two/elastic_transform/1/annotations.json").write_text("{}")
    assert verify(tmp_path / "two", workers=1).problems == (
        "elastic_transform/1/annotations.json does not match the manifest",
    )
    manifest = read_json(tmp_path / "two/manifest.json")
    for damage in ([], {"a.json": 3}, {"../a.json": {"sha256": ""}}):
        shutil.copytree(tmp_path / "one", tmp_path / "damaged", dirs_exist_ok=True)
        (tmp_path / "damaged/manifest.json").write_bytes(manifest_bytes({**manifest, "annotations": damage}))
        with pytest.raises(OutputError, match=r"manifest\.json is damaged"):
            verify(tmp_path / "damaged", workers=1)
    (tmp_path / "two/annotations.json").unlink()
    assert not corruptgen.generate(recipe, output=tmp_path / "two", workers=1).was_finished

    assert tree(tmp_path / "two") == whole
    assert corruptgen.generate(recipe, output=tmp_path / "two", workers=1).was_finished
    other = write_recipe(tmp_path, COCO, corrupt='rows = ["brightness"]')
    corruptgen.generate(other, output=tmp_path / "two", workers=1, overwrite=True)
    assert not list(tmp_path.glob("two/elastic_transform"))


def test_a_changed_annotation_file_is_another_build(tmp_path):
    content = write_coco(tmp_path)
    recipe = write_recipe(tmp_path, COCO)
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    content["annotations"].pop()
    (tmp_path / "instances.json").write_text(json.dumps(content), "utf-8")

    with pytest.raises(Exception, match="holds another build: its source"):
        corruptgen.generate(recipe, output=tmp_path / "out", workers=1)


def test_listed_images_that_cannot_be_used_are_rejected_and_left_out_of_the_annotations(tmp_path):
    content = write_coco(tmp_path)
    (tmp_path / "images/coffee.png").unlink()
    content["images"][0]["width"] += 1
    content["images"] += [
        {"file_name": name, "id": 1000 + i, "height": 8, "width": 8}
        for i, name in enumerate(["../a.png", "/etc/passwd.png", "notes.txt", "twice.png", "twice.png", "\ud83d.png"])
    ]
    content["annotations"][0]["bbox"] = ["left", 0, 1, 1]  # of the rocket, whose box has no polygon
    (tmp_path / "instances.json").write_text(json.dumps(content), "utf-8")
    recipe = write_recipe(tmp_path, COCO, corrupt='targets = "move"')

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    reasons = {rejection.id: rejection.reason for rejection in outcome.rejected}
    assert "leads out of the source" in reasons.pop("../a.png")
    assert "leads out of the source" in reasons.pop("/etc/passwd.png")
    assert "of another kind" in reasons.pop("notes.txt")
    assert "more than once" in reasons.pop("twice.png")
    assert "not in the source" in reasons.pop("\\ud83d.png")
    assert "not in the source" in reasons.pop("coffee.png")
    assert "is 256×256, annotated as 256×257" in reasons.pop("astronaut.png")
    assert "found 'left' where a number is needed" in reasons.pop("train/rocket.png")
    assert reasons == {}
    after = read_json(tmp_path / "out/annotations.json")
    assert [entry["file_name"] for entry in after["images"]] == ["chelsea.png"]
    assert {annotation["image_id"] for annotation in after["annotations"]} == {22}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "are not JSON"),
        ("[" * 100_000, "are not JSON"),
        ("[]", '"images": a list of entries is needed'),
        ('{"images": [], "annotations": [NaN]}', "NaN, which is not a number"),
        ('{"images": [{"file_name": 3, "id": 1}], "annotations": []}', 'entry 0: it needs a text "file_name"'),
        ('{"images": [{"file_name": "a", "id": [1]}], "annotations": []}', 'a number "id"'),
        (
            '{"images": [{"file_name": "a", "id": 1, "height": 1, "width": 1},'
            '{"file_name": "b", "id": 1, "height": 1, "width": 1}], "annotations": []}',
            "the id 1 is given to 2 images",
        ),
        ('{"images": [], "annotations": []}', "holds no images"),
    ],
)
def test_a_malformed_annotation_file_says_what_is_wrong(tmp_path, content, message):
    (tmp_path / "images").mkdir()
    (tmp_path / "instances.json").write_text(content, "utf-8")

    with pytest.raises(SourceError, match=message):
        make_plan(write_recipe(tmp_path, COCO))


MASKS = 'kind = "folder"\npath = "leftImg8bit"\nmasks = "gtFine"'
CITYSCAPES = MASKS + ('\nmask_suffix = ["_leftImg8bit.png", "_gtFine_labelIds.png", "_gtFine_instanceIds.png"]')


def write_cityscapes(folder):
    """Write photographs and two masks of each, laid out as Cityscapes."""
    for name, outline in OUTLINES.items():
        picture = Image.fromarray(getattr(data, name)()).reduce(3)
        mask = polygon_mask([value / 3 for value in outline], (picture.height, picture.width))
        for part in ("leftImg8bit", "gtFine"):
            (folder / part / "aachen").mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"leftImg8bit/aachen/{name}_leftImg8bit.png")
        Image.fromarray(mask.astype(np.uint8) * 26).save(folder / f"gtFine/aachen/{name}_gtFine_labelIds.png")
        Image.fromarray(mask.astype(np.uint16) * 26001).save(folder / f"gtFine/aachen/{name}_gtFine_instanceIds.png")


def test_masks_are_kept_as_they_are_and_shared_by_all_rows(tmp_path):
    write_cityscapes(tmp_path)
    recipe = write_recipe(tmp_path, CITYSCAPES)

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    assert tree(tmp_path / "out/masks") == tree(tmp_path / "gtFine")
    assert not list(tmp_path.glob("out/*/*/masks"))
    assert verify(tmp_path / "out", workers=1).problems == ()
    damaged = tmp_path / "out/masks/aachen/rocket_gtFine_labelIds.png"
    shutil.copy(tmp_path / "out/masks/aachen/coffee_gtFine_labelIds.png", damaged)
    assert verify(tmp_path / "out", workers=1).problems == (
        "masks/aachen/rocket_gtFine_labelIds.png is damaged: checksum mismatch",
    )


def test_masks_move_with_the_image_and_a_lost_one_is_made_again(tmp_path):
    write_cityscapes(tmp_path)
    recipe = write_recipe(tmp_path, CITYSCAPES, corrupt='targets = "move"')
    table = str(tmp_path / "two.toml")

    corruptgen.generate(recipe, output=tmp_path / "out", workers=2)

    assert tree(tmp_path / "out/masks") == tree(tmp_path / "gtFine")
    assert not list(tmp_path.glob("out/brightness/*/masks"))
    for name in OUTLINES:
        labels = pixels_of(tmp_path / f"gtFine/aachen/{name}_gtFine_labelIds.png")
        instances, after = (
            pixels_of(tmp_path / f"out/elastic_transform/2/masks/aachen/{name}_gtFine_{kind}.png")
            for kind in ("instanceIds", "labelIds")
        )
        key = f"aachen/{name}_leftImg8bit.png"
        seen = corruptgen.corrupt((labels > 0) * np.uint8(255), "elastic_transform", 2, preset=table, key=key) > 127
        assert overlap(after == 26, seen) > 0.93
        assert set(np.unique(after)) == {0, 26}
        assert (instances.dtype, instances.max()) == (np.uint16, 26001)
        assert np.array_equal(instances > 0, after > 0)
    whole = tree(tmp_path / "out")
    (tmp_path / "out/elastic_transform/1/masks/aachen/rocket_gtFine_labelIds.png").unlink()
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    assert tree(tmp_path / "out") == whole
    other = write_recipe(tmp_path, MASKS.partition("masks")[0])
    corruptgen.generate(other, output=tmp_path / "out", workers=1, overwrite=True)
    assert not list(tmp_path.glob("out/**/*_gtFine_*"))


def test_an_image_without_a_fitting_mask_is_rejected(tmp_path):
    write_cityscapes(tmp_path)
    folder = tmp_path / "gtFine/aachen"
    (folder / "rocket_gtFine_labelIds.png").unlink()
    (folder / "coffee_gtFine_labelIds.png").write_bytes(b"GIF89a")
    Image.new("L", (8, 8)).save(folder / "chelsea_gtFine_instanceIds.png")
    (folder / "astronaut_gtFine_instanceIds.png").unlink()
    (folder / "astronaut_gtFine_instanceIds.png").symlink_to(tmp_path / "recipe.toml")
    Image.new("L", (8, 8)).save(tmp_path / "leftImg8bit/aachen/other.png")
    Image.new("L", (8, 8)).save(tmp_path / "leftImg8bit/aachen/whole_leftImg8bit.png")
    for kind in ("labelIds", "instanceIds"):
        Image.new("L", (8, 8)).save(folder / f"whole_gtFine_{kind}.png")
    recipe = write_recipe(tmp_path, CITYSCAPES)

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    reasons = [rejection.reason for rejection in outcome.rejected]
    for reason, expected in zip(
        reasons,
        ["lies outside", "its mask .* 8×8", "not a whole PNG", "its name does not end", "has no mask aachen/rocket"],
        strict=True,
    ):
        assert re.search(expected, reason)
    assert outcome.items == 1
    assert {path.name for path in (tmp_path / "out/masks").rglob("*.png")} == {
        "whole_gtFine_labelIds.png",
        "whole_gtFine_instanceIds.png",
    }


@pytest.mark.parametrize(("source", "write"), [(CITYSCAPES, write_cityscapes), (COCO, write_coco)])
def test_a_row_that_brings_masks_or_boxes_of_its_own_is_a_minor_version(tmp_path, source, write):
    write(tmp_path)
    for name, rows in (("old", '["brightness"]'), ("new", '["brightness", "elastic_transform"]')):
        recipe = write_recipe(tmp_path, source, corrupt=f'targets = "move"\nrows = {rows}')
        corruptgen.generate(recipe, output=tmp_path / name, workers=1)
    old, new = open_dataset(tmp_path / "old"), open_dataset(tmp_path / "new")

    forth, back = compare_datasets(old, new), compare_datasets(new, old)

    assert forth.breaks == ()
    assert forth.added == ("the row elastic_transform was added", "masks or annotations of 4 items were added")
    assert needed_bump(forth) is Bump.MINOR
    assert "the masks or annotations of 4 items have changed" in back.breaks
    assert needed_bump(back) is Bump.MAJOR


def test_check_makes_damaged_masks_and_annotations_again(tmp_path):
    write_cityscapes(tmp_path)
    (tmp_path / "coco").mkdir()
    write_coco(tmp_path / "coco")
    masks = write_recipe(tmp_path, CITYSCAPES, corrupt='targets = "move"')
    boxes = write_recipe(tmp_path / "coco", COCO, corrupt='targets = "move"')
    for recipe, name in ((masks, "masks"), (boxes, "boxes")):
        output = tmp_path / "made" / name
        corruptgen.generate(recipe, output=output, workers=1)
        whole = tree(output)
        kind = "masks/**/*.png" if name == "masks" else "annotations.json"
        damaged = next(path for path in sorted(output.glob(f"elastic_transform/2/{kind}")))
        damaged.write_bytes(damaged.read_bytes()[:-9] + b"123456789")
        assert len(verify(output, workers=1).problems) == 1

        outcome = corruptgen.generate(recipe, output=output, workers=1, check=True)

        assert not outcome.was_finished
        assert tree(output) == whole
        assert verify(output, workers=1).problems == ()


def write_many(folder, kind):
    """Write enough photographs for several blocks, with annotations or masks, and return their [source]."""
    if kind == "masks":
        write_cityscapes(folder)
        for part in ("leftImg8bit", "gtFine"):
            for path in sorted((folder / part / "aachen").iterdir()):
                for number in range(4):
                    shutil.copy(path, path.with_name(f"{number}{path.name}"))
        return CITYSCAPES
    content = write_coco(folder)
    for entry, number in [(entry, number) for entry in content["images"][:] for number in range(4)]:
        name = f"{number}{entry['file_name'].rpartition('/')[2]}"
        shutil.copy(folder / "images" / entry["file_name"], folder / "images" / name)
        key = entry["id"] + 100 * (number + 1)
        content["images"].append({**entry, "file_name": name, "id": key})
        of_image = [a for a in content["annotations"] if a["image_id"] == entry["id"]]
        content["annotations"] += [{**a, "image_id": key, "id": 1000 * key + a["id"]} for a in of_image]
    (folder / "instances.json").write_text(json.dumps(content), "utf-8")
    return COCO


@pytest.mark.parametrize(
    ("kind", "choice"),
    [pytest.param("boxes", "move", marks=pytest.mark.long), ("masks", "move"), ("masks", "keep")],
)
def test_shards_carry_targets_and_are_merged_to_the_same_bytes(tmp_path, kind, choice):
    corrupt = f'targets = "{choice}"\nseverities = [2]'
    recipe = write_recipe(tmp_path, write_many(tmp_path, kind), corrupt=corrupt)
    corruptgen.generate(recipe, output=tmp_path / "whole", workers=1)
    whole = tree(tmp_path / "whole")
    assert len(list((tmp_path / "whole/items").iterdir())) == 3

    for number in (3, 1, 2):
        corruptgen.generate(recipe, output=tmp_path / f"part{number}", workers=1, shard=f"{number}/3")
    corruptgen.generate(recipe, output=tmp_path / "finished", workers=1, shard="2/3")
    corruptgen.generate(recipe, output=tmp_path / "finished", workers=1)
    for number in (1, 2):
        shutil.copytree(tmp_path / f"part{number}", tmp_path / "out", dirs_exist_ok=True)
    with pytest.raises(OutputError, match=r"run generate with --shard 3/3 again"):
        corruptgen.merge(tmp_path / "out")
    shutil.copytree(tmp_path / "part3", tmp_path / "out", dirs_exist_ok=True)
    for name in ("images", "leftImg8bit", "gtFine", "instances.json"):
        # A merge has no source.
        (tmp_path / name).rename(tmp_path / f"gone-{name}") if (tmp_path / name).exists() else None
    merged = corruptgen.merge(tmp_path / "out")

    assert merged.items == 20
    assert tree(tmp_path / "out") == whole
    assert tree(tmp_path / "finished") == whole
    assert corruptgen.merge(tmp_path / "out").was_finished


def test_merging_boxes_needs_the_annotations_that_the_shards_have_left(tmp_path):
    recipe = write_recipe(tmp_path, write_many(tmp_path, "boxes"), corrupt='targets = "move"\nseverities = [2]')
    for number in (1, 2):
        corruptgen.generate(recipe, output=tmp_path / "out", workers=1, shard=f"{number}/2")
    left = tmp_path / "out/.corruptgen-annotations.json"
    content = left.read_bytes()

    left.unlink()
    with pytest.raises(OutputError, match="copy it from where the shards were made, or run one of them again"):
        corruptgen.merge(tmp_path / "out")
    left.write_bytes(content.replace(b"chelsea", b"coffee2"))
    with pytest.raises(SourceError, match="have changed since"):
        corruptgen.merge(tmp_path / "out")
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1, shard="1/2")
    corruptgen.merge(tmp_path / "out")

    assert verify(tmp_path / "out", workers=1).problems == ()
    assert not left.exists()


def forge(output, change):
    """Change what a table states of its first item, so that all digests agree with it."""
    path = output / "items/00000.jsonl"
    table = BlockTable.from_bytes(path.read_bytes())
    path.write_bytes(replace(table, records=(change(table.records[0]), *table.records[1:])).to_bytes())
    content = read_json(output / "manifest.json")
    content["tables"]["items/00000.jsonl"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (output / "manifest.json").write_bytes(manifest_bytes(content))


@pytest.mark.parametrize("decode", ["", "resize = 100"])
def test_moved_masks_are_made_again_to_verify_them(tmp_path, decode):
    write_cityscapes(tmp_path)
    recipe = write_recipe(tmp_path, CITYSCAPES, corrupt='targets = "move"', output="clean = true", decode=decode)
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    for source in (None, tmp_path / "leftImg8bit"):
        assert verify(tmp_path / "out", source=source, depth="full", workers=1).problems == ()
    cell, name = "elastic_transform/2", "masks/aachen/astronaut_gtFine_labelIds.png"

    def still(record):
        shutil.copy(tmp_path / "out" / name, tmp_path / "out" / cell / name)
        return replace(record, masks={**record.masks, f"{cell}/{name}": record.masks[name]})

    forge(tmp_path / "out", still)

    assert verify(tmp_path / "out", workers=1).problems == ()
    for source in (None, tmp_path / "leftImg8bit"):
        assert verify(tmp_path / "out", source=source, depth="full", workers=1).problems == (
            f"{cell}/{name} has other labels for aachen/astronaut_leftImg8bit.png when recomputed",
        )


def test_moved_annotations_are_made_again_to_verify_them(tmp_path):
    write_coco(tmp_path)
    recipe = write_recipe(tmp_path, COCO, corrupt='targets = "move"', output="clean = true")
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    for source in (None, tmp_path / "images"):
        assert verify(tmp_path / "out", source=source, depth="full", workers=1).problems == ()
    name = "elastic_transform/2/annotations.json"

    def shifted(record):
        first, *others = record.changes[name]
        box = [first["bbox"][0] + 1, *first["bbox"][1:]]
        return replace(record, changes={**record.changes, name: [{**first, "bbox": box}, *others]})

    forge(tmp_path / "out", shifted)

    assert verify(tmp_path / "out", workers=1).problems == ()
    assert verify(tmp_path / "out", depth="full", workers=1).problems == (
        f"{name} has other annotations for astronaut.png when recomputed",
    )


def test_targets_are_not_made_beside_other_formats(tmp_path):
    write_coco(tmp_path)

    with pytest.raises(RecipeError, match='carried by "folder" only'):
        make_plan(write_recipe(tmp_path, COCO, output='format = "npy"'))


def test_the_first_images_of_a_coco_dataset_have_their_annotations_alone(tmp_path):
    write_coco(tmp_path)

    corruptgen.generate(write_recipe(tmp_path, COCO + "\nlimit = 2"), output=tmp_path / "out", workers=1)

    after = read_json(tmp_path / "out/annotations.json")
    assert len(after["images"]) == 2
    assert {a["image_id"] for a in after["annotations"]} == {image["id"] for image in after["images"]}
    assert len(after["annotations"]) == 6


def test_masks_are_called_as_their_images_unless_the_recipe_says_otherwise(tmp_path):
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "SegmentationClass").mkdir()
    Image.fromarray(data.chelsea()).save(tmp_path / "JPEGImages/a.jpg")
    mask = Image.fromarray(polygon_mask(OUTLINES["chelsea"], (300, 451)).astype(np.uint8)).convert("P")
    mask.putpalette([0, 0, 0, 128, 64, 32])
    mask.save(tmp_path / "SegmentationClass/a.png")
    source = 'kind = "folder"\npath = "JPEGImages"\nmasks = "SegmentationClass"'
    recipe = write_recipe(tmp_path, source, decode="resize = 100", corrupt='targets = "move"')

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    for place in ("masks/a.png", "elastic_transform/1/masks/a.png"):
        with Image.open(tmp_path / "out" / place) as image:
            assert (image.mode, image.size, image.getpalette()[3:6]) == ("P", (150, 100), [128, 64, 32])


@pytest.mark.parametrize(
    ("source", "corrupt", "message"),
    [
        (COCO, 'targets = "refuse"', "these do: elastic_transform; leave them out"),
        ('kind = "folder"\npath = "images"', 'targets = "move"', "needs something to move"),
        ('kind = "coco"\npath = "images"', "", "needs the key"),
        ('kind = "folder"\npath = "images"\nannotations = "instances.json"', "", "is a key of kind = .coco."),
        ('kind = "folder"\npath = "images"\nmask_suffix = ["a.png", "b.png"]', "", "only together with masks"),
        ('kind = "folder"\npath = "images"\nmasks = "gone"', "", "there is no folder 'gone'"),
        ('kind = "coco"\npath = "images"\nannotations = "gone.json"', "", "there is no file 'gone.json'"),
        ('kind = "folder"\npath = "images"\nmasks = "images"\nmask_suffix = ["a.png"]', "", "a list of an ending"),
        (COCO, 'targets = "drop"', 'allowed is "keep" or "move" or "refuse"'),
    ],
)
def test_recipes_whose_targets_do_not_fit_together_are_refused(tmp_path, source, corrupt, message):
    write_coco(tmp_path)

    with pytest.raises(RecipeError, match=message):
        make_plan(write_recipe(tmp_path, source, corrupt=corrupt))


def test_rows_that_leave_pixels_where_they_are_pass_where_others_are_refused(tmp_path):
    write_coco(tmp_path)

    plan = make_plan(write_recipe(tmp_path, COCO, corrupt='targets = "refuse"\nrows = ["brightness"]'))

    assert len(plan.listing.items) == 4
    assert read_recipe(plan.recipe.content(), "manifest.json").corrupt.targets == "refuse"


ANNOTATED = "coco/annotations/instances_val2017"
HERE = os.environ | {"PYTHONPATH": str(ROOT)}


def test_the_shipped_recipe_and_the_document_work(tmp_path):
    (tmp_path / "coco/annotations").mkdir(parents=True)
    write_coco(tmp_path)
    (tmp_path / "images").rename(tmp_path / "coco/val2017")
    (tmp_path / "instances.json").rename(tmp_path / "coco/annotations/instances_val2017.json")

    document = (ROOT / "docs/targets.md").read_text("utf-8")
    shipped = re.search(r"^corruptgen (generate coco-c .*)$", document, re.MULTILINE).group(1).split()
    rows = write_recipe(tmp_path, COCO.replace("images", "coco/val2017").replace("instances", ANNOTATED))

    planned_first = command("plan", *shipped[1:4], cwd=tmp_path)
    done = command("generate", rows, *shipped[4:], "--workers", 1, cwd=tmp_path)

    assert (planned_first.returncode, done.returncode) == (0, 0), planned_first.stderr + done.stderr
    assert "items   4 (0 rejected" in planned_first.stdout
    for snippet in re.findall(r"```python\n(.*?)```", document, re.DOTALL):
        (tmp_path / "snippet.py").write_text(snippet, "utf-8")
        ran = subprocess.run([sys.executable, "snippet.py"], cwd=tmp_path, env=HERE, capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr


def test_the_recipes_in_the_document_are_read():
    document = (ROOT / "docs/targets.md").read_text("utf-8")
    sources, corrupt = re.findall(r"```toml\n(.*?)```", document, re.DOTALL)[:2], 'preset = "imagecorruptions"'

    for part in sources:
        assert read_recipe(tomllib.loads(f'name = "a"\nversion = "1.0.0"\n{part}\n[corrupt]\n{corrupt}'), "targets.md")


# What the file states about itself: orientations, sizes, and what belongs to nothing.


def turned_file(pixels, orientation, kind="PNG"):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, exif=exif, lossless=True)
    return buffer.getvalue()


def marked(size):
    """Return an image that is bright where an object is, and the outline of that."""
    outline = np.array([[4, 3], [4, 15], [9, 15], [9, 7], [12, 3]], float)
    mask = polygon2mask(size, outline - 0.5)
    return np.repeat(mask[..., None] * np.uint8(255), 3, axis=2), outline[:, ::-1].ravel().tolist(), mask


@pytest.mark.parametrize("size", [(24, 40), (32, 32)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_exif_orientation_turns_all_kinds_of_targets_with_the_image(orientation, size):
    pixels, outline, mask = marked(size)
    upright = decoded(turned_file(pixels, orientation), Decoding())[..., 0] > 0
    motion = DecodedMotion(size[0], size[1], Decoding(), turn=orientation)
    shared = {"bbox": [int(v) for v in box_of(mask)], "area": 77}
    lengths = {"size": list(size), "counts": run_lengths.to_text(run_lengths.counts(mask))}

    by_polygon = move_annotation({**shared, "segmentation": [outline]}, motion)
    by_lengths = move_annotation({**shared, "segmentation": lengths}, motion)
    by_box = move_annotation({**shared, "keypoints": [4, 5, 2, 0, 0, 0], "num_keypoints": 1}, motion)

    if orientation == 1:
        assert by_polygon == by_lengths == by_box == {}
        return
    assert np.array_equal(polygon_mask(by_polygon["segmentation"][0], upright.shape), upright)
    assert by_lengths["segmentation"]["size"] == list(upright.shape)
    found = run_lengths.mask(run_lengths.counts_of(by_lengths["segmentation"]["counts"]), *upright.shape)
    assert np.array_equal(found, upright)
    for changes in (by_polygon, by_lengths, by_box):
        assert changes["bbox"] == [int(v) for v in box_of(upright)]
        assert all(type(value) is int for value in changes["bbox"])
        assert "area" not in changes
    x, y, seen = by_box["keypoints"][:3]
    dot = np.zeros((*size, 3), np.uint8)
    dot[5, 4] = 255
    assert decoded(turned_file(dot, orientation), Decoding())[int(y), int(x), 0] == 255
    assert (seen, by_box["num_keypoints"]) == (2, 1)
    went = LabelMask(Image.fromarray(mask.astype(np.uint8))).turned(orientation)
    assert np.array_equal(np.asarray(went.image) > 0, upright)


def write_turned(folder, *, annotated, orientations=range(1, 9), size=(24, 40), write_size=True):
    """Write an image for each orientation, annotated and masked as it is stored or upright."""
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    pixels, outline, mask = marked(size)
    images, found = [], []
    for orientation in orientations:
        name = f"{orientation}.png"
        content = turned_file(pixels, orientation)
        (folder / "images" / name).write_bytes(content)
        motion = DecodedMotion(size[0], size[1], Decoding(), turn=orientation if annotated == "upright" else 1)
        box = {"bbox": [int(v) for v in box_of(mask)], "segmentation": [outline]}
        went = LabelMask(Image.fromarray(mask.astype(np.uint8))).turned(motion.turn).image
        went.save(folder / "masks" / name)
        sizes = {"height": went.height, "width": went.width} if write_size else {}
        images.append({"id": orientation, "file_name": name, **sizes})
        own = {"id": orientation, "image_id": orientation, "category_id": 1, "area": int(mask.sum())}
        found.append({**own, **box, **move_annotation(box, motion)})
    content = {"images": images, "annotations": found, "categories": [{"id": 1, "name": "x"}]}
    (folder / "instances.json").write_text(json.dumps(content), "utf-8")


BOTH = COCO + '\nmasks = "masks"'


def agreeing(output, number, name=""):
    """Check whether the polygon, the box and the mask of an image lie on what is bright in it."""
    pixels = pixels_of(output / "clean" / "0" / f"{number}.png")
    bright = (pixels[..., 0] if pixels.ndim == 3 else pixels) > 127
    content = read_json(output / name / "annotations.json")
    (entry,) = (entry for entry in content["images"] if entry["id"] == number)
    (found,) = (entry for entry in content["annotations"] if entry["image_id"] == number)
    return (
        (entry["height"], entry["width"]) == bright.shape
        and np.array_equal(polygon_mask(found["segmentation"][0], bright.shape), bright)
        and found["bbox"] == [int(v) for v in box_of(bright)]
        and np.array_equal(pixels_of(output / name / "masks" / f"{number}.png") > 0, bright)
    )


@pytest.mark.parametrize("exif", ["apply", "ignore"])
@pytest.mark.parametrize("annotated", ["stored", "upright"])
def test_a_recipe_may_say_what_its_targets_were_drawn_on(tmp_path, annotated, exif):
    write_turned(tmp_path, annotated=annotated)
    source = BOTH + f'\nannotated_as = "{annotated}"'
    recipe = write_recipe(
        tmp_path, source, corrupt='rows = ["brightness"]', output="clean = true", decode=f'exif = "{exif}"'
    )

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    assert outcome.rejected == ()
    assert all(agreeing(tmp_path / "out", number) for number in range(1, 9))
    assert not verify(tmp_path / "out", depth="full", workers=1).problems
    assert read_json(tmp_path / "out/manifest.json")["recipe"]["source"]["annotated_as"] == annotated


def test_targets_that_fit_both_are_those_of_the_image_as_it_is_stored_and_sizes_decide_else(tmp_path):
    write_turned(tmp_path, annotated="stored")
    recipe = write_recipe(
        tmp_path, BOTH, corrupt='rows = ["brightness", "elastic_transform"]\ntargets = "move"', output="clean = true"
    )
    upright = tmp_path / "upright"
    upright.mkdir()
    write_turned(upright, annotated="upright")
    sideways = write_recipe(upright, BOTH, corrupt='rows = ["brightness"]', output="clean = true")

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    corruptgen.generate(sideways, output=upright / "out", workers=1)

    assert outcome.noted == {GUESSED: 3}

    assert all(agreeing(tmp_path / "out", number) for number in range(1, 9))
    assert not verify(tmp_path / "out", depth="full", workers=1).problems
    assert [number for number in range(1, 9) if agreeing(upright / "out", number)] == [1, 5, 6, 7, 8]


def test_turned_targets_are_resumed_checked_and_merged(tmp_path):
    write_turned(tmp_path, annotated="stored", orientations=(1, 3, 6))
    recipe = write_recipe(tmp_path, BOTH, corrupt='targets = "move"', output="clean = true")
    whole = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    for shard in ("1/2", "2/2"):
        corruptgen.generate(recipe, output=tmp_path / "parts", workers=1, shard=shard)
    corruptgen.merge(tmp_path / "parts")

    again = corruptgen.generate(recipe, output=tmp_path / "out", workers=1, check=True)

    assert whole.rejected == ()
    assert again.was_finished
    assert tree(tmp_path / "parts") == tree(tmp_path / "out")


def test_a_size_that_contradicts_the_image_rejects_it_by_name(tmp_path):
    write_turned(tmp_path, annotated="stored", orientations=(1, 6))
    sideways = write_recipe(tmp_path, COCO + '\nannotated_as = "upright"', corrupt='rows = ["brightness"]')

    (rejection,) = corruptgen.generate(sideways, output=tmp_path / "out", workers=1).rejected

    assert rejection.reason == (
        "is 24×40 as it is stored and 40×24 as EXIF turns it, annotated as 24×40, and annotated_as in [source] says "
        '"upright"'
    )
    with pytest.raises(RecipeError, match='"stored" or "upright"'):
        make_plan(write_recipe(tmp_path, COCO + '\nannotated_as = "shown"'))


def test_sizes_of_images_may_be_missing_or_written_with_a_point(tmp_path):
    write_turned(tmp_path, annotated="stored", orientations=(1, 3, 6), write_size=False)
    content = read_json(tmp_path / "instances.json")
    content["images"][0] |= {"height": 24.0, "width": 40.0}
    content["images"][1] |= {"height": None, "width": 0}
    content["images"].append({"id": 9, "file_name": "./1.png", "height": "x", "width": 3})
    (tmp_path / "instances.json").write_text(json.dumps(content), "utf-8")
    recipe = write_recipe(tmp_path, BOTH, corrupt='rows = ["brightness"]', output="clean = true")

    outcome = corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    reasons = {rejection.id: rejection.reason for rejection in outcome.rejected}
    assert "its annotations do not state their size" in reasons.pop("6.png")
    assert reasons == {"1.png": "is listed more than once"}
    assert agreeing(tmp_path / "out", 3)


@pytest.mark.parametrize("size", [[-1, 3], [True, 3], ["24", 40], [24.5, 40], [[], {}]])
def test_a_size_that_is_none_rejects_its_image_alone(tmp_path, size):
    write_turned(tmp_path, annotated="stored", orientations=(1, 2))
    content = read_json(tmp_path / "instances.json")
    content["images"][0] |= {"height": size[0], "width": size[1]}
    (tmp_path / "instances.json").write_text(json.dumps(content), "utf-8")

    outcome = corruptgen.generate(
        write_recipe(tmp_path, COCO, corrupt='rows = ["brightness"]'), output=tmp_path / "out", workers=1
    )

    assert [rejection.id for rejection in outcome.rejected] == ["1.png"]
    assert "write pixels, or leave it out" in outcome.rejected[0].reason


def test_annotations_of_nothing_are_counted_and_cost_nothing_else(tmp_path):
    content = write_coco(tmp_path)
    box = {"category_id": 1, "bbox": [1, 2, 3, 4], "area": None}
    content["annotations"] += [
        {**box, "id": 900 + i, "image_id": of} for i, of in enumerate([404, None, 1.5, "x", [1]])
    ]
    content["annotations"] += [{**box, "id": 910, "image_id": 11.0, "category_id": 77}]
    content["images"][0]["file_name"] = "./" + content["images"][0]["file_name"]
    (tmp_path / "instances.json").write_text(json.dumps(content), "utf-8")
    recipe = write_recipe(tmp_path, COCO, corrupt='targets = "move"')

    plan = make_plan(recipe)
    outcome = corruptgen.generate(plan, output=tmp_path / "out", workers=1)

    assert outcome.rejected == ()
    assert [note.partition(" whose")[0] for note in plan.listing.note.split("; ")] == [
        "instances.json: 5 annotations are left out",
        "instances.json: 1 annotations is kept",
    ]
    ids = {entry["id"] for entry in read_json(tmp_path / "out/annotations.json")["annotations"]}
    assert ids & set(range(900, 911)) == {910}
    went = read_json(tmp_path / "out/elastic_transform/1/annotations.json")["annotations"]
    assert next(entry for entry in went if entry["id"] == 910)["area"] > 0


@pytest.mark.parametrize("part", [[], [1, 2], [1, 2, 3, 4], None])
@pytest.mark.parametrize(
    "motion", [DecodedMotion(50, 50, Decoding(crop=40)), DecodedMotion(50, 50, Decoding(), turn=3)]
)
def test_parts_that_are_no_area_are_left_out_of_what_moves(part, motion):
    square = [10, 10, 20, 10, 20, 20, 10, 20]

    some = move_annotation({"segmentation": [part, square], "bbox": [10, 10, 10, 10], "area": None}, motion)
    none = move_annotation({"segmentation": [part], "bbox": [10, 10, 10, 10]}, motion)

    assert len(some["segmentation"]) == 1
    assert some["bbox"] == none["bbox"]
    assert none["segmentation"] == []
    assert move_annotation({"segmentation": None, "bbox": None, "keypoints": None, "area": None}, motion) == {}


STRANGE = {
    "face_box": [1, 2, 3, 4],
    "lefthand_kpts": [1, 2, 2],
    "rotation": 30.0,
    "fbox": [1, 2, 3, 4],
    "hbox": [1, 2, 3, 4],
    "lines": [[1, 2, 3, 4]],
    "points": "10,20;30,40",
    "x1": 3,
    "theta": 1,
    "segments_info": [{"id": 1, "bbox": [1, 2, 3, 4]}],
    "bbox_mode": 0,
    "anything": [[1.5, 2], [3, 4]],
    "dp_x": [1.0],
    "obb": {"w": 1, "h": 2},
}


@pytest.mark.parametrize("key", STRANGE)
def test_coordinates_under_keys_that_are_not_known_are_named(key):
    annotation = {"id": 1, "bbox": [10, 10, 5, 5], key: STRANGE[key], "attributes": {"deep": {"angle": 3}}}

    assert strange_keys(annotation) == [key, "attributes.deep.angle"]
    assert strange_keys(annotation, [key, "angle"]) == []
    with pytest.raises(Rejected, match=rf"coordinates that cannot be moved: {key}, attributes\.deep\.angle"):
        move_annotation(annotation, DecodedMotion(50, 50, Decoding(crop=40)))
    assert move_annotation(annotation, DecodedMotion(50, 50, Decoding())) == {}
    assert move_annotation(annotation, DecodedMotion(50, 50, Decoding(crop=40), kept=(key, "attributes"))) is not None


def test_what_is_no_coordinate_is_not_named():
    annotation = {
        "id": 1, "image_id": 2, "category_id": 3, "iscrowd": 0, "area": 3.5, "bbox": [1, 2, 3, 4], "bbox_mode": 1,
        "score": 0.5, "attributes": {"occluded": False, "colour": "red", "ids": [1, 2, 3], "x": None}, "truncated": 1,
        "isGroupOf": True, "neg_category_ids": [1, 2], "face_valid": False, "caption": "box 3 at x1", "track_id": 4,
        "license": 3, "date_captured": "2013-11-15 02:41:42", "extra": {"box_id": 1, "occ": 1}, "left": "no",
    }  # fmt: skip

    assert strange_keys(annotation) == []
    assert strange_keys({"bbox": [1, 2, 3, 4, 30]}) == ["bbox (of 5 numbers)"]


def test_a_recipe_that_moves_annotations_refuses_coordinates_that_would_stay(tmp_path):
    content = write_coco(tmp_path)
    content["annotations"][0] |= {"face_box": [1, 2, 3, 4], "rotation": 30.0}
    (tmp_path / "instances.json").write_text(json.dumps(content), "utf-8")
    moving = 'targets = "move"'

    for corrupt, decode in ((moving, ""), ("", "crop = 100"), ("", "resize = 100")):
        with pytest.raises(RecipeError, match=r"not known \(face_box, rotation\)"):
            make_plan(write_recipe(tmp_path, COCO, corrupt=corrupt, decode=decode))
    make_plan(write_recipe(tmp_path, COCO))
    kept = make_plan(write_recipe(tmp_path, COCO + '\nkeep_keys = ["face_box", "rotation"]', corrupt=moving))

    assert read_recipe(kept.recipe.content(), "x").source.get("keep_keys") == ("face_box", "rotation")


@pytest.mark.parametrize("row", ["rotate", "shear_x", "shear_y", "translate_x", "translate_y"])
def test_what_leaves_the_image_under_black_corners_is_gone_from_all_kinds_of_targets(row):
    size = (90, 120)
    cell = catalog.preset("augmix-operations").cell(row, 10)
    image = np.zeros((*size, 3), np.uint8)
    image[5:40, 3:50] = 200
    thing = image[..., 0] > 0
    outline = [3.0, 5.0, 50.0, 5.0, 50.0, 40.0, 3.0, 40.0]
    for key in "abcd":
        seen = cell.apply(image, rng_for(0, row, 10, key))[..., 0] > 100
        warp = cell.warp(image, rng_for(0, row, 10, key))
        assert overlap(move_labels(thing.astype(np.uint8), warp) > 0, seen) > 0.95
        motion = DecodedMotion(*size, Decoding(), warp)
        corners = [3, 5, 2, 50, 40, 2]
        moved = move_annotation(
            {"id": 1, "bbox": [3, 5, 47, 35], "area": 1645, "segmentation": [outline], "keypoints": corners}, motion
        )
        assert overlap(polygon_mask(moved["segmentation"][0], size), seen) > 0.95
        assert box_overlap(moved["bbox"], box_of(seen)) > 0.93
        for x, y, labelled in np.reshape(moved["keypoints"], (-1, 3)):
            assert (labelled == 0) == ((x, y) == (0, 0))
            assert 0 <= x <= size[1]
            assert 0 <= y <= size[0]
