"""The format `parquet`: what the Hub shows, streams and loads; one config for each row, one split for each severity."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from corruptgen.codecs.images import encode_image
from corruptgen.errors import PublishError, Rejected
from corruptgen.recipe.declarations import Format
from corruptgen.runtime.extras import need
from corruptgen.sinks.features import column, label_feature, split_name
from corruptgen.sinks.frames import frame_names, frames_in
from corruptgen.sinks.protocol import Dataset, Image, Names, Part, Sample, WrittenShard
from corruptgen.sinks.shards import Shards, open_shard
from corruptgen.tables.interpolation import Value
from corruptgen.tables.table import Preset
from corruptgen.values.arguments import severity_text
from corruptgen.values.class_labels import Classes

# Small enough for the Hub's viewer, which reads whole row groups.
ROWS_PER_GROUP = 100
# What `datasets` itself writes with: chunks that end where the content says so, which the Hub stores only once.
CHUNKS = {"min_chunk_size": 262144, "max_chunk_size": 1048576, "norm_level": 0}
IMAGE, IMAGES, PAIRED = "image", "images", "clean"
COLUMNS = (IMAGE, IMAGES, PAIRED, "label", "image_id", "corruption", "severity")
PARQUET = "the format parquet"
CARD = "the card of a Parquet dataset"
# A card repeats the names of all classes for every config; with more of them, loaders take them from the files.
MOST_CLASS_NAMES = 2_000
README = "README.md"
SHARD = re.compile(r"(.+)-(\d{5,})-of-\d{5,}\.parquet")


@dataclass(frozen=True)
class Parquet(Shards):
    """`data/<row>/severity_<k>-<block>-of-<blocks>.parquet` and a README that says which config and split each is.

    The frames of a sequence are a list, in the column `images` instead of `image`. Of pairs, the column `clean` before
    it has the clean image.
    """

    blocks: int = 0
    classes: Classes = field(default_factory=Classes)
    parameters: tuple[Mapping[str, Value], ...] = ()
    """Those of each cell, of the table."""
    schemas: Mapping[str, Any] = field(default_factory=dict)
    """The Arrow schema of each row."""
    frames: tuple[int, ...] = ()
    """The number of frames in each cell, 0 for one image; empty: there are no sequences."""
    pairs: bool = False
    """Whether the clean image lies in every row beside the corrupted one."""

    def ready(self, dataset: Dataset) -> "Parquet":
        """Lay out the columns; the workers need no `datasets` then."""
        parameters = tuple(_parameters(dataset.preset, name) for name in self.cells)
        rows = _kinds(self.cells, parameters)
        schemas = {
            row: _schema(
                dict(sorted(kinds.items())),
                dataset.classes,
                is_sequence=row in self._sequences,
                is_pair=self.pairs and row != PAIRED,
            )
            for row, kinds in rows.items()
        }
        return replace(self, classes=dataset.classes, parameters=parameters, schemas=schemas)

    @property
    def _sequences(self) -> frozenset[str]:
        """The rows that make sequences."""
        return frozenset(row for cell, (row, _) in enumerate(self.cells) if frames_in(self.frames, cell))

    def outdated(self, earlier: Names) -> list[tuple[str, float]]:
        """List the cells of rows that have other columns now: a severity may have parameters that others have not."""
        known = dict(zip(self.cells, self.parameters, strict=True))
        before, now = _kinds(earlier, [known[name] for name in earlier]), _kinds(self.cells, self.parameters)
        return [name for name in earlier if before[name[0]] != now[name[0]]]

    def shard(self, cell: int, block: int) -> str:
        """Return the file of a block in a cell, relative to the output."""
        return f"{_stem(*self.cells[cell])}-{block:05d}-of-{self.blocks:05d}.parquet"

    @property
    def pattern(self) -> re.Pattern[str]:
        """The form of such names."""
        return SHARD

    def dataset_files(self, parts: Sequence[Part] = ()) -> dict[str, bytes]:
        """Return the README, which tells `datasets` about configs and splits."""
        return {README: _readme(self.cells, build_name(part.shards for part in parts))}

    def write(self, cell: int, block: int, samples: Iterable[Sample]) -> WrittenShard:
        """Write a Parquet file, row group by row group."""
        pa, parquet = need("pyarrow", PARQUET), need("pyarrow.parquet", PARQUET)

        schema = self.schemas[self.cells[cell][0]]
        with open_shard(self.output, self.shard(cell, block)) as file:
            with parquet.ParquetWriter(
                file, schema, use_content_defined_chunking=CHUNKS, write_page_index=True, **_columns(schema)
            ) as writer:
                # Of sequences the frames of one item are in memory at a time.
                for rows in _groups(self._rows(cell, samples), 1 if frames_in(self.frames, cell) else ROWS_PER_GROUP):
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=ROWS_PER_GROUP)
                writer.add_key_value_metadata({"content_defined_chunking": json.dumps(CHUNKS)})
            return file.shard

    def _rows(self, cell: int, samples: Iterable[Sample]) -> Iterator[dict[str, Any]]:
        row, severity = self.cells[cell]
        same = {"corruption": row, "severity": severity, **self.parameters[cell]}
        for sample in samples:
            images = self._encoded(cell, sample)
            label, image_id = self.classes.value(sample.item.label), sample.item.id
            # Not kept while the next one is made.
            del sample
            yield images | {"label": label, "image_id": image_id, **same}

    def _encoded(self, cell: int, sample: Sample) -> dict[str, Any]:
        """Return the column of the image of a sample, or of its frames."""
        name = sample.item.id.rpartition("/")[2]
        stem, extension = name.rpartition(".")[0] or name, self.encoding.extension
        paths = [f"{stem}-{frame}{extension}" for frame in frame_names(frames_in(self.frames, cell))]
        images = [
            {"bytes": encode_image(pixels, self.encoding), "path": path}
            for pixels, path in zip(sample.images, paths or [stem + extension], strict=True)
        ]
        column = {IMAGES: images} if paths else {IMAGE: images[0]}
        if sample.clean is None:
            return column
        return {PAIRED: {"bytes": encode_image(sample.clean, self.encoding), "path": stem + extension}} | column

    def images(self, cell: int, part: Part) -> Iterator[Image]:
        """Read the images of a shard, sequences one at a time."""
        pa, parquet = need("pyarrow", PARQUET), need("pyarrow.parquet", PARQUET)

        name = self.shard(cell, part.block)
        path = self.output.path(name)
        try:
            with parquet.ParquetFile(path) as file:
                if frames_in(self.frames, cell):
                    yield from _sequences(file, part)
                    return
                table = file.read(["image.bytes", "image_id"])
            read = {row["image_id"]: row["image"]["bytes"] for row in table.to_pylist()}
            yield from [read[item.id] for item in part.items]
        except (OSError, LookupError, pa.ArrowException) as error:
            raise Rejected(f"cannot be read: {name} is damaged ({type(error).__name__})") from error


def _sequences(file: Any, part: Part) -> Iterator[Image]:
    """Read the frames of the items of a shard, which lie in the order of the items, each in a row group of its own."""
    groups = iter(range(file.num_row_groups))
    for item in part.items:
        for group in groups:
            [row] = file.read_row_group(group, [IMAGES, "image_id"]).to_pylist()
            if row["image_id"] == item.id:
                yield [frame["bytes"] for frame in row[IMAGES]]
                break
        else:
            raise KeyError(item.id)


def _stem(row: str, severity: float) -> str:
    return f"data/{row}/severity_{severity_text(severity)}"


def _parameters(preset: Preset, name: tuple[str, float]) -> dict[str, Value]:
    """Return the parameters of a cell under the names of their columns."""
    row, severity = name
    parameters = preset.cell(row, severity).parameters if severity else {}
    return {f"parameter_{key}" if key in COLUMNS else key: value for key, value in parameters.items()}


def _kinds(cells: Names, parameters: Sequence[Mapping[str, Value]]) -> dict[str, dict[str, type]]:
    """Return the types of the parameters of each row, all severities together."""
    rows: dict[str, dict[str, type]] = {}
    for (row, _), values in zip(cells, parameters, strict=True):
        rows.setdefault(row, {}).update({name: _kind(value) for name, value in values.items()})
    return rows


def _kind(value: Value) -> type:
    """Take all numbers of a row as real ones: the next level may have a fraction."""
    return type(value) if isinstance(value, bool | str) else float


def _schema(
    parameters: Mapping[str, type], classes: Classes, *, is_sequence: bool = False, is_pair: bool = False
) -> Any:
    """Lay the columns out as `datasets` does, which is told about images and classes by the schema's metadata.

    It is written here: to load `datasets` for it takes more memory than a million items.
    """
    pa = need("pyarrow", PARQUET)
    words, image = {float: "float64", bool: "bool", str: "string"}, {"_type": "Image"}
    features = {
        **({PAIRED: image} if is_pair else {}),
        **({IMAGES: {"feature": image, "_type": "List"}} if is_sequence else {IMAGE: image}),
        **label_feature(classes),
        "image_id": column("string"),
        "corruption": column("string"),
        "severity": column("float64"),
        **{name: column(words[kind]) for name, kind in parameters.items()},
    }
    fields = [(name, _arrow_type(pa, feature)) for name, feature in features.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _arrow_type(pa: Any, feature: Mapping[str, Any]) -> Any:
    match feature["_type"]:
        case "Image":
            return pa.struct({"bytes": pa.binary(), "path": pa.string()})
        case "List":
            return pa.list_(_arrow_type(pa, feature["feature"]))
        case "ClassLabel":
            return pa.int64()
    return pa.type_for_alias(feature["dtype"])


def _columns(schema: Any) -> dict[str, Any]:
    """Return how columns are stored: images as they are, since they are compressed, everything else compressed."""
    stored = f"{IMAGES}.list.element" if IMAGES in schema.names else IMAGE
    encoded = [stored, *([PAIRED] if PAIRED in schema.names else [])]
    plain = [f"{place}.{part}" for place in encoded for part in ("bytes", "path")]
    names = [name for name in schema.names if name not in (IMAGE, IMAGES, PAIRED)]
    others = [f"{name}.list.element" if _is_list(schema, name) else name for name in names]
    return {
        "compression": dict.fromkeys(plain, "none") | dict.fromkeys(others, "snappy"),
        "use_dictionary": others,
        "column_encoding": dict.fromkeys(plain, "PLAIN"),
    }


def _is_list(schema: Any, name: str) -> bool:
    return bool(schema.field(name).type.num_fields)


def build_name(digests: Iterable[bytes]) -> str:
    """Name a build by the digests of what it wrote.

    `datasets` takes a local dataset from its cache if the configs in the README are those of the cached one, whatever
    has become of the files: a config's `description` counts among that, so it says which build it is.
    """
    return f"build {hashlib.sha256(b''.join(digests)).hexdigest()[:16]}"


def _readme(cells: Names, build: str) -> bytes:
    """Write which files are the splits of which config."""
    lines = ["---", "configs:"]
    rows = dict.fromkeys(row for row, _ in cells)
    for row in rows:
        lines += [f"- config_name: {json.dumps(row)}", f"  description: {build}", "  data_files:"]
        for name, severity in cells:
            if name == row:
                split = f"severity_{severity_text(severity)}"
                lines += [f"  - split: {split}", f"    path: {json.dumps(_stem(row, severity) + '-*.parquet')}"]
    return "\n".join([*lines, "---", ""]).encode()


def _groups(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for row in rows:
        group.append(row)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _infos(dataset: Any) -> list[dict[str, Any]]:
    """Describe every config as `datasets` does, so that it knows sizes and features before it loads anything."""
    classes = len(dataset.manifest.get("classes", ()))
    with_features = classes * len(dataset.configs) <= MOST_CLASS_NAMES
    return [_info(dataset, row, severities, with_features) for row, severities in dataset.configs.items()]


def _info(dataset: Any, row: str, severities: list[float], with_features: bool) -> dict[str, Any]:
    sizes = [_measured(dataset, row, severity) for severity in severities]
    splits = [
        {"name": split_name(severity), "num_bytes": size["memory"], "num_examples": size["rows"]}
        for severity, size in zip(severities, sizes, strict=True)
    ]
    return {
        "config_name": row,
        **({"features": _features(dataset, row)} if with_features else {}),
        "splits": splits,
        "download_size": sum(size["file"] for size in sizes),
        "dataset_size": sum(size["memory"] for size in sizes),
    }


def _shards(dataset: Any, row: str, severity: float) -> list[str]:
    """Name the parquet files of a cell."""
    sink = dataset.made.sink
    cell = dataset.cells.index((row, severity))
    return [sink.shard(cell, block) for block in range(sink.blocks)]


def _measured(dataset: Any, row: str, severity: float) -> Mapping[str, int]:
    """Count the rows of a split, and its bytes in files and in memory."""
    found = {"rows": 0, "file": 0, "memory": 0}
    for name in _shards(dataset, row, severity):
        footer = _footer(dataset, name)
        found["rows"] += footer.num_rows
        found["memory"] += sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        found["file"] += dataset.folder.size(name) or 0
    return found


def _features(dataset: Any, row: str) -> Any:
    datasets = need("datasets", CARD)

    schema = _footer(dataset, _shards(dataset, row, dataset.configs[row][0])[0]).schema.to_arrow_schema()
    return datasets.Features.from_arrow_schema(schema)._to_yaml_list()


def _footer(dataset: Any, name: str) -> Any:
    pa, parquet = (need(module, CARD) for module in ("pyarrow", "pyarrow.parquet"))

    try:
        return parquet.read_metadata(dataset.folder.path(name))
    except (OSError, pa.ArrowException) as error:
        raise PublishError(f"{name} cannot be read; `corruptgen verify` reports what is damaged") from error


def _columns_of(dataset: Any, row: str) -> dict[str, str]:
    """Return the columns of a row's files and what is in each; `[]` for several of these."""
    parquet, types = (
        need(module, "the Croissant metadata of Parquet") for module in ("pyarrow.parquet", "pyarrow.types")
    )

    schema = parquet.read_schema(dataset.folder.path(_shards(dataset, row, dataset.configs[row][0])[0]))
    names = {"double": "float64", "large_string": "string"}
    found = {}
    for entry in schema:
        if types.is_struct(entry.type):
            found[entry.name] = "image"
        elif types.is_list(entry.type) and types.is_struct(entry.type.value_type):
            found[entry.name] = "image[]"
        elif types.is_list(entry.type):
            found[entry.name] = f"{entry.type.value_type}[]"
        else:
            found[entry.name] = names.get(str(entry.type), str(entry.type))
    return found


FORMAT = Format(
    name="parquet",
    sink=lambda choice, cells, output, blocks: Parquet(output, cells, choice.stored, blocks, pairs=choice.pairs),
    files=lambda row, severity: f"{_stem(row, severity)}-*.parquet",
    needs=("datasets", "pyarrow"),
    media_type="application/x-parquet",
    holds_sequences=True,
    holds_pairs=True,
    is_loadable=True,
    dataset_info=_infos,
    columns=_columns_of,
)
