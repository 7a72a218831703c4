"""Contact sheets: one picture that shows an image under every chosen row and severity, or the frames of sequences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.pixels import SampleFormat
from corruptgen.codecs.windowing import screen_levels
from corruptgen.publishing.picture import Style, draw_sheet, enlarge, rgb_picture, shrink
from corruptgen.tables import catalog
from corruptgen.tables.api import PIL_MODES, corrupt, frames
from corruptgen.values.arguments import severity_text
from corruptgen.values.choice import choose_evenly

THUMBNAIL = 224  # pixels, longer side
FRAMES = 7  # of a film strip
STYLE = Style(side=THUMBNAIL, margin=8, font=20)


def draw_contact_sheet(
    image: NDArray[Any] | Image.Image,
    preset: str,
    levels: Mapping[str, Sequence[float]],
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
    levels : mapping of str to sequence of float
        The severities of each row of the table, rows from top to bottom and severities from left to right.
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
    pixels = _pixels(image)
    severities = sorted({severity for chosen in levels.values() for severity in chosen})

    def picture(row: str, severity: float) -> Image.Image:
        return _thumbnail(corrupt(pixels, row, severity, preset=preset, seed=seed, window=window), window)

    lines = {
        row: [picture(row, severity) if severity in (0, *chosen) else None for severity in (0, *severities)]
        for row, chosen in levels.items()
    }
    return draw_sheet(["clean", *map(severity_text, severities)], lines, STYLE)


def draw_film_strips(
    picture: NDArray[Any] | Image.Image, preset: str, levels: Mapping[str, Sequence[float]], seed: int
) -> Image.Image:
    """Draw some frames of every row and severity of a table, the first and the last among them; of an image itself.

    Parameters
    ----------
    picture : ndarray or PIL.Image.Image
        uint8 array (H, W), (H, W, 1) or (H, W, 3), or a Pillow image, before it is cropped.
    preset, seed : str, int
        As for `draw_contact_sheet`.
    levels : mapping of str to sequence of float
        The severities of each row, each of which is a line of its own.

    Returns
    -------
    PIL.Image.Image
        An RGB image; below the titles the frames are numbered from 0.
    """
    table, pixels, lines = catalog.preset(preset), _pixels(picture), {}
    for row, severities in levels.items():
        for severity in severities:
            is_sequence = table.cell(row, severity).is_sequence
            made = (
                list(frames(pixels, row, severity, preset=preset, seed=seed))
                if is_sequence
                else [corrupt(table.staging.image(pixels), row, severity, preset=preset, seed=seed)]
            )
            chosen = choose_evenly(made, FRAMES)
            lines[f"{row} {severity_text(severity)}"] = [_thumbnail(frame, None) for frame in chosen]
    most = max(map(len, lines.values()), default=0)
    return draw_sheet(["first", *[""] * max(0, most - 2), "last"], lines, STYLE)


def _pixels(image: NDArray[Any] | Image.Image) -> NDArray[Any]:
    if isinstance(image, Image.Image) and image.mode not in PIL_MODES:
        image = image.convert("RGB")
    return np.array(image)


def _thumbnail(pixels: NDArray[Any], window: tuple[float, float] | None) -> Image.Image:
    if window is not None:
        low, high = window
        pixels = screen_levels(pixels, SampleFormat(pixels.dtype.name, high - low, low))
    picture = rgb_picture(pixels)
    return shrink(picture, THUMBNAIL) if max(picture.size) > THUMBNAIL else enlarge(picture, THUMBNAIL)
