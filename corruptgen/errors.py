"""The errors of corruptgen; a message states the place, what was found, what is allowed and what to do."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ArgumentError",
    "AssetError",
    "CorruptgenError",
    "DeclarationError",
    "ImageError",
    "Interrupted",
    "MachineError",
    "MissingPackage",
    "OutputError",
    "PresetError",
    "PublishError",
    "RecipeError",
    "Rejected",
    "ScoreError",
    "SeverityError",
    "SourceError",
    "UnknownName",
    "WorkerError",
]

# Two letters at least: C:/ is a drive. A path of `pathlib` has one slash where the URL had two.
SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+:/+"
# Who asks and with which password, the query, and the fragment, each of which may open a door.
URL = re.compile(rf"({SCHEME})(?:[^\s/?#]*@)?([^\s?#'\"<>]*)(?:[?#][^\s'\"<>]*)?")
# Parts of a query whose URL has been taken apart by who reports it.
SIGNED = re.compile(
    r"\b((?:X-(?:Amz|Goog)-[A-Za-z-]+|sig|signature|[A-Za-z]*(?:AccountKey|AccessKey|access_?key(?:_?id)?|token|secret|"
    r"password|api_?key)))=[^\s&;,'\"<>)]+",
    re.IGNORECASE,
)


class CorruptgenError(Exception):
    """The root: catch it to catch everything that corruptgen raises on purpose.

    Each class below also derives from the built-in class that a Python caller would catch in its place, so that
    `except ValueError` or `except OSError` around a call works as with any other library. Messages are shown, logged
    and recorded, so that no URL in them keeps a password, a signature or a query.

    Examples
    --------
    >>> import numpy as np
    >>> from corruptgen import corrupt
    >>> try:
    ...     corrupt(np.zeros((8, 8, 3), np.uint8), "fgo", 3)
    ... except KeyError as error:
    ...     print(error)
    no row of imagecorruptions is called 'fgo'; did you mean 'fog'?
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(without_secrets(arg) if isinstance(arg, str) else arg for arg in args))
        error: object = self
        if isinstance(error, OSError):
            # What handlers of OSError report; it has no `errno`, which belongs to the error that it was raised from.
            error.strerror = str(error)

    def __str__(self) -> str:
        # That of KeyError would put the message into quotes.
        return Exception.__str__(self)


class DeclarationError(CorruptgenError, TypeError):
    """A corruption function is not written as the catalog needs it."""


class UnknownName(CorruptgenError, KeyError):
    """A row, preset, recipe or corruption that is not declared."""


class MissingPackage(CorruptgenError, ImportError):
    """Something needs a package that is not installed; the message names the extra that brings it."""


class PresetError(CorruptgenError, ValueError):
    """A severity table that cannot be read or does not fit its functions."""


class SeverityError(CorruptgenError, ValueError):
    """A severity outside of the table."""


class ArgumentError(CorruptgenError, ValueError):
    """An argument of a kind or value that is not allowed, such as a seed that is no whole number."""


class ImageError(CorruptgenError, ValueError):
    """An image of a kind, type or size that cannot be corrupted as asked."""


class AssetError(CorruptgenError, OSError):
    """A picture that a corruption needs is missing or is not the right one."""


class RecipeError(CorruptgenError, ValueError):
    """A recipe that cannot be read or that asks for something impossible."""


class SourceError(CorruptgenError, OSError):
    """A source of clean images that is missing or has nothing in it."""


class OutputError(CorruptgenError, OSError):
    """An output directory that cannot be written or that holds something else."""


class PublishError(CorruptgenError, RuntimeError):
    """A dataset that cannot be published as it is, or a server that does not take it."""


class ScoreError(CorruptgenError, ValueError):
    """Predictions, results or a baseline that cannot be scored."""


class MachineError(CorruptgenError, RuntimeError):
    """What a build needs of the machine, such as memory, is missing."""


class WorkerError(CorruptgenError, RuntimeError):
    """A worker, or the cluster it belongs to, that is gone."""


class Interrupted(CorruptgenError):  # KeyboardInterrupt is no Exception, and nothing else fits
    """A build that was asked to stop and has done so, with every file whole."""


class Rejected(CorruptgenError, ValueError):
    """One input item cannot be used; the others go on without it."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Word the message for a name that is not known, with the nearest known one or all of them."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    advice = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"
    return f"no {kind} is called {name!r}; {advice}"


def describe_error(error: BaseException) -> str:
    r"""Return what an error says in one line, without the path of this machine that an error of the system names.

    Examples
    --------
    >>> describe_error(FileNotFoundError(2, "No such file or directory", "/home/me/a.png"))
    'No such file or directory'
    >>> describe_error(ValueError("bad\nvalue")), describe_error(ValueError())
    ('bad value', 'ValueError')
    """
    text = error.strerror if isinstance(error, OSError) else str(error)
    return " ".join((text or "").split()) or type(error).__name__


def without_secrets(text: str) -> str:
    """Take user names, passwords, queries and fragments out of all URLs in a text, and signatures that stand alone."""
    return SIGNED.sub(r"\1=...", URL.sub(r"\1\2", text))
