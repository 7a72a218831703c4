"""Contact sheets: one picture that shows an image under every chosen row and severity, labelled."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from corruptgen.codecs.pixels import SampleFormat
from corruptgen.codecs.windowing import screen_levels
from corruptgen.tables.api import PIL_MODES, corrupt
from corruptgen.values.arguments import severity_text

THUMBNAIL = 224  # pixels, longer side
MARGIN = 8
FONT_SIZE = 20
PAPER = (255, 255, 255)
INK = (20, 20, 20)


def draw_contact_sheet(
    image: NDArray[Any] | Image.Image,
    preset: str,
    rows: Sequence[str],
    severities: Sequence[float],
    seed: int,
    window: tuple[float, float] | None = None,
) -> Image.Image:
    """Draw `image` once per row and severity, the clean image in the first column.

    Parameters
    ----------
    image : ndarray or PIL.Image.Image
        uint8 array (H, W), (H, W, 1) or (H, W, 3), or a Pillow image.
    preset : str
        Name or path of the severity table.
    rows : sequence of str
        Rows of the table, from top to bottom.
    severities : sequence of float
        Columns, from left to right.
    seed : int
        Seed of the draws, as `corruptgen.corrupt` takes it.
    window : (float, float) or None
        The samples that stand for black and white: images keep their depth while they are corrupted, and are shown
        between black and white. None: 0 and 255.

    Returns
    -------
    PIL.Image.Image
        An RGB image. Images longer than `THUMBNAIL` are made smaller after they were corrupted; small ones are enlarged
        by a whole factor, so that their pixels can be seen.
    """
    if isinstance(image, Image.Image) and image.mode not in PIL_MODES:
        image = image.convert("RGB")
    pixels = np.array(image)
    font = ImageFont.load_default(size=FONT_SIZE)
    clean = _thumbnail(pixels, window)
    labels = round(max((font.getlength(row) for row in rows), default=0)) + 2 * MARGIN
    top = FONT_SIZE + 2 * MARGIN
    across, down = clean.width + MARGIN, clean.height + MARGIN
    sheet = Image.new("RGB", (labels + across * (len(severities) + 1), top + down * len(rows)), PAPER)
    pen = ImageDraw.Draw(sheet)

    for column, title in enumerate(["clean", *(severity_text(severity) for severity in severities)]):
        pen.text((labels + column * across + clean.width / 2, top / 2), title, fill=INK, font=font, anchor="mm")
    for line, row in enumerate(rows):
        y = top + line * down
        pen.text((MARGIN, y + clean.height / 2), row, fill=INK, font=font, anchor="lm")
        sheet.paste(clean, (labels, y))
        for column, severity in enumerate(severities, start=1):
            picture = _thumbnail(corrupt(pixels, row, severity, preset=preset, seed=seed, window=window), window)
            sheet.paste(picture, (labels + column * across, y))
    return sheet


def _thumbnail(pixels: NDArray[Any], window: tuple[float, float] | None) -> Image.Image:
    if window is not None:
        low, high = window
        pixels = screen_levels(pixels, SampleFormat(pixels.dtype.name, high - low, low))
    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    picture = Image.fromarray(pixels[..., 0] if grey else pixels).convert("RGB")
    longer = max(picture.size)
    if longer > THUMBNAIL:
        width, height = (max(1, round(side * THUMBNAIL / longer)) for side in picture.size)
        return picture.resize((width, height), Image.Resampling.LANCZOS)
    factor = THUMBNAIL // longer
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
