"""Where corrupted images go: one sink for each format."""

from corruptgen.sinks.folder import Folder
from corruptgen.sinks.protocol import Dataset, Part, Sample, Shard, Sink

__all__ = ["Dataset", "Folder", "Part", "Sample", "Shard", "Sink"]
