"""Take a classifier from a recipe to a score: it says which photograph a patch comes from, under 15 corruptions.

python scripts/patches.py demo/patches

Patches of the photographs that scikit-image ships are cut; half of them train a logistic regression on gradients and
colours, the others go through `corruptgen generate`, are classified in every cell, and `corruptgen score` holds that
against the manifest. It takes about a minute.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
    "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
SIDE = 64
ORIENTATIONS = 8
SCALES = (1, 2, 4)  # pixels
LUMA = (0.299, 0.587, 0.114)

RECIPE = """\
name = "patches-c"
version = "1.0.0"

[source]
kind = "folder"
path = "patches"

[corrupt]
preset = "natural"
rows = [{rows}]
severities = [{severities}]

[output]
format = "npy"
clean = true
"""


def main() -> None:
    """Cut, train, generate, predict and score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where everything is written")
    parser.add_argument("--patches", type=int, default=25, help="of each photograph that are classified")
    parser.add_argument("--rows", nargs="+", default=["common"], help="rows or groups of the table `natural`")
    parser.add_argument("--severities", nargs="+", default=["1", "2", "3", "4", "5"])
    parser.add_argument("--workers", default="2")
    wanted = parser.parse_args()
    place: Path = wanted.directory

    training, labels = cut(place / "patches", wanted.patches)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(features(training), labels)

    rows = ", ".join(f'"{row}"' for row in wanted.rows)
    (place / "patches.toml").write_text(RECIPE.format(rows=rows, severities=", ".join(wanted.severities)), "utf-8")
    corruptgen(
        "generate", place / "patches.toml", "--output", place / "patches-c", "--workers", wanted.workers, "--quiet"
    )
    predict(model, place / "patches-c", place / "predictions.npz")
    corruptgen("score", place / "predictions.npz", "--manifest", place / "patches-c", "--output", place / "score")


def cut(directory: Path, most: int) -> tuple[NDArray[np.uint8], list[str]]:
    """Cut photographs as a chessboard: black squares are returned with their names, white ones become files."""
    training, labels = [], []
    for name in PHOTOGRAPHS:
        with resources.as_file(resources.files("skimage") / "data" / name) as path, Image.open(path) as opened:
            photograph = np.asarray(opened.convert("RGB"))
        label = Path(name).stem
        (directory / label).mkdir(parents=True, exist_ok=True)
        squares = [(y, x) for y in range(photograph.shape[0] // SIDE) for x in range(photograph.shape[1] // SIDE)]
        white = [square for square in squares if sum(square) % 2]
        # Spread over the photograph, not its upper part alone.
        tested = {white[len(white) * number // most] for number in range(min(most, len(white)))}
        for y, x in squares:
            patch = photograph[y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE]
            if (y, x) in tested:
                Image.fromarray(patch).save(directory / label / f"{y:02d}-{x:02d}.png")
            elif (y + x) % 2 == 0:
                training.append(patch)
                labels.append(label)
    return np.stack(training), labels


def features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Describe (N, 64, 64, 3) images by the strength of gradients in each direction, at three scales, and by colour."""
    grey = images @ np.array(LUMA)
    described = []
    for scale in SCALES:
        side = SIDE // scale
        coarse = grey.reshape(-1, side, scale, side, scale).mean(axis=(2, 4))
        down, across = coarse[:, 2:, 1:-1] - coarse[:, :-2, 1:-1], coarse[:, 1:-1, 2:] - coarse[:, 1:-1, :-2]
        direction = (np.arctan2(down, across) % np.pi / np.pi * ORIENTATIONS).astype(int) % ORIENTATIONS
        strength = np.hypot(down, across)
        described += [np.log1p((strength * (direction == k)).mean(axis=(1, 2))) for k in range(ORIENTATIONS)]
    colours = np.concatenate([images.mean(axis=(1, 2)) / SIDE, images.std(axis=(1, 2)) / SIDE], axis=1)
    return np.concatenate([np.stack(described, axis=1), colours], axis=1)


def predict(model: Pipeline, dataset: Path, output: Path) -> None:
    """Write the probabilities of all classes for every array of the dataset, in its own order."""
    arrays: Sequence[Path] = sorted(path for path in dataset.glob("*.npy") if path.stem != "labels")
    np.savez(output, **{path.stem: model.predict_proba(features(np.load(path))) for path in arrays})


def corruptgen(*arguments: object) -> None:
    """Run a command of corruptgen, as one would in a terminal."""
    subprocess.run([sys.executable, "-m", "corruptgen", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
