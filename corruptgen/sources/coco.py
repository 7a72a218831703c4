"""Images with annotations in the format of COCO's instances: boxes, polygons and run lengths in one JSON file."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from corruptgen.codecs.images import EXTENSIONS
from corruptgen.containers.places import is_remote
from corruptgen.errors import RecipeError, Rejected, SourceError, describe_error
from corruptgen.recipe.checks import address
from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import KEEP_KEYS, MASKS
from corruptgen.records import Item, Items, Listing, Rejection
from corruptgen.sources.folder import FolderSource, local_folder
from corruptgen.sources.kind import Source
from corruptgen.sources.opening import beside_source
from corruptgen.store.names import is_below

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
    notes: tuple[str, ...]
    """What in it belongs to nothing, counted."""
    digest: str
    """The sha256 of the file."""

    def of(self, name: str) -> tuple[Annotation, ...]:
        """Return the annotations of the image of this file name."""
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
    images, of_image, notes = _parts(content, file.name)
    named = [(plain_name(image["file_name"]), image) for image in images]
    times = Counter(name for name, _ in named)
    return Annotations(
        content=MappingProxyType(content),
        images=MappingProxyType({name: image for name, image in named if times[name] == 1}),
        repeated=frozenset(name for name, count in times.items() if count > 1),
        of_image=MappingProxyType(of_image),
        notes=notes,
        digest=hashlib.sha256(raw).hexdigest(),
    )


@dataclass(frozen=True)
class CocoSource:
    """The images of a folder that an annotation file lists.

    An item's id is its `file_name`, its label the folder in it, "" if there is none. Images that are
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
        items = Items.of(item for item in found.items if item.id in listed.images)
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
            classes=found.classes,
            annotations=listed.digest,
            note="; ".join(listed.notes),
        )

    def read(self, item: Item) -> bytes:
        """Return the bytes of an image, or report why it cannot be read."""
        return FolderSource(self.root).file(item.id)

    def files(self, items: Sequence[Item]) -> list[str]:
        """List the files of images."""
        return FolderSource(self.root).files(items)


def _unreadable(file: Path, error: OSError) -> SourceError:
    return SourceError(f"the annotations {file.name} cannot be read: {describe_error(error)}")


def _parts(
    content: Any, name: str
) -> tuple[list[Mapping[str, Any]], dict[Any, tuple[Annotation, ...]], tuple[str, ...]]:
    """Take the images and annotations out of a parsed file; report what in it belongs to nothing."""
    lists = [content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations")]
    for key, entries in zip(("images", "annotations"), lists, strict=True):
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise SourceError(f'{name} "{key}": a list of entries is needed, as in COCO\'s instances_val2017.json')
    images, annotated = lists[0] or [], lists[1] or []
    for i, image in enumerate(images):
        if not isinstance(image.get("file_name"), str) or not is_number(image.get("id")):
            raise SourceError(f'{name} "images", entry {i}: it needs a text "file_name" and a number "id"')
    numbers = Counter(image["id"] for image in images)
    twice = next((number for number, count in numbers.items() if count > 1), None)
    if twice is not None:
        raise SourceError(f'{name} "images": the id {twice!r} is given to {numbers[twice]} images; renumber them')
    of_image = defaultdict(list)
    orphans = []
    for annotation in annotated:
        number = annotation.get("image_id")
        if is_number(number) and number in numbers:
            of_image[number].append(annotation)
        else:
            orphans.append(annotation)
    notes = [_counted(orphans, "left out", "image_id", name)] if orphans else []
    categories = content.get("categories")
    if isinstance(categories, list) and categories:
        known = {
            category["id"] for category in categories if isinstance(category, dict) and is_number(category.get("id"))
        }
        nameless = [
            entry for found in of_image.values() for entry in found if not _names_one(entry.get("category_id"), known)
        ]
        notes += [_counted(nameless, "kept", "category_id", name)] if nameless else []
    return images, {number: tuple(found) for number, found in of_image.items()}, tuple(notes)


def _counted(entries: Sequence[Annotation], done: str, key: str, name: str) -> str:
    """Return in one line how many annotations name what does not exist."""
    return (
        f"{name}: {len(entries)} annotations {'are' if len(entries) > 1 else 'is'} {done} whose {key} names nothing in "
        f"the file, such as the one with id {str(entries[0].get('id'))[:20]!r}"
    )


def is_number(value: Any) -> bool:
    """Check whether a value can number an image: tools write whole numbers, texts, and 1.0."""
    return type(value) in (int, str) or (type(value) is float and value.is_integer())


def _names_one(value: Any, known: Collection[Any]) -> bool:
    return value is None or (is_number(value) and value in known)


def size_of(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return height and width as the entry of an image says them; None where it does not.

    Raises
    ------
    Rejected
        If it says something else than pixels.
    """
    found = []
    for key in ("height", "width"):
        value = entry.get(key)
        if value is None or value == 0:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 1 or value % 1:
            raise Rejected(f"is annotated with a {key} of {str(value)[:20]!r}; write pixels, or leave it out")
        found.append(int(value))
    return found[0], found[1]


def plain_name(name: str) -> str:
    """Return the name of a file below the source: `./a.png` and `a//b.png` are names of `a.png` and `a/b.png`."""
    if name.startswith("/"):
        return name
    return "/".join(part for part in name.split("/") if part not in ("", ".")) or name


def _objection(name: str, refused: Mapping[str, str]) -> str:
    """Return why a listed image is not an item."""
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


def _open(place: str, recipe: Recipe) -> Source:
    if is_remote(place):
        raise RecipeError(f'{recipe.name}: kind = "coco" reads a folder of this machine, not {place}')
    folder = local_folder(place)
    return CocoSource(folder, beside_source(recipe, "annotations", recipe.source.get("annotations"), place))


KIND = SourceKind(
    name="coco",
    open=_open,
    keys={"annotations": Key(address, is_local=True), "keep_keys": KEEP_KEYS, **MASKS},
    holds_files=True,
    has_annotations=True,
)
