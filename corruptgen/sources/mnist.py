"""MNIST and the data sets in its format: pairs of idx files of images and labels, packed with gzip or not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.geometry import MOST_PIXELS
from corruptgen.containers.packed import GZIP, open_packed, read_exactly
from corruptgen.containers.places import (
    beside,
    files_below,
    is_folder,
    length_of,
    name_of,
    open_place,
    piece,
    reporting,
)
from corruptgen.errors import Rejected, SourceError
from corruptgen.recipe.checks import one_of, text
from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import CLASSES
from corruptgen.records import Item, Listing
from corruptgen.sources.arrays import index_of, list_numbered
from corruptgen.sources.kind import Source
from corruptgen.sources.opening import USUAL_SPLIT, naming, version
from corruptgen.sources.register import Naming

# What the four files are called: by their makers, and as they are unpacked on some sites; EMNIST has its name before.
NAME = re.compile(r"(?:(.+)-)?(train|t10k|test)-(images|labels)[-.]idx(\d)-ubyte(\.gz)?")
SPLITS = {"train": "train", "t10k": "test", "test": "test"}
UBYTE = 0x08
LARGEST_RATIO = 1032  # Deflate cannot make anything more than this many times smaller.


@dataclass(frozen=True)
class MnistSource:
    """The images of one split, grey, in the order of the file; their ids are `split/index`."""

    place: str = field(repr=False)
    """The folder that holds the files, at any depth."""
    version: str
    split: str
    config: str | None
    """Which of several data sets in the folder, as EMNIST's files begin: `emnist-letters`, or `letters`."""
    naming: Naming

    def listing(self) -> Listing:
        """List the images; if there is no file of labels, they have none."""
        images, labels = _files(self.place, self.split, self.config)
        shape = _header(images, self.version)
        if images.endswith(".gz"):
            # Its checksum lies at the end.
            _content(images, self.version, 3)
        if labels is None:
            return list_numbered(self.split, None, shape[0], self.naming)
        values = _content(labels, self.version, 1)
        if len(values) != shape[0]:
            raise SourceError(f"{name_of(labels)} has {len(values)} labels for {shape[0]} images")
        return list_numbered(self.split, values, shape[0], self.naming)

    def read(self, item: Item) -> NDArray[np.uint8]:
        """Return the pixels of an image."""
        images, _ = _files(self.place, self.split, self.config)
        shape, index = _header(images, self.version), index_of(item)
        if not 0 <= index < shape[0]:
            raise Rejected("is not there")
        if images.endswith(".gz"):
            return _content(images, self.version, 3)[index]
        size = shape[1] * shape[2]
        with reporting(images):
            content = piece(images, 4 + 4 * 3 + index * size, size)
        if len(content) != size:
            raise Rejected("cannot be read: its file ends before it")
        return np.frombuffer(content, np.uint8).reshape(shape[1:])

    def files(self, items: Sequence[Item]) -> list[str]:
        """Name the file of the images."""
        return [_files(self.place, self.split, self.config)[0]]


@lru_cache(maxsize=8)
def _files(place: str, split: str, config: str | None) -> tuple[str, str | None]:
    """Find the files of images and of labels of a split; a packed one is taken if it is not unpacked beside it."""
    with reporting(place):
        if not is_folder(place):
            raise SourceError(f"{name_of(place)} is no folder; path is the one that holds {split}-images-idx3-ubyte")
        names = files_below(place)
    found: dict[tuple[str, str], str] = {}
    for name in sorted(names, key=lambda name: (name.endswith(".gz"), name)):
        parts = NAME.fullmatch(name_of(name))
        if parts and SPLITS[parts[2]] == split:
            prefix = parts[1] or ""
            if config in (None, prefix, prefix.removeprefix("emnist-")):
                found.setdefault((prefix, parts[3]), beside(place, name))
    sets = sorted({prefix for prefix, what in found if what == "images"})
    if not sets:
        raise SourceError(
            f"{name_of(place)} holds no images of the split {split!r}"
            f"{f' of {config}' if config else ''}; they are called train-images-idx3-ubyte or t10k-images-idx3-ubyte, "
            "with .gz or without"
        )
    if len(sets) > 1:
        raise SourceError(f"{name_of(place)} holds {', '.join(sets)}; choose which with config in [source]")
    return found[sets[0], "images"], found.get((sets[0], "labels"))


@lru_cache(maxsize=8)
def _header(place: str, version: str) -> tuple[int, int, int]:
    """Read what the file of images claims, and compare it with what a file of this length can hold."""
    with reporting(place), open_place(place) as file:
        count, height, width = _shape(open_packed(file).read(4 + 4 * 3), 3, name_of(place))
    claimed, length = count * height * width, length_of(place) - 4 - 4 * 3
    if not 1 <= height * width <= MOST_PIXELS:
        raise SourceError(f"{name_of(place)} claims images of {height}×{width} pixels")
    if not place.endswith(".gz") and claimed != length:
        raise SourceError(
            f"{name_of(place)} is damaged: its header claims {claimed} bytes behind it, there are {length}"
        )
    return count, height, width


@lru_cache(maxsize=2)
def _content(place: str, version: str, sides: int) -> NDArray[np.uint8]:
    """Read a file as a whole: 47 MB for MNIST's training images."""
    name = name_of(place)
    with reporting(place), open_place(place) as file:
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        found = open_packed(file)
        shape = _shape(found.read(4 + 4 * sides), sides, name)
        claimed, length = int(np.prod(shape, dtype=object)), length_of(place)
        if claimed > length * (LARGEST_RATIO if packed else 1):
            raise SourceError(f"{name} claims {claimed} bytes; no file of {length} bytes can hold that")
        return np.frombuffer(read_exactly(found, claimed, name), np.uint8).reshape(shape)


def _shape(start: bytes, sides: int, name: str) -> tuple[int, ...]:
    """Read the header of an idx file: the type of its values, the number of its axes, and their lengths."""
    if len(start) < 4 + 4 * sides or start[:2] != b"\0\0":
        raise SourceError(f"{name} is no idx file, or is cut off in its header")
    if start[2] != UBYTE or start[3] != sides:
        raise SourceError(f"{name} holds values of type {start[2]:#04x} in {start[3]} axes; taken are bytes in {sides}")
    return tuple(int.from_bytes(start[4 * k : 4 * k + 4], "big") for k in range(1, sides + 1))


def _open(place: str, recipe: Recipe) -> Source:
    choice = recipe.source
    return MnistSource(place, version(place), choice.get("split") or USUAL_SPLIT, choice.get("config"), naming(recipe))


KIND = SourceKind(
    name="mnist",
    open=_open,
    keys={"split": Key(one_of("train", "test")), "config": Key(text), "classes": CLASSES},
)
