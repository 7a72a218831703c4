"""Datasets of the library `datasets` in one cell: lazily, as a stream, or written to its cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.images import encode_image
from corruptgen.errors import ArgumentError, ImageError, Rejected
from corruptgen.randomness import Streams, pixels_digest
from corruptgen.randomness.key import STREAM_VERSION
from corruptgen.records import Decoding, Encoding
from corruptgen.runtime.extras import need
from corruptgen.tables import catalog
from corruptgen.tables.sequences import apply_to_picture
from corruptgen.transforms import workers
from corruptgen.transforms.samples import (
    WHOLE,
    decoding_of,
    id_column,
    image_column,
    is_huggingface,
    pixels_of,
)
from corruptgen.transforms.targets import check_columns, check_inputs
from corruptgen.transforms.view import without_decoding
from corruptgen.values.arguments import (
    normalise_key,
    normalise_seed,
    normalise_severity,
    preset_name,
    shown,
    text_value,
    truth_value,
    whole_number,
)

# The column of the numbers of the rows, which a lazy transform is not told otherwise; it is taken out again.
__all__ = ["corrupt"]

NUMBER = "__corruptgen_row__"
MOST_PROCESSES = 4096


def corrupt(
    ds: Any,
    preset: str,
    row: str,
    severity: float,
    seed: int = 0,
    *,
    image: str | None = None,
    key: str | None = None,
    decode: Decoding | Mapping[str, Any] | None = None,
    paired: bool = False,
    lazy: bool = True,
    num_proc: int | None = None,
) -> Any:
    """Corrupt the images of a dataset: row i has the pixels that `generate` writes for it.

    Parameters
    ----------
    ds : object
        `datasets.Dataset`, `datasets.IterableDataset`, which stays a stream, or a dictionary of such by split.
    preset : str
        A built-in severity table, or the path of a .toml of your own.
    row : str
        A row of it.
    severity : float
        0 is the clean image.
    seed : int, default 0
        That of the recipe.
    image : str or None
        The column of images; None: `image` or `img`.
    key : str or None
        The column of ids; None: `id` or `image_id`, else split and number of the row, "test/17". A stream without ids
        has no numbers that all its readers agree on: its images are named by their pixels.
    decode : Decoding or mapping of str to object or None
        Size and orientation, as in the [decode] section of a recipe.
    paired : bool, default False
        Whether all severities share their draws, as in the recipe.
    lazy : bool, default True
        Corrupt when a row is asked for, with `with_transform`; such a dataset can be cut, ordered and read, and refuses
        methods that would write or convert its clean images. False writes PNG files into the library's cache, with
        `map`, and a second call, also in another process, finds them there.
    num_proc : int or None
        Processes that write; only with lazy=False.

    Returns
    -------
    object
        A dataset of the same kind, with corrupted images; of a row that makes sequences, with lists of images.

    Raises
    ------
    UnknownName, SeverityError
        If there is no such cell.
    ArgumentError
        If another argument is of a kind that is not allowed.
    ImageError
        If the row moves pixels, and there are columns of boxes, points or masks, which would have to move.
    SourceError
        If there is no such column.
    RecipeError
        If `decode` is not what a recipe may set.
    Rejected
        When an image is asked for that cannot be used.

    Examples
    --------
    >>> import datasets
    >>> import numpy as np
    >>> from PIL import Image
    >>> photographs = datasets.Dataset.from_dict(
    ...     {"image": [Image.fromarray(np.full((64, 64, 3), 128, np.uint8))]},
    ...     features=datasets.Features({"image": datasets.Image()}),
    ... )
    >>> corrupt(photographs, "natural", "fog", 3)[0]["image"].size
    (64, 64)
    """
    preset, row, severity = preset_name(preset), text_value("row", row), normalise_severity(severity)
    seed, lazy, paired = normalise_seed(seed), truth_value("lazy", lazy), truth_value("paired", paired)
    image, key = (None if name is None else text_value(what, name) for what, name in (("image", image), ("key", key)))
    processes = None if num_proc is None else whole_number("num_proc", num_proc, 1, MOST_PROCESSES)
    table = catalog.preset(preset)
    cell = table.cell(row, severity)
    if isinstance(ds, Mapping):
        options: dict[str, Any] = {"image": image, "key": key, "decode": decode, "paired": paired}
        options |= {"lazy": lazy, "num_proc": num_proc}
        kind: Any = type(ds)
        return kind({split: corrupt(part, preset, row, severity, seed, **options) for split, part in ds.items()})
    if not is_huggingface(ds):
        raise ArgumentError(
            f"ds is {shown(ds)}; pass a dataset of the library datasets, or a dictionary of such by split"
        )
    is_stream = not hasattr(ds, "__len__")
    if num_proc is not None and (lazy or is_stream):
        raise ImageError("num_proc is for lazy=False, which writes the images of a dataset that is no stream")
    columns = ds.features or next(iter(ds))
    column = image_column(columns, image)
    check_inputs(preset, row, cell.inputs)
    if cell.is_geometric or cell.crops_or_resizes:
        check_columns(columns, column, row)
    rows = RowCorruption(
        preset=preset,
        digest=f"{table.digest} {STREAM_VERSION}",
        row=row,
        severity=severity,
        seed=seed,
        paired=paired,
        decoding=decoding_of(decode),
        colour=table.colour,
        image=column,
        id=id_column(ds.features or {}, key),
        prefix=f"{ds.split or WHOLE}/",
        is_written=not lazy and not is_stream,
    )
    raw = without_decoding(ds, column)
    features = _with_images(ds.features, column, are_lists=cell.is_sequence)
    if is_stream:
        return raw.map(rows.of_stream, features=features)
    if not lazy:
        return raw.map(rows.of_row, with_indices=True, num_proc=processes, features=features)
    if rows.id is None:
        raw = raw.add_column(NUMBER, np.arange(len(raw)))
    from corruptgen.transforms.lazy_dataset import lazily  # noqa: PLC0415 - it loads the library

    return lazily(raw, rows.of_batch)


@dataclass(frozen=True)
class RowCorruption:
    """What is done to the rows of a dataset, in plain values: their hash is the same in every process."""

    preset: str
    digest: str
    """Of the table and the stream: another one makes the library's cache forget what was written."""
    row: str
    severity: float
    seed: int
    paired: bool
    decoding: Decoding
    colour: str
    """What the table does with files of grey images."""
    image: str
    id: str | None
    prefix: str
    is_written: bool

    def of_batch(self, batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Corrupt rows that are asked for, of all columns or of some."""
        numbers = batch.pop(NUMBER, None)
        if self.image not in batch:
            return batch
        if (numbers is None) if self.id is None else (self.id not in batch):
            raise ImageError(
                f"rows without their column {self.id or NUMBER!r} have no names; keep it beside the images"
            )
        names = batch[self.id] if self.id is not None else [f"{self.prefix}{number}" for number in numbers or ()]
        pictures = [
            self._corrupted(picture, normalise_key(name))
            for picture, name in zip(batch[self.image], names, strict=True)
        ]
        return {**batch, self.image: pictures}

    def of_row(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        """Corrupt a row with its number."""
        name = f"{self.prefix}{number}" if self.id is None else normalise_key(row[self.id])
        return {self.image: self._corrupted(row[self.image], name)}

    def of_stream(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Corrupt a row of a stream."""
        return {self.image: self._corrupted(row[self.image], None if self.id is None else normalise_key(row[self.id]))}

    def _corrupted(self, picture: Any, name: str | None) -> Any:
        workers.settle()
        try:
            pixels = pixels_of(picture, self.decoding, self.colour)
        except Rejected as error:
            raise Rejected(f"{name or 'an image of the stream'} {error}") from error
        cell = catalog.preset(self.preset).cell(self.row, self.severity)
        streams = Streams(self.seed, name or pixels_digest(pixels), self.paired)
        result = apply_to_picture(cell, pixels, streams)
        return list(map(self._stored, result)) if cell.is_sequence else self._stored(result)

    def _stored(self, pixels: NDArray[np.uint8]) -> Any:
        if self.is_written:
            return {"bytes": encode_image(pixels, Encoding()), "path": None}
        return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _with_images(features: Any, column: str, *, are_lists: bool) -> Any:
    """Return the features of a dataset whose column holds images, or lists of them, that are decoded when asked for."""
    if features is None:
        return None
    datasets = need("datasets", "a stream of `datasets`")
    image = datasets.Image()
    return datasets.Features({**features, column: datasets.List(image) if are_lists else image})
