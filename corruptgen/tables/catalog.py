"""The catalog: every corruption and every severity table there is; the only door to both."""

import hashlib
import importlib
import importlib.util
import pickle
import pkgutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import metadata
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

import cloudpickle

from corruptgen import __version__
from corruptgen import corruptions as corruptions_package
from corruptgen.declare import Corruption, declaration_of, fused_path_of
from corruptgen.declare import corruption as declare
from corruptgen.errors import CorruptgenError, DeclarationError, PresetError, UnknownName, describe_error, unknown
from corruptgen.runtime.interactive import code_digest
from corruptgen.runtime.provenance import LOADED, data_digest, version_of
from corruptgen.tables.cell import Cell
from corruptgen.tables.files import broken_tables, built_in_files, find_table, table_names
from corruptgen.tables.table import DECIDING, Preset, read_table
from corruptgen.tables.table_keys import outdated_keys
from corruptgen.values.addresses import local_path
from corruptgen.values.arguments import text_value
from corruptgen.values.toml_text import parse_toml

ENTRY_POINTS = "corruptgen.corruptions"
OURS = "corruptgen"
FAST_PATHS = "corruptgen.fast"
LONGEST_REASON = 200  # characters of what a broken plug-in has raised

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Origin:
    """What a corruption is computed by."""

    distribution: str
    """The installed package that brings it; empty: it was registered by hand."""
    version: str
    source: str
    """The sha256 of the sources of its module and of all modules of its own that this imports."""
    uses: Mapping[str, str] = field(default_factory=dict)
    """The versions of the other packages that a plug-in imports, by their top-level names."""


@dataclass(frozen=True)
class Distribution:
    """An installed package that brings corruptions."""

    name: str
    version: str
    tops: frozenset[str]
    """The top-level names of its modules, where its installer has written them down."""

    @classmethod
    def of(cls, entry: metadata.EntryPoint) -> "Distribution":
        """Return that of an entry point."""
        if entry.dist is None:
            return cls(entry.module.partition(".")[0], "", frozenset())
        files = (file.parts[0] for file in entry.dist.files or () if file.suffix == ".py" and file.parts[0] != "..")
        return cls(entry.dist.name, entry.dist.version, frozenset(top.removesuffix(".py") for top in files))

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()

    def read(self, declared: Corruption) -> frozenset[str]:
        """Read the sources of a corruption of this package, now that they have just been loaded.

        Returns
        -------
        frozenset of str
            The top-level names of its own modules.
        """
        modules = _modules_of(declared)
        within = frozenset({OURS}) if self is BUILT_IN else LOADED.kin(modules[0], *self.tops)
        LOADED.modules(*modules, within=within)
        return within

    def origin(self, declared: Corruption) -> Origin:
        """Find out what computes a corruption of this package."""
        modules, within = _modules_of(declared), self.read(declared)
        digest = LOADED.digest(*modules, within=within)
        if self is BUILT_IN:
            return Origin(self.name, self.version, digest)
        outside = LOADED.outside(*modules, within=within)
        data = data_digest(*(self.tops | {_modules_of(declared)[0].partition(".")[0]}))
        source = hashlib.sha256(f"{digest} {data}".encode()).hexdigest()
        return Origin(self.name, self.version, source, {name: version_of(name) for name in sorted(outside)})


BUILT_IN = Distribution(OURS, __version__, frozenset({OURS}))


@dataclass(frozen=True)
class _Installed:
    """What was found when the catalog was first asked."""

    corruptions: Mapping[str, Corruption]
    distributions: Mapping[str, Distribution]
    """Who brings each of them."""
    broken: tuple[str, ...]
    """The plug-ins that cannot be loaded, in words."""
    clashes: Mapping[str, str]
    """What is wrong with names that two packages use."""


@dataclass(frozen=True)
class Registered:
    """A corruption that was registered by hand; it travels to workers."""

    corruption: Corruption
    origin: Origin

    def __reduce__(self) -> tuple[Any, ...]:
        # By value: another process may not find the module, which a notebook does not have.
        return _unpickled, (cloudpickle.dumps((self.corruption, self.origin)),)


