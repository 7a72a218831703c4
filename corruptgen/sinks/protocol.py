"""What every sink can do, and the values that pass between it and the engine."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from corruptgen.errors import Rejected
from corruptgen.records import Encoding, Item
from corruptgen.sinks.owner import Owner
from corruptgen.store.output_directory import OutputDirectory
from corruptgen.tables.table import Preset
from corruptgen.values.class_labels import Classes

Names = tuple[tuple[str, float], ...]
"""Row and severity of every cell."""
Image = bytes | Sequence[bytes] | NDArray[Any] | None
"""As it is stored: encoded or as (H, W, C) pixels; of a sequence all frames, encoded or as (frames, H, W, C) pixels;
None if it, or one of the frames, is missing."""
SEQUENCE = 4  # axes of the pixels of a sequence
UNREADABLE = b""
"""In the place of the digest of a shard that exists and cannot be read."""


@dataclass(frozen=True)
class Sample:
    """An image, or a sequence of them, on its way into a cell."""

    item: Item
    pixels: NDArray[Any]
    """(H, W, C), or (frames, H, W, C) of a sequence."""
    clean: NDArray[Any] | None = None
    """The clean image, (H, W, C), where pairs are stored."""

    @property
    def is_sequence(self) -> bool:
        """Whether it has frames."""
        return self.pixels.ndim == SEQUENCE

    @property
    def images(self) -> Sequence[NDArray[Any]]:
        """The images: the frames, or the one image."""
        return list(self.pixels) if self.is_sequence else [self.pixels]


@dataclass(frozen=True)
class WrittenShard:
    """What was written of one block in one cell."""

    digest: bytes
    size: int
    """Bytes."""
    files: tuple[bytes, ...] = ()
    """The `file_digest` of each item, where images are files of their own."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one block adds to an output: its complete items."""

    block: int
    items: Sequence[Item]
    size: int
    """Bytes in all cells together."""
    shards: bytes
    """The digest of its shard in each cell, one after the other."""
    start: int = 0
    """Number of complete items in the blocks before it."""


@dataclass(frozen=True)
class Dataset:
    """What a sink wants to know about all items before the first one is written."""

    preset: Preset
    classes: Classes
    items: Sequence[Item]
    shape: tuple[int, ...] | None = None
    """(H, W, C) of the first image; None if there is none, or if the sink takes images of any shape."""
    dtype: str = "uint8"
    """Of the samples of the first image."""


@dataclass(frozen=True)
class DatasetFile:
    """A file that is for the whole output."""

    size: int
    sha256: str


class FoundUnits(Protocol):
    """What lies in an output, by unit."""

    def count(self, unit: str) -> tuple[int, int]:
        """Return the number of files of a unit, and their bytes."""


class Sink(Protocol):
    """The layout of one output; small enough to travel to every worker."""

    @property
    def cells(self) -> Names:
        """What is written, in the order of all digests."""

    @property
    def output(self) -> OutputDirectory:
        """Where."""

    @property
    def wants_one_shape(self) -> bool:
        """Whether all images must have the shape of the first."""

    def ready(self, dataset: Dataset) -> "Sink":
        """Return the sink that can write this dataset.

        Raises
        ------
        RecipeError
            If the format needs a package that is not installed.
        """

    def check(self, image: NDArray[Any]) -> None:
        """Raise `Rejected` if the format cannot hold this image, `RecipeError` if not beside the others."""

    def write(self, cell: int, block: int, samples: Iterable[Sample]) -> WrittenShard:
        """Write all samples of a block in one cell; each file is whole or absent.

        Raises
        ------
        OutputError
            If it cannot be written.
        """

    def files(self, item: Item) -> Sequence[str]:
        """List the files that hold this item alone, relative to the output."""

    def owner(self, items: Iterable[Item], blocks: int | None) -> Owner:
        """Return what knows which files of an output are the build's.

        Parameters
        ----------
        items : iterable of Item
            All items of the build.
        blocks : int or None
            Number of its blocks; None: of any number of them.
        """

    def completeness_check(self, found: FoundUnits) -> Callable[[Part], bool]:
        """Return a check whether a block is complete, by names and sizes."""

    def joined(self, earlier: Names) -> Collection[tuple[str, float]]:
        """List the cells of a smaller output whose images share a file with cells that are added to it.

        Parameters
        ----------
        earlier : Names
            All cells of that output.
        """

    def outdated(self, earlier: Names) -> Collection[tuple[str, float]]:
        """List the cells of a smaller output whose files have another layout in this one, which is ready to write.

        Parameters
        ----------
        earlier : Names
            All cells of that output.
        """

    def is_settled(self, found: FoundUnits, blocks: int) -> bool:
        """Check whether no shards of these blocks are left that `finish` joins into other files."""

    def finish(self, parts: Sequence[Part], damaged_files: Collection[str] = ()) -> dict[str, DatasetFile]:
        """Write what is for the whole output, once all blocks exist; doing it again changes nothing.

        Parameters
        ----------
        parts : sequence of Part
            What the blocks have added, in order.
        damaged_files : collection of str
            Files that exist and are damaged.

        Raises
        ------
        OutputError
            If an existing file is damaged; nothing is changed then.
        """

    def name(self, cell: int, part: Part, item: Item | None = None) -> str:
        """Return what to call the shard of a block, or an item in it, in messages."""

    def digests(self, part: Part) -> Iterable[bytes | None]:
        """Return the digest of each cell's shard as it exists, None where it is missing, or `UNREADABLE`."""

    def images(self, cell: int, part: Part) -> Iterable[Image]:
        """Read the images of a block in a cell back, sequences one at a time.

        Raises
        ------
        Rejected
            If none of them can be read.
        """


def check_depth(image: NDArray[Any], encoding: Encoding) -> None:
    """Raise `Rejected` if an encoding cannot hold the samples of an image."""
    if image.dtype.name not in encoding.dtypes:
        raise Rejected(
            f"has samples of type {image.dtype.name}, and {encoding.name} holds {' and '.join(encoding.dtypes)}; "
            'write encoding = "tiff", or format = "npz", in [output]'
        )
