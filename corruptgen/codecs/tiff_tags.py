"""The tags of a TIFF that decide no pixel, and the file without them; all else stays where it is."""

import struct
from collections.abc import Collection
from dataclasses import dataclass

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RESOLUTION, EXIF, XMP, ORIENTATION, OTHER = "resolution tags", "EXIF", "XMP", "orientation tag", "other tags"
KINDS = {282: RESOLUTION, 283: RESOLUTION, 296: RESOLUTION, 34665: EXIF, 34853: EXIF, 700: XMP}
ORIENTATION_TAG, SHORT = 274, 3
# Geometry, samples, compression and its tables, colours, strips and tiles.
DECIDING = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 330, 332}
    | {333, 334, 336, 338, 339, 340, 341, 342, 347, *range(512, 522), 529, 530, 531, 532, 32997, 32998, ORIENTATION_TAG}
)


@dataclass(frozen=True)
class _Layout:
    """How a classic or a big TIFF writes its first directory."""

    order: str
    big: bool

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def entry(self) -> struct.Struct:
        """Tag, type, number of values, and the values or where they are."""
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))


def tag_kinds(content: bytes) -> set[str]:
    """Find the kinds of tags of a TIFF that decide no pixel; none if its directory is broken."""
    found = _directory(content)
    return set() if found is None else {kind for entry in found[2] if (kind := _kind(entry))}


def without_tags(content: bytes, unwanted: Collection[str]) -> bytes:
    """Return a TIFF without its tags of some kinds; an orientation of several values keeps the first."""
    found = _directory(content)
    if found is None:
        return content
    layout, start, entries, following = found
    kept = [_changed(entry, unwanted) for entry in entries if _stays(entry, unwanted)]
    directory = layout.count.pack(len(kept)) + b"".join(layout.entry.pack(*entry) for entry in kept) + following
    end = start + layout.count.size + len(entries) * layout.entry.size + len(following)
    return content[:start] + directory.ljust(end - start, b"\0") + content[end:]


_Entry = tuple[int, int, int, bytes]


def _directory(content: bytes) -> tuple[_Layout, int, list[_Entry], bytes] | None:
    layout = _Layout("<" if content[:2] == b"II" else ">", content[2:4] in (b"+\0", b"\0+"))
    try:
        (start,) = layout.offset.unpack_from(content, 8 if layout.big else 4)
        (count,) = layout.count.unpack_from(content, start)
        first = start + layout.count.size
        end = first + count * layout.entry.size
        if end + layout.offset.size > len(content):
            return None
        entries = [layout.entry.unpack_from(content, first + i * layout.entry.size) for i in range(count)]
    except struct.error:
        return None
    return layout, start, entries, content[end : end + layout.offset.size]


def _kind(entry: _Entry) -> str:
    tag, _, count, _ = entry
    if tag == ORIENTATION_TAG and count != 1:
        return ORIENTATION
    return "" if tag in DECIDING else KINDS.get(tag, OTHER)


def _stays(entry: _Entry, unwanted: Collection[str]) -> bool:
    kind = _kind(entry)
    return kind not in unwanted or (kind == ORIENTATION and _is_inline(entry))


def _is_inline(entry: _Entry) -> bool:
    _, form, count, values = entry
    return form == SHORT and 1 < count <= len(values) // 2


def _changed(entry: _Entry, unwanted: Collection[str]) -> _Entry:
    if ORIENTATION not in unwanted or _kind(entry) != ORIENTATION:
        return entry
    tag, form, _, values = entry
    return tag, form, 1, values[:2] + bytes(len(values) - 2)
