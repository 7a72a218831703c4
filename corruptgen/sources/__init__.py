"""Where clean images come from."""

from corruptgen.sources.content import Content, source_digest
from corruptgen.sources.folder import FolderSource
from corruptgen.sources.kind import Source
from corruptgen.sources.opening import KINDS, open_known, open_source, wanted

__all__ = ["KINDS", "Content", "FolderSource", "Source", "open_known", "open_source", "source_digest", "wanted"]
