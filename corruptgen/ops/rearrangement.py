"""Rearrangements: warps that put every pixel into another place, and none twice."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.ops.warp import mirrored

Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rearrangement:
    """A warp that puts pixels into other places."""

    origin: Index
    """(H, W): the pixel that is seen at each place, counted row by row."""

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the rearranged image of an (H, W, C) one."""
        return image.reshape(-1, image.shape[2])[self.origin]

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`: also outside, where the image is mirrored."""
        return self._mapped(mirrored(positions, self.origin.shape), self.origin)

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`."""
        return self._mapped(positions, self._destination)

    @cached_property
    def _destination(self) -> Index:
        return np.argsort(self.origin, axis=None).reshape(self.origin.shape)

    @staticmethod
    def _mapped(positions: NDArray[np.float64], index: Index) -> NDArray[np.float64]:
        """Return positions as far from the pixel that stands for the nearest one as they are from that."""
        height, width = index.shape
        nearest = np.clip(np.rint(positions), 0, (height - 1, width - 1)).astype(np.intp)
        found = index[nearest[..., 0], nearest[..., 1]]
        return np.stack([found // width, found % width], axis=-1) + (positions - nearest)


def tile_order(size: tuple[int, int], grid: int, order: Index) -> Index:
    """Return the origins of a rearrangement of tiles.

    Parameters
    ----------
    size : (int, int)
        Height and width of the image.
    grid : int
        Number of tiles along each axis, at most one for each pixel. They are equally large: what is left over at the
        right and lower border stays where it is.
    order : ndarray of whole, shape (grid * grid,)
        The tile that is seen at the place of each, counted row by row.
    """
    height, width = size
    origin = np.arange(height * width).reshape(size)
    tall, wide = height // grid, width // grid
    tiles = origin[: tall * grid, : wide * grid].reshape(grid, tall, grid, wide).swapaxes(1, 2)
    moved = tiles.reshape(grid * grid, tall, wide)[order].reshape(grid, grid, tall, wide).swapaxes(1, 2)
    origin[: tall * grid, : wide * grid] = moved.reshape(tall * grid, wide * grid)
    return origin
