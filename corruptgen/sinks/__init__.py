"""Where corrupted images go: each module that declares a format is one."""

from corruptgen.codecs.images import encode_image
from corruptgen.recipe.declarations import Format, Key
from corruptgen.sinks.protocol import Dataset, Part, Sample, Shard, Sink
from corruptgen.sinks.shards import Shards, written
from corruptgen.store.output_directory import Folder

__all__ = [
    "Dataset",
    "Folder",
    "Format",
    "Key",
    "Part",
    "Sample",
    "Shard",
    "Shards",
    "Sink",
    "encode_image",
    "written",
]
