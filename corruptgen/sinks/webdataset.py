"""The format `webdataset`: tar files that loaders stream, with an image, or the frames of a sequence, for each item."""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from corruptgen.codecs.images import encode_image
from corruptgen.errors import Rejected
from corruptgen.recipe.declarations import Format
from corruptgen.sinks.features import column, label_feature, split_name, yaml_features
from corruptgen.sinks.frames import frame_names, frames_in
from corruptgen.sinks.protocol import Dataset, Image, Part, Sample, WrittenShard
from corruptgen.sinks.shards import Shards, open_shard
from corruptgen.store.names import escape_name, shorten_name
from corruptgen.values.arguments import severity_text
from corruptgen.values.class_labels import NAMES, NO_CLASS, NONE, NUMBERS, Classes

# The endings of images, which loaders choose their decoder by.
ENDINGS = {"png": "png", "jpeg": "jpg", "tiff": "tif", "npy": "npy"}

# What the clean image of a pair is called, and the row of the clean twin.
PAIRED = "clean"

SHARD = re.compile(r"(.+)-(\d{5,})\.tar")


def sample_key(item_id: str, escape: str = "") -> str:
    """Return the key of an item: its id with all but letters, digits, "-", "_", "~" and "/" as percent escapes.

    Loaders cut a member's name at the first dot, so that a key has none; `urllib.parse.unquote` returns the id,
    unless names are escaped (`escape` as in `item_name`): then it is in the record of the sample alone.
    """
    key = quote(escape_name(item_id, escape), safe="/").replace(".", "%2E")
    # Loaders pass over names that begin so: they take them for notes about the archive.
    key = "%5F" + key[1:] if key.startswith("__") else key
    return shorten_name(key) if escape else key


@dataclass(frozen=True)
class WebDataset(Shards):
    """`<row>/severity_<k>-<block>.tar`; the order of the items is that of the plan.

    A sample has its image as `<key>.png`, or the frames of its sequence as `<key>.000.png` and so on; of pairs also the
    clean image as `<key>.clean.png`.
    """

    classes: Classes = field(default_factory=Classes)
    escape: str = ""
    """How names are escaped."""
    frames: tuple[int, ...] = ()
    """The number of frames in each cell, 0 for one image; empty: there are no sequences."""

    def ready(self, dataset: Dataset) -> "WebDataset":
        """Take the numbers of the classes."""
        return replace(self, classes=dataset.classes)

    def shard(self, cell: int, block: int) -> str:
        """Return the file of a block in a cell, relative to the output."""
        row, severity = self.cells[cell]
        return f"{row}/severity_{severity_text(severity)}-{block:05d}.tar"

    @property
    def pattern(self) -> re.Pattern[str]:
        """The form of such names."""
        return SHARD

    @property
    def extension(self) -> str:
        """The ending of images, which loaders choose their decoder by."""
        return ENDINGS[self.encoding.name]

    def write(self, cell: int, block: int, samples: Iterable[Sample]) -> WrittenShard:
        """Write a tar file, item by item."""
        row, severity = self.cells[cell]
        with (
            open_shard(self.output, self.shard(cell, block)) as file,
            # typeshed asks for a whole file object, and a tar file that is written needs `write` and `tell`.
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive,  # type: ignore[call-overload]
        ):
            for sample in samples:
                key, label = sample_key(sample.item.id, self.escape), sample.item.label
                record = {
                    "image_id": sample.item.id,
                    "label": self.classes.plain(label),
                    "corruption": row,
                    "severity": severity,
                }
                for name, content in self._encoded(cell, key, sample):
                    add_member(archive, name, content)
                if self.classes.is_single:
                    # Loaders want the same members in every sample.
                    number = self.classes.value(label)
                    add_member(archive, f"{key}.cls", str(NO_CLASS if number is None else number).encode())
                add_member(archive, f"{key}.json", json.dumps(record).encode())
                # Not kept while the next one is made.
                del sample
        return file.shard

    def _encoded(self, cell: int, key: str, sample: Sample) -> Iterator[tuple[str, bytes]]:
        """Return the images of a sample, one at a time."""
        if sample.clean is not None:
            yield f"{key}.{PAIRED}.{self.extension}", encode_image(sample.clean, self.encoding)
        for name, pixels in zip(self.members(cell, key), sample.images, strict=True):
            yield name, encode_image(pixels, self.encoding)

    def members(self, cell: int, key: str) -> list[str]:
        """Name the images of a sample: the one image, or the frames in their order."""
        frames = frame_names(frames_in(self.frames, cell))
        return [f"{key}.{frame}.{self.extension}" for frame in frames] or [f"{key}.{self.extension}"]

    def images(self, cell: int, part: Part) -> Iterator[Image]:
        """Read the images of a shard, item by item."""
        name = self.shard(cell, part.block)
        path = self.output.path(name)
        try:
            with tarfile.open(path, encoding="utf-8") as archive:
                for item in part.items:
                    members = map(archive.extractfile, self.members(cell, sample_key(item.id, self.escape)))
                    contents = [member.read() if member else b"" for member in members]
                    yield contents if frames_in(self.frames, cell) else contents[0]
        except (OSError, KeyError, tarfile.TarError) as error:
            raise Rejected(f"cannot be read: {name} is damaged ({type(error).__name__})") from error


