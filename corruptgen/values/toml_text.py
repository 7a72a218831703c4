"""TOML as people's editors write it: with a byte-order mark, with paths of Windows."""

import re
import tomllib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from importlib.resources.abc import Traversable
from typing import Any

ENDING = ".toml"
_LINE = re.compile(r"at line (\d+)")
BACKSLASH = "a backslash in \"...\" begins an escape: write a path between '...', or with / in place of it"


def parse_toml(content: bytes) -> dict[str, Any]:
    """Read the bytes of a TOML file.

    Raises
    ------
    ValueError
        If it is none; the message states what to write.
    """
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise ValueError("this is text in UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"this is not text in UTF-8 (byte {error.start}); save it as UTF-8") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        # What comes after a broken escape may be what the parser complains about.
        found = text.split("\n")[: int(line[1])][-1] if line else ""
        advice = f"; {BACKSLASH}" if "\\" in found else ""
        raise ValueError(f"this is not TOML: {error}{advice}") from error


def toml_files(folder: Traversable, prefix: str = "") -> dict[str, Traversable]:
    """Find the TOML files below a folder, by their names relative to it without the ending, sorted.

    Examples
    --------
    >>> from importlib import resources
    >>> [name for name in toml_files(resources.files("corruptgen") / "tables") if name == "data/cifar-c"]
    ['data/cifar-c']
    """
    found: dict[str, Traversable] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= toml_files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(ENDING):
            found[prefix + entry.name.removesuffix(ENDING)] = entry
    return {name: found[name] for name in sorted(found)}
