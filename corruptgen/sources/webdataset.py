"""Tar shards as the library `webdataset` reads them: files that share a name up to its first dot are one sample."""

import glob
import json
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, BinaryIO

from corruptgen.containers.packed import Guarded
from corruptgen.containers.places import (
    beside,
    files_in,
    is_folder,
    is_remote,
    length_of,
    name_of,
    open_place,
    piece,
    reporting,
    state_of,
)
from corruptgen.errors import Rejected, SourceError
from corruptgen.recipe.checks import names_by
from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import CLASSES
from corruptgen.records import Item, Listing
from corruptgen.runtime.trouble import is_trouble
from corruptgen.sources.kind import Source
from corruptgen.sources.opening import naming, path_of
from corruptgen.sources.register import NAMELESS, Naming, Register
from corruptgen.store.names import is_apple_double, is_below, is_text, storable

IMAGES = ("png", "jpg", "jpeg", "webp", "avif", "heic", "heif", "jp2", "jxl")
LABELS = ("cls", "txt", "json")
LONGEST_LABEL = 1 << 16  # bytes
# As webdataset takes names apart: a folder and a name up to the first dot, then the rest.
PARTS = re.compile(r"((?:.*/)?[^./]+)\.([^/]*)")
BLOCK = tarfile.BLOCKSIZE
ENDING = ".tar"


