"""Run the package medmnistc over arrays; compare_medmnistc.py starts this in that package's environment."""

import argparse
import hashlib
import json
import random
from importlib.metadata import version
from pathlib import Path
from typing import Any

import medmnist
import medmnistc
import numpy as np
from medmnistc.augmentation import AugMedMNISTC
from medmnistc.corruptions.registry import CORRUPTIONS_DS
from medmnistc.dataset import CorruptedMedMNIST
from medmnistc.dataset_manager import DatasetManager
from PIL import Image
from wand.version import MAGICK_VERSION

LIBRARIES = (
    "medmnistc",
    "medmnist",
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python",
    "pillow",
    "torchvision",
    "wand",
)
# What its salt and pepper draw from in augmentation: the same in every call. It forgets to say so itself.
IMPULSES = 99999


def from_bytes(content: bytes, dtype: Any) -> Any:
    """Do what numpy's `fromstring`, which motion_blur calls, did with bytes until it was removed in numpy 2.3."""
    return np.frombuffer(content, dtype)


def make(archives: Path, output: Path) -> None:
    """Make the corrupted files of every dataset that has an archive, and say what they were made with."""
    manager = DatasetManager(medmnist_path=str(archives), output_path=str(output))
    for archive in sorted(archives.glob("*_224.npz")):
        manager.create_dataset(archive.stem.removesuffix("_224"))
    facts = {
        "textures": str(Path(medmnistc.__path__[0]) / "assets"),
        "versions": {name: version(name) for name in LIBRARIES} | {"ImageMagick": MAGICK_VERSION.split()[1]},
    }
    (output / "facts.json").write_text(json.dumps(facts))


def augment(pictures: Path, output: Path) -> None:
    """Augment every picture of a dataset's array with the seed that is its number."""
    with np.load(pictures) as arrays:
        found = {dataset: augmented(dataset, arrays[dataset]) for dataset in arrays.files}
    np.savez(output, **found)


def augmented(dataset: str, pictures: Any) -> Any:
    """Augment colour pictures by a dataset's corruptions."""
    corruptions = CORRUPTIONS_DS[dataset]
    transform = AugMedMNISTC(corruptions)
    results = []
    for seed, picture in enumerate(pictures):
        if "impulse_noise" in corruptions:
            corruptions["impulse_noise"].rng = np.random.default_rng(IMPULSES)
        np.random.seed(seed)
        random.seed(seed)
        results.append(np.asarray(transform(Image.fromarray(picture))))
    return np.stack(results)


def read(folder: Path, output: Path) -> None:
    """Read every file of corrupted images with both packages' classes; write digests of what their items hold."""
    found = {}
    for path in sorted(folder.glob("*/*.npz")):
        dataset, row = path.parent.name.partition("-")[0], path.stem
        corrupted = CorruptedMedMNIST(path.parent.name, row, root=str(folder), as_rgb=False)
        tensors = [corrupted[number] for number in range(len(corrupted))]
        # The class gives (C, H, W) from -1 to 1.
        back = [np.rint((tensor.numpy().transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8) for tensor, _ in tensors]
        found[f"{path.parent.name}/{row}"] = {
            "images": digest(np.stack(back)),
            "labels": digest(np.stack([label for _, label in tensors]).astype(np.uint8)),
            "medmnist": medmnists(dataset, path, back[0].shape[0]),
        }
    output.write_text(json.dumps(found), encoding="utf-8")


def medmnists(dataset: str, path: Path, side: int) -> dict[str, str]:
    """Read the file as MedMNIST's own class reads a dataset's file of that size."""
    root = path.parent / "read" / path.stem
    root.mkdir(parents=True)
    name = f"{dataset}.npz" if side == 28 else f"{dataset}_{side}.npz"
    (root / name).symlink_to(path.resolve())
    images = getattr(medmnist, medmnist.INFO[dataset]["python_class"])(split="test", size=side, root=str(root))
    # Its own length is that of the published test images, which these are not.
    pairs = [images[number] for number in range(len(images.imgs))]
    return {
        "images": digest(np.stack([np.atleast_3d(np.asarray(image)) for image, _ in pairs])),
        "labels": digest(np.stack([label for _, label in pairs]).astype(np.uint8)),
    }


def digest(array: Any) -> str:
    """Return the sha256 of an array's samples."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def main() -> None:
    """Do what is asked for."""
    setattr(np, "fromstring", from_bytes)  # noqa: B010 - the stubs of numpy know it as overloaded
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("make", "augment", "read"))
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    wanted = parser.parse_args()
    {"make": make, "augment": augment, "read": read}[wanted.task](wanted.source, wanted.output)


if __name__ == "__main__":
    main()
