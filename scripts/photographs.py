"""Copy the photographs that scikit-image ships into class folders, as a small source of real images.

python scripts/photographs.py demo/photographs
"""

import argparse
import shutil
from importlib import resources
from pathlib import Path

PHOTOGRAPHS = {
    "animal": ("chelsea.png",),
    "medical": ("ihc.png", "retina.jpg"),
    "object": ("coffee.png", "coins.png"),
    "person": ("astronaut.png", "camera.png"),
    "sky": ("hubble_deep_field.jpg", "moon.png"),
    "texture": ("grass.png", "gravel.png"),
    "vehicle": ("motorcycle_left.png", "rocket.jpg"),
}


def main() -> None:
    """Copy them and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where the class folders are made")
    directory = parser.parse_args().directory

    shipped = resources.files("skimage") / "data"
    for label, names in PHOTOGRAPHS.items():
        (directory / label).mkdir(parents=True, exist_ok=True)
        for name in names:
            with resources.as_file(shipped / name) as path:
                shutil.copyfile(path, directory / label / name)
    print(f"{directory}: {sum(map(len, PHOTOGRAPHS.values()))} photographs in {len(PHOTOGRAPHS)} classes")


if __name__ == "__main__":
    main()
