"""A guard over an output while it is made: that it still is this build's, and that all of it exists at the end."""

import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from corruptgen.engine.block import GONE
from corruptgen.engine.inventory import scan_output, sweep
from corruptgen.engine.manifest import MARKER, TableSummary, json_bytes, parse_record
from corruptgen.engine.ownership import check_same, expected_files
from corruptgen.engine.plan import Block, Plan
from corruptgen.engine.resume import completeness_check
from corruptgen.errors import OutputError
from corruptgen.sinks import OutputDirectory
from corruptgen.store.lock import Lock

# Network file systems remember for a while that a file was not there.
SIGHT_SECONDS, LOOK_SECONDS = 90.0, 0.5
MOST_NAMED = 5  # files in one message


@dataclass(frozen=True)
class Guard:
    """Looks after the output of one build."""

    plan: Plan
    output: OutputDirectory
    lock: Lock
    mark: Mapping[str, Any]
    """Whose output it is, as `manifest.marker` says."""

    def check_ours(self) -> None:
        """Raise `OutputError` if the output was removed, or another build has begun in its place."""
        content = self.output.read(MARKER)
        if content is None or not self.lock.is_ours:
            raise OutputError(GONE)
        check_same(parse_record(content, MARKER), self.mark)

    def check_made(self, kept: Mapping[str, TableSummary], files: Mapping[str, int] | None = None) -> None:
        """Check whether all files exist, before anything says so.

        Parameters
        ----------
        kept : mapping of str to TableSummary
            What is known of the blocks of this build.
        files : mapping of str to int or None
            The sizes of the files that are for the whole output, where these are written.
        """
        self.check_ours()
        found = scan_output(self.output, *expected_files(self.plan, self.output))
        found.check_foreign()
        is_whole = completeness_check(self.plan, self.output, found)
        lost = [name for name, known in kept.items() if not (is_whole(known.part) and self._has_table(name, known))]
        lost += [name for name, size in (files or {}).items() if self.output.size(name) != size]
        if lost:
            more = f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
            raise OutputError(
                f"files were removed or changed while the output was made, of {', '.join(lost[:MOST_NAMED])}{more}; "
                "it is not finished: the same command regenerates them"
            )

    def _has_table(self, name: str, known: TableSummary) -> bool:
        return hashlib.sha256(self.output.read(name) or b"").hexdigest() == known.digest

    def clean_up(self, mark: Mapping[str, Any], *, shared: bool) -> None:
        """Remove what workers that were ended have not finished.

        Parameters
        ----------
        mark : mapping of str to object
            What the marker states; it is written again if it was removed, so that what workers have written since is
            known to be ours.
        shared : bool
            The output is one of shards, of which `merge` removes the rest.
        """
        with suppress(OutputError):
            if self.lock.is_taken or not self.output.root.is_dir():
                return
            if self.output.read(MARKER) is None:
                self.output.write(MARKER, json_bytes(mark), durable=True)
            if not shared:
                sweep(self.output)

    def check_sight(self, block: Block, content: bytes) -> None:
        """Refuse workers that write to a directory of the same name on another machine."""
        deadline = time.monotonic() + SIGHT_SECONDS
        while self.output.read(block.table) != content:
            if time.monotonic() > deadline:
                raise OutputError(
                    "the workers write to a file system that this machine does not see; "
                    "choose an output that all of them share"
                )
            time.sleep(LOOK_SECONDS)
