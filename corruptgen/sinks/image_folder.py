"""The format `folder`: one file for each image, laid out as ImageNet-C."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from corruptgen.digests import file_digest, shard_digest
from corruptgen.imaging.codec import encoded
from corruptgen.records import Encoding, Item
from corruptgen.sinks.folder import Folder, cell_folder, item_name
from corruptgen.sinks.protocol import Dataset, Found, Names, Owner, Part, Sample, Shard, Whole, check_depth


@dataclass(frozen=True)
class ImageFolder:
    """`<row>/<severity>/<class>/<name>`; the unit is an item."""

    output: Folder
    cells: Names
    encoding: Encoding
    escape: str = ""
    """How names are escaped."""
    wants_one_shape: bool = False

    def ready(self, dataset: Dataset) -> "ImageFolder":
        """Need nothing more."""
        return self

    def check(self, image: NDArray[Any]) -> None:
        """Take images of any shape whose samples the encoding can hold."""
        check_depth(image, self.encoding)

    def named(self, item: Item) -> str:
        """Return the file of an item, relative to the folder of a cell."""
        return item_name(item, self.encoding.extension, self.escape)

    def file(self, cell: int, item: Item) -> str:
        """Give the file of an item in a cell, relative to the output."""
        return f"{cell_folder(*self.cells[cell])}/{self.named(item)}"

    def write(self, cell: int, block: int, samples: Iterable[Sample]) -> Shard:
        """Write one file for each sample."""
        named, size = [], 0
        for sample in samples:
            content = encoded(sample.pixels, self.encoding)
            self.output.write(self.file(cell, sample.item), content)
            named.append((self.named(sample.item), file_digest(content)))
            size += len(content)
        return Shard(shard_digest(named), size, tuple(digest for _, digest in named))

    def discard(self, item: Item) -> None:
        """Remove the files of an item."""
        for cell in range(len(self.cells)):
            self.output.remove(self.file(cell, item))

    def owner(self, items: Iterable[Item], blocks: int | None) -> Owner:
        """Take the files of known items in known cells for ours."""
        folders = {cell_folder(*name) for name in self.cells}
        names = {self.named(item) for item in items}

        def owner(name: str) -> str | None:
            row, _, rest = name.partition("/")
            severity, _, item = rest.partition("/")
            return item if f"{row}/{severity}" in folders and item in names else None

        return owner

    def wholeness(self, found: Found) -> Callable[[Part], bool]:
        """Count the files of a block's items and their bytes."""

        def whole(part: Part) -> bool:
            names = [self.named(item) for item in part.items]
            return (
                all(found.counts[name] == len(self.cells) for name in names)
                and sum(found.sizes[name] for name in names) == part.size
            )

        return whole

    def is_settled(self, found: Found) -> bool:
        """Join nothing."""
        return True

    def finish(self, parts: Sequence[Part], spoilt: Collection[str] = ()) -> dict[str, Whole]:
        """Add nothing."""
        return {}

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
