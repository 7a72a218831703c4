"""Names of files and items: where they may lead and how they are shown."""

import os


def is_below(path: str) -> bool:
    """Tell whether a relative path with "/" stays below where it starts."""
    return bool(path) and "\0" not in path and not any(part in ("", ".", "..") for part in path.split("/"))


def storable(name: str) -> str:
    """Write a file's name so that it can be stored as UTF-8; only names that are not UTF-8 change."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


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
