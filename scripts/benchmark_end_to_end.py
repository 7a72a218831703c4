"""Time a folder of photographs becoming a benchmark: our engine, the original script's loop, and the codecs alone."""

import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import corruptgen
from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.codecs.images import decoded, encode_image
from corruptgen.engine.block import Cells
from corruptgen.recipe.recipe import load
from corruptgen.records import Decoding, Encoding
from corruptgen.store.digests import file_digest, image_digest
from corruptgen.store.output_directory import OutputDirectory
from corruptgen.threads import single_threaded

RESIZE, CROP, QUALITY = 256, 224, 85
SEVERITIES = range(1, 6)
RECIPE = f"""name = "end-to-end"
version = "1.0.0"
[source]
kind = "folder"
[decode]
resize = {RESIZE}
crop = {CROP}
[corrupt]
preset = "imagecorruptions"
rows = ["common"]
[output]
"""
JPEG = f'encoding = "jpeg"\nquality = {QUALITY}\n'
# Where the time of a build goes; each function is counted with all that it calls.
STAGES: dict[str, Callable[..., Any]] = {
    "decode, resize, crop": decode_image,
    "corrupt": Cells.apply,
    "digest of the pixels": image_digest,
    "encode": encode_image,
    "digest of the file": file_digest,
    "write": OutputDirectory.write,
    "wait for the disk": OutputDirectory.sync,
}


def photographs(place: Path, count: int) -> None:
    """Write pieces of photographs, of the usual size and weight of ImageNet's."""
    pictures = [getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    draws = np.random.RandomState(1843956201)
    (place / "class").mkdir(parents=True)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        top, left = (draws.randint(side - 290) for side in picture.shape[:2])
        piece = Image.fromarray(picture[top : top + 290, left : left + 290]).resize(
            (500, 375), Image.Resampling.BICUBIC
        )
        piece.save(place / f"class/{number:05d}.jpg", quality=92)


def original(source: Path, output: Path, rows: list[str]) -> int:
    """Do what make_imagenet_c.py does, with imagecorruptions and the same JPEG settings as ours."""
    import imagecorruptions  # noqa: PLC0415

    files = 0
    for row in rows:
        for severity in SEVERITIES:
            folder = output / row / str(severity) / "class"
            folder.mkdir(parents=True)
            for path in sorted(source.rglob("*.jpg")):
                picture = Image.open(path).convert("RGB")
                width, height = picture.size
                side = RESIZE / min(width, height)
                picture = picture.resize((int(width * side), int(height * side)), Image.Resampling.BILINEAR)
                left, top = round((picture.width - CROP) / 2.0), round((picture.height - CROP) / 2.0)
                image = np.asarray(picture.crop((left, top, left + CROP, top + CROP)))
                made = imagecorruptions.corrupt(image, severity=severity, corruption_name=row)
                Image.fromarray(np.uint8(made)).save(folder / f"{path.stem}.JPEG", quality=QUALITY, optimize=True)
                files += 1
    return files


Made = dict[Path, dict[str, NDArray[np.uint8]]]
"""The images of every photograph by row/severity."""


def corrupted(source: Path, rows: list[str]) -> Made:
    """Make all images, so that to encode and write them can be timed alone."""
    made: Made = {}
    for path in sorted(source.rglob("*.jpg")):
        image = decoded(path.read_bytes(), Decoding(RESIZE, CROP))
        key = path.relative_to(source).as_posix()
        made[path] = {
            f"{row}/{severity}": corruptgen.corrupt(image, row, severity, key=key)
            for row in rows
            for severity in SEVERITIES
        }
    return made


def codecs(made: Made, output: Path, encoding: Encoding) -> int:
    """Decode each photograph once, then encode and write what was made of it, and nothing else."""
    for cell in next(iter(made.values())):
        (output / cell / "class").mkdir(parents=True)
    with single_threaded():
        for path, images in made.items():
            decoded(path.read_bytes(), Decoding(RESIZE, CROP))
            for cell, image in images.items():
                with open(f"{output}/{cell}/class/{path.stem}{encoding.extension}", "xb") as file:
                    file.write(encode_image(image, encoding))
    return sum(map(len, made.values()))


def built(recipe: Path, source: Path, output: Path, workers: int) -> int:
    """Run our engine."""
    return corruptgen.generate(recipe, source=source, output=output, workers=workers).files


def timed(what: Callable[[Path], int], output: Path) -> tuple[float, float]:
    """Return the milliseconds of processor and of wall clock for each output."""
    processor, wall = time.process_time(), time.perf_counter()
    files = what(output)
    passed = time.process_time() - processor, time.perf_counter() - wall
    return passed[0] * 1e3 / files, passed[1] * 1e3 / files


def profiled(what: Callable[[Path], int], output: Path) -> dict[str, float]:
    """Return the milliseconds for each output by stage; the rest is the engine's own."""
    profile = cProfile.Profile(time.process_time)
    files = profile.runcall(what, output)
    stats: Any = pstats.Stats(profile)
    codes = {stage: function.__code__ for stage, function in STAGES.items()}
    cumulative = {
        stage: stats.stats[code.co_filename, code.co_firstlineno, code.co_name][3] for stage, code in codes.items()
    }
    rest = stats.total_tt - sum(cumulative.values())
    return {stage: round(t * 1e3 / files, 4) for stage, t in (cumulative | {"the engine's own": rest}).items()}


def measured(job: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Measure in turn in one folder, and give medians.

    Nothing is removed before the end: ext4 passes over the places of files that were just removed one by one, so that a
    new file takes up to thirty times as long.
    """
    recipe, lossless = scratch / "recipe.toml", scratch / "lossless.toml"
    recipe.write_text(RECIPE + JPEG)
    lossless.write_text(RECIPE)
    photographs(scratch / "many", job["images"])
    photographs(scratch / "few", job["original_images"])
    load(recipe)
    rows = job["rows"]
    made = corrupted(scratch / "many", rows)
    ways = {
        "corruptgen": lambda out: built(recipe, scratch / "many", out, 1),
        "decode, encode and write alone": lambda out: codecs(made, out, Encoding("jpeg", QUALITY)),
        "original loop with imagecorruptions": lambda out: original(scratch / "few", out, rows),
        "corruptgen, PNG": lambda out: built(lossless, scratch / "many", out, 1),
        "decode, encode and write alone, PNG": lambda out: codecs(made, out, Encoding()),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for repeat in range(-1, job["repeats"]):
        for name, what in ways.items():
            # The first round compiles and loads.
            found = timed(what, scratch / f"{name}, {repeat}")
            if repeat >= 0:
                times[name].append(found)
    return {
        "ms_per_output": {
            name: {"processor": median(t[0] for t in found), "wall": median(t[1] for t in found)}
            for name, found in times.items()
        },
        "stages": profiled(ways["corruptgen"], scratch / "profiled"),
    }


def main(job: dict[str, Any], output: Path) -> None:
    """Measure in every place."""
    result = {}
    for name, place in job["places"].items():
        with tempfile.TemporaryDirectory(dir=place) as folder:
            result[name] = measured(job, Path(folder))
    output.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
