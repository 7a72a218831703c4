"""Where clean images come from: each module that declares a kind of source is one."""

from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.sources.kind import Content, Source, source_digest
from corruptgen.sources.opening import (
    beside_source,
    for_reading,
    keep_wanted,
    open_known,
    open_source,
    source_place,
)
from corruptgen.sources.register import Register

__all__ = [
    "Content",
    "Key",
    "Register",
    "Source",
    "SourceKind",
    "beside_source",
    "for_reading",
    "keep_wanted",
    "open_known",
    "open_source",
    "source_digest",
    "source_place",
]
