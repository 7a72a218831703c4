"""Where clean images come from."""

from corruptgen.sources.coco import CocoSource
from corruptgen.sources.folder import FolderSource
from corruptgen.sources.kind import Content, Source, source_digest
from corruptgen.sources.opening import (
    KINDS,
    beside_source,
    for_reading,
    open_known,
    open_source,
    source_place,
    wanted,
)

__all__ = [
    "KINDS",
    "CocoSource",
    "Content",
    "FolderSource",
    "Source",
    "beside_source",
    "for_reading",
    "open_known",
    "open_source",
    "source_digest",
    "source_place",
    "wanted",
]
