"""The front door: corrupt one image that is already in memory."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.pixels import BYTE, SampleFormat
from corruptgen.codecs.windowing import DTYPES, clip_to_window, find_window, samples_of_array
from corruptgen.errors import ArgumentError, ImageError, Rejected
from corruptgen.randomness import Draws, Streams, pixels_digest
from corruptgen.tables import catalog
from corruptgen.tables.cell import NO_INPUTS, Cell, Inputs
from corruptgen.values.arguments import (
    check_draws,
    normalise_key,
    normalise_seed,
    normalise_severity,
    preset_name,
    text_value,
    truth_value,
    window_ends,
)

ArrayOrImage = TypeVar("ArrayOrImage", NDArray[Any], Image.Image)

MOST_CHANNELS = 16
PIL_MODES = ("L", "RGB")
EIGHT_BITS = np.dtype(np.uint8)
# Handed to rows that draw nothing: to name an image takes longer than to brighten a small one.
UNUSED = Streams(0, "")


def corrupt(
    image: ArrayOrImage,
    row: str,
    severity: float,
    *,
    preset: str = "imagecorruptions",
    seed: int = 0,
    key: str | int | None = None,
    rng: Draws | None = None,
    window: tuple[float, float] | None = None,
    inputs: Inputs | None = None,
    clip: bool = True,
) -> ArrayOrImage:
    """Corrupt an image.

    Parameters
    ----------
    image : ArrayOrImage
        uint8 array of shape (H, W), (H, W, 1) or (H, W, 3), or a PIL image of mode L or RGB; it is not changed. With a
        window, also an array of uint16, int16 or float32. Rows that take any number of channels take 1 to 16. Where the
        table resizes and crops, the picture before that.
    row : str
        Row of the severity table, as `rows(preset)` lists them.
    severity : float
        0 is the clean image, 1 to the table's last level are its levels, numbers between lie between two levels;
        rounded to five decimals.
    preset : str, default "imagecorruptions"
        A built-in severity table, as `presets()` lists them, or the path of a .toml of your own.
    seed : int, default 0
        Any whole number of at most 128 bits; another seed produces other draws.
    key : str or int or None
        The name of the image, a text or a whole number; the same name produces the same draws whatever the order and
        number of calls. None takes a digest of the image's pixels.
    rng : Draws or None
        Draws to use instead of the keyed ones: anything with the methods of `Draws`, such as a numpy Generator.
    window : (float, float) or None
        The samples that stand for black and white; those beyond become black or white, in the result too. None: 0 and
        255.
    inputs : mapping of str to ndarray or None
        What the row takes beside the image, by name, such as {"depth": array}; each of the image's height and width.
    clip : bool, default True
        False: results beyond black and white stay as they are, which only an image of float32 with a window can hold.

    Returns
    -------
    ArrayOrImage
        A new image of the same kind, shape and type.

    Raises
    ------
    UnknownName
        If there is no such preset or row.
    SeverityError
        If the severity is outside of the table's levels.
    ArgumentError
        If another argument is of a kind that is not allowed.
    ImageError
        If the image is of another kind or type, or of a size that the table does not hold for.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> foggy = corrupt(image, "fog", 3, preset="natural", key="a.png")
    >>> foggy.shape, foggy.dtype
    ((64, 64, 3), dtype('uint8'))
    >>> np.array_equal(foggy, corrupt(image, "fog", 3, preset="natural", key="a.png"))
    True
    """
    severity, seed = normalise_severity(severity), normalise_seed(seed)
    name = None if key is None else normalise_key(key)
    if rng is not None:
        check_draws(rng)
    cell = catalog.cell(preset_name(preset), text_value("row", row), severity)
    pixels, form = check_image(image, window)
    if not truth_value("clip", clip):
        if not np.issubdtype(np.dtype(form.dtype), np.floating):
            raise ArgumentError("clip=False is for images of float32 with a window, such as window=(0, 1)")
        form = replace(form, clips=False)
    streams = _streams(cell, seed, name, pixels) if rng is None else rng
    return like_input(cell.apply(pixels, streams, form, inputs or NO_INPUTS), image)


def frames(
    image: ArrayOrImage,
    row: str,
    severity: float = 1,
    *,
    preset: str,
    seed: int = 0,
    key: str | int | None = None,
    rng: Draws | None = None,
    inputs: Inputs | None = None,
) -> Iterator[ArrayOrImage]:
    """Make the frames of a row that is a sequence, one after the other.

    Parameters
    ----------
    image : ArrayOrImage
        uint8 array of shape (H, W), (H, W, 1) or (H, W, 3), or a PIL image of mode L or RGB; it is not changed. The
        picture before the crop, which the table makes; for rows that act on the image alone, also an image of the
        table's size.
    row : str
        Row of the severity table.
    severity : float, default 1
        The difficulty; a level of the table, or a number between two levels.
    preset : str
        A built-in severity table, such as "imagenet-p", or the path of a .toml of your own.
    seed, key, rng, inputs : int, str or int or None, Draws or None, mapping of str to ndarray or None
        As for `corrupt`.

    Returns
    -------
    iterator of ArrayOrImage
        An iterator of new images of the same kind as `image`. Only one frame is in memory at a time.

    Raises
    ------
    UnknownName
        If there is no such preset or row.
    SeverityError
        If the severity is outside of the table's levels.
    ArgumentError
        If another argument is of a kind that is not allowed.
    ImageError
        If the row is no sequence, or the image is of a kind or size that the table does not hold for.

    Examples
    --------
    >>> import numpy as np
    >>> import corruptgen
    >>> image = np.zeros((32, 32, 3), np.uint8)
    >>> [frame.shape for frame in corruptgen.frames(image, "translate", preset="cifar-p")][:2]
    [(32, 32, 3), (32, 32, 3)]
    """
    severity, seed = normalise_severity(severity), normalise_seed(seed)
    name = None if key is None else normalise_key(key)
    if rng is not None:
        check_draws(rng)
    cell = catalog.cell(preset_name(preset), text_value("row", row), severity)
    pixels, _ = check_image(image)
    streams = _streams(cell, seed, name, pixels) if rng is None else rng
    made = cell.frames(pixels, streams, inputs or NO_INPUTS)
    return (like_input(frame, image) for frame in made)


def _streams(cell: Cell, seed: int, key: str | None, pixels: NDArray[Any]) -> Streams:
    """Return the streams of an image, by its name or by its pixels."""
    return Streams(seed, pixels_digest(pixels) if key is None else key) if cell.draws else UNUSED


def presets() -> list[str]:
    """List the built-in severity tables.

    Returns
    -------
    list of str
        Their names, sorted.

    Examples
    --------
    >>> "imagenet-c" in presets()
    True
    """
    return catalog.preset_names()


def rows(preset: str) -> list[str]:
    """List the rows of a severity table, in the table's order.

    Parameters
    ----------
    preset : str
        A built-in severity table or the path of a .toml of your own.

    Returns
    -------
    list of str
        The names of the rows.

    Examples
    --------
    >>> rows("natural")[:3]
    ['gaussian_noise', 'shot_noise', 'impulse_noise']
    """
    return list(catalog.preset(preset_name(preset)).rows)


def check_image(image: object, window: tuple[float, float] | None = None) -> tuple[NDArray[Any], SampleFormat]:
    """Return any accepted image as (H, W, C) in C order, copied only if needed, and what its samples mean.

    Raises
    ------
    ImageError
        If the image is of another kind or type than `corrupt` takes.
    """
    window = window_ends(window)
    if not isinstance(image, np.ndarray):
        image = _samples_of(image)
    if image.dtype != EIGHT_BITS and window is None:
        advice = (
            "; or set with window=(low, high) which of them are black and white" if image.dtype.name in DTYPES else ""
        )
        raise ImageError(f"the image has samples of type {image.dtype}; pass uint8, 0 to 255{advice}")
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.shape[2] > MOST_CHANNELS or 0 in pixels.shape:
        raise ImageError(
            f"the image has shape {image.shape}; pass (H, W), (H, W, 1) or (H, W, 3), none of them 0; up to "
            f"{MOST_CHANNELS} channels for rows that take any number"
        )
    if window is None:
        return np.ascontiguousarray(pixels), BYTE
    try:
        found = samples_of_array(pixels)
        form = find_window(found, window)
        return clip_to_window(found.pixels, form), form
    except Rejected as error:
        raise ImageError(f"the image {error}") from error


def like_input(pixels: NDArray[Any], image: ArrayOrImage) -> ArrayOrImage:
    """Return pixels of shape (H, W, C) as an image of the kind and shape of another one."""
    if isinstance(image, np.ndarray):
        return pixels if pixels.ndim == image.ndim else pixels[..., 0]
    return Image.fromarray(pixels[..., 0] if image.mode == "L" else pixels)


def _samples_of(image: object) -> NDArray[np.uint8]:
    if not isinstance(image, Image.Image):
        raise ImageError(f"the image is a {type(image).__name__}; pass a numpy array or a PIL image")
    if image.mode not in PIL_MODES:
        raise ImageError(f"the PIL image has mode {image.mode}; convert it to one of {', '.join(PIL_MODES)} first")
    return np.array(image)
