"""Compare every cell of the ImageNet-C tables with the pixels of the original code, and write the page about it."""

import argparse
import hashlib
import io
import itertools
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from corruptgen.errors import AssetError  # noqa: E402
from corruptgen.ops.colour import luma  # noqa: E402
from corruptgen.tables import catalog  # noqa: E402
from tests.originals import (  # noqa: E402
    IMAGEMAGICK_ROWS,
    LEVELS,
    PHOTOGRAPHS,
    PRESETS,
    ROUNDED,
    SIDES,
    fused_luma,
    grey_photograph,
    names,
    photograph,
    photograph_digests,
    picture,
    replay_photograph,
    replayed,
    snow,
)

DIGESTS = "imagenet_c_sha256.json"
PHOTOGRAPHS_FILE = "photographs_2018.json"
ARRAYS = ("imagenet_c_224.npz", "imagenet_c_299.npz", "imagenet_c_small.npz")
ALLOWED_SHARE, ALLOWED_STEP = 0.99, 1
# Here the original's libraries, not its code, decided: what must be equal instead is Pillow as it is installed.
JPEG = "jpeg_compression"
PILLOW_DECIDES = {f"{variant}/{JPEG}/{level}" for variant in PRESETS for level in LEVELS}
TIE = "299/pixelate/4"

TEXT = """# Parity with the original code

The tables `imagenet-c`, `imagenet-c-299`, `imagenet-c-64` and `cifar-c` produce the pixels that the original code
([hendrycks/robustness](https://github.com/hendrycks/robustness)) gave on the libraries of its time: numpy 1.14,
scipy 1.0, scikit-image 0.13, OpenCV 3.4.2, Pillow 5.0, Wand 0.4.4. Its draws are replayed: before every call
`numpy.random.seed(100 + level)`, and here the same generator behind the protocol `Draws`. This page is written by

```
python scripts/parity.py GOLDEN --output docs/parity.md
```

where `GOLDEN` is the directory with the original's results. It was last run with
{versions}.

## Result

{equal} of {total} results are equal to the original's, sample by sample. Per row and variant: "equal" if all five
levels are, else the share of equal samples and the largest difference in grey levels, for the level that is furthest
away.

{table}

## Photographs

The original was also run on three photographs that scikit-image ships (`rocket`, `coffee`, `immunohistochemistry`;
their square centre, resized), at all levels of all rows. Its ImageMagick truncated there. {photographs_equal} of
{photographs_total} results are equal, sample by sample; per row and variant the number of equal results of the 15:

{photographs}

## What is not equal, and why

- **jpeg_compression**: Pillow 5.0 came with IJG's libjpeg 9, today's Pillow comes with libjpeg-turbo; they scale the
  colour differences differently. Which of them made the published images is not known.
  {jpeg}
- **pixelate** at 299x299, level 4: in the middle of 299 → 74 → 299 a pixel lies exactly between two others, and
  Pillow 5.0 made it black: row and column 149. Today's Pillow does not. {tie}
- **ImageMagick**: the 16 bits of motion_blur and snow become 8 by rounding, as in every ImageMagick of 2018, or by
  truncation, as since 6.9.10-69. The tables round. Truncation is one word in the table (`quantum = "truncated"`), and
  was compared with a copy of the table that has it.
- **snow** on grey pixels: it whitens by a luma whose last bit depends on whether the processor adds it up with fused
  multiply-adds, as OpenCV does where it finds AVX2. The tables do not, so that all machines make the same pixels. On
  grey areas, where red, green and blue are equal, the last bit can decide about one level. The photographs above are
  equal, and hold few such pixels ({grey_pixels} of {pixels} at 224x224 and below). The same photographs in grey (their
  green channel three times), with the luma fused in each of its six orders: at most {grey_cells} of {grey_total}
  results differ, in at most {grey_share:.2f} % of their samples, by {grey_step} level.
- **frost** needs the original's pictures.{frost}

## Which quirks this takes

Each is a named value in the tables, with a comment beside it, or part of a formula's shared piece:

- samples are truncated to bytes, not rounded, and the smoothing of scipy is repeated to the last bit (weights, sum and
  order of additions), because a last bit decides about a level on flat areas;
- the defocus kernel gains up to 1.3 % where its disk touches the border of its array;
- glass blur copies pixels instead of exchanging them;
- zoom blur's layers are those that `numpy.arange` gives, and count the clean image twice;
- frost uses five pictures of six, and never their last row and column;
- elastic_transform moves in OpenCV 3's fixed point (1/32 pixel), and reflects at the border as scipy did then;
- spatter's rain starts again from black above full scale.
"""


