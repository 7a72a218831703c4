"""Inputs: what rows of a build take beside the image, planes and another image of the source, found for each item."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.high_bit_depth import decode_image, native_size
from corruptgen.codecs.windowing import CleanImage
from corruptgen.errors import RecipeError, Rejected
from corruptgen.randomness import rng_for
from corruptgen.recipe.input_choice import ANY, NEXT, OTHER, SAME
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Decoding, Item, Items
from corruptgen.sources import Content, source_digest
from corruptgen.sources.planes import PlaneSource, open_planes
from corruptgen.tables.first_pass import INPUTS
from corruptgen.tables.row import Row

# How many other images are tried where the first ones cannot be used.
TRIED = 8
DONOR = "donor"


@dataclass(frozen=True)
class Donors:
    """All items of a source, of which each item is assigned another one."""

    items: Items
    which: str
    seed: int

    def of(self, item: Item) -> list[Item]:
        """Return the other items that may be the donor of one, the chosen one first; by its id and the seed alone."""
        places, code = self._by_label, self._places.get(item.label)
        if self.which == ANY:
            pool, skipped = len(self.items), 0
        elif code is None:
            raise Rejected("has a label that no other item has, and so no donor")
        elif self.which == NEXT:
            start, end = self._next_class(item.label)
            pool, skipped = end - start, start
        else:
            start, end = (int(edge) for edge in self._edges[code : code + 2])
            pool, skipped = (end - start, start) if self.which == SAME else (len(self.items) - (end - start), 0)
        draws = rng_for(self.seed, "donors", None, item.id).random(TRIED)
        found: list[Item] = []
        for share in draws[: pool and TRIED]:
            place = skipped + min(int(share * pool), pool - 1)
            if self.which == OTHER and code is not None and place >= self._edges[code]:
                place += int(self._edges[code + 1] - self._edges[code])
            chosen = self.items[int(places[place])]
            if chosen.id == item.id:
                # The next one, so that no item is its own donor.
                place = skipped + (place - skipped + 1) % pool
                chosen = self.items[int(places[place])]
            if chosen.id != item.id and chosen not in found:
                found.append(chosen)
        if not found:
            raise Rejected(
                {SAME: "is the only item of its class", OTHER: "has no items of other classes"}.get(
                    self.which, "is the only item"
                )
                + ", and has no donor"
            )
        return found

    def _next_class(self, label: str) -> tuple[int, int]:
        """Return where the items begin and end of the class whose name follows; the first one follows the last."""
        names = [name for name in self._places if name]
        if label not in names or len(names) == 1:
            raise Rejected(
                "has no label, and so no donor" if not label else "has no items of a next class, and has no donor"
            )
        code = self._places[names[(names.index(label) + 1) % len(names)]]
        return int(self._edges[code]), int(self._edges[code + 1])

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, int]]:
        names = sorted(self.items.count_labels())
        numbers = {name: number for number, name in enumerate(names)}
        codes = np.fromiter((numbers[label] for label in self.items.labels()), np.int64, len(self.items))
        order = np.argsort(codes, kind="stable")
        return order, np.searchsorted(codes[order], np.arange(len(names) + 1)), numbers

    @property
    def _by_label(self) -> NDArray[np.int64]:
        return self._sorted[0]

    @property
    def _edges(self) -> NDArray[np.int64]:
        return self._sorted[1]

    @property
    def _places(self) -> dict[str, int]:
        return self._sorted[2]


@dataclass(frozen=True)
class InputSources:
    """Where inputs come from; it travels to every worker."""

    planes: tuple[PlaneSource, ...] = ()
    donors: Donors | None = None
    images: tuple[str, ...] = ()
    """The names that rows have for another image."""
    decoding: Decoding = field(default_factory=Decoding)

    def __bool__(self) -> bool:
        return bool(self.planes or self.images)

    def digests(self, item: str) -> dict[str, str]:
        """Return the sha256 of the files of an item's planes, by name."""
        return {plane.name: plane.digest(item) for plane in self.planes if plane.root is not None}

    def add(
        self, item: Item, content: Content, image: CleanImage, read: Callable[[Item], Content], donor: str = ""
    ) -> tuple[CleanImage, dict[str, str], str]:
        """Return an image with its inputs, their sha256 by name, and the id of the donor.

        Parameters
        ----------
        item : Item
            The item.
        content : bytes or ndarray or StoredSamples
            What the source has for it.
        image : CleanImage
            What that was decoded to.
        read : callable
            Reads another item.
        donor : str
            The id of the donor, if it is recorded.

        Raises
        ------
        Rejected
            If there is none that can be used.
        """
        if not self:
            return image, {}, ""
        inputs, digests = {}, {}
        native = native_size(content, self.decoding) if self.planes else (0, 0)
        for plane in self.planes:
            inputs[plane.name], digests[plane.name] = plane.read(item.id, image.pixels, native, self.decoding)
        chosen = ""
        if self.images:
            chosen, pixels, digest = self._donor(item, image, read, donor)
            digests[DONOR] = digest
            inputs |= dict.fromkeys(self.images, pixels)
        return replace(image, inputs=inputs), digests, chosen

    def _donor(
        self, item: Item, image: CleanImage, read: Callable[[Item], Content], recorded: str
    ) -> tuple[str, NDArray[Any], str]:
        """Return the donor of an item, at the size of its image; the first of several that can be used."""
        if recorded:
            others = [Item(recorded, "")]
        elif self.donors is None:
            raise Rejected("has no record of its donor")
        else:
            others = self.donors.of(item)
        reason = ""
        for other in others:
            try:
                content = read(other)
                found = decode_image(content, self.decoding)
                if found.form != image.form:
                    raise Rejected("has samples of another kind")
                return other.id, fitted_to(found.pixels, image.pixels.shape), source_digest(content)
            except Rejected as error:
                reason = reason or f"its donor {other.id} {error}"
        raise Rejected(f"has no donor that can be used: {reason}")


