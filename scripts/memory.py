"""Measure the peak memory of a build's parent and of its workers, for few and for many images, in every format.

Then the output is finished, and that of the parents of `generate --check` and of `verify` is measured on it.

python scripts/memory.py 500 20000
python scripts/memory.py 1000000 --source npy
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

SIDE, LEAST_SIDE = 32, 8  # pixels
CLASSES = 1000
FORMATS = ("folder", "parquet", "npy", "npz", "webdataset")
RECIPE = """
name = "memory-c"
version = "1.0.0"
[source]
{source}
[corrupt]
preset = "natural"
rows = {rows}
severities = {severities}
[output]
format = "{form}"
items_per_shard = {shard}
"""
# Run as a process of its own for each measurement: a peak never goes down again. What the kernel says about a process
# that has ended is no use: it counts what the parent held when it was started.
STEP = """
import json, sys, threading, time
from pathlib import Path
import corruptgen

def peak(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return max((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), default=0)

def watch(process="self"):
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            workers[child] = max(peak(child), workers.get(child, 0))

def watching():
    while True:
        try:
            watch()
        except OSError:
            pass
        time.sleep(0.02)

workers = {}
threading.Thread(target=watching, daemon=True).start()
step, recipe, output = sys.argv[1:]
if step == "verify":
    from corruptgen.verification.verdict import verify
    assert not verify(output, workers=2).problems
else:
    corruptgen.generate(recipe, output=output, workers=2, check=step == "check")
print(json.dumps({step: peak("self"), f"worker of {step}": max(workers.values(), default=0)}))
"""


def main() -> None:
    """Print one line for each format and number of images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="+", type=int, help="numbers of images")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument(
        "--source",
        choices=("folder", "npy"),
        default="folder",
        help="folder: pieces of photographs in six cells; npy: an array of as many images of 8x8 in one cell",
    )
    parser.add_argument("--items-per-shard", type=int, default=250)
    options = parser.parse_args()
    print("| format | images | generate, MB | its workers, MB | check, MB | verify, MB |\n|---|---|---|---|---|---|")
    for form in options.formats:
        for count in options.counts:
            with tempfile.TemporaryDirectory() as folder:
                write = write_photographs if options.source == "folder" else write_array
                peaks = measured(Path(folder), write(Path(folder), count), form, options.items_per_shard)
            names = ("generate", "worker of generate", "check", "verify")
            print("|", " | ".join([form, str(count), *(f"{peaks[name]:.0f}" for name in names)]), "|", flush=True)


def write_photographs(folder: Path, count: int) -> dict[str, str]:
    """Write small pieces of photographs in ten class folders, and return the parts of the recipe."""
    pictures = [Image.fromarray(picture) for picture in (data.astronaut(), data.chelsea(), data.coffee())]
    for number in range(count):
        picture = pictures[number % len(pictures)]
        x, y = 7 * number % (picture.width - SIDE), 13 * number % (picture.height - SIDE)
        place = folder / f"source/{number % 10}"
        place.mkdir(parents=True, exist_ok=True)
        picture.crop((x, y, x + SIDE, y + SIDE)).save(place / f"{number:06d}.png")
    rows = '["gaussian_noise", "brightness", "jpeg_compression"]'
    return {"source": 'kind = "folder"\npath = "source"', "rows": rows, "severities": "[1, 5]"}


def write_array(folder: Path, count: int) -> dict[str, str]:
    """Write an array of black images and one of labels, and return the parts of the recipe."""
    np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, LEAST_SIDE, LEAST_SIDE)).flush()
    np.save(folder / "labels.npy", np.arange(count) % CLASSES)
    source = 'kind = "npy"\npath = "images.npy"\nlabels = "labels.npy"'
    return {"source": source, "rows": '["brightness"]', "severities": "[1]"}


def measured(folder: Path, parts: dict[str, str], form: str, shard: int) -> dict[str, float]:
    """Build a dataset, check and verify it, and return the peaks in MB."""
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(form=form, shard=shard, **parts), "utf-8")
    peaks: dict[str, float] = {}
    for step in ("generate", "check", "verify"):
        arguments = [sys.executable, "-c", STEP, step, str(recipe), str(folder / "output")]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        peaks |= json.loads(done.stdout)
    return peaks


if __name__ == "__main__":
    main()