@dataclass
class _Shard:
    """What one tar holds."""

    images: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where the image of a sample begins and how long it is, by id."""
    labels: dict[str, Any] = field(default_factory=dict)
    """As the members state them, by id."""
    rejected: dict[str, str] = field(default_factory=dict)
    """Reasons by id."""
    ignored: int = 0


@dataclass(frozen=True)
class TarSource:
    """Samples of tar shards: an image and, if there is one, a label; their ids are `<shard>/<key>`.

    Nothing is written to disk: a shard is indexed once in each process and read by offset.
    """

    folder: str = field(repr=False)
    pattern: str = "*.tar"
    """What the names of the shards are like, as in a shell."""
    image: tuple[str, ...] = IMAGES
    """Endings of members that are images."""
    label: tuple[str, ...] = LABELS
    """Endings of members that are labels; the first that a sample has is taken."""
    column: str = "label"
    """The key of the label in members that are JSON."""
    naming: Naming = NAMELESS

    def listing(self) -> Listing:
        """List the samples sorted by id."""
        register = Register(self.naming)
        ignored = 0
        for place in _shards(self.folder, self.pattern):
            shard = _indexed(self, place, state_of(place))
            ignored += shard.ignored
            for key, reason in shard.rejected.items():
                register.reject(key, reason)
            for key in shard.images:
                register.add(key, shard.labels.get(key))
        found = register.listing(ignored)
        return replace(found, items=found.items.by_id())

    def read(self, item: Item) -> bytes:
        """Return the bytes of the image of a sample."""
        if not is_below(item.id):
            raise Rejected("has a name that leads out of the source")
        place = self._shard(item)
        with reporting(place):
            found = _indexed(self, place, state_of(place)).images.get(item.id)
            if found is None:
                raise Rejected("cannot be read: its shard does not hold it")
            content = piece(place, *found)
        if len(content) != found[1]:
            raise Rejected("cannot be read: its shard ends before it")
        return content

    def files(self, items: Sequence[Item]) -> list[str]:
        """Name the shards that hold some samples."""
        return list(dict.fromkeys(self._shard(item) for item in items))

    def _shard(self, item: Item) -> str:
        return beside(self.folder, item.id.partition("/")[0] + ENDING)


def _shards(folder: str, pattern: str) -> list[str]:
    """Find the shards in a folder."""
    with reporting(folder):
        names = [name for name in files_in(folder) if fnmatchcase(name, pattern)]
    for name in names:
        if not name.endswith(ENDING):
            raise SourceError(f"{name} does not end in {ENDING}; shards are tar archives that are not packed")
    if not names:
        raise SourceError(f"{name_of(folder)} holds no shard called {pattern}")
    return [beside(folder, name) for name in names]


@lru_cache(maxsize=32)
def _indexed(source: TarSource, place: str, version: str) -> _Shard:
    """Index a shard, once per process and state of the file."""
    shard = _Shard()
    name = name_of(place).removesuffix(ENDING)
    if not is_below(name) or not is_text(name):
        raise SourceError(f"the shard {storable(name_of(place))!r} has a name that cannot begin an id; rename it")
    with reporting(place), open_place(place) as file:
        samples: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        last = ""
        for member in _members(file, length_of(place), name, shard):
            if member.isdir():
                continue
            if is_apple_double(member.name):
                shard.ignored += 1
                continue
            found = PARTS.fullmatch(member.name.removeprefix("./"))
            key = f"{name}/{found[1] if found else member.name.removeprefix('./')}"
            objection = _objection(member, length_of(place))
            if objection:
                shard.rejected[storable(f"{name}/{member.name}") if not found else storable(key)] = objection
                continue
            if found is None or name_of(found[1]).startswith("__"):
                shard.ignored += 1
                continue
            ending = found[2].lower()
            if ending in samples[key]:
                shard.rejected[key] = f"occurs twice: {member.name}"
            samples[key][ending] = (member.offset_data, member.size)
            last = key
        if name in shard.rejected and last:
            # Where the damage begins, the last sample may have lost some of its members.
            shard.rejected[last] = "lies where its shard is damaged and may not be whole"
        for key, members in samples.items():
            _add(source, shard, key, members, file)
    return shard


def _members(file: BinaryIO, length: int, name: str, shard: _Shard) -> Iterator[tarfile.TarInfo]:
    """Return the members of a tar up to its end, or up to where it is damaged, which is noted."""
    guarded: Any = Guarded(file)
    try:
        archive = tarfile.TarFile(fileobj=guarded, mode="r", encoding="utf-8")
    except Exception as error:
        if is_trouble(error):
            raise
        raise SourceError(f"{name}.tar is no tar archive, or is damaged at its beginning") from error
    whole = False
    try:
        while (member := archive.next()) is not None:
            yield member
            archive.members = []  # type: ignore[attr-defined]  # not in typeshed
        file.seek(archive.offset)
        whole = file.read(BLOCK) == b"\0" * BLOCK
    # What a damaged header makes the parser raise says nothing more than that it is damaged.
    except Exception as error:
        if is_trouble(error):
            raise
    if not whole:
        shard.rejected[name] = (
            f"is damaged or cut off after byte {min(archive.offset, length)}; what it holds behind that is left out"
        )


def _objection(member: tarfile.TarInfo, length: int) -> str | None:
    """Return why a member of a tar cannot be used."""
    name = member.name.removeprefix("./")
    if not is_text(name):
        return "has a name that is not UTF-8"
    if not is_below(name):
        return "has a name that is absolute or leads out of the archive"
    if member.issym() or member.islnk():
        return "is a link; store the file itself"
    if not member.isreg() or member.issparse():
        return "is not a regular file"
    if member.offset_data + member.size > length:
        return "is cut off: its shard ends before it"
    return None


def _add(source: TarSource, shard: _Shard, key: str, members: dict[str, tuple[int, int]], file: BinaryIO) -> None:
    """Add a sample to the index, or the reason why it is none."""
    images = [members[ending] for ending in source.image if ending in members]
    if key in shard.rejected:
        return
    if not images:
        shard.ignored += len(members)
        return
    if len(images) > 1:
        shard.rejected[key] = 'holds several images; name the ending of one with columns = { image = "..." }'
        return
    ending = next((ending for ending in source.label if ending in members), None)
    if ending is not None:
        start, length = members[ending]
        if length > LONGEST_LABEL:
            shard.rejected[key] = f"has a label of {length} bytes; at most {LONGEST_LABEL} are taken"
            return
        file.seek(start)
        try:
            shard.labels[key] = _label(file.read(length), ending, source.column)
        except (ValueError, RecursionError) as error:
            shard.rejected[key] = f"has no label in its .{ending}: {' '.join(str(error).split())[:160]}"
            return
    shard.images[key] = images[0]


def _label(content: bytes, ending: str, column: str) -> Any:
    text = content.decode("utf-8").strip()
    if ending != "json":
        return text
    value = json.loads(text)
    if isinstance(value, dict):
        if column not in value:
            raise ValueError(f"it has no {column!r}; choose which key with columns in [source]")
        value = value[column]
    return value


def _open(place: str, recipe: Recipe) -> Source:
    names = recipe.source.names
    with reporting(place):
        folder, pattern = (place, "*.tar") if is_folder(place) else (place.rpartition("/")[0], name_of(place))
    if not is_remote(place) and path_of(place).is_file():
        pattern = glob.escape(pattern)
    image = (names["image"],) if "image" in names else IMAGES
    label, column = names.get("label", ""), "label"
    if label.startswith("json."):
        label, column = "json", label.removeprefix("json.")
    return TarSource(folder, pattern, image, (label,) if label else LABELS, column, naming(recipe))


KIND = SourceKind(
    name="webdataset",
    open=_open,
    keys={"classes": CLASSES, "columns": Key(names_by("image", "label"))},
    holds_files=True,
    takes_patterns=True,
)
