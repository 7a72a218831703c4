"""Optional packages: loaded where they are used, and named with the extra that installs them where they are missing."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, TypeVar

from corruptgen.errors import MissingPackage

# The extra of pyproject.toml that brings each top-level module, and what pip calls it where that is another name.
EXTRAS: Mapping[str, str] = {
    "albumentations": "albumentations",
    "av": "video",
    "datasets": "hub",
    "distributed": "dask",
    "fsspec": "remote",
    "huggingface_hub": "hub",
    "imagecodecs": "medical",
    "matplotlib": "plot",
    "nibabel": "medical",
    "pyarrow": "hub",
    "pydicom": "medical",
    "ray": "ray",
    "skimage": "demo",
    "tifffile": "medical",
    "torch": "torch",
    "yaml": "hub",
}
F = TypeVar("F", bound=Callable[..., Any])
DISTRIBUTIONS: Mapping[str, str] = {"skimage": "scikit-image", "yaml": "PyYAML"}


def need(module: str, purpose: str, advice: str = "") -> ModuleType:
    """Import an optional module.

    Parameters
    ----------
    module : str
        Its full name; the first part is a key of `EXTRAS`.
    purpose : str
        What needs it, as the subject of a sentence.
    advice : str, default ""
        What to do instead of installing it, as the end of a sentence.

    Raises
    ------
    MissingPackage
        If it cannot be imported; the message names the extra to install.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackage(missing(purpose, [module.partition(".")[0]], advice)) from error


def computed_by(package: str) -> Callable[[F], F]:
    """Declare that the pixels of a corruption depend on an optional package, whose version builds record."""

    def noted(function: F) -> F:
        function.package = package  # type: ignore[attr-defined]  # functions carry their declarations
        return function

    return noted


def missing(purpose: str, packages: Sequence[str], advice: str = "") -> str:
    """Word the message for optional packages that are not installed."""
    names = [DISTRIBUTIONS.get(package, package) for package in packages]
    extras = sorted({EXTRAS[package] for package in packages if package in EXTRAS})
    others = [DISTRIBUTIONS.get(package, package) for package in packages if package not in EXTRAS]
    wanted = [*([f"'corruptgen[{','.join(extras)}]'"] if extras else []), *others]
    command = f"pip install {' '.join(wanted)}"
    return f"{purpose} needs {' and '.join(names)}: {command}{f', or {advice}' if advice else ''}"


def is_installed(package: str) -> bool:
    """Check whether a package can be found, without importing it."""
    try:
        return find_spec(package) is not None
    except ValueError:
        # A module that was put into `sys.modules` by hand has no spec.
        return False
