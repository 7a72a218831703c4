"""The format `folder`: one file for each image, laid out as ImageNet-C; a sequence is a folder of frames or a video."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from numpy.typing import NDArray

from corruptgen.codecs.images import encode_image
from corruptgen.codecs.video import encode_video
from corruptgen.metrics.sequences import is_noise
from corruptgen.recipe.declarations import Format
from corruptgen.records import Encoding, Item
from corruptgen.sinks.features import column, label_feature, yaml_features
from corruptgen.sinks.frames import frame_names, frames_in
from corruptgen.sinks.owner import Owner
from corruptgen.sinks.protocol import Dataset, DatasetFile, FoundUnits, Names, Part, Sample, WrittenShard, check_depth
from corruptgen.store.digests import file_digest, join_digests, shard_digest, stored_digest
from corruptgen.store.output_directory import OutputDirectory, cell_folder, item_name
from corruptgen.values.class_labels import MISSING, NONE, Classes

METADATA = "metadata.jsonl"
VIDEO = ".mp4"
CLEAN, CORRUPTED = "clean", "corrupted"


def pair_folder(row: str, severity: float) -> str:
    """Return the folder of a cell where clean images lie beside corrupted ones, relative to the output."""
    return CLEAN if row == CLEAN else f"{CORRUPTED}/{cell_folder(row, severity)}"


def are_told_by_folders(classes: Classes, labels: Set[str]) -> bool:
    """Check whether the folders of a cell say all about labels: one for each class, without others in it.

    Parameters
    ----------
    classes : Classes
        The classes.
    labels : set of str
        Those of the items.
    """
    if classes.kind == NONE or labels <= {MISSING}:
        return True
    return classes.is_single and MISSING not in labels and not any("/" in name for name in classes.names)


@dataclass(frozen=True)
class ImageFolder:
    """`<row>/<severity>/<class>/<name>`, of a sequence `.../<name>/<000>`; the unit is an item.

    Where folders cannot say what the labels are, each cell has a file that does, as the imagefolder of `datasets` has:
    where labels are no folders, and in the cells of sequences, whose files lie in the folder of their item.
    """

    output: OutputDirectory
    cells: Names
    encoding: Encoding
    escape: str = ""
    """How names are escaped."""
    wants_one_shape: bool = False
    classes: Classes = field(default_factory=Classes)
    frames: tuple[int, ...] = ()
    """The number of frames in each cell, 0 for one image; empty: there are no sequences."""
    pairs: bool = False
    """Whether clean images lie in `clean/<class>/<name>`, and all others under the same names below `corrupted/`."""

    def ready(self, dataset: Dataset) -> "ImageFolder":
        """Take the classes."""
        return replace(self, classes=dataset.classes)

    def check(self, image: NDArray[Any]) -> None:
        """Take images of any shape whose samples the encoding can hold."""
        check_depth(image, self.encoding)

    def named(self, item: Item) -> str:
        """Return the file of an item, relative to the folder of a cell."""
        return item_name(item, self.encoding.extension, self.escape)

    def file(self, cell: int, item: Item) -> str:
        """Return the image or video of an item in a cell, or the folder of its frames, relative to the output."""
        name = self.named(item)
        if frames_in(self.frames, cell):
            name = item_name(item, VIDEO if self.encoding.is_video else "", self.escape)
        return f"{self.folder(cell)}/{name}"

    def folder(self, cell: int) -> str:
        """Return the folder of a cell, relative to the output."""
        return pair_folder(*self.cells[cell]) if self.pairs else cell_folder(*self.cells[cell])

    def item_files(self, cell: int, item: Item) -> list[str]:
        """Return the files of an item in a cell: its image or video, or its frames in their order."""
        place, count = self.file(cell, item), self._frame_files(cell)
        return [f"{place}/{name}{self.encoding.extension}" for name in frame_names(count)] if count else [place]

    def _frame_files(self, cell: int) -> int:
        """Return the number of frames that are files of their own."""
        return 0 if self.encoding.is_video else frames_in(self.frames, cell)

    def write(self, cell: int, block: int, samples: Iterable[Sample]) -> WrittenShard:
        """Write one file for each image."""
        named, sizes = [], []
        for sample in samples:
            digests = []
            for name, content in self._encoded(cell, sample):
                self.output.write(name, content)
                digests.append(file_digest(content))
                sizes.append(len(content))
            named.append((self.named(sample.item), join_digests(digests) if sample.is_sequence else digests[0]))
            # Not kept while the next one is made.
            del sample
        return WrittenShard(shard_digest(named), sum(sizes), tuple(digest for _, digest in named))

    def _encoded(self, cell: int, sample: Sample) -> Iterator[tuple[str, bytes]]:
        """Return the files of a sample, one at a time."""
        if sample.is_sequence and self.encoding.is_video:
            noise = is_noise(self.cells[cell][0])
            yield self.file(cell, sample.item), encode_video(sample.pixels, self.encoding.video, is_noise=noise)
            return
        for name, pixels in zip(self.item_files(cell, sample.item), sample.images, strict=True):
            yield name, encode_image(pixels, self.encoding)

    def files(self, item: Item) -> Sequence[str]:
        """List the files of an item, cell by cell."""
        return [name for cell in range(len(self.cells)) for name in self.item_files(cell, item)]

    def owner(self, items: Iterable[Item], blocks: int | None) -> Owner:
        """Take the files of known items in known cells for ours."""
        extension = self.encoding.extension
        folders = {
            self.folder(cell): {f"{frame}{extension}" for frame in frame_names(self._frame_files(cell))}
            for cell in range(len(self.cells))
        }
        videos = {
            self.folder(cell)
            for cell in range(len(self.cells))
            if self.encoding.is_video and frames_in(self.frames, cell)
        }

        def unit(name: str) -> str | None:
            parts = name.split("/")
            depth = (1 if parts[0] == CLEAN else 3) if self.pairs else 2
            folder, item = "/".join(parts[:depth]), "/".join(parts[depth:])
            frames = folders.get(folder)
            if frames is None:
                return None
            if item == METADATA:
                return name
            if folder in videos:
                return item.removesuffix(VIDEO) + extension if item.endswith(VIDEO) else None
            if not frames:
                return item if item.endswith(extension) else None
            stem, _, frame = item.rpartition("/")
            return stem + extension if frame in frames else None

        return Owner(chain(map(self.named, items), (f"{folder}/{METADATA}" for folder in folders)), unit)

    def completeness_check(self, found: FoundUnits) -> Callable[[Part], bool]:
        """Count the files of a block's items and their bytes."""

        def whole(part: Part) -> bool:
            counts = [found.count(self.named(item)) for item in part.items]
            wanted = sum(max(1, self._frame_files(cell)) for cell in range(len(self.cells)))
            return all(files == wanted for files, _ in counts) and part.size == sum(size for _, size in counts)

        return whole

    def joined(self, earlier: Names) -> Collection[tuple[str, float]]:
        """List nothing: no file holds images of several cells."""
        return ()

    def outdated(self, earlier: Names) -> Collection[tuple[str, float]]:
        """List nothing: the layout of a file does not depend on other cells."""
        return ()

    def is_settled(self, found: FoundUnits, blocks: int) -> bool:
        """Join nothing."""
        return True

    def finish(self, parts: Sequence[Part], damaged_files: Collection[str] = ()) -> dict[str, DatasetFile]:
        """Write the labels of every cell, where its folders do not state them."""
        are_told = are_told_by_folders(self.classes, {item.label for part in parts for item in part.items})
        # Of all cells without sequences the content is the same, which is read through once.
        known: dict[tuple[int, str], DatasetFile] = {}
        files: dict[str, DatasetFile] = {}
        for cell in range(len(self.cells)):
            count, name = self._frame_files(cell), f"{self.folder(cell)}/{METADATA}"
            if are_told and not count:
                continue
            extension = VIDEO if self.encoding.is_video and frames_in(self.frames, cell) else self.encoding.extension
            if (count, extension) not in known:
                known[count, extension] = _measure(self._metadata(parts, count, extension))
            files[name] = known[count, extension]
            if self.output.size(name) != files[name].size or self.output.sha256(name) != files[name].sha256:
                with self.output.whole(name) as file:
                    file.writelines(self._metadata(parts, count, extension))
        if files:
            self.output.sync()
        return files

    def _metadata(self, parts: Sequence[Part], count: int, extension: str) -> Iterator[bytes]:
        """Return the lines of a cell: one for each file of an item, of which there are `count` frames or one file."""
        for part in parts:
            for item in part.items:
                label = {} if self.classes.kind == NONE else {"label": self.classes.value(item.label)}
                entry = label | {"image_id": item.id}
                if not count:
                    yield _line({"file_name": item_name(item, extension, self.escape)} | entry)
                for number, frame in enumerate(frame_names(count)):
                    name = f"{item_name(item, '', self.escape)}/{frame}{extension}"
                    yield _line({"file_name": name} | entry | {"frame": number})

    def name(self, cell: int, part: Part, item: Item | None = None) -> str:
        """Name the file of an item, or the folder of a cell."""
        return self.file(cell, item) if item else self.folder(cell)

    def digests(self, part: Part) -> Iterator[bytes | None]:
        """Read the files of a block in every cell."""
        for images in (self.images(cell, part) for cell in range(len(self.cells))):
            named = zip(part.items, images, strict=True)
            whole = [(self.named(item), stored_digest(content)) for item, content in named if content]
            yield shard_digest(whole) if len(whole) == len(part.items) else None

    def images(self, cell: int, part: Part) -> Iterator[bytes | Sequence[bytes] | None]:
        """Read the files of a block in a cell, item by item."""
        return (self._stored(cell, item) for item in part.items)

    def _stored(self, cell: int, item: Item) -> bytes | Sequence[bytes] | None:
        contents = [self.output.read(name) for name in self.item_files(cell, item)]
        whole = [content for content in contents if content is not None]
        if len(whole) < len(contents):
            return None
        return whole if frames_in(self.frames, cell) else whole[0]


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"


