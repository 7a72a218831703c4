"""Where corrupted images go: each module that declares a format is one."""

from corruptgen.recipe.declarations import Format, Key
from corruptgen.sinks.protocol import Dataset, Part, Sample, Shard, Sink
from corruptgen.store.output_directory import Folder

__all__ = ["Dataset", "Folder", "Format", "Key", "Part", "Sample", "Shard", "Sink"]
