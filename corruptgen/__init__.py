"""corruptgen: corrupted and shifted image benchmarks, faithful, deterministic and fast."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corruptgen.runtime.renamed import find_moved_modules

if TYPE_CHECKING:
    from corruptgen.engine.generation import generate
    from corruptgen.engine.merge import merge
    from corruptgen.tables.api import corrupt, frames, presets, rows
    from corruptgen.tables.catalog import register
    from corruptgen.transforms import Corrupt

__all__ = ["Corrupt", "__version__", "corrupt", "frames", "generate", "merge", "presets", "register", "rows"]
__version__ = "0.1.0"
find_moved_modules()

# Loaded at first use, so that `import corruptgen` costs nothing.
_HOMES = {
    "corrupt": "corruptgen.tables.api",
    "frames": "corruptgen.tables.api",
    "presets": "corruptgen.tables.api",
    "rows": "corruptgen.tables.api",
    "register": "corruptgen.tables.catalog",
    "generate": "corruptgen.engine.generation",
    "merge": "corruptgen.engine.merge",
    "Corrupt": "corruptgen.transforms",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corruptgen' has no attribute {name!r}")
    # Kept, so that this is not asked again.
    globals()[name] = found = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
