"""Names of files and items: where they may lead and how they are shown."""

import os
import re

# What desktops put into the folders that they show, and file systems beside the files that they copy.
_CLUTTER = re.compile(
    r"(.*/)?(\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini|\.directory|\.localized|\.nfs[0-9a-f]{8,})"
    r"|(.*/)?(__MACOSX|@eaDir|\.Spotlight-V100|\.Trashes|\.fseventsd)/.*",
    re.IGNORECASE | re.DOTALL,
)


def is_clutter(path: str) -> bool:
    """Check whether a file is one that a desktop or a file system leaves in every folder, and that says nothing."""
    return bool(_CLUTTER.fullmatch(path))


def is_below(path: str) -> bool:
    """Tell whether a relative path with "/" stays below where it starts."""
    return bool(path) and "\0" not in path and not any(part in ("", ".", "..") for part in path.split("/"))


def on_disk(name: str) -> str:
    """Return what the system's calls take for a name: the UTF-8 of it, whatever the locale."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


def from_disk(name: str) -> str:
    """Return the name whose UTF-8 a file has, whatever the locale; bytes that are none become surrogates."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def storable(name: str) -> str:
    """Write a file's name so that it can be stored as UTF-8; only names that are not UTF-8 change."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shown(name: str) -> str:
    """Write a name for a terminal: control characters, which could steer it, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def is_text(name: str) -> bool:
    """Tell whether a name can be stored as UTF-8: one that was read from a file may hold half a character."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_apple_double(path: str) -> bool:
    """Tell whether macOS has put a file beside another one, to keep what other systems have no place for."""
    *folders, name = path.split("/")
    return name.startswith("._") or "__MACOSX" in folders
