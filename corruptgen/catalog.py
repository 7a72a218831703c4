"""The catalog: every corruption and every severity table there is; the only door to both."""

import importlib
import pkgutil
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from corruptgen import corruptions as corruptions_package
from corruptgen.addresses import local_path
from corruptgen.declare import Corruption, declaration_of
from corruptgen.errors import DeclarationError, PresetError, UnknownName, unknown
from corruptgen.table import Preset, read
from corruptgen.toml_text import parse_toml

ENTRY_POINTS = "corruptgen.corruptions"


@lru_cache(maxsize=1)
def corruptions() -> Mapping[str, Corruption]:
    """Give every declared corruption by name: ours, and those of installed packages.

    A package adds its own through the entry point group `corruptgen.corruptions`; each entry names a module, of which
    all that is declared is added, or one declared function.

    Raises
    ------
    DeclarationError
        If two corruptions have one name.
    """
    found: dict[str, Corruption] = {}
    for declared in (*_built_in(), *_from_entry_points()):
        twin = found.get(declared.name)
        if twin is not None and twin.function is not declared.function:
            places = f"{twin.function.__module__} and {declared.function.__module__}"
            raise DeclarationError(f"two corruptions are called {declared.name!r}, in {places}; rename one")
        found[declared.name] = declared
    return MappingProxyType(found)


def corruption(name: str) -> Corruption:
    """Give the corruption of that name, or raise `UnknownName` with the nearest one."""
    if name not in corruptions():
        raise UnknownName(unknown("corruption", name, corruptions()))
    return corruptions()[name]


def preset_names() -> list[str]:
    """List the built-in severity tables."""
    return sorted(_tables())


@lru_cache(maxsize=64)
def preset(name: str) -> Preset:
    """Give a severity table: a built-in one by its name, or the user's own by the path of its .toml file.

    Raises
    ------
    UnknownName
        If there is no such table.
    PresetError
        If the file cannot be read or does not fit its functions.
    """
    if name in _tables():
        return read(name, tomllib.loads(_tables()[name].read_text("utf-8")), corruption)
    path = local_path(name, "the severity table", PresetError)
    if path.suffix != ".toml":
        raise UnknownName(unknown("preset", name, preset_names()) + "; a table of your own is named by its .toml path")
    try:
        content = parse_toml(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PresetError(f"{path.name}: cannot read this severity table: {_reason(error)}") from error
    return read(path.stem, content, corruption)


def preset_from(name: str, content: Mapping[str, Any]) -> Preset:
    """Make a preset again of what a manifest recorded of it."""
    return read(name, content, corruption)


def _built_in() -> Iterator[Corruption]:
    prefix = corruptions_package.__name__ + "."
    for module in pkgutil.walk_packages(corruptions_package.__path__, prefix):
        if not module.ispkg:
            yield from _declared_in(importlib.import_module(module.name))


def _from_entry_points() -> Iterator[Corruption]:
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        thing = entry.load()
        declared = declaration_of(thing)
        yield from [declared] if declared else _declared_in(thing)


def _declared_in(module: Any) -> Iterator[Corruption]:
    for thing in vars(module).values():
        declared = declaration_of(thing)
        if declared and declared.function.__module__ == module.__name__:
            yield declared


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Traversable]:
    return MappingProxyType(dict(_tables_below(resources.files("corruptgen") / "tables" / "data", "")))


def _tables_below(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _tables_below(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".toml"):
            yield prefix + entry.name.removesuffix(".toml"), entry


def _reason(error: Exception) -> str:
    """Say what went wrong without the path: messages may travel into logs and manifests."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
