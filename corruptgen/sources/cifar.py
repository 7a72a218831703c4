"""CIFAR-10 and CIFAR-100 from their own archives, packed or unpacked: the binary ones, and Python's pickles."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.containers.packed import tar_members
from corruptgen.containers.pickles import load_pickle
from corruptgen.containers.places import beside, content, files_below, is_folder, name_of, open_place, reporting
from corruptgen.errors import Rejected, SourceError
from corruptgen.recipe.checks import one_of
from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Item, Listing
from corruptgen.sources.arrays import index_of, list_numbered
from corruptgen.sources.kind import Source
from corruptgen.sources.opening import USUAL_SPLIT, version
from corruptgen.sources.register import Naming

SIDE = 32
PIXELS = 3 * SIDE * SIDE
MOST_IMAGES = 50_000
LONGEST_NAMES = 1 << 16  # bytes
# The files of a split, and the place of a label in a record, by whether it is CIFAR-100.
FILES = {
    (False, "train"): re.compile(r"data_batch_\d\.bin"),
    (False, "test"): re.compile(r"test_batch\.bin"),
    (True, "train"): re.compile(r"train\.bin"),
    (True, "test"): re.compile(r"test\.bin"),
}
NAMES = {"fine": "fine_label_names.txt", "coarse": "coarse_label_names.txt", "ten": "batches.meta.txt"}
PICKLED = {
    (False, "train"): re.compile(r"data_batch_\d"),
    (False, "test"): re.compile(r"test_batch"),
    (True, "train"): re.compile(r"train"),
    (True, "test"): re.compile(r"test"),
}
# The file of a pickled dataset that names its classes, and what it calls the names and the labels.
PICKLED_META = {False: "batches.meta", True: "meta"}
PICKLED_NAMES = {"fine": "fine_label_names", "coarse": "coarse_label_names", "ten": "label_names"}
PICKLED_LABELS = {"fine": "fine_labels", "coarse": "coarse_labels", "ten": "labels"}
# Of one image, beside its pixels: labels, a file name and what the pickle needs for them.
LONGEST_ENTRY = 256  # bytes
ARCHIVES = "cifar-10-binary.tar.gz, cifar-100-binary.tar.gz, cifar-10-python.tar.gz and cifar-100-python.tar.gz"
CLASSES = {"fine": 100, "coarse": 20, "ten": 10}
Split = tuple[NDArray[Any], NDArray[np.uint8], tuple[str, ...], int]
"""Labels, rows of pixels, names of classes and their number."""


@dataclass(frozen=True)
class CifarSource:
    """One split of CIFAR; which of the two datasets it is shows in the names of the files."""

    place: str = field(repr=False)
    """The archive, or the folder that was made of it."""
    version: str
    split: str
    labels: str | None = None
    """Of CIFAR-100: `fine` or `coarse`."""

    def listing(self) -> Listing:
        """List the images in the order of the files."""
        numbers, _, names, count = _split(self)
        found = list_numbered(
            self.split, numbers, len(numbers), Naming(names, place="the list of classes", is_coded=True)
        )
        # Without the list of names the classes are as many all the same, whatever images there are.
        return found if names else replace(found, classes=replace(found.classes, count=count))

    def read(self, item: Item) -> NDArray[np.uint8]:
        """Return the pixels of an image."""
        pixels = _split(self)[1]
        if not 0 <= index_of(item) < len(pixels):
            raise Rejected("is not there")
        return np.ascontiguousarray(pixels[index_of(item)].reshape(3, SIDE, SIDE).transpose(1, 2, 0))

    def files(self, items: Sequence[Item]) -> list[str]:
        """Name the archive, or the files of the folder."""
        with reporting(self.place):
            if not is_folder(self.place):
                return [self.place]
            return [beside(self.place, name) for name in files_below(self.place) if _is_wanted(name_of(name))]


@lru_cache(maxsize=2)
def _split(source: CifarSource) -> Split:
    """Read a split: 30 MB for the test images, 150 MB for the others."""
    found: dict[str, bytes] = {}
    for name, member in _files(source.place):
        if member:
            if name in found:
                raise SourceError(f"{name_of(source.place)} holds {name} twice")
            found[name] = member
    for patterns, reader in ((FILES, _binary), (PICKLED, _pickled)):
        hundred = any(patterns[True, split].fullmatch(name) for name in found for split in ("train", "test"))
        files = sorted(name for name in found if patterns[hundred, source.split].fullmatch(name))
        if files:
            if source.labels and not hundred:
                raise SourceError(
                    f"{name_of(source.place)} is CIFAR-10, which has no {source.labels} labels; leave labels out"
                )
            return reader(found, files, (source.labels or "fine") if hundred else "ten")
    raise SourceError(f"{name_of(source.place)} holds no files of CIFAR's split {source.split!r}; taken are {ARCHIVES}")


def _binary(found: Mapping[str, bytes], files: list[str], kind: str) -> Split:
    head = 1 if kind == "ten" else 2
    records = np.concatenate([_records(found[name], head, name) for name in files])
    column = 1 if kind == "fine" else 0
    names = tuple(found.get(NAMES[kind], b"").decode("utf-8", "replace").split())
    return records[:, column], records[:, head:], names, CLASSES[kind]


def _pickled(found: Mapping[str, bytes], files: list[str], kind: str) -> Split:
    numbers: list[int] = []
    rows = []
    for name in files:
        batch = load_pickle(found[name], name)
        pixels, labels = (batch.get(key) if isinstance(batch, dict) else None for key in ("data", PICKLED_LABELS[kind]))
        if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != PIXELS:
            raise SourceError(f"{name} holds no array of images of {PIXELS} bytes under 'data'")
        if not isinstance(labels, list) or len(labels) != len(pixels) or not all(type(n) is int for n in labels):
            raise SourceError(f"{name} holds no list of {len(pixels)} numbers under {PICKLED_LABELS[kind]!r}")
        numbers += labels
        rows.append(pixels)
    place = PICKLED_META[kind != "ten"]
    meta = load_pickle(found[place], place) if place in found else {}
    names = meta.get(PICKLED_NAMES[kind], []) if isinstance(meta, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, bytes | str) for name in names):
        raise SourceError(f"{place} holds no list of names under {PICKLED_NAMES[kind]!r}")
    texts = tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names)
    return np.array(numbers), np.concatenate(rows), texts, CLASSES[kind]


def _records(content: bytes, head: int, name: str) -> NDArray[np.uint8]:
    size = head + PIXELS
    if len(content) % size:
        raise SourceError(f"{name} is damaged: {len(content)} bytes are no whole number of records of {size}")
    return np.frombuffer(content, np.uint8).reshape(-1, size)


def _is_wanted(name: str) -> bool:
    if name in NAMES.values() or name in PICKLED_META.values():
        return True
    return any(pattern.fullmatch(name) for patterns in (FILES, PICKLED) for pattern in patterns.values())


def _most(name: str) -> int:
    is_short = name in NAMES.values() or name in PICKLED_META.values()
    return LONGEST_NAMES if is_short else MOST_IMAGES * (PIXELS + LONGEST_ENTRY)


def _files(place: str) -> Iterator[tuple[str, bytes]]:
    """Return the base names of the files of a folder or archive, and the bytes of those that are wanted."""
    with reporting(place):
        if is_folder(place):
            for path in files_below(place):
                name = name_of(path)
                yield name, content(f"{place}/{path}") if _is_wanted(name) else b""
            return
        with open_place(place) as file:
            yield from tar_members(file, name_of(place), _is_wanted, _most)


def _open(place: str, recipe: Recipe) -> Source:
    choice = recipe.source
    return CifarSource(place, version(place), choice.get("split") or USUAL_SPLIT, choice.get("labels"))


KIND = SourceKind(
    name="cifar",
    open=_open,
    keys={"split": Key(one_of("train", "test")), "labels": Key(one_of("fine", "coarse"))},
)
