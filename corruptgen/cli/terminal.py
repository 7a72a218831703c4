"""How the command line speaks: messages, columns, and the exit code of everything that can be foreseen to go wrong."""

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer

from corruptgen.errors import CorruptgenError, Interrupted, PresetError, RecipeError, SeverityError, UnknownName

WAY_ON = "the same command goes on where this one stopped"
FAILED, WRONG_USAGE, SOME_REJECTED, INTERRUPTED = 1, 2, 3, 130


def tell(message: str) -> None:
    """Write a line to stderr."""
    print(f"corruptgen: {message}", file=sys.stderr)


class _Told(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Write what the library has to say to stderr."""
        tell(record.getMessage())


def listen() -> None:
    """Pass on what the library says, such as that it compiles its kernels, if someone sits there and waits."""
    logger = logging.getLogger("corruptgen")
    if sys.stderr.isatty() and not logger.handlers:
        logger.addHandler(_Told())
        logger.setLevel(logging.INFO)


def fail(message: str, code: int) -> NoReturn:
    """Say what went wrong and end."""
    tell(f"error: {message}")
    raise typer.Exit(code)


def columns(lines: Iterable[Sequence[str]]) -> None:
    """Print lines in columns as wide as they need to be."""
    table = [tuple(line) for line in lines]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def exit_codes(way_on: str = "") -> Iterator[None]:
    """Turn what can be foreseen to go wrong into one line and an exit code.

    Parameters
    ----------
    way_on : what to do after an interruption
    """
    try:
        yield
    except (RecipeError, UnknownName, PresetError, SeverityError) as error:
        fail(str(error), WRONG_USAGE)
    except Interrupted as error:
        fail(f"{error}; {way_on}", INTERRUPTED)
    except CorruptgenError as error:
        fail(str(error), FAILED)
    except KeyboardInterrupt:
        fail("interrupted" + (f"; {way_on}" if way_on else ""), INTERRUPTED)
    except MemoryError:
        fail("out of memory; try fewer --workers", FAILED)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does: nothing to be said to nobody.
        raise
    except OSError as error:
        place = f"{Path(str(error.filename)).name}: " if error.filename else ""
        fail(f"{place}{error.strerror or type(error).__name__}", FAILED)
