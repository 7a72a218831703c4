"""An inspection: all that is there of a build, held against its digests, so that what is damaged can be made anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from corruptgen.engine.backends import Crew
from corruptgen.engine.damage import damaged_wholes
from corruptgen.engine.manifest import MANIFEST, Recorded, parsed, wholes
from corruptgen.engine.plan import Block, Plan
from corruptgen.engine.progress import Progress, results
from corruptgen.engine.rehash import rehashed
from corruptgen.engine.resume import placed
from corruptgen.errors import Interrupted, OutputError
from corruptgen.sinks import Folder
from corruptgen.sinks.protocol import Whole


@dataclass(frozen=True)
class Damage:
    """What is not as it was made."""

    tables: tuple[str, ...]
    """Those of the damaged blocks."""
    sources: Mapping[str, str]
    """The sha256 of the sources of their items, by id, where that is known."""
    wholes: tuple[str, ...]
    """The damaged files among those that are for the whole output."""

    @property
    def is_none(self) -> bool:
        """Whether all is as it was made."""
        return not self.tables and not self.wholes


def inspected(
    plan: Plan,
    blocks: Sequence[Block],
    output: Folder,
    kept: Mapping[str, Recorded],
    crew: Crew,
    progress: Progress,
    stop: Callable[[], bool],
) -> Damage:
    """Find what is damaged among the blocks that are kept; nothing is changed.

    Parameters
    ----------
    plan : what is being made
    blocks : those of its blocks that are made here
    output : where
    kept : what is known of the blocks that are there
    crew : who reads
    progress : called with how many items are checked and how many there are
    stop : asked before each block

    Raises
    ------
    Interrupted
        If `stop` has stopped it.
    """
    digests, files = _listed(output)
    sink, parts = plan.sink(output), {part.block: part for part in placed(plan, kept)}
    there = [block for block in blocks if block.table in kept]
    done, total = 0, sum(len(block.items) for block in there)
    wanted = takewhile(lambda block: not stop(), there)
    calls = ((rehashed, (sink, block, parts[block.number].start, digests.get(block.table))) for block in wanted)
    progress(done, total)
    damaged: list[str] = []
    before: dict[str, str] = {}
    for block, holds, sources in results(calls, crew.at_most(len(there))):
        done += len(block.items)
        progress(done, total)
        if not holds:
            damaged.append(block.table)
            before |= sources
    if done < total:
        raise Interrupted(f"interrupted; {done} of {total} items are checked, nothing was changed")
    return Damage(tuple(damaged), before, tuple(name for name, _ in damaged_wholes(output, files)))


def _listed(output: Folder) -> tuple[Mapping[str, str], Mapping[str, Whole]]:
    """Give the digests of the tables and of the other files as a manifest has them; a damaged one has none."""
    try:
        manifest = parsed(output.read(MANIFEST) or b"{}", MANIFEST)
        files = wholes(manifest)
    except OutputError:
        return {}, {}
    tables = manifest.get("tables")
    return tables if isinstance(tables, dict) else {}, files
