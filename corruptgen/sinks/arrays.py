"""The formats `npy` and `npz`: pixels in large arrays, laid out as CIFAR-10-C and MedMNIST-C are.

While a build runs, each block lies in a hidden part for each cell. When all blocks exist, the parts of a row
become one file and are removed; this needs no more memory than a piece of one, and can be interrupted anywhere.
Severities of images are stacked in the file of their row. Those of sequences are files of their own, as in CIFAR-10-P:
`<row>.npy` for severity 1, `<row>_2.npy` for severity 2.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from corruptgen.errors import OutputError, RecipeError, Rejected, describe_error
from corruptgen.recipe.declarations import Format
from corruptgen.records import Item
from corruptgen.sinks.array_files import ArrayFile, RepeatedArray, open_array_file, part_pieces, write_npy, write_npz
from corruptgen.sinks.frames import frames_in, images_per_item
from corruptgen.sinks.owner import Owner
from corruptgen.sinks.protocol import (
    UNREADABLE,
    Dataset,
    DatasetFile,
    FoundUnits,
    Image,
    Names,
    Part,
    Sample,
    WrittenShard,
)
from corruptgen.sinks.shards import ANY_BLOCK, open_shard, read_digest
from corruptgen.store.digests import SHARD_BYTES, content_digest, split
from corruptgen.store.output_directory import OutputDirectory
from corruptgen.values.arguments import severity_text
from corruptgen.values.class_labels import NO_CLASS, NONE, Classes

PARTS = ".parts"
LABELS = "labels.npy"
INDEX = re.compile(r"(\w+)/\d+")
GREY = 1


@dataclass(frozen=True)
class Arrays:
    """`<row>.npy` and `labels.npy`, or `<row>.npz` with images and labels; severities one after the other in each.

    Its files are called by their stem: the row or, of a sequence, the row and the severity.
    """

    output: OutputDirectory
    cells: Names
    zipped: bool = False
    classes: Classes = field(default_factory=Classes)
    shape: tuple[int, ...] | None = None
    """(H, W, C) of every image."""
    dtype: str = "uint8"
    """Of the samples of every image."""
    prefix: str = "test"
    """What the arrays of a `.npz` are called: the split."""
    wants_one_shape: bool = True
    frames: tuple[int, ...] = ()
    """The number of frames in each cell, 0 for one image; empty: there are no sequences."""

    def ready(self, dataset: Dataset) -> "Arrays":
        """Take the shape of all images, the numbers of the classes and, from the ids, the name of the split."""
        found = {match[1] if (match := INDEX.fullmatch(item.id)) else "" for item in dataset.items}
        prefix = found.pop() if len(found) == 1 else ""
        shape, dtype = dataset.shape, dataset.dtype
        return replace(self, classes=dataset.classes, shape=shape, dtype=dtype, prefix=prefix or "test")

    def check(self, image: NDArray[Any]) -> None:
        """Refuse an image of another shape than the first, or with other samples."""
        if self.shape is not None and image.dtype.name != self.dtype:
            raise Rejected(
                f"has samples of type {image.dtype.name}, and the first image {self.dtype}, which all images of an "
                "array must have; make an output for each type"
            )
        if self.shape is not None and image.shape[2] != self.shape[2]:
            raise RecipeError(
                f"an image is {_kind(image.shape)} and the first one {_kind(self.shape)}, and an array holds one kind: "
                'write colour = "rgb" or "grey" in [decode], or another format in [output]'
            )
        if self.shape is not None and image.shape != self.shape:
            raise Rejected(
                f"has the shape {_times(image.shape)}, and the first image {_times(self.shape)}, which all images of "
                "an array must have; bring them to one with resize and crop in [decode]"
            )

    def stem(self, cell: int) -> str:
        """Return what the file of a cell is called, without its ending."""
        return array_stem(*self.cells[cell], is_sequence=bool(frames_in(self.frames, cell)))

    def stems(self) -> dict[str, list[int]]:
        """Return the cells in each file, by ascending severity."""
        stems: dict[str, list[int]] = {}
        for cell in sorted(range(len(self.cells)), key=lambda cell: self.cells[cell][1]):
            stems.setdefault(self.stem(cell), []).append(cell)
        return stems

    def file(self, stem: str) -> str:
        """Return the file of this stem, relative to the output."""
        return f"{stem}.{'npz' if self.zipped else 'npy'}"

    def part(self, cell: int, block: int) -> str:
        """Return the file of a block in a cell while the build runs, relative to the output."""
        row, severity = self.cells[cell]
        return f"{PARTS}/{row}/{severity_text(severity)}/{block:05d}"

    def write(self, cell: int, block: int, samples: Iterable[Sample]) -> WrittenShard:
        """Write the pixels of all samples, one after the other."""
        with open_shard(self.output, self.part(cell, block)) as file:
            for sample in samples:
                if sample.is_sequence and sample.pixels.shape[1:] != self.shape:
                    found, wanted = _times(sample.pixels.shape[1:]), _times(self.shape or ())
                    raise RecipeError(
                        f"{self.cells[cell][0]} makes frames of {found} of {sample.item.id}, and an array holds one "
                        f"shape, here {wanted}; write another format in [output], or leave that row out"
                    )
                file.write(np.ascontiguousarray(sample.pixels).data)
                # Not kept while the next one is made.
                del sample
            return file.shard

    def files(self, item: Item) -> Sequence[str]:
        """List nothing: a part holds all items of a block."""
        return ()

    def owner(self, items: Iterable[Item], blocks: int | None) -> Owner:
        """Take parts, rows and labels for ours; the unit is a file, or the parts of a block in a row."""
        files = {self.file(stem) for stem in self.stems()} | (set() if self.zipped else {LABELS})
        folders = {
            f"{PARTS}/{row}/{severity_text(severity)}": self.stem(cell)
            for cell, (row, severity) in enumerate(self.cells)
        }

        def unit(name: str) -> str | None:
            folder, _, number = name.rpartition("/")
            if folder in folders and re.fullmatch(r"\d{5,}", number):
                return _parts(folders[folder], ANY_BLOCK if blocks is None else int(number))
            return name if name in files else None

        numbers = [ANY_BLOCK] if blocks is None else range(blocks)
        return Owner(chain(files, (_parts(stem, number) for stem in self.stems() for number in numbers)), unit)

    def completeness_check(self, found: FoundUnits) -> Callable[[Part], bool]:
        """Look for the parts of a block in every row, or for the file that the row has become."""
        left = {
            stem: cells
            for stem, cells in self.stems().items()
            if not open_array_file(self.output.path(self.file(stem)))
        }
        images = images_per_item(self.frames, len(self.cells))

        def is_there(part: Part, stem: str, cells: list[int]) -> bool:
            count, size = found.count(_parts(stem, part.block))
            share = sum(max(1, frames_in(self.frames, cell)) for cell in cells)
            return count == len(cells) and size * images == part.size * share

        return lambda part: all(is_there(part, stem, cells) for stem, cells in left.items())

    def joined(self, earlier: Names) -> Collection[tuple[str, float]]:
        """List the cells of the files that have more severities than before."""
        stems = {name: self.stem(cell) for cell, name in enumerate(self.cells)}
        grown = {stem for name, stem in stems.items() if name not in earlier}
        return [name for name in earlier if stems[name] in grown]

    def outdated(self, earlier: Names) -> Collection[tuple[str, float]]:
        """List nothing: the layout of a file does not depend on other cells."""
        return ()

    def is_settled(self, found: FoundUnits, blocks: int) -> bool:
        """Look for parts."""
        return all(found.count(_parts(stem, block)) == (0, 0) for stem in self.stems() for block in range(blocks))

    def finish(self, parts: Sequence[Part], damaged_files: Collection[str] = ()) -> dict[str, DatasetFile]:
        """Make one file of the parts of each row; pieces whose part is gone come from the file as it is.

        All of them are compared with their digests on the way.
        """
        labels = self._labels(parts)
        names = [self.file(stem) for stem in self.stems()]
        for stem, cells in self.stems().items():
            self._compact(stem, cells, parts, labels, anew=self.file(stem) in damaged_files)
        if labels is not None and not self.zipped:
            stacked = RepeatedArray(labels, max(map(len, self.stems().values())))
            if not self._holds_labels(stacked):
                with self.output.whole(LABELS) as file:
                    write_npy(file, stacked.shape, stacked.dtype, stacked.pieces())
                self.output.sync()
            names.append(LABELS)
        with suppress(OSError):
            self.output.path(PARTS).rmdir()
        return {name: DatasetFile(self.output.size(name) or 0, self.output.sha256(name)) for name in sorted(names)}

    def _holds_labels(self, stacked: RepeatedArray) -> bool:
        """Check whether the file of labels has this content; one that cannot be read has not."""
        try:
            return self.output.size(LABELS) is not None and self.output.sha256(LABELS) == stacked.sha256()
        except OutputError:
            return False

    def _compact(
        self, stem: str, cells: list[int], parts: Sequence[Part], labels: NDArray[Any] | None, *, anew: bool
    ) -> None:
        total = sum(len(part.items) for part in parts)
        frames = frames_in(self.frames, cells[0])
        shape = (len(cells) * total, *((frames,) if frames else ()), *self._stored_shape(total))
        wanted = [self.part(cell, part.block) for cell in cells for part in parts]
        there = [name for name in wanted if self.output.size(name) is not None]
        try:
            before = self._array(stem)
        except OutputError:
            # One that cannot be read is replaced if all of its parts exist; else it is left alone.
            if there != wanted:
                raise
            before = None
        before = before if before and (before.shape, before.dtype.name) == (shape, self.dtype) else None
        if there or before is None or anew:
            samples = self._samples(cells, parts, before, prod(shape[1:]) * np.dtype(self.dtype).itemsize)
            with self.output.whole(self.file(stem)) as file:
                if self.zipped:
                    others = {}
                    if labels is not None:
                        others[f"{self.prefix}_labels"] = RepeatedArray(labels, len(cells))
                    write_npz(file, f"{self.prefix}_images", shape, self.dtype, samples, others)
                else:
                    write_npy(file, shape, self.dtype, samples)
            self.output.sync()
        for name in there:
            self.output.remove(name)
        folders = [self.output.path(self.part(cell, 0)).parent for cell in cells]
        for folder in (*folders, folders[0].parent):
            with suppress(OSError):
                folder.rmdir()

    def _array(self, stem: str) -> ArrayFile | None:
        """Find the array of a file; None if there is none that is whole.

        Raises
        ------
        OutputError
            If there is a file, and it cannot be read.
        """
        path = self.output.path(self.file(stem))
        try:
            with suppress(FileNotFoundError, NotADirectoryError), path.open("rb") as file:
                file.read(1)
        except OSError as error:
            raise OutputError(f"cannot read {self.file(stem)}: {describe_error(error)}") from error
        return open_array_file(path)

    def _samples(
        self, cells: list[int], parts: Sequence[Part], before: ArrayFile | None, length: int
    ) -> Iterator[bytes]:
        total = sum(len(part.items) for part in parts)
        for level, cell in enumerate(cells):
            for part in parts:
                name, size = self.part(cell, part.block), len(part.items) * length
                if self.output.size(name) == size:
                    samples = part_pieces(self.output.path(name), size)
                elif before:
                    samples = before.piece(level * total + part.start, len(part.items))
                else:
                    # Whatever exists in its place can be read, and is not what this build would make.
                    self._array(self.stem(cell))
                    self.output.remove(self.file(self.stem(cell)))
                    raise OutputError(f"{name} is gone; the same command regenerates it")
                yield from self._checked(cell, part, samples)

    def _checked(self, cell: int, part: Part, samples: Iterable[bytes]) -> Iterator[bytes]:
        """Pass samples on, and raise `OutputError` if they are not those that were made."""
        digest = blake3()
        for piece in samples:
            digest.update(piece)
            yield piece
        if digest.digest(SHARD_BYTES) != split(part.shards, SHARD_BYTES)[cell]:
            raise OutputError(
                f"{self.name(cell, part)} is damaged: checksum mismatch; the same command with --check regenerates it"
            )

    def _stored_shape(self, total: int) -> tuple[int, ...]:
        """Return the shape of an image in the array: grey has no axis of its own, as in MedMNIST."""
        if self.shape is None:
            if total:
                raise OutputError("no image of the source can be read any more; bring the source back")
            return (0, 0, 3)
        return self.shape[:2] if self.shape[2] == GREY else self.shape

    def _labels(self, parts: Sequence[Part]) -> NDArray[Any] | None:
        """Return the numbers of all items, a row for each; -1 stands for a missing one and fills the rest of a list."""
        classes = self.classes
        if classes.kind == NONE:
            return None
        known: dict[str, list[int]] = {}
        for label in {item.label for part in parts for item in part.items}:
            value = classes.value(label)
            known[label] = [] if value is None else [value] if isinstance(value, int) else value
        width = 1 if classes.is_single else classes.width or max(map(len, known.values()), default=1) or 1
        filled = {label: numbers + [NO_CLASS] * (width - len(numbers)) for label, numbers in known.items()}
        fits = classes.count - 1 <= np.iinfo(np.uint8).max and all(len(numbers) == width for numbers in known.values())
        rows = (filled[item.label] for part in parts for item in part.items)
        kind = np.uint8 if self.zipped and fits else np.int64
        found = np.fromiter(chain.from_iterable(rows), kind).reshape(-1, width)
        return found if self.zipped or not classes.is_single else found[:, 0]

    def name(self, cell: int, part: Part, item: Item | None = None) -> str:
        """Name the file, the severity, and the item or the items of the block."""
        severity = self.cells[cell][1]
        which = item.id if item else f"items {part.start} to {part.start + len(part.items) - 1}"
        return f"{self.file(self.stem(cell))}: {which} at severity {severity_text(severity)}"

    def digests(self, part: Part) -> Iterator[bytes | None]:
        """Read the piece of every array that is this block's."""
        stems = self.stems()
        levels = {cell: level for cells in stems.values() for level, cell in enumerate(cells)}
        for cell in range(len(self.cells)):
            try:
                array = self._array(self.stem(cell))
                if array is None:
                    yield read_digest(self.output, self.part(cell, part.block))
                    continue
                total = array.shape[0] // len(stems[self.stem(cell)])
                found = content_digest(array.piece(levels[cell] * total + part.start, len(part.items)))
            except (OutputError, OSError):
                found = UNREADABLE
            except Rejected:
                found = None
            yield found

    def images(self, cell: int, part: Part) -> Iterator[Image]:
        """Read the pixels of a block in a cell, item by item."""
        stem = self.stem(cell)
        name, cells, frames = self.file(stem), self.stems()[stem], frames_in(self.frames, cell)
        try:
            array = self._array(stem)
            if array is None:
                raise Rejected(f"cannot be read: {name} is missing or damaged")
            start = cells.index(cell) * (array.shape[0] // len(cells)) + part.start
            shape = (*((frames,) if frames else ()), *array.shape[1:][bool(frames) :][:2], -1)
            for place in range(start, start + len(part.items)):
                yield np.frombuffer(b"".join(array.piece(place, 1)), array.dtype).reshape(shape)
        except (OutputError, OSError) as error:
            raise Rejected(f"cannot be read: {name}: {error}") from error


def array_stem(row: str, severity: float, *, is_sequence: bool) -> str:
    """Return what the file of a row is called, without its ending; severities of sequences have files of their own."""
    return f"{row}_{severity_text(severity)}" if is_sequence and severity != 1 else row


def _parts(stem: str, block: int | str) -> str:
    """Name the unit that the parts of a block in a file are pieces of."""
    return f"{stem}#{block}"


def _kind(shape: tuple[int, ...]) -> str:
    return "grey" if shape[2] == 1 else "in colour"


def _times(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape))


