"""Where corrupted images go: each module that declares a format is one."""

from corruptgen.codecs.images import encode_image
from corruptgen.recipe.declarations import Format, Key
from corruptgen.sinks.protocol import Dataset, Part, Sample, Sink, WrittenShard
from corruptgen.sinks.shards import Shards, open_shard
from corruptgen.store.output_directory import OutputDirectory

__all__ = [
    "Dataset",
    "Format",
    "Key",
    "OutputDirectory",
    "Part",
    "Sample",
    "Shards",
    "Sink",
    "WrittenShard",
    "encode_image",
    "open_shard",
]
