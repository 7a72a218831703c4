"""Print a digest of the pixels of every row of every table, at every level and four sizes, or compare those of a file.

python scripts/pixel_digests.py > before.txt
python scripts/pixel_digests.py --compare before.txt
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

import corruptgen
from corruptgen.tables import catalog
from corruptgen.tables.table import Preset

SIZES = ((32, 32), (96, 131), (224, 224), (480, 320))  # (height, width) in pixels, of tables that hold for any size


def main() -> int:
    """Print the digests, or the names of the cells whose digests differ from those of a file; 1 if any does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", type=Path, help="a file that this script printed")
    options = parser.parse_args()
    if options.compare is None:
        for cell, digest in digests():
            print(digest, cell, flush=True)
        return 0
    lines = options.compare.read_text("utf-8").splitlines()
    known = {cell: digest for digest, _, cell in (line.partition(" ") for line in lines)}
    found = dict(digests())
    different = sorted(cell for cell in known.keys() | found.keys() if known.get(cell) != found.get(cell))
    print(*different, sep="\n")
    print(f"{len(different)} of {len(known)} cells differ")
    return int(bool(different))


def digests() -> Iterator[tuple[str, str]]:
    """Return the name of each cell at each size, and the digest of its pixels on a photograph, in colour and grey."""
    photograph = data.astronaut()
    for table in corruptgen.presets():
        preset = catalog.preset(table)
        if preset.is_sequential:
            yield from frame_digests(photograph, preset)
            continue
        for height, width in preset.sizes.allowed or SIZES:
            colour = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA)
            for row in corruptgen.rows(table):
                # Any map is as good as another one.
                inputs = dict.fromkeys(preset.rows[row].inputs, colour[..., 1] / 255)
                for severity in range(1, preset.rows[row].level_count + 1):
                    digest = hashlib.sha256()
                    for image in (colour, cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)):
                        made = corruptgen.corrupt(image, row, severity, preset=table, seed=1, key="a", inputs=inputs)
                        digest.update(np.ascontiguousarray(made))
                    yield f"{table} {row} {severity} {height}x{width}", digest.hexdigest()[:32]


def frame_digests(photograph: NDArray[np.uint8], preset: Preset) -> Iterator[tuple[str, str]]:
    """Return the name of each row at each difficulty, and the digest of its frames."""
    height, width = preset.sizes.allowed[0]
    picture = cv2.resize(photograph, (width, height + height // 8), interpolation=cv2.INTER_AREA)
    if not preset.staging.changes:
        # The table makes no image of a larger picture.
        picture = picture[:height]
    for row in preset.rows:
        for severity in range(1, preset.rows[row].level_count + 1):
            digest = hashlib.sha256()
            for frame in corruptgen.frames(picture, row, severity, preset=preset.name, seed=1, key="a"):
                digest.update(np.ascontiguousarray(frame))
            yield f"{preset.name} {row} {severity} frames", digest.hexdigest()[:32]


if __name__ == "__main__":
    sys.exit(main())
