"""Where corrupted images go: one sink for each format."""

from corruptgen.sinks.protocol import Dataset, Part, Sample, Shard, Sink
from corruptgen.store.output_directory import Folder

__all__ = ["Dataset", "Folder", "Part", "Sample", "Shard", "Sink"]
