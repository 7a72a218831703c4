"""The format `folder`: one file for each image, laid out as ImageNet-C; a sequence is a folder of its frames."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from numpy.typing import NDArray

from corruptgen.codecs.images import encode_image
from corruptgen.recipe.declarations import Format
from corruptgen.records import Encoding, Item
from corruptgen.sinks.features import column, label_feature, yaml_features
from corruptgen.sinks.frames import frame_names, frames_in, images_per_item
from corruptgen.sinks.owner import Owner
from corruptgen.sinks.protocol import Dataset, DatasetFile, FoundUnits, Names, Part, Sample, WrittenShard, check_depth
from corruptgen.store.digests import file_digest, join_digests, shard_digest, stored_digest
from corruptgen.store.output_directory import OutputDirectory, cell_folder, item_name
from corruptgen.values.class_labels import MISSING, NONE, Classes

METADATA = "metadata.jsonl"


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
        """Return the file of an item in a cell, or the folder of its frames, relative to the output."""
        is_sequence = frames_in(self.frames, cell)
        return f"{cell_folder(*self.cells[cell])}/{self._folder(item) if is_sequence else self.named(item)}"

    def item_files(self, cell: int, item: Item) -> list[str]:
        """Return the files of an item in a cell: that of its image, or those of its frames in their order."""
        place, count = self.file(cell, item), frames_in(self.frames, cell)
        return [f"{place}/{name}{self.encoding.extension}" for name in frame_names(count)] if count else [place]

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
        for name, pixels in zip(self.item_files(cell, sample.item), sample.images, strict=True):
            yield name, encode_image(pixels, self.encoding)

    def files(self, item: Item) -> Sequence[str]:
        """List the files of an item, cell by cell."""
        return [name for cell in range(len(self.cells)) for name in self.item_files(cell, item)]

    def owner(self, items: Iterable[Item], blocks: int | None) -> Owner:
        """Take the files of known items in known cells for ours."""
        extension = self.encoding.extension
        folders = {
            cell_folder(*name): {f"{frame}{extension}" for frame in frame_names(frames_in(self.frames, cell))}
            for cell, name in enumerate(self.cells)
        }

        def unit(name: str) -> str | None:
            row, _, rest = name.partition("/")
            severity, _, item = rest.partition("/")
            frames = folders.get(f"{row}/{severity}")
            if frames is None:
                return None
            if item == METADATA:
                return name
            if not frames:
                return item if item.endswith(extension) else None
            folder, _, frame = item.rpartition("/")
            return folder + extension if frame in frames else None

        return Owner(chain(map(self.named, items), (f"{folder}/{METADATA}" for folder in folders)), unit)

    def completeness_check(self, found: FoundUnits) -> Callable[[Part], bool]:
        """Count the files of a block's items and their bytes."""

        def whole(part: Part) -> bool:
            counts = [found.count(self.named(item)) for item in part.items]
            images = images_per_item(self.frames, len(self.cells))
            return all(files == images for files, _ in counts) and part.size == sum(size for _, size in counts)

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
        known: dict[int, DatasetFile] = {}
        files: dict[str, DatasetFile] = {}
        for cell, place in enumerate(self.cells):
            count, name = frames_in(self.frames, cell), f"{cell_folder(*place)}/{METADATA}"
            if are_told and not count:
                continue
            if count not in known:
                known[count] = _measure(self._metadata(parts, count))
            files[name] = known[count]
            if self.output.size(name) != files[name].size or self.output.sha256(name) != files[name].sha256:
                with self.output.whole(name) as file:
                    file.writelines(self._metadata(parts, count))
        if files:
            self.output.sync()
        return files

    def _metadata(self, parts: Sequence[Part], count: int) -> Iterator[bytes]:
        """Return the lines of a cell: one for each item or, where an item has `count` frames, one for each frame."""
        extension = self.encoding.extension
        for part in parts:
            for item in part.items:
                label = {} if self.classes.kind == NONE else {"label": self.classes.value(item.label)}
                entry = label | {"image_id": item.id}
                if not count:
                    yield _line({"file_name": self.named(item)} | entry)
                for number, frame in enumerate(frame_names(count)):
                    name = f"{self._folder(item)}/{frame}{extension}"
                    yield _line({"file_name": name} | entry | {"frame": number})

    def _folder(self, item: Item) -> str:
        """Return the folder of the frames of an item, relative to that of a cell."""
        return item_name(item, "", self.escape)

    def name(self, cell: int, part: Part, item: Item | None = None) -> str:
        """Name the file of an item, or the folder of a cell."""
        return self.file(cell, item) if item else cell_folder(*self.cells[cell])

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
    if any(name.startswith(f"{row}/") and METADATA in name for name in dataset.manifest.get("files", {})):
        frame = {"frame": column("int64")} if dataset.frames_of(row) else {}
        return {"features": yaml_features(features | {"image_id": column("string")} | frame)}
    if classes.kind == NONE:
        return {"drop_labels": True}
    return {"drop_labels": False, "features": yaml_features(features)}


FORMAT = Format(
    name="folder",
    sink=lambda choice, cells, output, blocks: ImageFolder(output, cells, choice.stored, choice.escape_names),
    files=lambda row, severity: f"{cell_folder(row, severity)}/**",
    stored_name=lambda item, choice: item_name(item, choice.stored.extension, choice.escape_names),
    has_file_per_item=True,
    carries_targets=True,
    holds_sequences=True,
    is_loadable=True,
    row_config=_of_folders,
)
