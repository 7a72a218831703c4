"""What is written down about a build: the marker at its beginning, a table per block, the manifest at its end."""

import base64
import hashlib
import json
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import cv2
from numpy.typing import NDArray

from corruptgen import __version__
from corruptgen.codecs.pixels import BYTE, SampleFormat
from corruptgen.codecs.windowing import CleanImage
from corruptgen.engine.identity import Identity
from corruptgen.errors import OutputError, Rejected
from corruptgen.randomness.key import STREAM_VERSION
from corruptgen.recipe.declarations import FORMATS, plug_ins_of
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Item, Items, Listing, Rejection
from corruptgen.runtime.extras import DISTRIBUTIONS, is_installed
from corruptgen.runtime.provenance import version_of
from corruptgen.sinks.protocol import DatasetFile, Part
from corruptgen.tables.table import Preset
from corruptgen.targets.targets import Summary
from corruptgen.values.json_shapes import (
    ENTRY_SHAPE,
    HEAD_SHAPE,
    MANIFEST_SHAPE,
    MARKER_SHAPE,
    RECORD_SHAPE,
    check_shape,
)

SCHEMA = 2
MANIFEST = "manifest.json"
MARKER = ".corruptgen.json"
# What presents the dataset to people and machines; made of the manifest and the images, after them.
CARD = ("README.md", "card.jpg", "croissant.json")
# Decoders of formats that Pillow alone does not read, by the module that is imported.
FORMAT_PACKAGES = {"pillow_heif": "pillow-heif", "pillow_jxl": "pillow-jxl-plugin"}
RECORD = "the record of a shard"

SHAPES = {MARKER: MARKER_SHAPE, RECORD: RECORD_SHAPE, MANIFEST: MANIFEST_SHAPE}
# To read all that a package says of itself takes as long as to make ten images.
_installed = lru_cache(version)


@dataclass(frozen=True)
class ItemRecord:
    """What is known about one item: the digests of what was read and made, or why nothing was made."""

    id: str
    label: str
    source: str = ""
    """The sha256 of the bytes of the source."""
    pixels: bytes = b""
    """A `pixels_digest` per cell."""
    files: bytes = b""
    """The `files_digest`, where images are files of their own."""
    rejected: str = ""
    """The reason; empty if the item is complete."""
    masks: Mapping[str, str] = field(default_factory=dict)
    """The digest of every mask that goes with it, by its file in the output."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """By the annotation file of a cell: what changes in each of the item's annotations."""
    frame: tuple[int, ...] = ()
    """What `Carried.frame` says."""
    samples: Mapping[str, Any] = field(default_factory=dict)
    """Of an image with a window: what `sample_record` says about its stored samples."""
    notes: tuple[str, ...] = ()
    """What was passed over when it was decoded: damage and oddities of the file that change no pixel."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """The sha256 of what rows took beside the image, by name."""
    donor: str = ""
    """The id of the other image that it was combined with."""

    @property
    def item(self) -> Item:
        """The item itself."""
        return Item(self.id, self.label)


@dataclass(frozen=True)
class BlockTable:
    """What is known about the items of one block."""

    number: int
    records: tuple[ItemRecord, ...]
    size: int
    """Bytes of all images together."""
    shards: bytes
    """For each cell the `shard_digest` of its files or, where the block is one file there, its `content_digest`."""
    made_by: Mapping[str, str] = field(default_factory=dict)
    """The `marks` of the code and the libraries that made it; empty in the tables of earlier versions."""

    @property
    def made(self) -> list[ItemRecord]:
        """The records of the complete items."""
        return [record for record in self.records if not record.rejected]

    @property
    def rejected(self) -> list[Rejection]:
        """The items that are missing, and why."""
        return [Rejection(record.id, record.rejected) for record in self.records if record.rejected]

    @property
    def noted(self) -> Counter[str]:
        """How many complete items have each note."""
        return Counter(note for record in self.made for note in record.notes)

    def part(self, start: int = 0) -> Part:
        """Return what the block adds to the output, with the number of items before it."""
        return Part(self.number, tuple(record.item for record in self.made), self.size, self.shards, start)

    def to_bytes(self) -> bytes:
        """Return the table as JSON lines: one about the block, one per item."""
        head = {"block": self.number, "items": len(self.made), "bytes": self.size, "shards": _text(self.shards)}
        head |= {"made_by": dict(self.made_by)} if self.made_by else {}
        return "".join([_line(head), *(_line(_entry(record)) for record in self.records)]).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "BlockTable":
        """Read a table; raise `OutputError` if this is none."""
        try:
            # Not splitlines: a name may hold other characters that end a line.
            head, *entries = [json.loads(line) for line in content.decode().split("\n")[:-1]]
            check_shape(head, HEAD_SHAPE, "its first line")
            for number, entry in enumerate(entries, start=2):
                check_shape(entry, ENTRY_SHAPE, f"its line {number}")
            table = cls(
                head["block"],
                tuple(map(_record, entries)),
                head["bytes"],
                _bytes(head["shards"]),
                head.get("made_by", {}),
            )
        except (ValueError, RecursionError) as error:
            raise OutputError(f"this is not a table of items: {type(error).__name__}") from error
        if head["items"] != len(table.made):
            raise OutputError(f"this is not a whole table: it lists {len(table.made)} items and says {head['items']}")
        return table


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What is kept in memory of a table: what the manifest states about it, and what the block adds to the output."""

    digest: str
    part: Part
    rejected: tuple[Rejection, ...]
    noted: Mapping[str, int] = field(default_factory=dict)
    """How many of the items have each note."""
    made_by: str = ""
    """The marks of what made it, as JSON; one string for all blocks of a build."""

    @property
    def items(self) -> int:
        """The number of complete items."""
        return len(self.part.items)