@dataclass(frozen=True)
class Likeness:
    """How near a result is to the original's."""

    equal: float
    largest: int

    @property
    def kept(self) -> bool:
        """Whether it is as near as promised."""
        return self.equal >= ALLOWED_SHARE and self.largest <= ALLOWED_STEP

    def __str__(self) -> str:
        """Word it for a table."""
        return "equal" if self.largest == 0 else f"{100 * self.equal:.3f} %, {self.largest}"


@dataclass(frozen=True)
class GreySnow:
    """How much the last bit of a luma matters to snow on grey photographs."""

    results: int
    differing: int
    share: float
    largest: int


def main() -> int:
    """Compare, write what was asked for, and return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("golden", type=Path, help="directory with the original's results")
    parser.add_argument("--output", type=Path, help="the page to write")
    parser.add_argument("--pins", type=Path, help="the digests for the tests to write")
    arguments = parser.parse_args()

    digests = json.loads((arguments.golden / DIGESTS).read_text())
    originals = {}
    for file in ARRAYS:
        with np.load(arguments.golden / file) as arrays:
            originals |= {name: arrays[name] for name in arrays.files}
    stated = json.loads((arguments.golden / PHOTOGRAPHS_FILE).read_text())["sha256"]
    for name, side in itertools.product(PHOTOGRAPHS, SIDES.values()):
        if digest(photograph(name, side)) != stated[f"in/{name}/{side}"]:
            print(f"the photograph {name} of {side}x{side} is not the one that the original was run on")
            return 1
    for side in SIDES.values():
        if digest(picture(side)) != digests[f"input/{side}"]:
            print(f"the picture of {side}x{side} is not the one that the original was run on")
            return 1

    results = replayed_results()
    likenesses = {name: likeness(result, digests[name], originals.get(name)) for name, result in results.items()}
    excused = PILLOW_DECIDES | {TIE}
    broken = [name for name, found in likenesses.items() if not found.kept and name not in excused]
    broken += [name for name in sorted(PILLOW_DECIDES) if not np.array_equal(results[name], pillow_jpeg(name))]
    if not only_the_tie_differs(results[TIE], originals[TIE]):
        broken.append(TIE)
    for name in broken:
        print(f"{name}: {likenesses[name]} is not as near as promised")
    on_photographs = compare_photographs()
    for name in (name for name, is_equal in on_photographs.items() if not is_equal and JPEG not in name):
        print(f"{name} is not equal to the original's result on a photograph")
        broken.append(name)
    in_grey = compare_snow_in_grey()
    if in_grey.largest > ALLOWED_STEP:
        print(f"snow differs by {in_grey.largest} levels on grey pixels")
        broken.append("snow on grey pixels")

    if arguments.output:
        arguments.output.write_text(page(likenesses, broken, on_photographs, in_grey), encoding="utf-8")
    if arguments.pins:
        arguments.pins.write_text(pins(results, likenesses, digests), encoding="utf-8")
    return 1 if broken else 0


def replayed_results() -> dict[str, NDArray[np.uint8]]:
    """Make every result that can be made here; without pictures of frost there is no frost."""
    results = {}
    with tempfile.TemporaryDirectory() as tables:
        for name in names():
            try:
                results[name] = replayed(name, Path(tables))
            except AssetError as error:
                print(f"{name} is left out: {error}")
    return results


def compare_photographs() -> dict[str, bool]:
    """Check which results on photographs are equal to the original's; without pictures of frost, no frost."""
    found = {}
    with tempfile.TemporaryDirectory() as tables:
        for name, wanted in photograph_digests().items():
            try:
                found[name] = digest(replay_photograph(name, Path(tables))) == wanted
            except AssetError as error:
                print(f"{name} is left out: {error}")
    return found


def compare_snow_in_grey() -> GreySnow:
    """Compare snow on grey photographs with snow under a fused luma, in the order of channels that changes most."""
    worst = GreySnow(0, 0, 0.0, 0)
    for order in itertools.permutations(range(3)):
        shares, largest = [], 0
        for variant, name, level in itertools.product(PRESETS, PHOTOGRAPHS, LEVELS):
            image = grey_photograph(name, SIDES[variant])
            plain, fused = (snow(image, variant, level, chosen) for chosen in (luma, fused_luma(order)))
            steps = np.abs(plain.astype(int) - fused)
            shares.append(float((steps > 0).mean()))
            largest = max(largest, int(steps.max()))
        found = GreySnow(len(shares), sum(share > 0 for share in shares), max(shares), largest)
        worst = max(worst, found, key=lambda one: (one.largest, one.differing, one.share))
    return worst


def digest(samples: NDArray[np.uint8]) -> str:
    """Return the sha256 of the samples."""
    return hashlib.sha256(np.ascontiguousarray(samples).tobytes()).hexdigest()


