"""The plain frozen values that travel from the source to the manifest."""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from corruptgen.values.class_labels import Classes

PIECE = 1 << 8  # items that are objects of their own at once
Extent = int | tuple[int, int]
"""A number of pixels for the shorter side (resize) or for both sides (crop), or exactly (height, width)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One clean image of a source, not read yet."""

    id: str
    """Its name in the source, stable for ever; the key of every draw."""
    label: str
    """What `Classes` of its listing can look up: the name of its class, its number in decimals, several numbers with
    spaces between, or "" if it has none."""


class Items(Sequence[Item]):
    """Many items in little memory: a million of them take as much as their ids, and 12 bytes each.

    Parts share the memory of the whole; what travels to another process is the part alone.
    """

    __slots__ = ("_codes", "_edges", "_ids", "_labels")

    def __init__(self, ids: bytes, edges: NDArray[np.int64], codes: NDArray[np.int32], labels: tuple[str, ...]) -> None:
        self._ids = ids
        self._edges = edges
        """Where each id begins, and where the last one ends."""
        self._codes = codes
        """The place of each label among the different ones."""
        self._labels = labels

    @classmethod
    def of(cls, items: Iterable[Item]) -> "Items":
        """Collect items."""
        if isinstance(items, cls):
            return items
        ids, edges, codes, places = bytearray(), array("q", [0]), array("i"), dict[str, int]()
        for item in items:
            ids += item.id.encode("utf-8", "surrogatepass")
            edges.append(len(ids))
            codes.append(places.setdefault(item.label, len(places)))
        return cls(bytes(ids), np.array(edges, np.int64), np.array(codes, np.int32), tuple(places))

    def ids(self) -> Iterator[str]:
        """Return the ids one after the other."""
        start = int(self._edges[0])
        for end in self._edges[1:]:
            yield self._ids[start:end].decode("utf-8", "surrogatepass")
            start = int(end)

    def labels(self) -> Iterator[str]:
        """Return the labels one after the other."""
        return (self._labels[code] for code in self._codes)

    def count_labels(self) -> Counter[str]:
        """Return how many items have each label."""
        counts = np.bincount(self._codes, minlength=len(self._labels)).tolist()
        found: Counter[str] = Counter()
        for label, count in zip(self._labels, counts, strict=True):
            found[label] += count
        return +found

    def by_id(self) -> "Items":
        """Return the same items sorted by id."""
        if all(one <= other for one, other in pairwise(self.ids())):
            return self
        ids = list(self.ids())
        return self.chosen(sorted(range(len(ids)), key=ids.__getitem__))

    def chosen(self, places: Any) -> "Items":
        """Return the items at these places, or those where a mask is true."""
        places = np.asarray(places)
        places = np.flatnonzero(places) if places.dtype == bool else places.astype(np.int64)
        ids = bytearray()
        for start in range(0, len(places), PIECE):
            piece = places[start : start + PIECE]
            edges = zip(self._edges[piece].tolist(), self._edges[piece + 1].tolist(), strict=True)
            ids += b"".join(self._ids[start:end] for start, end in edges)
        lengths = self._edges[places + 1] - self._edges[places]
        return Items(bytes(ids), np.concatenate([[0], np.cumsum(lengths)]), self._codes[places], self._labels)

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> "Items": ...

    def __getitem__(self, place: int | slice) -> "Item | Items":
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                return self.chosen(np.arange(start, stop, step))
            stop = max(start, stop)
            return Items(self._ids, self._edges[start : stop + 1], self._codes[start:stop], self._labels)
        place = range(len(self))[place]
        id_ = self._ids[self._edges[place] : self._edges[place + 1]].decode("utf-8", "surrogatepass")
        return Item(id_, self._labels[self._codes[place]])

    def __iter__(self) -> Iterator[Item]:
        return map(Item, self.ids(), self.labels())

    def __len__(self) -> int:
        return len(self._codes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Items.of({list(self)!r})" if len(self) <= 5 else f"<{len(self)} items>"

    def __reduce__(self) -> tuple[Any, ...]:
        used, codes = np.unique(self._codes, return_inverse=True)
        start, end = int(self._edges[0]), int(self._edges[-1])
        labels = tuple(self._labels[code] for code in used)
        return Items, (self._ids[start:end], self._edges - start, codes.astype(np.int32), labels)


@dataclass(frozen=True)
class Rejection:
    """One input item that cannot be used, and why, in one line without paths of this machine."""

    id: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a source holds."""

    items: Items
    """In the order of the source: by id, or by number where ids end in numbers."""
    rejected: tuple[Rejection, ...] = ()
    """What looks like an item and cannot be one, sorted by id."""
    ignored: int = 0
    """Number of files that do not claim to be images."""
    classes: Classes = field(default_factory=Classes)
    """What the labels of the whole source are, whichever of its items are left."""
    annotations: str = ""
    """The sha256 of the file that lists them, if there is one."""
    note: str = ""
    """What the user should know about what is left out; empty: nothing."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", Items.of(self.items))

    @cached_property
    def digest(self) -> str:
        """A sha256 of what is listed: ids, labels, rejections, and the classes where labels do not imply them."""
        digest = hashlib.sha256(b"[[")
        for start in range(0, len(self.items), PIECE):
            piece = json.dumps([[item.id, item.label] for item in self.items[start : start + PIECE]])
            digest.update((", " if start else "").encode() + piece[1:-1].encode())
        rest: list[Any] = [[[rejection.id, rejection.reason] for rejection in self.rejected]]
        rest += [self.annotations] if self.annotations else []
        if self.classes != Classes.guess(self.items.count_labels()):
            rest.append([self.classes.content(), self.classes.names])
        digest.update(b"]" + "".join(", " + json.dumps(part) for part in rest).encode() + b"]")
        return digest.hexdigest()


