"""Masks and annotations of translations: the window moves, and what was drawn on the picture moves the other way."""

import json

import numpy as np
import pytest
from PIL import Image

import corruptgen
from corruptgen.errors import RecipeError
from corruptgen.ops.warp import Shift
from corruptgen.targets import run_lengths
from tests.photographs import pixels_of, tree
from tests.test_targets import box_of, polygon_mask

LIGHT, LABEL = 200, 7
# Height and width of pictures, and the top, left, bottom and right of what is on them: its window is the middle 224.
PICTURES = {
    "inside": ((256, 300), (100, 120, 140, 200)),
    "entering": ((256, 300), (60, 10, 90, 40)),  # left of the window, but for two columns
    "corner": ((256, 256), (10, 10, 30, 40)),
    "tall": ((310, 256), (250, 200, 300, 250)),
}
MASKS = 'kind = "folder"\npath = "images"\nmasks = "masks"'
COCO = 'kind = "coco"\npath = "images"\nannotations = "instances.json"'


def write_pictures(folder):
    """Write pictures with one light rectangle each, as label masks and as annotations say."""
    images, annotations = [], []
    for number, (name, (size, (top, left, bottom, right))) in enumerate(PICTURES.items(), start=1):
        thing = np.zeros(size, bool)
        thing[top:bottom, left:right] = True
        for place, samples in (("images", thing * LIGHT), ("masks", thing * LABEL)):
            (folder / place / "a").mkdir(parents=True, exist_ok=True)
            Image.fromarray(samples.astype(np.uint8)).save(folder / place / "a" / f"{name}.png")
        images.append({"id": number, "file_name": f"a/{name}.png", "height": size[0], "width": size[1]})
        outline = [left, top, right, top, right, bottom, left, bottom]
        counts = {"size": list(size), "counts": run_lengths.counts(thing)}
        shared = {"image_id": number, "category_id": 1, "bbox": list(map(int, box_of(thing))), "area": int(thing.sum())}
        annotations += [
            {**shared, "id": 10 * number, "iscrowd": 0, "segmentation": [outline], "keypoints": [left, top, 2]},
            {**shared, "id": 10 * number + 1, "iscrowd": 1, "segmentation": counts},
            {**shared, "id": 10 * number + 2, "iscrowd": 0, "segmentation": []},
        ]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(content), "utf-8")


def write_recipe(folder, source, *, corrupt="severities = [1, 4, 5]", preset="translations"):
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'name = "small"\nversion = "1.0.0"\n[source]\n{source}\n[decode]\ncolour = "keep"\n'
        f'[corrupt]\npreset = "{preset}"\ntargets = "move"\n{corrupt}\n[output]\nclean = true\n',
        "utf-8",
    )
    return recipe


def seen(output, cell, name):
    """Find the thing on an image of the output."""
    return pixels_of(output / cell / "a" / f"{name}.png") == LIGHT


def test_masks_are_where_the_thing_is_seen(tmp_path):
    write_pictures(tmp_path)
    corruptgen.generate(write_recipe(tmp_path, MASKS), output=tmp_path / "out", workers=1)

    entered = 0
    for name in PICTURES:
        clean = pixels_of(tmp_path / "out/masks/a" / f"{name}.png")
        assert clean.shape == (224, 224)
        assert np.array_equal(clean == LABEL, seen(tmp_path / "out", "clean/0", name))
        for cell in (f"{row}/{level}" for row in ("realistic", "cyclic") for level in (1, 4, 5)):
            moved = pixels_of(tmp_path / "out" / cell / "masks/a" / f"{name}.png")
            assert np.array_equal(moved == LABEL, seen(tmp_path / "out", cell, name))
            entered += int(cell.startswith("realistic") and (moved > 0).sum() > (clean > 0).sum())
    assert entered  # what was cropped off is seen where the window has moved to it


