"""Other libraries' pipelines: albumentations, MAITE, and torchvision in an environment of its own."""

import importlib
import json
import os
import re
import subprocess
import tomllib

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from corruptgen import corrupt
from corruptgen.errors import SeverityError
from corruptgen.transforms import CorruptAugmentation, CorruptDetectionAugmentation
from tests.photographs import ROOT, write_photographs, write_recipe
from tests.pictures import photograph

# The library asks the network for its newest version otherwise, when it is imported.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

COLOUR = photograph(48, 40)
FLAT = np.full((12, 14, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def albumentations():
    return pytest.importorskip("albumentations")


@pytest.fixture(scope="module")
def wrapped(albumentations):
    return importlib.import_module("corruptgen.transforms").AlbumentationsCorrupt


def test_albumentations_gives_the_pixels_of_its_draw(albumentations, wrapped):
    transform = wrapped("natural", rows=["gaussian_noise", "fog"], severity=(1, 5))
    pipeline = albumentations.Compose([albumentations.HorizontalFlip(p=1), transform], seed=7)

    for image in (COLOUR, COLOUR[..., 0], COLOUR / np.float32(255)):
        result = pipeline(image=image)["image"]
        draw = transform.get_applied_params()["draw"]
        flipped = np.ascontiguousarray(image[:, ::-1])

        assert (result.shape, result.dtype) == (image.shape, image.dtype)
        if image.dtype == np.uint8:
            expected = corrupt(flipped, draw.row, draw.severity, preset="natural", key=draw.key)
            assert np.array_equal(result, expected)


def test_albumentations_pipelines_of_one_seed_draw_alike_and_others_anew(albumentations, wrapped):
    def run(seed):
        pipeline = albumentations.Compose([wrapped("natural", "gaussian_noise", 3)], seed=seed)
        return [pipeline(image=FLAT)["image"].tobytes() for _ in range(4)]

    assert run(3) == run(3)
    assert len({*run(3), *run(4), *run(None), *run(None)}) == 16


class Pictures(torch.utils.data.Dataset):
    def __init__(self, pipeline):
        self.pipeline = pipeline

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return self.pipeline(image=FLAT)["image"]


@pytest.mark.parametrize("seed", [None, 5])
def test_albumentations_in_workers_repeats_no_noise(albumentations, wrapped, seed):
    pipeline = albumentations.Compose([wrapped("natural", "gaussian_noise", 3)], seed=seed)
    loader = DataLoader(Pictures(pipeline), num_workers=2, multiprocessing_context="fork")

    noise = [image.numpy().tobytes() for _ in range(2) for image in loader]

    assert len(set(noise)) == 16


def test_albumentations_moves_masks_boxes_and_points_with_the_pixels(albumentations, wrapped):
    mask = (COLOUR[..., 0] > 100).astype(np.uint8)
    pipeline = albumentations.Compose(
        [wrapped("natural", "elastic_transform", 5)],
        bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["labels"]),
        seed=1,
    )

    moved = pipeline(image=np.repeat(255 * mask[..., None], 3, 2), mask=mask, bboxes=[], labels=[])

    assert np.mean((moved["image"][..., 0] > 127) == moved["mask"]) > 0.97 > np.mean(moved["mask"] == mask)
    square = np.zeros((48, 40, 3), np.uint8)
    square[10:30, 8:28] = 255
    pipeline = albumentations.Compose(
        [wrapped("natural", ["common", "extra"], severity=5)],
        bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["labels"]),
        keypoint_params=albumentations.KeypointParams("xy"),
        seed=1,
    )
    moves = 0
    for _ in range(40):
        moved = pipeline(image=square, bboxes=[[8, 10, 28, 30]], labels=[1], keypoints=[[8, 10]])
        (box,), (point,) = moved["bboxes"], moved["keypoints"]
        if not np.allclose(box, [8, 10, 28, 30], atol=1e-3):
            moves += 1
            rows, columns = np.nonzero(moved["image"][..., 0] > 127)
            around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert np.abs(np.subtract(box, around)).max() <= 1
            assert 0 < np.abs(np.subtract(point, [8, 10])).max() < 6
    assert 0 < moves < 10


