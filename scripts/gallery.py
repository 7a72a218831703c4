"""Write contact sheets of a severity table over photographs: look at the pictures before you change one.

Without pictures of your own it takes photographs that scikit-image ships: colour, grey, wide, small, tiny and large.

    python scripts/gallery.py natural --output gallery
    python scripts/gallery.py natural --rows frost snow --severities 0.5 1 3 5 -- photo.jpg
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from skimage import data

import corruptgen
from corruptgen.gallery.contact_sheet import draw_contact_sheet
from corruptgen.tables import catalog
from corruptgen.tables.table import Preset

# Name of the photograph, and the (height, width) it is cut and resized to.
PHOTOGRAPHS = (
    ("astronaut", (224, 224)),
    ("chelsea", (224, 224)),
    ("camera", (224, 224)),
    ("coffee", (300, 451)),
    ("rocket", (96, 64)),
    ("chelsea", (32, 32)),
    ("astronaut", (8, 8)),
    ("coffee", (768, 1024)),
)


def main() -> None:
    """Write one sheet per picture and say where."""
    arguments = _arguments()
    rows = arguments.rows or corruptgen.rows(arguments.preset)
    table = catalog.preset(arguments.preset)
    levels = {row: arguments.severities or table.row(row).severities for row in rows}
    arguments.output.mkdir(parents=True, exist_ok=True)
    pictures = ((path.stem, _opened(path)) for path in arguments.images) if arguments.images else _photographs(table)
    for name, picture in pictures:
        file = arguments.output / f"{arguments.preset.replace('/', '-')}-{name}.png"
        draw_contact_sheet(picture, arguments.preset, levels, arguments.seed).save(file)
        print(file)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write contact sheets of a severity table.")
    parser.add_argument("preset", help="name of a severity table, or the path of your own")
    parser.add_argument("images", nargs="*", type=Path, help="pictures; default: photographs that scikit-image ships")
    parser.add_argument("--rows", nargs="+", help="default: all of the table")
    parser.add_argument("--severities", nargs="+", type=float, help="default: all levels of the table")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("gallery"), help="folder for the sheets")
    return parser.parse_args()


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        return upright.convert("L" if upright.mode == "L" else "RGB")


def _photographs(table: Preset) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    allowed = table.sizes.allowed
    for name, size in dict.fromkeys((name, allowed[0] if allowed else size) for name, size in PHOTOGRAPHS):
        height, width = size
        if height < table.sizes.smallest[0] or width < table.sizes.smallest[1]:
            continue
        picture = Image.fromarray(getattr(data, name)())
        fitted = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
        yield f"{name}-{height}x{width}", np.asarray(fitted)


if __name__ == "__main__":
    main()
