"""Compare the pixels that a machine makes when kernels are compiled for, and libraries use, less of its processor.

python scripts/processors.py                            # kernels for three kinds of x86-64, then libraries' dispatch
python scripts/processors.py --settings "kernels x86-64" --severities 3 --sides 40 48
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

import corruptgen
from corruptgen.errors import AssetError, ImageError
from corruptgen.tables import catalog
from corruptgen.threads import single_threaded

HOST = "this machine"
# Our kernels must not notice; what the libraries' own choices change is measured.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    HOST: {},
    "kernels x86-64": {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""},
    "kernels AVX2": {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""},
    "kernels AVX-512": {"NUMBA_CPU_NAME": "x86-64-v4", "NUMBA_CPU_FEATURES": "-prefer-256-bit"},
    "OpenCV AVX2": {"OPENCV_CPU_DISABLE": "AVX512_SKX,AVX512_ICL,AVX512_CNL,AVX512_CLX"},
    "OpenCV SSE": {"OPENCV_CPU_DISABLE": "AVX512_SKX,AVX512_ICL,AVX512_CNL,AVX512_CLX,AVX2,FMA3,AVX,FP16"},
    "numpy AVX2": {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"},
    "numpy SSE": {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
}
KERNELS = "kernels "
NAMES = ("astronaut", "coffee")

Pixels = Mapping[str, NDArray[np.uint8]]
"""By table, row, severity and photograph."""


def main() -> int:
    """Print the table of differences; 1 if a kernel's pixels depend on what it is compiled for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=[name for name in SETTINGS if name != HOST])
    parser.add_argument("--tables", nargs="+", default=["imagecorruptions", "natural"])
    parser.add_argument("--rows", nargs="+", help="only these; default: all")
    parser.add_argument("--severities", nargs="+", type=float, default=[1, 2, 3, 4, 5])
    parser.add_argument("--sides", nargs=2, type=int, default=[224, 224], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--save", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.save:
        np.savez(options.save, **made(options))
        return 0

    with tempfile.TemporaryDirectory() as folder:
        expected, columns = run(HOST, Path(folder)), {}
        for setting in options.settings:
            try:
                columns[setting] = differences(expected, run(setting, Path(folder)))
            except subprocess.CalledProcessError as error:
                # This machine lacks what was asked for.
                columns[setting] = {}
                print(f"{setting}: not run here ({error.stderr.strip().splitlines()[-1]})", file=sys.stderr)
    rows = dict.fromkeys(key.rpartition("/")[0].rpartition("/")[0] for key in expected)
    print(f"| row | {' | '.join(columns)} |\n{'|---' * (len(columns) + 1)}|")
    for row in rows:
        print(f"| {row} | {' | '.join(found.get(row, '-') for found in columns.values())} |")
    kernels = [found for setting, found in columns.items() if setting.startswith(KERNELS)]
    return int(any(set(found.values()) - {"equal"} for found in kernels))


def run(setting: str, folder: Path) -> Pixels:
    """Make the pixels in a process of its own."""
    place = folder / f"{setting}.npz"
    command = [sys.executable, __file__, *sys.argv[1:], "--save", str(place)]
    subprocess.run(command, env=os.environ | SETTINGS[setting], check=True, stderr=subprocess.PIPE, text=True)
    with np.load(place) as found:
        return dict(found)


def made(options: argparse.Namespace) -> Pixels:
    """Make every row at every severity of every photograph; rows whose pictures are missing stay out."""
    pixels = {}
    height, width = options.sides
    with single_threaded():
        for table in options.tables:
            rows = catalog.preset(table).rows
            for row in options.rows or rows:
                for severity in (s for s in options.severities if s <= rows[row].level_count):
                    for name in NAMES:
                        image = cv2.resize(
                            getattr(data, name)()[..., :3], (width, height), interpolation=cv2.INTER_AREA
                        )
                        try:
                            made = corruptgen.corrupt(image, row, severity, preset=table, key=name)
                        except (AssetError, ImageError):
                            continue
                        pixels[f"{table}/{row}/{severity:g}/{name}"] = made
    return pixels


def differences(expected: Pixels, found: Pixels) -> dict[str, str]:
    """Word by table and row what share of the samples differs, and by how many grey levels at most."""
    shares: dict[str, list[float]] = {}
    steps: dict[str, int] = {}
    for key, pixels in expected.items():
        row = "/".join(key.split("/")[:2])
        apart = np.abs(pixels.astype(int) - found[key])
        shares.setdefault(row, []).append(float((apart > 0).mean()))
        steps[row] = max(steps.get(row, 0), int(apart.max()))
    return {
        row: f"{100 * float(np.mean(shares[row])):.4f} %, {steps[row]}" if steps[row] else "equal" for row in shares
    }


if __name__ == "__main__":
    sys.exit(main())