def test_albumentations_writes_the_transform_down_and_makes_it_again(albumentations, wrapped):
    transform = wrapped("natural", rows=["fog"], severity=2.5, p=0.4)

    again = albumentations.from_dict(json.loads(json.dumps(albumentations.to_dict(transform))))

    assert isinstance(again, wrapped)
    assert (again.preset, again.rows, again.severity, again.p) == ("natural", ["fog"], 2.5, 0.4)
    stack = transform.apply_to_images(np.stack([FLAT, FLAT]), transform.corrupt.draw())
    assert not np.array_equal(stack[0], stack[1])


def batch(kind):
    images = [kind(COLOUR.transpose(2, 0, 1).copy()) for _ in range(3)]
    return images, [np.eye(3)[n] for n in range(3)], [{"id": f"d{n}", "place": n} for n in range(3)]


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, lambda image: image / np.float32(255)])
def test_maite_batches_are_corrupted_by_the_ids_of_their_data(kind):
    from maite.tasks import augment_dataloader  # noqa: PLC0415

    augmentation = CorruptAugmentation("natural", rows="gaussian_noise", severity=3, seed=4)

    ((images, targets, metadata),) = list(augment_dataloader(augmentation=augmentation, dataloader=[batch(kind)]))

    for n, image in enumerate(images):
        original = batch(kind)[0][n]
        assert (type(image), image.dtype, image.shape) == (type(original), original.dtype, original.shape)
        pixels = corrupt(COLOUR, "gaussian_noise", 3, preset="natural", seed=4, key=f"d{n}")
        scale = 255 if "float" in str(image.dtype) else 1
        assert np.array_equal(np.rint(np.asarray(image) * scale), pixels.transpose(2, 0, 1))
        assert metadata[n]["place"] == n
        assert metadata[n]["corruption"] == {"row": "gaussian_noise", "severity": 3.0, "key": f"d{n}", "seed": 4}
    assert np.array_equal(targets, np.eye(3))
    assert "corruption" not in batch(kind)[2][0]


def test_maite_finds_the_augmentations_by_their_entry_points():
    from maite.protocols import generic  # noqa: PLC0415

    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]

    for task, wanted in (
        ("image_classification", CorruptAugmentation),
        ("object_detection", CorruptDetectionAugmentation),
    ):
        ((_, place),) = points[f"maite.protocols.{task}.Augmentation"].items()
        module, _, name = place.partition(":")
        assert getattr(importlib.import_module(module), name) is wanted
        assert isinstance(wanted(), generic.Augmentation)
        assert isinstance(wanted().metadata["id"], str)


def test_detection_leaves_out_rows_that_move_pixels():
    rows = CorruptDetectionAugmentation("natural").corrupt.rows

    assert "fog" in rows
    assert "elastic_transform" not in rows
    with pytest.raises(SeverityError, match="elastic_transform: moves pixels"):
        CorruptDetectionAugmentation("natural", ["fog", "elastic_transform"])