def test_annotations_are_where_the_thing_is_seen(tmp_path):
    write_pictures(tmp_path)
    corruptgen.generate(write_recipe(tmp_path, COCO), output=tmp_path / "out", workers=1)

    parted, points = 0, 0
    for cell in ("clean/0", *(f"{row}/{level}" for row in ("realistic", "cyclic") for level in (1, 4, 5))):
        listed = json.loads((tmp_path / "out" / cell.replace("clean/0", ".") / "annotations.json").read_text("utf-8"))
        for number, name in enumerate(PICTURES, start=1):
            thing = seen(tmp_path / "out", cell, name)
            image = next(image for image in listed["images"] if image["id"] == number)
            assert (image["height"], image["width"]) == thing.shape
            found = {entry["id"] % 10: entry for entry in listed["annotations"] if entry["image_id"] == number}
            assert (len(found) == 3) == bool(thing.any())
            if not found:
                continue
            parts = [polygon_mask(part, thing.shape) for part in found[0]["segmentation"]]
            assert np.array_equal(np.any(parts, axis=0), thing)
            assert np.array_equal(run_lengths.mask(found[1]["segmentation"]["counts"], *thing.shape), thing)
            for entry in found.values():
                assert (entry["bbox"], entry["area"]) == (pytest.approx(box_of(thing)), thing.sum())
            column, row, labelled = found[0]["keypoints"]
            # The upper left corner, which is seen in the middle of a pixel or not at all.
            assert not labelled or thing[round(row), round(column)]
            parted, points = parted + (len(parts) > 1), points + bool(labelled)
    assert parted, "nothing has gone around a border"
    assert points


@pytest.mark.parametrize("source", [MASKS, COCO])
def test_builds_with_moved_windows_are_resumed_merged_and_verified(tmp_path, source):
    write_pictures(tmp_path)
    recipe = write_recipe(tmp_path, source)
    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)
    whole = tree(tmp_path / "out")

    for shard in ("1/2", "2/2"):
        corruptgen.generate(recipe, output=tmp_path / "parts", workers=1, shard=shard)
    corruptgen.merge(tmp_path / "parts")
    lost = next((tmp_path / "out/realistic/4").rglob("*.png"))
    lost.unlink()
    corruptgen.generate(recipe, output=tmp_path / "out", workers=2)

    assert tree(tmp_path / "out") == whole
    assert {name: content for name, content in tree(tmp_path / "parts").items() if "manifest" not in name} == {
        name: content for name, content in whole.items() if "manifest" not in name
    }
    assert corruptgen.verify(tmp_path / "out", source=tmp_path / "images", depth="full", workers=1).problems == ()


def test_labels_that_were_moved_by_another_hand_are_found(tmp_path):
    write_pictures(tmp_path)
    corruptgen.generate(write_recipe(tmp_path, MASKS), output=tmp_path / "out", workers=1)
    changed = tmp_path / "out/cyclic/4/masks/a/inside.png"
    Image.fromarray(np.roll(pixels_of(changed), 1, axis=0)).save(changed)

    assert corruptgen.verify(tmp_path / "out", workers=1).problems == (
        "cyclic/4/masks/a/inside.png is damaged: checksum mismatch",
    )


def test_rows_that_nothing_can_follow_are_refused_by_name(tmp_path):
    write_pictures(tmp_path)
    for preset, row, reason in (
        ("translation-sets", "realistic_grid", "make many frames of an image"),
        ("lr0-fm", "keep", "resizes and crops in its own way"),
    ):
        recipe = write_recipe(tmp_path, MASKS, corrupt=f'rows = ["{row}"]', preset=preset)
        with pytest.raises(RecipeError, match=f"{row} of {preset} {reason}"):
            corruptgen.generate(recipe, output=tmp_path / "out", workers=1)


def test_chains_that_go_on_after_the_crop_are_refused_by_name(tmp_path):
    write_pictures(tmp_path)
    steps = '[{ row = "realistic" }, { row = "fog", preset = "natural" }]'
    chain = f'rows = ["both"]\n[[corrupt.chains]]\nname = "both"\nsteps = {steps}'
    with pytest.raises(RecipeError, match="both of translations goes on after it has moved"):
        corruptgen.generate(write_recipe(tmp_path, MASKS, corrupt=chain), output=tmp_path / "out", workers=1)


def test_a_shift_brings_back_what_it_moves():
    shift = Shift(5, -3, (20, 30))
    image = np.arange(600).reshape(20, 30, 1)
    positions = np.moveaxis(np.indices((20, 30), np.float64), 0, -1)

    rows, columns = np.rint(shift.origins(positions)).astype(int).reshape(-1, 2).T
    assert np.array_equal(image[rows, columns, 0].reshape(20, 30), shift.moved(image)[..., 0])
    assert np.array_equal(shift.origins(shift.arrivals(positions)), positions)