def add_member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Append a member that says nothing about when, where and by whom: time, owner and group are 0."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o644
    archive.addfile(member, io.BytesIO(content))
    # A tar file remembers its members, which memory need not.
    archive.members = []  # type: ignore[attr-defined]  # not in typeshed


def _of_tars(dataset: Any) -> list[dict[str, Any]]:
    """Describe the samples of tar files, which `datasets` else guesses from the first few."""
    text, numbers = column("string"), {"feature": column("int64"), "_type": "List"}
    label = {NAMES: text, NUMBERS: column("int64"), NONE: column("null")}.get(dataset.classes.kind, numbers)
    record = {"image_id": text, "label": label, "corruption": text, "severity": column("float64")}
    number = {"cls": label_feature(dataset.classes)["label"]} if dataset.classes.is_single else {}
    ending = ENDINGS[dataset.recipe.output.encoding]

    def features(row: str) -> dict[str, Any]:
        # Splits of one config have the same columns; a severity with fewer frames leaves the rest of them empty.
        most = max(dataset.frames_of(row, severity) for severity in dataset.configs[row])
        names = [f"{frame}.{ending}" for frame in frame_names(most)] or [ending]
        is_pair = dataset.recipe.output.pairs and row != PAIRED
        names = [*([f"{PAIRED}.{ending}"] if is_pair else []), *names]
        images = {name: _feature(ending, dataset) for name in names}
        return {**images, **number, "json": record, "__key__": text, "__url__": text}

    return [{"config_name": row, "features": yaml_features(features(row))} for row in dataset.configs]


def _feature(ending: str, dataset: Any) -> dict[str, Any]:
    """Describe an image: rows of pixels of samples, if it is an array."""
    if ending != "npy":
        return {"_type": "Image"}
    feature = column(dataset.recipe.output.dtype or "uint8")
    for _ in range(3):
        feature = {"feature": feature, "_type": "List"}
    return feature


FORMAT = Format(
    name="webdataset",
    sink=lambda choice, cells, output, blocks: WebDataset(output, cells, choice.stored, escape=choice.escape_names),
    files=lambda row, severity: f"{row}/{split_name(severity)}-*.tar",
    stored_name=lambda item, choice: sample_key(item.id, choice.escape_names) + choice.stored.extension,
    media_type="application/x-tar",
    holds_arrays=True,
    holds_sequences=True,
    holds_pairs=True,
    is_loadable=True,
    dataset_info=_of_tars,
)
