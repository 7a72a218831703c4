"""The picture of a card: one item of the dataset in its rows and severities, as it was stored."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from corruptgen.codecs.windowing import visible
from corruptgen.engine.plan import CLEAN
from corruptgen.errors import PublishError
from corruptgen.values.arguments import severity_text
from corruptgen.verification.dataset import FinishedDataset

SIDE = 112  # pixels, the longer one of each image
MARGIN, FONT_SIZE = 4, 14
PAPER, INK = (255, 255, 255), (20, 20, 20)
QUALITY = 85
# A card is no gallery: of more rows, as many are shown, evenly chosen.
MOST_ROWS, MOST_SEVERITIES = 24, 6


def picture(dataset: FinishedDataset) -> bytes:
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
    rows = _chosen([row for row in dataset.configs if row != CLEAN[0]], MOST_ROWS)
    severities = _chosen(list(dataset.recipe.corrupt.severities or ()), MOST_SEVERITIES)
    columns = [0.0, *severities] if dataset.recipe.output.clean else severities

    def image(row: str, severity: float) -> Image.Image:
        cell = CLEAN if severity == 0 else (row, severity)
        return _thumbnail(visible(dataset.picture(*cell, record)))

    pictures = [[image(row, severity) for severity in columns] for row in rows]
    titles = [severity_text(severity) if severity else "clean" for severity in columns]
    return _jpeg(_sheet(pictures, rows, titles))


def _sheet(pictures: list[list[Image.Image]], rows: list[str], titles: list[str]) -> Image.Image:
    font = ImageFont.load_default(size=FONT_SIZE)
    label = round(max((font.getlength(row) for row in rows), default=0)) + 2 * MARGIN
    width, height = pictures[0][0].size if pictures else (0, 0)
    across, down, top = width + MARGIN, height + MARGIN, FONT_SIZE + 2 * MARGIN
    sheet = Image.new("RGB", (label + across * len(titles), top + down * len(rows)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        pen.text((label + column * across + width / 2, top / 2), title, fill=INK, font=font, anchor="mm")
    for line, (row, images) in enumerate(zip(rows, pictures, strict=True)):
        y = top + line * down
        pen.text((MARGIN, y + height / 2), row, fill=INK, font=font, anchor="lm")
        for column, shown in enumerate(images):
            sheet.paste(shown, (label + column * across, y))
    return sheet


def _thumbnail(pixels: NDArray[np.uint8]) -> Image.Image:
    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    image = Image.fromarray(pixels[..., 0] if grey else pixels).convert("RGB")
    scale = SIDE / max(image.size)
    if scale >= 2:
        # Small images are enlarged by a whole factor, so that their pixels can be seen.
        return image.resize((image.width * int(scale), image.height * int(scale)), Image.Resampling.NEAREST)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _chosen(values: list[Any], most: int) -> list[Any]:
    if len(values) <= most:
        return values
    return [values[place * (len(values) - 1) // (most - 1)] for place in range(most)]
