"""How the command line speaks: messages, columns, and the exit code of everything that goes wrong."""

import errno
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn, TextIO

import typer

from corruptgen.errors import (
    CorruptgenError,
    Interrupted,
    PresetError,
    RecipeError,
    SeverityError,
    UnknownName,
    describe_error,
    without_secrets,
)
from corruptgen.store.names import printable

RESUME_HINT = "run the same command again to resume"
FAILED, WRONG_USAGE, SOME_REJECTED, INTERRUPTED = 1, 2, 3, 130
# Set to anything, it shows the traceback of an unforeseen error.
DEBUG_VARIABLE = "CORRUPTGEN_DEBUG"


class Failure(typer.Exit):
    """What ends a command, in words, and its exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(code)
        self.message = message


def eprint(message: str) -> None:
    """Write a line to stderr."""
    print(f"corruptgen: {printable(without_secrets(message))}", file=sys.stderr)


class Printed:
    """Text on its way to a terminal: what could steer that, in names and messages of others, is written as escapes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write lines; only line ends and tabulators are left of all control characters."""
        parts = re.split(r"([\n\t])", text)
        self._stream.write("".join(part if part in ("\n", "\t") else printable(part) for part in parts))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def write_event(kind: str, **content: object) -> None:
    """Write a JSON object to stdout, for machines."""
    print(json.dumps({"event": kind} | content), flush=True)


class _LogOutput(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Write what the library reports to stderr."""
        eprint(record.getMessage())


def enable_log_output() -> None:
    """Pass on what the library says, such as that it compiles its kernels, if a user waits for the command."""
    logger = logging.getLogger("corruptgen")
    if sys.stderr.isatty() and not logger.handlers:
        logger.addHandler(_LogOutput())
        logger.setLevel(logging.INFO)


def fail(message: str, code: int) -> NoReturn:
    """End the command with a message and an exit code."""
    raise Failure(message, code)


def print_columns(lines: Iterable[Sequence[str]]) -> None:
    """Print lines in columns as wide as they need to be."""
    table = [tuple(line) for line in lines]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def exit_codes(resume_hint: str = "", *, json: bool = False) -> Iterator[None]:
    """Turn what goes wrong into one line and an exit code.

    Parameters
    ----------
    resume_hint : str, default ""
        What to do after an interruption.
    json : bool, default False
        Also write it to stdout, as the event "failed".
    """
    try:
        yield
    except Failure as error:
        failure = error
    except (typer.Exit, BrokenPipeError):
        # The reader of our output has gone, as `head` does.
        raise
    except (RecipeError, UnknownName, PresetError, SeverityError) as error:
        failure = Failure(str(error), WRONG_USAGE)
    except Interrupted as error:
        failure = Failure(f"{error}; {resume_hint}", INTERRUPTED)
    except CorruptgenError as error:
        failure = Failure(str(error), FAILED)
    except KeyboardInterrupt:
        failure = Failure("interrupted" + (f"; {resume_hint}" if resume_hint else ""), INTERRUPTED)
    except MemoryError:
        failure = Failure("out of memory; try fewer --workers", FAILED)
    except OSError as error:
        place = f"{Path(str(error.filename)).name}: " if error.filename else ""
        failure = Failure(f"{place}{describe_error(error)}", FAILED)
    # A bug of ours or of a plug-in: a line like any other, and a way to show it to those who can repair it.
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        said = " ".join(str(error).split())[:200]
        failure = Failure(
            f"unexpected {type(error).__name__}: {said}; this is a bug: the same command with {DEBUG_VARIABLE}=1 shows "
            "where, please report it",
            FAILED,
        )
    else:
        return
    if json:
        # Where stdout is the trouble, stderr still reports it.
        with suppress(OSError):
            write_event("failed", message=failure.message, exit_code=failure.exit_code)
    eprint(f"error: {failure.message}")
    raise typer.Exit(failure.exit_code)


def open_streams() -> None:
    """Return closed standard streams a place to go, before a file of ours gets their number; guard the terminal."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is the one that is taken; workers inherit it as they do an open one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that the terminal's encoding lacks is shown by its escapes; it must not end the program.
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = Printed(sys.stdout)


def flush_streams() -> bool:
    """Write what is left in the standard streams; report whether that was possible."""
    whole = True
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            whole = False
            if number == 1 and isinstance(error, OSError) and error.errno != errno.EPIPE:
                with suppress(OSError):
                    eprint(f"error: stdout: {error.strerror}")
            # Python tries again at its end, and would complain with a traceback.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return whole
