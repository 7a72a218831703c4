"""Views of datasets: a corrupted test set without its files, and training pictures that keep their draws."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from corruptgen.errors import ArgumentError, ImageError, Rejected, SourceError
from corruptgen.randomness import Streams
from corruptgen.records import Decoding
from corruptgen.runtime.extras import need
from corruptgen.tables import catalog
from corruptgen.tables.sequences import apply_to_picture
from corruptgen.transforms import samples, workers
from corruptgen.transforms.samples import KeyOf, PlaceInSample, decoding_of, like_picture, part_of, pixels_of, with_part
from corruptgen.transforms.targets import (
    Motion,
    check_columns,
    check_inputs,
    check_movable,
    check_uncropped,
    has_targets,
    move_targets,
)
from corruptgen.transforms.transform import Transform
from corruptgen.values.arguments import (
    callable_value,
    normalise_key,
    normalise_seed,
    normalise_severity,
    preset_name,
    row_names,
    severity_list,
    severity_text,
    shown,
    text_value,
    truth_value,
)

CLEAN = "clean"


class Corrupted:
    """A map-style dataset in one cell: the pixels of item i are those that `generate` writes for it.

    Boxes, points and masks of torchvision beside the picture move with it, if the row moves pixels. Of a row that makes
    sequences the picture is all frames: an array (frames, H, W, C), or a list of PIL images.

    Parameters
    ----------
    dataset : object
        Anything with `len` and numbered items: a list, a dataset of torch or torchvision, or of `datasets`. A folder
        dataset, which lists its files in `samples`, is read from the files themselves; one of `datasets` from the bytes
        that it holds. A torch `Subset` keeps the ids that its items have in the whole.
    preset : str
        A built-in severity table, or the path of a .toml of your own.
    row : str
        A row of it; "clean" is the clean twin.
    severity : float
        0 is the clean image.
    seed : int, default 0
        That of the recipe.
    key : KeyOf or None
        The id of item i: a function of its number, a text with "{index}" in it, or the name of a column. None: for
        folder datasets the path relative to the folder, with "/"; for `datasets` the column `id` or `image_id`, else
        the split and the number; for others the number.
    decode : Decoding or mapping of str to object or None
        Size and orientation, as in the [decode] section of a recipe.
    image : Part or None
        Which part of an item is the picture; None: the first part, the column `image` or `img`, or the item itself.
    paired : bool, default False
        Whether all severities share their draws, as in the recipe.
    transform : callable or None
        What is done to the picture afterwards, such as the conversion to a tensor.

    Raises
    ------
    UnknownName, SeverityError
        If there is no such cell.
    ArgumentError
        If another argument is of a kind that is not allowed.
    ImageError
        If the row moves pixels, and beside the picture there are boxes, points or masks that cannot move.
    RecipeError
        If `decode` is not what a recipe may set.
    Rejected
        When an item is asked for that cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> foggy = Corrupted([(image, 0), (image, 1)], "natural", "fog", 3)
    >>> changed, label = foggy[1]
    >>> len(foggy), changed.shape, label
    (2, (64, 64, 3), 1)
    """

    def __init__(
        self,
        dataset: Any,
        preset: str,
        row: str,
        severity: float,
        seed: int = 0,
        *,
        key: KeyOf | None = None,
        decode: Decoding | Mapping[str, Any] | None = None,
        image: PlaceInSample | None = None,
        paired: bool = False,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.items = NumberedItems(dataset, key, image)
        self.preset, self.row = preset_name(preset), text_value("row", row)
        self.severity, self.seed = normalise_severity(severity), normalise_seed(seed)
        callable_value("transform", transform)
        self.decoding, self.paired, self.transform = decoding_of(decode), truth_value("paired", paired), transform
        cell = catalog.preset(self.preset).cell(*self._cell)
        check_inputs(self.preset, self.row, cell.inputs)
        if (cell.is_geometric or cell.crops_or_resizes) and samples.is_huggingface(dataset):
            check_columns(dataset.features, str(self.items.image), self.row)

    def key(self, index: int) -> str:
        """Return the id of an item, the name of its draws."""
        return self.items.key(index)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        workers.settle()
        sample, part, picture = self.items.taken(index)
        key = self.items.key(index, sample)
        try:
            pixels = pixels_of(picture, self.decoding, catalog.preset(self.preset).colour)
        except Rejected as error:
            raise Rejected(f"{key} {error}") from error
        cell = catalog.preset(self.preset).cell(*self._cell)
        result = apply_to_picture(cell, pixels, self._rng(key))
        made = like_picture(result, picture)
        made = self.transform(made) if self.transform else made
        if cell.is_sequence and part is not None and has_targets(with_part(sample, part, None)):
            raise ImageError(
                f"{self.row} makes many frames of a picture, in some of which it has moved, and boxes, points and "
                "masks fit one alone; take the dataset without them, or leave that row out"
            )
        if cell.crops_or_resizes and part is not None:
            check_uncropped(with_part(sample, part, None), self.row)
        if not cell.is_geometric or part is None:
            return with_part(sample, part, made)
        rest = with_part(sample, part, None)
        check_movable(rest)
        if has_targets(rest):
            height, width = pixels.shape[:2]
            rest = move_targets(rest, Motion(cell.warp(pixels, self._rng(key)), (height, width)))
        return with_part(rest, part, made)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def _rng(self, key: str) -> Streams:
        return Streams(self.seed, key, self.paired)

    @property
    def _cell(self) -> tuple[str, float]:
        if self.row == CLEAN and not self.severity:
            return next(iter(catalog.preset(self.preset).rows)), 0.0
        return self.row, self.severity

    def __getstate__(self) -> dict[str, Any]:
        # A worker that is spawned has another catalog.
        return {**self.__dict__, "_registered": catalog.registered(catalog.preset(self.preset), [self._cell[0]])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        catalog.adopt(state.pop("_registered"))
        self.__dict__.update(state)

    def __repr__(self) -> str:
        cell = f"{self.preset!r}, {self.row!r}, {severity_text(self.severity)}"
        return f"Corrupted({cell}, seed={self.seed}, items={len(self)})"


class Keyed:
    """A map-style dataset whose pictures a transform changes by draws that are named by their items.

    What is drawn for item i does not depend on workers, ranks and order; call `set_epoch` before each epoch.

    Parameters
    ----------
    dataset, key, image : object, KeyOf or None, Part or None
        See `Corrupted`; the picture is taken as it comes from the dataset.
    transform : Transform
        With a seed.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> from corruptgen.transforms import GaussianNoise
    >>> training = Keyed([(image, 0), (image, 1)], GaussianNoise(0.1, seed=1))
    >>> first = training[0][0]
    >>> training.set_epoch(1)
    >>> np.array_equal(first, training[0][0])
    False
    """

    def __init__(
        self, dataset: Any, transform: Transform, *, key: KeyOf | None = None, image: PlaceInSample | None = None
    ) -> None:
        if not isinstance(transform, Transform):
            raise ArgumentError(f"transform is {shown(transform)}; pass one of corruptgen.transforms, with seed=")
        if transform.seed is None:
            raise ImageError("the transform has no seed, so that its draws cannot be named; pass seed=")
        self.items, self.transform = NumberedItems(dataset, key, image, raw=False), transform

    def set_epoch(self, epoch: int) -> None:
        """Use new draws, also in workers that are running."""
        self.transform.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        sample, part, picture = self.items.taken(index)
        key = self.items.key(index, sample)
        if part is None:
            return self.transform(picture, key=key)
        # What belongs to the picture comes along, so that what moves with the pixels is moved.
        changed, rest = self.transform(picture, with_part(sample, part, None), key=key)
        return with_part(rest, part, changed)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))


def all_cells(
    dataset: Any,
    preset: str,
    rows: Sequence[str] | None = None,
    severities: Sequence[float] | None = None,
    seed: int = 0,
    *,
    clean: bool = False,
    **options: Any,
) -> Iterator[Corrupted]:
    """Return a dataset in every cell, one row after the other.

    Parameters
    ----------
    dataset, preset, seed, options : object, str, int
        See `Corrupted`.
    rows : sequence of str or None
        Rows and groups; None: all.
    severities : sequence of float or None
        None: every level of each row.
    clean : bool, default False
        Begin with the clean twin.

    Returns
    -------
    iterator of Corrupted
        The dataset in one cell after the other.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> len(list(all_cells([image], "natural", ["fog", "snow"], [1, 3, 5])))
    6
    """
    table, names = catalog.preset(preset_name(preset)), row_names(rows)
    levels = severity_list(severities)
    if truth_value("clean", clean):
        yield Corrupted(dataset, preset, CLEAN, 0, seed, **options)
    for row in table.named_rows(names) if names is not None else table.rows:
        for severity in levels if levels is not None else table.row(row).severities:
            yield Corrupted(dataset, preset, row, severity, seed, **options)


class NumberedItems:
    """The items of a dataset, their pictures and ids.

    With `raw`, pictures are the bytes of files wherever those can be had, as `generate` reads them.
    """

    def __init__(self, dataset: Any, key: KeyOf | None, image: PlaceInSample | None, raw: bool = True) -> None:
        check_dataset(dataset)
        if not (key is None or isinstance(key, str) or callable(key)):
            raise ArgumentError(f"key is {shown(key)}; pass a function, a text with {{index}}, or a column's name")
        if not (image is None or isinstance(image, str | int)) or isinstance(image, bool):
            raise ArgumentError(f"image is {shown(image)}; pass the number or the name of a part of an item")
        dataset, self.order = samples.whole_of(dataset)
        self.files = samples.listed_files(dataset)
        self.root = getattr(dataset, "root", None)
        self.chosen, self.image, self.raw, self.prefix, self.column = key, image, raw, "", None
        if isinstance(key, str) and "{index}" not in key:
            self.column = key
        if self.files and raw and any(getattr(dataset, name, None) for name in ("transform", "transforms")):
            raise ImageError(
                "the dataset has a transform, which would have to come after the corruption; make it without one, and "
                "pass that as transform="
            )
        if samples.is_huggingface(dataset):
            features = dataset.features
            self.prefix = f"{dataset.split or samples.WHOLE}/"
            self.image = samples.image_column(features, None if image is None else str(image))
            self.column = samples.id_column(features, self.column) if key is None or self.column else None
            if raw:
                dataset = without_decoding(dataset, self.image)
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset if self.order is None else self.order)

    def number(self, index: int) -> int:
        """Return the number of an item in the dataset that this one is a part of."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no item {index} among {len(self)}")
        return index % len(self) if self.order is None else int(self.order[index])

    def taken(self, index: int) -> tuple[Any, PlaceInSample | None, Any]:
        """Return an item, which part of it is the picture, and the picture."""
        index = self.number(index)
        if self.files and self.raw:
            target = self.dataset.samples[index][1]
            convert = getattr(self.dataset, "target_transform", None)
            with open(self.files[index], "rb") as file:
                content = file.read()
            return (content, convert(target) if convert else target), 0, content
        sample = self.dataset[index]
        part = part_of(sample, self.image)
        return sample, part, sample if part is None else _part_of(sample, part)

    def key(self, index: int, sample: Any = None) -> str:
        """Return the id of an item; that of a part of a dataset is the id it has there."""
        index = self.number(index)
        if callable(self.chosen):
            return normalise_key(self.chosen(index))
        if self.column is not None:
            return normalise_key(_part_of(self.dataset[index] if sample is None else sample, self.column))
        if isinstance(self.chosen, str):
            return self.chosen.replace("{index}", str(index))
        if self.files:
            return samples.relative_id(self.files[index], self.root)
        return f"{self.prefix}{index}"


def check_dataset(dataset: Any) -> None:
    """Raise `ArgumentError` if this has no numbered items."""
    is_one = hasattr(type(dataset), "__len__") and hasattr(type(dataset), "__getitem__")
    if not is_one or isinstance(dataset, Mapping | str | bytes):
        raise ArgumentError(f"dataset is {shown(dataset)}; pass something with len() and items numbered from 0")


def _part_of(sample: Any, part: PlaceInSample) -> Any:
    try:
        return sample[part]
    except (LookupError, TypeError):
        raise SourceError(
            f"an item is a {type(sample).__name__} without a part {part!r}; pass image= or key="
        ) from None


def without_decoding(dataset: Any, column: str) -> Any:
    """Return a dataset of `datasets` that holds the bytes of its images as they are."""
    datasets = need("datasets", "a view of a dataset of `datasets`")
    plain = dataset.with_format(None) if hasattr(dataset, "with_format") else dataset
    if plain.features is not None and isinstance(plain.features[column], datasets.Image):
        return plain.cast_column(column, datasets.Image(decode=False))
    return plain
