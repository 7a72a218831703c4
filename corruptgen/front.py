"""The front door: corrupt one image that is already in memory."""

from functools import lru_cache
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen import catalog
from corruptgen.cell import Cell
from corruptgen.errors import ImageError, SeverityError
from corruptgen.randomness import Draws, pixels_digest, rng_for

Picture = TypeVar("Picture", NDArray[np.uint8], Image.Image)

PIL_MODES = ("L", "RGB")
# For rows that draw nothing: small images take hardly longer than finding out how they are called.
UNUSED = rng_for(0, "", None, "")


def corrupt(
    image: Picture,
    row: str,
    severity: float,
    *,
    preset: str = "imagecorruptions",
    seed: int = 0,
    key: str | int | None = None,
    rng: Draws | None = None,
) -> Picture:
    """Corrupt an image.

    Parameters
    ----------
    image : uint8 array of shape (H, W), (H, W, 1) or (H, W, 3), or a PIL image of mode L or RGB; it is not changed
    row : row of the severity table, as `rows(preset)` lists them
    severity : 0 is the clean image, 1 to the table's last level are its levels, numbers between lie between two levels
    preset : a built-in severity table, as `presets()` lists them, or the path of a .toml of your own
    seed : another seed gives other draws
    key : the name of the image; the same name gives the same draws whatever the order and number of calls.
        None takes a digest of the image's pixels.
    rng : draws to use instead of the keyed ones: anything with the methods of `Draws`, such as a numpy Generator

    Returns
    -------
    A new image of the same kind, shape and type.

    Raises
    ------
    UnknownName
        If there is no such preset or row.
    SeverityError
        If the severity is outside of the table's levels.
    ImageError
        If the image is of another kind or type, or of a size that the table does not hold for.
    """
    if isinstance(severity, bool) or not isinstance(severity, int | float | np.integer | np.floating):
        raise SeverityError(f"severity is {severity!r}; it must be a number from 0 to the table's last level")
    cell = _cell(preset, row, float(severity))
    pixels = _pixels(image)
    if rng is None:
        rng = rng_for(seed, row, severity, _name(pixels, key)) if cell.draws else UNUSED
    result = cell.apply(pixels, rng)
    if isinstance(image, Image.Image):
        return Image.fromarray(result[..., 0] if image.mode == "L" else result)
    return cast(Picture, result.reshape(image.shape))


def presets() -> list[str]:
    """List the built-in severity tables."""
    return catalog.preset_names()


def rows(preset: str) -> list[str]:
    """List the rows of a severity table, in the table's order.

    Parameters
    ----------
    preset : a built-in severity table or the path of a .toml of your own
    """
    return list(catalog.preset(preset).rows)


@lru_cache(maxsize=4096)
def _cell(preset: str, row: str, severity: float) -> Cell:
    return catalog.preset(preset).cell(row, severity)


def _name(pixels: NDArray[np.uint8], key: str | int | None) -> str | bytes:
    return pixels_digest(pixels) if key is None else str(key)


def _pixels(image: object) -> NDArray[np.uint8]:
    """Give any accepted image as (H, W, C), without a copy where it is one already."""
    if isinstance(image, Image.Image):
        if image.mode not in PIL_MODES:
            raise ImageError(f"the PIL image has mode {image.mode}; convert it to one of {', '.join(PIL_MODES)} first")
        image = np.array(image)
    if not isinstance(image, np.ndarray):
        raise ImageError(f"the image is a {type(image).__name__}; give a numpy array or a PIL image")
    if image.dtype != np.uint8:
        raise ImageError(f"the image has samples of type {image.dtype}; give uint8, 0 to 255")
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise ImageError(f"the image has shape {image.shape}; give (H, W), (H, W, 1) or (H, W, 3), none of them 0")
    return pixels