EXTRANEOUS_BYTES = "jpeg-extraneous-bytes"
# Oddities of phones and cameras, of which it can be shown that they change no pixel.
DEFAULT_TOLERATE = ("jpeg-padding", "jpeg-scan-parameters", "jpeg-version")
TOLERATED = (EXTRANEOUS_BYTES, *DEFAULT_TOLERATE)
COLOURS = ("keep", "rgb", "grey")


@dataclass(frozen=True)
class Decoding:
    """How a clean image is made of the bytes of a file."""

    resize: Extent | None = None
    crop: Extent | float | None = None
    """A float is a fraction of each side."""
    order: str = "resize-crop"
    interpolation: str = "bilinear"
    exif: str = "apply"
    window: tuple[float, float] | str | None = None
    """What black and white are, in the units of the file, or where that is to be found; samples keep their depth then.
    None: images of 8 bits, of which 0 is black and 255 white."""
    colour: str | None = None
    """"keep": files of grey images stay grey; "rgb": they become colour ones; "grey": colour ones become grey. None, as
    in recipes of the first version: files become colour images, and arrays, as all images with a window, are kept."""
    tolerate: tuple[str, ...] = DEFAULT_TOLERATE
    """Which oddities of files are passed over although a strict decoder complains, of `TOLERATED`."""
    floats: bool = False
    """Whether samples become float32 from 0, black, to 1, white, after all else."""
    clips: bool = True
    """Whether what corruptions make of these floats is clipped to 0 and 1."""


@dataclass(frozen=True)
class Encoding:
    """How an output image becomes the bytes of a file."""

    name: str = "png"
    quality: int = 85
    """Of JPEG, 1 to 100."""
    compression: str = "fast"
    """Of PNG: "stored", "fast" or "small"."""
    video: str = ""
    """Of videos: "lossless", or "imagenet-p" as the published ones are."""

    @property
    def extension(self) -> str:
        """The ending of a file's name; `.JPEG` as in ImageNet. Beside videos, single images are PNG."""
        return {"png": ".png", "jpeg": ".JPEG", "tiff": ".tif", "npy": ".npy", "video": ".png"}[self.name]

    @property
    def is_video(self) -> bool:
        """Whether the frames of a sequence are one file."""
        return self.name == "video"

    @property
    def is_lossless(self) -> bool:
        """Whether decoding returns the same pixels."""
        return self.video == "lossless" if self.is_video else self.name != "jpeg"

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The types of the samples that a file can hold."""
        deep = {"png": ("uint16",), "jpeg": (), "video": ()}.get(self.name, ("uint16", "int16", "float32"))
        return ("uint8", *deep)


@dataclass(frozen=True)
class Outcome:
    """What `generate` did."""

    output: Path
    items: int
    """Items that are complete in every cell."""
    cells: int
    """Cells, the clean twin included."""
    files: int
    """Output images that there are now."""
    rejected: tuple[Rejection, ...]
    ignored: int
    """Files of the source that do not claim to be images."""
    was_finished: bool
    """Whether the output was whole before, so that nothing was done."""
    noted: Mapping[str, int] = field(default_factory=dict)
    """How many items have files that are damaged or odd in a way that changes no pixel, by what it is."""
