"""The picture of a card: one item of the dataset in its rows and severities, as it was stored."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from corruptgen.codecs.windowing import visible
from corruptgen.engine.plan import CLEAN
from corruptgen.errors import PublishError
from corruptgen.sinks.protocol import SEQUENCE
from corruptgen.values.arguments import severity_text
from corruptgen.values.choice import choose_evenly
from corruptgen.verification.dataset import FinishedDataset

PAPER, INK = (255, 255, 255), (20, 20, 20)
QUALITY = 85
# A card is no gallery: of more rows, as many are shown, evenly chosen.
MOST_ROWS, MOST_SEVERITIES = 24, 6
# Of a sequence, and what lies between them.
STRIP_FRAMES, STRIP_MARGIN = 5, 2


def draw_picture(dataset: FinishedDataset) -> bytes:
    """Draw the first item of a dataset in its cells, rows from top to bottom and severities from left to right.

    Returns
    -------
    bytes
        A JPEG of a few hundred kB.

    Raises
    ------
    PublishError
        If there is no item.
    OutputError
        If an image cannot be read.
    """
    table = next((table for table in dataset.tables if table.made), None)
    if table is None:
        raise PublishError("the dataset has no items to show")
    record = table.made[0]
    rows = choose_evenly([row for row in dataset.configs if row != CLEAN[0]], MOST_ROWS)
    severities = choose_evenly(dataset.recipe.corrupt.all_severities, MOST_SEVERITIES)
    columns = [0.0, *severities] if dataset.recipe.output.clean else severities

    def image(row: str, severity: float) -> Image.Image | None:
        cell = CLEAN if severity == 0 else (row, severity)
        if cell not in dataset.cells:
            return None
        pixels = visible(dataset.picture(*cell, record))
        return film_strip(pixels, CARD_STYLE.side) if pixels.ndim == SEQUENCE else _thumbnail(pixels)

    lines = {row: [image(row, severity) for severity in columns] for row in rows}
    titles = [severity_text(severity) if severity else "clean" for severity in columns]
    return _jpeg(draw_sheet(titles, lines, CARD_STYLE))


@dataclass(frozen=True)
class Style:
    """How large things are on a sheet, in pixels."""

    side: int
    """The longer one of each image."""
    margin: int
    font: int


CARD_STYLE = Style(side=112, margin=4, font=14)


def draw_sheet(titles: Sequence[str], lines: Mapping[str, Sequence[Image.Image | None]], style: Style) -> Image.Image:
    """Lay pictures out in lines with their names, below the titles of the columns.

    Parameters
    ----------
    titles : sequence of str
        Of the columns, from left to right.
    lines : mapping of str to sequence of PIL.Image.Image or None
        The pictures of each line by its name, from top to bottom; None leaves a place empty.
    style : Style
        Sizes.

    Returns
    -------
    PIL.Image.Image
        In colour.
    """
    font = ImageFont.load_default(size=style.font)
    # Film strips are wider than the clean image beside them.
    columns = [[line[number] for line in lines.values() if number < len(line)] for number in range(len(titles))]
    widths = [max((picture.width for picture in column if picture), default=0) + style.margin for column in columns]
    labels = round(max((font.getlength(name) for name in lines), default=0)) + 2 * style.margin
    top, lefts = style.font + 2 * style.margin, list(accumulate(widths, initial=labels))
    heights = [
        max((picture.height for picture in line if picture), default=style.font) + style.margin
        for line in lines.values()
    ]
    sheet = Image.new("RGB", (lefts[-1], top + sum(heights)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        centre = lefts[column] + (widths[column] - style.margin) / 2
        pen.text((centre, top / 2), title, fill=INK, font=font, anchor="mm")
    y = top
    for (name, line), height in zip(lines.items(), heights, strict=True):
        pen.text((style.margin, y + (height - style.margin) / 2), name, fill=INK, font=font, anchor="lm")
        for column, picture in enumerate(line):
            if picture is not None:
                sheet.paste(picture, (lefts[column], y))
        y += height
    return sheet


def rgb_picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels, (H, W), (H, W, 1) or (H, W, 3), as a picture in colour."""
    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    return Image.fromarray(pixels[..., 0] if grey else pixels).convert("RGB")


def shrink(picture: Image.Image, side: int) -> Image.Image:
    """Return a picture whose longer side has this many pixels."""
    longer = max(picture.size)
    width, height = (max(1, round(length * side / longer)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def enlarge(picture: Image.Image, side: int) -> Image.Image:
    """Return a picture enlarged by the largest whole factor that `side` leaves room for, so that pixels can be seen."""
    factor = max(1, side // max(picture.size))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def film_strip(frames: NDArray[np.uint8], side: int) -> Image.Image:
    """Lay some frames of a sequence side by side, the first and the last among them.

    Parameters
    ----------
    frames : ndarray of uint8, shape (frames, H, W, C)
    side : int
        The most pixels that the longer side of a frame has.
    """
    chosen = [rgb_picture(frame) for frame in choose_evenly(list(frames), STRIP_FRAMES)]
    small = [shrink(frame, side) if max(frame.size) > side else frame for frame in chosen]
    width, height = small[0].size
    strip = Image.new("RGB", ((width + STRIP_MARGIN) * len(small) - STRIP_MARGIN, height), PAPER)
    for place, frame in enumerate(small):
        strip.paste(frame, (place * (width + STRIP_MARGIN), 0))
    return strip


def _thumbnail(pixels: NDArray[np.uint8]) -> Image.Image:
    picture = rgb_picture(pixels)
    is_small = 2 * max(picture.size) <= CARD_STYLE.side
    return enlarge(picture, CARD_STYLE.side) if is_small else shrink(picture, CARD_STYLE.side)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