def fitted_to(pixels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an image at another size: its centre, enlarged or reduced until it covers that."""
    height, width, channels = shape
    if pixels.shape[2] != channels:
        pixels = np.repeat(pixels, 3, axis=2) if channels == 3 else np.rint(pixels.mean(axis=2, keepdims=True))
        pixels = pixels.astype(np.uint8) if pixels.dtype == np.float64 else pixels
    if pixels.shape[:2] == (height, width):
        return pixels
    factor = max(height / pixels.shape[0], width / pixels.shape[1])
    size = (max(height, round(pixels.shape[0] * factor)), max(width, round(pixels.shape[1] * factor)))
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(pixels[..., k])).resize(size[::-1], Image.Resampling.BILINEAR))
        for k in range(channels)
    ]
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return np.stack(planes, axis=2)[top : top + height, left : left + width].astype(pixels.dtype)


def choose_inputs(recipe: Recipe, rows: Mapping[str, Row], place: str, items: Items) -> InputSources:
    """Find what the rows of a recipe need beside the image.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    rows : mapping of str to Row
        Its rows, by name.
    place : str
        Where the clean images are.
    items : Items
        All items of the source, also those that are not wanted.
    """
    needed = frozenset(name for row in rows.values() for name in row.inputs)
    images = tuple(sorted({name for row in rows.values() for name in row.image_inputs}))
    if not needed:
        return InputSources()
    planes = open_planes(recipe, needed - set(images), place)
    donors = Donors(items, recipe.source.donors or ANY, recipe.seed) if images else None
    if donors is not None and donors.which != ANY and items and not any(items.count_labels().keys() - {""}):
        raise RecipeError(f'{recipe.name} [source] donors: the source has no labels; write donors = "any"')
    return InputSources(planes, donors, images, recipe.decode)


def check_named(recipe: Recipe, row: Row, place: str) -> None:
    """Refuse a row that needs what the recipe does not name; the message states what to write."""
    given = {name for name, _ in recipe.source.planes}
    # What a first pass over the source finds needs no naming.
    inputs = row.inputs - INPUTS
    for name in sorted(inputs):
        if name in row.image_inputs and recipe.source.donors is None:
            raise RecipeError(
                f'{place} needs another image beside the image: write donors = "any", "same class", "other class" '
                'or "next class" in [source]'
            )
        if name not in row.image_inputs and name not in given:
            raise RecipeError(
                f'{place} needs {name} beside the image: write {name} = "FOLDER" in [source], a folder of .npy, .png '
                f'or .tif files that are called as the images are, or {name} = "module:function", which computes it'
            )
    if inputs and row.staging.changes:
        raise RecipeError(f"{place} resizes and crops, which what it needs beside the image cannot follow")
