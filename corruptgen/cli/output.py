"""How a build speaks while it runs: a bar for people, JSON lines for machines, or nothing."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from tqdm import tqdm

from corruptgen.cli.terminal import SOME_REJECTED, eprint, write_event
from corruptgen.engine.plan import Plan
from corruptgen.engine.progress import Progress
from corruptgen.engine.shards import Shard
from corruptgen.records import Outcome

BUILDING = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} items{unit}{postfix} [{elapsed}, {remaining} left]"


@dataclass(frozen=True)
class OutputMode:
    """To whom a build speaks."""

    quiet: bool = False
    json: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether no sentences are wanted on stdout."""
        return self.quiet or self.json

    def interrupt_message(self) -> None:
        """Print that a signal was received."""
        if sys.stderr.isatty() and not self.is_silent:
            eprint("ending after the blocks that are begun; once more ends at once")

    @contextmanager
    def progress(self, plan: Plan, shard: Shard | None) -> Iterator[Progress]:
        """Return a report of items that also reports cells, images per second and the time left."""
        cells = len(plan.cells)
        if not self.json:
            with progress_bar("item", self.quiet, cells) as report:
                yield report
            return
        items = sum(len(block.items) for block in plan.blocks if shard is None or shard.holds(block.number))
        self.event(
            "planned",
            name=plan.recipe.name,
            version=plan.recipe.version,
            shard=str(shard) if shard else None,
            items=items,
            cells=cells,
            images=items * cells,
        )
        since, first = time.monotonic(), -1

        def report_line(done: int, total: int) -> None:
            nonlocal since, first
            if first < 0 or done < first:
                since, first = time.monotonic(), done
            pace = (done - first) / max(time.monotonic() - since, 1e-9)
            self.event(
                "progress",
                items=done,
                of=total,
                images=done * cells,
                images_per_second=round(pace * cells, 1),
                seconds_left=round((total - done) / pace) if pace else None,
            )

        yield report_line

    def finished(self, outcome: Outcome) -> None:
        """Print what was generated."""
        for rejection in outcome.rejected:
            self.event("rejected", **asdict(rejection))
        self.event(
            "finished",
            items=outcome.items,
            cells=outcome.cells,
            images=outcome.files,
            rejected=len(outcome.rejected),
            ignored=outcome.ignored,
            was_finished=outcome.was_finished,
            noted=dict(outcome.noted),
            exit_code=SOME_REJECTED if outcome.rejected else 0,
        )

    def event(self, kind: str, **content: object) -> None:
        """Write a line for machines, if they listen."""
        if self.json:
            write_event(kind, **content)


@contextmanager
def progress_bar(unit: str, quiet: bool, cells: int = 0) -> Iterator[Progress]:
    """Return a report that draws a bar on stderr if that is a terminal.

    Parameters
    ----------
    unit : str
        What is counted.
    quiet : bool
        Draw nothing.
    cells : int, default 0
        Images that each of them becomes, whose number per second is shown; 0: none.
    """
    style = {"bar_format": BUILDING, "unit": f" × {cells} cells"} if cells else {"unit": unit}
    # Some terminals do not state how large they are.
    width, height = shutil.get_terminal_size()
    size = {"ncols": width, "nrows": height}
    with tqdm(disable=True if quiet else None, file=sys.stderr, leave=False, **size, **style) as drawn:
        last = -1

        def report(done: int, total: int) -> None:
            nonlocal last
            if done < last or last < 0:
                # What an earlier run has made says nothing about the pace of this one.
                drawn.reset(total)
                drawn.initial = drawn.n = done
            last = done
            elapsed = drawn.format_dict["elapsed"]
            if cells and elapsed:
                drawn.set_postfix_str(f"{(done - drawn.initial) * cells / elapsed:.1f} images/s", refresh=False)
            drawn.update(done - drawn.n)
            drawn.refresh()

        yield report
