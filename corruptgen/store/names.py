"""Names of files and items: where they may lead, how they are shown, and who can download, check out and load them."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator

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
    """Check whether a relative path with "/" stays below where it starts."""
    return bool(path) and "\0" not in path and not any(part in ("", ".", "..") for part in path.split("/"))


def leads_out(inside: str, path: str | os.PathLike[str]) -> bool:
    """Check whether a path leads, by links too, out of a folder, whose own path has no links."""
    return os.path.commonpath([inside, os.path.realpath(path)]) != inside


def is_hidden(name: str) -> bool:
    """Check whether a file lies in a folder that programs keep for themselves."""
    return (name.startswith(".") and "/" in name) or "/." in name.rpartition("/")[0]


def on_disk(name: str) -> str:
    """Return what the system's calls take for a name: the UTF-8 of it, whatever the locale."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


def from_disk(name: str) -> str:
    """Return the name whose UTF-8 a file has, whatever the locale; bytes that are none become surrogates."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def storable(name: str) -> str:
    """Write a file's name so that it can be stored as UTF-8; only names that are not UTF-8 change."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable(name: str) -> str:
    """Write a name for a terminal: control characters, which could steer it, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def is_text(name: str) -> bool:
    """Check whether a name can be stored as UTF-8: one that was read from a file may hold half a character."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_apple_double(path: str) -> bool:
    """Check whether macOS has put a file beside another one, to keep what other systems have no place for."""
    *folders, name = path.split("/")
    return name.startswith("._") or "__MACOSX" in folders


TWINS = "twins"
ESCAPES = ("", "names", TWINS)
LONGEST_COMPONENT = 255  # bytes, of one name in the usual file systems
LONGEST_STEM = 190  # bytes that are left of a name that is too long, so that endings and a digest find place
FORBIDDEN = '<>:"|?*\\'  # by Windows
DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\..*)?", re.IGNORECASE | re.DOTALL
)


def portability_problems(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find relative paths that some system cannot download or check out, or some loader passes over, and report why."""
    seen: dict[str, str] = {}
    for path in paths:
        reasons = [reason for part in path.split("/") if (reason := _problem(part))]
        twin = _twin(path, seen)
        if twin is not None:
            reasons.append(f"differs from {twin} in case or accents alone, which Windows and macOS take for one name")
        if reasons:
            yield path, reasons[0]


def have_twins(paths: Iterable[str]) -> bool:
    """Check whether relative paths differ in case or accents alone."""
    seen: dict[str, str] = {}
    return any(_twin(path, seen) is not None for path in paths)


def escape_name(path: str, how: str) -> str:
    """Write a relative path without ending so that every system and loader takes it; different paths stay different.

    Parameters
    ----------
    path : str
        What is to be written.
    how : str
        One of `ESCAPES`: "" as it is; "names" with percent escapes where it is no name everywhere; "twins" also with a
        digest behind components with capitals, since others differ from them in case or accents alone.
    """
    return "/".join(_escape(part, twins=how == TWINS) for part in path.split("/")) if how else path


def shorten_name(path: str) -> str:
    """Write a relative path without ending so that no component is too long for the usual file systems."""
    return "/".join(map(_shortened, path.split("/")))


def _problem(part: str) -> str | None:
    """Return why one component of a path is no name everywhere."""
    bad = next((c for c in part if c in FORBIDDEN or not c.isprintable()), None)
    if bad is not None:
        return f"holds {bad!r}, which Windows does not take or terminals do not show"
    if part[-1:] in (".", " "):
        return "ends with a dot or a blank, which Windows drops"
    if DEVICES.fullmatch(part):
        return "is what Windows calls a device"
    if part.startswith((".", "__")):
        return "begins with a dot or two underscores, so that loaders, and of .git git itself, pass over it"
    if len(part.encode("utf-8", "surrogateescape")) > LONGEST_COMPONENT:
        return f"is longer than {LONGEST_COMPONENT} bytes"
    return None


def _twin(path: str, seen: dict[str, str]) -> str | None:
    """Find a path, or a folder on the way to one, that some file systems do not tell from this; remember this one."""
    found = None
    end = len(path)
    while end > 0:
        part = path[:end]
        other = seen.setdefault(_folded(part), part)
        if other != part:
            found = other
        elif other is not part and end < len(path):
            # What leads to a folder that was seen has been seen too.
            break
        end = path.rfind("/", 0, end)
    return found


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _escape(part: str, *, twins: bool) -> str:
    """Write one component with percent escapes where it is no name everywhere, "%" itself included."""
    escaped = "".join(_percent(c) if c in FORBIDDEN + "%" or not c.isprintable() else c for c in part)
    if escaped[-1:] in (".", " "):
        escaped = escaped[:-1] + _percent(escaped[-1])
    if escaped.startswith((".", "__")) or DEVICES.fullmatch(escaped):
        escaped = _percent(escaped[0]) + escaped[1:]
    escaped = _shortened(escaped)
    return escaped + _mark(part) if twins and _folded(part) != part else escaped


def _shortened(part: str) -> str:
    content = part.encode("utf-8", "surrogateescape")
    return content[:LONGEST_STEM].decode("utf-8", "ignore") + _mark(part) if len(content) > LONGEST_STEM else part


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


def _mark(part: str) -> str:
    """Return what tells a name from all that look like it."""
    return "~" + hashlib.sha256(part.encode("utf-8", "surrogateescape")).hexdigest()[:12]
