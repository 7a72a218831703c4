"""AVRobustBench: its images."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

import corruptgen
from originals.replay import DIFFERS, LEFT_OUT, Kept, Outcome, Replay, System, compare_pixels

# Rows that draw from Python's generator, all of it or all but normal numbers.
OF_PYTHON = ("rain", "crowd", "interference")


class TwoGenerators(Replay):
    """Draws of numpy's global generator and, where a row takes them from there, of Python's."""

    def __init__(self, seed: int, row: str) -> None:
        super().__init__(seed, of_torch=False)
        self.python = random.Random(seed)
        self._is_python = row in OF_PYTHON

    def uniform(self, low: float, high: float) -> float:
        """Draw a direction."""
        return self.python.uniform(low, high) if self._is_python else self.state.uniform(low, high)

    def integers(self, low: int, high: int | None = None) -> int:
        """Draw a whole number from [low, high), or from [0, low)."""
        if self._is_python:
            return self.python.randrange(low) if high is None else self.python.randrange(low, high)
        return int(self.state.randint(low, high))


def compare_images(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare an image, or name why the original has none."""
    row, level, name = entry.split("/")
    if error := described.get("error"):
        return LEFT_OUT, f"the original stops: {error[:60]}"
    if row == "crowd":
        return LEFT_OUT, "its six photographs of people are not known by their sha256; the table's are drawn"
    seed = described["seed"]
    common = TwoGenerators(seed, row)
    # scikit-image makes a generator of today's.
    draws: Any = np.random.default_rng(seed) if row == "impulse" else common
    row = row.removesuffix("_repaired")
    made = corruptgen.corrupt(kept.picture(name), row, int(level), preset="avrobust", rng=draws)
    following = common.state.random_sample(), common.python.random()
    if following != (described["next_numpy_random_sample"], described["next_python_random"]):
        return DIFFERS, "another number of draws was taken"
    return compare_pixels(kept, entry, described, made, name)


SYSTEMS: Mapping[str, System] = {"avrobust_224": System(compare_images)}
