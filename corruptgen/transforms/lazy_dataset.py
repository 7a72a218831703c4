"""A dataset of the library `datasets` whose images are corrupted when asked for, and never written as they are.

What the library writes, converts or formats in another way it takes from below the transform, where the images are
clean. Each such method is refused here; parts and orders of the dataset stay lazy.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import datasets

from corruptgen.errors import ImageError

# Methods that give a part of the dataset, another order of it, or other columns beside the images.
PARTS = (
    *("add_column", "filter", "remove_columns", "repeat", "select", "select_columns", "shard", "shuffle", "skip"),
    *("sort", "take", "train_test_split"),
)
# How the names of methods begin that read what lies below the transform, or put another one in its place.
REFUSED = (
    *(
        "add_",
        "align_",
        "batch",
        "cast",
        "class_encode",
        "flatten",
        "formatted_as",
        "map",
        "prepare_for",
        "push_",
        "_push_",
    ),
    *("rename_", "reset_format", "save_", "set_", "to_", "with_"),
)
ADVICE = (
    "its images are corrupted only when they are asked for, and clean ones would be taken; write them first, with "
    "corruptgen.transforms.hf.corrupt(..., lazy=False), or do this before"
)


class LazyDataset(datasets.Dataset):  # type: ignore[misc]  # datasets has no types
    """A `datasets.Dataset` with a transform that corrupts."""

    @property
    def format(self) -> Any:
        """The format, which is that of no other dataset: joined ones would lose it, and show their clean images."""
        return _Format(super().format)


class _Format(dict[str, Any]):
    def __eq__(self, other: object) -> bool:
        raise ImageError(f"lazily corrupted datasets cannot be joined: {ADVICE}")

    __hash__ = None

    def __ne__(self, other: object) -> bool:
        return self == other


def lazily(dataset: Any, transform: Callable[[dict[str, list[Any]]], dict[str, list[Any]]]) -> LazyDataset:
    """Return a dataset whose rows go through `transform` when they are asked for."""
    return _as_lazy(dataset.with_transform(transform))


def _as_lazy(dataset: Any) -> Any:
    if isinstance(dataset, Mapping):
        return datasets.DatasetDict({split: _as_lazy(part) for split, part in dataset.items()})
    dataset.__class__ = LazyDataset
    return dataset


def _part(name: str) -> Callable[..., Any]:
    original = getattr(datasets.Dataset, name)

    def part(self: LazyDataset, *arguments: Any, **options: Any) -> Any:
        plain = copy.copy(self)
        plain.__class__ = datasets.Dataset
        return _as_lazy(original(plain, *arguments, **options))

    part.__name__, part.__doc__ = name, original.__doc__
    return part


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(self: LazyDataset, *arguments: Any, **options: Any) -> Any:
        raise ImageError(f"{name}() of a lazily corrupted dataset: {ADVICE}")

    refuse.__name__, refuse.__doc__ = name, f"Refuse: {ADVICE}."
    return refuse


for _name in dir(datasets.Dataset):
    if _name in PARTS:
        setattr(LazyDataset, _name, _part(_name))
    elif _name.startswith(REFUSED) and callable(getattr(datasets.Dataset, _name)):
        setattr(LazyDataset, _name, _refusal(_name))
