"""Make MedMNIST-C with the package medmnistc; compare_medmnistc.py starts this in that package's environment."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import medmnistc
import numpy as np
from medmnistc.dataset_manager import DatasetManager
from wand.version import MAGICK_VERSION

LIBRARIES = ("medmnistc", "medmnist", "numpy", "scipy", "scikit-image", "opencv-python", "pillow", "torchvision", "wand")


def from_bytes(content: bytes, dtype: Any) -> Any:
    """Do what numpy's `fromstring`, which motion_blur calls, did with bytes until it was removed in numpy 2.3."""
    return np.frombuffer(content, dtype)


def main(archives: Path, output: Path, datasets: list[str]) -> None:
    """Make every dataset whose archive lies in `archives`, and say what it was made with."""
    np.fromstring = from_bytes
    manager = DatasetManager(medmnist_path=str(archives), output_path=str(output))
    for dataset in datasets:
        manager.create_dataset(dataset)
    facts = {
        "textures": str(Path(medmnistc.__path__[0]) / "assets"),
        "versions": {name: version(name) for name in LIBRARIES} | {"ImageMagick": MAGICK_VERSION.split()[1]},
    }
    (output / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
