"""Frames: how the images of a sequence are called, and how many images an item has in all cells together."""

from collections.abc import Sequence

DIGITS = 3  # at least, so that names sort as numbers do


def frame_names(count: int) -> list[str]:
    """Return the names of the frames of a sequence, from "000" on.

    Parameters
    ----------
    count : int
        Their number.
    """
    digits = max(DIGITS, len(str(count - 1)))
    return [f"{number:0{digits}d}" for number in range(count)]


def frames_in(frames: Sequence[int], cell: int) -> int:
    """Return the number of frames of an item in a cell, 0 if it is one image; no `frames` at all: no cell has any."""
    return frames[cell] if frames else 0


def images_per_item(frames: Sequence[int], cells: int) -> int:
    """Return the number of images of one item in all cells together."""
    return sum(max(1, frames_in(frames, cell)) for cell in range(cells))
