"""Planes: arrays of numbers beside the images of a source, in files that are called as these, or computed of them."""

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs import dicom
from corruptgen.codecs.geometry import resize_and_crop
from corruptgen.codecs.high_bit_depth import read_samples
from corruptgen.codecs.images import EXTENSIONS
from corruptgen.containers.places import is_remote
from corruptgen.errors import RecipeError, Rejected
from corruptgen.recipe.input_choice import LABEL, UNIT, VALUES, PlaneChoice
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Decoding
from corruptgen.sources.folder import FolderSource
from corruptgen.sources.label_masks import label_mask
from corruptgen.sources.opening import path_of
from corruptgen.store.names import is_below, leads_out, on_disk

NPY = ".npy"
KINDS = (NPY, ".png", ".tif", ".tiff")
MASK = "mask"
# Added below a fraction, so that stored zeros have a value: 1 / (stored / NUMBER + this).
SMALL = 1e-6


@dataclass(frozen=True)
class PlaneSource:
    """Where one plane of every item is."""

    name: str
    choice: PlaneChoice
    root: Path | None = None
    """The folder; None: a function computes it."""

    @property
    def is_of_labels(self) -> bool:
        """Whether its values are not mixed when it is resized."""
        return self.name == MASK or self.choice.values.startswith(LABEL)

    def digest(self, item: str) -> str:
        """Return the sha256 of the file of an item; "" if a function computes it, or it cannot be read."""
        try:
            return "" if self.root is None else hashlib.sha256(self._file(item)[1]).hexdigest()
        except Rejected:
            return ""

    def read(
        self, item: str, pixels: NDArray[Any], native: tuple[int, int], decoding: Decoding
    ) -> tuple[NDArray[Any], str]:
        """Return the plane of an item at the size of its image, and the sha256 of the file, or of what was computed.

        Parameters
        ----------
        item : str
            Its id.
        pixels : ndarray, shape (H, W, C)
            The image, resized and cropped.
        native : (int, int)
            Height and width before that.
        decoding : Decoding
            How it was resized and cropped.

        Raises
        ------
        Rejected
            If there is none, or it does not fit.
        """
        if self.root is None:
            plane = self._computed(pixels)
            return self._limited(plane), hashlib.sha256(np.ascontiguousarray(plane).tobytes()).hexdigest()
        name, content = self._file(item)
        try:
            plane = self._limited(read_values(name, content, self.choice.values))
        except Rejected as error:
            raise Rejected(f"has a plane {self.name} in {name} that {error}") from error
        if plane.shape == native:
            plane = self._fitted(plane, decoding)
        if plane.shape != pixels.shape[:2]:
            sizes = ("×".join(map(str, size)) for size in (plane.shape, native))
            raise Rejected("has a plane {} of {}, and is {}".format(self.name, *sizes))
        return plane, hashlib.sha256(content).hexdigest()

    def _file(self, item: str) -> tuple[str, bytes]:
        """Find and read the file of an item."""
        root = self.root or Path()
        ending = PurePosixPath(item).suffix
        stem = item.removesuffix(ending) if ending.lower() in EXTENSIONS | dicom.EXTENSIONS else item
        if not is_below(stem):
            raise Rejected(f"has a name that leads out of the folder of {self.name}")
        found = [stem + kind for kind in KINDS if (root / on_disk(stem + kind)).is_file()]
        if len(found) != 1:
            what = f"several planes, {' and '.join(found)}" if found else f"no plane {stem}.npy, .png or .tif"
            raise Rejected(f"has {what} in the folder of {self.name}")
        if leads_out(os.path.realpath(root), root / on_disk(found[0])):
            raise Rejected(f"has a plane {found[0]} that lies outside of the folder of {self.name}")
        return found[0], FolderSource(root).file(found[0])

    def _computed(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Compute the plane of an image."""
        function = find_function(self.choice.function or "")
        plane = np.asarray(function(pixels.copy()))
        if plane.dtype.kind not in "buif":
            raise Rejected(f"has a plane {self.name} by {self.choice.function} of type {plane.dtype}, no numbers")
        plane = plane if plane.dtype == np.float64 else plane.astype(np.float32)
        if plane.shape != pixels.shape[:2] or not np.isfinite(plane).all():
            wanted = "×".join(map(str, pixels.shape[:2]))
            raise Rejected(
                f"has a plane {self.name} by {self.choice.function} of shape {plane.shape}, which must be finite "
                f"numbers of {wanted}"
            )
        return plane

    def _limited(self, plane: NDArray[Any]) -> NDArray[Any]:
        return plane if self.choice.limits is None else np.clip(plane, *self.choice.limits)

    def _fitted(self, plane: NDArray[Any], decoding: Decoding) -> NDArray[Any]:
        """Resize and crop a plane as the image is; labels are taken from the nearest pixel."""
        if decoding.resize is None and decoding.crop is None:
            return plane
        interpolation = "nearest" if self.is_of_labels else decoding.interpolation
        how = Decoding(resize=decoding.resize, crop=decoding.crop, order=decoding.order, interpolation=interpolation)
        return np.asarray(resize_and_crop(Image.fromarray(plane.astype(np.float32)), how))


def read_values(name: str, content: bytes, values: str) -> NDArray[Any]:
    """Return the values of a file, (H, W), as a recipe's `values` says: float32, or float64 if the file has that.

    Raises
    ------
    Rejected
        If it is damaged, has colours, or values that are not finite.
    """
    how = VALUES.fullmatch(values)
    label = how["label"] if how else None
    stored = _stored(name, content, is_label=label is not None)
    if stored.ndim == 3 and (stored.shape[2] == 1 or (stored == stored[..., :1]).all()):
        stored = stored[..., 0]
    if stored.ndim != 2 or stored.dtype.kind not in "buif" or 0 in stored.shape:
        raise Rejected(f"has shape {stored.shape} and type {stored.dtype}, and is no plane of numbers")
    numbers = stored.astype(np.float64)
    if label is not None:
        numbers = (stored == int(label)).astype(np.float64)
    elif values == UNIT and stored.dtype.kind in "ui":
        numbers /= np.iinfo(stored.dtype).max
    elif how and how["by"]:
        numbers /= float(how["by"])
    elif how and how["over"]:
        numbers = 1 / (numbers / float(how["over"]) + SMALL)
    if not np.isfinite(numbers).all():
        raise Rejected("has values that are not finite")
    return numbers if stored.dtype == np.float64 else numbers.astype(np.float32)


def _stored(name: str, content: bytes, *, is_label: bool) -> NDArray[Any]:
    if name.endswith(NPY):
        try:
            return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
        except (ValueError, EOFError, OSError) as error:
            raise Rejected(f"is a damaged array: {error}") from error
    return np.asarray(label_mask(content).image) if is_label else read_samples(content, "ignore").pixels


@lru_cache
def find_function(written: str) -> Callable[[NDArray[Any]], Any]:
    """Return the function that "module:function" names; raise `RecipeError` if there is none."""
    module, _, name = written.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise RecipeError(
            f"{written!r} cannot be imported ({error}); write a function of an installed package, or set PYTHONPATH"
        ) from error
    if not callable(found):
        raise RecipeError(f"{written!r} is no function; write one that takes an image and returns a plane of its size")
    function: Callable[[NDArray[Any]], Any] = found
    return function


def open_planes(recipe: Recipe, names: frozenset[str], place: str) -> tuple[PlaneSource, ...]:
    """Find those planes of a recipe that its rows need.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    names : frozenset of str
        What rows need; of these, images are not looked for here.
    place : str
        Where the clean images are.

    Raises
    ------
    RecipeError
        If a folder does not exist, lies among the images, or a function cannot be imported.
    """
    found = []
    for name, choice in recipe.source.planes:
        if name in names:
            root = None if choice.folder is None else _folder(recipe, name, choice.folder, place)
            if root is None:
                find_function(choice.function or "")
            found.append(PlaneSource(name, choice, root))
    return tuple(found)


def _folder(recipe: Recipe, name: str, written: str, place: str) -> Path:
    images = None if is_remote(place) or not place else path_of(place)
    beside = [] if images is None else [images.parent / on_disk(written)]
    root = next((path for path in (recipe.path(written), *beside) if path.is_dir()), None)
    where = f"{recipe.name} [source] {name}"
    if root is None:
        raise RecipeError(
            f"{where}: there is no folder {written!r} next to the recipe or beside the source"
            f"{recipe.elsewhere(written)}"
        )
    if images is not None and images.is_dir() and os.path.realpath(root).startswith(os.path.realpath(images) + os.sep):
        raise RecipeError(f"{where}: the folder {written!r} lies among the images; put it beside them")
    return Path(os.path.abspath(root))