def _unpickled(content: bytes) -> Registered:
    # The parent process wrote it, as it did the pickle around it.
    return Registered(*pickle.loads(content))  # noqa: S301


_registered: dict[str, Registered] = {}
# Rises with every change of `_registered`: what was read before may call functions that are replaced.
_state = {"generation": 0}


def corruptions() -> Mapping[str, Corruption]:
    """Return every declared corruption by name: ours, those of installed packages and those registered by hand.

    A package adds its own through the entry point group `corruptgen.corruptions`; each entry names a module, of which
    all that is declared is added, or one declared function. Of two packages' with one name each is called
    `package:name`; ours keep their names. A package that cannot be loaded adds nothing, and is named when a corruption
    is missing.

    Returns
    -------
    mapping of str to Corruption
        The corruptions, by name.

    Raises
    ------
    DeclarationError
        If two of our own corruptions have one name.

    Examples
    --------
    >>> corruptions()["gaussian_noise"].family
    'noise'
    """
    by_hand = {name: entry.corruption for name, entry in _registered.items()}
    return MappingProxyType({**_installed().corruptions, **by_hand})


def find_corruption(name: str) -> Corruption:
    """Return the corruption of that name.

    Parameters
    ----------
    name : str
        Name of a declared corruption.

    Returns
    -------
    Corruption
        The function, and what its declaration says about it.

    Raises
    ------
    UnknownName
        If there is none; the message has the nearest name, and the plug-ins that cannot be loaded.
    DeclarationError
        If two packages bring one of that name; the message states what each of them is called.

    Examples
    --------
    >>> find_corruption("gaussian_noise").summary
    'Add independent normal noise to every value, as a sensor does in poor light.'
    """
    installed = _installed()
    if name in installed.clashes:
        raise DeclarationError(installed.clashes[name])
    if name in _registered:
        return _registered[name].corruption
    if name not in installed.corruptions:
        raise UnknownName("; ".join([unknown("corruption", name, corruptions()), *installed.broken]))
    return installed.corruptions[name]


def broken_plugins() -> tuple[str, ...]:
    """Name the plug-ins that cannot be loaded, and why."""
    return _installed().broken


def origin(name: str) -> Origin:
    """Return what computes the corruption of that name; raises what `find_corruption` does.

    Parameters
    ----------
    name : str
        Name of a declared corruption.

    Returns
    -------
    Origin
        Its distribution and the digest of its source.

    Examples
    --------
    >>> origin("gaussian_noise").distribution
    'corruptgen'
    """
    find_corruption(name)
    return _registered[name].origin if name in _registered else _origin(name)


def register(function: F) -> F:
    """Add a corruption of a notebook or script to the catalog, for the severity tables of this process.

    Builds record the digest of its source: of its text, and of the functions and values that it uses. To register a
    changed function of the same name replaces the earlier one.

    Parameters
    ----------
    function : F
        A corruption as `corruptgen.declare.corruption` wants it; it is declared if it is not yet.

    Returns
    -------
    F
        The function, so that this can be a decorator.

    Raises
    ------
    DeclarationError
        If it does not look like a corruption, an installed one has its name, or its source cannot be read.

    Examples
    --------
    >>> from corruptgen.declare import Unit
    >>> @register
    ... def halve(image: Unit, *, factor: float) -> Unit:
    ...     '''Multiply every value.'''
    ...     return factor * image
    >>> origin("halve").distribution
    ''
    """
    declared = declaration_of(function) or declaration_of(declare(function))
    if declared is None or declared.function is not function:
        raise DeclarationError(f"{function!r} is no corruption; pass the function that was declared")
    if declared.name in _installed().corruptions or declared.name in _installed().clashes:
        raise DeclarationError(f"an installed package has a corruption {declared.name!r} already; rename yours")
    _add(Registered(declared, Origin("", "", code_digest(function))))
    return function


def registered(preset: Preset, rows: Iterable[str]) -> tuple[Registered, ...]:
    """Return the corruptions of some rows that were registered by hand, for `adopt` in a worker."""
    names = {level.corruption.name for row in rows for level in preset.row(row).uses}
    return tuple(_registered[name] for name in sorted(names) if name in _registered)