def _measure(lines: Iterable[bytes]) -> DatasetFile:
    """Return the size and the sha256 of a file of these lines."""
    digest, size = hashlib.sha256(), 0
    for line in lines:
        digest.update(line)
        size += len(line)
    return DatasetFile(size, digest.hexdigest())


def _of_folders(dataset: Any, row: str) -> dict[str, Any]:
    """Declare the labels to the imagefolder of `datasets`, which otherwise guesses them from folder names."""
    classes = dataset.classes
    features = {"image": {"_type": "Image"}, **label_feature(classes)}
    place = pair_folder(row, 0).removesuffix("/0") if dataset.recipe.output.pairs else row
    if any(name.startswith(f"{place}/") and METADATA in name for name in dataset.manifest.get("files", {})):
        frame = {"frame": column("int64")} if dataset.frames_of(row) else {}
        return {"features": yaml_features(features | {"image_id": column("string")} | frame)}
    if classes.kind == NONE:
        return {"drop_labels": True}
    return {"drop_labels": False, "features": yaml_features(features)}


FORMAT = Format(
    name="folder",
    sink=lambda choice, cells, output, blocks: ImageFolder(
        output, cells, choice.stored, choice.escape_names, pairs=choice.pairs
    ),
    files=lambda row, severity: f"{cell_folder(row, severity)}/**",
    pair_files=lambda row, severity: f"{pair_folder(row, severity)}/**",
    stored_name=lambda item, choice: item_name(item, choice.stored.extension, choice.escape_names),
    has_file_per_item=True,
    carries_targets=True,
    holds_sequences=True,
    holds_pairs=True,
    holds_videos=True,
    is_loadable=True,
    row_config=_of_folders,
)
