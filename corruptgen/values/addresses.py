"""Addresses that users write: paths of this machine and URLs, and which of them is meant."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from corruptgen.errors import SCHEME, CorruptgenError, OutputError, without_secrets

_URL = re.compile(SCHEME)


def is_url(written: str | Path) -> bool:
    """Check whether an address is a URL, even one that `pathlib` has taken for a path."""
    return bool(_URL.match(os.fspath(written)))


def last_part(address: str) -> str:
    """Return the name at the end of a path or URL, which may be shown and recorded."""
    shown = without_secrets(address) if is_url(address) else address
    return shown.rstrip("/").rpartition("/")[2]


def local_path(written: str | Path, what: str, error: type[CorruptgenError] = OutputError) -> Path:
    """Return the path of this machine that an address means, `~` expanded.

    Parameters
    ----------
    written : str or Path
        A path, or a URL that begins with `file://`.
    what : str
        What it is for, as messages call it.
    error : type
        Raised where it is no path of this machine.

    Raises
    ------
    CorruptgenError
        Of the class `error`: if it is empty or another URL.
    """
    text = os.fspath(written)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    if not text or "\0" in text:
        raise error(f"{what} is {text!r}; a path is needed")
    if is_url(text):
        raise error(
            f"{what} is {without_secrets(text)}, a URL, and has to be a path of this machine: copy it to "
            "a local directory first, or what is made here to the URL afterwards, for instance with rclone"
        )
    try:
        return Path(text).expanduser()
    except RuntimeError as problem:
        raise error(f"{what} is {text!r}, and there is no such home directory") from problem
