"""The metadata of a card: which files are the splits of which config, how large they are, licence and tags."""

import bisect
from collections.abc import Mapping
from typing import Any

from corruptgen.errors import PublishError
from corruptgen.publishing.licenses import license_of
from corruptgen.runtime.extras import need
from corruptgen.sinks.image_folder import METADATA
from corruptgen.sinks.parquet import Parquet, build_name, column, label_feature
from corruptgen.values.arguments import severity_text
from corruptgen.values.class_labels import NAMES, NONE, NUMBERS
from corruptgen.verification.dataset import FinishedDataset

PARQUET, CARD = "the card of a Parquet dataset", "the card of a dataset that `datasets` loads"
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
# A card repeats the names of all classes for every config; with more of them, loaders take them from the files.
MOST_CLASS_NAMES = 2_000


def metadata(dataset: FinishedDataset) -> dict[str, Any]:
    """Return the metadata of a dataset's card as plain values, in the order in which they are written.

    Parameters
    ----------
    dataset : Finished
        The finished dataset.

    Raises
    ------
    PublishError
        If a package is missing, or a shard cannot be read.
    """
    recipe = dataset.recipe
    source, license_ = recipe.source, license_of(recipe.source)
    named = {"license_name": source.license_name, "license_link": source.license_link} if source.license_name else {}
    configs = _configs(dataset)
    return {
        "pretty_name": title(dataset),
        "license": license_.id,
        **named,
        "task_categories": list(recipe.publish.tasks or _tasks(dataset)),
        "size_categories": [_size_category(dataset.image_count)],
        "source_datasets": [source.repo] if source.repo else ["original"],
        "annotations_creators": ["found"],
        "tags": list(dict.fromkeys([*TAGS, *recipe.publish.tags])),
        **({"configs": configs} if configs else {"viewer": False}),
        **({"dataset_info": _infos(dataset)} if recipe.output.format == "parquet" else {}),
        **({"dataset_info": _of_tars(dataset)} if recipe.output.format == "webdataset" and configs else {}),
    }


def title(dataset: FinishedDataset) -> str:
    """Return the name of a dataset for people."""
    return dataset.recipe.publish.title or dataset.recipe.name


def split(severity: float) -> str:
    """Return the name of the split of a severity."""
    return f"severity_{severity_text(severity)}"


def data_files(dataset: FinishedDataset, row: str, severity: float) -> str:
    """Return the pattern of the files of a cell."""
    match dataset.recipe.output.format:
        case "parquet":
            return f"data/{row}/{split(severity)}-*.parquet"
        case "webdataset":
            return f"{row}/{split(severity)}-*.tar"
    return f"{row}/{severity_text(severity)}/**"


def is_loadable(dataset: FinishedDataset) -> bool:
    """Check whether `datasets` can load it: it knows no arrays, and would take masks for more images."""
    recipe = dataset.recipe
    has_targets = bool(dataset.made.targets.endings) or dataset.made.targets.is_annotated
    return not recipe.output.is_array and not (recipe.output.format == "folder" and has_targets)


def _configs(dataset: FinishedDataset) -> list[dict[str, Any]]:
    if not is_loadable(dataset):
        return []
    first = next(iter(dataset.rows), None)
    build = build_name(bytes.fromhex(digest) for _, digest in sorted(dataset.manifest["tables"].items()))
    folders = _of_folders(dataset) if dataset.recipe.output.format == "folder" else {}
    return [
        {
            "config_name": row,
            "description": build,
            **({"default": True} if row == first else {}),
            **folders,
            "data_files": [
                {"split": split(severity), "path": data_files(dataset, row, severity)} for severity in severities
            ],
        }
        for row, severities in dataset.configs.items()
    ]


def _of_folders(dataset: FinishedDataset) -> dict[str, Any]:
    """Declare the labels to the imagefolder of `datasets`, which otherwise guesses them from folder names."""
    classes = dataset.classes
    features = {"image": {"_type": "Image"}, **label_feature(classes)}
    if any(METADATA in name for name in dataset.manifest.get("files", {})):
        return {"features": _listed(features | {"image_id": column("string")})}
    if classes.kind == NONE:
        return {"drop_labels": True}
    return {"drop_labels": False, "features": _listed(features)}


