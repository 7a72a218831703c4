"""Trouble of the machine, told apart from faults of a file: the first ends a build, the second rejects one item."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from corruptgen.errors import SourceError, describe_error

# What the system reports because of the file itself: its name, its links, or a header that points before its start.
FAULTS_OF_FILES = (errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ, errno.EINVAL, errno.EOVERFLOW)
# Parsers raise a plain OSError without a number for damaged bytes; of these classes it is never one.
FAILURES = (ConnectionError, TimeoutError, PermissionError, FileNotFoundError, BlockingIOError, InterruptedError)
RESUME = "nothing was rejected or removed because of it, and the same command resumes when that is repaired"
LONGEST = 160


def is_trouble(error: BaseException) -> bool:
    """Check whether an error is one of the machine: memory, disk, network, permissions, a file that is gone.

    Examples
    --------
    >>> is_trouble(OSError(errno.EIO, "Input/output error")), is_trouble(OSError("image file is truncated"))
    (True, False)
    """
    if isinstance(error, cv2.error):
        return bool(getattr(error, "code", None) == cv2.Error.StsNoMem)
    if isinstance(error, OSError):
        return isinstance(error, FAILURES) or error.errno not in (None, *FAULTS_OF_FILES)
    return isinstance(error, MemoryError)


def trouble_behind(error: BaseException | None) -> BaseException | None:
    """Find the machine's trouble that an error was raised for, following its causes; None: there is none."""
    while error is not None and not is_trouble(error):
        error = error.__cause__
    return error


def wording(error: BaseException) -> str:
    """Word a trouble in one line, without paths of this machine."""
    if isinstance(error, MemoryError):
        return "the memory is full; try fewer workers"
    return describe_error(error)[:LONGEST]


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn trouble of the machine into a `SourceError` that names the item, though a decoder took it for damage."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        trouble = trouble_behind(error)
        if trouble is None:
            raise
        raise unreadable(name, trouble) from error


def unreadable(name: str, error: BaseException) -> SourceError:
    """Make the error that ends a build because an item of the source cannot be read.

    Parameters
    ----------
    name : str
        Name of the item or file.
    error : BaseException
        What the machine reports.
    """
    return SourceError(f"{name} cannot be read: {wording(error)}; {RESUME}")
