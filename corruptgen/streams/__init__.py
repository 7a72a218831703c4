"""Streams for test-time adaptation: images whose corruption changes step by step, as in CCC."""

from corruptgen.streams.accuracies import Accuracies, read_accuracies, write_accuracies
from corruptgen.streams.images import CorruptionStream
from corruptgen.streams.layout import count_steps, folder_name, images_per_shard
from corruptgen.streams.shards import write_shards
from corruptgen.streams.walk import LEVELS, STEPS_PER_SEVERITY, Step, ccc_rows, ccc_walk, find_path

__all__ = [
    "LEVELS",
    "STEPS_PER_SEVERITY",
    "Accuracies",
    "CorruptionStream",
    "Step",
    "ccc_rows",
    "ccc_walk",
    "count_steps",
    "find_path",
    "folder_name",
    "images_per_shard",
    "read_accuracies",
    "write_accuracies",
    "write_shards",
]
