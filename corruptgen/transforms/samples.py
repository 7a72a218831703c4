"""Samples of datasets: which part is the picture, what the picture is called, and how it is prepared."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.images import read_pixels
from corruptgen.errors import ImageError, RecipeError, Rejected, SourceError, describe_error, unknown
from corruptgen.recipe.recipe import SECTIONS
from corruptgen.records import Decoding
from corruptgen.store.names import from_disk
from corruptgen.values.arguments import shown

IMAGE_COLUMNS, ID_COLUMNS = ("image", "img"), ("id", "image_id")
# What a `datasets` dataset without a name for its split calls it, as in the ids of `generate`.
WHOLE = "all"
CHECKS = SECTIONS["decode"]

_logger = logging.getLogger(__name__)

SEQUENCE = 4  # axes of the pixels of all frames
PlaceInSample = int | str
KeyOf = str | Callable[[int], str | int]


def decoding_of(decode: Decoding | Mapping[str, Any] | None) -> Decoding:
    """Take the keys of a recipe's [decode] section, and check their values as there.

    Raises
    ------
    RecipeError
        If a key is unknown or has a wrong value, or if it is the window, which these images do not have.
    """
    if isinstance(decode, Decoding):
        return _of_bytes(decode)
    values: dict[str, Any] = {}
    if decode is not None and not isinstance(decode, Mapping):
        raise RecipeError(f"decode is {shown(decode)}; pass the keys of a [decode] section, such as {{'resize': 256}}")
    for key, value in (decode or {}).items():
        if key not in CHECKS:
            raise RecipeError("decode: " + unknown("key of [decode]", str(key), CHECKS))
        try:
            values[key] = CHECKS[key](list(value) if isinstance(value, tuple) else value)
        except ValueError as error:
            raise RecipeError(f"decode {key}: found {value!r}, allowed is {error}") from None
    return _of_bytes(Decoding(**values))


def _of_bytes(decoding: Decoding) -> Decoding:
    if decoding.window is not None:
        raise RecipeError(
            "decode window: views and transforms take images of 8 bits; corruptgen.corrupt and generate keep depth"
        )
    return decoding


def pixels_of(picture: Any, decoding: Decoding, colour: str) -> NDArray[np.uint8]:
    """Prepare a picture as `generate` does: (H, W, C) uint8 of the bytes of a file, of a PIL image or of an array.

    Parameters
    ----------
    picture : object
        It.
    decoding : Decoding
        Size, orientation and colour.
    colour : str
        What the table does with files of grey images, if `decoding` does not state it; PIL images count as files,
        arrays are kept as they are.

    Raises
    ------
    Rejected
        If it is one that `generate` would reject.
    ImageError
        If it is no such thing.
    """
    if isinstance(picture, Mapping) and {"bytes", "path"} <= picture.keys():
        picture = _read(picture["path"]) if picture["bytes"] is None else picture["bytes"]
    if isinstance(picture, bytes | Image.Image) and decoding.colour is None:
        decoding = replace(decoding, colour=colour)
    if isinstance(picture, list):
        picture = _samples_of(picture)
    if isinstance(picture, Image.Image):
        if picture.mode not in ("L", "RGB"):
            raise ImageError(f"the PIL image has mode {picture.mode}; convert it to L or RGB first")
        picture = np.asarray(picture)
    if isinstance(picture, bytes | np.ndarray):
        pixels, notes = read_pixels(picture, decoding)
        for note in notes:
            _say_once(note)
        return pixels
    raise ImageError(
        f"the picture is a {type(picture).__name__}; pass the dataset without transforms, so that it is a PIL image, a "
        "uint8 array or the bytes of a file, and transform afterwards with transform="
    )


@lru_cache
def _say_once(note: str) -> None:
    """Log what was passed over in a file, the first time that a process meets it."""
    _logger.warning("images are taken although their files have this, which changes no pixel: %s", note)


def _samples_of(nested: list[Any]) -> NDArray[np.uint8]:
    """Make samples of the nested lists of an array column; none of them is changed."""
    try:
        samples = np.array(nested)
    except ValueError as error:
        raise Rejected("is no rectangular array") from error
    if samples.dtype.kind not in "iu" or not samples.size or samples.min() < 0 or samples.max() > 255:
        raise Rejected("is an array of other values than the whole numbers 0 to 255; scale it to them first")
    return samples.astype(np.uint8)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Rejected(f"cannot be read: {describe_error(error)}") from error


def like_picture(pixels: NDArray[np.uint8], picture: Any) -> Any:
    """Return pixels as an array where the picture was one, else as a PIL image; frames as an array, or a list."""
    if isinstance(picture, np.ndarray):
        return pixels[..., 0] if picture.ndim == 2 else pixels
    if pixels.ndim == SEQUENCE:
        return [like_picture(frame, picture) for frame in pixels]
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def with_part(sample: Any, part: PlaceInSample | None, value: Any) -> Any:
    """Return a sample with another picture; None: the sample is the picture itself."""
    if part is None:
        return value
    if isinstance(sample, Mapping):
        return {**sample, part: value}
    changed = list(sample)
    changed[int(part)] = value
    return changed if isinstance(sample, list) else tuple(changed)


def part_of(sample: Any, chosen: PlaceInSample | None) -> PlaceInSample | None:
    """Find out which part of a sample is the picture: the chosen one, the first one, or a column with a usual name."""
    if chosen is not None:
        return chosen
    if isinstance(sample, Mapping) and not {"bytes", "path"} <= sample.keys():
        return image_column(sample, None)
    return 0 if isinstance(sample, tuple | list) else None


def image_column(columns: Mapping[str, Any], chosen: str | None) -> str:
    """Find the column of images."""
    found = chosen or next((name for name in IMAGE_COLUMNS if name in columns), None)
    if found is None or found not in columns:
        raise SourceError(f"there is no column of images {chosen or ''!r} among {', '.join(columns)}; pass image=")
    return found


def id_column(columns: Mapping[str, Any], chosen: str | None) -> str | None:
    """Find the column of ids; None if there is none and none was chosen."""
    if chosen is not None and chosen not in columns:
        raise SourceError(f"there is no column of ids {chosen!r} among {', '.join(columns)}; pass key=")
    return chosen or next((name for name in ID_COLUMNS if name in columns), None)


def listed_files(dataset: Any) -> list[str] | None:
    """Return the paths of the files of a folder dataset, such as torchvision's `ImageFolder`; None for any other."""
    listed, root = getattr(dataset, "samples", None), getattr(dataset, "root", None)
    if root is None or not isinstance(listed, list) or not listed:
        return None
    files = [entry[0] for entry in listed if isinstance(entry, tuple) and isinstance(entry[0], str | os.PathLike)]
    return [os.fspath(file) for file in files] if len(files) == len(listed) else None


def whole_of(dataset: Any) -> tuple[Any, list[int] | None]:
    """Return what a `torch.utils.data.Subset` is taken from, and the numbers of its items there; None: all of them."""
    order = None
    while hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        taken = list(dataset.indices)
        order = taken if order is None else [taken[index] for index in order]
        dataset = dataset.dataset
    return dataset, order


def relative_id(file: str, root: Any) -> str:
    """Name a file as a source of folders does: by its path relative to the folder, with "/"."""
    return from_disk(PurePath(os.path.relpath(file, root)).as_posix())


def is_huggingface(dataset: Any) -> bool:
    """Check whether this is a dataset of the library `datasets`, without loading it."""
    return hasattr(dataset, "features") and hasattr(dataset, "cast_column")
