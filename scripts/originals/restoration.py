"""RAM and CDD-11: what image restoration undoes."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import corruptgen
from originals.replay import DIFFERS, LEFT_OUT, Kept, Outcome, Replay, System, compare_pixels, rewritten

# The degradations of RAM: the row, and its strength.
RAM_FIXED = {
    "noise": ("noise_15", 15.0),
    "noise_25": ("noise_25", 25.0),
    "noise_50": ("noise_50", 50.0),
    "blur_2": ("blur", 2.0),
    "jpeg_50": ("jpeg_compression", 50.0),
}
# Those whose strength the original draws: the row, how it draws, and how the table writes a strength.
RAM_DRAWN: Mapping[str, tuple[str, Callable[[random.Random], float], Callable[[float], str]]] = {
    "noise_random": ("noise_15", lambda draws: draws.randint(0, 50), lambda levels: f"sigma = {levels / 255!r}"),
    "blur_random": ("blur", lambda draws: draws.choice(np.arange(2, 3.1, 0.1)), lambda sigma: f"sigma = {sigma!r}"),
    "jpeg_random": ("jpeg_compression", lambda draws: draws.randint(10, 90), lambda q: f"quality = {int(q)}"),
}


def compare_restoration(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare a degradation of RAM or CDD-11."""
    system, kind, name = entry.split("/")
    if "error" in described:
        return LEFT_OUT, "the original raises an error here"
    picture, seed = kept.picture(name), described["seed"]
    if system == "cdd":
        inputs = {key: plane for key, plane in planes(kind, *picture.shape[:2]).items() if needs(kind, key)}
        # The original takes the first channel for blue.
        draws = Replay(seed, of_torch=False, blue_first=True)
        flipped = np.ascontiguousarray(picture[..., ::-1])
        made = corruptgen.corrupt(flipped, kind, 1, preset="cdd-11", rng=draws, inputs=inputs)
        return compare_pixels(kept, entry, described, made[..., ::-1], name)
    table = "ram"
    if kind in RAM_DRAWN:
        row, draw, written = RAM_DRAWN[kind]
        strength = float(draw(random.Random(seed)))
        fixed = next(value for other, value in RAM_FIXED.values() if other == row)
        table = rewritten(table, kept.folder, f"{kind}-{strength}", {written(fixed): written(strength)})
    else:
        row, strength = RAM_FIXED[kind]
    if list(described["parameters"].values()) != [strength]:
        return DIFFERS, f"its parameters are {described['parameters']}, and the original's strength is {strength}"
    made = corruptgen.corrupt(picture, row, 1, preset=table, rng=Replay(seed, of_torch=False))
    return compare_pixels(kept, entry, described, made, name)


def planes(kind: str, height: int, width: int) -> dict[str, NDArray[np.float64]]:
    """Return the maps of CDD-11 by the formulas that the file of its results states."""
    rows, columns = np.mgrid[0:height, 0:width]
    y, x = rows / height, columns / width
    rain, snow = 0.5 * ((53 * rows + 17 * columns) % 97 < 2), (31 * rows * rows + 7 * columns) % 211 < 3
    return {
        "light": np.minimum(0.3 + 0.6 * np.exp(-((x - 0.6) ** 2 + (y - 0.3) ** 2) / 0.1), 1),
        "depth": 1 - 0.8 * y,
        "mask": (rain if "rain" in kind else snow).astype(np.float64),
    }


def needs(kind: str, plane: str) -> bool:
    """Check whether a degradation of CDD-11 takes a map."""
    makers = {"light": ("low",), "depth": ("haze",), "mask": ("rain", "snow")}[plane]
    return any(maker in kind.split("_") for maker in makers)


SYSTEMS: Mapping[str, System] = {"restoration": System(compare_restoration)}
