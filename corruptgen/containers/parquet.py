"""Rows of parquet files, read a row group at a time: what `datasets` and the Hub store images in."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from corruptgen.containers.places import name_of, reporting
from corruptgen.errors import SourceError
from corruptgen.runtime.extras import need
from corruptgen.store.names import from_disk, on_disk

ENDING = ".parquet"
SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.parquet")


@dataclass(frozen=True)
class ParquetRows:
    """The rows of files that lie on this machine, one file after the other."""

    files: tuple[str, ...]
    version: str
    features: Mapping[str, Any]
    """What `datasets` wrote about each column it stored; empty for columns of others."""
    columns: Mapping[str, Any]
    """The type of each column."""
    edges: tuple[int, ...]
    """The number of rows before each file, and of all."""

    @classmethod
    def opened(cls, files: tuple[str, ...], version: str) -> "ParquetRows":
        """Read what the files state about themselves."""
        counts, schema = [], None
        for place in files:
            with reporting(place):
                file = _file(place, version)
                counts.append(int(file.metadata.num_rows))
                if schema is not None and schema.names != file.schema_arrow.names:
                    raise SourceError(f"{name_of(place)} has other columns than {name_of(files[0])}")
                schema = schema or file.schema_arrow
        if schema is None:
            raise SourceError("there are no parquet files")
        with reporting(files[0]):
            noted = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
            features = noted.get("info", {}).get("features", {}) if isinstance(noted, dict) else {}
        columns = dict(zip(schema.names, schema.types, strict=True))
        return cls(files, version, features, columns, tuple(accumulate(counts, initial=0)))

    @property
    def count(self) -> int:
        """Number of rows."""
        return self.edges[-1]

    def values(self, column: str) -> Iterator[Any]:
        """Return a column of all rows, a row group at a time."""
        count = 0
        for place in self.files:
            for group in range(len(_groups(place, self.version)) - 1):
                with reporting(place):
                    found = _plain(_file(place, self.version).read_row_group(group, columns=[column]).column(column))
                count += len(found)
                if count <= self.count:
                    yield from found
        if count != self.count:
            name = name_of(self.files[0])
            raise SourceError(f"{name} is damaged: it claims {self.count} rows, and {column} has {count}")

    def value(self, index: int, column: str) -> Any:
        """Return one value."""
        number = bisect_right(self.edges, index) - 1
        row, place = index - self.edges[number], self.files[number]
        with reporting(place):
            groups = _groups(place, self.version)
            group = bisect_right(groups, row) - 1
            return _plain(_group(place, self.version, group, column).slice(row - groups[group], 1))[0]


def parquet_files(place: str, split: str | None, config: str | None) -> tuple[str, ...]:
    """Find the files of a split: those named like it, `test-00000-of-00002.parquet`, or in a folder named like it.

    Raises
    ------
    SourceError
        If there are none, or some of the shards are missing: the others would get other ids.
    """
    root = Path(on_disk(place))
    if not root.is_dir():
        return (place,)
    found = (path.relative_to(root).as_posix() for path in root.rglob("*" + ENDING) if path.is_file())
    names = sorted(map(from_disk, found))
    wanted = [name for name in names if _is_of(name, split) and (config is None or config in name.split("/")[:-1])]
    if not wanted:
        chosen = " and ".join(f"{key} {value!r}" for key, value in (("split", split), ("config", config)) if value)
        there = ", ".join(names[:5]) or f"no files that end in {ENDING}"
        raise SourceError(f"{name_of(place)} holds nothing{' of ' + chosen if chosen else ''}; it holds {there}")
    _check_complete(wanted)
    return tuple(f"{place}/{name}" for name in wanted)


def _is_of(name: str, split: str | None) -> bool:
    if split is None:
        return True
    *folders, base = name.split("/")
    shard = SHARD.fullmatch(base)
    return split in folders or (shard[1] if shard else base.removesuffix(ENDING)) == split


def _check_complete(names: list[str]) -> None:
    for name in names:
        shard = SHARD.fullmatch(name)
        for number in range(min(int(shard[3]), len(names) + 1) if shard else 0):
            sibling = f"{shard[1]}-{number:05d}-of-{shard[3]}{ENDING}" if shard else ""
            if sibling not in names:
                raise SourceError(f"{name} exists and {sibling} does not; fetch all shards, or the others change names")


def _file(place: str, version: str) -> Any:
    return _parquet_file(place, version)


@lru_cache(maxsize=64)
def _parquet_file(place: str, version: str) -> Any:
    parquet = need("pyarrow.parquet", "a source of Parquet files")
    return parquet.ParquetFile(place, page_checksum_verification=True)


@lru_cache(maxsize=64)
def _groups(place: str, version: str) -> tuple[int, ...]:
    """Return the number of rows before each row group, and of all."""
    metadata = _file(place, version).metadata
    counts = (metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
    return tuple(accumulate(counts, initial=0))


@lru_cache(maxsize=1)
def _group(place: str, version: str, group: int, column: str) -> Any:
    return _file(place, version).read_row_group(group, columns=[column], use_threads=False).column(column)


def _plain(column: Any) -> list[Any]:
    """Return the values of a column, whether or not pyarrow knows the types that `datasets` adds."""
    found: list[Any] = []
    for chunk in column.chunks:
        found += getattr(chunk, "storage", chunk).to_pylist()
    return found
