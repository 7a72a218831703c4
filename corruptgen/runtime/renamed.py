"""Old import paths: modules that 0.1.0 had elsewhere are found under their new names, with a warning."""

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Those that users and plug-ins import.
MOVED = {
    "corruptgen.augmentation": "corruptgen.tables.augmentation",
    "corruptgen.catalog": "corruptgen.tables.catalog",
    "corruptgen.front": "corruptgen.tables.api",
    "corruptgen.hf": "corruptgen.transforms.hf",
    "corruptgen.imaging.codec": "corruptgen.codecs.images",
    "corruptgen.imaging.dicom": "corruptgen.codecs.dicom",
    "corruptgen.imaging.kernels": "corruptgen.ops.kernels",
    "corruptgen.imaging.warp": "corruptgen.ops.warp",
    "corruptgen.metrics.balanced_error": "corruptgen.metrics.class_balance",
    "corruptgen.metrics.effective_robustness": "corruptgen.metrics.accuracy_trend",
}
# The package that had some of them, and is empty now.
EMPTY = "corruptgen.imaging"


class MovedModules(MetaPathFinder, Loader):
    """A finder that imports a moved module from its new place; both names are one module."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return a spec for the old name of a module, None for every other name."""
        if fullname != EMPTY and fullname not in MOVED:
            return None
        return ModuleSpec(fullname, self, is_package=fullname == EMPTY)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Import the module by its new name, and warn about the old one."""
        if spec.name == EMPTY:
            return None
        new = MOVED[spec.name]
        # The caller is above this method and the frames of importlib, which `warnings` leaves out.
        warnings.warn(f"{spec.name} is {new} now; the old name goes with 1.0", DeprecationWarning, stacklevel=2)
        module = importlib.import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module as it is, with the spec of its new name, which importlib has replaced by that of the old."""
        if module.__spec__ and module.__spec__.loader_state:
            module.__spec__ = module.__spec__.loader_state


def find_moved_modules() -> None:
    """Let Python find moved modules by their old names; first of all, since a moved package has a path to search."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.insert(0, MovedModules())
