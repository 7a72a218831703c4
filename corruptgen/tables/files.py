"""The files of severity tables: those of the package, and those that other packages bring.

A package brings tables by an entry point of the group `corruptgen.tables` that names a package of its own: every TOML
file in it is a table, called like the file. Of two with one name each is called `package:name`; ours keep their names.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import ModuleType

from corruptgen.errors import DeclarationError
from corruptgen.runtime.plugins import plug_ins
from corruptgen.values.toml_text import toml_files

GROUP = "corruptgen.tables"


@lru_cache(maxsize=1)
def built_in_files() -> Mapping[str, Traversable]:
    """Return the tables of the package itself by name."""
    return toml_files(resources.files("corruptgen") / "tables" / "data")


@lru_cache(maxsize=1)
def _brought() -> tuple[Mapping[str, Mapping[str, Traversable]], tuple[str, ...]]:
    """Return what other packages bring, by name and then by package, and in words what cannot be loaded."""
    found: dict[str, dict[str, Traversable]] = defaultdict(dict)
    broken = []
    for plug_in in plug_ins(GROUP):
        try:
            package = plug_in.load()
            if not isinstance(package, ModuleType):
                raise DeclarationError(f"the plug-in {plug_in.full_name} names no package with severity tables")
            for name, file in toml_files(resources.files(package)).items():
                found[name][plug_in.distribution] = file
        except DeclarationError as error:
            broken.append(str(error))
    return found, tuple(broken)


def table_names() -> list[str]:
    """List the tables of the package, then those of other packages."""
    names = []
    for name, places in _brought()[0].items():
        is_unique = len(places) == 1 and name not in built_in_files()
        names += [name] if is_unique else [f"{package}:{name}" for package in places]
    return sorted(built_in_files()) + sorted(names)


def find_table(name: str) -> Traversable | None:
    """Return the file of a table; None if there is none of that name.

    Raises
    ------
    DeclarationError
        If several packages bring one of that name.
    """
    if name in built_in_files():
        return built_in_files()[name]
    package, _, short = name.rpartition(":")
    places = _brought()[0].get(short, {})
    if package:
        return places.get(package)
    if len(places) > 1:
        names = " or ".join(f'"{package}:{name}"' for package in places)
        raise DeclarationError(f"several packages bring a severity table {name!r}; write {names}")
    return next(iter(places.values()), None)


def broken_tables() -> tuple[str, ...]:
    """Name the plug-ins whose tables cannot be found, and why."""
    return _brought()[1]


def forget_tables() -> None:
    """Look for the tables of other packages again: others may be installed now."""
    _brought.cache_clear()
