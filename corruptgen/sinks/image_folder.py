"""The format `folder`: one file for each image, laid out as ImageNet-C."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from numpy.typing import NDArray

from corruptgen.codecs.images import encode_image
from corruptgen.recipe.declarations import Format
from corruptgen.records import Encoding, Item
from corruptgen.sinks.features import column, label_feature, yaml_features
from corruptgen.sinks.owner import Owner
from corruptgen.sinks.protocol import Dataset, DatasetFile, FoundUnits, Names, Part, Sample, WrittenShard, check_depth
from corruptgen.store.digests import file_digest, shard_digest
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
    """`<row>/<severity>/<class>/<name>`; the unit is an item.

    Where folders cannot say what the labels are, each cell has a file that does, as the imagefolder of `datasets` has.
    """

    output: OutputDirectory
    cells: Names
    encoding: Encoding
    escape: str = ""
    """How names are escaped."""
    wants_one_shape: bool = False
    classes: Classes = field(default_factory=Classes)

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
        """Return the file of an item in a cell, relative to the output."""
        return f"{cell_folder(*self.cells[cell])}/{self.named(item)}"

    def write(self, cell: int, block: int, samples: Iterable[Sample]) -> WrittenShard:
        """Write one file for each sample."""
        named, size = [], 0
        for sample in samples:
            content = encode_image(sample.pixels, self.encoding)
            self.output.write(self.file(cell, sample.item), content)
            named.append((self.named(sample.item), file_digest(content)))
            size += len(content)
        return WrittenShard(shard_digest(named), size, tuple(digest for _, digest in named))

    def files(self, item: Item) -> Sequence[str]:
        """List the file of an item in each cell."""
        return [self.file(cell, item) for cell in range(len(self.cells))]

    def owner(self, items: Iterable[Item], blocks: int | None) -> Owner:
        """Take the files of known items in known cells for ours."""
        folders = {cell_folder(*name) for name in self.cells}

        def unit(name: str) -> str | None:
            row, _, rest = name.partition("/")
            severity, _, item = rest.partition("/")
            if f"{row}/{severity}" not in folders:
                return None
            return name if item == METADATA else item if item.endswith(self.encoding.extension) else None

        return Owner(chain(map(self.named, items), (f"{folder}/{METADATA}" for folder in folders)), unit)

    def completeness_check(self, found: FoundUnits) -> Callable[[Part], bool]:
        """Count the files of a block's items and their bytes."""

        def whole(part: Part) -> bool:
            counts = [found.count(self.named(item)) for item in part.items]
            return all(files == len(self.cells) for files, _ in counts) and part.size == sum(size for _, size in counts)

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
        if are_told_by_folders(self.classes, {item.label for part in parts for item in part.items}):
            return {}
        digest, size = hashlib.sha256(), 0
        for line in self._metadata(parts):
            digest.update(line)
            size += len(line)
        whole = DatasetFile(size, digest.hexdigest())
        names = [f"{cell_folder(*cell)}/{METADATA}" for cell in self.cells]
        for name in names:
            if self.output.size(name) != size or self.output.sha256(name) != whole.sha256:
                with self.output.whole(name) as file:
                    file.writelines(self._metadata(parts))
        self.output.sync()
        return dict.fromkeys(names, whole)

    def _metadata(self, parts: Sequence[Part]) -> Iterator[bytes]:
        for part in parts:
            for item in part.items:
                name = item_name(item, self.encoding.extension)
                entry = {"file_name": name, "label": self.classes.value(item.label), "image_id": item.id}
                yield json.dumps(entry, ensure_ascii=False).encode() + b"\n"

    def name(self, cell: int, part: Part, item: Item | None = None) -> str:
        """Name the file of an item, or the folder of a cell."""
        return self.file(cell, item) if item else cell_folder(*self.cells[cell])

    def digests(self, part: Part) -> Iterator[bytes | None]:
        """Read the files of a block in every cell."""
        for images in (self.images(cell, part) for cell in range(len(self.cells))):
            named = zip(part.items, images, strict=True)
            whole = [(self.named(item), content) for item, content in named if content]
            complete = len(whole) == len(part.items)
            yield shard_digest((name, file_digest(content)) for name, content in whole) if complete else None

    def images(self, cell: int, part: Part) -> Sequence[bytes | None]:
        """Read the files of a block in a cell."""
        return [self.output.read(self.file(cell, item)) for item in part.items]


def _of_folders(dataset: Any) -> dict[str, Any]:
    """Declare the labels to the imagefolder of `datasets`, which otherwise guesses them from folder names."""
    classes = dataset.classes
    features = {"image": {"_type": "Image"}, **label_feature(classes)}
    if any(METADATA in name for name in dataset.manifest.get("files", {})):
        return {"features": yaml_features(features | {"image_id": column("string")})}
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
    is_loadable=True,
    config=_of_folders,
)
