"""Run imagecorruptions-imaug over pictures; compare_imagecorruptions.py starts this in the fork's environment."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imagecorruptions
import numpy as np

LIBRARIES = ("imagecorruptions-imaug", "numpy", "scipy", "scikit-image", "opencv-python", "pillow", "numba")
# Their draws do not come from numpy's global state; the fork takes a seed for them instead.
SEEDED = ("impulse_noise", "glass_blur")

numpys_randint = np.random.randint


def five_pictures(*arguments: Any, **keywords: Any) -> Any:
    """Draw as numpy does, but choose between five frost pictures where the fork chooses between six."""
    return numpys_randint(5) if arguments == (6,) and not keywords else numpys_randint(*arguments, **keywords)


def main(jobs: Path, output: Path) -> None:
    """Do every job of the list `jobs` and save the results, named as the jobs are, in `output`."""
    np.random.randint = five_pictures
    results = {}
    for name, picture, row, level, seed in json.loads(jobs.read_text(encoding="utf-8")):
        extra = {"seed": seed} if row in SEEDED else {}
        np.random.seed(seed)
        results[name] = imagecorruptions.corrupt(np.load(picture), severity=level, corruption_name=row, **extra)
    np.savez(output, **results)
    facts = {
        "textures": str(Path(imagecorruptions.__file__).parent / "frost"),
        "versions": {name: version(name) for name in LIBRARIES},
    }
    output.with_suffix(".json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
