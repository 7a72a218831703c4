"""Images in arrays: the .npz archives of MedMNIST, pairs of .npy files, their parts read one image at a time."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.containers.npy import Header, check_images, check_labels, read_npy_header
from corruptgen.containers.places import length_of, name_of, open_place, piece, reporting
from corruptgen.containers.zipped import Member, Unpacked, check_member, members
from corruptgen.errors import Rejected, SourceError, describe_error
from corruptgen.recipe.checks import names_by
from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import CLASSES, LABELS, NONE, SPLIT
from corruptgen.records import Item, Listing
from corruptgen.runtime.trouble import is_trouble, unreadable
from corruptgen.sources.kind import Source
from corruptgen.sources.opening import USUAL_SPLIT, keeps_depth, listed_place, naming, version
from corruptgen.sources.register import NAMELESS, Naming, Register

LONGEST_HEADER = 1 << 16  # bytes
PIECE = 1 << 14  # labels that are Python's own at once


@dataclass(frozen=True)
class NpzSource:
    """The images and labels of one split of an archive that `numpy.savez` or `savez_compressed` wrote."""

    place: str = field(repr=False)
    version: str
    split: str
    image: str
    """The name of the array of images, `test_images` in MedMNIST."""
    label: str | None
    """The name of the array of labels; None: there are none."""
    naming: Naming = NAMELESS
    deep: bool = False
    """Whether samples of more than 8 bits are taken, as they are."""

    def listing(self) -> Listing:
        """List the images in their order; every array that is used is read once to check it."""
        images = _array(self.place, self.version, self.image)
        name = name_of(self.place)
        check_images(images[1], f"{name}: {self.image}", deep=self.deep)
        check_member(images[0])
        if self.label is None:
            return list_numbered(self.split, None, images[1].shape[0], self.naming)
        member, found = _array(self.place, self.version, self.label)
        check_labels(found, images[1], f"{name}: {self.label}")
        check_member(member)
        with reporting(self.place):
            content = Unpacked(member).piece(found.offset, member.length - found.offset)
            return list_numbered(self.split, _labels(content, found), images[1].shape[0], self.naming)

    def read(self, item: Item) -> NDArray[Any]:
        """Return the pixels of an image."""
        unpacked, found = _unpacked(self.place, self.version, self.image)
        return _image(unpacked.piece(found.offset + index_of(item) * found.stride, found.stride), found)

    def files(self, items: Sequence[Item]) -> list[str]:
        """Name the archive."""
        return [self.place]


@dataclass(frozen=True)
class NpySource:
    """The images of a file that `numpy.save` wrote, with labels in another one."""

    place: str = field(repr=False)
    version: str
    split: str
    labels: str | None
    """The place of the array of labels; None: there are none."""
    naming: Naming = NAMELESS
    deep: bool = False
    """Whether samples of more than 8 bits are taken, as they are."""

    def listing(self) -> Listing:
        """List the images in their order."""
        images = _header(self.place, self.version)
        check_images(images, name_of(self.place), deep=self.deep)
        if self.labels is None:
            return list_numbered(self.split, None, images.shape[0], self.naming)
        with reporting(self.labels), open_place(self.labels) as file:
            found = read_npy_header(file, length_of(self.labels), name_of(self.labels))
            check_labels(found, images, name_of(self.labels))
            return list_numbered(self.split, _labels(file.read(), found), images.shape[0], self.naming)

    def read(self, item: Item) -> NDArray[Any]:
        """Return the pixels of an image."""
        found = _header(self.place, self.version)
        try:
            content = piece(self.place, found.offset + index_of(item) * found.stride, found.stride)
        except SourceError:
            raise
        except OSError as error:
            if is_trouble(error):
                raise unreadable(item.id, error) from error
            raise Rejected(f"cannot be read: {describe_error(error)}") from error
        return _image(content, found)

    def files(self, items: Sequence[Item]) -> list[str]:
        """Name the file of the array."""
        return [self.place]


def list_numbered(split: str, labels: NDArray[Any] | None, count: int, naming: Naming) -> Listing:
    """List images that have numbers for names: their ids are `split/index`.

    Parameters
    ----------
    split : str
        The first part of the ids.
    labels : ndarray or None
        One for each image, or a row of them; None: there are none.
    count : int
        Number of images.
    naming : Naming
        What a file of classes states.
    """
    has_rows = labels is not None and labels.ndim == 2 and labels.shape[1] != 1
    register = Register(naming, vectors=has_rows)
    column = labels if labels is None or has_rows else labels.reshape(-1)
    for start in range(0, count, PIECE):
        piece = [None] * min(PIECE, count - start) if column is None else column[start : start + PIECE].tolist()
        for index, label in enumerate(piece, start=start):
            register.add(f"{split}/{index}", label)
    return register.listing()


def index_of(item: Item) -> int:
    """Return the number in an id such as `test/17`."""
    return int(item.id.rpartition("/")[2])


def _labels(content: bytes, found: Header) -> NDArray[Any] | None:
    return np.ndarray(found.shape, found.dtype, content) if content else None


def _image(content: bytes, found: Header) -> NDArray[Any]:
    if len(content) != found.stride:
        raise Rejected("cannot be read: the array ends before it")
    return np.frombuffer(content, found.dtype).reshape(found.image)


def _array(place: str, version: str, wanted: str) -> tuple[Member, Header]:
    """Find an array in an archive and read its header."""
    found = members(place, version)
    name = name_of(place)
    if wanted + ".npy" not in found:
        names = ", ".join(sorted(member.removesuffix(".npy") for member in found)[:20]) or "nothing"
        raise SourceError(
            f"{name} holds no array {wanted!r}, but {names}; choose which with split or columns in [source]"
        )
    member = found[wanted + ".npy"]
    start = Unpacked(member).piece(0, LONGEST_HEADER)
    return member, read_npy_header(io.BytesIO(start), member.length, f"{name}: {wanted}")


@lru_cache(maxsize=4)
def _unpacked(place: str, version: str, wanted: str) -> tuple[Unpacked, Header]:
    member, found = _array(place, version, wanted)
    return Unpacked(member), found


@lru_cache(maxsize=4)
def _header(place: str, version: str) -> Header:
    with reporting(place), open_place(place) as file:
        return read_npy_header(file, length_of(place), name_of(place))


def _open_npz(place: str, recipe: Recipe) -> Source:
    split, names = recipe.source.get("split") or USUAL_SPLIT, recipe.source.names
    image = names.get("image", f"{split}_images")
    label = names.get("label") or (None if "image" in names else f"{split}_labels")
    return NpzSource(place, version(place), split, image, label, naming(recipe), keeps_depth(recipe))


def _open_npy(place: str, recipe: Recipe) -> Source:
    labels = recipe.source.get("labels")
    where = None if labels in (None, NONE) else listed_place(recipe, "labels", labels)
    split = recipe.source.get("split") or USUAL_SPLIT
    return NpySource(place, version(place), split, where, naming(recipe), keeps_depth(recipe))


KINDS = (
    SourceKind(
        name="npz",
        open=_open_npz,
        keys={"split": SPLIT, "classes": CLASSES, "columns": Key(names_by("image", "label"))},
    ),
    SourceKind(name="npy", open=_open_npy, keys={"split": SPLIT, "labels": LABELS, "classes": CLASSES}),
)