TORCHVISION = """
import sys
import numpy as np, torch
from PIL import Image
from torchvision import datasets, tv_tensors
from torchvision.transforms import v2, Compose, ToTensor
from corruptgen import generate
from corruptgen.errors import ImageError
from corruptgen.transforms import AugMix, Corrupt, Corrupted

folder = datasets.ImageFolder("photographs")
generate("recipe.toml", output="out", workers=1)
view = Corrupted(folder, "natural", "gaussian_noise", 2, seed=7)
for index in range(len(view)):
    image, target = view[index]
    name = view.key(index).rpartition(".")[0]
    assert np.array_equal(np.asarray(image), np.asarray(Image.open(f"out/gaussian_noise/2/{name}.png"))), name
    assert target == folder[index][1]

old = Compose([Corrupt("natural"), AugMix(), ToTensor()])
assert old(folder[0][0]).shape == (3, 40, 48)

picture = tv_tensors.Image(torch.randint(0, 256, (3, 40, 48), dtype=torch.uint8))
noise, scaled = Corrupt("natural", "gaussian_noise", 3), v2.ToDtype(torch.float32, scale=True)
new = v2.Compose([v2.RandomHorizontalFlip(), noise, scaled])
image, label = new(picture, 5)
assert type(image) is tv_tensors.Image and image.dtype == torch.float32 and label == 5
boxes = tv_tensors.BoundingBoxes([[1, 1, 9, 9]], format="XYXY", canvas_size=(40, 48))
image, target = new(picture, {"boxes": boxes})
assert type(target["boxes"]) is tv_tensors.BoundingBoxes

square = torch.zeros(3, 40, 48, dtype=torch.uint8)
square[:, 10:30, 8:28] = 255
mask, points = tv_tensors.Mask(square[:1] > 0), tv_tensors.KeyPoints([[8.0, 10.0]], canvas_size=(40, 48))
moving = Corrupt("natural", "elastic_transform", 5, seed=1)
for form, box in (("XYXY", [8, 10, 28, 30]), ("XYWH", [8, 10, 20, 20]), ("CXCYWH", [18, 20, 20, 20])):
    boxes = tv_tensors.BoundingBoxes([[float(n) for n in box]], format=form, canvas_size=(40, 48))
    image, target = v2.Compose([moving])(tv_tensors.Image(square), {"boxes": boxes, "mask": mask, "points": (points,)})
    seen = image[0] > 127
    rows, columns = np.nonzero(seen.numpy())
    around = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
    found = v2.functional.convert_bounding_box_format(target["boxes"], new_format="XYXY")
    assert target["boxes"].format.name == form and np.abs(found.numpy() - around).max() <= 1
    assert (seen == target["mask"][0]).float().mean() > 0.99 and not torch.equal(target["mask"], mask)
    assert 0 < (target["points"][0] - points).abs().max() < 6

every = Corrupt("natural", seed=1)
turned = tv_tensors.BoundingBoxes([[9.0, 9, 4, 4, 30]], format="CXCYWHR", canvas_size=(40, 48))
for target in ({"boxes": turned}, {"boxes": torch.zeros(1, 4)}, {"masks": square[:1]}):
    for transform in (every, AugMix()):
        try:
            transform(picture, target)
        except ImageError as error:
            assert "move" in str(error)
        else:
            raise AssertionError("targets were left behind")

many = Corrupted([(np.zeros((32, 32, 3), np.uint8), boxes)], "cifar-p", "rotate", 1)
try:
    many[0]
except ImageError as error:
    assert "boxes, points and masks fit one alone" in str(error)
else:
    raise AssertionError("boxes were left behind beside frames")
"""


def in_torchvisions_environment(code, place):
    """Run code where torchvision is: no torchvision fits the torch that the tests are pinned to."""
    python = os.environ.get("CORRUPTGEN_TORCHVISION_PYTHON")
    if python is None:
        pytest.skip("`make torchvision` runs this, in an environment of its own")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([python, "-c", code], cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_torchvisions_own_folders_and_pipelines(tmp_path):
    write_photographs(tmp_path / "photographs", 4)
    write_recipe(tmp_path, top="seed = 7", corrupt='rows = ["gaussian_noise"]\nseverities = [2]', preset="natural")

    in_torchvisions_environment(TORCHVISION, tmp_path)


@pytest.mark.long
def test_the_snippet_with_torchvision_runs(tmp_path):
    write_photographs(tmp_path / "photographs", 2)
    (snippet,) = re.findall(r"```py\n(.*?)```", (ROOT / "docs/loaders.md").read_text("utf-8"), re.DOTALL)

    in_torchvisions_environment(snippet, tmp_path)
