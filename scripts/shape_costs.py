"""Measure what chains and places cost beside the rows that they are made of, and what sequences hold in memory.

python scripts/shape_costs.py                       # a table for docs/shapes.md

Times are medians of the processor time of one thread, images of 224×224; the candidates of a line are called in turn.
"""

import argparse
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
import skimage.data

import corruptgen
from corruptgen.randomness import Streams
from corruptgen.tables import catalog
from corruptgen.tables.extension import extend

ROWS = ("gaussian_noise", "defocus_blur", "fog", "contrast", "pixelate", "jpeg_compression", "brightness")
SIDE, SEVERITY = 224, 3


def main() -> int:
    """Print the tables; 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="imagecorruptions")
    parser.add_argument("--repeats", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    picture = skimage.data.astronaut()
    image = np.ascontiguousarray(picture[: SIDE * 2 : 2, : SIDE * 2 : 2])
    table = catalog.preset(options.preset)
    names = list(pairwise(ROWS))
    chains = [{"name": f"{a}__{b}", "steps": [{"row": a}, {"row": b}]} for a, b in names]
    chained = extend(table, chains, None)
    local = extend(table, (), {"side": 32, "where": "grid"})

    def call(preset: catalog.Preset, row: str) -> Callable[[], object]:
        cell = preset.cell(row, SEVERITY)
        return lambda: cell.apply(image, Streams(0, "a"))

    print("| chain | first, ms | second, ms | chain, ms | chain / sum |\n|---|---|---|---|---|")
    ratios = []
    for a, b in names:
        first, second, both = medians([call(table, a), call(table, b), call(chained, f"{a}__{b}")], options.repeats)
        ratios.append(both / (first + second))
        print(f"| {a}, {b} | {first:.3f} | {second:.3f} | {both:.3f} | {ratios[-1]:.2f} |")
    print("\n| row | whole, ms | within a square of 32, ms | more, ms |\n|---|---|---|---|")
    more = []
    for row in ROWS:
        whole, within = medians([call(table, row), call(local, row)], options.repeats)
        more.append(within - whole)
        print(f"| {row} | {whole:.3f} | {within:.3f} | {more[-1]:.3f} |")
    frame, most = held_by_frames(np.ascontiguousarray(picture))
    print(f"\nA sequence of 31 frames, one after the other: at most {most / frame:.1f} frames in memory.")
    return int(statistics.median(ratios) > 1.1 or statistics.median(more) > 0.1)


def medians(candidates: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Return the median of the processor time of each candidate, in milliseconds; they are called in turn."""
    taken: list[list[float]] = [[] for _ in candidates]
    for number in range(repeats + 3):
        for candidate, times in zip(candidates, taken, strict=True):
            start = time.thread_time()
            candidate()
            if number >= 3:
                times.append((time.thread_time() - start) * 1000)
    return [statistics.median(times) for times in taken]


def held_by_frames(picture: np.ndarray) -> tuple[int, int]:
    """Return the bytes of a frame, and the most that going through a sequence holds."""
    frames = corruptgen.frames(picture, "brightness", preset="imagenet-p")
    next(frames)
    tracemalloc.start()
    size = max(frame.nbytes for frame in frames)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size, most


if __name__ == "__main__":
    sys.exit(main())
