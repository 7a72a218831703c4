"""Measure how many images per second one and two warm workers make, and what a full ImageNet-C takes.

`python scripts/throughput.py` needs no data: the images are crops of the photographs that scikit-image ships.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

import corruptgen
from corruptgen.engine.backends import WorkerConfig
from corruptgen.engine.progress import results

WANTED = 1.7
RECIPE = """name = "throughput"
version = "1.0.0"
[source]
kind = "folder"
[decode]
resize = 256
crop = 224
[corrupt]
preset = "{preset}"
{rows}
[output]
encoding = "{encoding}"
"""
CLASS = "photographs"


def photographs(place: Path, count: int) -> None:
    """Write photographs of the usual size and weight of ImageNet's."""
    pictures = [getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    draws = np.random.default_rng(0)
    (place / CLASS).mkdir(parents=True)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        row, column = (int(draws.integers(side - 255)) for side in picture.shape[:2])
        crop = Image.fromarray(picture[row : row + 256, column : column + 256]).resize((500, 375))
        crop.save(place / CLASS / f"{number:05d}.jpg", quality=90)


def settle(seconds: float) -> int:
    """Load what a worker needs once, so that only work is timed."""
    began = time.monotonic()
    image = np.full((224, 224, 3), 128, np.uint8)
    for row in corruptgen.rows("natural"):
        corruptgen.corrupt(image, row, 1, preset="natural", key="warm")
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    return os.getpid()


def measured(recipe: Path, source: Path, output: Path, workers: int) -> tuple[float, float, int]:
    """Return the images per second, those per second of this process's own work, and the bytes of an image."""
    list(results(((settle, (5.0,)) for _ in range(workers)), WorkerConfig(workers)))
    began, worked = time.perf_counter(), time.process_time()
    outcome = corruptgen.generate(recipe, source=source, output=output, workers=workers)
    pace, per_core = (outcome.files / t for t in (time.perf_counter() - began, time.process_time() - worked))
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    return pace, per_core, size // outcome.files


def main() -> None:
    """Measure, and compare with what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--preset", default="imagenet-c")
    parser.add_argument("--rows", default="gaussian_noise,defocus_blur,brightness,jpeg_compression", help='or "all"')
    parser.add_argument("--encoding", default="jpeg", choices=("jpeg", "png"))
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scratch", type=Path, help="where files are written; default: the folder for temporary files")
    chosen = parser.parse_args()
    rows = "" if chosen.rows == "all" else f"rows = {chosen.rows.split(',')!r}"

    # Nothing is removed before the end: ext4 passes over the places of files that were just removed one by one, so that
    # a new file takes up to thirty times as long.
    with tempfile.TemporaryDirectory(dir=chosen.scratch) as folder:
        place = Path(folder)
        photographs(place / "source", chosen.images)
        recipe = place / "recipe.toml"
        recipe.write_text(RECIPE.format(preset=chosen.preset, rows=rows, encoding=chosen.encoding), "utf-8")
        print(f"{chosen.images} images, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
        paces = []
        for workers in chosen.workers:
            pace, per_core, size = measured(recipe, place / "source", place / f"out{workers}", workers)
            paces.append(pace)
            # One worker is this process, so that its time on the processor tells what it would do on an idle machine.
            own = f" ({per_core:.1f} per second of work on one core)" if workers == 1 else ""
            print(f"{workers} workers: {pace:.1f} images/s{own}, {size} bytes per image", flush=True)
    if len(paces) == 1:
        return
    gain = paces[-1] / paces[0]
    print(f"{chosen.workers[-1]} workers give {gain:.2f} times what {chosen.workers[0]} gives")
    if chosen.workers == [1, 2] and gain < WANTED:
        sys.exit(f"less than {WANTED}: is the machine busy with something else?")


if __name__ == "__main__":
    main()
