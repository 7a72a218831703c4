"""CIFAR-10 and CIFAR-100 from their own binary archives, packed or unpacked; their Python archives are pickles."""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import Rejected, SourceError
from corruptgen.records import Item, Listing
from corruptgen.sources.labels import Classes
from corruptgen.sources.npy import index_of, numbered
from corruptgen.sources.places import content, files_below, is_folder, name_of, opened, reporting

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
PICKLES = re.compile(r"(data_batch_\d|test_batch|batches\.meta|train|test|meta)")
BINARY = "cifar-10-binary.tar.gz and cifar-100-binary.tar.gz"


@dataclass(frozen=True)
class CifarSource:
    """One split of CIFAR; which of the two datasets it is shows in the names of the files."""

    place: str
    """The archive, or the folder that was made of it."""
    version: str
    split: str
    labels: str | None = None
    """Of CIFAR-100: `fine` or `coarse`."""

    def listing(self) -> Listing:
        """List the images in the order of the files."""
        numbers, _, names = _split(self)
        classes = Classes(names, tuple(map(str, range(len(names)))), "the list of classes")
        return numbered(self.split, [str(number) for number in numbers], classes)

    def read(self, item: Item) -> NDArray[np.uint8]:
        """Give the pixels of an image."""
        pixels = _split(self)[1]
        if not 0 <= index_of(item) < len(pixels):
            raise Rejected("is not there")
        return np.ascontiguousarray(pixels[index_of(item)].reshape(3, SIDE, SIDE).transpose(1, 2, 0))


@lru_cache(maxsize=2)
def _split(source: CifarSource) -> tuple[list[int], NDArray[np.uint8], tuple[str, ...]]:
    """Read a split: 30 MB for the test images, 150 MB for the others."""
    found: dict[str, bytes] = {}
    seen: list[str] = []
    for name, member in _files(source.place):
        seen.append(name)
        if member:
            if name in found:
                raise SourceError(f"{name_of(source.place)} holds {name} twice")
            found[name] = member
    hundred = any(FILES[True, split].fullmatch(name) for name in found for split in ("train", "test"))
    files = sorted(name for name in found if FILES[hundred, source.split].fullmatch(name))
    if not files:
        if any(PICKLES.fullmatch(name) for name in seen):
            raise SourceError(
                f"{name_of(source.place)} holds pickles, which are never loaded; take the binary archive of the same "
                f"page instead ({BINARY})"
            )
        raise SourceError(f"{name_of(source.place)} holds no binary files of CIFAR; taken are {BINARY}")
    kind = (source.labels or "fine") if hundred else "ten"
    if source.labels and not hundred:
        raise SourceError(f"{name_of(source.place)} is CIFAR-10, which has no {source.labels} labels; leave labels out")
    head = 2 if hundred else 1
    records = np.concatenate([_records(found[name], head, name) for name in files])
    column = 1 if kind == "fine" else 0
    names = tuple(found.get(NAMES[kind], b"").decode("utf-8", "replace").split())
    return records[:, column].tolist(), records[:, head:], names


def _records(content: bytes, head: int, name: str) -> NDArray[np.uint8]:
    size = head + PIXELS
    if len(content) % size:
        raise SourceError(f"{name} is damaged: {len(content)} bytes are no whole number of records of {size}")
    return np.frombuffer(content, np.uint8).reshape(-1, size)


def _is_wanted(name: str) -> bool:
    return name in NAMES.values() or any(pattern.fullmatch(name) for pattern in FILES.values())


def _most(name: str) -> int:
    return LONGEST_NAMES if name in NAMES.values() else MOST_IMAGES * (2 + PIXELS)


def _files(place: str) -> Iterator[tuple[str, bytes]]:
    """Give the base names of the files of a folder or archive, and the bytes of those that are wanted."""
    with reporting(place):
        if is_folder(place):
            for path in files_below(place):
                name = name_of(path)
                yield name, content(f"{place}/{path}") if _is_wanted(name) else b""
            return
        with opened(place) as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            for member in archive:
                name = name_of(member.name)
                if not member.isreg() or not _is_wanted(name):
                    yield name, b""
                    continue
                if member.size > _most(name):
                    raise SourceError(f"{name_of(place)}: {name} claims {member.size} bytes, more than CIFAR has")
                packed = archive.extractfile(member)
                yield name, packed.read() if packed else b""
