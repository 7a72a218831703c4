"""Published revisions: `hf://datasets/OWNER/NAME@REVISION`, fetched whole or in part into the client's own cache."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corruptgen.engine.manifest import CARD, MANIFEST
from corruptgen.errors import PublishError
from corruptgen.publishing.hub import DATASET, MAIN, Hub, reporting_trouble
from corruptgen.runtime.extras import need
from corruptgen.values.addresses import local_path

PREFIX = "hf://datasets/"
ADDRESS = re.compile(r"hf://datasets/([^/@]+/[^/@]+)(?:@(.+?))?/?")
RECORDS = (MANIFEST, "items/*")


@dataclass(frozen=True)
class Revision:
    """A state of a dataset repository."""

    repo: str
    revision: str = MAIN

    @classmethod
    def parse(cls, address: str) -> "Revision":
        """Read an address; raise `PublishError` if it is none."""
        match = ADDRESS.fullmatch(address)
        if not match:
            raise PublishError(f"{address!r} is no published dataset: write hf://datasets/OWNER/NAME@v1.0.0")
        return cls(match[1], (match[2] or MAIN).replace("%2F", "/"))

    def fetched(self, patterns: Sequence[str] | None = None) -> Path:
        """Download it, or the files of some patterns, and return the folder; what is in the cache is not fetched again.

        Raises
        ------
        PublishError
            If it is missing or cannot be fetched.
        """
        Hub.of(self.repo, lambda line: None)
        snapshot_download = need("huggingface_hub", "a dataset on the Hub").snapshot_download
        with reporting_trouble(f"download {self.repo} at {self.revision}"):
            wanted = None if patterns is None else list(patterns)
            return Path(snapshot_download(self.repo, repo_type=DATASET, revision=self.revision, allow_patterns=wanted))


def is_published(place: str) -> bool:
    """Check whether this is the address of a published dataset."""
    return place.startswith(PREFIX)


def folder_of(place: str) -> Path:
    """Return the folder of a dataset: a published one is downloaded first."""
    return Revision.parse(place).fetched() if is_published(place) else local_path(place, "the dataset")


def download_records(place: str) -> Path:
    """Return a folder with the manifest and the tables of a dataset, which may be named by its manifest."""
    if is_published(place):
        return Revision.parse(place).fetched([*RECORDS, *CARD])
    path = local_path(place, "the dataset")
    return path.parent if path.name == MANIFEST else path