def adopt(entries: Iterable[Registered]) -> None:
    """Register what another process has registered, with the origin that was found there."""
    for entry in entries:
        known = _registered.get(entry.corruption.name)
        if known is None or known.origin != entry.origin:
            _add(entry)


def generation() -> int:
    """Return a number that changes when a corruption is registered; part of the key of whatever caches tables."""
    return _state["generation"]


def _add(entry: Registered) -> None:
    _registered[entry.corruption.name] = entry
    _state["generation"] += 1


def preset_names() -> list[str]:
    """List the severity tables: the built-in ones, then those of installed packages.

    Returns
    -------
    list of str
        Their names.

    Examples
    --------
    >>> "natural" in preset_names()
    True
    """
    return table_names()


def readable_presets() -> list[Preset]:
    """Read the severity tables that `preset_names` lists; those of other packages that cannot be read are left out."""
    found = []
    for name in preset_names():
        try:
            found.append(preset(name))
        except CorruptgenError:
            if name in built_in_files():
                raise
    return found


def preset(name: str) -> Preset:
    """Return a severity table: a built-in one by its name, or the user's own by the path of its .toml file.

    Parameters
    ----------
    name : str
        A built-in severity table, as `preset_names()` lists them, or the path of a .toml of your own.

    Returns
    -------
    Preset
        The table.

    Raises
    ------
    UnknownName
        If there is no such table.
    PresetError
        If the file cannot be read or does not fit its functions.

    Examples
    --------
    >>> preset("cifar-c").rows["fog"].levels[0].corruption.name
    'fog'
    """
    return _read(*_text(name), generation())


def cell(preset: str, row: str, severity: float) -> Cell:
    """Return a row of a severity table at a severity; raises what `preset` and `Preset.cell` do.

    Parameters
    ----------
    preset : str
        A built-in severity table, or the path of a .toml of your own.
    row : str
        A row of it.
    severity : float
        0 is the clean image; numbers between levels are allowed.

    Returns
    -------
    Cell
        The row at the severity.

    Examples
    --------
    >>> cell("natural", "gaussian_noise", 3).is_geometric
    False
    """
    return _cell(*_text(preset), generation(), row, severity)


def preset_from(name: str, content: Mapping[str, Any]) -> Preset:
    """Rebuild a preset from what a manifest recorded of it."""
    return read_table(name, content, find_corruption)


def _text(name: str) -> tuple[str, bytes]:
    """Read the file of a table, every time: one of the user's own may have been edited."""
    if name in built_in_files():
        return name, _built_in_text(name)
    if file := find_table(name):
        return name, file.read_bytes()
    path = local_path(name, "the severity table", PresetError)
    if path.suffix != ".toml":
        advice = "a table of your own is named by its .toml path"
        raise UnknownName("; ".join([unknown("preset", name, preset_names()), advice, *broken_tables()]))
    try:
        return path.stem, path.read_bytes()
    except (OSError, ValueError) as error:
        raise PresetError(f"{path.name}: cannot read this severity table: {describe_error(error)}") from error


@lru_cache(maxsize=64)
def _read(name: str, text: bytes, generation: int) -> Preset:
    """Read a table; the generation is part of the key."""
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise PresetError(f"{name}.toml: cannot read this severity table: {error}") from error
    if outdated := outdated_keys(content):
        names = ", ".join(f"{old} is {new}" for old, new in outdated.items())
        warnings.warn(f"{name}.toml: keys of rows have new names: {names}", DeprecationWarning, stacklevel=2)
    return read_table(name, embed_tables(name, content), find_corruption)


