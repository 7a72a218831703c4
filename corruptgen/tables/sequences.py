"""Sequences: how many frames a row makes of a picture, and all of them in one array."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, SampleFormat
from corruptgen.errors import ImageError
from corruptgen.randomness import Draws, Streams
from corruptgen.tables.cell import NO_INPUTS, Cell, Inputs
from corruptgen.values.arguments import severity_text

COUNT = "frames"
"""The parameter of a sequence that says how many frames there are."""
SIDE = 64  # pixels of the picture whose frames are counted, where nothing is known of sizes


def states_frames(cell: Cell) -> bool:
    """Check whether the parameters of a cell say how many frames it makes, of a picture of any size."""
    stated = cell.parameters.get(COUNT) if cell.corruption is not None and cell.corruption.is_sequence else None
    return type(stated) is int and stated > 0


def frame_count(cell: Cell, size: tuple[int, int] | None = None) -> int:
    """Return the number of frames of a sequence, 0 for a row that makes one image.

    That is its parameter `frames`; of a row without such a parameter, the frames of a grey picture are counted.

    Parameters
    ----------
    cell : Cell
        A row at a severity.
    size : (int, int) or None
        Height and width of that picture; None: a size that the table is for.
    """
    if not cell.is_sequence:
        return 0
    if states_frames(cell):
        return int(cell.parameters[COUNT])
    allowed = cell.sizes.allowed
    height, width = size or (allowed[0] if allowed else (max(SIDE, *cell.sizes.smallest),) * 2)
    picture = np.full((height, width, 3), 128, np.uint8)
    return sum(1 for _ in cell.frames(picture, Streams(0, "")))


def apply_to_picture(
    cell: Cell,
    picture: NDArray[Any],
    rng: Draws | Streams,
    form: SampleFormat = BYTE,
    count: int | None = None,
    inputs: Inputs = NO_INPUTS,
) -> NDArray[Any]:
    """Return what a dataset holds of a picture in a cell: an image, or the frames of a sequence as (frames, H, W, C).

    Where the table makes images of pictures, it does so of all of them, those of the table's size too.

    Parameters
    ----------
    cell : Cell
        The row at a severity.
    picture : ndarray, shape (H, W, C)
        As it was decoded.
    rng : Draws or Streams
        The draws of this picture in this cell.
    form : SampleFormat
        How its samples are stored.
    count : int or None
        The number of frames that are expected; None: any number.
    inputs : mapping of str to ndarray
        What the row takes beside the picture, by name.

    Raises
    ------
    ImageError
        If a sequence has another number of frames, or its frames differ in shape.
    """
    cell = cell.of_pictures()
    if not cell.is_sequence:
        return cell.apply(picture, rng, form, inputs)
    if form != BYTE:
        raise ImageError(f"{cell.row} of {cell.sizes.preset} makes frames of pictures of 8 bits")
    frames = cell.frames(picture, rng, inputs)
    place = f"{cell.row} of {cell.sizes.preset} at {severity_text(cell.severity)}"
    if count is None:
        return np.stack(list(frames))
    stacked: NDArray[Any] | None = None
    made = 0
    for frame in frames:
        # Filled one after the other: all of them twice would be much memory.
        if stacked is None:
            stacked = np.empty((count, *frame.shape), frame.dtype)
        if made < count and frame.shape != stacked.shape[1:]:
            raise ImageError(f"{place}: frame {made} has the shape {frame.shape}, and those before {stacked.shape[1:]}")
        if made < count:
            stacked[made] = frame
        made += 1
    if stacked is None or made != count:
        raise ImageError(
            f"{place} made {made} frames of this picture, and {count} are expected: a row makes the same number of "
            f"every picture, which is its parameter {COUNT!r} if it has one"
        )
    return stacked