def likeness(result: NDArray[np.uint8], wanted: str, original: NDArray[np.uint8] | None) -> Likeness:
    """Compare a result with the original's digest and, if that fails, with its samples."""
    if digest(result) == wanted:
        return Likeness(1.0, 0)
    if original is None:
        return Likeness(0.0, 255)
    steps = np.abs(result.astype(int) - original)
    return Likeness(float((steps == 0).mean()), int(steps.max()))


def pillow_jpeg(name: str) -> NDArray[np.uint8]:
    """Compress the picture of a jpeg_compression cell with the installed Pillow, at the table's quality."""
    variant, row, level = name.split("/")
    buffer = io.BytesIO()
    quality = catalog.preset(PRESETS[variant]).cell(row, int(level)).parameters["quality"]
    Image.fromarray(picture(SIDES[variant])).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def only_the_tie_differs(result: NDArray[np.uint8], original: NDArray[np.uint8]) -> bool:
    """Check whether all but the middle row and column are equal."""
    middle = result.shape[0] // 2
    return bool(np.array_equal(*(np.delete(np.delete(a, middle, 0), middle, 1) for a in (result, original))))


def page(
    likenesses: Mapping[str, Likeness], broken: list[str], on_photographs: Mapping[str, bool], in_grey: GreySnow
) -> str:
    """Write the page of the documentation."""
    packages = ("numpy", "numba", "opencv-python-headless", "Pillow")
    lines = ["| row | 224x224 | 299x299 | 64x64 | CIFAR-10 (32x32) |", "|---|---|---|---|---|"]
    rows = dict.fromkeys(name.split("/")[1] for name in names())
    for row in rows:
        cells = [worst([likenesses.get(f"{variant}/{row}/{level}") for level in LEVELS]) for variant in PRESETS]
        lines.append(f"| {label(row)} | {' | '.join(cells)} |")
    shown = [photograph(name, side) for name, side in itertools.product(PHOTOGRAPHS, SIDES.values()) if side <= 224]
    greys = sum(int((image == image[..., :1]).all(axis=2).sum()) for image in shown)
    jpeg_kept = not PILLOW_DECIDES & set(broken)
    return TEXT.format(
        versions=", ".join(f"{package} {metadata.version(package)}" for package in packages),
        equal=sum(found.largest == 0 for found in likenesses.values()),
        total=len(likenesses),
        table="\n".join(lines),
        jpeg=f"These results {'are' if jpeg_kept else 'are NOT'} equal to those of the installed Pillow.",
        tie="All other samples are equal." if TIE not in broken else "Other samples differ, too.",
        photographs=photograph_table(on_photographs),
        photographs_equal=sum(on_photographs.values()),
        photographs_total=len(on_photographs),
        grey_pixels=greys,
        pixels=sum(image.shape[0] * image.shape[1] for image in shown),
        grey_cells=in_grey.differing,
        grey_total=in_grey.results,
        grey_share=100 * in_grey.share,
        grey_step=in_grey.largest,
        frost="" if f"224/frost/{LEVELS[0]}" in likenesses else " They were not there, so it was not compared.",
    )


def photograph_table(on_photographs: Mapping[str, bool]) -> str:
    """Count the equal results on photographs, by row and variant."""
    counts: dict[str, dict[str, list[bool]]] = {}
    for name, is_equal in on_photographs.items():
        variant, _, row, _, _ = name.split("/")
        counts.setdefault(row, {}).setdefault(variant, []).append(is_equal)
    lines = ["| row | 224x224 | 64x64 | CIFAR-10 (32x32) |", "|---|---|---|---|"]
    for row, variants in counts.items():
        lines.append(f"| {row} | {' | '.join(str(sum(variants[variant])) for variant in ('224', '64', 'cifar'))} |")
    return "\n".join(lines)


def label(row: str) -> str:
    """Return which of two results of ImageMagick is meant."""
    if row in IMAGEMAGICK_ROWS:
        return f"{row}, truncating as newer ImageMagick"
    return row.replace(ROUNDED, ", rounding as the tables do")


def worst(found: list[Likeness | None]) -> str:
    """Word the level that is furthest from the original's."""
    compared = [one for one in found if one is not None]
    return str(min(compared, key=lambda one: (one.equal, -one.largest))) if compared else "not compared"


def pins(results: Mapping[str, NDArray[np.uint8]], likenesses: Mapping[str, Likeness], digests: dict[str, str]) -> str:
    """Write the digests that the tests compare the results with."""
    exact = {name: digests[name] for name, found in likenesses.items() if found.largest == 0}
    own = {
        name: {"sha256": digest(results[name]), "equal": round(found.equal, 6), "largest": found.largest}
        for name, found in likenesses.items()
        if found.largest
    }
    inputs = {str(side): digests[f"input/{side}"] for side in SIDES.values()}
    return json.dumps({"inputs": inputs, "original": exact, "own": own}, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