def embed_tables(place: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Put the rows of other tables that steps name beside those steps, so that a table says all that decides pixels.

    Raises
    ------
    PresetError
        If there is no such table or row.
    """
    embedded = dict(content)
    for row, columns in content.items():
        if isinstance(columns, dict) and isinstance(columns.get("steps"), list):
            embedded[row] = {**columns, "steps": _embedded(f"{place} [{row}]", columns["steps"])}
    return embedded


def _embedded(place: str, steps: Any) -> Any:
    if isinstance(steps, list):
        return [_embedded(place, step) for step in steps]
    if not isinstance(steps, dict) or "preset" not in steps or "table" in steps:
        return steps
    try:
        table = preset(text_value("preset", steps["preset"]))
        row = table.row(str(steps.get("row"))).name
    except CorruptgenError as error:
        raise PresetError(f"{place} steps: {error}") from error
    header = {key: value for key, value in table.content["preset"].items() if key in DECIDING - {"groups"}}
    return {**steps, "preset": table.name, "table": {"preset": header, row: table.content[row]}}


@lru_cache(maxsize=4096)
def _cell(name: str, text: bytes, generation: int, row: str, severity: float) -> Cell:
    return _read(name, text, generation).cell(row, severity)


@lru_cache(maxsize=64)
def _built_in_text(name: str) -> bytes:
    return built_in_files()[name].read_bytes()


@lru_cache(maxsize=1)
def _installed() -> _Installed:
    found: dict[str, Corruption] = {}
    distributions: dict[str, Distribution] = {}
    for declared in _built_in():
        if declared.name in found:
            raise DeclarationError(_clash(found[declared.name], declared))
        found[declared.name], distributions[declared.name] = declared, BUILT_IN
    broken: list[str] = []
    brought: dict[str, dict[str, tuple[Corruption, Distribution]]] = {}
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        distribution = Distribution.of(entry)
        try:
            corruptions = _brought_by(entry)
        # It is not our code: whatever it raises must not stop what does not need it.
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:LONGEST_REASON]
            broken.append(f"the plug-in {entry.name} of {distribution} cannot be loaded ({reason})")
            continue
        for declared in corruptions:
            full_name, ours = f"{distribution.name}:{declared.name}", found.get(declared.name)
            if ours is None or ours.function is not declared.function:
                brought.setdefault(declared.name, {})[full_name] = declared, distribution
    clashes = {}
    for name, by_package in brought.items():
        is_alone = len(by_package) == 1 and name not in found
        for full_name, (declared, distribution) in by_package.items():
            called = name if is_alone else full_name
            found[called], distributions[called] = replace(declared, name=called), distribution
        if name not in found:
            named = " or ".join(f'"{full_name}"' for full_name in sorted(by_package))
            clashes[name] = f"several packages bring a corruption {name!r}; write {named}"
    for name, declared in found.items():
        distributions[name].read(declared)
    return _Installed(found, distributions, tuple(broken), clashes)


@lru_cache(maxsize=1024)
def _origin(name: str) -> Origin:
    return _installed().distributions[name].origin(_installed().corruptions[name])


def _built_in() -> Iterator[Corruption]:
    for module in _modules_below(corruptions_package):
        yield from _declared_in(module)
    # Fast paths declare themselves. Nothing but this line knows of them, and without their folder every formula stands.
    if importlib.util.find_spec(FAST_PATHS) is not None:
        for _ in _modules_below(importlib.import_module(FAST_PATHS)):
            pass


def _modules_below(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.ispkg:
            yield importlib.import_module(module.name)


def _brought_by(entry: metadata.EntryPoint) -> list[Corruption]:
    thing = entry.load()
    declared = declaration_of(thing)
    return [declared] if declared else list(_declared_in(thing))


def _clash(one: Corruption, other: Corruption) -> str:
    places = f"{one.function.__module__} and {other.function.__module__}"
    return f"two corruptions are called {one.name!r}, in {places}; rename one"


def _modules_of(declared: Corruption) -> list[str]:
    """Name the modules that a corruption and its fast path are written in."""
    fast = fused_path_of(declared.function)
    return list(dict.fromkeys([declared.function.__module__, *([fast.__module__] if fast else [])]))


def _declared_in(module: Any) -> Iterator[Corruption]:
    for thing in vars(module).values():
        declared = declaration_of(thing)
        if declared and declared.function.__module__ == module.__name__:
            yield declared