def _load_npy(dataset: Any, row: str) -> tuple[str, str]:
    if frames := dataset.frames_of(row):
        return (
            f'import numpy as np\n\nframes = np.load(f"{{folder}}/{row}.npy", mmap_mode="r")\n'
            'labels = np.load(f"{folder}/labels.npy")[: len(frames)]',
            f"Each row at a severity is one array of {len(dataset)} sequences, here of {frames} frames each, as in "
            "CIFAR-10-P: `<row>.npy` at severity 1, `<row>_2.npy` at severity 2.",
        )
    # The labels are those of the row with the most severities.
    is_shorter = len(dataset.configs[row]) < max(map(len, dataset.configs.values()))
    return (
        f'import numpy as np\n\nimages = np.load(f"{{folder}}/{row}.npy", mmap_mode="r")\n'
        f'labels = np.load(f"{{folder}}/labels.npy"){"[: len(images)]" if is_shorter else ""}',
        f"Each row is one array of {len(dataset.configs[row])} × {len(dataset)} images, severities one after the "
        "other, as in CIFAR-10-C.",
    )


def _load_npz(dataset: Any, row: str) -> tuple[str, str]:
    if frames := dataset.frames_of(row):
        return (
            f'import numpy as np\n\narrays = np.load(f"{{folder}}/{row}.npz")',
            f"Each row at a severity is one file of {len(dataset)} sequences and their labels, here of {frames} frames "
            "each: `<row>.npz` at severity 1, `<row>_2.npz` at severity 2.",
        )
    return (
        f'import numpy as np\n\narrays = np.load(f"{{folder}}/{row}.npz")',
        "Each row is one file with images and labels, severities one after the other, as in MedMNIST-C.",
    )


FORMATS = (
    Format(
        name="npy",
        sink=lambda choice, cells, output, blocks: Arrays(output, cells),
        files=lambda row, severity: f"{row}.npy",
        sequence_files=lambda row, severity: f"{array_stem(row, severity, is_sequence=True)}.npy",
        stores_pixels=True,
        holds_sequences=True,
        reserved=("labels",),
        media_type="application/octet-stream",
        loading=_load_npy,
    ),
    Format(
        name="npz",
        sink=lambda choice, cells, output, blocks: Arrays(output, cells, zipped=True),
        files=lambda row, severity: f"{row}.npz",
        sequence_files=lambda row, severity: f"{array_stem(row, severity, is_sequence=True)}.npz",
        stores_pixels=True,
        holds_sequences=True,
        media_type="application/octet-stream",
        loading=_load_npz,
    ),
)
