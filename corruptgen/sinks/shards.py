"""What formats have in common that write one file for each block in each cell."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from blake3 import blake3
from numpy.typing import NDArray

from corruptgen.errors import OutputError
from corruptgen.records import Encoding, Item
from corruptgen.sinks.owner import Owner
from corruptgen.sinks.protocol import UNREADABLE, DatasetFile, FoundUnits, Names, Part, WrittenShard, check_depth
from corruptgen.store.digests import SHARD_BYTES, content_digest
from corruptgen.store.output_directory import OutputDirectory

ANY_BLOCK = "any block"


class Written:
    """A file that is hashed and measured while it is written, front to back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = blake3()
        self._size = 0
        self.closed = False

    def write(self, data: bytes | memoryview) -> int:
        """Append to the file."""
        plain = memoryview(data).cast("B")
        self._digest.update(plain)
        self._size += plain.nbytes
        return self._file.write(plain)

    def tell(self) -> int:
        """Return the bytes written so far."""
        return self._size

    def flush(self) -> None:
        """Leave it to the file itself."""

    def close(self) -> None:
        """Take nothing more; the file itself is closed by who has opened it."""
        self.closed = True

    def writable(self) -> bool:
        """Check that this format can be written."""
        return True

    def readable(self) -> bool:
        """Report that this cannot be read."""
        return False

    def seekable(self) -> bool:
        """Keep what is written."""
        return False

    @property
    def shard(self) -> WrittenShard:
        """What was written."""
        return WrittenShard(self._digest.digest(SHARD_BYTES), self._size)


@contextmanager
def open_shard(output: OutputDirectory, name: str) -> Iterator[Written]:
    """Open a shard to be written, under a name of its own until it is whole."""
    with output.whole(name) as file:
        yield Written(file)


def read_digest(output: OutputDirectory, name: str) -> bytes | None:
    """Return the digest of a shard as it exists, None if it does not, and `UNREADABLE` if it cannot be read."""
    if output.size(name) is None:
        return None
    try:
        return content_digest(output.pieces(name))
    except OutputError:
        return UNREADABLE


@dataclass(frozen=True)
class Shards(ABC):
    """Files called by the cell and the number of the block; the unit is a block."""

    output: OutputDirectory
    cells: Names
    encoding: Encoding
    wants_one_shape = False

    @abstractmethod
    def shard(self, cell: int, block: int) -> str:
        """Return the file of a block in a cell, relative to the output."""

    @property
    @abstractmethod
    def pattern(self) -> re.Pattern[str]:
        """The form of such names: how those of a cell begin, and the number of the block, are its groups."""

    def dataset_files(self, parts: Sequence[Part] = ()) -> dict[str, bytes]:
        """Return the files that are for the whole output, made of these blocks."""
        return {}

    def check(self, image: NDArray[Any]) -> None:
        """Take images of any shape whose samples the encoding can hold."""
        check_depth(image, self.encoding)

    def files(self, item: Item) -> Sequence[str]:
        """List nothing: a shard holds all items of a block."""
        return ()

    def owner(self, items: Iterable[Item], blocks: int | None) -> Owner:
        """Take the shards of the blocks that there are for ours."""
        dataset_files = self.dataset_files()
        shards = (self.pattern.fullmatch(self.shard(cell, 0)) for cell in range(len(self.cells)))
        cells = {shard[1]: cell for cell, shard in enumerate(shards) if shard}

        def unit(name: str) -> str | None:
            shard = self.pattern.fullmatch(name)
            if shard is None or shard[1] not in cells:
                return name if name in dataset_files else None
            if blocks is None:
                return ANY_BLOCK
            block = int(shard[2])
            return str(block) if name == self.shard(cells[shard[1]], block) else None

        return Owner(chain([ANY_BLOCK] if blocks is None else map(str, range(blocks)), dataset_files), unit)

    def completeness_check(self, found: FoundUnits) -> Callable[[Part], bool]:
        """Count the shards of a block and their bytes."""
        return lambda part: found.count(str(part.block)) == (len(self.cells), part.size)

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
        """Write what is for the whole output."""
        files = self.dataset_files(parts)
        for name, content in files.items():
            if not self.output.holds(name, content):
                self.output.write(name, content, durable=True)
        return {name: DatasetFile(len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()}

    def name(self, cell: int, part: Part, item: Item | None = None) -> str:
        """Name the shard, and the item in it."""
        return self.shard(cell, part.block) + (f": {item.id}" if item else "")

    def digests(self, part: Part) -> Iterator[bytes | None]:
        """Read every shard of a block."""
        for cell in range(len(self.cells)):
            yield read_digest(self.output, self.shard(cell, part.block))