def summarize_table(table: BlockTable, content: bytes, items: Items) -> TableSummary:
    """Sum a table up; the items of its block are given, so that memory holds each of them once."""
    is_made = [not record.rejected for record in table.records]
    made = items if all(is_made) else items.chosen(is_made)
    part = Part(table.number, made, table.size, table.shards)
    made_by = sys.intern(json.dumps(dict(table.made_by), sort_keys=True))
    return TableSummary(hashlib.sha256(content).hexdigest(), part, tuple(table.rejected), table.noted, made_by)


def build_marker(recipe: Recipe, preset: Preset, listing: Listing, identity: Identity) -> dict[str, Any]:
    """Return the marker of a build; it is written first, so that no other build mixes with this one."""
    return {
        "schema": SCHEMA,
        "recipe": recipe.content(),
        "preset": preset.digest,
        "source": listing.digest,
        "environment": environment(recipe),
        "identity": dict(identity),
        **_plug_ins(recipe),
    }


def build_manifest(
    recipe: Recipe,
    preset: Preset,
    listing: Listing,
    identity: Identity,
    cells: Sequence[str],
    tables: Mapping[str, TableSummary],
    files: Mapping[str, DatasetFile],
    annotations: Mapping[str, Any] | None = None,
    frames: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    """Return the record of what was generated, from what and with what; not where, when or by how many workers.

    Parameters
    ----------
    recipe, preset, listing : Recipe, Preset, Listing
        What was to be made.
    identity : Identity
        What computed the pixels.
    cells : sequence of str
        The folder of every cell, in the order of all digests.
    tables : mapping of str to TableSummary
        What became of it, by the file of each block's table, in their order.
    files : mapping of str to DatasetFile
        Size and sha256 of every file that is for the whole output, by name.
    annotations : mapping of str to object or None
        What is known about each annotation file, by name; None: there are none.
    frames : mapping of str to mapping of str to int or None
        The number of frames of an item under "frames", by the folder of the cell, where there are sequences.
    """
    rejected = [*listing.rejected, *(rejection for table in tables.values() for rejection in table.rejected)]
    items = sum(table.items for table in tables.values())
    counts = (frames or {}).get("frames", {})
    notes = count_noted(tables.values())
    return {
        "schema": SCHEMA,
        "recipe": recipe.content(),
        "preset": {"name": preset.name, "digest": preset.digest, "table": preset.content},
        "environment": environment(recipe),
        "identity": dict(identity),
        **_plug_ins(recipe),
        "counts": {
            "items": items,
            "rejected": len(rejected),
            "ignored": listing.ignored,
            "cells": len(cells),
            "files": items * sum(counts.get(cell, 1) for cell in cells),
        },
        "cells": list(cells),
        **({"frames": dict(counts)} if counts else {}),
        "rejected": [{"id": r.id, "reason": r.reason} for r in sorted(rejected, key=lambda r: r.id)],
        "tables": {name: table.digest for name, table in tables.items()},
        **({"noted": notes} if notes else {}),
        **({"files": {name: asdict(whole) for name, whole in files.items()}} if files else {}),
        **({"labels": listing.classes.content()} if listing.classes.content() else {}),
        **({"classes": list(listing.classes.names)} if listing.classes.names else {}),
        **({"ids": list(listing.items.ids())} if recipe.source.is_selective else {}),
        **({"annotations": dict(annotations)} if annotations else {}),
    }


def count_noted(tables: Iterable[TableSummary]) -> dict[str, int]:
    """Count the items whose files are damaged or odd in a way that changes no pixel, by what was passed over."""
    total: Counter[str] = Counter()
    for table in tables:
        total.update(table.noted)
    return dict(sorted(total.items()))


def annotation_record(summary: Summary) -> dict[str, Any]:
    """Return the record of an annotation file: its digest, the number of annotations, and those left out."""
    digest = hashlib.sha256(summary.content).hexdigest()
    return {"sha256": digest, "annotations": summary.annotations, "dropped": list(summary.dropped)}


def sample_record(image: CleanImage) -> dict[str, Any]:
    """Return the meaning of the stored samples of an image; nothing for an image of 8 bits.

    White is `full_scale` above black; a unit of the file, such as Hounsfield, is slope times the sample plus intercept.
    """
    form = image.form
    if form == BYTE and (image.slope, image.intercept) == (1.0, 0.0):
        return {}
    ends = {"dtype": form.dtype, "black": form.black, "full_scale": form.full_scale}
    unclipped = {} if form.clips else {"clips": False}
    return ends | {"slope": image.slope, "intercept": image.intercept} | unclipped


def restore_image(pixels: NDArray[Any], samples: Mapping[str, Any]) -> CleanImage:
    """Rebuild a clean image from its pixels and what `sample_record` stated.

    Raises
    ------
    Rejected
        If the record does not fit them.
    """
    if not samples:
        return CleanImage(pixels)
    try:
        form = SampleFormat(
            str(samples["dtype"]), float(samples["full_scale"]), float(samples["black"]), samples.get("clips", True)
        )
    except (LookupError, TypeError, ValueError) as error:
        raise Rejected("has a record of its samples that is damaged") from error
    if pixels.dtype != form.dtype:
        raise Rejected(f"has samples of type {pixels.dtype.name}, and its record states {form.dtype}")
    return CleanImage(pixels, form, float(samples["slope"]), float(samples["intercept"]))


def dataset_files(manifest: Mapping[str, Any]) -> dict[str, DatasetFile]:
    """Return what a manifest states about files for the whole output; raise `OutputError` if that is damaged."""
    try:
        listed = manifest.get("files", {}) | manifest.get("card", {})
        files = {str(name): DatasetFile(**whole) for name, whole in listed.items()}
    except (TypeError, AttributeError) as error:
        raise OutputError(f"{MANIFEST} is damaged: its files are none") from error
    return files


def environment(recipe: Recipe | None = None) -> dict[str, str]:
    """Name the versions that pixels, and the files of the recipe's format, may depend on."""
    packages = ["isal", "numba", "numpy", "pillow", "scipy", "simplejpeg"]
    plug_ins = {} if recipe is None else plug_ins_of(recipe.source.kind, recipe.output.format)
    others = {plug_in.distribution: plug_in.version for plug_in in plug_ins.values()}
    if recipe is not None and FORMATS.origin(recipe.output.format):
        others |= {package: version_of(package) for package in recipe.output.declared.needs}
    elif recipe is not None:
        packages += [DISTRIBUTIONS.get(package, package) for package in recipe.output.declared.needs]
    if recipe is not None and recipe.output.encoding == "video" and not recipe.output.is_array:
        packages += ["av"]
    if recipe is not None and recipe.decode.window is not None:
        packages += ["nibabel", "pydicom", "tifffile"]
        # Compressed samples are decoded by what is installed.
        packages += [package for package in ("imagecodecs",) if is_installed(package)]
    if recipe is not None and recipe.source.declared.holds_files:
        packages += [package for module, package in FORMAT_PACKAGES.items() if is_installed(module)]
    return {
        "corruptgen": __version__,
        "opencv": cv2.__version__,
        "python": platform.python_version(),
        "stream": STREAM_VERSION,
        **{package: _installed(package) for package in packages},
        **others,
    }


def _plug_ins(recipe: Recipe) -> dict[str, Any]:
    """Return the packages of plug-ins that a recipe uses, so that a reader can name one that is missing."""
    found = plug_ins_of(recipe.source.kind, recipe.output.format)
    return {"plugins": {what: plug_in.place for what, plug_in in found.items()}} if found else {}


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Write a record for people: indented, in its own order, with a line end at the end."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """Write a manifest with a digest of all its values, so that no value of it changes unnoticed."""
    plain = {key: value for key, value in content.items() if key != "digest"}
    return json_bytes(plain | {"digest": _digest(plain)})


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def parse_record(content: bytes, name: str) -> dict[str, Any]:
    """Read a marker, manifest or record; raise `OutputError` if it is none that this version can read.

    A manifest that has a digest must be what was written; those of earlier releases have none.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        advice = "; bring it back, or remove the output and generate it again" if name == MARKER else ""
        raise OutputError(f"{name} is damaged: it is not JSON{advice}") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise OutputError(f"{name} has another schema than {SCHEMA}; use the version of corruptgen that wrote it")
    check_shape(found, SHAPES[name if name in SHAPES else RECORD], name)
    # Those of releases that recorded no identity of the code have no digest either.
    is_guarded = "digest" in found or (name == MANIFEST and "identity" in found)
    if is_guarded and found.get("digest") != _digest({k: v for k, v in found.items() if k != "digest"}):
        raise OutputError(f"{name} is damaged: it is not what was written, as its own digest states; bring it back")
    return found


def _entry(record: ItemRecord) -> dict[str, Any]:
    named = {"id": record.id, "label": record.label}
    source = {"source": record.source} if record.source else {}
    if record.rejected:
        return named | source | {"rejected": record.rejected}
    files = {"files": _text(record.files)} if record.files else {}
    carried = {"masks": dict(record.masks), "changes": dict(record.changes), "samples": dict(record.samples)}
    given = {key: value for key, value in carried.items() if value}
    notes = {"notes": list(record.notes)} if record.notes else {}
    frame = {"frame": list(record.frame)} if record.frame else {}
    inputs = {"inputs": dict(record.inputs)} if record.inputs else {}
    donor = {"donor": record.donor} if record.donor else {}
    return named | source | {"pixels": _text(record.pixels)} | files | given | frame | notes | inputs | donor


def _record(entry: Mapping[str, Any]) -> ItemRecord:
    return ItemRecord(
        id=entry["id"],
        label=entry["label"],
        source=entry.get("source", ""),
        pixels=_bytes(entry.get("pixels", "")),
        files=_bytes(entry.get("files", "")),
        rejected=entry.get("rejected", ""),
        masks=entry.get("masks", {}),
        changes=entry.get("changes", {}),
        frame=tuple(map(int, entry.get("frame", ()))),
        samples=entry.get("samples", {}),
        notes=tuple(entry.get("notes", ())),
        inputs=entry.get("inputs", {}),
        donor=entry.get("donor", ""),
    )


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"


def _text(digests: bytes) -> str:
    return base64.b64encode(digests).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
