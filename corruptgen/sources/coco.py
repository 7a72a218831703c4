"""Images with annotations in the format of COCO's instances: boxes, polygons and run lengths in one JSON file."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from corruptgen.errors import SourceError
from corruptgen.imaging.codec import EXTENSIONS
from corruptgen.names import is_below
from corruptgen.records import Item, Listing, Rejection
from corruptgen.sources.folder import FolderSource

Annotation = Mapping[str, Any]


@dataclass(frozen=True)
class Annotations:
    """The annotations of a dataset, as they were read."""

    content: Mapping[str, Any]
    images: Mapping[str, Mapping[str, Any]]
    """The entry of every image that is listed once, by its file name."""
    repeated: frozenset[str]
    """File names that are listed more than once."""
    of_image: Mapping[Any, tuple[Annotation, ...]]
    """The annotations of every image, by its number."""
    digest: str
    """The sha256 of the file."""

    def of(self, name: str) -> tuple[Annotation, ...]:
        """Give the annotations of the image of this file name."""
        return self.of_image.get(self.images[name]["id"], ())


def annotations(file: Path) -> Annotations:
    """Read the annotations of a dataset, once per process while the file stays as it is.

    Raises
    ------
    SourceError
        If the file cannot be read, or is not in the format of COCO's instances.
    """
    try:
        state = file.stat()
    except OSError as error:
        raise _unreadable(file, error) from error
    return _annotations(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _annotations(file: Path, changed: int, size: int) -> Annotations:
    try:
        raw = file.read_bytes()
        content = json.loads(raw, parse_constant=_not_a_number)
    except OSError as error:
        raise _unreadable(file, error) from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"the annotations {file.name} are not JSON: {error}") from error
    images, of_image = _parts(content, file.name)
    times = Counter(image["file_name"] for image in images)
    return Annotations(
        content=MappingProxyType(content),
        images=MappingProxyType({i["file_name"]: i for i in images if times[i["file_name"]] == 1}),
        repeated=frozenset(name for name, count in times.items() if count > 1),
        of_image=MappingProxyType(of_image),
        digest=hashlib.sha256(raw).hexdigest(),
    )


@dataclass(frozen=True)
class CocoSource:
    """The images of a folder that an annotation file lists.

    An item's id is its `file_name` as the file has it, its label the folder in it, "" if there is none. Images that are
    not listed are ignored and counted; those that are listed and not there are rejected.
    """

    root: Path
    annotated: Path | None = None
    """The annotation file; it is needed to list the items, not to read them."""

    def listing(self) -> Listing:
        """List the items sorted by id."""
        if self.annotated is None:
            raise SourceError('the source has no annotations; write annotations = "..." in [source]')
        listed = annotations(self.annotated)
        found = FolderSource(self.root).listing()
        items = tuple(item for item in found.items if item.id in listed.images)
        there = {item.id for item in items}
        refused = {rejection.id: rejection.reason for rejection in found.rejected}
        rejected = [
            Rejection(_storable(name), _objection(name, refused)) for name in listed.images if name not in there
        ]
        rejected += [Rejection(_storable(name), "is listed more than once") for name in listed.repeated]
        unlisted = sum(item.id not in listed.images for item in found.items)
        unlisted += sum(rejection.id not in listed.images for rejection in found.rejected)
        return Listing(
            items=items,
            rejected=tuple(sorted(rejected, key=lambda rejection: rejection.id)),
            ignored=found.ignored + unlisted,
            annotations=listed.digest,
        )

    def read(self, item: Item) -> bytes:
        """Give the bytes of an image, or say why it cannot be read."""
        return FolderSource(self.root).file(item.id)


def _unreadable(file: Path, error: OSError) -> SourceError:
    return SourceError(f"the annotations {file.name} cannot be read: {error.strerror or type(error).__name__}")


def _parts(content: Any, name: str) -> tuple[list[Mapping[str, Any]], dict[Any, tuple[Annotation, ...]]]:
    """Take the images and annotations out of a parsed file and see to it that they fit together."""
    lists = [content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations")]
    for key, entries in zip(("images", "annotations"), lists, strict=True):
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise SourceError(f'{name} "{key}": a list of entries is needed, as in COCO\'s instances_val2017.json')
    images, annotated = lists
    for i, image in enumerate(images or ()):
        if not isinstance(image.get("file_name"), str) or type(image.get("id")) not in (int, str):
            raise SourceError(f'{name} "images", entry {i}: it needs a text "file_name" and a number "id"')
        if type(image.get("height")) is not int or type(image.get("width")) is not int:
            raise SourceError(f'{name} "images", entry {i}: it needs "height" and "width" in pixels')
    numbers = Counter(image["id"] for image in images or ())
    twice = next((number for number, count in numbers.items() if count > 1), None)
    if twice is not None:
        raise SourceError(f'{name} "images": the id {twice!r} is given to {numbers[twice]} images; number them anew')
    of_image = defaultdict(list)
    for i, annotation in enumerate(annotated or ()):
        number = annotation.get("image_id")
        if type(number) not in (int, str) or number not in numbers:
            raise SourceError(f'{name} "annotations", entry {i}: "image_id" is {number!r}, and there is no such image')
        of_image[number].append(annotation)
    return images or [], {number: tuple(found) for number, found in of_image.items()}


def _objection(name: str, refused: Mapping[str, str]) -> str:
    """Say why a listed image is not an item."""
    if name in refused:
        return refused[name]
    if not is_below(name):
        return "is listed in the annotations, and its name leads out of the source"
    if PurePosixPath(name).suffix.lower() not in EXTENSIONS:
        return "is listed in the annotations, and has a name of another kind than images"
    return "is listed in the annotations, and is not in the source"


def _storable(name: str) -> str:
    """Write a name so that it can be stored as UTF-8: JSON can hold halves of characters."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _not_a_number(constant: str) -> None:
    raise ValueError(f"it holds {constant}, which is not a number of JSON")
