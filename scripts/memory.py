"""Measure the peak memory of a build's parent and of its workers, for few and for many images, in every format.

python scripts/memory.py 500 20000
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from skimage import data

SIDE = 32  # pixels
FORMATS = ("folder", "parquet", "npy", "npz", "webdataset")
RECIPE = """
name = "memory-c"
version = "1.0.0"
[source]
kind = "folder"
[corrupt]
preset = "natural"
rows = ["gaussian_noise", "brightness", "jpeg_compression"]
severities = [1, 5]
[output]
format = "{form}"
items_per_shard = {shard}
"""
# Run as a process of its own for each measurement: a peak never goes down again. What the kernel says about a process
# that has ended is no use: it counts what the parent held when it was started.
BUILD = """
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
recipe, source, output = sys.argv[1:]
corruptgen.generate(recipe, source=source, output=output, workers=2)
print(json.dumps({"parent": peak("self"), "worker": max(workers.values())}))
"""


def main() -> None:
    """Print one line for each format and number of images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="+", type=int, help="numbers of images")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--items-per-shard", type=int, default=250)
    options = parser.parse_args()
    print("| format | images | parent, MB | worker, MB |\n|---|---|---|---|")
    for form in options.formats:
        for count in options.counts:
            with tempfile.TemporaryDirectory() as folder:
                peaks = measured(Path(folder), form, count, options.items_per_shard)
            print(f"| {form} | {count} | {peaks['parent']:.0f} | {peaks['worker']:.0f} |", flush=True)


def measured(folder: Path, form: str, count: int, shard: int) -> dict[str, float]:
    """Build a dataset of small pieces of photographs and give the peaks in MB."""
    pictures = [Image.fromarray(picture) for picture in (data.astronaut(), data.chelsea(), data.coffee())]
    for number in range(count):
        picture = pictures[number % len(pictures)]
        x, y = 7 * number % (picture.width - SIDE), 13 * number % (picture.height - SIDE)
        place = folder / f"source/{number % 10}"
        place.mkdir(parents=True, exist_ok=True)
        picture.crop((x, y, x + SIDE, y + SIDE)).save(place / f"{number:06d}.png")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(form=form, shard=shard), "utf-8")
    arguments = [sys.executable, "-c", BUILD, str(recipe), str(folder / "source"), str(folder / "output")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
