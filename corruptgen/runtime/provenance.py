"""Provenance: the sources that a module is computed by, its own and those of all it imports, and their digest."""

import hashlib
import marshal
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, resolve_name, spec_from_file_location
from pathlib import Path
from typing import Any

# Text that only looks like an import costs nothing: what it names is no module, or one more that is read. To parse the
# sources of our kernels would take as long as to load numba.
IMPORT = re.compile(
    rb"(?:^|[;:])[ \t]*(?:from[ \t]+(?P<place>[\w.]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|(?:[^\n\\#;]|\\\r?\n)*)"
    rb"|import[ \t]+(?P<modules>(?:[^\n\\#;]|\\\r?\n)+))",
    re.MULTILINE,
)
# What only a type checker imports.
CHECKED_ONLY = re.compile(rb"^if (?:typing\.)?TYPE_CHECKING:\n(?:[ \t]+[^\n]*\n|\n)+", re.MULTILINE)
WORD = re.compile(r"[\w.]+")
# Folders that installers write into.
INSTALLED = frozenset({"site-packages", "dist-packages"})
LARGEST_DATA = 64 * 2**20  # bytes
COMMENT = re.compile(rb"#[^\n]*")


@dataclass(frozen=True)
class Module:
    """One module: the digest of its source, and what the source imports."""

    digest: bytes
    imports: tuple[tuple[str, tuple[str, ...]], ...]
    """Modules, each with the names that are taken out of it."""
    is_package: bool


@dataclass(frozen=True)
class Sources:
    """The sources of modules, each of them read once.

    A process runs the code that it has loaded, whatever becomes of the files: so must their digests.
    """

    read: dict[str, Module | None] = field(default_factory=dict)

    def modules(self, *starts: str, within: Collection[str]) -> dict[str, Module]:
        """Find the modules that some modules import, directly or not, and those themselves.

        Parameters
        ----------
        starts : str
            Names of modules.
        within : collection of str
            The top-level packages or modules that are followed; others are left out.
        """
        found: dict[str, Module] = {}
        waiting = list(starts)
        while waiting:
            name = waiting.pop()
            if name in found or not _is_within(name, within):
                continue
            module = self._module(name)
            if module is None:
                continue
            found[name] = module
            for place, names in module.imports:
                waiting.append(place)
                package = self._module(place) if names and _is_within(place, within) else None
                if package is not None and package.is_package:
                    # What is taken out of a package may be a module of it.
                    waiting += [f"{place}.{taken}" for taken in names]
        return found

    def digest(self, *starts: str, within: Collection[str]) -> str:
        """Compute the sha256 of the sources of all these modules."""
        found = self.modules(*starts, within=within)
        lines = "".join(f"{name} {found[name].digest.hex()}\n" for name in sorted(found))
        return hashlib.sha256(lines.encode()).hexdigest()

    def outside(self, *starts: str, within: Collection[str]) -> set[str]:
        """List the top-level names of what the modules import from elsewhere, Python's own left out."""
        found = self.modules(*starts, within=within).values()
        tops = {_top(place) for module in found for place, _ in module.imports}
        return tops - set(within) - sys.stdlib_module_names

    def kin(self, start: str, *more: str) -> frozenset[str]:
        """List the top-level names that belong to a module's own code, for `within`.

        Those are its own, this package's, `more`, and what it imports that no installer has put into its place.
        """
        kin = frozenset({_top(start), _top(__name__), *more})
        while loose := {name for name in self.outside(start, within=kin) if _is_loose(name)}:
            kin |= loose
        return kin

    def _module(self, name: str) -> Module | None:
        if name not in self.read:
            spec = _spec(name)
            self.read[name] = None if spec is None else _described(spec)
        return self.read[name]


# Those of this process, from when each was first asked for, which is when it is loaded.
LOADED = Sources()


def data_digest(*tops: str) -> str:
    """Compute the sha256 of the files of loaded packages that are no Python: tables of numbers, compiled extensions.

    Of very large files only the size is taken.
    """
    digest = hashlib.sha256()
    for top in sorted(tops):
        for root in sorted(getattr(sys.modules.get(top), "__path__", ())):
            for path in sorted(Path(root).rglob("*")):
                if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts:
                    size = path.stat().st_size
                    content = path.read_bytes() if size <= LARGEST_DATA else str(size).encode()
                    digest.update(f"{top}/{path.relative_to(root).as_posix()} ".encode())
                    digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def version_of(top: str) -> str:
    """Return the version of a package by the name that it is imported by; empty if it says none."""
    found = getattr(sys.modules.get(top), "__version__", None)
    if isinstance(found, str):
        return found
    try:
        return version(top)
    except PackageNotFoundError:
        return ""


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_within(name: str, within: Collection[str]) -> bool:
    return _top(name) in within


def _is_loose(name: str) -> bool:
    """Check whether a top-level module is a file or folder that no installer has put there."""
    spec = _spec(name)
    return spec is not None and spec.has_location and INSTALLED.isdisjoint(Path(spec.origin or "").parts)


def _described(spec: ModuleSpec) -> Module | None:
    """Read a module; None if it has neither a source nor code, such as a package without an `__init__`."""
    source = _source(spec)
    if source is None:
        return None
    # The same file, checked out with the line endings of another system, is the same source.
    text = source.replace(b"\r\n", b"\n")
    is_package = spec.submodule_search_locations is not None
    imports = _imported(CHECKED_ONLY.sub(b"", text), spec.name if is_package else spec.parent or "")
    return Module(hashlib.sha256(text).digest(), tuple(dict.fromkeys(imports)), is_package)


def _imported(source: bytes, package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for match in IMPORT.finditer(source):
        if match["modules"]:
            for part in match["modules"].decode(errors="replace").split(","):
                yield from ((word, ()) for word in WORD.findall(part)[:1])
            continue
        place = match["place"].decode(errors="replace")
        if place.startswith("."):
            try:
                place = resolve_name(place, package)
            except ImportError:
                continue
        parts = COMMENT.sub(b"", match["names"]).decode(errors="replace").strip("()").split(",")
        yield place, tuple(words[0] for part in parts if (words := WORD.findall(part)))


def _spec(name: str) -> ModuleSpec | None:
    loaded = sys.modules.get(name)
    spec, file = getattr(loaded, "__spec__", None), getattr(loaded, "__file__", None)
    if isinstance(spec, ModuleSpec):
        return spec
    try:
        if isinstance(file, str):
            # A script has no spec of its own.
            return spec_from_file_location(name, file)
        return find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None


def _source(spec: ModuleSpec) -> bytes | None:
    """Read the source of a module, or where there is none, what it was compiled to."""
    loader: Any = spec.loader
    try:
        if spec.origin and spec.origin.endswith(".py"):
            return bytes(loader.get_data(spec.origin))
        code = loader.get_code(spec.name)
        return None if code is None else marshal.dumps(code)
    except (OSError, AttributeError, ImportError, SyntaxError):
        return None