def _listed(features: Mapping[str, Any]) -> Any:
    return need("datasets", CARD).Features.from_dict(dict(features))._to_yaml_list()


def _tasks(dataset: FinishedDataset) -> list[str]:
    targets = dataset.made.targets
    found = ["object-detection"] if targets.is_annotated else []
    found += ["image-segmentation"] if targets.endings else []
    return found or ["image-classification"]


def _size_category(images: int) -> str:
    place = bisect.bisect_right(list(SIZES), images)
    return [*SIZES.values(), "n>1T"][place]


def _infos(dataset: FinishedDataset) -> list[dict[str, Any]]:
    """Describe every config as `datasets` does, so that it knows sizes and features before it loads anything."""
    classes = len(dataset.manifest.get("classes", ()))
    with_features = classes * len(dataset.configs) <= MOST_CLASS_NAMES
    return [_info(dataset, row, severities, with_features) for row, severities in dataset.configs.items()]


def _info(dataset: FinishedDataset, row: str, severities: list[float], with_features: bool) -> dict[str, Any]:
    sizes = [_measured(dataset, row, severity) for severity in severities]
    splits = [
        {"name": split(severity), "num_bytes": size["memory"], "num_examples": size["rows"]}
        for severity, size in zip(severities, sizes, strict=True)
    ]
    return {
        "config_name": row,
        **({"features": _features(dataset, row)} if with_features else {}),
        "splits": splits,
        "download_size": sum(size["file"] for size in sizes),
        "dataset_size": sum(size["memory"] for size in sizes),
    }


def shards(dataset: FinishedDataset, row: str, severity: float) -> list[str]:
    """Name the parquet files of a cell."""
    sink = dataset.made.sink
    if not isinstance(sink, Parquet):
        return []
    cell = dataset.cells.index((row, severity))
    return [sink.shard(cell, block) for block in range(sink.blocks)]


def _measured(dataset: FinishedDataset, row: str, severity: float) -> Mapping[str, int]:
    """Count the rows of a split, and its bytes in files and in memory."""
    found = {"rows": 0, "file": 0, "memory": 0}
    for name in shards(dataset, row, severity):
        footer = _footer(dataset, name)
        found["rows"] += footer.num_rows
        found["memory"] += sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        found["file"] += dataset.folder.size(name) or 0
    return found


def _features(dataset: FinishedDataset, row: str) -> Any:
    datasets = need("datasets", PARQUET)

    schema = _footer(dataset, shards(dataset, row, dataset.configs[row][0])[0]).schema.to_arrow_schema()
    return datasets.Features.from_arrow_schema(schema)._to_yaml_list()


def _of_tars(dataset: FinishedDataset) -> list[dict[str, Any]]:
    """Describe the samples of tar files, which `datasets` else guesses from the first few."""
    text, numbers = column("string"), {"feature": column("int64"), "_type": "List"}
    label = {NAMES: text, NUMBERS: column("int64"), NONE: column("null")}.get(dataset.classes.kind, numbers)
    record = {"image_id": text, "label": label, "corruption": text, "severity": column("float64")}
    number = {"cls": label_feature(dataset.classes)["label"]} if dataset.classes.is_single else {}
    image = {"png": "png", "jpeg": "jpg", "tiff": "tif"}[dataset.recipe.output.encoding]
    features = {image: {"_type": "Image"}, **number, "json": record, "__key__": text, "__url__": text}
    return [{"config_name": row, "features": _listed(features)} for row in dataset.configs]


def _footer(dataset: FinishedDataset, name: str) -> Any:
    pa, parquet = (need(module, PARQUET) for module in ("pyarrow", "pyarrow.parquet"))

    try:
        return parquet.read_metadata(dataset.folder.path(name))
    except (OSError, pa.ArrowException) as error:
        raise PublishError(f"{name} cannot be read; `corruptgen verify` reports what is damaged") from error
