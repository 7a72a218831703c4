"""Stored images of a finished dataset, read back with their depth, and as people see them."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.high_bit_depth import decode_lossless
from corruptgen.codecs.pixels import BYTE
from corruptgen.codecs.windowing import CleanImage, screen_levels
from corruptgen.engine.manifest import ItemRecord, recorded_picture
from corruptgen.errors import OutputError, Rejected
from corruptgen.publish.finished import Finished
from corruptgen.sinks import Part


def stored(dataset: Finished, cell: tuple[str, float], part: Part, record: ItemRecord) -> CleanImage:
    """Read an image back as it is stored.

    Parameters
    ----------
    dataset : Finished
        The finished dataset.
    cell : (str, float)
        Row and severity.
    part : Part
        The part of the output that the item lies in.
    record : ItemRecord
        What is known about the item.

    Raises
    ------
    OutputError
        If it is missing, or is damaged.
    """
    index = dataset.cells.index(cell)
    number = [item.id for item in part.items].index(record.id)
    try:
        image = dataset.made.sink.images(index, part)[number]
        if image is None:
            raise Rejected("is missing")
        return recorded_picture(decode_lossless(image) if isinstance(image, bytes) else image, record.samples)
    except Rejected as error:
        name = dataset.made.sink.name(index, part, part.items[number])
        raise OutputError(f"{name} {error}; `corruptgen verify` reports what is damaged") from error


def visible(found: CleanImage) -> NDArray[np.uint8]:
    """Return an image as a screen shows it: of one with a window, what lies between black and white, in 8 bits."""
    return found.pixels if found.form == BYTE else screen_levels(found.pixels, found.form)
