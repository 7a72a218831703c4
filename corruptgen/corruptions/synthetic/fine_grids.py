"""Grids finer than the pixels, on which patterns are drawn that shall be the same at every size of an image."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
# A pattern is computed at this many points along the shorter side, or more.
POINTS = 224


@dataclass(frozen=True)
class FineGrid:
    """Points within the pixels of an image; what is drawn at them is averaged, so that nothing is aliased.

    Without that, a pattern that is finer than the pixels of a small image would become another, coarser one there.
    """

    height: int
    width: int
    points: int = POINTS
    """How many there are along the shorter side at least: more, where a pattern has sharp edges."""

    @property
    def per_pixel(self) -> int:
        """Return how many points a pixel has along each side."""
        return max(1, math.ceil(self.points / min(self.height, self.width)))

    @property
    def shape(self) -> tuple[int, int]:
        """Return the number of points down and across."""
        return self.height * self.per_pixel, self.width * self.per_pixel

    @property
    def side(self) -> int:
        """Return the number of points along the shorter side."""
        return min(self.shape)

    def places(self) -> tuple[Float32, Float32]:
        """Return where the points are, down (h, 1) and across (1, w), as fractions of the shorter side."""
        rows, columns = (((np.arange(length) + 0.5) / self.side).astype(np.float32) for length in self.shape)
        return rows[:, None], columns[None, :]

    def average(self, pattern: NDArray[Any]) -> Float32:
        """Return the mean of a pattern within each pixel, (H, W), of one at the points."""
        count = self.per_pixel
        blocks = pattern.reshape(self.height, count, self.width, count)
        return blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
