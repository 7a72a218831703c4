"""The metadata of a card: which files are the splits of which config, how large they are, licence and tags."""

import bisect
from typing import Any

from corruptgen.publishing.licenses import license_of
from corruptgen.sinks.features import split_name
from corruptgen.sinks.parquet import build_name
from corruptgen.verification.dataset import FinishedDataset

TAGS = ("robustness", "image-corruptions", "distribution-shift", "benchmark", "synthetic", "corruptgen")
SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
    1_000_000_000: "100M<n<1B",
    10_000_000_000: "1B<n<10B",
    100_000_000_000: "10B<n<100B",
    1_000_000_000_000: "100B<n<1T",
}


def card_metadata(dataset: FinishedDataset) -> dict[str, Any]:
    """Return the metadata of a dataset's card as plain values, in the order in which they are written.

    Parameters
    ----------
    dataset : FinishedDataset
        Finished The finished dataset.

    Raises
    ------
    PublishError
        If a package is missing, or a shard cannot be read.
    """
    recipe = dataset.recipe
    source, license_ = recipe.source, license_of(recipe.source)
    named = {"license_name": source.license_name, "license_link": source.license_link} if source.license_name else {}
    configs = _configs(dataset)
    describe = recipe.output.declared.dataset_info if configs else None
    return {
        "pretty_name": title(dataset),
        "license": license_.id,
        **named,
        "task_categories": list(recipe.publish.tasks or _tasks(dataset)),
        "size_categories": [_size_category(dataset.image_count)],
        "source_datasets": [source.get("repo")] if source.get("repo") else ["original"],
        "annotations_creators": ["found"],
        "tags": list(dict.fromkeys([*TAGS, *recipe.publish.tags])),
        **({"configs": configs} if configs else {"viewer": False}),
        **({"dataset_info": describe(dataset)} if describe else {}),
    }


def title(dataset: FinishedDataset) -> str:
    """Return the name of a dataset for people."""
    return dataset.recipe.publish.title or dataset.recipe.name


def data_files(dataset: FinishedDataset, row: str, severity: float) -> str:
    """Return the pattern of the files of a cell."""
    declared = dataset.recipe.output.declared
    files = declared.sequence_files if dataset.frames_of(row, severity) else None
    files = declared.pair_files or files if dataset.recipe.output.pairs else files
    return (files or declared.files)(row, severity)


def is_loadable(dataset: FinishedDataset) -> bool:
    """Check whether `datasets` can load it: it knows no arrays or videos, and would take masks for more images."""
    has_targets = bool(dataset.made.targets.endings) or dataset.made.targets.is_annotated
    output = dataset.recipe.output
    return output.declared.is_loadable and not has_targets and not (output.stored.is_video and not output.is_array)


def _configs(dataset: FinishedDataset) -> list[dict[str, Any]]:
    if not is_loadable(dataset):
        return []
    first = next(iter(dataset.rows), None)
    build = build_name(bytes.fromhex(digest) for _, digest in sorted(dataset.manifest["tables"].items()))
    said = dataset.recipe.output.declared.config(dataset)
    return [
        {
            "config_name": row,
            "description": build,
            **({"default": True} if row == first else {}),
            **said,
            **dataset.recipe.output.declared.row_config(dataset, row),
            "data_files": [
                {"split": split_name(severity), "path": data_files(dataset, row, severity)} for severity in severities
            ],
        }
        for row, severities in dataset.configs.items()
    ]


def _tasks(dataset: FinishedDataset) -> list[str]:
    targets = dataset.made.targets
    found = ["object-detection"] if targets.is_annotated else []
    found += ["image-segmentation"] if targets.endings else []
    return found or ["image-classification"]


def _size_category(images: int) -> str:
    place = bisect.bisect_right(list(SIZES), images)
    return [*SIZES.values(), "n>1T"][place]
