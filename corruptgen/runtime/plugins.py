"""Registries: what modules of the package, and installed packages by entry points, declare of one kind."""

import pkgutil
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module, metadata
from typing import Protocol, TypeVar

from corruptgen.errors import DeclarationError, UnknownName, unknown

OURS = "corruptgen"
LONGEST_REASON = 200  # characters of what a broken plug-in has raised


class Named(Protocol):
    """A declaration."""

    @property
    def name(self) -> str:
        """What users write."""


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class PlugIn:
    """An entry point of an installed package."""

    entry: metadata.EntryPoint

    @property
    def name(self) -> str:
        """What it adds; users write this name."""
        return self.entry.name

    @property
    def distribution(self) -> str:
        """The package that brings it."""
        return self.entry.module.partition(".")[0] if self.entry.dist is None else self.entry.dist.name

    @property
    def version(self) -> str:
        """That of the package."""
        return "" if self.entry.dist is None else self.entry.dist.version

    @property
    def place(self) -> str:
        """The package and its version."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def full_name(self) -> str:
        """The name that no other package's entry has."""
        return f"{self.distribution}:{self.name}"

    def load(self) -> object:
        """Import what it names.

        Raises
        ------
        DeclarationError
            If that fails, whatever the package's code raises.
        """
        try:
            return self.entry.load()
        # It is not our code: whatever it raises must not stop what does not need it.
        except (Exception, SystemExit) as error:
            reason = "".join(f"{type(error).__name__}: {error}".splitlines()[:1])[:LONGEST_REASON]
            raise DeclarationError(f"the plug-in {self.name} of {self.place} cannot be loaded ({reason})") from error


def plug_ins(group: str) -> list[PlugIn]:
    """List the entry points of a group, sorted by name and package."""
    return sorted(map(PlugIn, metadata.entry_points(group=group)), key=lambda found: (found.name, found.distribution))


def listed_names(built_in: list[str], found: list[PlugIn]) -> dict[str, PlugIn]:
    """Return plug-ins by what users write: the name, or `package:name` where several things have that name."""
    names = [*built_in, *(plug_in.name for plug_in in found)]
    return {p.full_name if names.count(p.name) > 1 else p.name: p for p in found}


def matching(name: str, found: list[PlugIn], word: str) -> PlugIn | None:
    """Return the plug-in that a user means; None if there is none.

    Raises
    ------
    DeclarationError
        If several packages bring one of that name.
    """
    package, _, short = name.rpartition(":")
    chosen = [p for p in found if p.name == short and package in ("", p.distribution, _normal(p.distribution))]
    if len(chosen) > 1:
        names = " or ".join(f'"{plug_in.full_name}"' for plug_in in chosen)
        raise DeclarationError(f"several packages bring a {word} {name!r}; write {names}")
    return chosen[0] if chosen else None


class Registry(Mapping[str, T]):
    """The declarations of one kind by name.

    Those of the package itself are found by a walk through the modules of one of its rooms. Another package adds one by
    an entry point of the same name as the declaration; it is loaded when it is asked for, so that a broken one stops
    nothing else. Of two with one name each is called `package:name`; what the package itself declares keeps its name.

    Parameters
    ----------
    room : str
        The package whose modules are walked through.
    kind : type
        The class of the declarations.
    word : str
        What one of them is called in messages.
    usual : str, default ""
        The name that is listed first.
    group : str, default ""
        Group of the entry points; empty: called like the room.
    """

    def __init__(self, room: str, kind: type[T], word: str, usual: str = "", group: str = "") -> None:
        self.room = room
        self.group = group or room
        self.kind = kind
        self.word = word
        self.usual = usual

    @cached_property
    def built_in(self) -> dict[str, T]:
        """The declarations of the package itself by name."""
        found: dict[str, T] = {}
        for module in pkgutil.iter_modules(import_module(self.room).__path__, f"{self.room}."):
            for declared in self._declared_in(import_module(module.name)):
                found[declared.name] = declared

        def place(name: str) -> tuple[bool, int, str]:
            return name != self.usual, getattr(found[name], "place", 0), name

        return {name: found[name] for name in sorted(found, key=place)}

    @cached_property
    def plug_ins(self) -> list[PlugIn]:
        """What other packages add, not loaded."""
        return plug_ins(self.group)

    @cached_property
    def _loaded(self) -> dict[str, T]:
        return {}

    def plug_in_names(self) -> dict[str, PlugIn]:
        """Return the plug-ins by what users write; they are not loaded for it."""
        return listed_names(list(self.built_in), self.plug_ins)

    def names(self) -> list[str]:
        """List what users may write: the package's own, then those of plug-ins."""
        return [*self.built_in, *self.plug_in_names()]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __getitem__(self, name: str) -> T:
        return self.find(name)

    def loadable(self) -> dict[str, T]:
        """Return all declarations but those of plug-ins that cannot be loaded."""
        found = dict(self.built_in)
        for name in self.plug_in_names():
            with suppress(DeclarationError):
                found[name] = self.find(name)
        return found

    def find(self, name: str) -> T:
        """Return the declaration of a name.

        Raises
        ------
        UnknownName
            If there is none; the message has the nearest name.
        DeclarationError
            If several packages bring one of that name, or its package cannot be loaded.
        """
        if name in self.built_in:
            return self.built_in[name]
        plug_in = matching(name, self.plug_ins, self.word)
        if plug_in is None:
            raise UnknownName(unknown(self.word, name, self.names()))
        if plug_in.full_name not in self._loaded:
            self._loaded[plug_in.full_name] = self._declared_by(plug_in)
        return self._loaded[plug_in.full_name]

    def origin(self, name: str) -> PlugIn | None:
        """Return the plug-in that declares a name; None of what the package itself declares or nothing does."""
        return None if name in self.built_in else matching(name, self.plug_ins, self.word)

    def forget(self) -> None:
        """Look for plug-ins again: others may be installed now."""
        for name in ("plug_ins", "_loaded"):
            self.__dict__.pop(name, None)

    def _declared_by(self, plug_in: PlugIn) -> T:
        thing = plug_in.load()
        declared = [thing] if isinstance(thing, self.kind) else list(self._declared_in(thing))
        for one in declared:
            if one.name == plug_in.name:
                return one
        raise DeclarationError(
            f"the plug-in {plug_in.name} of {plug_in.place} declares no {self.word} "
            f"{plug_in.name!r}; its entry point must have the name of the declaration"
        )

    def _declared_in(self, module: object) -> Iterator[T]:
        for thing in getattr(module, "__dict__", {}).values():
            for one in thing if isinstance(thing, tuple) else (thing,):
                if isinstance(one, self.kind):
                    yield one


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
