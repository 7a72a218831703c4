"""Real medical pictures in MedMNIST's files, and the three streams that medmnistc draws from."""

import random
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from skimage import data

from corruptgen.randomness.draws import Size
from corruptgen.tables import catalog
from tests.legacy import LegacyDraws

DATASETS = {
    "pathmnist": 3, "bloodmnist": 3, "dermamnist": 3, "retinamnist": 3, "tissuemnist": 1, "octmnist": 1,
    "breastmnist": 1, "chestmnist": 1, "pneumoniamnist": 1, "organamnist": 1, "organcmnist": 1, "organsmnist": 1,
}  # fmt: skip
CLASSES = {
    "pathmnist": 9, "bloodmnist": 8, "dermamnist": 7, "retinamnist": 5, "tissuemnist": 8, "octmnist": 4,
    "breastmnist": 2, "chestmnist": 14, "pneumoniamnist": 2, "organamnist": 11, "organcmnist": 11, "organsmnist": 11,
}  # fmt: skip
PICTURES = 5
MULTI_LABEL = ("chestmnist",)

MEDMNISTC_SEED = 0
PYTHONS_ROWS = ("stain_deposit", "bubble", "characters")
GENERATORS_ROWS = ("impulse_noise",)


class PythonDraws:
    """The whole numbers of Python's `random` after `random.seed(seed)`, which are all that is drawn from it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integers(self, low: int, high: int | None = None, size: Size = None) -> int | list[int]:
        low, high = (0, low) if high is None else (low, high)
        if size is None:
            return self._random.randrange(low, high)
        return [self._random.randrange(low, high) for _ in range(size)]


class MedmnistcStreams:
    """What medmnistc draws from while it makes one dataset: three streams, none of which ever starts again."""

    def __init__(self, seed: int) -> None:
        self.numpys = LegacyDraws(seed)
        self.pythons = PythonDraws(seed)
        self.generator = np.random.default_rng(seed)

    def of(self, row: str) -> Any:
        """Return the stream of a row."""
        if row in PYTHONS_ROWS:
            return self.pythons
        return self.generator if row in GENERATORS_ROWS else self.numpys


def made_like_medmnistc(dataset: str, images: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Make every row of a dataset as medmnistc does: rows, levels and images in order, from streams that go on."""
    preset = catalog.preset(f"medmnist-c/{dataset}")
    streams = MedmnistcStreams(MEDMNISTC_SEED)
    for row in preset.rows:
        cells = [preset.cell(row, level) for level in preset.rows[row].severities]
        draws = streams.of(row)
        made = np.stack([cell.apply(image.reshape(*image.shape[:2], -1), draws) for cell in cells for image in images])
        yield row, made.reshape(-1, *images.shape[1:])


@lru_cache
def colour_pictures(side: int) -> tuple[NDArray[np.uint8], ...]:
    """Return stained tissue, the back of an eye and a colour ultrasound as (side, side, 3)."""
    tissue, eye = data.immunohistochemistry(), data.retina()
    return tuple(
        _squeezed(picture, side)
        for picture in (tissue, tissue[256:, 100:356], eye, eye[500:900, 300:700], _ultrasound())
    )


@lru_cache
def grey_pictures(side: int) -> tuple[NDArray[np.uint8], ...]:
    """Return computed tomography, magnetic resonance, ultrasound and microscopy as (side, side)."""
    pictures = (
        _windowed("CT_small.dcm", 800, 1300),
        _windowed("MR_small.dcm", 100, 2000),
        _windowed("examples_overlay.dcm", 0, 700),
        cv2.cvtColor(_ultrasound(), cv2.COLOR_RGB2GRAY),
        data.microaneurysms(),
    )
    return tuple(_squeezed(picture, side) for picture in pictures)


def pictures_of(dataset: str, side: int, count: int = PICTURES) -> NDArray[np.uint8]:
    """Return what stands for the test images of a dataset, as its file would hold them."""
    return np.stack((colour_pictures(side) if DATASETS[dataset] == 3 else grey_pictures(side))[:count])


def labels_of(dataset: str, count: int) -> NDArray[np.uint8]:
    """Return labels as a dataset's file would hold them."""
    classes = CLASSES[dataset]
    if dataset in MULTI_LABEL:
        return np.array([[(image >> label) % 2 for label in range(classes)] for image in range(count)], np.uint8)
    return np.array([[image % classes] for image in range(count)], np.uint8)


def write_archive(folder: Path, dataset: str, side: int, count: int = PICTURES) -> Path:
    """Write a dataset's file as MedMNIST has it, its three splits with the same images."""
    images = pictures_of(dataset, side, count)
    labels = labels_of(dataset, len(images))
    splits = ("train", "val", "test")
    path = folder / (f"{dataset}.npz" if side == 28 else f"{dataset}_{side}.npz")
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{f"{s}_images": images for s in splits}, **{f"{s}_labels": labels for s in splits})
    return path


def _windowed(name: str, low: int, high: int) -> NDArray[np.uint8]:
    values = _stored(name).pixel_array.astype(float)
    return (np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)


def _ultrasound() -> NDArray[np.uint8]:
    return _stored("examples_rgb_color.dcm").pixel_array


def _stored(name: str) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(get_testdata_file(name, download=False))


def _squeezed(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    larger = min(picture.shape[:2]) < side
    resized: Any = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC if larger else cv2.INTER_AREA)
    return resized
